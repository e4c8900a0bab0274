"""With which probability something holds, and what rows that were held out say of it."""

import math
from numbers import Real

import numpy as np

#: Shares of rows that differ by less are equal.
_ROUNDING = 1e-12


def check_coverage(coverage):
    """Raise ValueError if it is no probability between 0 and 1."""
    is_number = isinstance(coverage, Real) and not isinstance(coverage, bool)
    if not is_number or not 0.0 < coverage < 1.0:
        raise ValueError(f"coverage must be between 0 and 1, got {coverage!r}.")


def check_enough(coverage, n_rows, remedy):
    """Raise ValueError if so few rows cannot promise a coverage.

    Parameters
    ----------
    coverage : float
        The probability.
    n_rows : int
        Rows that were held out.
    remedy : str
        What to do about it, beside a lower coverage.
    """
    least = math.ceil(coverage / (1.0 - coverage) * (1.0 - _ROUNDING))
    if n_rows < least:
        raise ValueError(
            f"coverage={coverage} needs at least {least} rows that were held out, there "
            f"{'is' if n_rows == 1 else 'are'} {n_rows}: lower coverage, or {remedy}."
        )


def quantile_of(scores, coverage, weight=None):
    """Return what a further score is below with a given probability, or the largest one if there are few.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Scores so far.
    coverage : float
        The probability. It takes coverage / (1 - coverage) scores to promise it.
    weight : ndarray of shape (n,), default=None
        Weights of the scores; a further one has the mean weight.
    """
    order = np.argsort(scores, kind="stable")
    weight = np.ones(len(scores)) if weight is None else weight[order] / weight.mean()
    least = coverage * (len(scores) + 1) * (1 - _ROUNDING)  # of all rows and one more
    place = np.searchsorted(np.cumsum(weight), least)
    return scores[order[min(place, len(scores) - 1)]]
