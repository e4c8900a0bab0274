"""How windows of a series become forecasts, and how forecasts are judged."""

import math
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.model_selection import TimeSeriesSplit, check_cv
from sklearn.utils import check_scalar

from sknets.estimators.rnn._regressor import RNNRegressor


@dataclass(frozen=True)
class ForecastPlan:
    """How windows of a series become forecasts of it.

    All arrays have a row for each time, y is (n_times, n_targets). `origins` are times at which a
    forecast begins: it knows what lies before them, and the known columns beyond.

    Parameters
    ----------
    window : int
        Number of times that the network sees.
    horizon : int
        Number of times that are forecast.
    n_ahead : int
        Number of them that the network answers at once.
    difference : int
        Lag of the differences it works on; 0 is none.
    known : list of int
        Columns of X that are known in advance.
    observed : list of int
        All others.
    """

    window: int
    horizon: int
    n_ahead: int
    difference: int
    known: list
    observed: list

    @property
    def n_before(self):
        """Number of times that must lie before an origin."""
        return self.window + self.difference

    def samples(self, y, X):
        """Return what the network learns from.

        Parameters
        ----------
        y : ndarray of shape (n_times, n_targets)
            The series.
        X : ndarray of shape (n_times, n_features)
            Its further columns.

        Returns
        -------
        inputs : ndarray of shape (n_samples, window, n_inputs)
            What it sees.
        targets : ndarray of shape (n_samples, n_ahead, n_targets)
            What it is to answer.
        """
        least = self.n_before + self.n_ahead
        if len(y) < least:
            raise ValueError(
                f"window={self.window}, difference={self.difference} and {self.n_ahead} steps at once "
                f"need a series of at least {least} times to learn from, there are {len(y)}; shorten "
                "the window or take a longer series."
            )
        origins = np.arange(self.n_before, len(y) - self.n_ahead + 1)
        changes = self._to_changes(y)
        targets = changes[origins[:, None] + np.arange(self.n_ahead)]
        return self._look(changes[self._past(origins)], X, origins), targets

    def forecast(self, network, y, X, origins, n_steps):
        """Return forecasts from many origins at once.

        Parameters
        ----------
        network : object
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
            answers = network.predict(self._look(changes[:, first:end], X, origins + first))
            shape = (len(origins), self.n_ahead, y.shape[1])
            changes[:, end : end + self.n_ahead] = np.reshape(answers, shape)
        return self._from_changes(changes[:, self.window :][:, :n_steps], y, origins)

    def _past(self, origins):
        return origins[:, None] + np.arange(-self.window, 0)

    def _look(self, window, X, origins):
        """Return windows of y beside the columns of X: observed so far, and known for all steps ahead."""
        times = self._past(origins)
        ahead = times[:, :, None] + np.arange(1, self.n_ahead + 1)
        known = X[:, self.known][ahead].reshape(*times.shape, -1)
        return np.concatenate([window, X[:, self.observed][times], known], axis=2)

    def _to_changes(self, y):
        """Return y_t - y_(t-lag); the first rows, which have none, are NaN."""
        if not self.difference:
            return y
        changes = np.full_like(y, np.nan)
        changes[self.difference :] = y[self.difference :] - y[: -self.difference]
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


def fit_network(network, inputs, targets):
    """Fit a network to samples (of a `ForecastPlan`) in order; early stopping takes the last of them."""
    n_samples, n_ahead, n_targets = targets.shape
    if n_targets == 1:
        targets = targets[:, :, 0]
    if getattr(network, "output", "single") != "sequence":
        targets = targets.reshape(n_samples, -1)
        targets = targets[:, 0] if targets.shape[1] == 1 else targets
    if not (isinstance(network, RNNRegressor) and network.early_stopping):
        return network.fit(inputs, targets)
    n_held = math.ceil(network.validation_fraction * n_samples)
    n_kept = max(1, n_samples - n_held - n_ahead + 1)  # they share no target with those held
    held = {"X_val": inputs[-n_held:], "y_val": targets[-n_held:]}
    return network.fit(inputs[:n_kept], targets[:n_kept], **held)


def read_folds(cv, y, *, horizon, stride):
    """Yield the training rows of each fold, and the origins of forecasts in its test rows."""
    cv = TimeSeriesSplit(cv) if isinstance(cv, Integral) else check_cv(cv)
    for fold, (train, test) in enumerate(cv.split(y)):
        rows = np.concatenate([train, test])
        if not np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
            raise ValueError(
                f"The test rows of fold {fold} do not follow its training rows at once, in order; take "
                "TimeSeriesSplit without a gap."
            )
        if len(test) < horizon:
            raise ValueError(
                f"Fold {fold} has {len(test)} test rows, fewer than horizon={horizon}; take fewer folds "
                "or a larger test_size."
            )
        yield train, np.arange(test[0], test[-1] + 2 - horizon, stride)


def to_table(fold, origins, parts, y):
    """Return arrays (n_origins, n_steps, n_targets) as columns of a table, with times as y has them."""
    shape = next(iter(parts.values())).shape
    labels = y.index if hasattr(y, "iloc") else pd.RangeIndex(len(y))
    table = pd.DataFrame(index=range(np.prod(shape)))
    position, step, target = (axis.ravel() for axis in np.indices(shape))
    table["fold"] = fold
    table["origin"] = labels[origins[position] - 1]
    table["step"] = step + 1
    table["time"] = labels[origins[position] + step]
    if shape[2] > 1:
        table["target"] = np.asarray(getattr(y, "columns", range(shape[2])))[target]
    for name, values in parts.items():
        table[name] = values.ravel()
    return table


def error_quantiles(residuals, coverage):
    """Return what to add to a forecast for intervals with equal tails, for each step.

    With n exchangeable errors, a new one lies between the k-th smallest and the k-th largest with
    probability ``1 - 2 k / (n + 1)``.
    """
    if residuals is None:
        raise ValueError("Intervals need calibration_fraction, such as 0.2, which was None in fit.")
    check_scalar(coverage, "coverage", Real, min_val=0, max_val=1, include_boundaries="neither")
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
