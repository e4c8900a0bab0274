"""What a classifier can be asked."""

import numpy as np
import scipy.sparse as sp
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sknets import targets
from sknets._plain_torch import in_plain_torch
from sknets.estimators._data import read_weight
from sknets.estimators._methods import without_class
from sknets.estimators._sklearn import fit_context
from sknets.estimators._tasks import SupervisedTask, is_incremental, score_of
from sknets.estimators._watched import watched
from sknets.uncertainty import HeldClasses, HeldLabels, check_coverage


@without_class
class ClassifierTask(SupervisedTask, ClassifierMixin):
    """Classification: labels or label indicators, cross-entropy, probabilities."""

    @property
    def _task(self):
        return targets.Classification(self.class_weight, self.label_smoothing, self.loss)

    @property
    def classes_(self):
        """Class labels, or the numbers of the labels for a multilabel y."""
        return self._learned.target.classes

    @property
    def temperature_(self):
        """What raw outputs are divided by before they become probabilities."""
        if "_calibration" not in vars(self):
            raise AttributeError(
                f"{type(self).__name__} has no temperature_: it was fitted with calibrate=False."
            )
        return self._calibration.scale

    @available_if(is_incremental)
    @fit_context
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Go on with one epoch over the given data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A part of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Its labels, or label indicators.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        classes : array-like of shape (n_classes,), default=None
            All classes that any call will see. Needed in the first call.

        Returns
        -------
        self : object
            The estimator after the epoch.

        Raises
        ------
        ValueError
            If `classes` is missing in the first call, changes later, or y has other labels.
        """
        is_first = not hasattr(self, "_learned")
        if is_first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if not is_first and classes is not None:
            self._learned.target.check_classes(classes)
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all of y and cannot be used in partial_fit; "
                "pass a dict of weights instead."
            )
        with watched(self, is_partial=True):
            return self._fit(X, y, sample_weight, is_partial=True, classes=classes)

    @in_plain_torch
    def predict(self, X, *, coverage=None):
        """Predict the most probable class, or the labels with a probability above one half.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.
        coverage : float in (0, 1), default=None
            If given, sets of classes are returned, too, as `predict_set` makes them: for pipelines, which
            have no such method.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Classes, or indicators of labels (a sparse matrix if y was one).
        sets : ndarray of bool, shape (n_samples, n_classes)
            Whether a class is in the set of a row. Only with `coverage`.
        """
        if coverage is not None:
            check_coverage(coverage)
        raw = self._raw_predict(X)
        labels = self._learned.target.predictions(raw)
        return labels if coverage is None else (labels, self._set(raw, coverage))

    @in_plain_torch
    def predict_proba(self, X):
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities in the order of `classes_`; of each label on its own for a multilabel y.
        """
        raw = self._calibrated(self._raw_predict(X))
        return self._learned.target.probabilities(raw)

    @in_plain_torch
    def predict_log_proba(self, X):
        """Predict the logarithm of the probability of each class.

        It is finite where a probability is too small for a floating-point number.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities in the order of `classes_`.
        """
        raw = self._calibrated(self._raw_predict(X))
        return self._learned.target.log_probabilities(raw)

    def _calibrated(self, raw):
        calibration = vars(self).get("_calibration")
        return raw if calibration is None else raw._replace(values=raw.values / calibration.scale)

    @in_plain_torch
    def predict_set(self, X, coverage=0.9):
        """Return sets of classes that contain the true one with a given probability.

        A class is in the set if it is as probable as the true class was for so many of the rows that were
        held out [1]_. A set may have one class, several, or none.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.
        coverage : float in (0, 1), default=0.9
            The probability, of rows as they are weighted in the fit.

        Returns
        -------
        ndarray of bool, shape (n_samples, n_classes)
            Whether a class is in the set of a row, in the order of `classes_`.

        Raises
        ------
        ValueError
            If the fit has not calibrated, if too few rows were held out, or for a multilabel y.

        References
        ----------
        .. [1] Sadinle, Lei and Wasserman (2019). Least ambiguous set-valued classifiers with bounded
           error levels. Journal of the American Statistical Association 114.
        """
        check_is_fitted(self)
        check_coverage(coverage)
        return self._set(self._raw_predict(X), coverage)

    def _set(self, raw, coverage):
        calibration = vars(self).get("_calibration")
        if calibration is None:
            raise ValueError("predict_set needs rows that were held out: fit with calibrate=True.")
        if not isinstance(calibration.held, HeldClasses):
            raise ValueError(
                "predict_set is for one class per row; y had several labels, each of which has a "
                "probability of its own (predict_proba)."
            )
        return calibration.held.sets(self._logs_by(self, raw), calibration.scale, coverage)

    def _logs_by(self, model, raw):
        """Return logarithms of uncalibrated probabilities by a model of the same classes, or of fewer."""
        target = model._learned.target
        logs = target.log_probabilities(raw).astype(np.float64)
        if len(target.classes) == len(self.classes_):
            return logs
        wide = np.full((len(logs), len(self.classes_)), -np.inf)
        wide[:, np.searchsorted(self.classes_, target.classes)] = logs
        return wide

    def _hold(self, model, X, y, weight=None):
        """Return what a model, this one or that of a fold, predicts for rows that it has not seen."""
        target, raw = self._learned.target, model._raw_predict(X)
        weight = None if weight is None else read_weight(weight, y)
        if isinstance(target, targets.LabelTarget):
            y = target.encode(y if sp.issparse(y) else np.asarray(y))
            return HeldLabels(y, weight, raw.values.double().numpy())
        y = np.searchsorted(self.classes_, np.ravel(y))
        return HeldClasses(y, weight, self._logs_by(model, raw))

    def score(self, X, y, sample_weight=None):
        """Return the accuracy on data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True labels; a sequence of them for each row where predictions are sequences.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            Share of the rows that are right. Where there is a label for each timestep, share of the
            timesteps; where sequences are written, share of the sequences that are right as a whole.
        """
        return score_of(self, X, y, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
