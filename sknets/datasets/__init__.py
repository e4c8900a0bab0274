"""Small real data sets, shipped with the package."""

from sknets.datasets._hitters import load_hitters
from sknets.datasets._nyse import load_nyse

__all__ = ["load_hitters", "load_nyse"]
