"""The rule of when to stop, which is scikit-learn's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sknets.training import Stopping
from tests.drawn import drawn


def run(values, monitor="train_loss", tol=0.1, patience=2, losses=None):
    stopping = Stopping(tol, patience, monitor)
    losses = [math.nan] * len(values) if losses is None else losses
    for epoch, (value, loss) in enumerate(zip(values, losses, strict=True)):
        stopping.update(value, keep=lambda epoch=epoch: epoch, valid_loss=loss)
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


def test_of_equal_scores_the_one_with_the_lower_loss_is_kept():
    stopping, _ = run([0.9, 0.9, 0.9], "valid_score", losses=[0.3, 0.2, 0.25])
    assert (stopping.best, stopping.best_loss, stopping.best_state) == (0.9, 0.2, 1)
    stopping, _ = run([0.8, 0.9, 0.8], "valid_score", losses=[0.3, 0.4, 0.1])
    assert (stopping.best, stopping.best_loss, stopping.best_state) == (0.9, 0.4, 1)


def test_scores_that_differ_by_rounding_are_equal():
    a, b = 0.1 + 0.2, 0.3
    assert a > b
    stopping, _ = run([b, a], "valid_score", losses=[0.2, 0.3])
    assert stopping.best_state == 0


def test_patience_goes_on_while_the_loss_falls_at_the_best_score():
    losses = [1.0, 0.8, 0.6, 0.4, 0.39, 0.38, 0.37]
    stopping, epoch = run([0.9] * 7, "valid_score", losses=losses)
    assert (stopping.best_state, epoch) == (6, 6)  # the loss fell by tol until the fourth epoch
    _, epoch = run([0.9] + [0.8] * 6, "valid_score", losses=losses)
    assert epoch == 3  # a loss that falls at a worse score is no progress


def test_the_validation_loss_says_nothing_about_other_monitors():
    stopping, epoch = run([1.0] * 4, "train_loss", losses=[4.0, 3.0, 2.0, 1.0])
    assert (stopping.best_loss, epoch) == (math.inf, 3)


def test_an_earlier_phase_lends_its_best():
    first, _ = run([0.9, 0.9], "valid_score", losses=[0.3, 0.2])
    second = Stopping(0.1, 2, "valid_score")
    second.go_on_from(first, "its state")
    second.update(0.9, lambda: "worse", 0.25)
    assert second.best_state == "its state"
    second.update(0.9, lambda: "better", 0.1)
    assert second.best_state == "better"


@drawn(300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.5, 0.75, 1.0, math.nan, -math.inf]),
            st.sampled_from([0.0, 0.1, 0.15, 0.2, 1e300, math.nan, math.inf]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_what_is_kept_is_the_first_of_the_best(epochs):
    stopping, _ = run(
        [score for score, _ in epochs],
        "valid_score",
        patience=math.inf,
        losses=[loss for _, loss in epochs],
    )
    numbers = [
        (-score, math.inf if math.isnan(loss) else loss, number)
        for number, (score, loss) in enumerate(epochs)
        if not math.isnan(score) and (math.isfinite(score) or loss < math.inf)
    ]
    assert stopping.best_state == (min(numbers)[2] if numbers else None)


@drawn(300)
@given(
    st.sampled_from(["train_loss", "valid_loss", "valid_score"]),
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from([0.0, 0.5, 0.5 + 1e-14, 0.6, 1.0, math.nan, math.inf]),
                st.sampled_from([0.0, 0.1, 0.15, 0.2, math.nan, math.inf]),
            ),
            max_size=6,
        ),
        max_size=5,
    ),
)
def test_several_epochs_at_once_count_as_one_after_another(monitor, blocks):
    epochs = [epoch for block in blocks for epoch in block]
    one_by_one = Stopping(0.1, math.inf, monitor)
    for number, (value, loss) in enumerate(epochs):
        one_by_one.update(value, lambda number=number: number, loss)
    at_once, start = Stopping(0.1, math.inf, monitor), 0
    for block in blocks:
        values, losses = zip(*block, strict=True) if block else ((), ())
        at_once.update_all(values, lambda number, start=start: start + number, losses)
        start += len(block)
    assert vars(at_once) == vars(one_by_one)
