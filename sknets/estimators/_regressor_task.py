"""What a regressor can be asked."""

from numbers import Integral

import numpy as np
from scipy.special import ndtri
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, check_scalar

from sknets import modules, targets, training
from sknets._plain_torch import in_plain_torch
from sknets._warn import warn_user
from sknets.estimators._data import read_weight
from sknets.estimators._methods import without_class
from sknets.estimators._overflow import check_predictions
from sknets.estimators._sklearn import fit_context
from sknets.estimators._tasks import SupervisedTask, is_incremental, score_of
from sknets.estimators._watched import watched
from sknets.uncertainty import HeldNumbers, check_coverage, outer_levels

#: Draws of dropout where nothing else tells how sure a prediction is.
_N_DRAWS = 100


def _each(function, *parts):
    """Return what a function makes of arrays; of sequences of several lengths, row by row."""
    if isinstance(parts[0], np.ndarray) and parts[0].dtype != object:
        return function(*parts)
    made = np.empty(len(parts[0]), dtype=object)
    for row, of_row in enumerate(zip(*parts, strict=True)):
        made[row] = function(*of_row)
    return made


def _spread(*predictions):
    """Return the standard deviation of several predictions of the same rows."""
    unit = np.abs(predictions).max() or 1.0  # else squares may overflow
    return unit * np.std(np.divide(predictions, unit), axis=0)


