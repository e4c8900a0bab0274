"""X as a user's own module takes it: tables, whole numbers, images, sequences."""

import math
from contextlib import suppress

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.utils import check_array

from sknets import modules, training
from sknets._plain import kept
from sknets.datasets._opening import refuse_pieces
from sknets.inputs._input import (
    FLOATS,
    NO_Y,
    Input,
    read_beside,
    read_unnamed,
    remember_features,
)
from sknets.inputs._kind import Kind
from sknets.inputs._names import ListedNames
from sknets.inputs._reading import as_list, join
from sknets.inputs._sequences import Sequences, order_by_length
from sknets.inputs._sizes import are_whole, values_of
from sknets.inputs._table_kind import TableKind
from sknets.inputs._tensors import to_tensor

_WHOLE = tuple(np.dtype(f"{sign}{size}") for sign in "iu" for size in (1, 2, 4, 8))
_LARGEST = np.iinfo(np.int64).max


@kept
class AnyInput(Input):
    """Whatever an array, a table or a list holds: rows keep their shape and whole numbers their type.

    Rows are an array, a sparse matrix, or `Sequences` where a list has arrays of unequal length. Only
    the module knows whether it takes whole numbers as such, and whether it wants to be told lengths; who
    has tried that says so here.

    Attributes
    ----------
    takes_whole : bool or None
        Whether whole numbers go to the module as they are; otherwise they become floats. None before
        the module was tried.
    takes_lengths : bool
        Whether the module is told how long each row is, so that rows may differ in length.
    kind : Kind, TableKind or None
        What values the rows of the first call had; None of a table that tells nothing.
    """

    takes_sparse = True
    takes_three_axes = False  # nobody knows before the module; who asks is given tables
    takes_whole = None
    takes_lengths = False

    def __init__(self):
        self._names = ListedNames()  # of the features of a timestep, or the last axis

    # --- reading -----------------------------------------------------------------------------------

    def read(self, estimator, X, y=NO_Y, *, reset):
        if isinstance(X, Sequences):  # has been read
            return X
        refuse_pieces(X, type(estimator).__name__)
        rows, y = self._read_any(estimator, X, y, reset=reset)
        if rows.dtype == np.uint64 and rows.size and rows.max() > _LARGEST:
            raise ValueError(f"X has {rows.max()}; whole numbers may be at most {_LARGEST}.")
        if isinstance(rows, Sequences) and rows.dtype.kind in "iu":
            rows = _cast(rows, np.int64)  # which has room for what stands for padding
        rows = self.as_taken(rows)
        return rows if y is NO_Y else (rows, y)

    def _read_any(self, estimator, X, y, *, reset):
        entries = as_list(X)
        names = self._names.read(entries, reset=reset)
        if entries is not None:
            X = _joined(estimator, entries)
        X = _with_whole(X)
        n_axes = 2 if sp.issparse(X) else getattr(X, "ndim", 2)
        shape = getattr(X, "shape", None)  # unknown of what scikit-learn turns into an array
        is_same_table = self._was_table and (shape is None or shape[1:] == self.row_shape)
        may_be_other = not reset and self.takes_lengths and not is_same_table
        if isinstance(X, Sequences):
            _, y = read_unnamed(estimator, np.zeros((len(X), 1)), y)
        elif n_axes > 2:
            X, y = read_unnamed(estimator, X, y, allow_nd=True, dtype=self._types)
            if 0 in X.shape:
                raise ValueError(f"X has shape {X.shape}; each axis must have at least one value.")
        elif not may_be_other:
            read = read_beside(estimator, X, y, reset=reset, accept_sparse="csr", dtype=self._types)
            X, y = (read, y) if y is NO_Y else read
            if sp.issparse(X) and X.dtype.kind in "iu":
                X = X.astype(np.float64)
        else:
            X, y = read_unnamed(estimator, X, y, dtype=self._types)
        if not reset:
            self._check_shape(estimator, X)
        if isinstance(X, Sequences) or n_axes > 2:
            if not reset:
                self._names.compare(names, type(estimator).__name__)
            n_features = math.prod(X.shape[2 if isinstance(X, Sequences) else 1 :])
            self._remember(estimator, len(X), n_features, reset=reset)
        return X, y

    @property
    def _types(self):
        """What is kept as it is: whole numbers too, but in tables of a module that takes floats."""
        keeps_whole = self.takes_whole is not False or len(self.row_shape) > 1
        return (*FLOATS, *_WHOLE) if keeps_whole else FLOATS

    def _remember(self, estimator, n_rows, n_features, *, reset):
        if reset or not self.takes_lengths:  # else the shape of a timestep has been compared
            remember_features(estimator, n_rows, n_features, reset=reset)

    def _check_shape(self, estimator, X):
        """Compare the shape of rows with what the fit has seen."""
        name, seen, shape = type(estimator).__name__, self.row_shape, tuple(X.shape[1:])
        if isinstance(X, Sequences) and not self.takes_lengths:
            raise ValueError(_UNTOLD)
        first = 1 if self.takes_lengths else 0
        if len(shape) != len(seen) or shape[first:] != seen[first:]:
            hint = " A single row needs a first axis: X[np.newaxis]." if X.shape == seen else ""
            raise ValueError(
                f"X has rows of shape {shape}, but {name} was fitted to rows of shape {seen}.{hint}"
            )
        is_table = self._was_table and not self.takes_lengths  # else rows are series of one feature
        has_kind = self.kind is not None and (is_table or not self._was_table)
        if has_kind and not self.takes_whole:
            self.kind.check(X, name)

    def as_taken(self, rows):
        """Return rows in the type in which they are kept for the module."""
        if self.takes_whole is None:
            return rows
        if self.takes_whole:
            return rows if rows.dtype.kind in "iu" else _as_whole(rows)
        is_array = isinstance(rows, np.ndarray) and rows.ndim > 2  # becomes floats batch by batch
        return rows if rows.dtype.kind == "f" or is_array else _cast(rows, np.float64)

    # --- what a fit has seen -------------------------------------------------------------------------

    row_shape = ()
    _was_table = False

    def check_goes_on(self, fresh):
        """Accept any: there are no parameters."""

    def _learn(self, rows):
        self.row_shape = tuple(self.row_shape)
        self._n_inputs = self._describe(rows)
        self._was_table = not isinstance(rows, Sequences) and len(self.row_shape) == 1
        self._had_whole = rows.dtype.kind in "iu"
        is_series = isinstance(rows, Sequences) or len(self.row_shape) == 2
        self.kind = TableKind.of(rows) if self._was_table else Kind.of(rows, is_series=is_series)

    def _describe(self, rows):
        if isinstance(rows, Sequences):
            return (None, *self.row_shape[1:])
        return self.row_shape[0] if len(self.row_shape) == 1 else self.row_shape

    @property
    def n_inputs(self):
        """What a module is told of X: columns of a table, or the shape of a row; None is any length."""
        return self._n_inputs

    @property
    def had_whole(self):
        """Whether the X of the first call held whole numbers."""
        return self._had_whole

    # --- batches -------------------------------------------------------------------------------------

    def store(self, rows, dtype, device):
        if sp.issparse(rows):
            return training.SparseStore(sp.csr_array(rows), dtype, device)
        if not isinstance(rows, Sequences):
            return training.TensorStore(to_tensor(rows, dtype, device))
        values = to_tensor(rows.values, dtype, device)
        if rows.is_regular:
            return training.TensorStore(values.reshape(rows.shape))
        lengths = torch.from_numpy(rows.lengths).to(device)
        return training.Ragged(values, lengths, whole_padding=modules.WHOLE_PADDING)

    def plan_prediction(self, rows, n_at_once):
        if not isinstance(rows, Sequences):
            return None, n_at_once
        return order_by_length(rows, n_at_once, self.row_shape[0])


