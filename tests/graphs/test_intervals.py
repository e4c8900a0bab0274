"""Intervals, deviations and sets of classes as outputs of a graph."""

import numpy as np
import pandas as pd
import pytest

from sknets import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor, to_onnx
from tests.graphs.served import check_close, run

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
X_NEW = RNG.normal(size=(1000, 4)) * 1.5
Y = 50 * (np.sin(X[:, 0]) + 0.3 * np.abs(X[:, 1]) * RNG.normal(size=300))
FAST = {"max_iter": 5, "random_state": 0}


def check_interval(model, X, X_new, coverage, **options):
    answers = run(to_onnx(model, X, coverage=coverage, **options), X_new)
    expected = model.predict(X_new, coverage=coverage)[-1]
    check_close(answers["lower"], expected[..., 0])
    check_close(answers["upper"], expected[..., 1])


@pytest.mark.parametrize(
    "params",
    [
        {"calibrate": 3},
        {"calibrate": 3, "n_members": 3},
        {"loss": "gaussian"},
        {"loss": "gaussian", "calibrate": 3},
        {"loss": "gaussian", "n_members": 2, "calibrate": "split"},
        {"loss": "quantile", "quantile": [0.05, 0.5, 0.95]},
        {"loss": "quantile", "quantile": [0.1, 0.9], "calibrate": 3},
    ],
    ids=str,
)
def test_intervals_of_networks(params):
    network = MLPRegressor(**params, **FAST).fit(X, Y)
    check_interval(network, X, X_NEW, 0.9)
    if "calibrate" in params:
        check_interval(network, X, X_NEW, 0.6)


def test_intervals_of_several_outputs():
    y = np.c_[Y, -3 * Y + X[:, 2]]
    for params in ({"calibrate": 3}, {"calibrate": 3, "n_members": 2}, {"loss": "gaussian"}):
        check_interval(MLPRegressor(**params, **FAST).fit(X, y), X, X_NEW, 0.8)


def test_intervals_of_counts_do_not_go_below_zero():
    counts = RNG.poisson(np.exp(X[:, 0]))
    network = MLPRegressor("poisson", calibrate=3, **FAST).fit(X, counts)
    check_interval(network, X, X_NEW, 0.9)
    assert run(to_onnx(network, X, coverage=0.9), X_NEW)["lower"].min() == 0


def test_quantiles_that_do_not_make_an_interval():
    network = MLPRegressor("quantile", quantile=[0.1, 0.9], **FAST).fit(X, Y)
    with pytest.raises(ValueError, match=r"between the quantiles 0.05 and 0.95.*add them"):
        to_onnx(network, X, coverage=0.9)


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "gaussian"},
        {"loss": "gaussian", "n_members": 3, "calibrate": 3},
        {"n_members": 3},
        {"loss": "poisson", "n_members": 2},
    ],
    ids=str,
)
def test_deviations(params):
    y = np.abs(Y) if params.get("loss") == "poisson" else np.c_[Y, 2 - Y]
    network = MLPRegressor(**params, **FAST).fit(X, y)
    answers = run(to_onnx(network, X, return_std=True), X_NEW)
    check_close(answers["std"], network.predict(X_NEW, return_std=True)[1])


def test_sets_of_classes():
    classes = np.digitize(Y, [-20, 20])
    network = MLPClassifier(calibrate=3, **FAST).fit(X, classes)
    sets = run(to_onnx(network, X, coverage=0.8), X_NEW)["set"]
    assert sets.dtype == bool
    assert (sets == network.predict_set(X_NEW, 0.8)).mean() > 0.999
    # the row that decides on the least probability is in its own set
    network = MLPClassifier(calibrate="split", **FAST).fit(X, classes, X_val=X, y_val=classes)
    sets = run(to_onnx(network, X, coverage=0.8), X)["set"]
    assert (sets == network.predict_set(X, 0.8)).all()


@pytest.fixture(scope="module")
def frame():
    words = RNG.choice(["a", "b"], 300)
    return pd.DataFrame(X, columns=list("wxyz")).assign(kind=words)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_intervals_of_a_table(frame, loss):
    y = np.exp(2 + X[:, 0]) * (1 + 0.4 * np.abs(X[:, 1])) + (frame["kind"] == "a")
    model = TabularRegressor(loss=loss, n_candidates=4, cv=3, max_iter=15, random_state=0)
    model.fit(frame, y)
    wider = frame.assign(**{name: frame[name] * 1.5 for name in "wxyz"})
    powers = {model._intervals.plan(coverage)[2] for coverage in (0.9, 0.5)}
    assert powers != {0.0}  # ends that depend on the prediction
    for coverage in (0.9, 0.5):
        check_interval(model, frame, wider, coverage)
    answers = run(to_onnx(model, frame, return_std=True), wider)
    check_close(answers["std"], model.predict(wider, return_std=True)[1])


def test_sets_of_a_table(frame):
    classes = np.where(Y > 0, "up", "down")
    model = TabularClassifier(n_candidates=3, cv=3, max_iter=4, random_state=0).fit(frame, classes)
    sets = run(to_onnx(model, frame, coverage=0.7), frame)["set"]
    assert (sets == model.predict_set(frame, 0.7)).mean() > 0.99
