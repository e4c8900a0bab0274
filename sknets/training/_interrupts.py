"""Ctrl-C where what is done and what is told of it must not part."""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def interrupts_wait():
    """Return a context in which an interrupt waits until its end, for what takes a moment.

    Interrupts are for the main thread alone; where they do nothing in Python, nothing is done here.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    waiting = []
    signal.signal(signal.SIGINT, lambda *args: waiting.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if waiting:
            handler(*waiting[-1])
