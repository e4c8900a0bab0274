"""What follows what: indices of all kinds, whole, with holes, and out of order."""

import datetime

import numpy as np
import pandas as pd
import pytest

from sknets.datasets import load_nyse
from sknets.preprocessing import SlidingWindows
from sknets.preprocessing._rhythm import find_rhythm
from sknets.preprocessing._times import check_times, read_times

ZONE = "Europe/Berlin"

REGULAR = {
    "days": pd.date_range("2020-01-01", periods=100),
    "days in a zone": pd.date_range("2020-03-01", periods=100, tz=ZONE),
    "days at ten": pd.date_range("2020-03-01 10:00", periods=100, tz="America/New_York"),
    "hours": pd.date_range("2020-03-01", periods=900, freq="h"),
    "hours in a zone": pd.date_range("2020-03-01", periods=900, freq="h", tz=ZONE),
    "minutes": pd.date_range("2020-01-01", periods=50, freq="15min"),
    "every 36 hours": pd.date_range("2020-01-01", periods=50, freq="36h"),
    "weekdays": pd.bdate_range("2020-01-01", periods=100),
    "Sunday to Thursday": pd.date_range(
        "2020-01-01", periods=80, freq=pd.offsets.CDay(weekmask="Sun Mon Tue Wed Thu")
    ),
    "weeks": pd.date_range("2020-01-01", periods=60, freq="W-WED"),
    "month ends": pd.date_range("2020-01-31", periods=40, freq="ME"),
    "month starts": pd.date_range("2020-01-01", periods=40, freq="MS"),
    "last weekdays of months": pd.date_range("2020-01-31", periods=40, freq="BME"),
    "quarters": pd.date_range("2020-01-31", periods=40, freq="QE"),
    "years": pd.date_range("1900-12-31", periods=30, freq="YE"),
    "periods of months": pd.period_range("2020-01", periods=30, freq="M"),
    "periods of quarters": pd.period_range("2020Q1", periods=30, freq="Q"),
    "periods of days": pd.period_range("2020-01-01", periods=30, freq="D"),
    "periods of years": pd.period_range("1990", periods=30, freq="Y"),
    "durations": pd.timedelta_range("0s", periods=30, freq="10s"),
    "numbers": pd.RangeIndex(30),
    "later numbers": pd.RangeIndex(300, 330),
    "years as numbers": pd.Index(range(1950, 1990)),
    "every fifth": pd.RangeIndex(0, 200, 5),
    "date objects": pd.Index([datetime.date(2020, 1, 1) + datetime.timedelta(d) for d in range(30)]),
    "seconds": pd.date_range("2020-01-01", periods=30).as_unit("s"),
}  # fmt: skip


def check(index, name="y"):
    return check_times(**{name: pd.Series(0.0, index)})


@pytest.mark.parametrize("index", REGULAR.values(), ids=REGULAR)
def test_regular_times_follow_each_other_and_a_hole_is_named(index):
    ((times, rhythm),) = check(index)
    dates = index._with_freq(None) if isinstance(index, pd.DatetimeIndex) else index
    ((_, without_freq),) = check(dates)
    for known in (rhythm, without_freq):
        steps = known.count(times.index[:-1], times.index[1:])
        np.testing.assert_allclose(steps, 1.0, atol=0.3)
        expected = str(known.after(times.index[-2], 1))
        assert expected[:7] == str(times.index[-1])[:7]
        assert known.unit == "months" or expected == str(times.index[-1])
        # a part of the series knows what follows it
        (part,) = read_times(y=pd.Series(0.0, dates[:-5]))
        known = find_rhythm(part.index)
        to_next = known.count(part.index[-1:], times.index[-5:-4])
        assert round(float(to_next[0])) == 1
        assert round(float(known.count(part.index[-1:], times.index[-3:-2])[0])) == 3
    hole = dates[:12].append(dates[22:])
    with pytest.raises(ValueError, match="The index of y has a hole") as error:
        check(hole)
    after, before = (str(times.index[place]).removesuffix(" 00:00:00") for place in (22, 11))
    assert f"{after} follows {before}" in str(error.value)
    assert "10 rows are missing" in str(error.value) or "opening" in rhythm.unit


@pytest.mark.parametrize(
    "index",
    [
        REGULAR["days"].delete(range(30, 37)),
        REGULAR["days"].delete(30),
        REGULAR["days"].delete([3, 30, 50, 51, 70]),
        REGULAR["hours"].delete(100),
        REGULAR["hours in a zone"].delete(100),
        REGULAR["weekdays"].delete(range(20, 30)),
        REGULAR["weeks"].delete(7),
        REGULAR["month ends"].delete(7),
        REGULAR["quarters"].delete(7),
        REGULAR["periods of months"].delete(7),
        REGULAR["durations"].delete(7),
        REGULAR["numbers"].delete([7, 9]),
        REGULAR["days"].insert(50, REGULAR["days"][49] + pd.Timedelta("6h")),
    ],
)
def test_single_holes_are_found(index):
    with pytest.raises(ValueError, match="The index of y (has a hole|is not regular)"):
        check(index)


