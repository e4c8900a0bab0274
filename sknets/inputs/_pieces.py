"""X that is read in pieces: what is looked at while it is read, and what one pass over it tells."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sknets import training
from sknets.datasets import RowsInPieces
from sknets.datasets._opening import open_rows
from sknets.inputs._sizes import HUGE, are_ordinary, are_whole, largest, name_rows, rows_where
from sknets.inputs._tensors import to_tensor

#: Rows of which a kind is told, where X is a further one.
_N_SAMPLED = 1000


def opened(X):
    """Return X as a user gave it, but rows in pieces that fit into memory as an array or a frame."""
    if type(X) is np.ndarray:
        return X
    rows = open_rows(X)
    if rows is None:
        return X
    if not rows.fits or isinstance(rows, ReadRows):
        return rows
    values = rows.read()
    return values if rows.columns is None else pd.DataFrame(values, columns=rows.columns)


def in_pieces(rows):
    """Whether rows are read in pieces."""
    return isinstance(rows, RowsInPieces)


def lazily(X):
    """Return X so that rows of it can be taken without reading them, where it is read in pieces."""
    rows = None if type(X) is np.ndarray else open_rows(X)
    return X if rows is None else rows


def looked_at(rows, index):
    """Return some rows as an array."""
    return rows.read(index) if in_pieces(rows) else rows[index]


class ReadRows(RowsInPieces):
    """Rows of an X, which are checked each time that they are read.

    Parameters
    ----------
    rows : RowsInPieces
        The rows.
    kept : tuple of dtype
        Types that are kept; others become the first.
    """

    def __init__(self, rows, kept):
        dtype = rows.dtype if rows.dtype in kept else np.dtype(kept[0])
        super().__init__(rows.shape, dtype, rows.starts, columns=rows.columns, memory=rows.memory)
        self._rows = rows
        self.chunk_rows = rows.chunk_rows
        self.source = f"{type(rows).__name__}, {self.nbytes / 1e9:.3g} GB"

    def read_sorted(self, positions):
        values = self._rows.read(positions)
        if values.shape != (len(positions), *self.shape[1:]):
            raise ValueError(
                f"X ({type(self._rows).__name__}) has returned an array of shape {values.shape} for "
                f"{len(positions)} rows of shape {self.shape[1:]}."
            )
        if values.dtype.kind == "f" and not are_ordinary(values):
            _check_values(values, positions)
        return values.astype(self.dtype, copy=False)


def _check_values(values, positions):
    is_bad = rows_where(values, lambda values: ~np.isfinite(values))
    if len(is_bad):
        what = "NaN" if np.isnan(values[is_bad]).any() else "infinity"
        raise ValueError(
            f"Input X contains {what} in {name_rows(positions[is_bad])}. Fill what is missing before, or "
            "as rows are read: rows.map(imputer)."
        )
    is_large = rows_where(values, lambda values: np.abs(values) > HUGE)
    if len(is_large):
        raise ValueError(
            f"X has values of up to {largest(values):.3g} in size in {name_rows(positions[is_large])}, "
            f"beyond {HUGE:g}. Mask them if they stand for missing values; if not, scale X: "
            "rows.map(scaler)."
        )


@dataclass
class Survey:
    """What one pass over all rows tells.

    Attributes
    ----------
    lowest, highest : float
        The least and the largest value.
    is_whole : bool
        Whether all values are whole numbers.
    dimmest : float
        The least of the largest absolute values of the rows.
    least_peak : float
        The least of the largest values of the rows.
    n_rows : int
        Number of rows.
    sums, n_fractions : ndarray of shape (n_columns,)
        Of a table without negative values: sums of the columns, and how many fractions they have.
    """

    lowest: float = np.inf
    highest: float = -np.inf
    is_whole: bool = True
    dimmest: float = np.inf
    least_peak: float = np.inf
    n_rows: int = 0
    sums: np.ndarray | float = 0.0
    n_fractions: np.ndarray | float = 0.0

    @classmethod
    def of(cls, rows):
        """Look at all rows once."""
        survey = cls()
        for block in rows.blocks():
            survey._take(block)
        return survey

    @property
    def reach(self):
        """The largest absolute value."""
        return max(self.highest, -self.lowest)

    def _take(self, block):
        self.n_rows += len(block)
        flat = block.reshape(len(block), -1)
        peaks = flat.max(axis=1).astype(np.float64)
        depths = flat.min(axis=1).astype(np.float64)
        self.lowest = min(self.lowest, float(depths.min()))
        self.highest = max(self.highest, float(peaks.max()))
        self.dimmest = min(self.dimmest, float(np.maximum(peaks, -depths).min()))
        self.least_peak = min(self.least_peak, float(peaks.min()))
        is_table = block.ndim == 2 and self.lowest >= 0
        if self.is_whole:
            self.is_whole = are_whole(block)
            if is_table:
                self.sums = self.sums + block.sum(axis=0, dtype=np.float64)
        if is_table and self.highest <= 1 and not self.is_whole:
            self.n_fractions = self.n_fractions + (block != np.floor(block)).sum(axis=0)


def sampled(rows):
    """Return rows as they are, or some of those that are read in pieces as an array."""
    if not in_pieces(rows):
        return rows
    n_sampled = min(_N_SAMPLED, rows.rows_at_once)
    return rows.read(slice(None, None, -(-len(rows) // n_sampled)))


def store_of(rows, dtype, device):
    """Return the `training.Store` of rows of floats or whole numbers of which the module makes floats."""
    if in_pieces(rows) and not rows.fits:
        return training.PiecesStore(rows, dtype, device)
    values = rows.read() if in_pieces(rows) else rows
    return training.TensorStore(to_tensor(values, dtype, device))
