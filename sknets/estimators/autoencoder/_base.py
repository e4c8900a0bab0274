"""What autoencoders share: codes, and rows that are made of them."""

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sknets import targets
from sknets._plain_torch import in_plain_torch
from sknets.estimators._base import BaseNet
from sknets.estimators._data import as_shares
from sknets.estimators._methods import without_class
from sknets.estimators._sklearn import fit_context
from sknets.estimators._tasks import is_incremental
from sknets.estimators._watched import watched
from sknets.inputs import prediction_dtype, to_tensor


@without_class
class BaseAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseNet):
    """A network that returns its rows, by way of a code; its y is X itself."""

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
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : object, default=None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. A weight of 0 is removal, a weight of 2 is repetition.
        X_val : array-like of shape (n_val_samples, n_features), default=None
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
        X : array-like of shape (n_samples, n_features)
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
        X : array-like of shape (n_samples, n_features)
            Data, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Codes.
        """
        check_is_fitted(self)
        raw = self._raw_predict(X, self.net_.module_.encode)
        return raw.values.numpy().astype(raw.dtype, copy=False)

    @in_plain_torch
    def inverse_transform(self, X):
        """Return the rows that the decoder makes of codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Rows in the units of the X of `fit`.
        """
        check_is_fitted(self)
        codes = check_array(
            X, dtype=(np.float64, np.float32), estimator=self, input_name="X (codes)"
        )
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {codes.shape[1]} columns, but the codes of this {type(self).__name__} have "
                f"{self._n_features_out}."
            )
        learned = self._learned
        net, values = learned.net, learned.net.flat.values
        batches = (
            to_tensor(codes[start : start + net.rows_at_once], values.dtype, values.device)
            for start in range(0, len(codes), net.rows_at_once)
        )
        with learned.threads_for(min(len(codes), net.rows_at_once)):
            raw = net.raw_outputs(batches, len(codes), net.module_.decode)
        return self._rows(targets.Raw(raw, codes, prediction_dtype(codes)))

    @in_plain_torch
    def score(self, X, y=None, sample_weight=None):
        """Return the share of the variance of X that is kept by codes.

        It is 1 - Σ (x - x̂)² / Σ (x - x̄)², over all values: on training data, for a PCA, the sum of
        `explained_variance_ratio_`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data, as in `fit`.
        y : object, default=None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            At most 1; higher is better.
        """
        raw = self._raw_predict(X)
        return r2_score(
            raw.rows,
            self._rows(raw),
            sample_weight=as_shares(sample_weight),
            multioutput="variance_weighted",
        )

    def _rows(self, raw):
        """Return what raw outputs are in units of X."""
        rows = self._learned.target.predictions(raw)
        return rows.reshape(len(rows), -1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