def test_closed_days_are_no_holes():
    nyse = load_nyse(as_frame=True).target.index
    for part in (
        nyse,
        nyse[:400],
        nyse[3000:3030],
        nyse.to_period("D"),
        nyse + pd.Timedelta("16h"),
    ):
        check(part)
    # New York was closed from the 11th to the 14th of September 2001
    days = pd.bdate_range("2001-01-01", "2001-12-31")
    closed = pd.date_range("2001-09-11", "2001-09-14")
    check(days[~days.isin(closed)])
    golden_weeks = pd.date_range("2001-02-05", "2001-02-13").union(
        pd.date_range("2001-10-01", "2001-10-08")
    )
    check(days[~days.isin(golden_weeks)])
    check(days.union(pd.DatetimeIndex(["2001-03-03", "2001-06-09"])))  # two Saturdays
    early = [day + pd.Timedelta("16h" if day.day != 24 else "13h") for day in days]
    check(pd.DatetimeIndex(early))


def test_clock_changes_are_no_holes():
    spring = pd.date_range("2021-03-28", periods=48, freq="h", tz=ZONE)
    check(spring)
    check(spring.tz_localize(None))  # 02:00 does not exist
    for freq in ("h", "15min"):
        autumn = pd.date_range("2021-10-31", periods=48, freq=freq, tz=ZONE).tz_localize(None)
        with pytest.raises(
            ValueError, match=r"one row for each time.*y.tz_localize\(zone, ambiguous="
        ):
            check(autumn)
    with pytest.raises(ValueError, match="has a hole"):
        check(spring.tz_localize(None).delete(30))


@pytest.mark.parametrize(
    ("sundays", "hole"),
    [
        (["2021-03-14"], None),
        (["2021-03-28"], None),
        (["2021-10-03"], None),
        (["2021-03-28", "2022-03-27"], None),
        (["2021-03-21"], "2021-03-21"),
        (["2021-03-28", "2021-11-07"], "2021-11-07"),
        (["2021-05-02"], "2021-05-02"),
    ],
)
def test_a_clock_is_put_forward_once_a_year_on_some_sundays(sundays, hole):
    hours = pd.date_range("2021-01-01", "2022-12-31", freq="h")
    series = hours[~hours.isin([pd.Timestamp(f"{sunday} 02:00") for sunday in sundays])]
    if hole is None:
        check(series)
    else:
        with pytest.raises(ValueError, match=f"{hole} 03:00:00 follows .* every 01:00:00; 1 row"):
            check(series)


def test_clocks_of_new_york_are_no_holes():
    two_years = pd.date_range("2021-01-01", "2022-12-31", freq="h", tz="America/New_York")
    whole = two_years.tz_localize(None)
    check(whole[~whole.duplicated()])


@pytest.mark.parametrize("opening", ["Mon Wed Fri", "Tue Thu", "Mon Tue", "Sat Sun", "Mon Wed Thu"])
def test_some_weekdays_are_no_holes(opening):
    days = pd.date_range("2021-01-01", "2021-06-30", freq=pd.offsets.CDay(weekmask=opening))
    days = days._with_freq(None)
    ((_, rhythm),) = check(days)
    assert rhythm.after(days[-2], 1) == days[-1]
    check(days.delete(20))  # a holiday
    with pytest.raises(ValueError, match="has a hole"):
        check(days.delete(range(20, 30)))
    for end in range(12, 30):
        known = find_rhythm(days[:end])
        assert known.count(days[end - 1 : end], days[end : end + 1])[0] == 1


@pytest.mark.parametrize("n_times", [4, 6, 9, 30])
@pytest.mark.parametrize("step", [2, 3, 5, 6])
def test_every_few_days_are_no_weekdays(n_times, step):
    days = pd.date_range("2021-01-01", periods=n_times + 2, freq=f"{step}D")._with_freq(None)
    assert find_rhythm(days).describe() == f"a row every {step} days"
    if n_times > 6:
        with pytest.raises(ValueError, match=f"a hole.* has a row every {step} days; 1 row is"):
            check(days.delete(n_times - 2))


@pytest.mark.parametrize(
    ("numbers", "remedy"),
    [
        (
            [201010, 201011, 201012, 201101],
            r"if these are dates, .* format='%Y%m'\); if they are ids",
        ),
        ([20200129, 20200130, 20200131, 20200201], r"to_datetime.* format='%Y%m%d'\); if they are"),
        ([201010, 201011, 201012, 201113], "interpolate.*; or, if they are ids, y.reset_index"),
        ([7, 8, 9, 11], "interpolate.*; or, if they are ids, y.reset_index"),
    ],
)
def test_numbers_that_may_be_dates_are_told_so(numbers, remedy):
    with pytest.raises(ValueError, match=remedy) as error:
        check(pd.Index(numbers))
    assert "exchange" not in str(error.value)


def test_a_distance_of_numbers_is_said():
    with pytest.raises(ValueError, match="the series has numbers that grow by 4; 1 row is missing"):
        check(pd.RangeIndex(20, 60, 4).delete(5))


