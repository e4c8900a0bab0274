"""Rows with their y and their weights."""

from typing import Any, NamedTuple

import numpy as np

from sknets.estimators._sklearn import check_sample_weight


class Data(NamedTuple):
    """Rows, their y and their weights, all of them read and checked.

    Attributes
    ----------
    rows : rows
        X as its `Input` returned it.
    y : ndarray, sparse matrix or Sequences
        What they have.
    weight : ndarray of shape (n_rows,) or None
        Weights of the rows, all positive.
    """

    rows: Any
    y: Any
    weight: Any = None

    def take(self, index):
        """Return the data of some rows."""
        return Data(*(None if part is None else part[index] for part in self))

    def weighed(self, target):
        """Return the rows that have a weight, with all that y adds to it."""
        return self._replace(weight=target.weigh(self.y, self.weight))._without_zeros()

    def _without_zeros(self):
        if self.weight is None or (self.weight > 0).all():
            return self
        kept = self.weight > 0
        if not kept.any():
            raise ValueError(
                "class_weight gives every row a weight of zero; no row is left to fit."
            )
        return self.take(kept)


def read_data(estimator, input, task, X, y, sample_weight, *, reset):
    """Read X, y and weights as a user gave them; rows whose weight is zero are removed.

    Parameters
    ----------
    estimator : BaseNet
        Whose data they are.
    input : Input
        What X is.
    task : Task
        What y is for.
    X, y, sample_weight : array-like
        As the user gave them.
    reset : bool
        Whether this is the first call.

    Returns
    -------
    Data
    """
    rows, y = task.read(estimator, input, X, y, reset=reset)
    if sample_weight is None:
        return Data(rows, y)
    sample_weight = check_sample_weight(
        sample_weight, rows, dtype=np.float64, ensure_non_negative=True
    )
    return Data(rows, y, sample_weight)._without_zeros()
