"""All trainable parameters of a module as one vector."""

import torch
from torch import nn


class FlatParameters:
    """The parameters of a module, laid out in one vector with one gradient beside it.

    Every parameter of the module becomes a view into `theta`, every gradient a view into
    `theta.grad`. What a solver, a penalty, an average or a snapshot does is then one
    operation on one vector, however many layers there are.

    Frozen parameters (``requires_grad=False``) lie in the vector and stay as they are, also when they
    are frozen or released in the middle of training.

    Guarantees: `theta[:n_weights]` holds the penalised parameters (those with two or more
    dimensions: weight matrices, kernels, centres), the rest (intercepts, slopes,
    normalisation) follows; loading a state dict into the module writes through to `theta`.

    Parameters
    ----------
    module : torch.nn.Module
        A module on its final device and in its final dtype.

    Attributes
    ----------
    theta : torch.nn.Parameter
        The vector, as a solver takes it.
    values, grad : torch.Tensor
        The vector outside autograd (writing into it changes the module) and its gradient.
    weights, weight_grad : torch.Tensor
        The penalised part of both.

    Raises
    ------
    ValueError
        If the module has nothing to train.
    """

    def __init__(self, module):
        everything = list(module.parameters())
        if not any(p.requires_grad for p in everything):
            raise ValueError(
                f"{type(getattr(module, 'module', module)).__name__} has no trainable parameter, so "
                "there is nothing to fit."
            )
        weights = [p for p in everything if p.dim() >= 2]
        others = [p for p in everything if p.dim() < 2]
        values = torch.cat([p.detach().reshape(-1) for p in weights + others])

        self.n_weights = sum(p.numel() for p in weights)
        self.theta = nn.Parameter(values)
        self.values = self.theta.detach()
        self.grad = self.theta.grad = torch.zeros_like(values)
        self.weights = self.values[: self.n_weights]
        self.weight_grad = self.grad[: self.n_weights]
        self._parameters = weights + others
        self.bind()

    def bind(self):
        """Make the parameters of the module views into this vector (again)."""
        start = 0
        for parameter in self._parameters:
            stop = start + parameter.numel()
            parameter.data = self.values[start:stop].view(parameter.shape)
            parameter.grad = self.grad[start:stop].view(parameter.shape)
            start = stop

    def frozen(self):
        """Return the slices of the vector that are frozen now."""
        slices, start = [], 0
        for parameter in self._parameters:
            stop = start + parameter.numel()
            if not parameter.requires_grad:
                slices.append(slice(start, stop))
            start = stop
        return slices

    def is_finite(self):
        """Whether no parameter is NaN or infinite."""
        return bool(torch.isfinite(self.values).all())
