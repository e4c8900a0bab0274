"""What may follow a series: updates, columns and folds, with times and without."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

from sknets.datasets import load_nyse
from sknets.preprocessing._rhythm import name_time
from tests.forecasting.series import DATES, N, X, Y, forecaster

y = pd.Series(Y[:, 0], DATES)
NUMBERED = pd.Series(Y[:, 0], pd.RangeIndex(300, 300 + N))
EMPTY = pd.DataFrame(index=DATES)


@pytest.mark.parametrize(
    "series", [y, NUMBERED, pd.Series(Y[:, 0])], ids=["dates", "numbers", "rows"]
)
@pytest.mark.filterwarnings(
    "ignore:The rows of y are numbered 0 to 9, but the series is known up to 359"
)
def test_what_goes_on_is_taken_and_what_does_not_is_refused(series):
    def fitted():
        return forecaster().fit(y=series[:60])

    expected = fitted().update(y=Y[60:70, 0]).forecast(3)
    np.testing.assert_array_equal(fitted().update(y=series[60:70]).forecast(3), expected)
    fresh = series[60:70].reset_index(drop=True)
    np.testing.assert_array_equal(fitted().update(y=fresh).forecast(3), expected)
    step_by_step = fitted().update(y=series[60:63]).update(y=series[63:70])
    np.testing.assert_array_equal(step_by_step.forecast(3), expected)
    without_times = fitted().update(y=Y[60:65, 0]).update(y=series[65:70])
    np.testing.assert_array_equal(without_times.forecast(3), expected)
    for late in (61, 67, 100):
        begin, last, following = (name_time(series.index[place]) for place in (late, 59, 60))
        words = f"y begins at {begin}, but the series is known up to {last} and goes on with {following}"
        with pytest.raises(ValueError, match=words):
            fitted().update(y=series[late:])
    for early in (10, 59):
        with pytest.raises(
            ValueError, match=f"of {name_time(series.index[early])}, but the series is known up to"
        ):
            fitted().update(y=series[early:])
    with pytest.raises(ValueError, match="has a hole"):
        fitted().update(y=series[60:70].drop(series.index[65]))
    with pytest.raises(ValueError, match="and 5 rows more and goes on with"):
        fitted().update(y=Y[60:65, 0]).update(y=series[66:70])
    np.testing.assert_array_equal(fitted().forecast(3), forecaster().fit(y=Y[:60, 0]).forecast(3))


def test_rows_that_are_numbered_anew_beside_other_numbers_are_doubted():
    series = pd.Series(Y[:, 0])
    fitted = forecaster().fit(y=series[20:])
    doubt = "rows of y are numbered 0 to 19, .* known up to 119: .* number them from 120 on"
    with pytest.warns(UserWarning, match=doubt):
        fitted.score(y=series[:20])
    with pytest.warns(UserWarning, match="the series is known up to 119"):
        fitted.update(y=series[:20])
    with pytest.warns(UserWarning, match="119 and 20 rows more: .* number them from 140 on"):
        fitted.forecast(X=pd.DataFrame(index=range(3)))
    fitted.forecast(X=pd.DataFrame(index=range(140, 143)))
    forecaster().fit(y=series).score(y=series[:20])  # numbers of rows, both times


def test_gap_is_told_by_the_times_that_show_it():
    numbers = pd.DataFrame(index=range(300, 300 + N))
    fitted = forecaster().fit(numbers[:60], y[:60])
    with pytest.raises(ValueError, match="^X begins at 365, .* up to 359 and goes on with 360"):
        fitted.update(numbers[65:70], y[60:65])


def test_rows_that_are_numbered_anew_go_on_with_their_numbers():
    train, test = pd.Series(Y[:60, 0]), pd.Series(Y[60:, 0])
    fitted = forecaster().fit(y=train).update(y=test[:5]).update(y=test[5:10])
    with pytest.raises(ValueError, match="y begins at 12, .* known up to 9 and goes on with 10"):
        fitted.update(y=test[12:])


@pytest.mark.parametrize(
    ("first", "then", "message"),
    [
        (
            DATES,
            DATES.tz_localize("UTC"),
            "dates with a time zone .* has dates without a time zone",
        ),
        (
            DATES.tz_localize("UTC"),
            DATES,
            "dates without a time zone .* has dates with a time zone",
        ),
        (DATES, DATES.to_period("D"), "periods of freq 'D' .* has dates without"),
        (DATES, pd.RangeIndex(N), "numbers in its index, the series has dates"),
        (DATES.to_period("D"), DATES, "has periods"),
        (DATES, pd.Index([f"row {row}" for row in range(N)]), "y has texts in its index, .* dates"),
        (DATES, DATES.astype(str), "holds texts that look like dates"),
        (pd.RangeIndex(300, 300 + N), DATES, "dates without a time zone in its index, .* numbers"),
    ],
)
def test_times_of_another_kind_cannot_follow(first, then, message):
    fitted = forecaster().fit(y=pd.Series(Y[:60, 0], first[:60]))
    with pytest.raises(ValueError, match=message):
        fitted.update(y=pd.Series(Y[60:, 0], then[60:]))


def test_times_of_one_instant_are_the_same_in_all_zones():
    berlin = DATES.tz_localize("UTC").tz_convert("Europe/Berlin")
    fitted = forecaster().fit(y=pd.Series(Y[:60, 0], DATES.tz_localize("UTC")[:60]))
    fitted.update(y=pd.Series(Y[60:, 0], berlin[60:]))


def test_known_columns_that_begin_late_are_refused():
    columns = X.set_axis(DATES)
    fitted = forecaster(known_columns="all").fit(columns[:60], y[:60])
    fitted.forecast(X=columns[60:63])
    fitted.forecast(X=X[60:63].reset_index(drop=True))
    for late in (61, 100):
        with pytest.raises(
            ValueError, match=r"X begins at 2020-.* needs the known columns \['day'.* take gap=0"
        ):
            fitted.forecast(X=columns[late : late + 3])
    with pytest.raises(ValueError, match="known up to 2020-02-29"):
        fitted.forecast(X=columns[59:62])
    with pytest.raises(ValueError, match="index of X has a hole"):
        fitted.forecast(X=columns.iloc[[60, 61, 70]])


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_forecast_goes_through_a_gap(strategy):
    fitted = forecaster(horizon=4, strategy=strategy, calibration_fraction=0.3).fit(y=y[:60])
    whole = fitted.forecast(9)
    np.testing.assert_array_equal(fitted.forecast(X=EMPTY[65:69]), whole[5:])
    np.testing.assert_array_equal(fitted.predict(EMPTY[60:69]), whole)
    lower, upper = fitted.forecast_interval(coverage=0.5)
    later = fitted.forecast_interval(X=EMPTY[62:64], coverage=0.5)
    np.testing.assert_allclose(later, (lower[2:], upper[2:]))
    with pytest.raises(ValueError, match="horizon=4 steps, not for 5"):
        fitted.forecast_interval(X=EMPTY[62:65], coverage=0.5)
    with pytest.raises(ValueError, match="A forecast through them ends after 10,000 times"):
        fitted.forecast(X=pd.DataFrame(index=DATES[:1] + pd.Timedelta(days=36_500)))


@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
@pytest.mark.parametrize("index", [DATES, pd.RangeIndex(N)], ids=["dates", "rows"])
def test_folds_with_a_gap_are_scored_at_their_times(index, scoring):
    series, none = pd.Series(Y[:, 0], index), pd.DataFrame(index=index)
    cv = TimeSeriesSplit(3, gap=2, test_size=10)
    ours = cross_val_score(forecaster(), none, series, cv=cv, scoring=scoring, error_score="raise")
    for score, (train, test) in zip(ours, cv.split(series), strict=True):
        path = forecaster().fit(y=Y[train, 0]).forecast(12)[2:]
        errors = Y[test, 0] - path
        expected = 1 - np.sum(errors**2) / np.sum((Y[test, 0] - Y[test, 0].mean()) ** 2)
        assert score == pytest.approx(expected if scoring is None else -np.abs(errors).mean())


def test_gap_is_seen_in_y_where_x_has_no_times():
    cv = TimeSeriesSplit(3, gap=2, test_size=10)
    ours = cross_val_score(forecaster(), np.empty((N, 0)), y, cv=cv, error_score="raise")
    np.testing.assert_allclose(ours, cross_val_score(forecaster(), EMPTY, y, cv=cv))


def test_score_needs_no_columns():
    fitted = forecaster().fit(y=y[:60])
    assert fitted.score(y=y[60:70]) == pytest.approx(fitted.score(EMPTY[60:70], y[60:70]))
    assert fitted.score(None, Y[60:70, 0]) == fitted.score(y=y[60:70])
    with pytest.raises(ValueError, match="score needs y"):
        fitted.score(EMPTY[60:70])
    with pytest.raises(ValueError, match="y and X have different times"):
        fitted.score(EMPTY[60:70], y[61:71])


def test_holidays_may_lie_between_a_series_and_what_follows():
    nyse = load_nyse(as_frame=True).target
    for end in (1000, 1020):
        fitted = forecaster().fit(y=nyse[:end])
        for start in range(end, end + 30, 3):
            fitted.update(y=nyse[start : start + 3])
        with pytest.raises(ValueError, match="rows are missing"):
            fitted.update(y=nyse[end + 50 :])


def test_backtest_reads_the_times_of_all_rows():
    with pytest.raises(ValueError, match="index of y has a hole: 2020-04-26"):
        forecaster().backtest(y=y.drop(y.index[-6:-4]), cv=2)


def test_short_test_blocks_of_direct_forecasts_say_what_to_do():
    model = forecaster(horizon=6, strategy="direct", known_columns="all")
    with pytest.raises(
        ValueError, match=r"test blocks of whole horizons: TimeSeriesSplit\(test_size"
    ):
        cross_val_score(model, X, Y, cv=TimeSeriesSplit(3, test_size=4), error_score="raise")
    cross_val_score(model, X, Y, cv=TimeSeriesSplit(3, test_size=12), error_score="raise")
