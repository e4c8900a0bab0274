"""The losses, on raw outputs.

A loss is a `torch.nn.Module` that returns ``Σ w·l / Σ w``. Each is the negative log-likelihood that
belongs to an output activation, so that its gradient with respect to a raw output is simple: prediction
minus target for the squared error, the Poisson deviance and both cross-entropies.

A loss says all about itself: the output that it belongs to, the y it is for and how y is scaled, and its
parameters, which are the keyword-only arguments of its constructor under the names of the estimators'
parameters (`declared` reads them). `LOSSES` has those of numbers by their names.
"""

import copy
import math

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F
from torch import nn

from sknets.training._slopes import logistic

#: Raw outputs of less are those of a training that has not diverged.
_ORDINARY = 1e3

#: Of a normal distribution that is learned, in deviations of y: the least deviation, and what is added to
#: raw outputs so that zero stands for one.
LEAST_DEVIATION = 1e-3
UNIT_DEVIATION = math.log(math.e - 1.0)


class Loss(nn.Module):
    """Base of all losses.

    ``forward(raw, target, weight=None, weight_sum=None)`` takes raw outputs of shape
    (n_rows, n_outputs), a target of the same shape (for the softmax: classes of shape (n_rows,)) and
    weights of shape (n_rows,).
    Losses of several outputs are added up. `weight_sum` replaces the sum of the weights, which in
    a mini-batch is what its rows weigh on average over all data.

    Attributes
    ----------
    output : {"identity", "gaussian", "exp", "logistic", "softmax"}
        The activation that turns raw outputs into predictions.
    n_raw : int
        Raw outputs for each number in a target: those of all numbers stand before the next ones.
    scaling : {"standardize", "mean", "median"} or None
        What is done to y before: mean 0 and standard deviation 1; mean 1; or median 0 and a spread of 1
        that outliers do not move, for the losses that outliers pull with a bounded force.
    lowest_y : float
        Smallest y for which the loss is defined.
    has_gradient : bool
        Whether `differentiate` is there.
    takes_classes : bool
        Whether targets are classes rather than numbers.
    """

    output = "identity"
    n_raw = 1
    scaling = "standardize"
    lowest_y = -math.inf
    has_gradient = takes_classes = False

    def forward(self, raw, target, weight=None, weight_sum=None):
        if weight is None:
            return self.elements(raw, target).sum() / len(raw)
        total = self.rows(raw, target).mul(weight).sum()
        return total / (weight.sum() if weight_sum is None else weight_sum)

    def rows(self, raw, target):
        """Return the loss of each row, shape (n_rows,)."""
        return self.elements(raw, target).sum(dim=1)

    def elements(self, raw, target):
        """Return the loss of each row and output."""
        raise NotImplementedError

    def neutral(self, target, n_outputs, dtype, weight=None):
        """Return raw outputs of a constant prediction: the mean of y, or the shares of classes."""
        return target.new_zeros((len(target), n_outputs), dtype=dtype)

    # --- the same on arrays, for the recursion ------------------------------------------------------

    def as_numbers(self, target, n_outputs):
        """Return a target as `differentiate` takes it: a number for each row and output."""
        return target.numpy()

    def differentiate(self, raw, target, delta, losses):
        """Write the loss of each row and output into `losses`, its gradient into `delta`.

        Parameters
        ----------
        raw, delta, losses : ndarray of shape (..., n_rows, n_outputs)
        target : ndarray of the same shape
            With `n_raw` above 1, of as many columns as there are numbers.
        """
        raise NotImplementedError


def mixed_loss(loss, raw, target, weight, mix, rows=slice(None)):
    """Return the loss of rows that were mixed in pairs.

    Parameters
    ----------
    loss : Loss
        The loss of plain rows.
    raw, target, weight : torch.Tensor
        A mini-batch, as `Loss` takes it.
    mix : (torch.Tensor of shape (n_rows,), float) or None
        For each row the one that was mixed in, and the share that is left of its own target
        (Zhang et al., 2018); None means that nothing was mixed.
    rows : slice, default=slice(None)
        Those of the mini-batch to which the raw outputs belong.
    """
    own = loss(raw, target[rows], None if weight is None else weight[rows], len(raw))
    if mix is None:
        return own
    partner, share = mix
    partner = partner[rows]
    partners = loss(raw, target[partner], None if weight is None else weight[partner], len(raw))
    return share * own + (1.0 - share) * partners


