"""The record of epochs is skorch's, but for what it costs."""

import json

import numpy as np
import pytest
import skorch

from sknets import MLPRegressor
from sknets.training import History
from tests.estimators.estimators import X_DIABETES, Y_DIABETES


def fill(history):
    for epoch in range(4):
        history.new_epoch()
        history.record("epoch", epoch + 1)
        for batch in range(epoch):
            history.new_batch()
            history.record_batch("loss", 10 * epoch + batch)
    history.record("late", 1.0)
    return history


@pytest.mark.parametrize(
    "index",
    [
        -1,
        slice(1, 3),
        (-1, "epoch"),
        (-1, ("epoch", "late")),
        (slice(None), "epoch"),
        (slice(None), "late"),
        (-1, "batches"),
        (2, "batches", -1),
        (2, "batches", -1, "loss"),
        (2, "batches", slice(None), "loss"),
        (slice(1, None), "batches", 0, "loss"),
    ],
)
def test_every_way_to_read_is_skorchs(index):
    assert fill(History())[index] == fill(skorch.history.History())[index]


@pytest.mark.parametrize("index", [9, (9, "epoch"), (-1, "none"), (0, "late"), (0, "epoch", 1)])
def test_what_is_not_there_is_skorchs_error(index):
    with pytest.raises((KeyError, IndexError)) as theirs:
        fill(skorch.history.History())[index]
    with pytest.raises(theirs.type) as ours:
        fill(History())[index]
    if theirs.type is KeyError:
        assert ours.value.args == theirs.value.args


def test_it_can_be_saved_as_skorchs(tmp_path):
    fill(History()).to_file(str(tmp_path / "history.json"))
    assert json.loads((tmp_path / "history.json").read_text()) == fill(History())


def test_a_call_that_goes_on_does_not_copy_what_was_recorded(monkeypatch):
    network = MLPRegressor(random_state=0).partial_fit(X_DIABETES, Y_DIABETES)
    network.partial_fit(X_DIABETES, Y_DIABETES)
    for name in ("to_list", "copy", "__iter__", "__reversed__"):
        monkeypatch.setattr(History, name, None)  # calling it is a TypeError
    history = network.net_.history
    for _ in range(3):
        network.partial_fit(X_DIABETES, Y_DIABETES)
    assert network.net_.history is history
    assert len(history) == 5
    monkeypatch.undo()
    np.testing.assert_array_equal(network.loss_curve_, [row["train_loss"] for row in history])