@without_class
class RegressorTask(SupervisedTask, RegressorMixin, MultiOutputMixin):
    """Regression: one or several numbers, standardised for the loss and back for the user."""

    @property
    def _task(self):
        if np.ndim(self.quantile) and self.loss != "quantile":
            raise ValueError(
                f"quantile={self.quantile!r} needs loss='quantile', but loss={self.loss!r}."
            )
        declared = () if callable(self.loss) else training.declared(training.LOSSES[self.loss])
        return targets.Regression(self.loss, {name: getattr(self, name) for name in declared})

    @available_if(is_incremental)
    @fit_context
    def partial_fit(self, X, y, sample_weight=None):
        """Go on with one epoch over the given data.

        The first call decides on the scale in which the target is learned; until y has a spread, its
        value is predicted as it is.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A part of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Its target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : object
            The estimator after the epoch.
        """
        is_first = not hasattr(self, "_learned")
        with watched(self, is_partial=True):
            self._fit(X, y, sample_weight, is_partial=True)
        if is_first and self._learned.target.is_constant:
            warn_user(
                "The first call to partial_fit saw a y without spread, which is predicted as it is. The "
                "first call with another y decides on the scale in which y is learned: begin with more "
                "rows."
            )
        return self

    @in_plain_torch
    def predict(self, X, *, return_std=False, n_draws=None, coverage=None):
        """Predict the target.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.
        return_std : bool, default=False
            Whether to return a standard deviation, too: of y for ``loss='gaussian'``, else of what
            several networks predict (`n_members`), else of predictions in which units are dropped
            (`dropout`).
        n_draws : int, default=None
            Draws of dropout, of each network, that are used whatever else there is: Monte Carlo dropout.
            None: 100 if there is nothing else. The prediction is the one without dropout.
        coverage : float in (0, 1), default=None
            If given, intervals are returned, too, as `predict_interval` makes them: for pipelines, which
            have no such method.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions in the units of y, in the floating-point type of X unless y needs more digits
            or a larger range. With ``quantile=[...]`` of shape (n_samples, n_quantiles).
        std : ndarray of the same shape
            Standard deviations. With ``loss='gaussian'`` those of y, with `calibrate` (and without
            `n_draws`) as large as held-out rows say. Else what comes from not knowing the network, which
            is less than the error. Only if `return_std`.
        interval : ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2)
            Lower and upper ends. Only with `coverage`.

        Raises
        ------
        ValueError
            If `return_std` is asked for and there is one network only, without dropout and without
            ``loss='gaussian'``.
        """
        if n_draws is not None and not return_std:
            raise ValueError(f"n_draws={n_draws!r} draws for a deviation: set return_std=True.")
        if not return_std and coverage is None:
            return self._predictions(self._raw_predict(X))
        if coverage is not None:
            check_coverage(coverage)
        raw, raws = self._raw_and_parts(X)
        answer = [self._predictions(raw)]
        if return_std:
            answer.append(self._deviations(raw, raws, n_draws))
        if coverage is not None:
            answer.append(self._interval(raw, raws, coverage))
        return tuple(answer)

    def _predictions(self, raw):
        predictions = self._learned.target.predictions(raw)
        check_predictions(predictions)
        return predictions

    def _raw_and_parts(self, X):
        """Return a `Raw`, and those of several networks of which it is made, or None."""
        if "members_" not in vars(self):
            return self._raw_predict(X), None
        raws = self._raws_of_members(X)
        return self._learned.target.pool(raws), raws

    def _deviations(self, raw, raws, n_draws):
        """Return standard deviations by what there is: of y, of several networks, of draws of dropout."""
        target = self._learned.target
        if n_draws is not None:
            check_scalar(n_draws, "n_draws", Integral, min_val=2)
            raws = self._raws_of_draws(raw.rows, n_draws)
            if target.has_std:
                return target.deviations(target.pool(raws))
        elif target.has_std:
            return self._scaled(target.deviations(raw))
        elif raws is None:
            if not modules.has_dropout(self.net_.module_):
                raise ValueError(
                    "return_std=True needs loss='gaussian', several networks (n_members=5, say) or "
                    "dropout in fit."
                )
            raws = self._raws_of_draws(raw.rows, _N_DRAWS)
        return _each(_spread, *map(self._predictions, raws))

    def _scaled(self, deviations):
        """Return standard deviations of y as large as held-out rows say they are."""
        calibration = vars(self).get("_calibration")
        if calibration is None:
            return deviations
        factors = calibration.scale if deviations.ndim > 1 else calibration.scale[0]
        return (deviations * factors).astype(deviations.dtype, copy=False)

    @in_plain_torch
    def predict_interval(self, X, coverage=0.9):
        """Return intervals in which y lies with a given probability, each output of y for itself.

        With `calibrate`, they are conformal: the errors on rows that were held out are laid around
        predictions, or around quantiles (``loss='quantile'``). Errors are measured in standard deviations
        where there are some: of ``loss='gaussian'``, or of several networks. Without it, they are what
        ``loss='gaussian'`` or two quantiles say themselves.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.
        coverage : float in (0, 1), default=0.9
            The probability, of rows as they are weighted in the fit.

        Returns
        -------
        ndarray of shape (n_samples, 2) or (n_samples, n_outputs, 2)
            Lower and upper ends.

        Raises
        ------
        ValueError
            If nothing in the fit tells how far y may lie from predictions, or too few rows were held out.
        """
        check_is_fitted(self)
        check_coverage(coverage)
        return self._interval(*self._raw_and_parts(X), coverage)

    def _interval(self, raw, raws, coverage):
        target, calibration = self._learned.target, vars(self).get("_calibration")
        if calibration is not None:
            ends = calibration.held.intervals(*self._values_and_std(raw, raws), coverage)
            ends = np.maximum(ends, target.task.kind.lowest_y)
            return ends[:, 0] if ends.shape[1] == 1 else ends
        if target.has_std:
            distance = ndtri(0.5 + coverage / 2) * np.array([-1.0, 1.0])
            parts = self._predictions(raw), target.deviations(raw)
            return _each(lambda mean, std: mean[..., None] + distance * std[..., None], *parts)
        if target.is_ordered:
            places = _levels_at(target.levels, coverage)
            return _each(lambda values: values[..., places], self._predictions(raw))
        remedy = "fit with calibrate=True. (Without them, "
        if self._outputs.kind != "single":
            remedy = f"but output={self._outputs.kind!r} has a sequence for each. ("
        raise ValueError(
            f"predict_interval needs rows that were held out: {remedy}loss='gaussian' and "
            "loss='quantile' with several quantiles make intervals by themselves, which may be too "
            "narrow.)"
        )

    def _values_and_std(self, raw, raws):
        """Return predictions and their deviations, or None, as columns in float64."""
        deviations = None
        if raws is not None or self._learned.target.has_std:
            deviations = _columns(self._deviations(raw, raws, None))
        return _columns(self._predictions(raw)), deviations

    def _hold(self, model, X, y, weight=None):
        """Return what a model, this one or that of a fold, predicts for rows that it has not seen."""
        target = self._learned.target
        values, std = model._values_and_std(*model._raw_and_parts(X))
        weight = None if weight is None else read_weight(weight, y)
        parts = (target.has_std, target.levels, tuple(target.scaling.scale.tolist()))
        y = target.task.columns(np.asarray(y))
        return HeldNumbers(y, weight, values, std, *parts)

    def score(self, X, y, sample_weight=None):
        """Return the R² on data, for ``loss='quantile'`` the D² of quantiles.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True numbers; a sequence of them for each row where predictions are sequences.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            R²; of all steps of all sequences where predictions are sequences. For ``loss='quantile'``
            `sklearn.metrics.d2_pinball_score`, the mean of it over several quantiles.
        """
        return score_of(self, X, y, sample_weight)


def _columns(values):
    return values.reshape(len(values), -1).astype(np.float64)


def _levels_at(levels, coverage):
    """Return the positions of the two quantiles between which there is a coverage."""
    needed = np.array([(1 - coverage) / 2, (1 + coverage) / 2])
    found = list(outer_levels(levels, coverage))
    if np.abs(np.array(levels)[found] - needed).max() > 1e-9:
        raise ValueError(
            f"coverage={coverage} lies between the quantiles {needed[0]:g} and {needed[1]:g}, but "
            f"quantile={list(levels)}: add them, or fit with calibrate=True."
        )
    return found
