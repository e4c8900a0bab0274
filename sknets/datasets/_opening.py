"""What a user gives as X, where it is read in pieces."""

import sys

import numpy as np

from sknets.datasets._array_rows import ArrayRows
from sknets.datasets._arrow_rows import ArrowRows
from sknets.datasets._in_pieces import MEMORY, RowsInPieces
from sknets.datasets._torch_rows import DataLoader, TorchRows

_MEBIBYTE = 2**20


def open_rows(X):
    """Return X as `RowsInPieces`, or None where it is none.

    A memory map that fits into memory is an array: joblib hands out such maps, and they must give what
    the arrays would have given.
    """
    if isinstance(X, RowsInPieces):
        return X
    if isinstance(X, np.memmap):
        is_large = X.ndim > 1 and X.nbytes > MEMORY * _MEBIBYTE and X.dtype.kind in "buif"
        return ArrayRows(X) if is_large else None
    if isinstance(X, DataLoader):
        return TorchRows(X)
    return ArrowRows(X) if _is_arrow(X) else None


def refuse_pieces(X, who, why=""):
    """Raise ValueError where X would be read in pieces, by one that cannot."""
    if type(X) is np.ndarray or isinstance(X, np.memmap):
        return
    if open_rows(X) is not None:
        raise ValueError(
            f"{who} reads all rows at once and cannot take X as {type(X).__name__}; {why}give an array "
            "(rows.read() returns one). MLPs and CNNs read rows in pieces."
        )


def _is_arrow(X):
    """Whether X is a data set that pyarrow has opened, for which it must have been imported."""
    if not type(X).__module__.startswith("pyarrow"):
        return False
    kinds = (("pyarrow.dataset", "Dataset"), ("pyarrow.parquet", "ParquetFile"))
    return any(
        isinstance(X, getattr(sys.modules[module], name))
        for module, name in kinds
        if module in sys.modules
    )
