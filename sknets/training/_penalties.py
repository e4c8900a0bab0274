"""Penalties on the weights: shrinkage (L2) and elimination (L1).

With ``W`` the sum of the sample weights in a batch, the objective of a step is
``Σ w·l / W + alpha / (2 W) ‖θ‖² + l1_alpha / W ‖θ‖₁``, over the weights and not the intercepts.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Penalty:
    """The L2 and L1 penalties of one fit.

    Parameters
    ----------
    alpha : float
        L2 strength.
    l1_alpha : float
        L1 strength. It acts through a proximal step, so eliminated weights are exactly zero.
    decoupled : bool
        Whether the L2 part decays the weights directly (AdamW) instead of entering the gradient.
    """

    alpha: float = 0.0
    l1_alpha: float = 0.0
    decoupled: bool = False

    @property
    def kinds(self):
        """Whether there is an L2 part in the gradient, one outside of it, and an L1 part."""
        return self.alpha and not self.decoupled, self.alpha and self.decoupled, self.l1_alpha


class Pull:
    """What the penalties of K learners do to their weights.

    Parameters
    ----------
    penalties : list of Penalty
        One for each row, all of the same kinds.
    weights, grad, scratch : array of shape (K, n), or (n,) for one
        The weights, their gradients, and room.
    column : callable
        ``column(values)`` makes an array of shape (K, 1) of K numbers, or a number of one.
    xp : module
        `numpy` or `torch`.
    """

    def __init__(self, penalties, weights, grad, scratch, column, xp):
        self._weights, self._grad, self._scratch, self._xp = weights, grad, scratch, xp
        self._dot = getattr(xp, "vecdot", None) or xp.linalg.vecdot
        self._shrinks, self._decays, self._eliminates = map(bool, penalties[0].kinds)
        self._alpha = column([penalty.alpha for penalty in penalties])
        self._l1_alpha = column([penalty.l1_alpha for penalty in penalties])

    def add_gradient(self, weight_sum):
        """Add the gradient of the smooth part; return the value of the whole penalty.

        Returns
        -------
        float or array of shape (K,)
        """
        value, weights, scratch, xp = 0.0, self._weights, self._scratch, self._xp
        if self._shrinks:
            strength = self._alpha / weight_sum
            xp.multiply(weights, strength, out=scratch)
            self._grad += scratch
            value = self._dot(weights, scratch) * 0.5
        if self._eliminates:
            xp.absolute(weights, out=scratch)
            scratch *= self._l1_alpha / weight_sum
            value = value + scratch.sum(-1)
        return value

    def decay(self, rate, weight_sum):
        """Decay the weights outside of the gradient (AdamW), at the learning rates of a step."""
        if self._decays:
            self._weights *= 1.0 - rate * self._alpha / weight_sum

    def eliminate(self, get_step_sizes, weight_sum, shortening):
        """Soft-threshold the weights in the metric of the solver (L1).

        `shortening` is the factor by which the gradient was clipped; both forces shrink alike.
        """
        if not self._eliminates:
            return
        weights, scratch, xp = self._weights, self._scratch, self._xp
        threshold = get_step_sizes() * (self._l1_alpha / weight_sum * shortening)
        xp.absolute(weights, out=scratch)
        scratch -= threshold
        xp.clip(scratch, 0.0, None, out=scratch)
        xp.copysign(scratch, weights, out=weights)
