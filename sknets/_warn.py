"""Warnings that point to the line of the user."""

import copy
import os
import pickle
import sys
import warnings
from pathlib import Path

import joblib
import sklearn

_OWN = Path(__file__).parent
_OTHERS = (Path(module.__file__).parent for module in (sklearn, joblib))
_READERS = (pickle.__file__, copy.__file__)  # which make copies of estimators
_INSIDE = (*(f"{folder}{os.sep}" for folder in (_OWN, *_OTHERS)), *_READERS)


def warn_user(message, category=UserWarning):
    """Warn at the user's line, the first on the stack that is neither ours nor of what calls us."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
