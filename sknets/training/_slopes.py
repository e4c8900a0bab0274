"""Activations and their slopes on NumPy arrays, for the recursion.

Each has two functions: ``apply(room)`` writes f(z) into `a`, and ``chain(delta, room)`` multiplies
`delta`, in place, with f'(z). A room has the arrays `z` and `a`, and `mask`, `scratch` and `zeros` of
their shape. What needs no `z` for its slope says so: `a` then lies in the place of `z`.
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

    def apply(self, room):
        """Write f(z) into `a`."""
        raise NotImplementedError

    def chain(self, delta, room):
        """Multiply `delta` with f'(z)."""
        raise NotImplementedError

    def fill_rows(self, delta, room, rows):
        """Write the derivatives of its own parameters, if it learns any, before `chain`."""


class Identity(Slope):
    """f(z) = z."""

    def apply(self, room):
        pass

    def chain(self, delta, room):
        pass


class Logistic(Slope):
    """f(z) = 1 / (1 + exp(-z))."""

    def apply(self, room):
        logistic(room.z, room.a)

    def chain(self, delta, room):
        np.subtract(1.0, room.a, out=room.scratch)
        room.scratch *= room.a
        delta *= room.scratch


class Tanh(Slope):
    """f(z) = tanh z."""

    def apply(self, room):
        np.tanh(room.z, out=room.a)

    def chain(self, delta, room):
        np.multiply(room.a, room.a, out=room.scratch)
        np.subtract(1.0, room.scratch, out=room.scratch)
        delta *= room.scratch


class ReLU(Slope):
    """f(z) = max(z, 0)."""

    def apply(self, room):
        np.maximum(room.z, room.zeros, out=room.a)  # three times as fast as with the number 0

    def chain(self, delta, room):
        np.greater(room.a, 0.0, out=room.mask)
        delta *= room.mask


class LeakyReLU(Slope):
    """f(z) = z above zero, 0.01 z below."""

    needs_input = True

    def apply(self, room):
        np.multiply(room.z, _LEAK, out=room.a)
        np.maximum(room.z, room.a, out=room.a)

    def chain(self, delta, room):
        np.greater(room.z, 0.0, out=room.mask)
        np.multiply(room.mask, 1.0 - _LEAK, out=room.scratch)
        room.scratch += _LEAK
        delta *= room.scratch


class ELU(Slope):
    """f(z) = z above zero, exp(z) - 1 below."""

    needs_input = True  # exp(z) would lose its digits in exp(z) - 1

    def apply(self, room):
        np.minimum(room.z, room.zeros, out=room.a)
        np.expm1(room.a, out=room.a)
        np.maximum(room.z, room.a, out=room.a)

    def chain(self, delta, room):
        np.minimum(room.z, room.zeros, out=room.scratch)
        np.exp(room.scratch, out=room.scratch)
        delta *= room.scratch


class GELU(Slope):
    """f(z) = z Φ(z), with the distribution function Φ of the normal distribution."""

    needs_input = True

    def apply(self, room):
        self._distribution(room.z, room.a)
        room.a *= room.z

    def chain(self, delta, room):
        # f'(z) = Φ(z) + z φ(z)
        z, density = room.z, room.scratch
        np.multiply(z, z, out=density)
        density *= -0.5
        np.exp(density, out=density)
        density *= z
        density *= 1.0 / math.sqrt(2.0 * math.pi)
        self._distribution(z, room.a)
        density += room.a
        delta *= density

    @staticmethod
    def _distribution(z, out):
        np.multiply(z, math.sqrt(0.5), out=out)
        erf(out, out=out)
        out += 1.0
        out *= 0.5


class SiLU(Slope):
    """f(z) = z σ(z), with the logistic function σ."""

    needs_input = True

    def apply(self, room):
        logistic(room.z, room.a)
        room.a *= room.z

    def chain(self, delta, room):
        # f'(z) = σ(z) + f(z) (1 - σ(z)) = f(z) + σ(z) (1 - f(z))
        share = room.scratch
        logistic(room.z, share)
        np.subtract(1.0, room.a, out=room.z)  # which is needed no more
        share *= room.z
        share += room.a
        delta *= share


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
    """Write 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2 into `out`, since tanh is faster."""
    np.multiply(z, 0.5, out=out)
    np.tanh(out, out=out)
    out += 1.0
    out *= 0.5
