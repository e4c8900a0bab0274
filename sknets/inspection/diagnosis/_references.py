"""What simple models make of the same data: how much there is to learn."""

import warnings
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

_MOST_ROWS = 1500  # of which simple models learn
_MOST_COLUMNS = 2000  # beyond them no linear model is fitted
_N_FOLDS = 3


def skill(y, predictions, *, is_of_classes):
    """Return how much better predictions are than a constant: 0 is as good as one, 1 is perfect.

    Of numbers it is R², of classes the mean recall, from chance on; of several outputs the mean.
    """
    y, predictions = np.asarray(y), np.asarray(predictions)
    if len(y) != len(predictions) or len(y) < 2:
        return np.nan
    if not is_of_classes:
        if not np.ptp(y, axis=0).any():
            return np.nan
        return float(r2_score(y, predictions))
    if y.ndim > 1:
        each = [skill(a, b, is_of_classes=True) for a, b in zip(y.T, predictions.T, strict=True)]
        return float(np.nanmean(each)) if np.isfinite(each).any() else np.nan
    classes = np.unique(y)
    if len(classes) < 2:
        return np.nan
    recall = np.mean([(predictions[y == c] == c).mean() for c in classes])
    chance = 1 / len(classes)
    return float((recall - chance) / (1 - chance))


def comparable(y, predictions, levels=None, *, is_of_classes):
    """Return y and predictions as arrays of one shape where that can be done.

    Of sequences it is all their steps, of several quantiles the one nearest to the median.
    """
    y, predictions = as_plain(y, is_of_classes), _as_array(predictions)
    if levels is not None and np.ndim(levels) and predictions.shape[-1] == len(levels):
        predictions = predictions[..., int(np.argmin(np.abs(np.asarray(levels) - 0.5)))]
    if predictions.shape != y.shape and predictions.size == y.size:
        predictions = predictions.reshape(y.shape)
    return y, predictions


def as_plain(y, is_of_classes):
    """Return a y as an array: of numbers, which may come as text, unless it is of classes."""
    y = _as_array(y)
    return y if is_of_classes else y.astype(np.float64)


def _as_array(y):
    if hasattr(y, "lengths"):
        return np.asarray(y.values)
    if hasattr(y, "toarray"):
        return y.toarray()
    y = y if isinstance(y, list) else np.asarray(y)
    if isinstance(y, list) or y.dtype.kind == "O":
        rows = [np.asarray(row) for row in y]
        return np.concatenate(rows) if rows[0].ndim else np.asarray(y)
    return y


class Reference(NamedTuple):
    """What simple models reach.

    Attributes
    ----------
    linear, trees : float
        Skill on held-out rows: the validation rows, or those of folds; NaN without such a model.
    linear_folds, trees_folds : float
        Skill in folds of the training rows.
    weighted : float
        Skill of a linear model with balanced classes on the same rows; NaN if not asked for.
    """

    linear: float
    trees: float
    linear_folds: float
    trees_folds: float
    weighted: float

    @property
    def best(self):
        """Return the best skill on held-out rows."""
        return _highest(self.linear, self.trees)

    @property
    def best_folds(self):
        """Return the best skill in folds of the training rows."""
        return _highest(self.linear_folds, self.trees_folds)


def _highest(*values):
    return float(np.nanmax(values)) if np.isfinite(values).any() else np.nan


def as_table(rows):
    """Return rows that a network has read as a table that simple models take, or None.

    Arrays are flattened; of sequences of unequal length each feature's mean, spread, first and last value
    count; of tokens, how often each occurs.
    """
    if sp.issparse(rows):
        return sp.csr_array(rows)
    if hasattr(rows, "lengths"):
        return _of_sequences(rows)
    if not isinstance(rows, np.ndarray) or rows.dtype.kind not in "fiub":
        return None
    table = rows.reshape(len(rows), -1)
    return table if table.dtype.kind == "f" else table.astype(np.float64)


