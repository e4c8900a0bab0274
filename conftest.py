"""What holds for every test, examples in docstrings among them: threads, Ctrl-C, warnings, pictures."""

import os
import signal
import sys

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # threads of two workers would wait in turn; before anything imports torch
    os.environ["OMP_NUM_THREADS"] = "1"

os.environ["MPLBACKEND"] = "Agg"  # pictures are drawn without a screen

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell that starts the tests in the background lets them ignore Ctrl-C, which some are about
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Let no example in a docstring show how to get a warning: those of convergence are errors, too."""
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker(pytest.mark.filterwarnings("error"))


@pytest.fixture(autouse=True)
def close_figures():
    """Close all pictures after each test: matplotlib warns of more than twenty."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
