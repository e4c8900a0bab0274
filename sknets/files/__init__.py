"""Fitted estimators in files that are safe to read: see `save` and `load`."""

from sknets.files._classes import trusted_types
from sknets.files._load import load
from sknets.files._save import save

__all__ = ["load", "save", "trusted_types"]
