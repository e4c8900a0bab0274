"""The columns of a table: which have moved in the validation rows, and which tell y alone."""

import warnings
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.feature_selection import f_classif, f_regression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sknets.inspection.diagnosis._references import skill

_MOST_COLUMNS, _MOST_CANDIDATES = 2000, 8
_DEPTH = 5
_FEWEST_ROWS = 20


class Shift(NamedTuple):
    """A column in training and validation rows: number, means, and their distance in deviations."""

    column: int
    train: float
    valid: float
    distance: float


class Teller(NamedTuple):
    """A column by which y is predicted: number, skill on held-out training rows, on validation rows."""

    column: int
    train: float
    valid: float


def find_shifts(train, valid):
    """Return the columns of a dense table whose mean has moved, the furthest first."""
    if sp.issparse(train) or len(valid) < _FEWEST_ROWS or len(train) < _FEWEST_ROWS:
        return []
    means = train.mean(axis=0), valid.mean(axis=0)
    # of rare values (a pixel that is nearly always 0), both spreads count
    spread = np.sqrt((train.var(axis=0) + valid.var(axis=0)) / 2)
    gap = np.abs(means[1] - means[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(gap > 0, gap / spread, 0.0)
    order = np.argsort(-distance, kind="stable")
    return [Shift(int(i), *(float(a[i]) for a in (*means, distance))) for i in order]


def find_tellers(train, y, valid, y_valid, *, is_of_classes):
    """Return the columns that tell most of y by themselves, the best first.

    A small tree of one column learns half of the training rows and predicts the other half; and learns
    all of them and predicts the validation rows, where there are some (else NaN).
    """
    is_plain = isinstance(y, np.ndarray) and y.ndim == 1
    if not is_plain or sp.issparse(train) or train.shape[1] > _MOST_COLUMNS or len(y) < 40:
        return []
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant columns
        scores, _ = (f_classif if is_of_classes else f_regression)(train, y)
    # rounding makes scores of a column that knows y exactly infinite, or negative
    scores = np.nan_to_num(np.abs(scores), posinf=np.finfo(np.float64).max)
    kind = DecisionTreeClassifier if is_of_classes else DecisionTreeRegressor
    rows = np.random.default_rng(0).permutation(len(y))
    one, other = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    tellers = []
    for column in np.argsort(-scores, kind="stable")[:_MOST_CANDIDATES]:
        tree = kind(max_depth=_DEPTH, min_samples_leaf=3, random_state=0)
        own = train[:, [column]]
        held = tree.fit(own[one], y[one]).predict(own[other])
        on_valid = np.nan
        if valid is not None:
            on_valid = tree.fit(own, y).predict(valid[:, [column]])
            on_valid = skill(y_valid, on_valid, is_of_classes=is_of_classes)
        on_train = skill(y[other], held, is_of_classes=is_of_classes)
        tellers.append(Teller(int(column), on_train, on_valid))
    return sorted(tellers, key=lambda teller: -np.nan_to_num(teller.train, nan=-1.0))
