"""What a fitted forecaster knows beside its regressor."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sknets.forecasting._plan import ForecastPlan


@dataclass(frozen=True)
class Memory:
    """What the next forecast looks back to.

    Parameters
    ----------
    plan : ForecastPlan
        How windows become forecasts.
    is_flat : bool
        Whether the user's y had one axis, as forecasts then have.
    X : ndarray of shape (n_before, n_features)
        The further columns at the last times.
    y : ndarray of shape (n_before, n_targets)
        The series at the last times.
    last_time : Index of length 1 or None
        The last time, if the data had any.
    """

    plan: ForecastPlan
    is_flat: bool
    X: np.ndarray
    y: np.ndarray
    last_time: pd.Index | None

    @classmethod
    def of(cls, plan, is_flat, X, y, times):
        """Return the memory of a whole series: its last times, as many as a forecast needs."""
        kept = slice(-plan.n_before, None)
        last_time = None if times is None else times[-1:]
        return cls(plan, is_flat, X[kept].copy(), y[kept].copy(), last_time)

    def after(self, X, y, times):
        """Return the memory once further times have gone by."""
        X, y = np.concatenate([self.X, X]), np.concatenate([self.y, y])
        return self.of(self.plan, self.is_flat, X, y, times)
