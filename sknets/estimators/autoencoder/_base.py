"""What autoencoders share: how they are fitted, and codes."""

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sknets import targets
from sknets._plain_torch import in_plain_torch
from sknets.estimators._base import BaseNet
from sknets.estimators._methods import without_class
from sknets.estimators._sklearn import fit_context
from sknets.estimators._tasks import is_incremental
from sknets.estimators._watched import watched


@without_class
class BaseAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseNet):
    """A network that returns its rows, by way of a code; its y is X itself.

    What is made of codes depends on what rows are: `ArrayAutoencoder` and `BaseRNNAutoencoder`.
    """

    # what other families have as parameters: one network, and an error that is squared
    loss = "squared_error"
    n_members = 1
    calibrate = False

    @property
    def _task(self):
        return targets.Reconstruction()

    @fit_context
    def fit(self, X, y=None, sample_weight=None, *, X_val=None, sample_weight_val=None):
        """Learn a code of rows from which they can be made again.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Training data: a table, or what else the network takes.
        y : object, default=None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. A weight of 0 is removal, a weight of 2 is repetition.
        X_val : array-like of shape (n_val_samples, ...), default=None
            Validation data of your own. With `early_stopping` they decide when to stop and nothing is
            set aside; without it they are recorded in `history_`.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation data.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If data or parameters are invalid, or if training diverges. The estimator is then as it was
            before the call.
        """
        with watched(self):
            return self._fit(X, None, sample_weight, (X_val, X_val, sample_weight_val))

    @available_if(is_incremental)
    @fit_context
    def partial_fit(self, X, y=None, sample_weight=None):
        """Go on with one epoch over the given data.

        The first call decides on the scale in which rows are learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            A part of the training data.
        y : object, default=None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : object
            The estimator after the epoch.
        """
        with watched(self, is_partial=True):
            return self._fit(X, None, sample_weight, is_partial=True)

    @in_plain_torch
    def transform(self, X):
        """Return the codes of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Codes.
        """
        check_is_fitted(self)
        raw = self._raw_predict(X, self.net_.module_.encode)
        return raw.values.numpy().astype(raw.dtype, copy=False)

    def _read_codes(self, X):
        """Return codes as an array, checked."""
        check_is_fitted(self)
        codes = check_array(
            X, dtype=(np.float64, np.float32), estimator=self, input_name="X (codes)"
        )
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {codes.shape[1]} columns, but the codes of this {type(self).__name__} have "
                f"{self._n_features_out}."
            )
        return codes

    def _decode(self, part, inputs, n_rows, n_at_once):
        """Return what a part of the module makes of batches that have so many rows in all."""
        learned = self._learned
        with learned.threads_for(min(n_rows, n_at_once)):
            return learned.net.raw_outputs(inputs, n_rows, part)

    @property
    def _noise_plan(self):
        """What corrupts rows in training, in plain values."""
        if self.noise == "masking" and self.noise_level >= 1:
            raise ValueError(
                f"noise_level={self.noise_level!r} must be below 1 for noise='masking'."
            )
        level = 0.0 if self.noise is None else float(self.noise_level)
        return {"noise": self.noise, "noise_level": level}

    @property
    def _n_features_out(self):
        return self._learned.architecture.n_components

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