_UNTOLD = (
    "X holds sequences of unequal length, which arrive padded with zeros: let the forward of your module "
    "take a second argument `lengths`, the number of timesteps of each row, or bring X to one length."
)


def check_told(rows, takes_lengths):
    """Raise ValueError if rows are of unequal length and the module would not be told."""
    if isinstance(rows, Sequences) and not takes_lengths:
        raise ValueError(_UNTOLD)


def _joined(estimator, entries):
    """Return a list of arrays as one array, or as `Sequences` if they differ in length."""
    n_axes = next((np.ndim(entry) for entry in entries if np.ndim(entry)), 1)
    sequences = join(entries, "X", dtype=None, n_axes=n_axes)
    values = sequences.values
    if values.dtype.kind not in "iu" and values.dtype not in FLOATS:
        try:
            values = values.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"X must hold arrays of numbers: {error}") from error
    check_array(values.reshape(len(values), -1), input_name="X", dtype=None, estimator=estimator)
    if sequences.is_regular:
        return values.reshape(sequences.shape)
    return Sequences(values, sequences.lengths)


def _with_whole(X):
    """Return a list as an array, and a frame of nullable whole numbers as one of int64.

    scikit-learn would make floats of them.
    """
    if isinstance(X, list | tuple):
        try:
            array = np.asarray(X)
        except ValueError:  # scikit-learn has its own words
            return X
        return array if array.dtype.kind in "iuf" else X
    kinds = {getattr(dtype, "kind", None) for dtype in np.ravel(getattr(X, "dtypes", []))}
    if hasattr(X, "columns") and kinds and kinds <= set("iu"):
        with suppress(ValueError, TypeError):  # gaps are for scikit-learn to refuse
            return X.astype("int64")
    return X


def is_whole(rows):
    """Whether all numbers in rows are whole, and small enough to be so exactly."""
    if sp.issparse(rows):
        return False
    return are_whole(values_of(rows))


def _cast(rows, dtype):
    if isinstance(rows, Sequences):
        return Sequences(rows.values.astype(dtype), rows.lengths, width=rows.width)
    return rows.astype(dtype)


def _as_whole(rows):
    """Return floats that are whole numbers as such.

    Raises
    ------
    ValueError
        If they are none.
    """
    if sp.issparse(rows):
        raise ValueError(
            "X is sparse, but the first X held whole numbers, which the module takes as they are: give "
            "X.toarray()."
        )
    with np.errstate(invalid="ignore"):
        whole = _cast(rows, np.int64)
    if not np.array_equal(values_of(rows), values_of(whole)):
        raise ValueError(
            "X has numbers with fractions, or too large ones, but the first X held whole numbers, which "
            "the module takes as they are, as an nn.Embedding does."
        )
    return whole
