"""The two tasks of scikit-learn: what a classifier and a regressor can be asked."""

import numpy as np
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sknets import targets, training
from sknets._plain_torch import in_plain_torch
from sknets._warn import warn_user
from sknets.estimators._data import as_shares
from sknets.estimators._methods import without_class
from sknets.estimators._overflow import check_predictions
from sknets.estimators._sklearn import fit_context
from sknets.inputs import compare_names_of_y


def _is_incremental(estimator):
    # what is no solver is for the validation of parameters to refuse
    known = [kind for name, kind in training.SOLVERS.items() if name == estimator.solver]
    if known and not known[0].is_incremental:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


def _score(estimator, X, y, sample_weight):
    predictions, weight = estimator.predict(X), as_shares(sample_weight)
    learned = estimator._learned
    compare_names_of_y(learned.target.task.names(y), learned.y_names)
    return learned.target.score(predictions, y, weight, lambda: estimator._read(X))


@without_class
class ClassifierTask(ClassifierMixin):
    """Classification: labels or label indicators, cross-entropy, probabilities."""

    @property
    def _task(self):
        return targets.Classification(self.class_weight, self.label_smoothing, self.loss)

    @property
    def classes_(self):
        """Class labels, or the numbers of the labels for a multilabel y."""
        return self._learned.target.classes

    @available_if(_is_incremental)
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
        return self._fit(X, y, sample_weight, is_partial=True, classes=classes)

    @in_plain_torch
    def predict(self, X):
        """Predict the most probable class, or the labels with a probability above one half.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Classes, or indicators of labels (a sparse matrix if y was one).
        """
        raw = self._raw_predict(X)
        return self._learned.target.predictions(raw)

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
        raw = self._raw_predict(X)
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
        raw = self._raw_predict(X)
        return self._learned.target.log_probabilities(raw)

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
        return _score(self, X, y, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _spread(predictions):
    """Return the standard deviation of several predictions of the same rows."""
    if isinstance(predictions[0], np.ndarray) and predictions[0].dtype != object:
        unit = np.abs(predictions).max() or 1.0  # else squares may overflow
        return unit * np.std(np.divide(predictions, unit), axis=0)
    spreads = np.empty(len(predictions[0]), dtype=object)  # sequences of several lengths
    for row, of_row in enumerate(zip(*predictions, strict=True)):
        spreads[row] = np.std(of_row, axis=0)
    return spreads


@without_class
class RegressorTask(RegressorMixin, MultiOutputMixin):
    """Regression: one or several numbers, standardised for the loss and back for the user."""

    @property
    def _task(self):
        if np.ndim(self.quantile) and self.loss != "quantile":
            raise ValueError(
                f"quantile={self.quantile!r} needs loss='quantile', but loss={self.loss!r}."
            )
        declared = () if callable(self.loss) else training.declared(training.LOSSES[self.loss])
        return targets.Regression(self.loss, {name: getattr(self, name) for name in declared})

    @available_if(_is_incremental)
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
        self._fit(X, y, sample_weight, is_partial=True)
        if is_first and self._learned.target.is_constant:
            warn_user(
                "The first call to partial_fit saw a y without spread, which is predicted as it is. The "
                "first call with another y decides on the scale in which y is learned: begin with more "
                "rows."
            )
        return self

    @in_plain_torch
    def predict(self, X, *, return_std=False):
        """Predict the target.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.
        return_std : bool, default=False
            Whether to return also by how much the members differ (``n_members=2`` or more).

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions in the units of y, in the floating-point type of X unless y needs more digits
            or a larger range. With ``quantile=[...]`` of shape (n_samples, n_quantiles).
        std : ndarray of the same shape
            Standard deviation of the members' predictions: what comes from not knowing the network,
            which is less than the error. Only if `return_std`.

        Raises
        ------
        ValueError
            If `return_std` is asked for and there is one network only.
        """
        if return_std:
            return self._predict_with_spread(X)
        return self._predictions(self._raw_predict(X))

    def _predictions(self, raw):
        predictions = self._learned.target.predictions(raw)
        check_predictions(predictions)
        return predictions

    def _predict_with_spread(self, X):
        check_is_fitted(self)
        if "members_" not in vars(self):
            raise ValueError(
                "return_std=True needs several networks: fit with n_members of 2 or more (5, say)."
            )
        raws = self._raws_of_members(X)
        mean = self._predictions(self._learned.target.pool(raws))
        return mean, _spread(list(map(self._predictions, raws)))

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
        return _score(self, X, y, sample_weight)
