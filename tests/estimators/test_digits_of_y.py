"""Predictions keep the digits and the range of y, whatever the type of X."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

from sknets import CNNRegressor, Forecaster, MLPRegressor, RNNRegressor
from tests.estimators.estimators import SMALL_CNN, SMALL_RNN, X_DIABETES, Y_DIABETES

FAST = {"learning_rate_init": 0.01, "max_iter": 20, "random_state": 0}
FAMILIES = [
    MLPRegressor(**FAST),
    CNNRegressor(**SMALL_CNN | FAST),
    RNNRegressor(**SMALL_RNN | FAST),
]
X = X_DIABETES[:100].astype(np.float32)
Y = (Y_DIABETES[:100] - Y_DIABETES[:100].mean()) / Y_DIABETES[:100].std()
UNITS = [(1e9, 1.0), (1.7e12, 100.0), (0.0, 1e200), (0.0, 1e300), (1e300, 1e290), (0.0, 1e-200)]


@pytest.mark.parametrize("network", FAMILIES, ids=lambda network: type(network).__name__)
@pytest.mark.parametrize(("shift", "scale"), UNITS)
def test_single_precision_predicts_any_unit_of_y(network, shift, scale):
    plain = clone(network).fit(X, Y)
    moved = clone(network).fit(X, Y * scale + shift)
    assert plain.predict(X).dtype == np.float32
    predictions = moved.predict(X)
    assert predictions.dtype == np.float64
    np.testing.assert_allclose((predictions - shift) / scale, plain.predict(X), atol=2e-3)
    assert moved.score(X, Y * scale + shift) == pytest.approx(plain.score(X, Y), abs=1e-4)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (100.0, 1.0), (1e6, 1e5), (0.0, 1e20)])
def test_single_precision_stays_where_it_is_enough(shift, scale):
    network = MLPRegressor(**FAST).fit(X, Y * scale + shift)
    assert network.predict(X).dtype == np.float32
    assert network.coefs_[-1].dtype == np.float32


@pytest.mark.parametrize("scale", [1e-200, 1e200, 1e300])
def test_weights_in_units_of_y_keep_them_too(scale):
    network = MLPRegressor(hidden_layer_sizes=(), **FAST).fit(X, Y * scale)
    folded = X.astype(np.float64) @ network.coefs_[0][:, 0] + network.intercepts_[0]
    np.testing.assert_allclose(folded / scale, network.predict(X) / scale, atol=1e-5)


@pytest.mark.parametrize("loss", ["huber", "poisson", "quantile"])
def test_other_losses_do(loss):
    y = np.exp(Y)
    network = MLPRegressor(loss, early_stopping=True, **FAST)
    plain, moved = (clone(network).fit(X, y * scale) for scale in (1.0, 1e250))
    np.testing.assert_allclose(moved.predict(X) / 1e250, plain.predict(X), rtol=1e-4, atol=1e-4)
    assert moved.score(X, y * 1e250) == pytest.approx(plain.score(X, y), abs=1e-5)


def test_sparse_and_sequences_do():
    y = Y + 1e9
    assert MLPRegressor(**FAST).fit(sp.csr_matrix(X), y).score(sp.csr_matrix(X), y) > 0.3
    series = np.random.default_rng(0).standard_normal((40, 5, 2)).astype(np.float32)
    y = series[:, :, 0].astype(np.float64) + 1e9
    network = RNNRegressor(output="timesteps", **SMALL_RNN | FAST)
    plain = clone(network).fit(series, series[:, :, 0])
    assert network.fit(series, y).score(series, y) == pytest.approx(
        plain.score(series, series[:, :, 0]), abs=1e-4
    )


def test_y_of_single_precision_may_be_large():
    y = (Y * 1e36).astype(np.float32)
    network = MLPRegressor(**FAST).fit(X, y)
    assert np.isfinite(network.predict(X)).all()
    assert network.score(X, y) == pytest.approx(
        MLPRegressor(**FAST).fit(X, Y).score(X, Y), abs=1e-3
    )


def test_a_series_keeps_its_digits():
    y = 1.7e12 + np.sin(np.arange(120) / 3)
    network = RNNRegressor(**SMALL_RNN | FAST)
    forecast = Forecaster(network, window=8).fit(y=y).forecast(4)
    assert np.abs(forecast - 1.7e12 - np.sin(np.arange(120, 124) / 3)).max() < 0.4


def test_r2_of_extreme_numbers_is_that_of_others():
    network = MLPRegressor(**FAST).fit(X, Y)
    score = network.score(X, Y)
    for scale in (2.0**-1000, 2.0**1000):
        moved = MLPRegressor(**FAST).fit(X, Y * scale)
        assert moved.score(X, Y * scale) == pytest.approx(score, rel=1e-12)


def test_r2_of_columns_in_very_different_units_is_that_of_each():
    y = np.c_[X[:, 2], np.random.default_rng(0).standard_normal(100)].astype(np.float64)
    score = MLPRegressor(**FAST).fit(X, y).score(X, y)
    y = np.ldexp(y, [330, -230])
    assert MLPRegressor(**FAST).fit(X, y).score(X, y) == pytest.approx(score, rel=1e-6)
