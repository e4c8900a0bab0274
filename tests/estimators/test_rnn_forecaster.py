"""Forecasts: against autoregression by hand, closed forms and loops, mostly with a linear model."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from sknets import RNNForecaster, RNNRegressor
from sknets.datasets import load_nyse
from sknets.preprocessing import SlidingWindows

RNG = np.random.default_rng(0)
N, WINDOW = 120, 4
Y = np.cumsum(RNG.standard_normal((N, 2)), axis=0) * 0.2 + RNG.standard_normal((N, 2))
X = pd.DataFrame(RNG.standard_normal((N, 3)), columns=["day", "sales", "price"])
DATES = pd.date_range("2020-01-01", periods=N)


class Linear(RegressorMixin, BaseEstimator):
    """Least squares on all that a network would see."""

    def fit(self, X, y):
        self.X_, self.y_ = X, y
        self.model_ = LinearRegression().fit(X.reshape(len(X), -1), y)
        return self

    def predict(self, X):
        return self.model_.predict(X.reshape(len(X), -1))


def forecaster(estimator=None, **params):
    return RNNForecaster(estimator or Linear(), **{"window": WINDOW} | params)


def tiny(**params):
    settings = {"recurrent_layer_sizes": 4, "max_iter": 2, "random_state": 0} | params
    return RNNRegressor(**settings)


def lags(y, t):
    return np.ravel([y[t - back] for back in range(WINDOW, 0, -1)])


UNLIKE_SAMPLES = "rows are times of one series, whose order and number matter"
EXPECTED = {
    "check_methods_sample_order_invariance": UNLIKE_SAMPLES,
    "check_methods_subset_invariance": UNLIKE_SAMPLES,
    "check_fit2d_1sample": "the message counts times, not samples",
    "check_fit1d": "a one-dimensional X is one column",
    "check_fit2d_predict1d": "a one-dimensional X is one column",
    "check_estimators_empty_data_messages": "a series may have no further columns",
}


@parametrize_with_checks(
    [RNNForecaster(Linear(), window=1, known_columns="all")],
    expected_failed_checks=lambda _: EXPECTED,
)
def test_check(estimator, check):
    check(estimator)


def test_parameters_are_validated():
    check_param_validation("RNNForecaster", RNNForecaster())
    with pytest.raises(
        ValueError, match="'max_iter' parameter of RNNRegressor"
    ):  # the inner ones too
        forecaster(RNNRegressor(max_iter=-1)).fit(y=Y)


# --- forecasts by hand ---------------------------------------------------------------------------


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
    future = RNG.standard_normal(horizon)
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
    future = RNG.standard_normal((6, 3))
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


def test_linear_autoregression_of_nyse_has_the_published_score():
    nyse = load_nyse(as_frame=True)
    train, test = np.flatnonzero(nyse.train), np.flatnonzero(~nyse.train)
    columns = nyse.data[["DJ_return", "log_volatility"]]
    table = forecaster(window=5).backtest(columns, nyse.target, cv=[(train, test)])
    # James, Witten, Hastie and Tibshirani, section 10.9.6
    assert r2_score(table["truth"], table["forecast"]) == pytest.approx(0.413, abs=5e-4)
    assert (table["time"] == nyse.target.index[test]).all()


# --- differences ---------------------------------------------------------------------------------


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
    y = np.cumsum(RNG.standard_normal(2000) + 0.5)
    steps = np.arange(1, 11)
    ours = forecaster(difference=1, window=1).fit(y=y).forecast(10)
    np.testing.assert_allclose(ours, y[-1] + 0.5 * steps, atol=0.1 * 10)
    drift = np.polyfit(np.arange(10), ours, 1)[0]
    assert drift == pytest.approx(0.5, abs=3 / np.sqrt(2000))


# --- intervals -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def autoregression():
    """Many series of y_t = 0.8 y_(t-1) + e_t, one of them long."""
    noise = np.random.default_rng(1).standard_normal((6000, 1))
    y = np.zeros(6000)
    for t in range(1, 6000):
        y[t] = 0.8 * y[t - 1] + noise[t, 0]
    return y


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_intervals_cover_and_widen_as_the_closed_form(autoregression, strategy):
    train, test = np.arange(3000), np.arange(3000, 6000)
    params = {"window": 2, "horizon": 6, "strategy": strategy, "calibration_fraction": 0.5}
    model = forecaster(**params).fit(y=autoregression[train])
    assert model.calibration_residuals_.shape == (1500 - 6 + 1, 6)
    # var(y_(t+h) - forecast) = (1 - 0.8^(2h)) / (1 - 0.8^2)
    deviation = np.sqrt((1 - 0.8 ** (2 * np.arange(1, 7))) / (1 - 0.8**2))
    lower, upper = model.forecast_interval(coverage=0.9)
    np.testing.assert_allclose(upper - lower, 2 * 1.645 * deviation, rtol=0.12)
    for coverage in (0.5, 0.9):
        table = model.backtest(y=autoregression, cv=[(train, test)], coverage=coverage)
        table["inside"] = table["truth"].between(table["lower"], table["upper"])
        # the errors of neighbouring origins go together: about 3000 / 12 independent ones
        allowed = 3 * np.sqrt(coverage * (1 - coverage) * (1 / 250 + 1 / 125))
        by_step = table.groupby("step")["inside"].mean()
        np.testing.assert_allclose(by_step, coverage, atol=allowed)
        assert table["inside"].mean() == pytest.approx(coverage, abs=0.04)


def test_calibration_errors_are_those_of_a_network_that_has_not_seen_the_times():
    y = Y[:, 0]
    fitted = forecaster(horizon=3, calibration_fraction=0.25).fit(y=y)
    for row, origin in enumerate(range(90, N - 2)):
        past = forecaster(horizon=3).fit(y=y[:90])
        if origin > 90:
            past.update(y=y[90:origin])
        expected = y[origin : origin + 3] - past.forecast()
        np.testing.assert_allclose(fitted.calibration_residuals_[row], expected, atol=1e-8)
    np.testing.assert_allclose(fitted.forecast(), forecaster(horizon=3).fit(y=y).forecast())
    # of 28 errors, the 2nd and the 27th leave 4 of 29 places outside
    ordered = np.sort(fitted.calibration_residuals_, axis=0)
    lower, upper = fitted.forecast_interval(coverage=25 / 29)
    np.testing.assert_allclose(lower, fitted.forecast() + ordered[1])
    np.testing.assert_allclose(upper, fitted.forecast() + ordered[26])
    several = forecaster(horizon=3, calibration_fraction=0.25).fit(y=Y)
    assert all(bound.shape == (2, 2) for bound in several.forecast_interval(2, coverage=0.5))


def test_intervals_that_cannot_be_had_are_refused():
    with pytest.raises(ValueError, match="Intervals need calibration_fraction"):
        forecaster().fit(y=Y).forecast_interval()
    fitted = forecaster(horizon=2, calibration_fraction=0.1).fit(y=Y)
    with pytest.raises(ValueError, match=r"coverage=0\.9 needs at least 19 errors .* left 11"):
        fitted.forecast_interval()
    with pytest.raises(ValueError, match="horizon=2 steps, not for 3"):
        fitted.forecast_interval(3, coverage=0.5)
    with pytest.raises(ValueError, match="coverage == 1"):
        fitted.forecast_interval(coverage=1)
    with pytest.raises(ValueError, match=r"calibration_fraction=0\.01 leaves 2 times, fewer than"):
        forecaster(horizon=3, calibration_fraction=0.01).fit(y=Y)


# --- back-tests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [Y[:, 0], pd.Series(Y[:, 0], DATES)], ids=["array", "dates"])
def test_backtest_equals_a_loop(y):
    model = forecaster(horizon=5, known_columns="all", calibration_fraction=0.5)
    columns = X.set_axis(DATES) if hasattr(y, "index") else X
    cv = TimeSeriesSplit(3, test_size=12)
    table = model.backtest(columns, y, cv=cv, stride=3, coverage=0.8)
    values = np.asarray(y)
    rows = []
    for fold, (train, test) in enumerate(cv.split(values)):
        fitted = clone(model).fit(columns.iloc[train], y[: len(train)])
        end = test[0]
        for origin in (test[0], test[0] + 3, test[0] + 6):
            if origin > end:
                fitted.update(columns[end:origin], y[end:origin])
                end = origin
            ahead = columns[origin : origin + 5]
            bounds = fitted.forecast_interval(X=ahead, coverage=0.8)
            forecast = fitted.predict(ahead)
            for step in range(5):
                place = values[origin + step], forecast[step], bounds[0][step], bounds[1][step]
                rows.append((fold, origin - 1, step + 1, origin + step, *place))
    names = ["fold", "origin", "step", "time", "truth", "forecast", "lower", "upper"]
    expected = pd.DataFrame(rows, columns=names)
    if hasattr(y, "index"):
        expected[["origin", "time"]] = expected[["origin", "time"]].apply(lambda at: DATES[at])
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, check_freq=False)


def test_backtest_of_whole_blocks_is_cross_validation():
    cv = TimeSeriesSplit(4, test_size=6)
    model = forecaster(horizon=6)
    table = model.backtest(y=Y[:, 0], cv=cv)
    ours = [r2_score(part["truth"], part["forecast"]) for _, part in table.groupby("fold")]
    none = pd.DataFrame(index=range(N))
    np.testing.assert_allclose(ours, cross_val_score(model, none, Y[:, 0], cv=cv))


def test_backtest_names_several_targets():
    names = ["left", "right"]
    table = forecaster(horizon=2).backtest(y=pd.DataFrame(Y, columns=names), cv=2, stride=10)
    assert list(table["target"][:4]) == names * 2
    assert list(table["truth"][:4]) == list(Y[40:42].ravel())
    assert set(table["fold"]) == {0, 1}
    unnamed = forecaster(horizon=2).backtest(y=Y, cv=2, stride=10)
    np.testing.assert_array_equal(unnamed["forecast"], table["forecast"])


def test_backtest_refuses_folds_that_are_not_the_future():
    with pytest.raises(ValueError, match="test rows of fold 0 do not follow"):
        forecaster().backtest(y=Y, cv=TimeSeriesSplit(3, gap=1))
    with pytest.raises(ValueError, match="Fold 0 has 20 test rows, fewer than horizon=21"):
        forecaster(horizon=21).backtest(y=Y)
    with pytest.raises(ValueError, match="stride == 0"):
        forecaster().backtest(y=Y, stride=0)


def test_grid_search_over_the_window_and_the_network():
    grid = {"window": [2, 3], "estimator__recurrent_layer_sizes": [2, 3]}
    model = forecaster(tiny(), known_columns="all")
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit(2)).fit(X[:40], Y[:40, 0])
    assert search.best_estimator_.estimator_.n_features_in_ == 4
    assert search.predict(X[40:45]).shape == (5,)


# --- the network ---------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_network_continues_a_wave_better_than_its_last_value(strategy):
    t = np.arange(132)
    y = np.sin(2 * np.pi * t / 12) + 0.02 * t
    model = RNNForecaster(
        RNNRegressor(recurrent_layer_sizes=16),
        window=12,
        horizon=12,
        strategy=strategy,
        difference=1,
        random_state=0,
    )
    error = model.fit(y=y[:120]).forecast() - y[120:]
    assert np.abs(error).mean() < 0.25 * np.abs(y[119] - y[120:]).mean()


def test_default_is_a_recurrent_network():
    fitted = RNNForecaster(window=3, random_state=1).fit(y=Y[:12, 0])
    assert isinstance(fitted.estimator_, RNNRegressor)
    assert fitted.estimator_.random_state == 1
    assert repr(RNNForecaster()) == "RNNForecaster()"


def test_fits_are_reproducible_and_survive_pickling():
    y = Y[:, 0].astype(np.float32)
    model = forecaster(tiny(random_state=None), random_state=3, calibration_fraction=0.3)
    fitted = model.fit(X, y)
    assert fitted.forecast().dtype == np.float32
    for other in (clone(model).fit(X, y), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(other.forecast(), fitted.forecast())
        np.testing.assert_array_equal(other.forecast_interval(), fitted.forecast_interval())
    assert clone(model).set_params(random_state=4).fit(X, y).forecast() != fitted.forecast()


def test_early_stopping_sets_the_last_samples_aside():
    network = tiny(early_stopping=True, validation_fraction=0.2, max_iter=3)
    y = Y[:, 0]
    fitted = forecaster(network, horizon=3, strategy="direct").fit(y=y)
    windows, targets = SlidingWindows(WINDOW, horizon=3).make_samples(y)
    n_held = 23  # of 114; two more share targets with them
    expected = clone(network).fit(
        windows[: -n_held - 2],
        targets[: -n_held - 2],
        X_val=windows[-n_held:],
        y_val=targets[-n_held:],
    )
    assert fitted.estimator_.validation_scores_ == expected.validation_scores_
    np.testing.assert_array_equal(fitted.forecast(), expected.predict([y[-WINDOW:, None]])[0])


@pytest.mark.parametrize("y", [Y[:, 0], Y], ids=["one", "two"])
def test_decoder_writes_the_steps(y):
    fitted = forecaster(tiny(output="sequence"), horizon=3, strategy="direct").fit(y=y)
    window = y[-WINDOW:].reshape(1, WINDOW, -1)
    expected = fitted.estimator_.predict(window)[0]
    np.testing.assert_array_equal(fitted.forecast(), expected)
    assert expected.shape == (3, *y.shape[1:])


# --- what users get wrong ------------------------------------------------------------------------


def test_a_fit_that_fails_leaves_the_forecaster_as_it_was():
    fitted = forecaster(known_columns=["day"], horizon=2, strategy="direct").fit(X, Y)
    expected = fitted.predict(X[:2])
    for bad in ((X, Y[:, 0] * np.nan), (X[:5], Y[:5]), (X[["price"]], Y), (None, Y[:3])):
        with pytest.raises(ValueError, match="NaN|at least 6 times|known_columns"):
            fitted.fit(*bad)
        np.testing.assert_array_equal(fitted.predict(X[:2]), expected)
        assert list(fitted.feature_names_in_) == list(X.columns)
    with pytest.raises(ValueError, match="NaN in row 2"):
        fitted.update(X[:3], np.where(np.arange(3) == 2, np.nan, 1.0)[:, None] * [1, 1])
    np.testing.assert_array_equal(fitted.predict(X[:2]), expected)
    fitted.set_params(window=2)  # counts in the next fit
    np.testing.assert_array_equal(fitted.predict(X[:2]), expected)


def test_refit_forgets_names():
    fitted = forecaster(known_columns="all").fit(X, Y).fit(y=Y)
    assert fitted.n_features_in_ == 0
    assert not hasattr(fitted, "feature_names_in_")
    assert fitted.calibration_residuals_ is None


def swap(index):
    return index[[1, 0, *range(2, len(index))]]


@pytest.mark.parametrize(
    ("params", "data", "message"),
    [
        ({"window": 9, "difference": 2}, (None, Y[:11]), "at least 12 times to learn .* are 11"),
        ({}, (X[:-1], Y), "X has 119 times, y has 120"),
        ({}, (None, np.where(np.arange(N) == 7, np.nan, 1)), "y contains NaN in row 7"),
        (
            {},
            (X.assign(day=np.where(X.index == 5, np.inf, 0.0)), Y),
            "X contains infinity in row 5, column 0",
        ),
        ({}, (Y, None), r"requires y .* is None\. It is the series to forecast"),
        ({}, (None, Y[:, :, None]), r"y has shape \(120, 2, 1\)"),
        ({}, (X.astype(str) + "a", Y), "X cannot be read"),
        ({"known_columns": ["day", "dya"]}, (X, Y), r"known_columns has \['dya'\].*'sales'"),
        ({"known_columns": [0, 3]}, (X.to_numpy(), Y), r"has \[3\], .* 3 columns without names"),
        ({"known_columns": ["day"]}, (None, Y), "0 columns without names"),
        ({"horizon": 2}, (X, Y), r"2 steps .*\['day', 'sales', 'price'\].* strategy='direct'"),
        ({"horizon": 2, "known_columns": [0]}, (X.to_numpy(), Y), r"2 steps .*\[1, 2\] of X"),
        ({}, (None, pd.Series(Y[:, 0], swap(DATES))), "one row for each time, in order"),
        ({}, (X.set_axis(DATES.repeat(2)[:N]), Y), "one row for each time, in order"),
        ({}, (X.set_axis(DATES + pd.Timedelta("1D")), pd.DataFrame(Y, DATES)), "different times"),
    ],
)
def test_bad_series_is_refused(params, data, message):
    with pytest.raises(ValueError, match=message):
        forecaster(**params).fit(*data)


@pytest.mark.parametrize(
    ("n_steps", "ahead", "message"),
    [
        (None, None, r"known columns \['day'\] are needed for 2 times to come .* X has 0"),
        (3, X[:3], r"3 steps cannot be forecast .*\['sales', 'price'\].* at 2"),
        (1, X[["day"]][:1], "needed for 2 times"),
        (0, None, "n_steps == 0"),
        (None, X[["price"]][:2], r"X has the columns \['price'\]; the known ones are \['day'\]"),
        (None, X[["price", "day"]][:2], "feature names should match"),
        (
            None,
            X[["price", "sales", "day"]][:2],
            "feature names should match|must be in the same order",
        ),
        (None, X[:2].assign(day=np.nan), "X contains NaN in row 0"),
        (None, X[:2].set_axis(DATES[-2:]), "2020-04-28 .* known up to 2020-04-29"),
    ],
)
def test_bad_future_is_refused(n_steps, ahead, message):
    model = forecaster(horizon=2, strategy="direct", known_columns=["day"])
    fitted = model.fit(X, pd.DataFrame(Y, DATES))
    with pytest.raises(ValueError, match=message):
        fitted.forecast(n_steps, ahead)


def test_columns_that_fit_has_not_seen_are_refused():
    fitted = forecaster().fit(y=Y)
    with pytest.raises(ValueError, match="X has 3 features, but RNNForecaster is expecting 0"):
        fitted.predict(X.to_numpy()[:1])
    with pytest.raises(ValueError, match="X has 3 features, but RNNForecaster is expecting 0"):
        fitted.update(X.to_numpy(), Y)
    with pytest.raises(ValueError, match="y has 1 series, 2 in fit"):
        fitted.update(y=Y[:, 0])
    with pytest.raises(ValueError, match="X has 0 features, but RNNForecaster is expecting 3"):
        forecaster().fit(X.to_numpy(), Y).update(y=Y)
    with pytest.raises(NotFittedError):
        forecaster().forecast()


def test_update_goes_on_with_the_series():
    y = pd.Series(Y[:, 0], DATES)
    fitted = forecaster(difference=2).fit(y=y[:60])
    coefficients = fitted.estimator_.model_.coef_
    for start, end in ((60, 61), (61, 75), (75, N)):  # fewer and more rows than the window
        fitted.update(y=y[start:end])
        same = forecaster(difference=2).fit(y=y[:60])
        same.update(y=y[60:end])
        np.testing.assert_allclose(fitted.forecast(7), same.forecast(7), atol=1e-8)
    assert fitted.estimator_.model_.coef_ is coefficients
    with pytest.raises(ValueError, match="known up to 2020-04-29"):
        fitted.update(y=y[-1:])
