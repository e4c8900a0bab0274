"""How windows of a series become forecasts of it."""

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from sknets._plain import kept
from sknets.forecasting._series import Columns
from sknets.inputs import any_kind

#: Units in the last place that two values may differ by and still count as one.
_ROUNDINGS = 32


@kept
@dataclass(frozen=True)
class ForecastPlan:
    """How windows of a series become forecasts of it.

    All arrays have a row for each time, y is (n_times, n_targets). `origins` are times at which a
    forecast begins: it knows what lies before them, and the known columns beyond.

    Parameters
    ----------
    window : int
        Number of times that the regressor sees.
    horizon : int
        Number of times that are forecast.
    n_ahead : int
        Number of them that the regressor answers at once.
    difference : int
        Lag of the differences it works on; 0 is none.
    columns : Columns
        Which columns of X are known in advance.
    as_table : bool
        Whether a window is a row of a table, its first time first; if not, it is a sequence.
    """

    window: int
    horizon: int
    n_ahead: int
    difference: int
    columns: Columns
    as_table: bool

    @property
    def n_before(self):
        """Number of times that must lie before an origin."""
        return self.window + self.difference

    @property
    def n_least(self):
        """Number of times that make one sample."""
        return self.n_before + self.n_ahead

    def check_reach(self, n_steps):
        """Refuse steps that would need columns of X before they are observed."""
        observed = self.columns.named(self.columns.observed)
        if observed and n_steps > self.n_ahead:
            raise ValueError(
                f"{n_steps} steps cannot be forecast with the columns {observed} of X, which are not "
                f"known in advance and end the reach at {self.n_ahead}. If they are known, name them in "
                "known_columns; if not, set strategy='direct' with a horizon of that many steps, or "
                "leave them out."
            )

    def samples(self, y, X):
        """Return what the regressor learns from.

        Parameters
        ----------
        y : ndarray of shape (n_times, n_targets)
            The series.
        X : ndarray of shape (n_times, n_features)
            Its further columns.

        Returns
        -------
        inputs : ndarray of shape (n_samples, window, n_inputs) or (n_samples, window * n_inputs)
            What it sees.
        targets : ndarray of shape (n_samples, n_ahead, n_targets)
            What it is to answer.

        Raises
        ------
        ValueError
            If the series is too short for one sample.
        """
        if len(y) < self.n_least:
            raise ValueError(
                f"window={self.window}, difference={self.difference} and {self.n_ahead} steps at once "
                f"need a series of at least {self.n_least} times to learn from, there are {len(y)}; "
                "shorten the window or take a longer series."
            )
        origins = np.arange(self.n_before, len(y) - self.n_ahead + 1)
        changes = self._to_changes(y)
        targets = changes[origins[:, None] + np.arange(self.n_ahead)]
        return self._look(changes[self._past(origins)], X, origins), targets

    def forecast(self, regressor, y, X, origins, n_steps):
        """Return forecasts from many origins at once.

        Parameters
        ----------
        regressor : object
            Has `predict`, from `inputs` to `targets` in any shape.
        y : ndarray of shape (n_times, n_targets)
            The series, at least to the last origin.
        X : ndarray of shape (n_times, n_features)
            Its further columns, the known ones to the end of the last forecast.
        origins : ndarray of shape (n_origins,)
            First times of the forecasts.
        n_steps : int
            Their length.

        Returns
        -------
        ndarray of shape (n_origins, n_steps, n_targets)
            The forecasts.
        """
        n_blocks = -(-n_steps // self.n_ahead)
        n_beyond = max(0, origins.max() + n_blocks * self.n_ahead - len(X))
        X = np.pad(X, ((0, n_beyond), (0, 0)))  # rows without known columns, which nobody sees
        n_known = self.window + n_blocks * self.n_ahead
        changes = np.empty((len(origins), n_known, y.shape[1]), dtype=y.dtype)
        changes[:, : self.window] = self._to_changes(y)[self._past(origins)]
        for first in range(0, n_blocks * self.n_ahead, self.n_ahead):
            end = first + self.window
            inputs = self._look(changes[:, first:end], X, origins + first)
            with any_kind() if first else nullcontext():  # counts become fractions
                answers = regressor.predict(inputs)
            shape = (len(origins), self.n_ahead, y.shape[1])
            if np.size(answers) != np.prod(shape):
                raise ValueError(
                    f"estimator predicts an array of shape {np.shape(answers)} for {len(origins)} "
                    f"windows; it must have {self.n_ahead * y.shape[1]} numbers for each, as in fit."
                )
            changes[:, end : end + self.n_ahead] = np.reshape(answers, shape)
        return self._from_changes(changes[:, self.window :][:, :n_steps], y, origins)

    def _past(self, origins):
        return origins[:, None] + np.arange(-self.window, 0)

    def _look(self, window, X, origins):
        """Return windows of y beside the columns of X: observed so far, and known for all steps ahead."""
        times = self._past(origins)
        ahead = times[:, :, None] + np.arange(1, self.n_ahead + 1)
        known = X[:, self.columns.known][ahead].reshape(*times.shape, -1)
        inputs = np.concatenate([window, X[:, self.columns.observed][times], known], axis=2)
        return inputs.reshape(len(inputs), -1) if self.as_table else inputs

    def _to_changes(self, y):
        """Return y_t - y_(t-lag), 0 if that is rounding; the first rows, which have none, are NaN."""
        lag = self.difference
        if not lag:
            return y
        changes = np.full_like(y, np.nan)
        changes[lag:] = y[lag:] - y[:-lag]
        noise = _ROUNDINGS * np.finfo(y.dtype).eps * np.maximum(np.abs(y[lag:]), np.abs(y[:-lag]))
        changes[lag:][np.abs(changes[lag:]) <= noise] = 0.0
        return changes

    def _from_changes(self, changes, y, origins):
        """Add up changes from each origin on."""
        lag = self.difference
        if not lag:
            return changes
        path = np.concatenate([y[origins[:, None] + np.arange(-lag, 0)], changes], axis=1)
        for step in range(changes.shape[1]):
            path[:, lag + step] += path[:, step]
        return path[:, lag:]
