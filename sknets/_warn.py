"""Warnings that point to the line of the user."""

import copy
import os
import pickle
import sys
import threading
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

import joblib
import sklearn

_OWN = Path(__file__).parent
_OTHERS = (Path(module.__file__).parent for module in (sklearn, joblib))
_READERS = (pickle.__file__, copy.__file__)  # which make copies of estimators
_INSIDE = (*(f"{folder}{os.sep}" for folder in (_OWN, *_OTHERS)), *_READERS)


class Line(NamedTuple):
    """A line of code, and what `warnings` has to know of its module."""

    filename: str
    lineno: int
    module: str
    registry: dict

    @classmethod
    def of(cls, frame):
        """Return the line at which a frame is."""
        names = frame.f_globals
        registry = names.setdefault("__warningregistry__", {})
        module = names.get("__name__", "<string>")
        return cls(frame.f_code.co_filename, frame.f_lineno, module, registry)


_CALLER = ContextVar("caller", default=None)
_UNSAID = ContextVar("unsaid", default=())


def warn_user(message, category=UserWarning):
    """Warn at the user's line, the first on the stack that is neither ours nor of what calls us."""
    if not issubclass(category, _UNSAID.get()):
        warnings.warn_explicit(message, category, *user_line())


def is_heard(category):
    """Return whether somebody may hear a warning of ours: its words need not be found if nobody does.

    A filter that looks at words or places may let it pass, whatever those are.
    """
    if issubclass(category, _UNSAID.get()):
        return False
    # Python 3.14 may have filters of a context
    filters = getattr(warnings, "_get_filters", lambda: warnings.filters)()
    for action, message, of_category, module, line in filters:
        if issubclass(category, of_category):
            return action != "ignore" or not (message is None and module is None and line == 0)
    return True


@contextmanager
def unsaid(category):
    """Let our warnings of a category be left out in the present thread: filters are those of all."""
    token = _UNSAID.set((*_UNSAID.get(), category))
    try:
        yield
    finally:
        _UNSAID.reset(token)


def user_line():
    """Return the user's line: in a thread of a search, the one that called the search."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame = frame.f_back
    is_of_thread = frame.f_code.co_filename == threading.__file__
    return (_CALLER.get() if is_of_thread else None) or Line.of(frame)


@contextmanager
def warns_at(line):
    """Let warnings of the present thread point to a line where no user's is on its stack."""
    token = _CALLER.set(line)
    try:
        yield
    finally:
        _CALLER.reset(token)
