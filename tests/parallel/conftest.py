"""No test of this folder hangs, and none leaves a thread."""

import faulthandler
import threading
import time
import warnings

import pytest


@pytest.fixture(autouse=True)
def _nobody_waits_forever():
    faulthandler.dump_traceback_later(600, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True)
def _one_filter():
    """Leave one filter of warnings: scikit-learn sets them in each task, and threads share them."""
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(autouse=True)
def _no_thread_is_left(_nobody_waits_forever):
    yield
    deadline = time.monotonic() + 5
    while left := [thread for thread in threading.enumerate() if thread.name == "sknets"]:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
