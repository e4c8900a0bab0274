"""What a fitted forecaster knows beside its regressor."""

from dataclasses import dataclass

import numpy as np

from sknets._plain import kept
from sknets.forecasting._clocks import Clocks
from sknets.forecasting._plan import ForecastPlan

#: Rows in a gap that are forecast on the way to what is beyond.
_FARTHEST = 10_000


@kept
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
        gap = self.clocks.count_skipped(times)
        if gap.n_rows:
            raise ValueError(f"{gap.describe()}. Update with them first, or fit anew.")

    def count_skipped(self, times):
        """Return how many rows lie between the series and times to forecast.

        Raises
        ------
        ValueError
            If these rows cannot be forecast, as where there are columns that are known in advance.
        """
        gap = self.clocks.count_skipped(times)
        known = self.plan.columns.named(self.plan.columns.known)
        if gap.n_rows and (known or gap.n_rows > _FARTHEST):
            needs = (
                f"needs the known columns {known}" if known else f"ends after {_FARTHEST:,} times"
            )
            advice = " In cross-validation take gap=0." if known else ""
            raise ValueError(
                f"{gap.describe()}. A forecast through them {needs}; give them too, or update with what "
                f"has come since.{advice}"
            )
        return gap.n_rows

    def after(self, X, y, times):
        """Return the memory once further times have gone by."""
        clocks = self.clocks.after(times, len(y))
        X, y = np.concatenate([self.X, X]), np.concatenate([self.y, y])
        return self.of(self.plan, self.is_flat, X, y, clocks)
