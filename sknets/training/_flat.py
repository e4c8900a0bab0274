"""All trainable parameters of a module as one vector."""

import math

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
    dimensions: weight matrices, kernels, centres), the rest (intercepts, slopes, normalisation, and
    all of a module that has `is_activation`) follows; loading a state dict into the module writes
    through to `theta`. Matrices lie row by row, as equations read them, also those that have lain
    transposed. Kernels keep their memory format: those that lie channels-last still do.

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
        shapes = [m for m in module.modules() if "is_activation" in vars(m)]
        of_shapes = {id(p) for activation in shapes for p in activation.parameters()}
        is_weight = [p.dim() >= 2 and id(p) not in of_shapes for p in everything]
        weights = [p for p, penalised in zip(everything, is_weight, strict=True) if penalised]
        others = [p for p, penalised in zip(everything, is_weight, strict=True) if not penalised]
        self._parameters = weights + others
        self._strides = [tuple(_dense_strides(p)) for p in self._parameters]
        values = torch.cat(
            [_as_stored(p, s) for p, s in zip(self._parameters, self._strides, strict=True)]
        )

        self.n_weights = sum(p.numel() for p in weights)
        self.theta = nn.Parameter(values)
        self.values = self.theta.detach()
        self.grad = self.theta.grad = torch.zeros_like(values)
        self.weights = self.values[: self.n_weights]
        self.weight_grad = self.grad[: self.n_weights]
        self.bind()

    def bind(self):
        """Make the parameters of the module views into this vector (again)."""
        start = 0
        for parameter, strides in zip(self._parameters, self._strides, strict=True):
            # from the beginning of the storage, where rows of a stack are not
            at, grad_at = (v.storage_offset() + start for v in (self.values, self.grad))
            parameter.data = self.values.as_strided(parameter.shape, strides, at)
            parameter.grad = self.grad.as_strided(parameter.shape, strides, grad_at)
            start += parameter.numel()

    def is_bound(self):
        """Whether parameters still are views into this vector, and nobody hooks into their gradients."""
        start, size = self.values.data_ptr(), self.values.element_size()
        for parameter, strides in zip(self._parameters, self._strides, strict=True):
            lies_there = parameter.data_ptr() == start and parameter.stride() == strides
            if not lies_there or parameter._backward_hooks:
                return False
            start += parameter.numel() * size
        return True

    @property
    def is_as_made(self):
        """Whether all parameters learn, with gradients that are views into this vector's."""
        start, size = self.grad.data_ptr(), self.grad.element_size()
        for parameter in self._parameters:
            grad = parameter.grad
            if grad is None or grad.data_ptr() != start or not parameter.requires_grad:
                return False
            start += parameter.numel() * size
        return True

    def places(self):
        """Return the slice of each parameter by its `id`."""
        places, start = {}, 0
        for parameter in self._parameters:
            places[id(parameter)] = slice(start, start + parameter.numel())
            start += parameter.numel()
        return places

    def parameters_of(self, module, theta):
        """Return, by name, what the parameters of the module are in another vector, as views of it."""
        places = self.places()
        strides = {id(p): s for p, s in zip(self._parameters, self._strides, strict=True)}
        parameters = {}
        for name, parameter in module.named_parameters():
            axes = sorted(range(parameter.dim()), key=lambda axis: -strides[id(parameter)][axis])
            stored = theta[places[id(parameter)]].view([parameter.shape[axis] for axis in axes])
            parameters[name] = stored.permute([axes.index(axis) for axis in range(len(axes))])
        return parameters

    def move_to(self, values, grad):
        """Lie in other vectors from now on, which take over the values."""
        values.copy_(self.values)
        self.theta.data = values
        self.theta.grad = grad
        self.values, self.grad = self.theta.detach(), grad
        self.weights, self.weight_grad = values[: self.n_weights], grad[: self.n_weights]
        self.bind()

    def frozen(self):
        """Return the slices of the vector that are frozen now, neighbours as one."""
        slices, start = [], 0
        for parameter in self._parameters:
            stop = start + parameter.numel()
            if not parameter.requires_grad:
                if slices and slices[-1].stop == start:
                    start = slices.pop().start
                slices.append(slice(start, stop))
            start = stop
        return slices

    @property
    def reach(self):
        """The largest size of a parameter; NaN if one of them is."""
        if self.values.device.type == "cpu":  # where NumPy answers several times as fast
            values = self.values.numpy()
            return float(max(values.max(), -values.min()))
        return float(self.values.abs().max())

    def is_finite(self):
        """Whether no parameter is NaN or infinite."""
        return math.isfinite(self.reach)


def _dense_strides(parameter):
    """Return strides that fill memory without gaps, in the order in which a kernel lies."""
    strides = [0] * parameter.dim()
    step = 1
    axes = range(parameter.dim() - 1, -1, -1)  # of equal strides, the last axis is the innermost
    for axis in axes if parameter.dim() == 2 else sorted(axes, key=parameter.stride):
        strides[axis] = step
        step *= parameter.shape[axis]
    return strides


def _as_stored(parameter, strides):
    stored = torch.empty(parameter.numel(), dtype=parameter.dtype, device=parameter.device)
    stored.as_strided(parameter.shape, strides).copy_(parameter.detach())
    return stored
