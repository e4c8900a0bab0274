"""Targets that are lifted to a sequence for each row."""

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score

from sknets.inputs import Sequences
from sknets.targets import Classification, Outputs, Raw, Regression, lift

CLASSES = Classification(class_weight=None, label_smoothing=0.0)
NUMBERS = Regression("squared_error", {})
LENGTHS = np.array([2, 3, 1])
LETTERS = Sequences(np.array(list("abbaba")), LENGTHS)
VALUES = Sequences(np.arange(6.0), LENGTHS)
TIMESTEPS = Outputs("timesteps")
WRITTEN = Outputs("sequence")


def learn(task, y, outputs, sample_weight=None):
    task = lift(task, outputs)
    return task.learn(y, sample_weight, None).for_fit(task, y, sample_weight)


def one_hot(codes, n):
    return torch.from_numpy(50.0 * np.eye(n)[codes])


def test_steps_are_rows_with_the_weight_of_their_sequence():
    weight = np.array([1.0, 2.0, 4.0])
    target = learn(NUMBERS, VALUES, TIMESTEPS, weight)
    steps = np.repeat(weight, LENGTHS)
    np.testing.assert_allclose(target.inner.scaling.shift, np.average(VALUES.values, weights=steps))
    assert target.mean_length == pytest.approx(np.average(LENGTHS, weights=weight))
    encoded = target.encode(VALUES)
    assert encoded.shape == (3, 3, 1)
    np.testing.assert_array_equal(
        np.isnan(encoded[:, :, 0]), np.arange(3) >= LENGTHS[:, None], strict=True
    )


def test_values_per_timestep_are_split_as_x_is():
    target = learn(NUMBERS, VALUES, TIMESTEPS)
    encoded = torch.from_numpy(np.nan_to_num(target.encode(VALUES)))
    rows = Sequences(np.zeros((6, 1)), LENGTHS)
    raw = Raw(encoded, rows, np.float64)
    for ours, start, n in zip(target.predictions(raw), VALUES.starts, LENGTHS, strict=True):
        np.testing.assert_allclose(ours, VALUES.values[start : start + n], atol=1e-12)
    noisy = raw._replace(values=encoded + 0.1)
    predictions = target.predictions(noisy)
    score = target.score(predictions, VALUES, None, lambda: rows)
    assert score == pytest.approx(r2_score(VALUES.values, np.concatenate(list(predictions))))


def test_end_is_written_and_read():
    target = learn(CLASSES, LETTERS, WRITTEN)
    assert target.n_outputs == 3
    assert target.n_written_classes == 2
    encoded = target.encode(LETTERS)
    np.testing.assert_array_equal(encoded, [[0, 1, 2, -1], [1, 0, 1, 2], [0, 2, -1, -1]])
    assert target.mean_length == pytest.approx(LENGTHS.mean() + 1)
    raw = Raw(one_hot(encoded, 3), None, np.float64)
    assert [list(word) for word in target.predictions(raw)] == [["a", "b"], ["b", "a", "b"], ["a"]]
    assert target.score(target.predictions(raw), LETTERS, None, lambda: LETTERS) == 1.0
    wrong = raw._replace(values=one_hot(np.where(encoded == 0, 1, encoded), 3))
    assert target.score(target.predictions(wrong), LETTERS, None, lambda: LETTERS) == 0.0


def test_class_weights_weigh_steps():
    task = Classification(class_weight={"a": 3.0, "b": 1.0}, label_smoothing=0.0)
    target = learn(task, LETTERS, TIMESTEPS)
    # a b | b a b | a
    assert target.mean_length == pytest.approx(np.mean([4, 5, 3]))
    assert target.weigh(LETTERS, None) is None
    raw = torch.zeros(3, 3, 1, dtype=torch.float64)
    encoded = torch.from_numpy(target.encode(LETTERS))
    assert float(target.make_loss()(raw, encoded)) == pytest.approx(np.log(2.0))


def test_scorer_sees_steps_as_rows():
    target = learn(CLASSES, LETTERS, TIMESTEPS)
    rows = Sequences(np.arange(6.0)[:, None], LENGTHS)
    raw = Raw(torch.arange(9.0).reshape(3, 3, 1), rows, np.float64)
    inner, steps, y, weight = target.as_rows(raw, LETTERS, np.array([1.0, 2.0, 3.0]))
    assert inner is target.inner
    assert steps.values[:, 0].tolist() == [0, 1, 3, 4, 5, 6]
    assert y.tolist() == list("abbaba")
    assert weight.tolist() == [1, 1, 2, 2, 2, 3]


def test_lengths_are_checked():
    target = learn(CLASSES, LETTERS, WRITTEN)
    longer = Sequences(np.array(list("aaaaab")), np.array([5, 1]))
    with pytest.raises(ValueError, match="sequences of 5, but the decoder writes up to 3"):
        target.check(longer)
    target.check(longer, is_validation=True)
    with pytest.raises(ValueError, match="all rows of y must have one length"):
        learn(NUMBERS, VALUES, WRITTEN)
    with pytest.raises(ValueError, match="max_output_length=2, but y has sequences of 3"):
        learn(CLASSES, LETTERS, Outputs("sequence", 2))
