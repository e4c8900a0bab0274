"""Windows of a series: against loops and pandas' shift, and back."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from sknets.datasets import load_nyse
from sknets.preprocessing import SlidingWindows

RNG = np.random.default_rng(0)
SERIES = RNG.standard_normal((30, 2))
TARGETS = RNG.standard_normal((30, 3))
KNOWN = RNG.standard_normal((30, 2))
FRAME = pd.DataFrame(SERIES, columns=["a", "b"])

# window, horizon, step, gap
CASES = [
    (1, 1, 1, 0),
    (4, 1, 1, 0),
    (29, 1, 1, 0),
    (5, 1, 3, 0),
    (2, 1, 5, 0),
    (4, 3, 1, 0),
    (3, 1, 1, 2),
    (4, 2, 3, 1),
    (3, 4, 7, 5),
]

ONE_DIMENSION = "a one-dimensional series is one feature"
EXPECTED = {"check_fit1d": ONE_DIMENSION, "check_fit2d_predict1d": ONE_DIMENSION}


@parametrize_with_checks([SlidingWindows(1)], expected_failed_checks=lambda _: EXPECTED)
def test_check(estimator, check):  # a window of one row, since the checks count the rows
    check(estimator)


def test_parameters_are_validated():
    check_param_validation("SlidingWindows", SlidingWindows(2))


# --- windows and back ----------------------------------------------------------------------------


@pytest.mark.parametrize(("window", "horizon", "step", "gap"), CASES)
def test_windows_are_slices_and_make_the_series_again(window, horizon, step, gap):
    starts = range(0, 30 - window + 1, step)
    cutter = SlidingWindows(window, horizon=horizon, step=step, gap=gap)
    windows = cutter.fit_transform(SERIES)
    np.testing.assert_array_equal(windows, [SERIES[s : s + window] for s in starts])

    covered = sorted({s + position for s in starts for position in range(window)})
    expected = np.full((starts[-1] + window, 2), np.nan)
    expected[covered] = SERIES[covered]
    np.testing.assert_allclose(cutter.inverse_transform(windows), expected, rtol=1e-12)


def test_inverse_averages_what_overlaps():
    back = SlidingWindows(3, step=2).inverse_transform([[[0], [0], [1]], [[3], [5], [5]]])
    np.testing.assert_array_equal(back, [[0], [0], [2], [5], [5]])


@pytest.mark.parametrize("window", [1, 3])
def test_windows_are_copies(window):
    series = np.ones((5, 1))
    windows = SlidingWindows(window).transform(series)
    assert windows.flags.c_contiguous
    windows[:] = 0
    assert series.all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_floats_keep_their_type(dtype):
    cutter = SlidingWindows(3)
    X, y = cutter.make_samples(SERIES.astype(dtype), known=np.arange(30))
    assert X.dtype == y.dtype == dtype
    windows = cutter.transform(SERIES.astype(dtype))
    assert windows.dtype == cutter.inverse_transform(windows).dtype == dtype


def test_features_are_remembered():
    cutter = SlidingWindows(3).fit(FRAME)
    assert list(cutter.feature_names_in_) == ["a", "b"]
    np.testing.assert_array_equal(cutter.transform(FRAME), SlidingWindows(3).transform(SERIES))
    unnamed = SlidingWindows(3).fit(SERIES)
    for name in ("transform", "make_samples"):
        with pytest.raises(ValueError, match="feature names should match"):
            getattr(cutter, name)(FRAME[["b", "a"]])
        with pytest.raises(ValueError, match="X has 1 features, but SlidingWindows is expecting 2"):
            getattr(unnamed, name)(SERIES[:, 0])
    cutter = pickle.loads(pickle.dumps(clone(cutter).fit(FRAME["a"])))
    assert list(cutter.feature_names_in_) == ["a"]
    assert cutter.n_features_in_ == SlidingWindows(3).fit(SERIES[:, 0]).n_features_in_ == 1


# --- samples -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [None, TARGETS, TARGETS[:, 0]], ids=["itself", "three", "one"])
@pytest.mark.parametrize(("window", "horizon", "step", "gap"), CASES)
def test_samples_equal_a_loop(window, horizon, step, gap, target):
    values = SERIES if target is None else target
    windows, shifted, ys, times = [], [], [], []
    for start in range(0, 30, step):
        first = start + window + gap
        if first + horizon <= 30:
            windows.append([SERIES[t] for t in range(start, start + window)])
            shifted.append([KNOWN[first - back] for back in reversed(range(window))])
            times.append([first + ahead for ahead in range(horizon)])
            ys.append([values[t] for t in times[-1]])
    if horizon == 1:
        ys, times = [y[0] for y in ys], [time[0] for time in times]

    cutter = SlidingWindows(window, horizon=horizon, step=step, gap=gap)
    X, y = cutter.make_samples(SERIES, target, KNOWN)
    np.testing.assert_array_equal(X, np.concatenate([windows, shifted], axis=2))
    np.testing.assert_array_equal(y, ys)
    np.testing.assert_array_equal(cutter.target_times(30), times)
    np.testing.assert_array_equal(cutter.make_samples(SERIES, target)[0], windows)


def test_samples_are_the_lags_of_pandas():
    nyse = load_nyse(as_frame=True)
    series = nyse.frame[["DJ_return", "log_volume", "log_volatility"]]
    series = (series - series.mean()) / series.std()
    cutter = SlidingWindows(5)
    X, y = cutter.make_samples(series, series["log_volume"], nyse.data["day_of_week"].cat.codes)
    lags = np.stack([series.shift(k).to_numpy()[5:] for k in (5, 4, 3, 2, 1)], axis=1)
    np.testing.assert_array_equal(X[:, :, :3], lags)
    np.testing.assert_array_equal(X[:, -1, 3], nyse.data["day_of_week"].cat.codes[5:])
    np.testing.assert_array_equal(y, series["log_volume"][5:])

    # James, Witten, Hastie and Tibshirani, section 10.9.6: a linear autoregression has an R^2 of 0.41
    train = nyse.train[cutter.target_times(len(series))]
    flat = X[:, :, :3].reshape(len(X), -1)
    model = LinearRegression().fit(flat[train], y[train])
    assert r2_score(y[~train], model.predict(flat[~train])) == pytest.approx(0.413, abs=5e-4)


@pytest.mark.parametrize(
    "labels",
    [np.array(["up", "down", "up", "same"]), np.array([True, False, True, True]), np.arange(4)],
)
def test_labels_stay_labels(labels):
    y = SlidingWindows(2).make_samples(np.ones(4), labels)[1]
    np.testing.assert_array_equal(y, labels[2:])
    assert y.dtype == labels.dtype
    categories = pd.Series(labels, dtype="category")
    np.testing.assert_array_equal(SlidingWindows(2).make_samples(np.ones(4), categories)[1], y)


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params", [{"window": 0}, {"horizon": 0}, {"step": 0}, {"gap": -1}], ids=str
)
def test_bad_value_is_named(params):
    ((name, value),) = params.items()
    cutter = SlidingWindows(**{"window": 3} | params)
    for method in (cutter.fit, cutter.transform, cutter.make_samples, cutter.inverse_transform):
        with pytest.raises(ValueError, match=f"{name}={value} must be at least"):
            method(SERIES)


def test_short_series_is_refused():
    cutter = SlidingWindows(5, horizon=2, gap=3)
    for method in (cutter.fit, cutter.transform):
        method(np.ones(5))
        with pytest.raises(
            ValueError, match="window=5 needs a series of at least 5 times, X has 4"
        ):
            method(np.ones(4))
    cutter.make_samples(np.ones(10))
    message = "window=5, gap=3 and horizon=2 need a series of at least 10 times, .*series has 9"
    with pytest.raises(ValueError, match=message):
        cutter.make_samples(np.ones(9))
    with pytest.raises(ValueError, match=message):
        cutter.target_times(9)


@pytest.mark.parametrize("name", ["series", "target", "known"])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.where(np.arange(30) < 7, 1.0, np.nan), "contains NaN in row 7, column 0 .*first of 23"),
        (np.c_[TARGETS, np.where(np.arange(30) == 4, -np.inf, 1)], "infinity in row 4, column 3"),
        (np.ones((30, 2, 2)), r"has shape \(30, 2, 2\)"),
        (np.ones(29), "has 29 times|has 30 times, series has 29"),
        (np.ones((30, 0)), "cannot be read: .*0 feature"),
    ],
    ids=["NaN", "infinity", "three axes", "length", "empty"],
)
def test_bad_series_is_named(name, bad, message):
    arguments = {"series": SERIES, "target": TARGETS, "known": KNOWN} | {name: bad}
    with pytest.raises(ValueError, match=message) as raised:
        SlidingWindows(3).make_samples(**arguments)
    assert name in str(raised.value)


def test_words_are_refused_where_numbers_are_needed():
    with pytest.raises(ValueError, match="known cannot be read: could not convert string"):
        SlidingWindows(3).make_samples(np.ones(5), known=pd.Series(list("abcab")))


@pytest.mark.parametrize("shape", [(5, 3), (5, 4, 2), (5, 3, 1), (30,)])
def test_inverse_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=r"X has shape .* windows of shape \(n_windows, 3, 2\)"):
        SlidingWindows(3).fit(SERIES).inverse_transform(np.ones(shape))


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([[1, 2], [3]], "X cannot be read: its rows differ in length"),
        (["a", "b", "c"], "X holds texts, 'a' first"),
        (sp.csr_array(np.eye(5)), r"X is a sparse matrix.*X.toarray\(\)"),
        ([[10**400]] * 5, "X cannot be read: int too large"),
        (3.0, r"X has shape \(\)"),
    ],
    ids=["ragged", "texts", "sparse", "huge", "scalar"],
)
def test_what_is_no_series_is_named(series, message):
    with pytest.raises((TypeError, ValueError), match=message):
        SlidingWindows(2).transform(series)


@pytest.mark.parametrize("known", ["month", ["month"], ["month", "day"]])
def test_names_in_the_place_of_known_columns_are_refused(known):
    with pytest.raises(ValueError, match=r"known holds texts, 'month' first.*frame\[\['month'\]\]"):
        SlidingWindows(2).make_samples(np.arange(9.0), known=known)


def test_labels_may_be_texts():
    _, y = SlidingWindows(2).make_samples(np.arange(4.0), ["low", "low", "high", "low"])
    assert y.tolist() == ["high", "low"]
