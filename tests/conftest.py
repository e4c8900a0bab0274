"""Workers that share the cores compute on one thread each; docstring examples run without warnings."""

import os
import signal

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # threads of two workers would wait in turn; before anything imports torch
    os.environ["OMP_NUM_THREADS"] = "1"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell that starts the tests in the background lets them ignore Ctrl-C, which some are about
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Let no example in a docstring show how to get a warning: those of convergence are errors, too."""
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker(pytest.mark.filterwarnings("error"))


@pytest.fixture
def waves(monkeypatch):
    """Return the numbers of jobs that have been trained together, wave by wave."""
    from sknets.training import _together  # which imports torch

    numbers = []

    def spy(jobs):
        numbers.append(len(jobs))
        original(jobs)

    original = _together.train_together
    monkeypatch.setattr(_together, "train_together", spy)
    return numbers
