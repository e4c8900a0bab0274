"""What tests look at."""

import pytest


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
