"""The rule of when to stop, which is scikit-learn's."""

import math

import pytest

from sknets.training import Stopping


def run(values, monitor="train_loss", tol=0.1, patience=2):
    stopping = Stopping(tol, patience, monitor)
    for epoch, value in enumerate(values):
        stopping.update(value, keep=lambda epoch=epoch: epoch)
        if stopping.is_exhausted:
            return stopping, epoch
    return stopping, None


def test_loss_without_progress_for_longer_than_patience_stops():
    _, epoch = run([1.0, 0.5, 0.45, 0.44, 0.43, 0.42])
    assert epoch == 4


def test_small_steps_move_the_best_but_do_not_count():
    stopping, _ = run([1.0, 0.95, 0.92])
    assert stopping.best == 0.92
    assert stopping.count == 2


def test_gain_of_exactly_tol_is_progress():
    stopping, _ = run([1.0, 0.75], tol=0.25)
    assert stopping.count == 0


def test_score_should_rise_and_the_best_is_kept():
    stopping, epoch = run([0.1, 0.5, 0.3, 0.2, 0.4], monitor="valid_score")
    assert epoch == 4
    assert (stopping.best, stopping.best_state) == (0.5, 1)


def test_validation_loss_should_fall_and_the_best_is_kept():
    stopping, _ = run([1.0, 0.2, 0.6], monitor="valid_loss")
    assert (stopping.best, stopping.best_state) == (0.2, 1)


def test_training_loss_keeps_nothing():
    stopping, _ = run([1.0, 0.2])
    assert stopping.best_state is None


@pytest.mark.parametrize("monitor", ["train_loss", "valid_score"])
def test_nan_is_never_progress(monitor):
    stopping, epoch = run([math.nan] * 5, monitor=monitor)
    assert epoch == 2
    assert math.isinf(stopping.best)
    assert stopping.best_state is None


def test_infinite_patience_never_stops():
    _, epoch = run([1.0] * 50, patience=math.inf)
    assert epoch is None
