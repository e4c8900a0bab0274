"""How numbers are scaled for a loss: where their centre is, and how far from it they are."""

from typing import NamedTuple

import numpy as np

#: Differences of so little, relative to where y lies, are rounding.
ROUNDING = 10 * np.finfo(np.float64).eps

#: Of normal numbers, the median distance from the centre and the distance between the outer quantiles are
#: so many standard deviations.
_MEDIAN_DISTANCE = 0.6744897501960817
_OUTER = (0.15, 0.85)
_OUTER_RANGE = 2.0728667789875796


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
        is_constant = (deviation <= ROUNDING * np.abs(mean)) | _is_equal(y)
    mean = np.where(_is_equal(y), y[0], mean)
    return Scaling(mean, np.where(is_constant, 1.0, deviation), np.where(is_constant, mean, np.nan))


def by_mean(y, sample_weight):
    """Divide by the mean, where zero must stay zero."""
    mean, _, constant = by_deviation(y, sample_weight)
    return Scaling(np.zeros_like(mean), np.where(mean > 0, mean, 1.0), constant)


def by_median(y, sample_weight):
    """Scale by a centre and a spread that 15% of the rows on either side cannot carry away.

    The centre is the median. The spread is the range from the 15% to the 85% quantile or the median
    distance from the centre, whichever is larger, in standard deviations of normal numbers. Where more
    than half of the rows lie at the centre, the median distance is that of the others.
    """
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    with np.errstate(over="ignore", invalid="ignore"):
        columns = np.array([_robust(column, weight) for column in y.T])
    centre, spread = columns.T
    is_constant = spread == 0
    return Scaling(
        centre, np.where(is_constant, 1.0, spread), np.where(is_constant, centre, np.nan)
    )


#: By the name that a loss declares.
SCALINGS = {"standardize": by_deviation, "mean": by_mean, "median": by_median}


def _is_equal(y):
    return (y == y[0]).all(axis=0)


def _moments(y, sample_weight):
    mean = np.average(y, axis=0, weights=sample_weight)
    reach = np.abs(y - mean).max(axis=0)
    reach = np.where(reach > 0, reach, 1.0)  # squares of tiny residuals would vanish
    relative = np.average(((y - mean) / reach) ** 2, axis=0, weights=sample_weight)
    return mean, reach * np.sqrt(relative)


def _robust(column, weight):
    """Return centre and spread of a column; a spread of 0 is rounding at most."""
    low, centre, high = weighted_quantiles(column, weight, (_OUTER[0], 0.5, _OUTER[1]))
    distance = np.abs(column - centre)
    is_off = distance > ROUNDING * np.abs(centre)
    if not is_off.any():
        return centre, 0.0
    distance[~is_off] = 0.0
    (middle,) = weighted_quantiles(distance, weight, (0.5,))
    if middle == 0:
        (middle,) = weighted_quantiles(distance[is_off], weight[is_off], (0.5,))
    return centre, max((high - low) / _OUTER_RANGE, middle / _MEDIAN_DISTANCE)


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
