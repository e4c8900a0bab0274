"""Drawn series, times and gaps: what a forecaster makes of them is right, or refused in words."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from sknets import Forecaster, RNNRegressor
from sknets.preprocessing._rhythm import name_time
from tests.drawn import drawn, result_or_words

N = 60
EXACT = ["D", "h", "15min", "W-THU", "MS", "ME", "QE", "YE", "36h", "2D", "10s"]
MAGNITUDES = [1e-300, 1e-30, 1e-6, 1.0, 1e6, 1e30, 1e100]


@st.composite
def indices(draw):
    """Return a regular index of 60 times: dates, periods, durations or numbers."""
    kind = draw(st.sampled_from(["dates", "zone", "weekdays", "periods", "durations", "numbers"]))
    start = pd.Timestamp("1990-01-01") + pd.Timedelta(days=draw(st.integers(0, 12_000)))
    if kind == "numbers":
        step, first = draw(st.integers(1, 30)), draw(st.integers(1, 10**9))
        return pd.RangeIndex(first, first + step * N, step)
    if kind == "durations":
        return pd.timedelta_range("0s", periods=N, freq=draw(st.sampled_from(["D", "h", "10s"])))
    if kind == "periods":
        return pd.period_range(
            start, periods=N, freq=draw(st.sampled_from(["D", "h", "M", "Q", "Y"]))
        )
    if kind == "weekdays":
        return pd.bdate_range(start, periods=N)
    zone = "America/New_York" if kind == "zone" else None
    index = pd.date_range(start, periods=N, freq=draw(st.sampled_from(EXACT)), tz=zone)
    return index if draw(st.booleans()) else index._with_freq(None)


def is_weekdays(index):
    return getattr(index, "freqstr", None) == "B"


@drawn(150)
@given(index=indices(), start=st.integers(2, 40), length=st.integers(1, 15))
def test_holes_are_refused_wherever_they_are(index, start, length):
    values = np.arange(float(N)) % 7
    model = Forecaster(Ridge(), window=3)
    model.fit(y=pd.Series(values, index))
    holed = pd.Series(values, index).drop(index[start : start + length])
    if is_weekdays(index) and length <= 4:  # as holidays are
        model.fit(y=holed)
        return
    with pytest.raises(ValueError, match="The index of y has a hole") as error:
        model.fit(y=holed)
    assert name_time(index[start + length]) in str(error.value)


@pytest.mark.filterwarnings("ignore:The rows of X are numbered 0 to")
@drawn(150)
@given(
    index=indices(),
    shift=st.integers(-10, 15),
    n_between=st.integers(0, 5),
    has_known=st.booleans(),
    freshly=st.booleans(),
)
def test_what_follows_is_counted_from_the_end(index, shift, n_between, has_known, freshly):
    y = np.random.default_rng(0).normal(size=N)
    series, columns = pd.Series(y, index), pd.DataFrame({"known": y**2}, index)
    X = columns if has_known else pd.DataFrame(index=index)
    model = Forecaster(Ridge(), window=3, known_columns="all" if has_known else None)
    fitted = model.fit(X[:30], series[:30])
    end, start = 30 + n_between, 30 + n_between + shift
    if n_between:  # without times
        between = X[30:end].reset_index(drop=True) if freshly else X[30:end].to_numpy()
        if has_known and not freshly:
            between = pd.DataFrame(between, columns=X.columns, index=np.arange(n_between) / 2)
        fitted.update(between, y[30:end])
    follows = shift == 0 or (shift == 1 and is_weekdays(index))
    ahead = X[start : start + 4]
    if shift < 0:
        with pytest.raises(ValueError, match="only times after it can follow"):
            fitted.forecast(X=ahead)
    elif follows or not has_known:
        if has_known:
            expected = fitted.forecast(X=ahead.set_axis(np.arange(4) / 2))
        else:
            n_skipped = 0 if follows else shift
            expected = fitted.forecast(n_skipped + 4)[n_skipped:]
        np.testing.assert_array_equal(fitted.forecast(X=ahead), expected)
    else:
        with pytest.raises(ValueError, match=r"rows are missing \(.*needs the known columns"):
            fitted.forecast(X=ahead)
    if follows:
        fitted.update(ahead, series[start : start + 4])
    else:
        with pytest.raises(ValueError, match="known up to"):
            fitted.update(ahead, series[start : start + 4])


@pytest.mark.slow
@drawn(120)
@given(
    kind=st.sampled_from(["noise", "walk", "season", "constant", "step", "spike"]),
    magnitude=st.sampled_from(MAGNITUDES),
    offset=st.sampled_from([0.0, 1.0, -1e3, 1e6]),
    dtype=st.sampled_from([np.float64, np.float32, "int"]),
    strategy=st.sampled_from(["recursive", "direct"]),
    difference=st.sampled_from([0, 1, 7]),
    n_times=st.integers(8, 45),
    n_targets=st.integers(1, 2),
    n_known=st.integers(0, 2),
    is_default=st.booleans(),
)
def test_any_series_is_forecast_or_refused_in_words(
    kind, magnitude, offset, dtype, strategy, difference, n_times, n_targets, n_known, is_default
):
    rng = np.random.default_rng(n_times)
    t, noise = np.arange(n_times)[:, None], rng.normal(size=(n_times, n_targets))
    y = {
        "noise": noise,
        "walk": noise.cumsum(axis=0),
        "season": np.sin(t * 2 * np.pi / 7) + 0 * noise,
        "constant": np.ones_like(noise),
        "step": (t > n_times // 2) + 0.0 * noise,
        "spike": (t == n_times // 2) + 0.0 * noise,
    }[kind]
    y = (y + offset) * magnitude
    if dtype == "int":
        y = np.clip(y, -1e9, 1e9).astype(int)
    else:
        with np.errstate(over="ignore"):
            y = y.astype(dtype)
    X = rng.normal(size=(n_times + 8, n_known))
    small = {"recurrent_layer_sizes": 3, "max_iter": 2, "random_state": 0}
    model = Forecaster(
        None if is_default and n_times < 15 else RNNRegressor(linear_shortcut=True, **small),
        window=3,
        horizon=4,
        strategy=strategy,
        difference=difference,
        known_columns="all" if n_known else None,
        random_state=0,
    )

    def forecast():
        return model.fit(X[:n_times], y[:, 0] if n_targets == 1 else y).forecast(X=X[n_times:])

    path = result_or_words(forecast, model)
    if path is not None:
        assert np.isfinite(path).all()
        assert np.abs(path.astype(float)).max() <= 1e4 * max(np.abs(y.astype(float)).max(), 1e-300)
