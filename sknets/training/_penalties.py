"""Penalties on the weights: shrinkage (L2) and elimination (L1).

With ``W`` the sum of the sample weights in a batch, the objective of a step is
``Σ w·l / W + alpha / (2 W) ‖θ‖² + l1_alpha / W ‖θ‖₁``, over the weights and not the intercepts.
"""

import torch


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

    def __init__(self, alpha=0.0, l1_alpha=0.0, *, decoupled=False):
        self.alpha = alpha
        self.l1_alpha = l1_alpha
        self.decoupled = decoupled

    def add_gradient(self, flat, weight_sum):
        """Add the gradient of the smooth part; return the value of the whole penalty."""
        value = 0.0
        weights = flat.weights
        if self.alpha and not self.decoupled:
            strength = self.alpha / weight_sum
            flat.weight_grad.add_(weights, alpha=strength)
            value = torch.dot(weights, weights) * (0.5 * strength)
        if self.l1_alpha:
            value = value + weights.abs().sum() * (self.l1_alpha / weight_sum)
        return value

    def after_step(self, flat, solver, weight_sum, shortening=1.0):
        """Decay (AdamW), then soft-threshold in the metric of the solver (L1).

        `shortening` is the factor by which the gradient was clipped; both forces shrink alike.
        """
        weights = flat.weights
        if self.alpha and self.decoupled:
            weights.mul_(1.0 - solver.lr * self.alpha / weight_sum)
        if self.l1_alpha:
            strength = self.l1_alpha / weight_sum * shortening
            threshold = solver.step_sizes(flat.n_weights) * strength
            shrunk = weights.abs().sub_(threshold).clamp_(min=0.0)
            weights.copy_(torch.copysign(shrunk, weights))
