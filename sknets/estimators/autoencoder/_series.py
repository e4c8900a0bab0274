"""The recurrent autoencoder: what X is, the plan of the network, and series that are made of codes."""

import warnings

import numpy as np
import torch
from sklearn.exceptions import UndefinedMetricWarning

from sknets import modules, targets
from sknets._plain_torch import in_plain_torch
from sknets.estimators._data import as_shares, read_weight
from sknets.estimators._methods import without_class
from sknets.estimators._per_layer import read_activations, read_sizes
from sknets.estimators.autoencoder._architecture import Unrolling
from sknets.estimators.autoencoder._base import BaseAutoencoder
from sknets.inputs import (
    Sequences,
    SequencesInput,
    order_by_length,
    prediction_dtype,
    to_tensor,
)


@without_class
class BaseRNNAutoencoder(BaseAutoencoder):
    """Recurrent layers between series and a code, and back."""

    _outputs = targets.Outputs("timesteps")

    @property
    def n_timesteps_(self):
        """Timesteps of the series of the first call; None where they differed."""
        return self._learned.input.one_length

    def _make_input(self):
        return SequencesInput(takes_tokens=False)

    def _make_architecture(self, input, target):
        layer_sizes = read_sizes("recurrent_layer_sizes", self.recurrent_layer_sizes, "units")
        if not layer_sizes:
            raise ValueError(
                "recurrent_layer_sizes=() has no layer; give at least one number of units, or use "
                "Autoencoder or CNNAutoencoder."
            )
        sizes = read_sizes("hidden_layer_sizes", self.hidden_layer_sizes, "units")
        names = read_activations(self.activation, len(sizes), "hidden", modules.ACTIVATIONS)
        plan = {
            "n_features": input.n_features,
            "layer_sizes": layer_sizes,
            "cell": self.cell,
            "bidirectional": self.bidirectional,
            "head_sizes": [*sizes, int(self.n_components)],
            "head_activations": [*names, self.code_activation],
            "dropout": float(self.dropout),
            "recurrent_dropout": float(self.recurrent_dropout),
            "weight_init": self.weight_init,
            **self._noise_plan,
        }
        return Unrolling(plan, target.inner.scaling)

    @in_plain_torch
    def inverse_transform(self, X, lengths=None):
        """Return the series that the decoder unrolls from codes.

        A code does not say how long its series was.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes.
        lengths : int or array-like of int of shape (n_samples,), default=None
            Timesteps of all series, or of each. None is `n_timesteps_`, the length that all series of
            `fit` had; where they differed, there is none, and lengths must be given.

        Returns
        -------
        ndarray of shape (n_samples, n_timesteps[, n_features]) or object array of series
            Series in the units of the X of `fit`, an array where they have one length. Timesteps are
            rows of features unless they were single numbers in `fit`.

        Raises
        ------
        ValueError
            If lengths are missing, or do not go with the codes.
        """
        codes = self._read_codes(X)
        lengths = self._read_lengths(lengths, len(codes))
        learned = self._learned
        net, values = learned.net, learned.net.flat.values
        width = int(lengths[0]) if (lengths == lengths[0]).all() else None
        # series of which nothing is known but how long they are
        n_values = np.broadcast_to(np.zeros(1), (lengths.sum(), learned.input.n_features))
        rows = Sequences(n_values, lengths, width=width)
        order, size = order_by_length(rows, net.rows_at_once, learned.input.longest)
        order = np.arange(len(codes)) if order is None else order

        def batches():
            for start in range(0, len(codes), size):
                part = order[start : start + size]
                code = to_tensor(codes[part], values.dtype, values.device)
                ends = None if width else torch.from_numpy(lengths[part]).to(values.device)
                yield code, int(lengths[part].max()), ends

        decode = net.module_.decode
        raw = self._decode(lambda batch: decode(*batch), batches(), len(codes), size)
        raw = raw[torch.from_numpy(np.argsort(order))]
        return self._series(targets.Raw(raw, rows, prediction_dtype(codes)))

    def _read_lengths(self, lengths, n_codes):
        """Return the timesteps of each series that is to be made."""
        if lengths is None:
            lengths = self.n_timesteps_
        if lengths is None:
            raise ValueError(
                "lengths=None needs series of one length, but those of fit differed (up to "
                f"{self._learned.input.longest} timesteps): give lengths, a number of timesteps for all "
                "codes or one for each, such as [len(series) for series in X]."
            )
        given = np.asarray(lengths)
        if given.dtype.kind not in "iu" or given.shape not in ((), (n_codes,)) or (given < 1).any():
            raise ValueError(
                f"lengths must be a whole number of at least 1, or one for each of the {n_codes} "
                f"codes, not {lengths!r:.200}."
            )
        return np.array(np.broadcast_to(given, n_codes), dtype=np.int64)

    @in_plain_torch
    def score(self, X, y=None, sample_weight=None):
        """Return the share of the variance of X that is kept by codes.

        It is 1 - Σ (x - x̂)² / Σ (x - x̄)², over all values of all timesteps, padding left out; x̄ is the
        mean over the series that reach that timestep. For series of one length it is the score of a PCA
        of the table of their values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps[, n_features]) or list of series
            Data, as in `fit`.
        y : object, default=None
            Not used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the series, and so of each of their timesteps.

        Returns
        -------
        float
            At most 1; higher is better.
        """
        raw = self._raw_predict(X)
        rows, scaling = raw.rows, self._learned.target.inner.scaling
        weight = None
        if sample_weight is not None:
            weight = rows.repeat(read_weight(as_shares(sample_weight), rows))
        unit = scaling.scale.max()  # in which squares neither overflow nor vanish
        left = (rows.values - self._steps(raw)) / unit
        places = np.arange(len(left)) - rows.repeat(rows.starts)
        return _kept(left, (rows.values - scaling.shift) / unit, places, weight)

    def _steps(self, raw):
        """Return what raw outputs are in units of X, a row for each timestep."""
        steps = self._learned.target.of_steps(raw)
        return steps.reshape(len(steps), -1)

    def _series(self, raw):
        """Return what raw outputs are in units of X, series by series."""
        steps = self._steps(raw)
        return raw.rows.split(steps if self._learned.input.has_feature_axis else steps[:, 0])


def _kept(left, values, places, weight):
    """Return which share of the squared spread around the means of the places is not left.

    Parameters
    ----------
    left, values : ndarray of shape (n_values, n_features)
        What is left of values, and the values.
    places : ndarray of int, shape (n_values,)
        The timestep of each.
    weight : ndarray of shape (n_values,) or None
        Its weight.
    """
    if (places == 0).sum() < 2:
        warnings.warn(
            "The share of variance is not well-defined with less than two samples.",
            UndefinedMetricWarning,
            stacklevel=2,
        )
        return float("nan")
    weight = np.ones(len(values)) if weight is None else weight
    # beside the first value of each place, so that what is constant has no spread to the last bit
    values = values - values[np.unique(places, return_index=True)[1]][places]
    counts = np.bincount(places, weight)
    sums = [np.bincount(places, weight * column) for column in values.T]
    with np.errstate(invalid="ignore"):  # of timesteps whose series have no weight
        means = (np.array(sums) / counts).T
    spread = np.where(weight[:, None] > 0, values - means[places], 0.0)
    total, rest = (float(weight @ (part**2).sum(axis=1)) for part in (spread, left))
    if total == 0:
        return float(rest == 0)
    return 1.0 - rest / total
