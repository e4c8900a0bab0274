"""Scores of usual y are computed at once, and equal scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

from sknets import MLPClassifier, MLPRegressor
from sknets.targets import _metrics

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X[:, 0] - X[:, 1]


def fit(kind, y):
    return kind(hidden_layer_sizes=4, max_iter=3, early_stopping=True, random_state=0).fit(X, y)


@pytest.mark.parametrize("scale", [1e-250, 1e-9, 1.0, 1e12, 1e200])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, int])
def test_r2_is_scikit_learns(monkeypatch, scale, dtype):
    network = fit(MLPRegressor, Y)
    y = (Y * (scale if dtype is np.float64 else 10)).astype(dtype)
    target, predictions = network._learned.target, RNG.normal(size=60) * y.max()
    monkeypatch.setattr(_metrics, "r2_score", lambda *args, **kwargs: pytest.fail("was asked"))
    found = target.metric(y, predictions, None)
    factor = 1 / max(abs(float(y.max())), abs(float(y.min())))
    wanted = r2_score(y.astype(float) * factor, predictions * factor)
    assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("y", "predictions"),
    [
        ([1.0, np.nan, 2.0], [1.0, 1.0, 1.0]),
        ([1.0, 2.0, 3.0], [1.0, np.inf, 1.0]),
        ([1.0, 2.0, 3.0], [1.0, 2.0]),
        ([np.inf, 2.0, 3.0], [1.0, 2.0, 3.0]),
    ],
)
def test_what_scikit_learn_refuses_it_may_refuse(y, predictions):
    target = fit(MLPRegressor, Y)._learned.target
    with pytest.raises(ValueError, match="NaN|infinity|inconsistent"):
        target.metric(np.array(y), np.array(predictions), None)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("y", [[2.0], [2.0, 2.0, 2.0]])
def test_a_y_without_spread_is_scored_by_scikit_learn(y):
    target = fit(MLPRegressor, Y)._learned.target
    predictions = np.array(y) + 1
    expected = r2_score(y, predictions)
    np.testing.assert_equal(target.metric(np.array(y), predictions, None), expected)


@pytest.mark.parametrize("labels", [np.array(["a", "b"]), np.array([0, 1]), np.array([-1.0, 1.0])])
def test_accuracy_is_scikit_learns(monkeypatch, labels):
    y = labels[(Y > 0).astype(int)]
    target = fit(MLPClassifier, y)._learned.target
    predictions = RNG.permutation(y)
    expected = accuracy_score(y, predictions)
    if y.dtype.kind != "f":
        monkeypatch.setattr(_metrics, "accuracy_score", lambda *a, **k: pytest.fail("was asked"))
    assert target.metric(y, predictions, None) == pytest.approx(expected)
    monkeypatch.undo()
    weight = RNG.uniform(size=60)
    expected = accuracy_score(y, predictions, sample_weight=weight)
    assert target.metric(y, predictions, weight) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [2, 31, 60])
def test_several_predictions_are_scored_at_once_to_the_last_bit(monkeypatch, n, dtype):
    metric = fit(MLPRegressor, Y)._learned.target.metric_of(Y[:n], None)
    predictions = (Y[:n] + RNG.normal(size=(50, n))).astype(dtype)
    wanted = [metric(of_one) for of_one in predictions]
    monkeypatch.setattr(_metrics.R2, "__call__", lambda *args: pytest.fail("one by one"))
    assert metric.of_several(predictions) == wanted


def test_several_predictions_of_classes_are_scored_at_once(monkeypatch):
    y = np.array(["a", "b"])[(Y > 0).astype(int)]
    metric = fit(MLPClassifier, y)._learned.target.metric_of(y, None)
    predictions = np.array([RNG.permutation(y) for _ in range(20)])
    wanted = [accuracy_score(y, of_one) for of_one in predictions]
    monkeypatch.setattr(_metrics.Accuracy, "__call__", lambda *args: pytest.fail("one by one"))
    assert metric.of_several(predictions) == wanted


@pytest.mark.parametrize("case", ["huge", "weights", "columns"])
def test_several_unusual_predictions_are_scored_one_by_one(case):
    y = np.stack([Y, -Y], axis=1) if case == "columns" else Y
    predictions = y + RNG.normal(size=(4, *y.shape))
    if case == "huge":
        predictions[2] *= 1e200
    weight = np.arange(1.0, 61.0) if case == "weights" else None
    metric = fit(MLPRegressor, y)._learned.target.metric_of(y, weight)
    found = metric.of_several(predictions)
    assert found == [metric(of_one) for of_one in predictions]
    np.testing.assert_allclose(
        found[:2],
        [r2_score(y, of_one, sample_weight=weight) for of_one in predictions[:2]],
        rtol=1e-12,
    )
