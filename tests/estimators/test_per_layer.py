"""Parameters that are given once for all layers, or once for each."""

import numpy as np
import pytest

from sknets import CNNClassifier, MLPClassifier, RNNClassifier
from sknets.estimators._per_layer import read_sizes

ROWS = np.random.default_rng(0).normal(size=(20, 6, 6))
LABELS = np.arange(20) % 2


@pytest.mark.parametrize("value", [5, [5], (5,), np.array([5]), np.int64(5), [np.int64(5)]])
def test_sizes_are_whole_numbers_however_they_are_given(value):
    assert read_sizes("hidden_layer_sizes", value, "units") == [5]


@pytest.mark.parametrize(
    "value", [[[3]], [(3, 4)], np.array([[3]]), [3.0], [True], {3, 4}, {3: 4}, ["3"], [None]]
)
@pytest.mark.parametrize(
    ("network", "name", "rows"),
    [
        (MLPClassifier, "hidden_layer_sizes", ROWS[:, 0]),
        (CNNClassifier, "conv_channels", ROWS),
        (CNNClassifier, "hidden_layer_sizes", ROWS),
        (RNNClassifier, "recurrent_layer_sizes", ROWS),
    ],
)
def test_sizes_of_another_kind_are_named_as_they_were_given(network, name, rows, value):
    with pytest.raises(ValueError, match=f"'?{name}'?") as caught:
        network(max_iter=1, **{name: value}).fit(rows, LABELS)
    assert "> 0" not in str(caught.value)
    if not isinstance(value, set | dict):
        assert f"{name}={value!r} must be a whole number of" in str(caught.value)
