"""The forecaster as an estimator: checks of scikit-learn, defaults, copies, searches."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from sknets import Forecaster, RNNRegressor
from tests.forecasting.series import Linear, X, Y, forecaster, tiny

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
    [
        Forecaster(Linear(), window=1, known_columns="all"),
        Forecaster(Ridge(), window=1, known_columns="all"),
    ],
    expected_failed_checks=lambda _: EXPECTED,
)
def test_check(estimator, check):
    check(estimator)


def test_parameters_are_validated():
    check_param_validation("Forecaster", Forecaster())
    with pytest.raises(
        ValueError, match="'max_iter' parameter of RNNRegressor"
    ):  # the inner ones too
        forecaster(RNNRegressor(max_iter=-1)).fit(y=Y)


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_network_continues_a_wave_better_than_its_last_value(strategy):
    t = np.arange(132)
    y = np.sin(2 * np.pi * t / 12) + 0.02 * t
    model = Forecaster(
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
    fitted = Forecaster(window=3, random_state=1).fit(y=Y[:12, 0])
    assert isinstance(fitted.estimator_, RNNRegressor)
    assert fitted.estimator_.random_state == 1
    assert repr(Forecaster()) == "Forecaster()"


def test_fits_are_reproducible_and_survive_pickling():
    y = Y[:, 0].astype(np.float32)
    model = forecaster(tiny(random_state=None), random_state=3, calibration_fraction=0.3)
    fitted = model.fit(X, y)
    assert fitted.forecast().dtype == np.float32
    for other in (clone(model).fit(X, y), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(other.forecast(), fitted.forecast())
        np.testing.assert_array_equal(other.forecast_interval(), fitted.forecast_interval())
    assert clone(model).set_params(random_state=4).fit(X, y).forecast() != fitted.forecast()


def test_grid_search_over_the_window_and_the_network():
    grid = {"window": [2, 3], "estimator__recurrent_layer_sizes": [2, 3]}
    model = forecaster(tiny(), known_columns="all")
    search = GridSearchCV(model, grid, cv=TimeSeriesSplit(2)).fit(X[:40], Y[:40, 0])
    assert search.best_estimator_.estimator_.n_features_in_ == 4
    assert search.predict(X[40:45]).shape == (5,)