class HalfSquaredError(Loss):
    """(raw - y)² / 2; gradient raw - y."""

    has_gradient = True

    def forward(self, raw, target, weight=None, weight_sum=None):
        if weight is None:
            return F.mse_loss(raw, target, reduction="sum") * (0.5 / len(raw))
        return super().forward(raw, target, weight, weight_sum)

    def elements(self, raw, target):
        return 0.5 * (raw - target).square()

    def differentiate(self, raw, target, delta, losses):
        np.subtract(raw, target, out=delta)
        np.multiply(delta, delta, out=losses)
        losses *= 0.5


class GaussianNLL(Loss):
    """log σ + (y - μ)² / 2σ² with raw outputs (μ, s) and σ = c + log(1 + exp(s + b)).

    The negative log-likelihood of normal numbers, without its constant. With b = log(e - 1), raw outputs
    of zero are σ = 1 (and c). Far from the rows of a fit, σ grows with s rather than its exponential. The
    least deviation c keeps the loss bounded where y has no noise.

    References
    ----------
    Nix and Weigend (1994). Estimating the mean and variance of the target probability distribution. ICNN.
    """

    output = "gaussian"
    n_raw = 2
    has_gradient = True

    def elements(self, raw, target):
        mean, s = raw.chunk(2, dim=-1)
        deviation = F.softplus(s + UNIT_DEVIATION) + LEAST_DEVIATION
        return deviation.log() + 0.5 * ((target - mean) / deviation).square()

    def differentiate(self, raw, target, delta, losses):
        # with z = (μ - y) / σ, the gradients are z / σ and σ' (1 - z²) / σ
        n = target.shape[-1]
        z, slope = delta[..., :n], delta[..., n:]
        values, deviation = losses[..., :n], losses[..., n:]
        np.add(raw[..., n:], UNIT_DEVIATION, out=values)
        logistic(values, slope)
        np.logaddexp(0.0, values, out=deviation)
        deviation += LEAST_DEVIATION
        np.subtract(raw[..., :n], target, out=z)
        z /= deviation
        np.multiply(z, z, out=values)
        slope *= 1.0 - values
        slope /= deviation
        z /= deviation
        values *= 0.5
        values += np.log(deviation)
        deviation[...] = 0.0  # its columns have no loss of their own


class AbsoluteError(Loss):
    """|raw - y|; gradient sign(raw - y)."""

    scaling = "median"
    has_gradient = True

    def elements(self, raw, target):
        return (raw - target).abs()

    def differentiate(self, raw, target, delta, losses):
        np.subtract(raw, target, out=delta)
        np.absolute(delta, out=losses)
        np.sign(delta, out=delta)


class Huber(Loss):
    """Squared within `huber_delta` of the target, linear beyond (Huber, 1964)."""

    scaling = "median"
    has_gradient = True

    def __init__(self, *, huber_delta=1.35):
        super().__init__()
        self.huber_delta = huber_delta

    def elements(self, raw, target):
        return F.huber_loss(raw, target, reduction="none", delta=self.huber_delta)

    def differentiate(self, raw, target, delta, losses):
        # with the residual r and its clipped value d, the loss is d (r - d / 2) on both sides
        np.subtract(raw, target, out=losses)
        np.clip(losses, -self.huber_delta, self.huber_delta, out=delta)
        losses -= 0.5 * delta
        losses *= delta


class Pinball(Loss):
    """Quantile loss: q (y - raw) above the prediction, (1 - q) (raw - y) below it."""

    scaling = "median"
    has_gradient = True

    def __init__(self, *, quantile=0.5):
        super().__init__()
        self.quantile = quantile

    def elements(self, raw, target):
        residual = target - raw
        return torch.maximum(self.quantile * residual, (self.quantile - 1.0) * residual)

    def differentiate(self, raw, target, delta, losses):
        # with r = raw - y the loss is |r| / 2 + (1 / 2 - q) r
        np.subtract(raw, target, out=delta)
        np.absolute(delta, out=losses)
        losses *= 0.5
        losses += (0.5 - self.quantile) * delta
        np.sign(delta, out=delta)
        delta *= 0.5
        delta += 0.5 - self.quantile


