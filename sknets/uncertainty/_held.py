"""What was predicted for rows that were held out, and what follows for new rows.

The errors on rows that were held out are exchangeable with those on new rows, as long as the same model
predicts both. Rows that were held out in folds were predicted by models that learned from fewer rows than
the one that predicts new rows: coverage is then close to what is promised, rather than certain.

References
----------
Vovk, Gammerman and Shafer (2005). Algorithmic Learning in a Random World. Springer.
"""

from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple

import numpy as np
import scipy.special

from sknets._plain import kept
from sknets.uncertainty._coverage import check_enough, quantile_of
from sknets.uncertainty._intervals import Intervals
from sknets.uncertainty._temperature import choose_temperature

#: Rows from which on they can also choose the units of errors, without errors that are too small for it.
_ROWS_TO_CHOOSE = 100


@dataclass
class Held:
    """Base of what is known of rows that were held out; all arrays have an entry for each of them.

    Attributes
    ----------
    y : ndarray of shape (n_held, ...)
        Their y.
    weight : ndarray of shape (n_held,) or None
        Weights of the rows.
    """

    y: np.ndarray
    weight: np.ndarray | None

    #: What to do where rows are too few.
    remedy: ClassVar[str] = (
        "hold out more rows (X_val, validation_fraction, or calibrate=5 for all of them in turn)"
    )

    @classmethod
    def joined(cls, parts):
        """Return the rows of weight of several parts as one."""
        values = {}
        for field in fields(cls):
            of_parts = [getattr(part, field.name) for part in parts]
            is_array = isinstance(of_parts[0], np.ndarray)
            values[field.name] = np.concatenate(of_parts) if is_array else of_parts[0]
        kept = slice(None) if values["weight"] is None else values["weight"] > 0
        return cls(
            **{
                name: value[kept] if isinstance(value, np.ndarray) else value
                for name, value in values.items()
            }
        )

    def check(self, coverage):
        """Raise ValueError if there are too few rows for a coverage."""
        check_enough(coverage, len(self.y), self.weight, self.remedy)


@kept
@dataclass
class HeldNumbers(Held):
    """Rows of which numbers were predicted.

    Attributes
    ----------
    y : ndarray of shape (n_held, n_outputs)
        Their y.
    values : ndarray of shape (n_held, n_outputs), or (n_held, n_levels)
        Predictions, or quantiles of one y.
    std : ndarray of shape (n_held, n_outputs) or None
        Standard deviations of y, or how much networks differ.
    is_of_y : bool
        Whether they are standard deviations of y.
    levels : tuple of float or None
        Levels of quantiles.
    scale : tuple of float
        How far each y is spread.
    """

    values: np.ndarray
    std: np.ndarray | None
    is_of_y: bool
    levels: tuple | None
    scale: tuple

    def calibrate(self):
        """Multiply standard deviations of y so that they fit the errors; return the factors.

        The likelihood of normal numbers is largest where the mean square of errors in their units is one
        (Laves, Ihler, Fast, Kahrs and Ortmaier, 2020: sigma scaling).
        """
        factors = np.ones(self.y.shape[1])
        if self.is_of_y:
            units = np.where(self.std > 0, self.std, np.inf)
            squares = np.square((self.y - self.values) / units)
            found = np.sqrt(np.average(squares, axis=0, weights=self.weight))
            factors = np.where(found > 0, found, 1.0)
            self.std = self.std * factors
        return factors

    def intervals(self, values, std, coverage):
        """Return intervals that contain y with a given probability.

        Errors are measured in units of `std` where it is one of y, else of what they are expected to be
        where networks differ so much (from a hundred rows on, which choose how much that counts);
        quantiles are moved by a distance that is the same for all rows.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_outputs or n_levels)
            Predictions of new rows.
        std : ndarray of shape (n_rows, n_outputs) or None
            Their standard deviations.
        coverage : float
            The probability.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs, 2)

        References
        ----------
        Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018). Distribution-free predictive inference for
        regression. JASA 113. Romano, Patterson and Candès (2019). Conformalized quantile regression.
        NeurIPS.
        """
        self.check(coverage)
        n_outputs = self.y.shape[1]
        return np.stack(
            [self._of_output(j, values, std, coverage) for j in range(n_outputs)], axis=1
        )

    def _of_output(self, j, values, std, coverage):
        reach = self.reach(j, coverage)
        low, high = values[:, reach.below], values[:, reach.above]
        distance = reach.quantile * reach.units(None if std is None else std[:, reach.std])
        distance = np.maximum(
            distance, (low - high) / 2
        )  # ends that are drawn in may meet, but not pass
        return np.stack([low - distance, high + distance], axis=1)

    def reach(self, j, coverage):
        """Return how far the interval of an output reaches, as a `Reach`."""
        below, above = (j, j) if self.levels is None else outer_levels(self.levels, coverage)
        reach = Reach(below, above, j, **self._units(j, coverage))
        low, high = self.values[:, below], self.values[:, above]
        units = reach.units(None if self.std is None else self.std[:, j])
        scores = np.maximum(low - self.y[:, j], self.y[:, j] - high) / units
        return reach._replace(quantile=quantile_of(scores, coverage, self.weight))

    def _units(self, j, coverage):
        """Return what makes units of errors of standard deviations."""
        is_fixed = self.std is None or self.levels is not None
        if is_fixed or not (self.is_of_y or len(self.y) >= _ROWS_TO_CHOOSE):
            return {"kind": "one"}
        if self.is_of_y:
            return {"kind": "deviation"}
        scale = self.scale[j]
        mean = self.values[:, j] / scale
        errors = np.abs(self.y[:, j] / scale - mean)
        parts = (mean, self.std[:, j] / scale, errors, self.weight)
        intervals = Intervals(*parts, by_prediction=False)
        _, share, _ = intervals.plan(coverage)
        if intervals.typical == 0.0:
            return {"kind": "one", "scale": scale}
        return {"kind": "spread", "scale": scale, "typical": intervals.typical, "share": share}