def test_times_that_jitter_are_regular():
    jitter = pd.to_timedelta(np.random.default_rng(0).uniform(-5, 5, 100), unit="s")
    minutes = pd.date_range("2021-01-01", periods=100, freq="min") + jitter
    check(minutes)
    with pytest.raises(ValueError, match="has a hole"):
        check(minutes.delete(40))


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([3, 17, 29, 40, 58, 60, 75]),  # the rows of one shop among many
        pd.Index(list("abcdefg")),
        pd.Index([0.1, 0.3, 0.2, 0.7, 1.0, 2.0, 5.0]),
        pd.MultiIndex.from_product([["a"], range(7)]),
    ],
)
def test_other_indices_say_nothing_of_times(index):
    assert all(rhythm is None for _, rhythm in check(index))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (REGULAR["days"][::-1], "2020-04-08 comes after 2020-04-09; sort"),
        (REGULAR["days"][[0, 1, 1, 2]], "2020-01-02 comes after 2020-01-02; sort"),
        (REGULAR["numbers"][::-1], "28 comes after 29; .* y.reset_index"),
        (pd.Index([0, 1, 2, 0, 1, 2]), "0 comes after 2; .* each of several series"),
        (pd.DatetimeIndex(["2020-01-01", None]), "index of y has a missing time"),
    ],
)
def test_times_out_of_order_are_refused(index, message):
    with pytest.raises(ValueError, match=message):
        check(index)


@pytest.mark.parametrize(
    "texts",
    [
        REGULAR["days"].strftime("%Y-%m-%d"),
        REGULAR["days"].strftime("%d.%m.%Y"),
        REGULAR["days"].strftime("%m/%d/%y"),
        REGULAR["days"].strftime("%Y%m%d"),
        REGULAR["days"].strftime("%d %b %Y"),
        REGULAR["hours"].strftime("%Y-%m-%d %H:%M"),
        REGULAR["hours in a zone"].astype(str),
        REGULAR["periods of months"].astype(str),
        REGULAR["periods of quarters"].astype(str),
        REGULAR["years as numbers"].astype(str),
    ],
    ids=lambda texts: texts[0],
)
@pytest.mark.parametrize("dtype", [object, "str", "category"])
def test_texts_that_look_like_dates_are_refused(texts, dtype):
    message = r"index of X holds texts that look like dates, .* X.index = pd.to_datetime\(X.index\)"
    for index in (texts, texts.append(pd.Index([None], dtype=object))):
        with pytest.raises(ValueError, match=message):
            check(index.astype(dtype), "X")


def test_other_texts_say_nothing_but_that_they_are_no_dates():
    for texts in (["12-7", "12-8"], ["a", "b"], ["shop 1", "shop 2"], ["2020-99-99", "2020-99-98"]):
        assert not check(pd.Index(texts))
    dated, texts = pd.Series(0.0, REGULAR["days"][:2]), pd.Series(0.0, ["a", "b"])
    with pytest.raises(ValueError, match=r"different times .* \(dates .* a to b \(texts\)"):
        check_times(y=dated, X=texts)
    with pytest.raises(ValueError, match="index of y holds dates and other values"):
        check(pd.Index([*REGULAR["days"][:3], "total"]))


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        (REGULAR["days"], REGULAR["days"], True),
        (REGULAR["days"], REGULAR["days"] + pd.Timedelta("1D"), False),
        (REGULAR["days"], REGULAR["days"].tz_localize("UTC"), False),
        (REGULAR["days"], REGULAR["days"].to_period("D"), False),
        (REGULAR["days"], pd.RangeIndex(100), True),
        (REGULAR["days"], pd.RangeIndex(500, 600), True),
        (pd.RangeIndex(500, 600), pd.RangeIndex(100), True),
        (pd.RangeIndex(100), pd.RangeIndex(500, 600), True),
        (pd.RangeIndex(500, 600), pd.RangeIndex(501, 601), False),
    ],
)
def test_data_that_belong_together_have_the_same_times(first, second, is_same):
    data = {"y": pd.Series(0.0, first), "X": pd.DataFrame({"a": 0.0}, second)}
    if is_same:
        kinds = {times.kind for times in read_times(**data)}
        assert len(kinds) == len({str(i.dtype) for i in (first, second)})
    else:
        with pytest.raises(ValueError, match="y and X have different times"):
            read_times(**data)


def test_windows_do_not_reach_over_a_hole():
    index = REGULAR["days"].delete(range(30, 37))
    series = pd.Series(np.arange(93.0), index)
    windows = SlidingWindows(4)
    for call in (windows.fit, windows.transform, windows.make_samples):
        with pytest.raises(ValueError, match=r"2020-02-07 follows 2020-01-30"):
            call(series)
    whole = pd.Series(np.arange(93.0), REGULAR["days"][:93])
    with pytest.raises(ValueError, match="series and known have different times"):
        windows.make_samples(whole, known=whole.shift(freq="1D"))
    with pytest.raises(ValueError, match="series and target have different times"):
        windows.make_samples(whole, whole[::-1].sort_values(ascending=False).shift(freq="2D")[::-1])
    X, _ = windows.make_samples(series.reset_index(drop=True))
    assert X.shape == (89, 4, 1)
