"""Outliers in y leave fits by the losses that they pull with a bounded force where they were."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score

from sknets import CNNRegressor, Forecaster, MLPRegressor, ModuleRegressor, RNNRegressor
from tests.estimators.estimators import SMALL_CNN, SMALL_RNN, X_DIABETES, Y_DIABETES, SmallModule

ROBUST = ["huber", "absolute_error", "quantile"]
FAST = {"learning_rate_init": 0.01, "max_iter": 30, "random_state": 0}
FAMILIES = [
    MLPRegressor(**FAST),
    CNNRegressor(**SMALL_CNN | FAST),
    RNNRegressor(**SMALL_RNN | FAST),
    ModuleRegressor(SmallModule, **FAST),
]
X, Y = X_DIABETES[:200], Y_DIABETES[:200]


def honest_scores(network, rows, value):
    """Return R² on the other rows: of a fit to y as it is, and of one with outliers in some rows."""
    bad, others = Y.copy(), np.setdiff1d(np.arange(len(Y)), rows)
    bad[rows] = value
    predictions = (clone(network).fit(X, y).predict(X) for y in (Y, bad))
    return [r2_score(Y[others], p[others]) for p in predictions]


@pytest.mark.parametrize("loss", ROBUST)
@pytest.mark.parametrize("network", FAMILIES, ids=lambda network: type(network).__name__)
def test_one_outlier_does_not_move_a_fit(network, loss):
    clean, bad = honest_scores(clone(network).set_params(loss=loss), [7], 1e5)
    assert clean > 0.2
    assert bad > clean - 0.03


@pytest.mark.parametrize("loss", ROBUST)
def test_nor_do_ten_percent(loss):
    with pytest.warns(UserWarning, match="y has 20 of 200 rows .* hardly learns from them"):
        clean, bad = honest_scores(MLPRegressor(loss, **FAST), np.arange(0, 200, 10), -1e5)
    assert bad > clean - 0.15


QUIET = np.random.default_rng(0).standard_normal((1000, 5))


@pytest.mark.parametrize(
    ("loss", "first"), [("huber", 1.2), ("absolute_error", 1.2), ("quantile", 1.6)]
)
def test_what_few_rows_tell_is_learned_beside_quiet_ones(loss, first):
    is_active = QUIET[:, 0] > first
    y = np.where(is_active, 5 + QUIET[:, 1], 1e-3 * np.abs(QUIET[:, 2]))
    network = MLPRegressor(loss, quantile=0.95, random_state=0).fit(QUIET, y)
    assert np.median(network.predict(QUIET)[is_active]) > 3


def test_a_signal_in_fewer_rows_than_may_be_outliers_is_said():
    y = np.where(QUIET[:, 0] > 1.6, 5 + QUIET[:, 1], 1e-3 * np.abs(QUIET[:, 2]))
    words = r"more than 100 spreads .* If so, use loss='squared_error', or transform y"
    with pytest.warns(UserWarning, match=words):
        MLPRegressor("huber", **FAST).fit(QUIET, y)
    MLPRegressor(**FAST).fit(QUIET, y)


@pytest.mark.parametrize("loss", ROBUST)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_is_further_than_all_measure_is_said_and_counts_as_near(loss, dtype):
    network = MLPRegressor(loss, dtype=dtype, **FAST)
    with pytest.warns(UserWarning, match="y has 1 of 200 rows that lie more than 1e"):
        clean, bad = honest_scores(network, [7], 1e300)
    assert bad > clean - 0.03


def test_they_do_not_in_sequences_and_several_outputs():
    rng = np.random.default_rng(0)
    series = rng.standard_normal((60, 6, 2))
    network = RNNRegressor("huber", output="timesteps", **SMALL_RNN | FAST)
    for y in (series[:, :, 0], series):
        bad = y.copy()
        bad[3, 2] = 1e3
        errors = [
            np.abs(np.stack(list(network.fit(series, values).predict(series))) - y)
            for values in (y, bad)
        ]
        assert np.median(errors[1]) < 1.1 * np.median(errors[0])
    target = np.c_[Y, -Y]
    target[7] = 1e5, 3.0
    predictions = MLPRegressor("huber", **FAST).fit(X, target).predict(X)
    kept = np.arange(200) != 7
    assert r2_score(np.c_[Y, -Y][kept], predictions[kept]) > 0.4


def test_they_do_not_in_a_forecast():
    y = np.sin(np.arange(200) / 4)
    bad = y.copy()
    bad[50] = 1e4
    ahead = np.sin(np.arange(200, 203) / 4)
    network = RNNRegressor("huber", **SMALL_RNN | FAST)
    forecasts = [Forecaster(network, window=12).fit(y=s).forecast(3) for s in (y, bad)]
    assert np.abs(forecasts[0] - ahead).max() < 0.4
    assert np.abs(forecasts[1] - ahead).max() < 0.6


@pytest.mark.parametrize("loss", ROBUST)
def test_one_in_the_validation_data_does_not_decide_when_to_stop(loss):
    y_val = Y_DIABETES[200:].copy()
    network = MLPRegressor(loss, early_stopping=True, **FAST | {"max_iter": 200})
    clean = clone(network).fit(X, Y, X_val=X_DIABETES[200:], y_val=y_val)
    y_val[3] = 1e6
    bad = clone(network).fit(X, Y, X_val=X_DIABETES[200:], y_val=y_val)
    assert bad.net_.stopping.monitor == "valid_loss"
    honest = np.arange(len(y_val)) != 3
    scores = [r2_score(y_val[honest], n.predict(X_DIABETES[200:])[honest]) for n in (clean, bad)]
    assert scores[1] > scores[0] - 0.02


def test_the_squared_error_follows_them():
    clean, bad = honest_scores(MLPRegressor(**FAST), [7], 1e5)
    assert clean > 0.4
    assert bad < 0


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_what_no_loss_can_compute_is_refused_beside_a_first_y(loss):
    network = MLPRegressor(loss, **FAST)
    y_val = np.r_[Y[:9], 1e300]
    words = r"\(X_val, y_val\): y has 1 of 10 rows that lie more than 1e\+15 spreads"
    with pytest.raises(ValueError, match=words):
        network.fit(X, Y, X_val=X[:10], y_val=y_val)
    network.partial_fit(X, Y)
    with pytest.raises(ValueError, match="too far to compute loss="):
        network.partial_fit(X[:10], y_val)


def test_a_first_y_without_the_scale_of_the_rest_is_said():
    network = MLPRegressor("huber", **FAST).partial_fit(X, 5 + 1e-9 * Y)
    words = "y has 200 of 200 rows .* more rows in the first call, .* or use loss='squared_error'"
    with pytest.raises(ValueError, match=words):
        network.partial_fit(X, Y)


def test_the_squared_error_goes_on_after_a_quiet_first_batch():
    network = MLPRegressor(hidden_layer_sizes=(), learning_rate_init=0.1, random_state=0)
    network.partial_fit(X[:32], 1e-4 * Y[:32])
    for _ in range(300):
        network.partial_fit(X, 5 + 1e-3 * Y)
    assert np.isfinite(network.predict(X)).all()
