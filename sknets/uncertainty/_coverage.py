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


def effective_size(n_rows, weight):
    """Return how many rows of one weight tell as much as some weighted ones (Kish, 1965)."""
    if weight is None:
        return n_rows
    shares = weight / weight.max()  # whose squares cannot overflow
    return shares.sum() ** 2 / np.square(shares).sum()


def check_enough(coverage, n_rows, weight, remedy):
    """Raise ValueError if so few rows cannot promise a coverage.

    Parameters
    ----------
    coverage : float
        The probability.
    n_rows : int
        Rows that were held out.
    weight : ndarray of shape (n_rows,) or None
        Their weights. Where they are unequal, rows tell less.
    remedy : str
        What to do about it, beside a lower coverage.
    """
    least, known = coverage / (1.0 - coverage), effective_size(n_rows, weight)
    if known < least * (1.0 - _ROUNDING):
        worth = "" if weight is None else f", by their weights worth {known:.3g}"
        raise ValueError(
            f"coverage={coverage} needs at least {math.ceil(least * (1.0 - _ROUNDING))} rows that were "
            f"held out, there {'is' if n_rows == 1 else 'are'} {n_rows}{worth}: lower coverage, or "
            f"{remedy}."
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
        Weights of the scores; a further one is a row more of as many as they are worth
        (`effective_size`).
    """
    order = np.argsort(scores, kind="stable")
    weight = np.ones(len(scores)) if weight is None else weight[order] / weight.max()
    passed, known = np.cumsum(weight), effective_size(len(scores), weight)
    least = coverage * (1.0 + 1.0 / known) * (1.0 - _ROUNDING) * passed[-1]
    return scores[order[min(np.searchsorted(passed, least), len(scores) - 1)]]
