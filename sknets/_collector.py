"""Python's collector of cycles, where hundreds of small networks are fitted.

Torch, pandas and numba leave half a million objects in memory that never go. The collector looks through
all of them again and again, a quarter of the time of a search of small networks. They are therefore put
aside, as `gc.freeze` does, and new objects are collected as ever.
"""

import gc
import multiprocessing
import os
import threading
from contextlib import contextmanager

_lock = threading.Lock()
_n_searches = 0
_is_ours = False

#: Whether this process has looked whether it works for another one.
_has_looked = False


@contextmanager
def what_is_there_put_aside():
    """Return a context in which the collector looks at new objects alone.

    Where somebody has frozen objects already, nothing is done: theirs must stay frozen.
    """
    global _n_searches, _is_ours
    with _lock:
        _n_searches += 1
        if _n_searches == 1:
            _is_ours = _may_freeze()
            if _is_ours:
                gc.freeze()
    try:
        yield
    finally:
        with _lock:
            _n_searches -= 1
            if _n_searches == 0 and _is_ours:
                gc.unfreeze()


def put_aside_in_worker():
    """Put aside for good what is there, in a process that joblib has started for tasks.

    It is for the end of a fit, when all is imported. joblib has such a process look through everything
    each second, a fifth of the time of small fits.
    """
    global _has_looked
    if _has_looked:
        return
    with _lock:
        if _has_looked:
            return
        _has_looked = True
        is_worker = multiprocessing.current_process().name.startswith("LokyProcess")
        if is_worker and _n_searches == 0 and _may_freeze():
            gc.collect()  # what is frozen with the rest would stay
            gc.freeze()


def _may_freeze():
    return gc.isenabled() and not gc.get_freeze_count()


if hasattr(os, "register_at_fork"):

    def _after_fork():
        global _lock, _has_looked
        _lock, _has_looked = threading.Lock(), False

    os.register_at_fork(after_in_child=_after_fork)
