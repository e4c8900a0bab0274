"""The two tasks: everything that depends on y."""

import warnings

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from sknets import modules, training
from sknets.estimators._sklearn import fit_context


def _is_stochastic(estimator):
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


class ClassifierTask(ClassifierMixin):
    """Classification: labels or label indicators, cross-entropy, probabilities."""

    def _learn_target(self, y, sample_weight, classes):
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError(
                "y has several columns with more than two values (multiclass-multioutput), which is "
                "not supported. Wrap the classifier in sklearn.multioutput.MultiOutputClassifier."
            )
        self._is_multilabel = kind == "multilabel-indicator"
        self._is_sparse_target = sp.issparse(y)
        if self._is_multilabel:
            self.classes_ = np.arange(y.shape[1])
            self.n_outputs_ = y.shape[1]
        else:
            self.classes_ = np.unique(y) if classes is None else np.unique(classes)
            self.n_outputs_ = len(self.classes_) if len(self.classes_) > 2 else 1
        is_softmax = not self._is_multilabel and self.n_outputs_ > 1
        self._output = modules.SoftmaxOutput() if is_softmax else modules.LogisticOutput()
        self.out_activation_ = self._output.name
        self._check_target(y, is_validation=True)

    def _check_target(self, y, *, is_validation=False):
        if self._is_multilabel:
            if y.ndim != 2 or y.shape[1] != self.n_outputs_:
                raise ValueError(f"y must be an indicator of {self.n_outputs_} labels, as in fit.")
            values = np.unique(y.data if sp.issparse(y) else y)
            if not np.isin(values, (0, 1)).all():
                raise ValueError(f"A multilabel y must hold 0 and 1, it holds {values}.")
            return
        labels = unique_labels(y)
        if self.warm_start and not is_validation and set(labels) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {labels}"
            )
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}, `y` has {unknown} beside them."
            )

    def _encode_target(self, y):
        if self._is_multilabel:
            return (y.toarray() if sp.issparse(y) else y).astype(np.float64)
        codes = np.searchsorted(self.classes_, y)
        return codes if self.n_outputs_ > 1 else codes[:, None].astype(np.float64)

    def _weigh(self, y, sample_weight):
        if self.class_weight is None:
            return sample_weight
        if self._is_multilabel:
            dense = y.toarray() if sp.issparse(y) else y
            weight = compute_sample_weight(self._class_weights, dense)
        else:
            weight = self._class_weights[np.searchsorted(self.classes_, y)]
        if not (np.isfinite(weight) & (weight >= 0)).all():
            raise ValueError(
                f"class_weight={self.class_weight!r} must hold finite numbers that are not negative."
            )
        return weight if sample_weight is None else weight * sample_weight

    def _learn_weights(self, y, sample_weight):
        if self.class_weight is None:
            return
        if self._is_multilabel:
            self._class_weights = self._label_weights(y)
            return
        if isinstance(self.class_weight, list):
            raise ValueError(
                "class_weight as a list is for a multilabel y; give a dict of classes."
            )
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        self._class_weights = compute_class_weight(
            self.class_weight, classes=self.classes_, y=y, sample_weight=weight
        )

    def _label_weights(self, y):
        """Return a dict of class weights for each label."""
        if self.class_weight != "balanced":
            return self.class_weight
        weights = []
        for label in (y.toarray() if sp.issparse(y) else y).T:
            classes = np.unique(label)
            weight = compute_class_weight("balanced", classes=classes, y=label)
            weights.append(dict(zip(classes, weight, strict=True)))
        return weights

    def _strata(self, y):
        if self._is_multilabel:
            return None
        return self._encode_target(y).astype(bool if self.n_outputs_ == 1 else int)

    def _make_loss(self):
        if self.out_activation_ == "softmax":
            return training.SoftmaxCrossEntropy(label_smoothing=self.label_smoothing)
        return training.BinaryCrossEntropy(label_smoothing=self.label_smoothing)

    @available_if(_is_stochastic)
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
        if classes is not None:
            classes = self._all_classes(y, classes)
        is_first = not hasattr(self, "net_")
        if is_first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if not is_first and classes is not None and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"`classes={classes}` is not the same as on last call to partial_fit, was: "
                f"{self.classes_}"
            )
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all of y and cannot be used in partial_fit; "
                "pass a dict of weights instead."
            )
        return self._fit(X, y, sample_weight, is_partial=True, classes=classes)

    def _all_classes(self, y, classes):
        """Return the classes that any call will see, given what the user says."""
        is_indicator = type_of_target(y).startswith("multilabel")
        return np.arange(np.shape(y)[1]) if is_indicator else np.unique(classes)

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
        return self._decode(X, self._labels)

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
        return self._decode(X, self._probabilities)

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
        return self._decode(X, self._log_probabilities)

    def _labels(self, raw, dtype):
        probabilities = self._probabilities(raw, dtype)
        if not self._is_multilabel:
            return self.classes_[probabilities.argmax(axis=1)]
        labels = (probabilities > 0.5).astype(int)
        return sp.csr_matrix(labels) if self._is_sparse_target else labels

    def _probabilities(self, raw, dtype):
        return self._with_both_classes(raw, self._output).numpy().astype(dtype, copy=False)

    def _log_probabilities(self, raw, dtype):
        probabilities = self._with_both_classes(raw, self._output)
        logs = torch.where(
            probabilities > torch.finfo(probabilities.dtype).tiny,
            probabilities.log(),
            self._with_both_classes(raw, self._output.log_probabilities),
        )
        return logs.numpy().astype(dtype, copy=False)

    def _with_both_classes(self, raw, output):
        if self._is_multilabel or self.n_outputs_ > 1:
            return output(raw)
        if len(self.classes_) == 1:  # whatever the raw output, there is one class to predict
            raw = torch.full_like(raw, -torch.inf)
            return output(-raw)
        return torch.cat(
            [output(-raw), output(raw)], dim=1
        )  # 1 - σ(z) = σ(-z), without cancellation

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class RegressorTask(RegressorMixin, MultiOutputMixin):
    """Regression: one or several numbers, standardised for the loss and back for the user."""

    def _learn_target(self, y, sample_weight, classes):
        y = self._as_columns(y)
        self.n_outputs_ = y.shape[1]
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.average(y, axis=0, weights=sample_weight)
            reach = np.abs(y - mean).max(axis=0)
            reach = np.where(reach > 0, reach, 1.0)  # squares of tiny residuals would vanish
            relative = np.average(((y - mean) / reach) ** 2, axis=0, weights=sample_weight)
            spread = reach * np.sqrt(relative)
        if not np.isfinite(spread).all():
            raise ValueError(
                f"y reaches {np.abs(y).max():.3g}, too large to standardise in float64; "
                "divide it by a constant."
            )
        is_constant = spread <= 10 * np.finfo(np.float64).eps * np.abs(mean)
        self._is_constant_target = bool(is_constant.all())
        if self.loss == "poisson":
            self._output = modules.ExpOutput(np.where(mean > 0, mean, 1.0))
        else:
            self._output = modules.IdentityOutput(mean, np.where(is_constant, 1.0, spread))
        self.out_activation_ = self._output.name

    def _check_target(self, y, *, is_validation=False):
        n_outputs = self._as_columns(y).shape[1]
        if n_outputs != self.n_outputs_:
            raise ValueError(f"y has {n_outputs} outputs, but the network has {self.n_outputs_}.")

    def _as_columns(self, y):
        if y.dtype.kind in "mM":
            raise ValueError(f"y must be numbers in regression, not times ({y.dtype}).")
        if y.dtype.kind not in "buif":
            try:
                y = y.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise ValueError(f"y must be numbers in regression: {error}") from error
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError("loss='poisson' needs y >= 0, but y has negative values.")
        return y.astype(np.float64).reshape(len(y), -1)

    def _encode_target(self, y):
        columns = self._as_columns(y)
        scale = self._output.scale.numpy()
        if self.loss == "poisson":
            return columns / scale
        return (columns - self._output.shift.numpy()) / scale

    def _learn_weights(self, y, sample_weight):
        pass  # nothing but the user's own weights

    def _weigh(self, y, sample_weight):
        return sample_weight

    def _strata(self, y):
        return None

    def _make_loss(self):
        loss = training.LOSSES[self.loss]
        return loss(**{name: getattr(self, name) for name in training.declared(loss)})

    @available_if(_is_stochastic)
    @fit_context
    def partial_fit(self, X, y, sample_weight=None):
        """Go on with one epoch over the given data.

        The first call decides on the scale in which the target is learned.

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
        is_first = not hasattr(self, "net_")
        self._fit(X, y, sample_weight, is_partial=True)
        if is_first and self._is_constant_target:
            warnings.warn(
                "The first call to partial_fit saw a y without spread, so y is learned as it is. Begin "
                "with more rows: their spread is the scale in which y is learned.",
                stacklevel=3,
            )
        return self

    def predict(self, X):
        """Predict the target.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions in the units of y and the floating-point type of X.
        """
        return self._decode(X, self._numbers)

    def _numbers(self, raw, dtype):
        y = self._output(raw).numpy().astype(dtype, copy=False)
        return y[:, 0] if self.n_outputs_ == 1 else y
