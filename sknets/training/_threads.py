"""How many threads a fit uses.

Small steps are faster on one thread: waking a second one costs more than it brings. The choice
depends on the work alone, so that results are the same to the last bit wherever they are computed.
"""

import os
import threading
from contextlib import contextmanager, nullcontext

import joblib
import threadpoolctl
import torch

#: Multiply-adds in one step (rows times weights, times the positions of a kernel) below which one thread
#: is as fast, for dense layers and for convolutions; of recurrent layers, which wait for each timestep,
#: those of one timestep count. Measured with benchmarks/bench_threads.py.
SMALL_STEP = 2**21
SMALL_CONV_STEP = 2**24
SMALL_RECURRENT_STEP = 2**20

#: Multiply-adds for which no library wakes another thread, whatever it may.
_TINY_WORK = 2**13


class _Limit:
    """The fits under way in this process and the thread count outside of them.

    Torch keeps the count per thread, but a thread that first touches Torch inherits the count set
    last in any thread: one born while a fit runs must not keep that fit's count for good.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.known = threading.local()
        self.active = 0
        self.outside = None
        self.blas = _Blas()

    def enter(self, n_threads):
        with self.lock:
            own = torch.get_num_threads()
            is_new = not getattr(self.known, "seen", False)
            self.known.seen = True
            if self.active == 0:
                self.outside = own
            elif is_new:
                own = max(own, self.outside)
            self.active += 1
            torch.set_num_threads(n_threads or own)
            if n_threads == 1:
                self.blas.enter()
        return own

    def leave(self, before, n_threads):
        with self.lock:
            self.active -= 1
            torch.set_num_threads(before)
            if n_threads == 1:
                self.blas.leave()


class _Blas:
    """NumPy's matrix products, which have one count for all threads of the process.

    They take one thread as long as any fit under way takes one.
    """

    def __init__(self):
        self.active = 0
        self.libraries = None
        self.outside = []

    def enter(self):
        if self.libraries is None:  # to look for them takes some milliseconds
            found = threadpoolctl.ThreadpoolController().lib_controllers
            self.libraries = [library for library in found if library.user_api == "blas"]
        if self.active == 0:
            self.outside = [library.get_num_threads() for library in self.libraries]
            self._set([1] * len(self.libraries))
        self.active += 1

    def leave(self):
        self.active -= 1
        if self.active == 0:
            self._set(self.outside)

    def _set(self, counts):
        for library, count, before in zip(self.libraries, counts, self.outside, strict=True):
            if before != 1:
                library.set_num_threads(count)


_limit = _Limit()
_here = threading.local()


def threads_for(step_size, small_step=None, *, n_in_all=None):
    """Return a context with one thread if a step is small, with as many as there are otherwise.

    The thread count of the caller is the same afterwards.

    Parameters
    ----------
    step_size : int
        Multiply-adds in one step: rows in a batch times weights.
    small_step : int, default=None
        Multiply-adds below which a step is small; None is `SMALL_STEP`.
    n_in_all : int, default=None
        Multiply-adds of all that is done, where they are known: of few, there is nothing to limit.
    """
    if n_in_all is not None and n_in_all < _TINY_WORK:
        return nullcontext()
    small_step = SMALL_STEP if small_step is None else small_step
    is_one = step_size < small_step or getattr(_here, "is_one_of_many", False)
    return threads(1 if is_one else None)


@contextmanager
def one_of_many():
    """Let `threads_for` choose one thread in the present thread: others have as much to do."""
    before = getattr(_here, "is_one_of_many", False)
    _here.is_one_of_many = True
    try:
        yield
    finally:
        _here.is_one_of_many = before


@contextmanager
def threads(n_threads):
    """Compute with a number of threads, or with as many as there are for None."""
    before = _limit.enter(n_threads)
    try:
        yield
    finally:
        _limit.leave(before, n_threads)


def n_cpus():
    """Return the number of processors that this process may use, as joblib counts them."""
    return joblib.cpu_count()


def _after_fork():
    # OpenMP's worker threads do not survive a fork: a child that wanted two would wait for ever.
    global _limit
    if _limit.blas.active:
        _limit.blas.active = 1
        _limit.blas.leave()
    _limit = _Limit()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
