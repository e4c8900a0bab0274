"""How good predictions are: R² of numbers, D² of quantiles, accuracy of classes.

These are scikit-learn's metrics, whose checks take ten times as long as their figures. Of a usual y, a
vector without weights, the figure is computed here; where scikit-learn may object, it is asked.
"""

from abc import ABC, abstractmethod

import numpy as np
from sklearn.metrics import accuracy_score, d2_pinball_score, r2_score


class Metric(ABC):
    """How good predictions of a y are.

    Parameters
    ----------
    y : ndarray
        What is predicted.
    sample_weight : array-like or None
        Weights of the rows.
    """

    def __init__(self, y, sample_weight):
        self._y, self._weight = y, sample_weight

    @abstractmethod
    def __call__(self, predictions):
        """Return how good some predictions are."""

    def of_several(self, predictions):
        """Return how good each of several predictions is, as a list, to the last bit as one by one.

        Parameters
        ----------
        predictions : ndarray of shape (n, ...)
        """
        scores = self._of_usual(predictions)
        return (
            [float(self(of_one)) for of_one in predictions] if scores is None else scores.tolist()
        )

    @abstractmethod
    def _of_usual(self, predictions):
        """Return what `of_several` does as an array, or None where each needs a look of its own."""


class R2(Metric):
    """R² of numbers."""

    def __init__(self, y, sample_weight):
        super().__init__(y, sample_weight)
        self._is_plain = sample_weight is None and y.ndim == 1 < len(y)
        self._spread = None
        if self._is_plain and y.dtype.kind in "biuf" and _are_in_reach(y.astype(np.float64)):
            self._y = y.astype(np.float64)
            self._spread = _spread(self._y)

    def __call__(self, predictions):
        y, spread, predictions = self._y, self._spread, np.asarray(predictions)
        with np.errstate(all="ignore"):  # of infinities, for which scikit-learn has words
            if spread is None or not _are_in_reach(predictions.astype(np.float64, copy=False)):
                y, predictions = _in_reach(y, predictions)
                spread = _spread(y) if self._is_plain else 0.0
            if spread > 0.0 and y.shape == predictions.shape:
                left = _sums_of_squares(y - predictions)
                if spread < np.inf and left < np.inf:
                    return float(1.0 - left / spread)
        return r2_score(y, predictions, sample_weight=self._weight)

    def _of_usual(self, predictions):
        y, spread = self._y, self._spread
        if spread is None or not 0.0 < spread < np.inf or predictions.shape[1:] != y.shape:
            return None
        if not _are_in_reach(predictions.astype(np.float64, copy=False)):
            return None
        return 1.0 - _sums_of_squares(y - predictions) / spread


class MeanD2(Metric):
    """Mean D² of quantiles.

    Parameters
    ----------
    y, sample_weight
        As of each metric.
    levels : float or sequence of float
        The level of the quantile that is predicted, or those of the columns of predictions.
    """

    def __init__(self, y, sample_weight, levels):
        super().__init__(y, sample_weight)
        self._levels = levels

    def __call__(self, predictions):
        y, predictions = _in_reach(self._y, predictions)
        columns = [predictions] if np.ndim(self._levels) == 0 else predictions.T
        scores = [
            d2_pinball_score(y, column, sample_weight=self._weight, alpha=level)
            for level, column in zip(np.atleast_1d(self._levels), columns, strict=True)
        ]
        return float(np.mean(scores))

    def _of_usual(self, predictions):
        return None


class Accuracy(Metric):
    """Share of the rows, or of their weights, whose class or labels are predicted.

    Parameters
    ----------
    y, sample_weight
        As of each metric.
    is_known : bool
        Whether y is a vector of plain classes.
    """

    def __init__(self, y, sample_weight, *, is_known):
        super().__init__(y, sample_weight)
        self._is_plain = is_known and sample_weight is None

    def __call__(self, predictions):
        if self._is_plain and self._y.shape == predictions.shape:
            return float((self._y == predictions).mean())
        return accuracy_score(self._y, predictions, sample_weight=self._weight)

    def _of_usual(self, predictions):
        if self._is_plain and self._y.shape == predictions.shape[1:]:
            return (self._y == predictions).mean(axis=1)
        return None


def _spread(y):
    return _sums_of_squares(y - y.mean())


def _sums_of_squares(values):
    """Return the sum of the squares of each row; each is a product of vectors, also where it is one."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.matmul(values[..., None, :], values[..., :, None])[..., 0, 0]


def _are_in_reach(values):
    """Whether squares neither overflow nor vanish, in any row."""
    sums = _sums_of_squares(values)
    return bool(((sums > 1e-200) & (sums < 1e200)).all())


def _in_reach(y, predictions):
    """Return both in units in which squares neither overflow nor vanish: powers of two cost no digits.

    Each column has its own, unless one y has several predictions.
    """
    y, predictions = (np.asarray(values, dtype=np.float64) for values in (y, predictions))
    reach = [np.abs(values).max(axis=0, initial=0) for values in (y, predictions)]
    if y.shape != predictions.shape:
        reach = [part.max(initial=0) for part in reach]
    _, exponent = np.frexp(np.maximum(*reach))
    return np.ldexp(y, -exponent), np.ldexp(predictions, -exponent)
