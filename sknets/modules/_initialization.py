"""Initial weights, drawn from the fit's own generator."""

import math

import torch
from torch import nn

from sknets.modules._activations import activation_name

INITIALIZERS = (
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "orthogonal",
    "linear",
)

_ELU_LIKE = ("relu", "leaky_relu", "prelu", "elu", "gelu", "silu")


class Undrawn:
    """Stands before a layer of Torch and leaves its initial weights to `initialize`.

    Torch itself would draw them from its global generator. (`torch.nn.utils.skip_init` does the same, but
    takes ten times as long, which small networks that are fitted hundreds of times would notice.)
    """

    def reset_parameters(self):
        """Draw nothing."""


def initialize(layer, scheme, activation, generator):
    """Draw the weights and intercepts of a linear or convolutional layer in place.

    Parameters
    ----------
    layer : torch.nn.Module
        A layer with a `weight` of shape (n_outputs, n_inputs, *kernel) and a `bias`. A unit's fan_in is
        the number of values that it sees.
    scheme : str
        One of `INITIALIZERS`. "glorot_uniform" is scikit-learn's: weights and intercepts are uniform
        within √(6 / (fan_in + fan_out)), or √(2 / (fan_in + fan_out)) for logistic units. The other
        schemes set intercepts to zero. "linear" draws from a normal distribution with standard deviation
        0.1 / √fan_in, so that units begin in the linear part of their activation.
    activation : str, callable or torch.nn.Module
        The activation that follows; it sets the gain of "he_*" and "orthogonal", and the bounds of
        "glorot_uniform". One that is not known by its name counts as "identity".
    generator : torch.Generator
        Source of the draws.
    """
    weight, bias, activation = layer.weight, layer.bias, activation_name(activation)
    fan_in, fan_out = weight[0].numel(), len(weight) * weight[0, 0].numel()
    gain = math.sqrt(2.0) if activation in _ELU_LIKE else 1.0
    with torch.no_grad():
        if scheme == "glorot_uniform":
            factor = 2.0 if activation == "logistic" else 6.0
            bound = math.sqrt(factor / (fan_in + fan_out))
            weight.uniform_(-bound, bound, generator=generator)
            bias.uniform_(-bound, bound, generator=generator)
            return
        if scheme == "glorot_normal":
            nn.init.xavier_normal_(weight, generator=generator)
        elif scheme == "he_uniform":
            bound = gain * math.sqrt(3.0 / fan_in)
            weight.uniform_(-bound, bound, generator=generator)
        elif scheme == "he_normal":
            weight.normal_(0.0, gain / math.sqrt(fan_in), generator=generator)
        elif scheme == "orthogonal":
            nn.init.orthogonal_(weight, gain=gain, generator=generator)
        elif scheme == "linear":
            weight.normal_(0.0, 0.1 / math.sqrt(fan_in), generator=generator)
        else:
            raise ValueError(f"weight_init must be one of {INITIALIZERS}, got {scheme!r}.")
        bias.zero_()
