"""Rows that are held out in turn."""

import numbers

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, check_cv
from sklearn.utils.validation import column_or_1d


class Folds:
    """Who predicts which row: each fold's network has not seen its held-out rows.

    Parameters
    ----------
    pairs : list of (ndarray, ndarray)
        Rows to learn from and rows held out, of each fold.
    n_rows : int
        Number of rows.
    """

    def __init__(self, pairs, n_rows):
        self.pairs = pairs
        self.n_held = np.zeros(n_rows)
        for _, held in pairs:
            self.n_held[held] += 1

    def out_of_fold(self, predictions):
        """Return the mean of what the folds predict for each row, NaN for rows that none holds out."""
        shape = (len(self.n_held), *predictions[0].shape[1:])
        total = np.zeros(shape)
        for (_, held), prediction in zip(self.pairs, predictions, strict=True):
            total[held] += prediction
        n_held = self.n_held.reshape(-1, *[1] * (len(shape) - 1))
        return np.divide(total, n_held, out=np.full(shape, np.nan), where=n_held > 0)


def make_folds(cv, make_splitter, y, target, groups, kept, seed):
    """Return the `Folds` that `cv` asks for, of which rows are positions in `kept`.

    A number of folds is made of the kept rows. All else may speak of rows by their positions in y.

    Parameters
    ----------
    cv : int, splitter, iterable or None
        The parameter.
    make_splitter : callable
        ``make_splitter(target, n_folds, seed)`` returns a splitter into that many folds, or fewer.
    y : ndarray of shape (n_samples,)
        What is to be predicted, of all rows.
    target : ndarray of shape (n_kept,)
        That of the kept rows, as the networks take it.
    groups : ndarray of shape (n_samples,) or None
        The number of each row's group.
    kept : ndarray of int, shape (n_kept,)
        Rows that are learned from.
    seed : int
        Seed of the folds.

    Raises
    ------
    ValueError
        If there are no folds, or one is empty.
    """
    cv = 5 if cv is None else cv
    if isinstance(cv, numbers.Integral):
        groups = None if groups is None else groups[kept]
        if groups is None:
            splitter = make_splitter(target, cv, seed)
        else:
            splitter = _make_group_splitter(groups, cv, seed)
        pairs = list(splitter.split(np.zeros((len(kept), 1)), target, groups))
    else:
        place = np.full(len(y), -1)
        place[kept] = np.arange(len(kept))
        parts = check_cv(cv, y).split(np.zeros((len(y), 1)), y, groups)
        pairs = [tuple(p[p >= 0] for p in (place[train], place[held])) for train, held in parts]
    if not pairs:
        raise ValueError(
            "cv yields no folds; a generator does so once only, a list again and again."
        )
    if not all(len(part) for pair in pairs for part in pair):
        raise ValueError(f"cv={cv!r} leaves a fold without rows; choose fewer folds.")
    return Folds(pairs, len(target))


def read_groups(groups):
    """Return the number of each row's group, or None.

    Raises
    ------
    ValueError
        If a row has none.
    """
    if groups is None:
        return None
    codes, _ = pd.factorize(column_or_1d(groups))
    if (codes < 0).any():
        raise ValueError(f"groups has no value in row {np.flatnonzero(codes < 0)[0]}.")
    return codes


def _make_group_splitter(groups, n_folds, seed):
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise ValueError("groups has one group only; at least 2 are needed to hold one out.")
    return GroupKFold(min(n_folds, n_groups), shuffle=True, random_state=seed)
