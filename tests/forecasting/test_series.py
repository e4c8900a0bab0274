"""Series, known columns and futures that cannot be read, or do not fit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from tests.forecasting.series import DATES, N, X, Y, forecaster


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
        (
            {"known_columns": "day"},
            (X, Y),
            r"no list of columns; give known_columns=\['day'\], or 'all'",
        ),
        (
            {},
            (X.assign(shop="north"), Y),
            "X cannot be read: .* Column 'shop' holds texts, such as 'north'; encode it",
        ),
        ({"known_columns": [["day"]]}, (X, Y), r"known_columns has \[\['day'\]\]"),
        ({"known_columns": [True, False]}, (X, Y), "a mask of 2 bool, X has 3 columns"),
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
        (1, X[["day"]][:1], "needed for 2 times .*: give X for 2 times"),
        (0, None, "n_steps == 0"),
        (None, X[["price"]][:2], r"X has the columns \['price'\]; the known ones are \['day'\]"),
        (None, X[["price", "day"]][:2], "feature names should match"),
        (
            None,
            X[["price", "sales", "day"]][:2],
            "feature names should match|must be in the same order",
        ),
        (None, X[:2].assign(day=np.nan), "X contains NaN in row 0"),
        (None, X[:2].set_axis(DATES[-2:]), "2020-04-28, .* known up to 2020-04-29;"),
    ],
)
def test_bad_future_is_refused(n_steps, ahead, message):
    model = forecaster(horizon=2, strategy="direct", known_columns=["day"])
    fitted = model.fit(X, pd.DataFrame(Y, DATES))
    with pytest.raises(ValueError, match=message):
        fitted.forecast(n_steps, ahead)


def test_known_columns_in_another_order_are_told_so():
    model = forecaster(horizon=2, strategy="direct", known_columns=["day", "sales"]).fit(X, Y)
    with pytest.raises(ValueError, match=r"in another order; give X\[\['day', 'sales'\]\]"):
        model.forecast(X=X[["sales", "day"]][:2])


def test_columns_and_coverage_in_the_place_of_steps_are_told_so():
    fitted = forecaster(known_columns="all", calibration_fraction=0.5).fit(X, Y)
    with pytest.raises(TypeError, match=r"n_steps must be .*, not DataFrame.* columns as X="):
        fitted.forecast(X[:2])
    with pytest.raises(TypeError, match=r"n_steps must be .*, not float.* coverage=\.\.\."):
        fitted.forecast_interval(0.9)


def test_columns_that_fit_has_not_seen_are_refused():
    fitted = forecaster().fit(y=Y)
    with pytest.raises(ValueError, match="X has 3 features, but Forecaster is expecting 0"):
        fitted.predict(X.to_numpy()[:1])
    with pytest.raises(ValueError, match="X has 3 features, but Forecaster is expecting 0"):
        fitted.update(X.to_numpy(), Y)
    with pytest.raises(ValueError, match="y has 1 series, 2 in fit"):
        fitted.update(y=Y[:, 0])
    with pytest.raises(ValueError, match="X has 0 features, but Forecaster is expecting 3"):
        forecaster().fit(X.to_numpy(), Y).update(y=Y)
    with pytest.raises(NotFittedError):
        forecaster().forecast()


@pytest.mark.parametrize("tz", [None, "UTC"])
def test_times_are_no_series(tz):
    times = pd.date_range("2020", periods=40, tz=tz)
    for y in (times, pd.Series(times), pd.DataFrame({"a": np.arange(40.0), "b": times})):
        with pytest.raises(
            (ValueError, TypeError), match="y (must be numbers, not|cannot be read)"
        ):
            forecaster().fit(y=y)
