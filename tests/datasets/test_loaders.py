"""The shipped data: shapes, known figures, and scikit-learn's way of loading."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score

from sknets.datasets import load_hitters, load_nyse


def test_hitters_gives_the_chapters_least_squares_error():
    hitters = load_hitters()
    test = np.array(hitters.test_rows)
    train = np.setdiff1d(np.arange(263), test)
    model = LinearRegression().fit(hitters.data[train], hitters.target[train])
    error = mean_absolute_error(hitters.target[test], model.predict(hitters.data[test]))
    assert error == pytest.approx(254.6687, abs=1e-4)
    assert len(set(hitters.test_rows)) == 87


def test_hitters_with_missing_salaries():
    everyone = load_hitters(dropna=False)
    assert everyone.data.shape == (322, 19)
    assert np.isnan(everyone.target).sum() == 59
    assert "test_rows" not in everyone


def test_nyse_gives_the_books_autoregression():
    frame = load_nyse(as_frame=True).frame
    train = load_nyse().train
    series = frame[["DJ_return", "log_volume", "log_volatility"]]
    series = (series - series.mean()) / series.std()
    lags = pd.concat([series.shift(k) for k in range(1, 6)], axis=1).to_numpy()
    known = ~np.isnan(lags).any(axis=1)
    y = series["log_volume"].to_numpy()
    model = LinearRegression().fit(lags[known & train], y[known & train])
    assert r2_score(y[~train], model.predict(lags[~train])) == pytest.approx(0.413, abs=5e-4)


@pytest.mark.parametrize("load", [load_hitters, load_nyse])
def test_loader_works_as_scikit_learns_do(load):
    bunch = load()
    X, y = load(return_X_y=True)
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)
    assert bunch.frame is None
    assert X.dtype == y.dtype == np.float64
    assert not np.isnan(X).any()

    framed = load(as_frame=True)
    assert list(framed.data.columns) == framed.feature_names
    assert framed.target.name == framed.target_names[0]
    assert set(framed.frame.columns) == {*framed.feature_names, *framed.target_names}
    assert "category" in framed.data.dtypes.astype(str).to_list()
    frame, series = load(return_X_y=True, as_frame=True)
    pd.testing.assert_frame_equal(frame, framed.data)
    pd.testing.assert_series_equal(series, framed.target)
    assert framed.DESCR.splitlines()[0].startswith(framed.filename.removesuffix(".csv"))
