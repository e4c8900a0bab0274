"""Activations and their slopes on NumPy arrays, for the recursion.

Each has two functions. ``apply(z, out)`` writes f(z); ``chain(delta, z, a, mask, scratch)`` multiplies
`delta`, in place, with f'(z), where ``a = f(z)``. What needs no `z` for its slope says so: `a` then lies
in the place of `z`.
"""

import math

import numpy as np
from scipy.special import erf

_LEAK = 0.01  # of torch.nn.LeakyReLU


class Slope:
    """An activation and its slope.

    Attributes
    ----------
    needs_input : bool
        Whether `chain` looks at `z`.
    """

    needs_input = False

    def apply(self, z, out):
        """Write f(z) into `out`."""
        raise NotImplementedError

    def chain(self, delta, z, a, mask, scratch):
        """Multiply `delta` with f'(z); `mask` (of bool) and `scratch` are room of its shape."""
        raise NotImplementedError


class Identity(Slope):
    """f(z) = z."""

    def apply(self, z, out):
        if out is not z:
            np.copyto(out, z)

    def chain(self, delta, z, a, mask, scratch):
        pass


class Logistic(Slope):
    """f(z) = 1 / (1 + exp(-z)), by the faster tanh."""

    def apply(self, z, out):
        logistic(z, out)

    def chain(self, delta, z, a, mask, scratch):
        np.subtract(1.0, a, out=scratch)
        scratch *= a
        delta *= scratch


class Tanh(Slope):
    """f(z) = tanh z."""

    def apply(self, z, out):
        np.tanh(z, out=out)

    def chain(self, delta, z, a, mask, scratch):
        np.multiply(a, a, out=scratch)
        np.subtract(1.0, scratch, out=scratch)
        delta *= scratch


class ReLU(Slope):
    """f(z) = max(z, 0)."""

    def apply(self, z, out):
        np.maximum(z, 0.0, out=out)

    def chain(self, delta, z, a, mask, scratch):
        np.greater(a, 0.0, out=mask)
        delta *= mask


class LeakyReLU(Slope):
    """f(z) = z above zero, 0.01 z below."""

    def apply(self, z, out):
        np.maximum(z, _LEAK * z, out=out)

    def chain(self, delta, z, a, mask, scratch):
        np.greater(a, 0.0, out=mask)
        np.multiply(mask, 1.0 - _LEAK, out=scratch)
        scratch += _LEAK
        delta *= scratch


class ELU(Slope):
    """f(z) = z above zero, exp(z) - 1 below."""

    needs_input = True  # exp(z) would lose its digits in exp(z) - 1

    def apply(self, z, out):
        np.minimum(z, 0.0, out=out)
        np.expm1(out, out=out)
        np.maximum(z, out, out=out)

    def chain(self, delta, z, a, mask, scratch):
        np.minimum(z, 0.0, out=scratch)
        np.exp(scratch, out=scratch)
        delta *= scratch


class GELU(Slope):
    """f(z) = z Φ(z), with the distribution function Φ of the normal distribution."""

    needs_input = True

    def apply(self, z, out):
        np.multiply(z, math.sqrt(0.5), out=out)
        erf(out, out=out)
        out += 1.0
        out *= 0.5
        out *= z

    def chain(self, delta, z, a, mask, scratch):
        # f'(z) = Φ(z) + z φ(z)
        distribution = erf(z * math.sqrt(0.5))
        distribution += 1.0
        distribution *= 0.5
        np.multiply(z, z, out=scratch)
        scratch *= -0.5
        np.exp(scratch, out=scratch)
        scratch *= z
        scratch *= 1.0 / math.sqrt(2.0 * math.pi)
        scratch += distribution
        delta *= scratch


class SiLU(Slope):
    """f(z) = z σ(z), with the logistic function σ."""

    needs_input = True

    def apply(self, z, out):
        logistic(z, out)
        out *= z

    def chain(self, delta, z, a, mask, scratch):
        # f'(z) = σ(z) + f(z) (1 - σ(z))
        logistic(z, scratch)
        share = 1.0 - scratch
        share *= a
        scratch += share
        delta *= scratch


#: By name, as a stack of layers knows them.
SLOPES = {
    "identity": Identity(),
    "logistic": Logistic(),
    "tanh": Tanh(),
    "relu": ReLU(),
    "leaky_relu": LeakyReLU(),
    "elu": ELU(),
    "gelu": GELU(),
    "silu": SiLU(),
}


def logistic(z, out):
    """Write 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2 into `out`."""
    np.multiply(z, 0.5, out=out)
    np.tanh(out, out=out)
    out += 1.0
    out *= 0.5
