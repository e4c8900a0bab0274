"""What models predicted for rows that they have not seen, and what follows for new rows."""

from dataclasses import dataclass, fields

import numpy as np
import scipy.special

from sknets.uncertainty._coverage import check_enough, quantile_of
from sknets.uncertainty._cross import cross_intervals, cross_sets
from sknets.uncertainty._intervals import Intervals
from sknets.uncertainty._temperature import choose_temperature

_REMEDY = "hold out more rows (X_val, validation_fraction, or calibrate=5 for all of them in turn)"


@dataclass
class Held:
    """Base of what is known of rows that were held out; all arrays have an entry for each of them.

    Attributes
    ----------
    y : ndarray of shape (n_held, ...)
        Their y.
    weight : ndarray of shape (n_held,) or None
        Weights of the rows.
    fold : ndarray of int, shape (n_held,)
        The model that has not seen a row.
    """

    y: np.ndarray
    weight: np.ndarray | None
    fold: np.ndarray

    @classmethod
    def joined(cls, parts):
        """Return the rows of weight that several models have not seen, one after the other."""
        values = {}
        for field in fields(cls):
            of_parts = [getattr(part, field.name) for part in parts]
            is_array = isinstance(of_parts[0], np.ndarray)
            values[field.name] = np.concatenate(of_parts) if is_array else of_parts[0]
        values["fold"] = np.repeat(np.arange(len(parts)), [len(part.y) for part in parts])
        held = cls(**values)
        if held.weight is not None and not held.weight.all():
            for field in fields(cls):
                value = getattr(held, field.name)
                if isinstance(value, np.ndarray):
                    setattr(held, field.name, value[held.weight > 0])
        return held

    @property
    def n_models(self):
        """Number of models that have held rows out."""
        return int(self.fold.max()) + 1

    def check(self, coverage):
        """Raise ValueError if there are too few rows for a coverage."""
        check_enough(coverage, len(self.y), _REMEDY)


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

    def intervals(self, values, std, coverage):
        """Return intervals that contain y with a given probability.

        Errors are measured in units of `std` where it is one of y, else of what they are expected to be
        where networks differ so much; quantiles are moved by a distance that is the same for all rows.

        Parameters
        ----------
        values : list of ndarray of shape (n_rows, n_outputs or n_levels)
            What each model predicts for new rows.
        std : list of ndarray of shape (n_rows, n_outputs), or None
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
        values = np.stack(values)
        std = None if self.std is None else np.stack(std)
        ends = [
            self._of_output(j, values, None if std is None else std[..., j], coverage)
            for j in range(n_outputs)
        ]
        return np.stack(ends, axis=1)

    def _of_output(self, j, values, std, coverage):
        below, above = (j, j) if self.levels is None else outer_levels(self.levels, coverage)
        low, high, scale = self.values[:, below], self.values[:, above], self.scale[j]
        units = self._units(j, coverage)
        own = units(low / scale, None if std is None else self.std[:, j] / scale) * scale
        scores = np.maximum(low - self.y[:, j], self.y[:, j] - high) / own
        of_rows = [
            units(each / scale, None if std is None else std[k] / scale) * scale
            for k, each in enumerate(values[..., below])
        ]
        low, high = values[..., below], values[..., above]
        if self.n_models == 1:
            reach = quantile_of(scores, coverage, self.weight) * of_rows[0]
            reach = np.maximum(reach, (low[0] - high[0]) / 2)  # ends that meet do not pass
            return np.stack([low[0] - reach, high[0] + reach], axis=1)
        parts = (low, high, np.stack(of_rows), scores, self.fold)
        return cross_intervals(*parts, coverage, self.weight)

    def _units(self, j, coverage):
        """Return what makes units of errors of predictions and standard deviations, both scaled."""
        if self.std is None or self.levels is not None:
            return lambda mean, std: np.ones_like(mean)
        if self.is_of_y:
            return lambda mean, std: np.where(std > 0, std, 1.0)
        mean, scale = self.values[:, j], self.scale[j]
        parts = (mean / scale, self.std[:, j] / scale, np.abs(self.y[:, j] - mean) / scale)
        return Intervals(*parts, self.weight, by_prediction=False).choose(coverage)[1]


def outer_levels(levels, coverage):
    """Return the positions of two quantiles between which there is nearest to a coverage, as central."""
    tail = (1.0 - coverage) / 2
    below = int(np.abs(np.subtract(levels, tail)).argmin())
    above = int(np.abs(np.subtract(levels, 1.0 - tail)).argmin())
    return below, above


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

    def temperature(self):
        """Return what these logarithms are best divided by."""
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
        logs : list of ndarray of shape (n_rows, n_classes)
            What each model predicts for new rows, as `logs`.
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
        self.check(coverage)
        own = _unlikely(self.logs, temperature)[np.arange(len(self.y)), self.y]
        unlikely = np.stack([_unlikely(each, temperature) for each in logs])
        if self.n_models == 1:
            return unlikely[0] <= quantile_of(own, coverage, self.weight)
        return cross_sets(unlikely, own, self.fold, coverage, self.weight)


def _unlikely(logs, temperature):
    return 1.0 - scipy.special.softmax(logs / temperature, axis=1)


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

    def temperature(self):
        """Return what the logits are best divided by."""

        def loss(temperature):
            logits = self.logits / temperature
            of_rows = (np.logaddexp(0.0, logits) - self.y * logits).sum(axis=1)
            return np.average(of_rows, weights=self.weight)

        return choose_temperature(loss, len(self.y))
