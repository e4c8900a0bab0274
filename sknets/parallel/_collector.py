"""Python's collector of cycles, during a search.

Hundreds of fits leave so many objects that the collector looks through everything in memory, Torch's and
pandas' half a million objects, again and again: a quarter of the time of a search of small networks. What
was there before the search is therefore put aside, as `gc.freeze` does; what the search leaves is
collected as ever.
"""

import gc
import threading
from contextlib import contextmanager

_lock = threading.Lock()
_n_searches = 0
_is_ours = False


@contextmanager
def what_is_there_put_aside():
    """Return a context in which the collector looks at new objects alone.

    Where somebody has frozen objects already, nothing is done: theirs must stay frozen.
    """
    global _n_searches, _is_ours
    with _lock:
        _n_searches += 1
        if _n_searches == 1:
            _is_ours = gc.isenabled() and not gc.get_freeze_count()
            if _is_ours:
                gc.freeze()
    try:
        yield
    finally:
        with _lock:
            _n_searches -= 1
            if _n_searches == 0 and _is_ours:
                gc.unfreeze()
