"""Scores of usual y are computed at once, and equal scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

from sknets import MLPClassifier, MLPRegressor
from sknets.targets import _classes, _numbers

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
    monkeypatch.setattr(_numbers, "r2_score", lambda *args, **kwargs: pytest.fail("was asked"))
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
        monkeypatch.setattr(_classes, "accuracy_score", lambda *a, **k: pytest.fail("was asked"))
    assert target.metric(y, predictions, None) == pytest.approx(expected)
    monkeypatch.undo()
    weight = RNG.uniform(size=60)
    expected = accuracy_score(y, predictions, sample_weight=weight)
    assert target.metric(y, predictions, weight) == pytest.approx(expected)
