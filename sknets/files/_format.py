"""The parts of a file, and the first of them, which says what the file is."""

import platform

import numpy as np
import sklearn
import torch

from sknets._version import __version__
from sknets.storage import ContentError

#: Of the layout of files. A file of a higher one is refused; those of lower ones can be read.
FORMAT_VERSION = 1

FORMAT, TREE, ARRAYS = "format.json", "state.json", "arrays.safetensors"

#: Where the things of scikit-learn lie, by number.
SKOPS = "skops/{}.skops"


def describe(estimator):
    """Return what the first part of a file says."""
    return {
        "format": "sknets",
        "version": FORMAT_VERSION,
        "sknets": __version__,
        "class": type(estimator).__name__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
    }


def check_format(described):
    """Raise ContentError if a file is of another kind, or laid out by a version that is newer."""
    version = described.get("version") if isinstance(described, dict) else None
    if type(version) is not int or version < 1 or described.get("format") != "sknets":
        raise ContentError("is no file of sknets")
    if version > FORMAT_VERSION:
        wrote = str(described.get("sknets"))[:40]
        raise ContentError(
            f"was written by sknets {wrote} in version {version} of the format, of which this sknets "
            f"({__version__}) knows up to {FORMAT_VERSION}: pip install 'sknets>={wrote}'"
        )
