"""Who computes just now, of dozens of threads that all want Python's lock."""

import threading
from contextlib import contextmanager

#: Seconds for which a turn is waited for.
_PATIENCE = 1.0

#: More threads than there are.
_EVERYBODY = 2**20

_here = threading.local()


@contextmanager
def without_lock():
    """Return a context for work that does without Python's lock: others may have a turn meanwhile."""
    turns = getattr(_here, "turns", None)
    if turns is None:
        yield
        return
    with turns.given():
        yield


class Turns:
    """Who computes just now: as many threads as there are processors, or one.

    Dozens of threads that all want Python's lock would mostly pass it on. A turn is not waited for
    longer than a moment, so that tasks that wait for each other go on.

    Parameters
    ----------
    n : int
        How many take turns at a time.
    """

    def __init__(self, n):
        self._places = threading.Semaphore(n)
        self._here = threading.local()
        self._n_surplus, self._is_narrow = n - 1, False
        self._lock = threading.Lock()

    def narrow(self):
        """Let one thread compute at a time, from when the others have given their turns away.

        What tasks of networks do beside training is small steps of Python, in which a second thread
        would only ask for the lock.
        """
        self._is_narrow = True

    def open(self):
        """Let everybody compute from now on, so that what is not wanted any more ends at once."""
        self._places.release(_EVERYBODY)

    @contextmanager
    def taken(self):
        """Wait for a turn, and hold it."""
        self._take()
        before, _here.turns = getattr(_here, "turns", None), self
        try:
            yield
        finally:
            _here.turns = before
            self._give()

    @contextmanager
    def given(self):
        """Give the turn of the present thread away for a while, if it has one."""
        has_turn = getattr(self._here, "has_turn", False)
        self._give()
        try:
            yield
        finally:
            if has_turn:
                self._take()

    def _take(self):
        self._here.has_turn = self._places.acquire(timeout=_PATIENCE)

    def _give(self):
        if getattr(self._here, "has_turn", False):
            self._here.has_turn = False
            if not self._takes_away():
                self._places.release()

    def _takes_away(self):
        """Return whether a turn that is given back is one too many."""
        with self._lock:
            if not (self._is_narrow and self._n_surplus):
                return False
            self._n_surplus -= 1
            return True
