"""Intervals around predictions, from the errors on rows that were held out."""

import numpy as np

from sknets._plain import kept
from sknets.uncertainty._coverage import check_enough, quantile_of

#: Rows whose errors make one of the levels between which sizes of errors are interpolated, and the
#: largest number of levels.
_ROWS_OF_LEVEL = 30
_MOST_LEVELS = 20

#: Rows with the mean error that each level is drawn to.
_ROWS_OF_MEAN = 10.0

#: Shares of the candidates' spread, and powers of the error by the prediction, in the width of an
#: interval: of all pairs, the one is taken whose intervals are the narrowest.
_SHARES = (0.0, 0.5, 1.0, 2.0)
_POWERS = (0.0, 0.5, 1.0)


@kept
class Intervals:
    """Half widths of intervals that contain y with a given probability.

    Errors are measured in units of how large they are expected to be: where candidates differ more, and
    where rows with a similar prediction had larger errors, an interval is wider. The quantile of errors
    in these units makes it right whatever the units are (normalised conformal prediction [1]_).

    Parameters
    ----------
    mean : ndarray of shape (n_rows,)
        Predictions for the rows that were held out.
    spread : ndarray of shape (n_rows,)
        By how much candidates differ there.
    errors : ndarray of shape (n_rows,)
        Absolute errors.
    weight : ndarray of shape (n_rows,), default=None
        Weights of the rows.
    by_prediction : bool, default=True
        Whether errors may be expected to be larger where predictions are.

    References
    ----------
    .. [1] Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018). Distribution-free predictive inference
       for regression. JASA 113.
    """

    def __init__(self, mean, spread, errors, weight=None, *, by_prediction=True):
        self._mean, self._spread, self._errors, self._weight = mean, spread, errors, weight
        self._powers = _POWERS if by_prediction else _POWERS[:1]
        self._typical = float(np.sqrt(np.mean(np.square(errors))))
        order = np.argsort(mean, kind="stable")
        n_levels = int(np.clip(len(mean) // _ROWS_OF_LEVEL, 1, _MOST_LEVELS))
        parts = np.array_split(order, n_levels)
        self._places = np.array([mean[part].mean() for part in parts])
        total, n_rows = np.array([[errors[part].sum(), len(part)] for part in parts]).T
        drawn_in = (total + _ROWS_OF_MEAN * errors.mean()) / (n_rows + _ROWS_OF_MEAN)
        self._levels = drawn_in / (errors.mean() or 1.0)

    def half_widths(self, mean, spread, coverage):
        """Return half of the width of the interval around each prediction.

        Parameters
        ----------
        mean, spread : ndarray of shape (n_rows,)
            Predictions of new rows, and by how much candidates differ.
        coverage : float
            The probability.

        Raises
        ------
        ValueError
            If there are too few rows for it.
        """
        self._check(coverage)
        quantile, units = self.choose(coverage)
        return quantile * units(mean, spread)

    def _check(self, coverage):
        check_enough(coverage, len(self._errors), self._weight, "fit with more rows")

    def checked_plan(self, coverage):
        """Return what `plan` does, or raise ValueError if there are too few rows for a coverage."""
        self._check(coverage)
        return self.plan(coverage)

    def choose(self, coverage):
        """Return the units of errors that make the narrowest intervals, and the quantile of errors.

        Parameters
        ----------
        coverage : float
            The probability.

        Returns
        -------
        quantile : float
            What a further error is below, in its units.
        units : callable
            ``units(mean, spread)`` returns those of rows.
        """
        quantile, share, power = self.plan(coverage)
        if self._typical == 0.0:
            return 0.0, lambda mean, spread: np.ones_like(mean)
        return quantile, lambda mean, spread: self._expected(mean, spread, share, power)

    def plan(self, coverage):
        """Return the quantile of errors, the share of the spread in their units, the power of levels."""
        if self._typical == 0.0:
            return 0.0, 0.0, 0.0
        found = []
        for share in _SHARES:
            for power in self._powers:
                units = self._expected(self._mean, self._spread, share, power)
                quantile = quantile_of(self._errors / units, coverage, self._weight)
                width = quantile * np.average(units, weights=self._weight)
                found.append((width, share, power, quantile))
        _, share, power, quantile = min(found)
        return quantile, share, power

    @property
    def typical(self):
        """The root of the mean square of the errors."""
        return self._typical

    @property
    def levels(self):
        """Places on the axis of predictions, and how large errors are there beside their mean."""
        return self._places, self._levels

    def _expected(self, mean, spread, share, power):
        by_prediction = np.interp(mean, self._places, self._levels) ** power
        return np.hypot(self._typical, share * spread) * by_prediction
