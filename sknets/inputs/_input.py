"""What X is: the base of all inputs, and how X and y are read side by side."""

import math
from abc import ABC, abstractmethod

import numpy as np
import pandas as pd
from sklearn.utils import check_array, check_consistent_length, check_X_y
from sklearn.utils.validation import validate_data

from sknets.inputs._pieces import ReadRows, Survey, in_pieces
from sknets.inputs._sizes import are_ordinary, check_sizes, usual_reach, values_of

#: What stands for y where there is none; None is a y that a user forgot.
NO_Y = object()

#: Types that are kept as they are; others become the first.
FLOATS = (np.float64, np.float32)

#: Values in X up to which dtype="auto" computes float64 data in float64.
SMALL_DATA = 100_000


class Input(ABC):
    """What X is, to one fit.

    An input reads X as a user has it, and remembers what the fit has seen. What it returns are *rows*:
    they have a `shape` ``(n_rows, ...)`` and a `dtype` and can be indexed by a slice, by positions or by
    a mask, as arrays, sparse matrices and `Sequences` can.

    A class attribute says what scikit-learn's tags ask: whether X may be sparse, and whether it may have
    three axes.

    Attributes
    ----------
    row_shape : tuple of int
        Shape of one row of the first call, after `learn`.
    usual_reach : float
        How large values of the first call are, after `learn`.
    small_data : int
        Values in X up to which ``dtype="auto"`` keeps float64.
    """

    takes_sparse = False
    takes_three_axes = False
    small_data = SMALL_DATA

    @abstractmethod
    def read(self, estimator, X, y=NO_Y, *, reset):
        """Check X, and y where there is one, against each other and against what a fit has seen.

        Parameters
        ----------
        estimator : estimator
            Whose names of features, and words in errors, they are.
        X, y : object
            As the user gave them.
        reset : bool
            Whether this is the first call, which decides what later ones must be like.

        Returns
        -------
        X : rows
        y : ndarray or sparse matrix
            Where there is one: one output, or one set of outputs, for each row.
        """

    @abstractmethod
    def check_goes_on(self, fresh):
        """Raise ValueError if an input made of the parameters of now would read another X."""

    def learn(self, rows):
        """Remember what the network depends on, of all rows of the first call."""
        self.row_shape = rows.shape[1:]
        if in_pieces(rows):
            survey = Survey.of(rows)
            self.usual_reach = survey.reach if rows.dtype.kind == "f" else 0.0
            self._learn(survey)
            return
        self.usual_reach = usual_reach(values_of(rows))
        self._learn(rows)

    @abstractmethod
    def _learn(self, rows):
        """Remember what is particular to this kind of X; of rows in pieces, their `Survey` is given."""

    def check_sizes(self, rows, dtype, name="X", places=None):
        """Raise ValueError if values are too large for a type, or beside those of the first call."""
        check_sizes(rows, dtype, self.usual_reach, name, places)

    @abstractmethod
    def store(self, rows, dtype, device):
        """Return the `training.Store` that batches are taken from, on a device.

        Whole numbers (uint8 images, tokens) stay as they are; the module makes floats of a batch of them.
        """

    def batch(self, rows, dtype, device):
        """Return all rows as one batch, as a module takes it."""
        return self.store(rows, dtype, device).take(slice(None))

    @abstractmethod
    def plan_prediction(self, rows, n_at_once):
        """Return in which order rows are best predicted (None: as they are), and how many at once.

        `n_at_once` is the number that suits rows of the size seen in the first call.
        """


def read_beside(estimator, X, y, *, reset, **options):
    """Read X, and y where there is one, by scikit-learn's `validate_data`."""
    if y is NO_Y:
        with within_float64("X"):
            return validate_data(estimator, X, reset=reset, **options)
    with within_float64("X or y"):
        return validate_data(estimator, X, y, multi_output=True, reset=reset, **options)


def read_y(estimator, X, y):
    """Read y beside an X that has been read, as `read_beside` does."""
    if _is_plain(y) and len(y) == len(X):
        return y
    with within_float64("X or y"):
        y = validate_data(estimator, y=y, multi_output=True, reset=False)
    check_consistent_length(X, y)
    return y


def _is_plain(y):
    """Whether `validate_data` would return a y as it is, without a word: all its looks take 100 µs."""
    if type(y) is not np.ndarray or y.ndim != 1 or not len(y):
        return False
    return y.dtype.kind in "biu" or (y.dtype in FLOATS and are_ordinary(y))


def read_unnamed(estimator, X, y, **options):
    """Return X and y (or `NO_Y`) as scikit-learn reads them where it does not look at columns."""
    with within_float64("X or y"):
        if y is NO_Y:
            return check_array(X, input_name="X", estimator=estimator, **options), y
        return check_X_y(X, y, multi_output=True, estimator=estimator, **options)


def read_pieces(estimator, rows, y, *, reset, kept):
    """Return X in pieces as it is read from now on, and y (or `NO_Y`).

    Parameters
    ----------
    estimator : estimator
        Whose features and words they are.
    rows : RowsInPieces
        X.
    y : object
        As the user gave it, or `NO_Y`.
    reset : bool
        Whether this is the first call.
    kept : tuple of dtype
        Types that are kept; others become the first.
    """
    n_features = math.prod(rows.shape[1:])
    remember_features(estimator, len(rows), n_features, reset=reset, names=rows.columns)
    read = ReadRows(rows, kept)
    return read if y is NO_Y else (read, read_y(estimator, read, y))


class within_float64:
    """A context in which numbers that float64 cannot hold are an error that has a name."""

    def __init__(self, name):
        self._name = name
        self._silence = np.errstate(
            over="ignore", invalid="ignore"
        )  # of wider floats, of infinities

    def __enter__(self):
        self._silence.__enter__()

    def __exit__(self, kind, error, traceback):
        self._silence.__exit__(kind, error, traceback)
        if kind is OverflowError:  # of Python's whole numbers
            raise ValueError(
                f"{self._name} has a number too large for float64: {error}."
            ) from error


def remember_features(estimator, n_rows, n_features, *, reset, names=None):
    """Let scikit-learn remember, or compare, the features of an X that is no table.

    Parameters
    ----------
    estimator : estimator
        What remembers.
    n_rows, n_features : int
        Rows of X, and their features.
    reset : bool
        Whether to remember rather than compare.
    names : list of str, default=None
        Names of the features, where they have any.
    """
    stand_in = np.broadcast_to(np.zeros(1), (n_rows, n_features))
    if names is not None:
        stand_in = pd.DataFrame(stand_in[:1], columns=names)
    validate_data(estimator, stand_in, skip_check_array=True, reset=reset)
