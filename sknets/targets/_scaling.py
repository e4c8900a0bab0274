"""How numbers are scaled for a loss: where their centre is, and how far from it they are."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from sknets._plain import kept

#: Differences of so little, relative to where y lies or how far it reaches, are rounding.
ROUNDING = 10 * np.finfo(np.float64).eps

#: The median distance of normal numbers from the centre, in standard deviations.
_MEDIAN_DISTANCE = norm.ppf(0.75)

#: Share of the rows on either side that may be outliers: a little more than a tenth, of which the spread
#: knows nothing. A quantile further out needs rows there; but of a hundred, one is never enough.
_TAIL, _LEAST_TAIL = 0.105, 0.02


@kept
class Scaling(NamedTuple):
    """What a y is scaled by; each array has the shape (n_outputs,).

    Attributes
    ----------
    shift, scale : ndarray
        What is subtracted from y, and what it is then divided by.
    constant : ndarray
        The value of an output that has no spread; NaN for all others.
    """

    shift: np.ndarray
    scale: np.ndarray
    constant: np.ndarray

    @property
    def is_constant(self):
        """Whether an output has no spread."""
        return ~np.isnan(self.constant)


def by_deviation(y, sample_weight):
    """Scale by mean and standard deviation."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = _moments(y, sample_weight)
        is_equal = (y == y[0]).all(axis=0)
        is_constant = (deviation <= ROUNDING * np.abs(mean)) | is_equal
    mean = np.where(is_equal, y[0], mean)
    return Scaling(mean, np.where(is_constant, 1.0, deviation), np.where(is_constant, mean, np.nan))


def by_common_deviation(y, sample_weight):
    """Scale by the means, and by one deviation for all columns: the root of their mean variance."""
    scaling = by_deviation(y, sample_weight)
    if scaling.is_constant.all():
        return scaling
    common = _root_mean_square(scaling.scale[~scaling.is_constant], None)
    return scaling._replace(scale=np.where(scaling.is_constant, 1.0, common))


def by_mean(y, sample_weight):
    """Divide by the mean, where zero must stay zero."""
    mean, _, constant = by_deviation(y, sample_weight)
    return Scaling(np.zeros_like(mean), np.where(mean > 0, mean, 1.0), constant)


def by_median(y, sample_weight, levels=()):
    """Scale by a centre and a spread that 10% of the rows on either side cannot carry away.

    The centre is the median. The spread is the range between two outer quantiles or the median distance
    from the centre, whichever is larger, in standard deviations of normal numbers. Where more than half
    of the rows lie at the centre, the median distance is that of the others, but no more than the root
    of the mean square of all: a few rows alone would say nothing of the rest.

    Parameters
    ----------
    y : ndarray of shape (n, n_outputs)
        The numbers.
    sample_weight : ndarray of shape (n,) or None
        Weights of the rows.
    levels : tuple of float, default=()
        Quantiles that are learned. Those further out than the outer quantiles take their place.
    """
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    tail = max(_LEAST_TAIL, min([_TAIL, *levels, *(1.0 - level for level in levels)]))
    with np.errstate(over="ignore", invalid="ignore"):
        columns = np.array([_robust(column, weight, tail) for column in y.T])
    centre, spread = columns.T
    is_constant = spread == 0
    return Scaling(
        centre, np.where(is_constant, 1.0, spread), np.where(is_constant, centre, np.nan)
    )


#: By the name that a loss declares.
SCALINGS = {"standardize": by_deviation, "mean": by_mean, "median": by_median}


def _moments(y, sample_weight):
    mean = np.average(y, axis=0, weights=sample_weight)
    return mean, _root_mean_square(y - mean, sample_weight)


def _root_mean_square(distance, weight):
    reach = np.abs(distance).max(axis=0)
    reach = np.where(reach > 0, reach, 1.0)  # squares of tiny residuals would vanish
    return reach * np.sqrt(np.average((distance / reach) ** 2, axis=0, weights=weight))


def _robust(column, weight, tail):
    """Return centre and spread of a column; a spread of 0 is rounding at most."""
    (centre,) = weighted_quantiles(column, weight, (0.5,))
    offset = column - centre
    distance = np.abs(offset)
    is_off = distance > ROUNDING * np.abs(centre)
    if not is_off.any():
        return centre, 0.0
    (far,) = weighted_quantiles(distance[is_off], weight[is_off], (1.0 - 2.0 * tail,))
    is_off &= distance >= ROUNDING * far
    offset[~is_off] = distance[~is_off] = 0.0
    low, high = weighted_quantiles(offset, weight, (tail, 1.0 - tail))
    (middle,) = weighted_quantiles(distance, weight, (0.5,))
    spread = middle / _MEDIAN_DISTANCE
    if middle == 0:
        (middle,) = weighted_quantiles(distance[is_off], weight[is_off], (0.5,))
        # NaN where a distance is beyond float64
        spread = np.fmin(middle / _MEDIAN_DISTANCE, _root_mean_square(distance, weight))
    return centre, max((high - low) / (norm.ppf(1.0 - tail) - norm.ppf(tail)), spread)


def weighted_quantiles(values, weight, levels):
    """Return quantiles of rows that count as often as their weight says.

    Where a level lies between two rows, it is the middle of both.
    """
    order = np.argsort(values)
    values, passed = values[order], np.cumsum(weight[order])
    slack = 1e-10 * passed[-1]  # the rounding of the sum
    at = np.multiply(levels, passed[-1])
    below = values[np.searchsorted(passed, at - slack)]
    above = values[np.minimum(np.searchsorted(passed, at + slack), len(values) - 1)]
    return np.where(below == above, below, below / 2 + above / 2)