class OrderedPinball(Loss):
    """Mean quantile loss of several quantiles of one y, a raw output for each.

    Parameters
    ----------
    ordered : callable
        Makes quantiles of raw outputs; ``ordered.on_arrays(raw)`` of an array, with what pulls gradients
        back.
    quantile : array-like of float
        Their levels.
    """

    scaling = "median"
    has_gradient = True

    def __init__(self, ordered, *, quantile):
        super().__init__()
        self.ordered = ordered
        self.quantile = tuple(float(level) for level in quantile)

    def elements(self, raw, target):
        residual, level = target - self.ordered(raw), raw.new_tensor(self.quantile)
        losses = torch.maximum(level * residual, (level - 1.0) * residual)
        return losses / len(level)

    def differentiate(self, raw, target, delta, losses):
        quantiles, pull_back = self.ordered.on_arrays(raw)
        slope = (0.5 - np.asarray(self.quantile, raw.dtype)) / len(self.quantile)
        np.subtract(quantiles, target, out=delta)
        np.absolute(delta, out=losses)
        losses *= 0.5 / len(self.quantile)
        losses += slope * delta
        np.sign(delta, out=delta)
        delta *= 0.5 / len(self.quantile)
        delta += slope
        pull_back(delta)


class CallableLoss(Loss):
    """A loss of the user's own.

    Parameters
    ----------
    function : callable
        ``function(raw, target)`` returns the loss of each row, of shape (n_rows,).
    """

    def __init__(self, function):
        super().__init__()
        if isinstance(function, type):
            raise ValueError(
                f"loss={function.__name__} is a class; give a function, or an instance."
            )
        if isinstance(function, nn.Module):
            if any(True for _ in function.parameters()):
                raise ValueError(
                    f"loss={function} has parameters of its own, which would not be trained; give a "
                    "function without any, or keep them in buffers."
                )
            function = copy.deepcopy(function)  # which may be moved to another device
        self.function = function

    def elements(self, raw, target):
        return self.rows(raw, target)

    def rows(self, raw, target):
        try:
            losses = self.function(raw, target)
        except (TypeError, RuntimeError) as error:
            raise ValueError(
                f"loss={self._name} fails: {error}. It is called as loss(raw, target) with tensors of "
                f"shape {tuple(raw.shape)} and {tuple(target.shape)}, and must use operations of Torch."
            ) from error
        what = tuple(losses.shape) if isinstance(losses, torch.Tensor) else type(losses).__name__
        if what != (len(raw),):
            hint = " Add .sum(dim=1)." if what == tuple(raw.shape) else ""
            raise ValueError(
                f"loss={self._name} must return a tensor with the loss of each row, of shape "
                f"({len(raw)},) for raw outputs of shape {tuple(raw.shape)}; it returned {what}.{hint}"
            )
        if raw.requires_grad and not losses.requires_grad:
            raise ValueError(
                f"loss={self._name} returned a tensor that does not depend on the raw outputs; it "
                "must be computed from them by operations of Torch."
            )
        if not math.isfinite(losses.detach().sum()) and raw.detach().abs().max() < _ORDINARY:
            raise ValueError(
                f"loss={self._name} returned NaN or infinity for ordinary raw outputs, up to "
                f"{float(raw.detach().abs().max()):.3g} in size."
            )
        return losses

    @property
    def _name(self):
        return getattr(self.function, "__name__", repr(self.function))


class HalfPoissonDeviance(Loss):
    """y log(y / μ) - y + μ with μ = exp(raw); gradient μ - y."""

    output = "exp"
    scaling = "mean"
    lowest_y = 0.0
    has_gradient = True

    def elements(self, raw, target):
        return torch.xlogy(target, target) - target * raw - target + raw.exp()

    def differentiate(self, raw, target, delta, losses):
        np.exp(raw, out=delta)
        scipy.special.xlogy(target, target, out=losses)
        losses -= target * raw
        delta -= target
        losses += delta


#: Losses of numbers by name, in the order in which documentation lists them.
LOSSES = {
    "squared_error": HalfSquaredError,
    "gaussian": GaussianNLL,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "poisson": HalfPoissonDeviance,
    "quantile": Pinball,
}
