"""Ctrl-C: it ends a training, whose network is kept, or all that this training is a part of."""

from contextlib import contextmanager
from contextvars import ContextVar

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
    """Return whether the present training is part of something that Ctrl-C ends."""
    return _END_ALL.get()
