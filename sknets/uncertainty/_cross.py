"""Cross-conformal prediction: each row was held out by one of several models, which judge new rows too.

A row that was held out has a score s, how far its y lay from what its model predicted. What this model
predicts for a new row is as far off with the same probability. So each row says how far an interval has
to reach, or whether a class may be the true one, and the rows are counted.

References
----------
Vovk (2015). Cross-conformal predictors. Annals of Mathematics and Artificial Intelligence 74.
Barber, Candès, Ramdas and Tibshirani (2021). Predictive inference with the jackknife+. Annals of
Statistics 49 (CV+). Romano, Sesia and Candès (2020). Classification with valid and adaptive coverage.
NeurIPS.
"""

import numpy as np

from sknets.uncertainty._coverage import least_weight

#: Ends of intervals, one for each row that was held out, that are sorted at once.
_MOST_VALUES = 2**22


def cross_intervals(low, high, units, scores, fold, coverage, weight=None):
    """Return ends of intervals that contain y with a given probability.

    Parameters
    ----------
    low, high, units : ndarray of shape (n_folds, n_rows)
        Of new rows by each model: the ends of an interval, and in which units it is widened.
    scores : ndarray of shape (n_held,)
        By how many units each row that was held out lay outside the interval of its model; negative if
        inside.
    fold : ndarray of int, shape (n_held,)
        The model that has not seen it.
    coverage : float
        The probability. At least 2 coverage - 1 is certain; it is close to `coverage` where models are
        alike.
    weight : ndarray of shape (n_held,), default=None
        Weights of the rows that were held out.

    Returns
    -------
    ndarray of shape (n_rows, 2)
    """
    n_held, n_rows = len(scores), low.shape[1]
    weight = np.ones(n_held) if weight is None else weight / weight.mean()
    least = least_weight(coverage, n_held)
    ends = np.empty((n_rows, 2))
    size = max(1, _MOST_VALUES // n_held)
    for start in range(0, n_rows, size):
        block = slice(start, start + size)
        further = scores[:, None] * units[fold, block]
        ends[block, 0] = -_weighted(further - low[fold, block], weight, least)
        ends[block, 1] = _weighted(high[fold, block] + further, weight, least)
    # where y lies within the models' own intervals, ends that are drawn in may pass each other
    crossed = ends[:, 0] > ends[:, 1]
    ends[crossed] = ends[crossed].mean(axis=1, keepdims=True)
    return ends


def _weighted(values, weight, least):
    """Return, for each column, the value up to which the rows weigh enough, or the largest."""
    order = np.argsort(values, axis=0, kind="stable")
    place = (np.cumsum(weight[order], axis=0) < least).sum(axis=0)
    rows = np.minimum(place, len(values) - 1)
    columns = np.arange(values.shape[1])
    return values[order[rows, columns], columns]


def cross_sets(unlikeliness, scores, fold, coverage, weight=None):
    """Return which classes may be the true one of new rows.

    Parameters
    ----------
    unlikeliness : ndarray of shape (n_folds, n_rows, n_classes)
        How unlikely each class is by each model.
    scores : ndarray of shape (n_held,)
        How unlikely the true class of each row that was held out was by its model.
    fold, coverage, weight
        As in `cross_intervals`.

    Returns
    -------
    ndarray of bool, shape (n_rows, n_classes)
    """
    weight = np.ones(len(scores)) if weight is None else weight / weight.mean()
    likelier = np.zeros(unlikeliness.shape[1:])  # the weight of rows whose true class was likelier
    for number, of_model in enumerate(unlikeliness):
        of_fold = fold == number
        order = np.argsort(scores[of_fold], kind="stable")
        passed = np.concatenate([[0.0], np.cumsum(weight[of_fold][order])])
        likelier += passed[np.searchsorted(scores[of_fold][order], of_model, side="left")]
    return likelier < least_weight(coverage, len(scores))
