"""Series without spread: what never changes is forecast to rounding, by the default and by a ridge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from sknets import Forecaster
from tests.drawn import drawn

SEASON = np.array([0.3, -1.7, 2.9, 0.0, 1e-3, 5.5, -4.1])
MODELS = {"default": None, "ridge": Ridge()}


def forecast(estimator, y, **params):
    model = Forecaster(estimator, window=8, horizon=9, random_state=0, **params)
    return model.fit(y=y).forecast()


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
@pytest.mark.parametrize("difference", [0, 1, 7])
@pytest.mark.parametrize("constant", [0.0, 1e-6, -3.7, 1e9])
@pytest.mark.parametrize("estimator", MODELS.values(), ids=MODELS)
def test_constant_goes_on(estimator, constant, difference, strategy):
    y = np.full(40, constant)
    path = forecast(estimator, y, difference=difference, strategy=strategy)
    np.testing.assert_allclose(path, constant, rtol=1e-14, atol=0)


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
@pytest.mark.parametrize("estimator", MODELS.values(), ids=MODELS)
def test_exact_season_goes_on(estimator, strategy):
    y = 1e3 + np.tile(SEASON, 7)
    path = forecast(estimator, y, difference=7, strategy=strategy)
    np.testing.assert_array_equal(path, y[:9])


def test_exact_season_goes_on_far():
    y = np.tile(SEASON, 7)
    fitted = Forecaster(window=8, difference=7, random_state=0).fit(y=y)
    np.testing.assert_array_equal(fitted.forecast(700), np.tile(SEASON, 100))


@pytest.mark.parametrize("estimator", MODELS.values(), ids=MODELS)
def test_rounding_is_no_change(estimator):
    # 1 / 3 and its like, written down in two ways
    season = np.arange(7) / 3 + 1e6
    other = (3e6 + np.arange(7)) / 3
    y = np.where(np.arange(56) // 7 % 2, np.tile(season, 8), np.tile(other, 8))
    path = forecast(estimator, y, difference=7)
    np.testing.assert_allclose(path, y[:9], rtol=1e-15)


def test_small_changes_are_changes():
    y = 1e9 + 1e-4 * np.arange(60)  # a thousand units in the last place
    path = forecast(Ridge(alpha=1e-12), y, difference=1)
    np.testing.assert_allclose(path - y[-1], 1e-4 * np.arange(1, 10), rtol=2e-3)


@drawn(80)
@given(
    season=st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=5),
    magnitude=st.sampled_from([1e-290, 1e-30, 1e-6, 1.0, 1e6]),
    dtype=st.sampled_from([np.float64, np.float32]),
    strategy=st.sampled_from(["recursive", "direct"]),
    several=st.booleans(),
)
def test_drawn_seasons_go_on(season, magnitude, dtype, strategy, several):
    season = (np.array(season) / 1e12 * magnitude).astype(dtype)
    y = np.tile(season, 40)[:40]
    y = np.c_[y, y[::-1]] if several else y
    model = Forecaster(Ridge(), window=4, horizon=6, difference=len(season), strategy=strategy)
    path = model.fit(y=y).forecast()
    expected = np.resize(y[40 - len(season) :], path.shape)
    np.testing.assert_array_equal(path, expected)
