"""Whether what a thread trains is still wanted: a search that has ended waits for nobody."""

import threading
from contextlib import contextmanager


class _Here(threading.local):
    is_wanted = None  # found on the class where a thread has none: that is fast


_here = _Here()


@contextmanager
def while_wanted(is_wanted):
    """Let trainings of the present thread end as by Ctrl-C, from when `is_wanted` returns False."""
    before = _here.is_wanted
    _here.is_wanted = is_wanted
    try:
        yield
    finally:
        _here.is_wanted = before


def check_wanted():
    """Raise KeyboardInterrupt if the training of the present thread is not wanted any more."""
    is_wanted = _here.is_wanted
    if is_wanted is not None and not is_wanted():
        raise KeyboardInterrupt
