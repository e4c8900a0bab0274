"""Autoencoders whose rows are arrays of one size: tables and images."""

from sklearn.metrics import r2_score

from sknets import targets
from sknets._plain_torch import in_plain_torch
from sknets.estimators._data import as_shares, read_weight
from sknets.estimators._methods import without_class
from sknets.estimators.autoencoder._base import BaseAutoencoder
from sknets.inputs import prediction_dtype, to_tensor


@without_class
class ArrayAutoencoder(BaseAutoencoder):
    """Rows of one size, from codes and back."""

    @in_plain_torch
    def inverse_transform(self, X):
        """Return the rows that the decoder makes of codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes.

        Returns
        -------
        ndarray of shape (n_samples, n_features) or (n_samples, ...)
            Rows in the shape and the units of the X of `fit`.
        """
        codes = self._read_codes(X)
        net = self._learned.net
        values, size = net.flat.values, net.rows_at_once
        batches = (
            to_tensor(codes[start : start + size], values.dtype, values.device)
            for start in range(0, len(codes), size)
        )
        raw = self._decode(net.module_.decode, batches, len(codes), size)
        rows = self._flat_rows(targets.Raw(raw, codes, prediction_dtype(codes)))
        return rows.reshape(len(rows), *self._learned.input.row_shape)

    @in_plain_torch
    def score(self, X, y=None, sample_weight=None):
        """Return the share of the variance of X that is kept by codes.

        It is 1 - Σ (x - x̂)² / Σ (x - x̄)², over all values: on training data, for a PCA, the sum of
        `explained_variance_ratio_`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.
        y : object, default=None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            At most 1; higher is better. Of a single row NaN, with a warning, as R² is.
        """
        raw = self._raw_predict(X)
        if sample_weight is not None:
            sample_weight = read_weight(as_shares(sample_weight), raw.rows)
        return r2_score(
            raw.rows.reshape(len(raw.rows), -1),
            self._flat_rows(raw),
            sample_weight=sample_weight,
            multioutput="variance_weighted",
        )

    def _flat_rows(self, raw):
        """Return what raw outputs are in units of X, values side by side."""
        rows = self._learned.target.predictions(raw)
        return rows.reshape(len(rows), -1)
