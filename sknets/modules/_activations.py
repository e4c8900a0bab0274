"""Activations of hidden units: under scikit-learn's names where it has one, or a user's own."""

import copy
import functools

import torch
from torch import nn

from sknets.modules._images import CHANNELS_LAST

ACTIVATIONS = {
    "identity": nn.Identity,
    "logistic": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,  # slope 0.01 below zero
    "prelu": nn.PReLU,  # one learned slope per layer, 0.25 at first
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}

#: Functions of Torch that are an activation of ours.
_FUNCTIONS = {
    torch.sigmoid: "logistic",
    torch.tanh: "tanh",
    torch.relu: "relu",
    nn.functional.relu: "relu",
    nn.functional.leaky_relu: "leaky_relu",
    nn.functional.elu: "elu",
    nn.functional.gelu: "gelu",
    nn.functional.silu: "silu",
    nn.functional.sigmoid: "logistic",
    nn.functional.tanh: "tanh",
}


#: Of the size of the values: rounding, beside what a row would see of the others.
_SLACK = 1e-4


class Activation(nn.Module):
    """A user's function of a tensor, as a layer.

    Parameters
    ----------
    function : callable
        From a tensor to one of the same shape.
    """

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        try:
            y = self.function(x)
        except RuntimeError as error:
            remedy = (
                "Use functions of Torch, such as torch.tanh."
                if "numpy" in str(error)
                else "Tensors of its own must be of the dtype and on the device of what it gets; a "
                "torch.nn.Module with parameters or buffers is moved with the network."
            )
            raise ValueError(
                f"activation={self.extra_repr()} fails on {x.dtype} on {x.device}: {error} {remedy}"
            ) from error
        return y.to(x.dtype) if torch.is_tensor(y) else y

    def extra_repr(self):
        return getattr(self.function, "__name__", repr(self.function))


def make_activation(activation, shape, *, time_axis=None):
    """Make the layer of an activation.

    Parameters
    ----------
    activation : str, callable, type or torch.nn.Module
        A key of `ACTIVATIONS`; a function of a tensor; a class of modules, or a module, of which each
        layer has a copy. Its parameters are no weights: they have no penalty.
    shape : tuple of int
        Shape of what one row hands to it, channels first, to try a user's own with.
    time_axis : int or None, default=None
        The axis of what it gets that is time: it must treat each timestep by itself, too.

    Raises
    ------
    ValueError
        If a user's own cannot be an activation: it must return a tensor of the shape it gets, with a
        gradient, and treat each row by itself.
    """
    if isinstance(activation, str):
        return ACTIVATIONS[activation]()
    try:
        layer = _make(activation)
        _try_out(layer, tuple(shape), time_axis)
    except Exception as error:
        name = getattr(activation, "__name__", repr(activation))
        sizes = ", ".join(map(str, ("n_rows", *shape)))
        raise ValueError(
            f"activation={name} does not work on values of shape ({sizes}): {error}"
        ) from error
    layer.is_activation = True  # whose parameters are no weights
    return layer


def activation_name(activation):
    """Return the name of an activation, the nearest to a user's own, or None if there is none.

    It counts for initial weights, so a slope of one's own does not matter.
    """
    if isinstance(activation, str):
        return activation
    kind = activation if isinstance(activation, type) else type(activation)
    for name, known in ACTIVATIONS.items():
        if kind is known:
            return name
    return next((name for function, name in _FUNCTIONS.items() if function is activation), None)


def _make(activation):
    if isinstance(activation, nn.Module):
        return copy.deepcopy(activation).to(dtype=torch.float32, device="cpu")
    kind = activation.func if isinstance(activation, functools.partial) else activation
    if isinstance(kind, type) and issubclass(kind, nn.Module):
        return activation()
    return Activation(activation)


def _try_out(layer, shape, time_axis):
    """Raise ValueError if a layer is no activation."""
    was_training = layer.training
    layer.eval()
    x = torch.linspace(-2.0, 2.0, 2 * torch.Size(shape).numel()).reshape(2, *shape)
    if len(shape) > 2:
        x = x.contiguous(memory_format=CHANNELS_LAST[len(shape) - 1])
    with torch.enable_grad():
        x.requires_grad_()
        y = layer(x * 1.0)  # which may be changed in place
    if not torch.is_tensor(y) or y.shape != x.shape:
        what = f"shape {tuple(y.shape[1:])}" if torch.is_tensor(y) else type(y).__name__
        raise ValueError(f"it must return a tensor of the shape that it gets, it returned {what}.")
    if not torch.isfinite(y).all():
        raise ValueError("it returns NaN or infinity for values between -2 and 2.")
    if not (y.requires_grad and _has_gradient(x, y)):
        raise ValueError("it has no gradient, by which the layers below could learn.")
    for axis, what in ((0, "row"), (time_axis, "timestep")):
        if axis is None:
            continue
        with torch.no_grad():
            alone = layer(x.detach().narrow(axis, 0, 1).clone())
        expected = y.detach().narrow(axis, 0, 1)
        # what a layer in it sums up depends on the size of a batch in its last digits
        slack = _SLACK * float(expected.abs().max())
        if not torch.allclose(alone, expected, rtol=_SLACK, atol=slack):
            raise ValueError(f"what it makes of one {what} depends on the others, or is drawn.")
    layer.train(was_training)


def _has_gradient(x, y):
    weights = torch.linspace(1.0, 2.0, y.numel()).reshape(y.shape)  # sums of a softmax are constant
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad((y * weights).sum(), x, allow_unused=True)
    return gradient is not None and bool((gradient != 0).any())
