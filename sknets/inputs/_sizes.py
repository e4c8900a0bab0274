"""How large the numbers in X are, beside those of the fit and beside what a type can hold."""

import numpy as np
import scipy.sparse as sp
import torch

from sknets.datasets import RowsInPieces
from sknets.inputs._sequences import Sequences

#: Larger values are refused where those of the fit are smaller by far: they stand for missing data.
HUGE = 1e30
_BY_FAR = 1e6

#: Sizes between which float32 holds X, its differences and its products with weights.
_LEAST, _MOST = 1e-30, 1e37

#: A sum of squares in which no value is near any limit.
_ORDINARY = HUGE**2

_N_NAMED = 5
_BLOCK_VALUES = 2**16  # that are looked at before the next ones


def values_of(rows):
    """Return the numbers in rows as an array; of a sparse matrix, those that are stored."""
    if isinstance(rows, Sequences):
        return rows.values
    return rows.data if sp.issparse(rows) else rows


def largest(values):
    """Return the largest absolute value of an array, 0 for an empty one and for whole numbers."""
    if values.dtype.kind != "f" or not values.size:
        return 0.0
    return max(float(values.max()), -float(values.min()))


def are_ordinary(values):
    """Whether all numbers in an array are finite and far from any limit: a look that copies nothing."""
    return float(np.vdot(values, values)) < _ORDINARY


def are_whole(values):
    """Whether all numbers in an array are whole, and small enough not to be so by their size alone."""
    if values.dtype.kind != "f":
        return True
    size = max(1, _BLOCK_VALUES // max(1, values[:1].size))
    blocks = (values[start : start + size] for start in range(0, len(values), size))
    if not all(bool((block == np.floor(block)).all()) for block in blocks):
        return False
    return largest(values) < 1 / np.finfo(values.dtype).eps  # from where on all numbers are whole


def usual_reach(values):
    """Return the largest absolute value, without a minority beside which all others vanish."""
    reach = largest(values)
    if reach <= HUGE:
        return reach
    sizes = np.abs(values)
    is_small = sizes < reach / _BY_FAR
    n_small = np.count_nonzero(sizes[is_small])
    return float(sizes[is_small].max()) if n_small > sizes.size - is_small.sum() else reach


def suits_single_precision(reach):
    """Whether float32 holds an X of such a `usual_reach`."""
    return reach == 0 or _LEAST <= reach <= _MOST


def check_sizes(rows, dtype, usual, name="X", places=None):
    """Raise ValueError if values are too large for a type, or to be data of the same kind.

    Parameters
    ----------
    rows : rows
        The data.
    dtype : torch.dtype
        Type in which the network computes.
    usual : float
        What `usual_reach` returned in the fit.
    name : str, default="X"
        What the user calls the data.
    places : ndarray of shape (n_rows,), default=None
        Positions of the rows in the user's data; None if they are as they were.
    """
    if isinstance(rows, RowsInPieces):
        return  # which are looked at as they are read
    values = values_of(rows)
    if are_ordinary(values):
        return
    reach = largest(values)
    most, most_beside = torch.finfo(dtype).max, max(HUGE, usual * _BY_FAR)
    if reach <= most and reach <= most_beside:
        return
    limit = min(most, most_beside)
    bad = rows_where(rows, lambda values: np.abs(values) > limit)
    where = name_rows(bad if places is None else np.sort(places[bad]))
    if reach > most:
        kind = str(dtype).removeprefix("torch.")
        raise ValueError(
            f"{name} has values too large for {kind} in {where}, up to {reach:.3g} in size. Mask them if "
            "they stand for missing values; if not, scale X or set dtype='float64'."
        )
    raise ValueError(
        f"{name} has values of up to {reach:.3g} in size in {where}, beside which all others vanish: "
        f"those of the fit reach {usual:.3g}. Mask them if they stand for missing values."
    )


def rows_where(rows, test):
    """Return the positions of the rows with a value that a function of an array says is one."""
    is_bad = test(values_of(rows))
    if isinstance(rows, Sequences):
        is_bad = is_bad.reshape(len(is_bad), -1).any(axis=1)
        return np.flatnonzero(np.logical_or.reduceat(is_bad, rows.starts))
    if sp.issparse(rows):
        return np.unique(np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))[is_bad])
    return np.flatnonzero(is_bad.reshape(len(is_bad), -1).any(axis=1))


def name_rows(positions):
    """Return words for some rows, the first of them by position."""
    named = ", ".join(map(str, positions[:_N_NAMED]))
    if len(positions) > _N_NAMED:
        return f"rows {named} ... ({len(positions)} in all)"
    return f"row{'s' if len(positions) > 1 else ''} {named}"
