"""Ctrl-C: it ends a training, whose network is kept, or all that this training is a part of."""

import sys
from contextlib import contextmanager
from contextvars import ContextVar

import joblib.parallel

_END_ALL = ContextVar("end_all", default=False)


@contextmanager
def interrupts_end_all():
    """Let Ctrl-C in a training raise KeyboardInterrupt, for a network half trained is of no use here."""
    token = _END_ALL.set(True)
    try:
        yield
    finally:
        _END_ALL.reset(token)


def do_interrupts_end_all():
    """Return whether the present training is part of something that Ctrl-C ends.

    So it is where that has been said, and in every task of joblib's `Parallel`: the folds of a search,
    the members of an ensemble. The stack tells of those, at no cost to trainings that nobody interrupts.
    """
    return _END_ALL.get() or _is_task_of_joblib()


def _is_task_of_joblib():
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == joblib.parallel.__file__:
            return True
        frame = frame.f_back
    return False
