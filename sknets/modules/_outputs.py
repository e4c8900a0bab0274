"""Output activations: from raw outputs to what a user predicts.

They are the inverse links of the losses. Each is a module, so that a network and its output can be
exported together. They compute in float64 on the CPU, where units of y are no burden.
"""

import math

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F
from torch import nn

#: Single precision must resolve a ten-thousandth of the spread of y.
_COARSENESS = 1e4 * torch.finfo(torch.float32).eps


class _NumberOutput(nn.Module):
    """Base of the outputs that make numbers in the units of y.

    Parameters
    ----------
    shift, scale : array-like of shape (n_outputs,)
        Location and spread of the target; a scale of 0 makes all predictions equal to the shift.

    Attributes
    ----------
    needs_double : bool
        Whether single precision would lose what y is, or digits that its spread needs.
    """

    def __init__(self, shift, scale):
        super().__init__()
        self.register_buffer("shift", torch.tensor(shift, dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float64))
        shift, scale = self.shift.numpy(), self.scale.numpy()
        self._has_fixed = bool((scale == 0).any())
        self.needs_double = _need_double(np.abs(shift), scale)

    def scaled(self, values):
        """Return values in the units of y."""
        buffers = self._buffers  # to find them as attributes takes as long as to compute with them
        if self._has_fixed:
            values = torch.where(buffers["scale"] > 0, values, 0.0)
        return values * buffers["scale"] + buffers["shift"]

    def pool(self, raws):
        """Return the raw outputs that are predicted as the mean of predictions.

        Parameters
        ----------
        raws : torch.Tensor of shape (n_networks, n_rows, n_outputs)
            Raw outputs of several networks.
        """
        return raws.double().mean(0)

    def _as(self, dtype, *values):
        dtype = torch.float64 if self.needs_double else dtype
        return tuple(value.to(dtype) for value in values)


def _need_double(distance, scale):
    """Whether single precision would lose how far from zero numbers lie, or digits of their spread."""
    with np.errstate(over="ignore"):
        is_lost = np.where(
            scale == 0, np.float32(distance) != distance, distance * _COARSENESS > scale
        )
    return bool(is_lost.any()) or _is_extreme(distance) or _is_extreme(scale)


def _is_extreme(values):
    return bool(((values > 1e30) | ((values > 0) & (values < 1e-30))).any())


class IdentityOutput(_NumberOutput):
    """Standardised values back into the units of y: raw * scale + shift."""

    name = "identity"

    def forward(self, raw):
        return self.scaled(raw.double())

    def fold(self, weight, bias):
        """Return the last layer's weights (n_inputs, n_outputs) and intercepts in units of y."""
        return self._as(weight.dtype, weight * self.scale, bias * self.scale + self.shift)


class GaussianOutput(_NumberOutput):
    """Means of normal distributions, in the units of y, of raw outputs (μ, s); σ = c + softplus(s + b).

    Raw outputs of zero are the standard normal distribution, but for c.

    Parameters
    ----------
    shift, scale : array-like of shape (n_outputs,)
        As of all outputs of numbers.
    least_deviation : float
        The least standard deviation c, of a standardised y.
    """

    name = "gaussian"
    _unit = math.log(math.e - 1.0)  # whose softplus is one

    def __init__(self, shift, scale, least_deviation):
        super().__init__(shift, scale)
        self.least = least_deviation

    def forward(self, raw):
        return self.scaled(self._moments(raw)[0])

    def std(self, raw):
        """Return the standard deviations, in the units of y."""
        return self._moments(raw)[1] * self.scale

    def pool(self, raws):
        means, deviations = self._moments(raws)
        # of a mixture: the mean variance, and the variance of the means
        variance = deviations.square().mean(0) + means.var(0, correction=0)
        s = _inverse_softplus(variance.sqrt() - self.least) - self._unit
        return torch.cat([means.mean(0), s], dim=-1)

    def fold(self, weight, bias):
        """Return the last layer's weights and intercepts, those of the means in units of y."""
        scale = torch.cat([self.scale, torch.ones_like(self.scale)])
        shift = torch.cat([self.shift, torch.zeros_like(self.shift)])
        return self._as(weight.dtype, weight * scale, bias * scale + shift)

    def _moments(self, raw):
        mean, s = raw.double().chunk(2, dim=-1)
        return mean, F.softplus(s + self._unit) + self.least


class ExpOutput(_NumberOutput):
    """Positive means: exp(raw) * scale; a shift is the value of an output whose scale is 0."""

    name = "exp"

    def forward(self, raw):
        return self.scaled(raw.double().exp())

    def pool(self, raws):
        return raws.double().logsumexp(0) - math.log(len(raws))

    def fold(self, weight, bias):
        """Return the last layer's weights and intercepts, from which exp makes y."""
        is_fixed = self.scale == 0
        bias = torch.where(is_fixed, self.shift.log(), bias + self.scale.log())
        return self._as(weight.dtype, torch.where(is_fixed, 0.0, weight), bias)


def _inverse_softplus(values):
    return values + torch.log(-torch.expm1(-values))