def _of_sequences(rows):
    values, lengths = np.asarray(rows.values), np.asarray(rows.lengths)
    if values.ndim == 1:
        values = values[:, None]
    if values.dtype.kind in "iu":
        numbers = np.repeat(np.arange(len(lengths)), lengths)
        kept = values[:, 0] < _MOST_COLUMNS
        counts = np.zeros((len(lengths), min(int(values.max()) + 1, _MOST_COLUMNS)))
        np.add.at(counts, (numbers[kept], values[kept, 0]), 1.0)
        return counts
    if len(set(lengths.tolist())) == 1:
        return values.reshape(len(lengths), -1)
    parts = np.split(values, np.cumsum(lengths)[:-1])
    summaries = [(p.mean(axis=0), p.std(axis=0), p[0], p[-1]) for p in parts]
    return np.array(summaries).reshape(len(parts), -1)


def make_models(table, y, *, is_of_classes, balanced=False):
    """Return the simple models for a table: a linear one (None for very many columns) and trees."""
    scaler = MaxAbsScaler() if sp.issparse(table) else StandardScaler()
    is_wide = table.shape[1] > _MOST_COLUMNS
    if is_of_classes:
        weights = "balanced" if balanced else None
        linear = LogisticRegression(max_iter=200, class_weight=weights)
        if np.ndim(y) > 1:  # labels
            linear = OneVsRestClassifier(linear)
        trees = ExtraTreesClassifier(60, min_samples_leaf=2, random_state=0)
    else:
        linear = RidgeCV(np.logspace(-2, 4, 7))
        trees = ExtraTreesRegressor(60, min_samples_leaf=2, max_features=1 / 3, random_state=0)
        if table.shape[1] > 100:
            trees.set_params(max_features="sqrt")
    return None if is_wide else make_pipeline(scaler, linear), trees


def compare_simple(train, valid, *, is_of_classes, wants_balanced=False):
    """Fit simple models.

    Parameters
    ----------
    train, valid : tuple of (table, y)
        Training and validation rows; `valid` is None without the latter.
    is_of_classes : bool
        Whether y holds classes or labels.
    wants_balanced : bool
        Whether a linear model with balanced classes is fitted, too.

    Returns
    -------
    Reference or None
        None where y or X is of a kind that simple models do not take, or rows are too few.
    """
    table, y = train
    if table is None or not isinstance(y, np.ndarray) or y.ndim > 2 or len(y) < 2 * _N_FOLDS:
        return None
    if is_of_classes and y.ndim == 1 and np.unique(y, return_counts=True)[1].min() < _N_FOLDS:
        return None
    rows = np.random.default_rng(0).permutation(len(y))[:_MOST_ROWS]
    table, y = table[rows], y[rows]
    one = is_of_classes and y.ndim == 1
    if one and len(np.unique(y)) < 2:
        return None
    models = make_models(table, y, is_of_classes=is_of_classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folds = [_in_folds(model, table, y, is_of_classes) for model in models]
        held = folds
        if valid is not None:
            held = [_on(model, (table, y), valid, is_of_classes) for model in models]
        weighted = np.nan
        if wants_balanced and one:
            balanced, _ = make_models(table, y, is_of_classes=True, balanced=True)
            if valid is None:
                weighted = _in_folds(balanced, table, y, True)
            else:
                weighted = _on(balanced, (table, y), valid, True)
    return Reference(*held, *folds, weighted)


def _in_folds(model, table, y, is_of_classes):
    if model is None:
        return np.nan
    one = is_of_classes and y.ndim == 1
    folds = (StratifiedKFold if one else KFold)(_N_FOLDS, shuffle=True, random_state=0)
    predictions = np.empty_like(y)
    if not is_of_classes:
        predictions = predictions.astype(np.float64)
    for kept, held in folds.split(table, y):
        predictions[held] = model.fit(table[kept], y[kept]).predict(table[held])
    return skill(y, predictions, is_of_classes=is_of_classes)


def _on(model, train, valid, is_of_classes):
    if model is None:
        return np.nan
    predictions = model.fit(*train).predict(valid[0])
    return skill(valid[1], predictions, is_of_classes=is_of_classes)
