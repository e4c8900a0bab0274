"""MAPIE around our networks, beside our own intervals and sets: the same ways, by another hand."""

import numpy as np
import pytest
from mapie.classification import SplitConformalClassifier
from mapie.regression import (
    ConformalizedQuantileRegressor,
    CrossConformalRegressor,
    SplitConformalRegressor,
)
from sklearn.base import clone

from sknets import MLPClassifier, MLPRegressor, RNNRegressor
from tests.estimators.estimators import SMALL_RNN

FAST = {"learning_rate_init": 0.01, "max_iter": 40, "random_state": 0}
RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (6000, 2))
Y = 2 * X[:, 0] + (0.5 + 0.4 * X[:, 1]) * RNG.standard_normal(6000)
LABELS = np.digitize(Y, [-0.8, 0.8])
TRAIN, HELD, NEW = slice(300), slice(300, 500), slice(500, None)


@pytest.mark.parametrize(
    "network", [MLPRegressor(**FAST), RNNRegressor(**SMALL_RNN | FAST)], ids=str
)
def test_split_intervals_are_the_same(network):
    fitted = clone(network).fit(X[TRAIN], Y[TRAIN])
    theirs = SplitConformalRegressor(fitted, confidence_level=0.9, prefit=True)
    theirs.conformalize(X[HELD], Y[HELD])
    _, expected = theirs.predict_interval(X[NEW])
    ours = clone(network).set_params(calibrate=True)
    ours.fit(X[TRAIN], Y[TRAIN], X_val=X[HELD], y_val=Y[HELD])
    np.testing.assert_allclose(ours.predict_interval(X[NEW], 0.9), expected[..., 0], rtol=1e-9)


def test_conformalised_quantiles_are_the_same():
    params = {"loss": "quantile", "quantile": [0.05, 0.5, 0.95]} | FAST
    ours = MLPRegressor(calibrate=True, **params)
    ours.fit(X[TRAIN], Y[TRAIN], X_val=X[HELD], y_val=Y[HELD])

    class Level:
        """One of the quantiles, as a regressor of its own."""

        def __init__(self, number):
            self.number = number
            self.is_fitted = True

        def fit(self, X, y):
            """Do nothing: the network is fitted."""
            return self

        def predict(self, X):
            """Return the quantile."""
            return ours.predict(X)[:, self.number]

    levels = [Level(0), Level(2), Level(1)]  # lower, upper, median
    theirs = ConformalizedQuantileRegressor(levels, confidence_level=0.9, prefit=True).conformalize(
        X[HELD], Y[HELD]
    )
    _, expected = theirs.predict_interval(X[NEW], symmetric_correction=True)
    np.testing.assert_allclose(ours.predict_interval(X[NEW], 0.9), expected[..., 0], rtol=1e-6)


def test_intervals_by_folds_agree():
    network = MLPRegressor(**FAST)
    theirs = CrossConformalRegressor(
        network, confidence_level=0.9, method="base", cv=5
    ).fit_conformalize(X[:500], Y[:500])
    _, expected = theirs.predict_interval(X[NEW])
    ours = clone(network).set_params(calibrate=5).fit(X[:500], Y[:500])
    found = ours.predict_interval(X[NEW], 0.9)
    np.testing.assert_allclose(np.ptp(found, axis=1), np.ptp(expected[..., 0], axis=1), rtol=0.05)
    for ends in (found, expected[..., 0]):
        is_in = (ends[:, 0] <= Y[NEW]) & (Y[NEW] <= ends[:, 1])
        assert is_in.mean() == pytest.approx(0.9, abs=0.03)


def test_sets_are_the_same_at_temperature_one(monkeypatch):
    monkeypatch.setattr("sknets.uncertainty._held.choose_temperature", lambda loss, n_rows: 1.0)
    network = MLPClassifier(**FAST)
    fitted = clone(network).fit(X[TRAIN], LABELS[TRAIN])
    theirs = SplitConformalClassifier(
        fitted, confidence_level=0.8, conformity_score="lac", prefit=True
    ).conformalize(X[HELD], LABELS[HELD])
    _, expected = theirs.predict_set(X[NEW])
    ours = clone(network).set_params(calibrate=True)
    ours.fit(X[TRAIN], LABELS[TRAIN], X_val=X[HELD], y_val=LABELS[HELD])
    np.testing.assert_array_equal(ours.predict_set(X[NEW], 0.8), expected[..., 0])
