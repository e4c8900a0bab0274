"""Intervals: their width against the closed form, their coverage, their errors by hand."""

import numpy as np
import pytest

from tests.forecasting.series import N, Y, forecaster


@pytest.fixture(scope="module")
def autoregression():
    """Many series of y_t = 0.8 y_(t-1) + e_t, one of them long."""
    noise = np.random.default_rng(1).standard_normal((6000, 1))
    y = np.zeros(6000)
    for t in range(1, 6000):
        y[t] = 0.8 * y[t - 1] + noise[t, 0]
    return y


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_intervals_cover_and_widen_as_the_closed_form(autoregression, strategy):
    train, test = np.arange(3000), np.arange(3000, 6000)
    params = {"window": 2, "horizon": 6, "strategy": strategy, "calibration_fraction": 0.5}
    model = forecaster(**params).fit(y=autoregression[train])
    assert model.calibration_residuals_.shape == (1500 - 6 + 1, 6)
    # var(y_(t+h) - forecast) = (1 - 0.8^(2h)) / (1 - 0.8^2)
    deviation = np.sqrt((1 - 0.8 ** (2 * np.arange(1, 7))) / (1 - 0.8**2))
    lower, upper = model.forecast_interval(coverage=0.9)
    np.testing.assert_allclose(upper - lower, 2 * 1.645 * deviation, rtol=0.12)
    for coverage in (0.5, 0.9):
        table = model.backtest(y=autoregression, cv=[(train, test)], coverage=coverage)
        table["inside"] = table["truth"].between(table["lower"], table["upper"])
        # the errors of neighbouring origins go together: about 3000 / 12 independent ones
        allowed = 3 * np.sqrt(coverage * (1 - coverage) * (1 / 250 + 1 / 125))
        by_step = table.groupby("step")["inside"].mean()
        np.testing.assert_allclose(by_step, coverage, atol=allowed)
        assert table["inside"].mean() == pytest.approx(coverage, abs=0.04)


def test_calibration_errors_are_those_of_a_network_that_has_not_seen_the_times():
    y = Y[:, 0]
    fitted = forecaster(horizon=3, calibration_fraction=0.25).fit(y=y)
    for row, origin in enumerate(range(90, N - 2)):
        past = forecaster(horizon=3).fit(y=y[:90])
        if origin > 90:
            past.update(y=y[90:origin])
        expected = y[origin : origin + 3] - past.forecast()
        np.testing.assert_allclose(fitted.calibration_residuals_[row], expected, atol=1e-8)
    np.testing.assert_allclose(fitted.forecast(), forecaster(horizon=3).fit(y=y).forecast())
    # of 28 errors, the 2nd and the 27th leave 4 of 29 places outside
    ordered = np.sort(fitted.calibration_residuals_, axis=0)
    lower, upper = fitted.forecast_interval(coverage=25 / 29)
    np.testing.assert_allclose(lower, fitted.forecast() + ordered[1])
    np.testing.assert_allclose(upper, fitted.forecast() + ordered[26])
    several = forecaster(horizon=3, calibration_fraction=0.25).fit(y=Y)
    assert all(bound.shape == (2, 2) for bound in several.forecast_interval(2, coverage=0.5))


@pytest.mark.parametrize("y", [Y[:, 0], Y])
def test_forecaster_answers_as_all_regressors_do(y):
    fitted = forecaster(horizon=3, calibration_fraction=0.25).fit(y=y)
    forecast, std, interval = fitted.predict(return_std=True, coverage=0.5)
    np.testing.assert_array_equal(forecast, fitted.forecast())
    np.testing.assert_array_equal(interval, fitted.predict_interval(coverage=0.5))
    lower, upper = fitted.forecast_interval(coverage=0.5)
    np.testing.assert_array_equal(interval[..., 0], lower)
    np.testing.assert_array_equal(interval[..., 1], upper)
    expected = np.sqrt(np.mean(fitted.calibration_residuals_**2, axis=0))
    np.testing.assert_allclose(std, expected)
    assert std.shape == forecast.shape
    with pytest.raises(ValueError, match="Intervals and deviations need .*calibration_fraction"):
        forecaster().fit(y=y).predict(return_std=True)


def test_intervals_that_cannot_be_had_are_refused():
    with pytest.raises(ValueError, match="Intervals and deviations need .*calibration_fraction"):
        forecaster().fit(y=Y).forecast_interval()
    fitted = forecaster(horizon=2, calibration_fraction=0.1).fit(y=Y)
    with pytest.raises(ValueError, match=r"coverage=0\.9 needs at least 19 errors .* left 11"):
        fitted.forecast_interval()
    with pytest.raises(ValueError, match="horizon=2 steps, not for 3"):
        fitted.forecast_interval(3, coverage=0.5)
    with pytest.raises(ValueError, match="coverage must be between 0 and 1, got 1"):
        fitted.forecast_interval(coverage=1)
    with pytest.raises(ValueError, match=r"calibration_fraction=0\.01 leaves 2 times, fewer than"):
        forecaster(horizon=3, calibration_fraction=0.01).fit(y=Y)
    with pytest.raises(
        ValueError, match=r"calibration_fraction=0\.99 leaves 1 times to learn from"
    ):
        forecaster(calibration_fraction=0.99).fit(y=Y)
