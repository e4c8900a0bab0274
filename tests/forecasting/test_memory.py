"""What a forecaster remembers: the end of its series, and nothing of a fit before."""

import numpy as np
import pandas as pd
import pytest

from tests.forecasting.series import DATES, N, X, Y, forecaster


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


def test_refit_forgets_names():
    fitted = forecaster(known_columns="all").fit(X, Y).fit(y=Y)
    assert fitted.n_features_in_ == 0
    assert not hasattr(fitted, "feature_names_in_")
    assert fitted.calibration_residuals_ is None


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
