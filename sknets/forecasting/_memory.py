"""What a fitted forecaster knows beside its regressor."""

from dataclasses import dataclass

import numpy as np

from sknets.forecasting._clocks import Clocks
from sknets.forecasting._plan import ForecastPlan

#: Rows in a gap that are forecast on the way to what is beyond.
_FARTHEST = 10_000


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
    clocks : Clocks
        How its times go on.
    """

    plan: ForecastPlan
    is_flat: bool
    X: np.ndarray
    y: np.ndarray
    clocks: Clocks

    @classmethod
    def of(cls, plan, is_flat, X, y, clocks):
        """Return the memory of a whole series: its last times, as many as a forecast needs."""
        kept = slice(-plan.n_before, None)
        return cls(plan, is_flat, X[kept].copy(), y[kept].copy(), clocks)

    def check_follows(self, times):
        """Refuse times that do not go on where the series ends."""
        n_skipped, clock = self.clocks.count_skipped(times)
        if n_skipped:
            raise ValueError(
                f"{times[0].name} begins at {times[0].index[0]}, but the series is {clock.known} and "
                f"goes on with {clock.next}: rows are missing ({n_skipped:,}). Update with them first, "
                "or fit anew."
            )

    def count_skipped(self, times):
        """Return how many rows lie between the series and times to forecast.

        Raises
        ------
        ValueError
            If these rows cannot be forecast, as where there are columns that are known in advance.
        """
        n_skipped, clock = self.clocks.count_skipped(times)
        known = self.plan.columns.named(self.plan.columns.known)
        if n_skipped and (known or n_skipped > _FARTHEST):
            needs = (
                f"needs the known columns {known}" if known else f"ends after {_FARTHEST:,} times"
            )
            raise ValueError(
                f"{times[0].name} begins at {times[0].index[0]}, but the series is {clock.known} and "
                f"goes on with {clock.next}: rows are missing ({n_skipped:,}). A forecast through them "
                f"{needs}; give them too, or update with what has come since."
            )
        return n_skipped

    def after(self, X, y, times):
        """Return the memory once further times have gone by."""
        clocks = self.clocks.after(times, len(y))
        X, y = np.concatenate([self.X, X]), np.concatenate([self.y, y])
        return self.of(self.plan, self.is_flat, X, y, clocks)