class Reach(NamedTuple):
    """How far the interval of an output reaches: a quantile of errors, times their unit for a row.

    Attributes
    ----------
    below, above : int
        Columns of the predictions from which it reaches down and up.
    std : int
        Column of the standard deviations.
    kind : {"one", "deviation", "spread"}
        Whether the unit is `scale`, the deviation of the row, or
        ``scale * hypot(typical, share * deviation / scale)``.
    scale, typical, share : float
        Those of the unit.
    quantile : float
        The quantile of errors in these units.
    """

    below: int
    above: int
    std: int
    kind: str
    scale: float = 1.0
    typical: float = 1.0
    share: float = 0.0
    quantile: float = 0.0

    def units(self, std):
        """Return the unit of each row, of its standard deviation."""
        if self.kind == "deviation":
            return np.where(std > 0, std, 1.0)
        if self.kind == "spread":
            return self.scale * np.hypot(self.typical, self.share * (std / self.scale))
        return self.scale


def outer_levels(levels, coverage):
    """Return the positions of two quantiles between which there is nearest to a coverage, as central."""
    tail = (1.0 - coverage) / 2
    below = int(np.abs(np.subtract(levels, tail)).argmin())
    above = int(np.abs(np.subtract(levels, 1.0 - tail)).argmin())
    return below, above


@kept
@dataclass
class HeldClasses(Held):
    """Rows of which the probabilities of classes were predicted.

    Attributes
    ----------
    y : ndarray of int, shape (n_held,)
        Positions of their classes.
    logs : ndarray of shape (n_held, n_classes)
        Logarithms of the probabilities; -inf for a class that a model does not know.
    """

    logs: np.ndarray

    def calibrate(self):
        """Return the temperature by which the logarithms are best divided."""
        of_true = self.logs[np.arange(len(self.y)), self.y]
        known = np.isfinite(of_true)
        if not known.any():
            return 1.0
        logs, of_true = self.logs[known], of_true[known]
        weight = None if self.weight is None else self.weight[known]

        def loss(temperature):
            total = scipy.special.logsumexp(logs / temperature, axis=1)
            return np.average(total - of_true / temperature, weights=weight)

        return choose_temperature(loss, len(logs))

    def sets(self, logs, temperature, coverage):
        """Return the classes that contain the true one with a given probability.

        Parameters
        ----------
        logs : ndarray of shape (n_rows, n_classes)
            Those of new rows.
        temperature : float
            What they are divided by.
        coverage : float
            The probability.

        Returns
        -------
        ndarray of bool, shape (n_rows, n_classes)

        References
        ----------
        Sadinle, Lei and Wasserman (2019). Least ambiguous set-valued classifiers with bounded error
        levels. Journal of the American Statistical Association 114.
        """
        return _unlikely(logs, temperature) <= self.most_unlikely(temperature, coverage)

    def most_unlikely(self, temperature, coverage):
        """Return how unlikely the true class is at most, with a given probability.

        Parameters
        ----------
        temperature : float
            What logarithms are divided by.
        coverage : float
            The probability.
        """
        self.check(coverage)
        own = _unlikely(self.logs, temperature)[np.arange(len(self.y)), self.y]
        return quantile_of(own, coverage, self.weight)


def _unlikely(logs, temperature):
    return 1.0 - scipy.special.softmax(logs / temperature, axis=1)


@kept
@dataclass
class HeldLabels(Held):
    """Rows of which the probabilities of several labels were predicted, each by itself.

    Attributes
    ----------
    y : ndarray of shape (n_held, n_labels)
        Which labels they have.
    logits : ndarray of shape (n_held, n_labels)
        The logits.
    """

    logits: np.ndarray

    def calibrate(self):
        """Return the temperature by which the logits are best divided."""

        def loss(temperature):
            logits = self.logits / temperature
            of_rows = (np.logaddexp(0.0, logits) - self.y * logits).sum(axis=1)
            return np.average(of_rows, weights=self.weight)

        return choose_temperature(loss, len(self.y))
