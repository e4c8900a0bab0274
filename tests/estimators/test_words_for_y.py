"""What errors say about y, its weights, and arguments that are not there."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier

from sknets import MLPClassifier, MLPRegressor, RNNClassifier, RNNRegressor
from tests.estimators.estimators import AT_DEFAULTS, SMALL_RNN, X_IRIS, Y_IRIS, data_for

RNG = np.random.default_rng(0)
SERIES = RNG.standard_normal((12, 4, 2))
RAGGED = [RNG.standard_normal((2 + i % 3, 2)) for i in range(12)]
LABELS = np.c_[Y_IRIS > 0, Y_IRIS > 1].astype(int)
SMALL = SMALL_RNN | {"max_iter": 1}


@pytest.mark.parametrize(
    ("class_weight", "y"),
    [
        ({0: "a", 1: 1, 2: 1}, Y_IRIS),
        ({0: [1, 2], 1: 1, 2: 1}, Y_IRIS),
        ({7: 2}, Y_IRIS),
        ([{0: "a", 1: 1}, {0: 1, 1: 2}], LABELS),
        ([{0: 1, 1: 1}], LABELS),
        ({0: 1, 1: 1}, LABELS),
        (["a", "b"], LABELS),
    ],
    ids=str,
)
def test_class_weights_that_are_no_numbers_are_named(class_weight, y):
    with pytest.raises(ValueError, match="class_weight=.* must be 'balanced', or hold a number"):
        MLPClassifier(class_weight=class_weight, max_iter=1).fit(X_IRIS, y)


def test_class_weights_of_steps_are_named():
    network = RNNClassifier(output="timesteps", class_weight={0: "a", 1: 1}, **SMALL)
    with pytest.raises(ValueError, match="class_weight={0: 'a', 1: 1} must be"):
        network.fit(SERIES, (SERIES[:, :, 0] > 0).astype(int))


@pytest.mark.parametrize("weight", ["balanced", ["a"] * 150, {0: 1}])
@pytest.mark.parametrize("method", ["fit", "partial_fit", "validation"])
def test_sample_weights_that_are_no_numbers_are_named(weight, method):
    network = MLPRegressor(max_iter=1)
    with pytest.raises(ValueError, match="sample_weight must be a number for each row") as error:
        if method == "validation":
            valid = {"X_val": X_IRIS, "y_val": Y_IRIS, "sample_weight_val": weight}
            network.fit(X_IRIS, Y_IRIS, **valid)
        else:
            getattr(network, method)(X_IRIS, Y_IRIS, sample_weight=weight)
    assert ("class_weight='balanced' is a parameter" in str(error.value)) == (weight == "balanced")


@pytest.mark.parametrize("network", AT_DEFAULTS, ids=lambda network: type(network).__name__)
def test_no_private_class_is_named_where_an_argument_is_wrong(network):
    X, y = data_for(network)
    methods = ["fit", "predict", "score", "partial_fit", "summary"]
    methods += ["predict_proba", "predict_log_proba"] if is_classifier(network) else []
    for method in methods:
        with pytest.raises(TypeError, match=rf"^{method}\(\) got an unexpected .*'no_such'"):
            getattr(network, method)(X, y, no_such=True)


TIMES = [
    pd.date_range("2020", periods=12),
    pd.date_range("2020", periods=12, tz="UTC"),
    pd.Series(pd.date_range("2020", periods=12)),
    pd.timedelta_range("1D", periods=12),
    pd.period_range("2020", periods=12, freq="D"),
    list(pd.date_range("2020", periods=12)),
    np.arange(12).astype("M8[s]"),
]


@pytest.mark.parametrize("times", TIMES, ids=lambda times: type(times).__name__)
def test_times_are_no_numbers(times):
    X, y = np.arange(24.0).reshape(12, 2), np.arange(12.0)
    network = MLPRegressor(max_iter=1, random_state=0)
    with pytest.raises(ValueError, match="y must be numbers in regression"):
        network.fit(X, times)
    with pytest.raises(ValueError, match="y must be numbers in regression"):
        network.fit(X, y, X_val=X, y_val=times)
    with pytest.raises(ValueError, match="y must be numbers in regression"):
        RNNRegressor(**SMALL).fit(SERIES, times)
    network.fit(X, y)
    with pytest.raises((ValueError, TypeError), match=r"y must be numbers|float\(\) argument"):
        network.score(X, times)


@pytest.mark.parametrize("Network", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize("X", [SERIES, RAGGED], ids=["array", "list"])
def test_forgotten_output_is_named_where_y_has_sequences(Network, X):
    y = [np.arange(len(x)) for x in RAGGED]
    words = "y has a sequence for each row.* Set output='timesteps' if .* output='sequence'"
    for given in (y, np.array(y, dtype=object), pd.Series(y), np.zeros((12, 4, 2))):
        with pytest.raises(ValueError, match=words):
            Network(**SMALL).fit(X, given)
    single = np.arange(12) % 2
    with pytest.raises(ValueError, match=rf"\(X_val, y_val\): {words}"):
        Network(**SMALL).fit(X, single, X_val=X, y_val=y)


def test_sequences_of_y_are_named_where_there_are_no_outputs_to_set():
    with pytest.raises(
        ValueError, match="y has a sequence for each row, but MLPRegressor predicts"
    ):
        MLPRegressor().fit(X_IRIS[:12], [np.arange(2.0 + i % 2) for i in range(12)])


@pytest.mark.parametrize("output", ["single", "timesteps", "sequence"])
def test_an_empty_list_is_empty(output):
    for empty in ([], ()):
        with pytest.raises(ValueError, match="X is empty: it must hold at least one sequence"):
            RNNRegressor(output=output, **SMALL).fit(empty, [])
    network = RNNRegressor(**SMALL).fit(RAGGED, np.arange(12.0))
    with pytest.raises(ValueError, match="X is empty"):
        network.predict([])
