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

#: Objects that Python has put aside when it starts (375 in 3.12), at most. Who freezes has more.
_MOST_OF_PYTHON = 5_000

_lock = threading.Lock()
_n_searches = 0
_is_ours = False

#: Fits that a process for tasks has begun, and whether nothing is left to decide.
_n_begun = 0
_is_decided = False


@contextmanager
def what_is_there_put_aside():
    """Return a context in which the collector looks at new objects alone.

    Where somebody has frozen objects already, nothing is done: theirs must stay frozen.
    """
    global _n_searches, _is_ours
    with _lock:
        _n_searches += 1
        if _n_searches == 1:
            _is_ours = gc.isenabled() and not _is_anything_aside()
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
    """Put aside for good what is there when the second fit begins in a process of joblib's for tasks.

    joblib has such a process look through everything each second, unless psutil is installed: a fifth of
    the time of small fits. By the second fit all is imported, and the first one has gone.
    """
    global _n_begun, _is_decided
    if _is_decided:
        return
    if not multiprocessing.current_process().name.startswith("LokyProcess"):
        _is_decided = True
        return
    with _lock:
        _n_begun += 1
        if _is_decided or _n_begun == 1 or _n_searches or not gc.isenabled():
            return
        _is_decided = True
        is_free = not _is_anything_aside()
    if is_free:
        gc.collect()  # cycles would stay with the rest
        gc.freeze()


def _is_anything_aside():
    return gc.get_freeze_count() > _MOST_OF_PYTHON


if hasattr(os, "register_at_fork"):

    def _after_fork():
        global _lock, _n_searches, _is_ours, _n_begun, _is_decided
        _lock, _n_searches, _is_ours, _n_begun, _is_decided = threading.Lock(), 0, False, 0, False

    os.register_at_fork(after_in_child=_after_fork)
