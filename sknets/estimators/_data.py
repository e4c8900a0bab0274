"""Rows with their y and their weights."""

from typing import Any, NamedTuple

import numpy as np

from sknets.estimators._sklearn import check_sample_weight
from sknets.inputs import within_float64

#: Means of weights that may be meant as numbers of rows.
_COUNTS = (1e-9, 1e9)


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
    name : str
        What the user calls X.
    places : ndarray of shape (n_rows,) or None
        Positions of the rows in the user's X; None if all of them are here.
    y_names : list of str or None
        Names of the columns of y.
    """

    rows: Any
    y: Any
    weight: Any = None
    name: str = "X"
    places: Any = None
    y_names: Any = None

    def take(self, index):
        """Return the data of some rows."""
        places = np.arange(self.rows.shape[0]) if self.places is None else self.places
        parts = (self.rows, self.y, self.weight)
        taken = (None if part is None else part[index] for part in parts)
        return Data(*taken, self.name, places[index], self.y_names)

    def weighed(self, target):
        """Return the rows that have a weight, with all that y adds to it."""
        with np.errstate(over="ignore"):
            weight = target.weigh(self.y, self.weight)
        return self._replace(weight=weight)._with_usable_weights()

    def _with_usable_weights(self):
        """Return the rows that have a weight, with weights in whose sums no digits are lost."""
        if self.weight is None:
            return self
        if not np.isfinite(self.weight).all():
            raise ValueError("class_weight times sample_weight is too large for float64.")
        data = self
        if not (self.weight > 0).all():
            kept = self.weight > 0
            if not kept.any():
                raise ValueError(
                    "class_weight gives every row a weight of zero; no row is left to fit."
                )
            data = self.take(kept)
        return data._replace(weight=as_counts(data.weight))


def as_counts(weight):
    """Return positive weights as they are, or relative to their mean where they cannot count rows.

    A weight is a number of rows, beside which `alpha` and `l1_alpha` are measured. Weights that are so
    large or so small on average only say which row counts how much.
    """
    largest = weight.max()
    mean = (weight / largest).mean()  # whose sum cannot overflow
    least, most = _COUNTS
    if least <= mean * largest <= most:
        return weight
    # the quotient of a tiny number keeps its row
    return np.maximum(weight / largest / mean, np.finfo(np.float64).tiny)


def as_shares(sample_weight):
    """Return weights of a score, which are only relative, in a size in which they can be added up."""
    if sample_weight is None:
        return None
    weight = np.asarray(sample_weight)
    if weight.ndim != 1 or weight.dtype.kind not in "uif" or not weight.size:
        return sample_weight  # for scikit-learn to judge
    _, exponent = np.frexp(weight.max())
    return np.ldexp(weight, -exponent)  # to the last bit


def read_data(estimator, input, task, X, y, sample_weight, *, reset, name="X"):
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
    name : str, default="X"
        What the user calls X.

    Returns
    -------
    Data
    """
    y_names = task.names(y)
    rows, y = task.read(estimator, input, X, y, reset=reset)
    data = Data(rows, y, name=name, y_names=y_names)
    if sample_weight is None:
        return data
    return data._replace(weight=read_weight(sample_weight, rows))._with_usable_weights()


def read_weight(sample_weight, rows):
    """Return weights as a user gave them as an array, one for each row."""
    try:
        with within_float64("sample_weight"):
            return check_sample_weight(
                sample_weight, rows, dtype=np.float64, ensure_non_negative=True
            )
    except (TypeError, ValueError) as error:
        if "weight" in str(error):
            raise
        given = f"{sample_weight!r}" if isinstance(sample_weight, str) else "what was given"
        hint = " class_weight='balanced' is a parameter." if given == "'balanced'" else ""
        raise ValueError(
            f"sample_weight must be a number for each row, not {given}: {error}.{hint}"
        ) from error
