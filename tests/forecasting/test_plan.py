"""From windows to forecasts: against autoregression by hand and closed forms, with a linear model."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from sknets.preprocessing import SlidingWindows
from tests.forecasting.series import WINDOW, N, X, Y, forecaster, lags


@pytest.mark.parametrize("y", [Y[:, 0], Y[:, :1], Y], ids=["flat", "one column", "two"])
def test_recursive_forecast_is_an_autoregression(y):
    times = range(WINDOW, N)
    model = LinearRegression().fit([lags(y, t) for t in times], y[WINDOW:])
    path = list(y)
    for t in range(N, N + 9):
        path.append(model.predict([lags(path, t)])[0])
    fitted = forecaster(horizon=9).fit(y=y)
    np.testing.assert_allclose(fitted.forecast(), path[N:], atol=1e-8)
    np.testing.assert_allclose(fitted.forecast(3), path[N:][:3], atol=1e-8)
    np.testing.assert_allclose(fitted.predict(np.empty((5, 0))), path[N:][:5], atol=1e-8)
    assert fitted.forecast().shape == (9, *y.shape[1:])


def test_direct_forecast_is_one_regression_per_step():
    y, horizon = Y[:, 0], 5
    past = np.c_[y, X[["sales", "price"]]]  # known up to the last time only
    day = X["day"].to_numpy()
    future = np.random.default_rng(1).standard_normal(horizon)
    known = np.append(day, future)

    def seen(t):  # the days from the second time of the window to the last one of the forecast
        return np.append(lags(past, t), known[t - WINDOW + 1 : t + horizon])

    fitted = forecaster(horizon=horizon, strategy="direct", known_columns=["day"]).fit(X, y)
    ours = fitted.forecast(X=pd.DataFrame({"day": future}))
    for step in range(horizon):
        times = range(WINDOW, N - horizon + 1)  # those that all steps share
        model = LinearRegression().fit([seen(t) for t in times], [y[t + step] for t in times])
        assert ours[step] == pytest.approx(model.predict([seen(N)])[0], abs=1e-8)


@pytest.mark.parametrize("columns", ["all", ["day", "sales", "price"], [2, 1, 0], [True] * 3])
def test_recursive_forecast_takes_known_columns_of_its_time(columns):
    y = Y[:, 0]
    future = np.random.default_rng(1).standard_normal((6, 3))
    known = np.r_[X.to_numpy(), future]

    def seen(path, t):
        return np.append(lags(path, t), known[t - WINDOW + 1 : t + 1])

    model = LinearRegression().fit([seen(y, t) for t in range(WINDOW, N)], y[WINDOW:])
    path = list(y)
    for t in range(N, N + 6):
        path.append(model.predict([seen(path, t)])[0])
    fitted = forecaster(known_columns=columns).fit(X, y)
    ours = fitted.predict(pd.DataFrame(future, columns=X.columns))
    np.testing.assert_allclose(ours, path[N:], atol=1e-8)


def test_network_sees_what_sliding_windows_make():
    fitted = forecaster(known_columns=["price"]).fit(X, Y)
    series = np.c_[Y, X[["day", "sales"]]]
    windows, targets = SlidingWindows(WINDOW).make_samples(series, Y, X["price"])
    np.testing.assert_array_equal(fitted.estimator_.X_, windows)
    np.testing.assert_array_equal(fitted.estimator_.y_, targets)


@pytest.mark.parametrize("n_steps", [3, 4, 7, 8])
def test_direct_goes_on_in_blocks(n_steps):
    fitted = forecaster(horizon=4, strategy="direct").fit(y=Y)
    first = fitted.forecast()
    second = clone(fitted).fit(y=Y).update(y=first).forecast()
    expected = np.r_[first, second][:n_steps]
    np.testing.assert_allclose(fitted.forecast(n_steps), expected, atol=1e-8)


def test_observed_columns_of_the_future_are_not_used():
    fitted = forecaster(horizon=3, strategy="direct", known_columns=["day"]).fit(X, Y)
    future = X[:3].copy()
    expected = fitted.predict(future)
    future[["sales", "price"]] = np.nan
    np.testing.assert_array_equal(fitted.predict(future), expected)
    np.testing.assert_array_equal(fitted.predict(future[["day"]]), expected)
    future["day"] += 1
    assert (fitted.predict(future) != expected).any()
    # columns that are all observed need no X at all
    np.testing.assert_array_equal(
        forecaster().fit(X, Y).forecast(), forecaster().fit(X, Y).predict(X[:1])
    )


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_differences_continue_trend_and_season(strategy):
    t = np.arange(60.0)
    steps = np.arange(60, 75)
    params = {"horizon": 5, "strategy": strategy}
    ours = forecaster(difference=1, **params).fit(y=3 * t - 7).forecast(15)
    np.testing.assert_allclose(ours, 3 * steps - 7.0, atol=1e-8)
    season = np.array([0.0, 5, -2, 1, 9, 4, 3])
    ours = forecaster(difference=7, **params).fit(y=season[t.astype(int) % 7] + 2 * t).forecast(15)
    np.testing.assert_allclose(ours, season[steps % 7] + 2 * steps, atol=1e-8)


def test_differences_of_a_random_walk_go_on_with_its_drift():
    y = np.cumsum(np.random.default_rng(1).standard_normal(2000) + 0.5)
    steps = np.arange(1, 11)
    ours = forecaster(difference=1, window=1).fit(y=y).forecast(10)
    np.testing.assert_allclose(ours, y[-1] + 0.5 * steps, atol=0.1 * 10)
    drift = np.polyfit(np.arange(10), ours, 1)[0]
    assert drift == pytest.approx(0.5, abs=3 / np.sqrt(2000))