class OrderedQuantiles(nn.Module):
    """Quantiles that cannot cross, of raw outputs of shape (n, n_levels).

    One raw output is the quantile nearest to the median; each other is, through a softplus, its distance
    from the next. Raw outputs of zero are the quantiles of the standard normal distribution.

    Parameters
    ----------
    levels : array-like of float
        Levels between 0 and 1, increasing.
    """

    def __init__(self, levels):
        super().__init__()
        normal = scipy.special.ndtri(levels)
        self.start = int(np.abs(np.subtract(levels, 0.5)).argmin())
        offsets = _inverse_softplus(torch.from_numpy(np.diff(normal))).numpy()
        self.offsets = np.insert(offsets, self.start, normal[self.start]).tolist()

    def forward(self, raw):
        values, start = raw + raw.new_tensor(self.offsets), self.start
        first, gaps = values[:, start : start + 1], F.softplus(values)
        below = first - gaps[:, :start].flip(1).cumsum(1).flip(1)
        above = first + gaps[:, start + 1 :].cumsum(1)
        return torch.cat([below, first, above], dim=1)

    def on_arrays(self, raw):
        """Return the quantiles of an array of shape (..., n, n_levels), and what pulls gradients back.

        Returns
        -------
        quantiles : ndarray of the same shape
        pull_back : callable
            ``pull_back(delta)`` turns a gradient with respect to the quantiles into one with respect to
            the raw outputs, in place.
        """
        values, start = raw + np.asarray(self.offsets, raw.dtype), self.start
        below, above = slice(start - 1, None, -1) if start else slice(0, 0), slice(start + 1, None)
        quantiles = np.logaddexp(0.0, values)  # distances from the next
        quantiles[..., start] = first = values[..., start]
        for part, sign in ((below, -1.0), (above, 1.0)):
            outwards = quantiles[..., part]
            np.cumsum(outwards, axis=-1, out=outwards)
            outwards *= sign
            outwards += first[..., None]

        def pull_back(delta):
            delta[..., start] = delta.sum(axis=-1)
            for part, sign in ((below, -1.0), (above, 1.0)):
                inwards = delta[..., part][..., ::-1]  # a distance moves all that is further out
                np.cumsum(inwards, axis=-1, out=inwards)
                inwards *= sign
            others = np.arange(len(self.offsets)) != start
            delta[..., others] *= scipy.special.expit(values[..., others])

        return quantiles, pull_back

    def inverse(self, quantiles):
        """Return the raw outputs of which these are the quantiles."""
        start, gaps = self.start, _inverse_softplus(quantiles.diff(dim=1))
        values = torch.cat(
            [gaps[:, :start], quantiles[:, start : start + 1], gaps[:, start:]], dim=1
        )
        return values - values.new_tensor(self.offsets)


class QuantilesOutput(_NumberOutput):
    """Several quantiles of one y, which cannot cross, in the units of y.

    Parameters
    ----------
    shift, scale : array-like of shape (1,)
        As of all outputs of numbers.
    levels : array-like of float
        Levels between 0 and 1, increasing.
    """

    name = "ordered"

    def __init__(self, shift, scale, levels):
        super().__init__(shift, scale)
        self.ordered = OrderedQuantiles(levels)

    def forward(self, raw):
        return self.scaled(self.ordered(raw.double()))

    def pool(self, raws):
        k, n_rows, n_levels = raws.shape
        ordered = self.ordered(raws.double().reshape(-1, n_levels)).reshape(k, n_rows, n_levels)
        return self.ordered.inverse(ordered.mean(0))

    def fold(self, weight, bias):
        """Return the last layer's weights and intercepts as they are: most are of distances."""
        return weight, bias


class _ProbabilityOutput(nn.Module):
    """Base of the outputs whose raw outputs are logits."""

    def fold(self, weight, bias):
        """Return the last layer's weights and intercepts as they are."""
        return weight, bias


class LogisticOutput(_ProbabilityOutput):
    """One probability per label: 1 / (1 + exp(-raw))."""

    name = "logistic"

    def forward(self, raw):
        return torch.sigmoid(raw.double())

    def log_probabilities(self, raw):
        """Return log p, accurate where p is close to zero."""
        return F.logsigmoid(raw.double())

    def pool(self, raws):
        """Return the raw outputs of the mean probabilities of several networks."""
        raws = raws.double()
        return F.logsigmoid(raws).logsumexp(0) - F.logsigmoid(-raws).logsumexp(0)


class SoftmaxOutput(_ProbabilityOutput):
    """One probability per class, summing to one."""

    name = "softmax"

    def forward(self, raw):
        return torch.softmax(raw.double(), dim=1)

    def log_probabilities(self, raw):
        """Return log p, accurate where p is close to zero."""
        return torch.log_softmax(raw.double(), dim=1)

    def pool(self, raws):
        """Return the raw outputs of the mean probabilities of several networks."""
        return torch.log_softmax(raws.double(), dim=2).logsumexp(0) - math.log(len(raws))


def make_number_output(name, shift, scale, constant, *, levels=None, least_deviation=None):
    """Make the output that a loss of numbers names; it undoes the scaling of y.

    Parameters
    ----------
    name : str
        "identity", "gaussian" or "exp".
    shift, scale : ndarray of shape (n_outputs,)
        What y was scaled by.
    constant : ndarray of shape (n_outputs,)
        What is predicted whatever the raw output; NaN for outputs that vary.
    levels : array-like of float, default=None
        Levels of the quantiles that are predicted, if there are several.
    least_deviation : float, default=None
        Least standard deviation of "gaussian", of a standardised y.

    Raises
    ------
    ValueError
        If there is none of this name, or none that undoes a shift.
    """
    varies = np.isnan(constant)
    if name == "exp" and not any(shift[varies]):
        return ExpOutput(np.where(varies, 0.0, constant), np.where(varies, scale, 0.0))
    shift, scale = np.where(varies, shift, constant), np.where(varies, scale, 0.0)
    if name == "gaussian":
        return GaussianOutput(shift, scale, least_deviation)
    if name == "identity" and levels is None:
        return IdentityOutput(shift, scale)
    if name == "identity":
        return QuantilesOutput(shift, scale, levels)
    raise ValueError(f"No output {name!r} makes numbers of what was shifted by {shift}.")
