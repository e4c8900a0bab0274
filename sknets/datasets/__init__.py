"""Small real data sets, shipped with the package, and rows that are read in pieces."""

from sknets.datasets._array_rows import ArrayRows
from sknets.datasets._arrow_rows import ArrowRows
from sknets.datasets._hitters import load_hitters
from sknets.datasets._image_folder import ImageFolder
from sknets.datasets._in_pieces import RowsInPieces
from sknets.datasets._nyse import load_nyse
from sknets.datasets._torch_rows import TorchRows

__all__ = [
    "ArrayRows",
    "ArrowRows",
    "ImageFolder",
    "RowsInPieces",
    "TorchRows",
    "load_hitters",
    "load_nyse",
]
