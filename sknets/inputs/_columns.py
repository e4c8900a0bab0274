"""In which scale the columns of X reach a network, and which of them it will hardly learn from.

A unit adds up all columns, and a step of a solver moves all weights about equally far. So a network
learns fastest from columns with mean 0 and standard deviation 1, and slowly, or not at all, from others.
The limits below were measured with the default network: beyond them, 200 epochs leave several times the
training loss that standardised columns leave. They spare indicators (one-hot columns, however rare),
counts, shares and TF-IDF.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from sknets.inputs._pieces import in_pieces
from sknets.inputs._sequences import Sequences

_LARGE = 30.0  # root of the mean square of the values that are not zero
_FAR = 10.0, 3.0  # from zero: in standard deviations of the column, and in units
_NARROW = 0.05, 0.01  # from smallest to largest value: in units, and in those of the widest column
_FAINT = 0.2, 0.5  # all columns: norm of their deviations, and the widest of them

_MOST_VALUES, _FEWEST_ROWS = 2**15, 200  # that are looked at; of more, every k-th row is


class Columns(NamedTuple):
    """What is known of the columns of X, each of shape (n_columns,).

    Attributes
    ----------
    mean, deviation : ndarray
        Weighted mean and standard deviation.
    size : ndarray
        Root of the weighted mean square of the values that are not zero.
    width : ndarray
        Difference of the largest and the smallest value.
    """

    mean: np.ndarray
    deviation: np.ndarray
    size: np.ndarray
    width: np.ndarray

    def out_of_scale(self):
        """Return the positions of the columns that a network will hardly learn from, the worst first.

        These are large columns, those that lie far from zero for their spread (years), and those that
        hardly vary beside the others.
        """
        deviation, distance, width = self.deviation, np.abs(self.mean), self.width
        is_large = self.size > _LARGE
        with np.errstate(over="ignore"):  # none is as far as infinity
            is_far = (distance > _FAR[0] * deviation) & (distance > _FAR[1])
        is_narrow = width < min(_NARROW[0], _NARROW[1] * width.max())
        if width.max() < _FAINT[1] and np.linalg.norm(deviation) < _FAINT[0]:
            is_narrow = width > 0
        is_narrow &= width > 0  # a constant is as good as an intercept
        found = np.flatnonzero(is_large | is_far | is_narrow)
        with np.errstate(divide="ignore"):
            size = np.log(np.where(is_large | is_far, self.size, width))
        return found[np.argsort(-np.abs(size[found]), kind="stable")]

    def rounded(self, positions):
        """Yield the position, mean and deviation of some columns; a mean that is rounding is zero."""
        for i in positions:
            is_zero = abs(self.mean[i]) < 1e-9 * self.size[i]
            yield i, 0.0 if is_zero else self.mean[i], self.deviation[i]


def describe_columns(rows, weight=None, shift=0.0, scale=1.0):
    """Return the `Columns` of rows as a network sees them, or None where they hold whole numbers.

    Parameters
    ----------
    rows : ndarray, sparse matrix or Sequences
        What an `Input` has read: a table, or series whose last axis are the columns. Of anything with
        more axes all values are one column, since only a user's module knows what they are.
    weight : ndarray of shape (n_rows,), default=None
        Weights of the rows.
    shift, scale : float or ndarray of shape (n_columns,)
        What the network subtracts from each column, and what it then divides it by.
    """
    rows, weight = thinned(rows, weight)
    weight = np.ones(rows.shape[0]) if weight is None else weight
    if isinstance(rows, Sequences):
        rows, weight = rows.values, rows.repeat(weight)
    if rows.dtype.kind != "f":
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        if sp.issparse(rows):
            return _describe_sparse(rows, weight, scale)
        if rows.ndim > 3:
            rows = rows.reshape(len(rows), -1, 1)
        return describe_values(rows, weight, shift, scale)


def thinned(rows, weight):
    """Return rows that are read in pieces as every k-th of them, in memory; others as they are."""
    if not in_pieces(rows):
        return rows, weight
    step = _step(len(rows), int(np.prod(rows.shape)))
    return rows.read(slice(None, None, step)), None if weight is None else weight[::step]


def describe_values(rows, weight, shift=0.0, scale=1.0):
    """Return the `Columns` of an array, whose last axis they are."""
    step = _step(len(rows), rows.size)
    rows, weight = rows[::step], weight[::step]
    values = (rows.reshape(-1, rows.shape[-1]).astype(np.float64) - shift) / scale
    weight = np.repeat(weight, len(values) // len(rows))
    lowest, highest = values.min(axis=0), values.max(axis=0)
    reach = _reach(lowest, highest)
    values /= reach
    sums = (weight @ part for part in (values, values**2, values != 0))
    return _columns(sums, weight.sum(), lowest, highest, reach)


def _describe_sparse(rows, weight, scale):
    """Return the `Columns` of a sparse matrix, which is never shifted."""
    step = _step(rows.shape[0], rows.nnz)
    weight, values = weight[::step], sp.csr_array(rows)[::step].astype(np.float64) / scale
    lowest, highest = (part.toarray().ravel() for part in (values.min(axis=0), values.max(axis=0)))
    reach = _reach(lowest, highest)
    values.data /= reach[values.indices]
    sums = (weight @ part for part in (values, values.power(2), values != 0))
    return _columns(sums, weight.sum(), lowest, highest, reach)


def _step(n_rows, n_values):
    return max(1, min(n_values // _MOST_VALUES, n_rows // _FEWEST_ROWS))


def _reach(lowest, highest):
    """Return the largest absolute value of each column: squares beyond it would overflow, or vanish."""
    reach = np.maximum(np.abs(lowest), np.abs(highest))
    return np.where(reach > 0, reach, 1.0)


def _columns(sums, total, lowest, highest, reach):
    values, squares, present = (part / total for part in sums)
    deviation = np.sqrt(np.maximum(squares - values**2, 0.0))
    deviation[highest == lowest] = 0.0
    size = np.sqrt(squares / np.where(present > 0, present, 1.0))
    with np.errstate(over="ignore"):
        return Columns(values * reach, deviation * reach, size * reach, highest - lowest)
