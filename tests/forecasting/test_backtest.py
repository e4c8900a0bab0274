"""Back-tests against a loop, cross-validation and a published figure."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

from sknets.datasets import load_nyse
from tests.forecasting.series import DATES, N, X, Y, forecaster


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


def test_linear_autoregression_of_nyse_has_the_published_score():
    nyse = load_nyse(as_frame=True)
    train, test = np.flatnonzero(nyse.train), np.flatnonzero(~nyse.train)
    columns = nyse.data[["DJ_return", "log_volatility"]]
    table = forecaster(window=5).backtest(columns, nyse.target, cv=[(train, test)])
    # James, Witten, Hastie and Tibshirani, section 10.9.6
    assert r2_score(table["truth"], table["forecast"]) == pytest.approx(0.413, abs=5e-4)
    assert (table["time"] == nyse.target.index[test]).all()


def test_coverage_is_of_intervals():
    with pytest.raises(ValueError, match="coverage=0.8 is of intervals, which need calibration_fr"):
        forecaster().backtest(y=Y, cv=2, coverage=0.8)
    model = forecaster(calibration_fraction=0.5)
    ours, theirs = (model.backtest(y=Y, cv=2, coverage=share) for share in (None, 0.9))
    pd.testing.assert_frame_equal(ours, theirs)


def test_backtest_refuses_folds_that_are_not_the_future():
    with pytest.raises(ValueError, match="test rows of fold 0 do not follow"):
        forecaster().backtest(y=Y, cv=TimeSeriesSplit(3, gap=1))
    with pytest.raises(ValueError, match="Fold 0 has 20 test rows, fewer than horizon=21"):
        forecaster(horizon=21).backtest(y=Y)
    for rows in (range(10, 0), range(N - 5, N + 5), np.arange(N) > 5):
        with pytest.raises(ValueError, match="test rows of fold 0 do not follow"):
            forecaster().backtest(y=Y, cv=[(np.arange(N - 5), np.array(rows, ndmin=1))])
    with pytest.raises(ValueError, match="cv has no folds"):
        forecaster().backtest(y=Y, cv=[])
    with pytest.raises(ValueError, match="'horizon' parameter"):
        forecaster(horizon=0).backtest(y=Y)
    with pytest.raises(ValueError, match="stride == 0"):
        forecaster().backtest(y=Y, stride=0)
