"""How far a forecast may be off: errors on times that were held back, and their quantiles."""

import math

import numpy as np

from sknets.uncertainty import check_coverage


def calibrate(plan, train, X, y, fraction):
    """Return the errors on the last times of a regressor that has not seen them.

    Parameters
    ----------
    plan : ForecastPlan
        How windows become forecasts.
    train : callable
        Takes a plan, X and y, and returns a fitted regressor.
    X : ndarray of shape (n_times, n_features)
        The further columns of the series.
    y : ndarray of shape (n_times, n_targets)
        The series.
    fraction : float
        Share of the times that are held back.

    Returns
    -------
    ndarray of shape (n_origins, horizon, n_targets)
        True value minus forecast.

    Raises
    ------
    ValueError
        If the times held back are fewer than the horizon, or leave nothing to learn from.
    """
    first = len(y) - math.ceil(fraction * len(y))
    origins = np.arange(first, len(y) - plan.horizon + 1)
    if not len(origins):
        raise ValueError(
            f"calibration_fraction={fraction} leaves {len(y) - first} times, fewer than "
            f"horizon={plan.horizon}; raise it or take a longer series."
        )
    if first < plan.n_least <= len(y):
        raise ValueError(
            f"calibration_fraction={fraction} leaves {first} times to learn from, which needs at least "
            f"{plan.n_least}; lower it or take a longer series."
        )
    regressor = train(plan, X[:first], y[:first])
    truth = y[origins[:, None] + np.arange(plan.horizon)]
    return truth - plan.forecast(regressor, y, X, origins, plan.horizon)


def check_errors(residuals):
    """Return the errors that `calibrate` has found; raise ValueError if there are none."""
    if residuals is None:
        raise ValueError(
            "Intervals and deviations need errors of forecasts: set calibration_fraction, such as 0.2, "
            "which was None in fit."
        )
    return residuals


def error_quantiles(residuals, coverage):
    """Return what to add to a forecast for intervals with equal tails, for each step.

    With n exchangeable errors, a new one lies between the k-th smallest and the k-th largest with
    probability ``1 - 2 k / (n + 1)``.

    Parameters
    ----------
    residuals : ndarray of shape (n_errors, n_steps, ...) or None
        The errors; None has none.
    coverage : float
        Share of the true values that an interval is to hold.

    Returns
    -------
    below : ndarray of shape (n_steps, ...)
        For the lower bounds.
    above : ndarray of shape (n_steps, ...)
        For the upper bounds.

    Raises
    ------
    ValueError
        If there are too few errors for this coverage.
    """
    check_errors(residuals)
    check_coverage(coverage)
    n_errors = len(residuals)
    rank = math.floor((n_errors + 1) * (1 - coverage) / 2 + 1e-9)
    if rank < 1:
        least = math.ceil(2 / (1 - coverage) - 1e-9) - 1
        raise ValueError(
            f"coverage={coverage} needs at least {least} errors of each step, calibration_fraction has "
            f"left {n_errors}; raise it or lower coverage."
        )
    ordered = np.sort(residuals, axis=0)
    return ordered[rank - 1], ordered[n_errors - rank]
