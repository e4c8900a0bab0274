"""The recurrent network: what its classifier and its regressor share."""

import math

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sknets import modules
from sknets._plain_torch import in_plain_torch
from sknets.estimators._base import BaseNet
from sknets.estimators._data import read_data
from sknets.estimators._per_layer import per_layer, read_activations, read_sizes
from sknets.estimators.rnn._architecture import Recurrent
from sknets.estimators.rnn._shortcut import fit_shortcut
from sknets.inputs import SequencesInput, plain_scaling
from sknets.targets import Outputs

# What "auto" means; chosen with benchmarks/bench_rnn_defaults.py
_FIRST_CHANNELS, _MOST_CHANNELS = 32, 64
_SHORT = 64
_EMBEDDING_DIM = 64
_AUTO_POOL = {"single": "last", "timesteps": None, "sequence": "attention"}


def _has_shortcut(estimator):
    return getattr(estimator, "linear_shortcut", False)  # classifiers know none


class BaseRNN(BaseNet):
    """Recurrent layers between sequences and a dense head."""

    # --- what a fit asks ---------------------------------------------------------------------------

    def _make_input(self):
        return SequencesInput(self.vocabulary_size, has_one_length=_has_shortcut(self))

    @property
    def _outputs(self):
        return Outputs(self.output, self.max_output_length)

    def _make_architecture(self, input, target):
        self._check_unused()
        layer_sizes = read_sizes("recurrent_layer_sizes", self.recurrent_layer_sizes, "units")
        if not layer_sizes:
            raise ValueError(
                "recurrent_layer_sizes=() has no layer; give at least one number of units, or use an MLP "
                "or a CNN."
            )
        hidden_sizes = read_sizes("hidden_layer_sizes", self.hidden_layer_sizes, "units")
        convolutions = self._convolutions(input.longest)
        n_layers = len(convolutions) + len(hidden_sizes)
        names = read_activations(self.activation, n_layers, "conv and hidden", modules.ACTIVATIONS)
        for convolution, name in zip(convolutions, names, strict=False):
            convolution["activation"] = name
        return Recurrent(
            {
                "input": {
                    "n_features": input.n_features,
                    "vocabulary_size": input.vocabulary_size,
                    "embedding_dim": self.embedding_dim or _EMBEDDING_DIM,
                },
                "input_scaling": plain_scaling(self.input_scaling),
                "output": self.output,
                "convolutions": convolutions,
                "layer_sizes": layer_sizes,
                "cell": self.cell,
                "bidirectional": self.bidirectional,
                "pool": _AUTO_POOL[self.output] if self.pool == "auto" else self.pool,
                "decoder": self._decoder(target),
                "dropout": float(self.dropout),
                "recurrent_dropout": float(self.recurrent_dropout),
                "bptt_steps": self.bptt_steps,
                "weight_init": self.weight_init,
                "n_shortcut": input.longest if _has_shortcut(self) else 0,
                "head_sizes": [*hidden_sizes, target.n_outputs],
                "head_activations": names[len(convolutions) :],
            }
        )

    def _decoder(self, target):
        """Return the parameters of the decoder in plain values, None where nothing is written."""
        if self.output != "sequence":
            return None
        return {
            "n_classes": target.n_written_classes,
            "max_output_length": target.output_length,
            "teacher_forcing": float(self.teacher_forcing),
        }

    def _check_unused(self):
        """Refuse parameters that the others leave without effect."""
        writes = self.output == "sequence"
        unmet = {
            "pool": self.output == "timesteps" and self.pool != "auto",
            "conv_channels": self.output == "timesteps"
            and not isinstance(self.conv_channels, str)
            and np.size(self.conv_channels) > 0,
            "teacher_forcing": not writes and self.teacher_forcing != 1.0,
            "max_output_length": not writes and self.max_output_length is not None,
            "scoring": writes and self.scoring not in (None, "loss"),
        }
        for name, is_unmet in unmet.items():
            if is_unmet:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} has no place in a network with "
                    f"output={self.output!r}; leave it at its default."
                )
        if _has_shortcut(self):
            self._check_shortcut()
        if self.vocabulary_size is None and self.embedding_dim is not None:
            raise ValueError(
                f"embedding_dim={self.embedding_dim} is for tokens: set vocabulary_size, which is None."
            )
        if self.vocabulary_size is not None and isinstance(self.input_scaling, tuple | list):
            raise ValueError(
                f"input_scaling={self.input_scaling!r} is for series of numbers; tokens are not scaled."
            )
        if self.bptt_steps is not None and self.bidirectional:
            raise ValueError(
                f"bptt_steps={self.bptt_steps} cuts the gradient on its way back, which "
                "bidirectional=True has in both directions; set one of them to its default."
            )
        if writes and self.teacher_forcing < 1.0 and self.recurrent_dropout > 0:
            raise ValueError(
                f"teacher_forcing={self.teacher_forcing} writes step by step, where recurrent_dropout="
                f"{self.recurrent_dropout} cannot keep one mask; set one of them to its default."
            )

    def _check_shortcut(self):
        """Refuse a linear shortcut where a ridge is no start: it is linear and fits means."""
        unmet = {
            "output": self.output != "single",
            "vocabulary_size": self.vocabulary_size is not None,
            "loss": self.loss != "squared_error",
        }
        for name, is_unmet in unmet.items():
            if is_unmet:
                raise ValueError(
                    f"linear_shortcut=True has no place in a network with {name}="
                    f"{getattr(self, name)!r}: it leads from series of numbers to one row of outputs, "
                    "linear in them, whose squared errors are least. Set one of the two to its default."
                )

    def _convolutions(self, longest):
        """Return the parameters of each convolution in plain values."""
        if isinstance(self.conv_channels, str):
            channels = _auto_channels(longest) if self.output == "single" else []
        else:
            channels = read_sizes("conv_channels", self.conv_channels, "channels")
        kernels, windows = (
            read_sizes(name, per_layer(name, getattr(self, name), len(channels), "conv"), what)
            for name, what in (("kernel_size", "timesteps"), ("pool_size", "timesteps"))
        )
        names = ("n_channels", "kernel_size", "pool_size")
        rows = zip(channels, kernels, windows, strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]

    @available_if(_has_shortcut)
    @in_plain_torch
    def refit_shortcut(self, X, y, sample_weight=None, *, layers=True):
        """Find the linear shortcut anew, for what the layers leave of y, without training.

        After a fit with `early_stopping`, which holds rows back, it can so learn from all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps[, n_features]) or list of sequences
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        layers : bool, default=True
            Whether to keep what the layers add. Without it they add nothing from now on, and the
            network is the ridge of y.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If data are invalid, or not like those of `fit`; or if `fit` had no linear shortcut.
        """
        check_is_fitted(self)
        learned, module = self._learned, self.net_.module_
        if not learned.architecture.spec["n_shortcut"]:
            raise ValueError(
                "The network has no linear shortcut to refit, for it was fitted with "
                "linear_shortcut=False; fit it anew with True."
            )
        parts = (learned.input, learned.target.task, X, y, sample_weight)
        data = read_data(self, *parts, reset=False)
        learned.target.check(data.y)
        left = learned.target.encode(data.y)
        if layers:
            left = left - self._raw_predict(data.rows, module.beside_shortcut).values.numpy()
        weight, bias, _ = fit_shortcut(module, data.rows, left, data.weight)
        module.shortcut.set_to(weight, bias)
        if not layers:
            module.head.start_at_zero()
        return self

    @in_plain_torch
    def attention_weights(self, X):
        """Return how much the network looks at each timestep.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps[, n_features]) or list of sequences
            Data.

        Returns
        -------
        ndarray of shape (n_samples, n_timesteps) or object array of (n_timesteps,) arrays
            Weights that sum to 1 in each row. With ``output="sequence"`` they have one row for each
            output that is written, shape (n_samples, n_steps, n_timesteps), 0 where a sequence is
            shorter than others.

        Raises
        ------
        ValueError
            If the network has no attention.
        """
        check_is_fitted(self)
        spec = self._learned.architecture.spec
        if spec["pool"] != "attention":
            raise ValueError(
                f"pool={spec['pool']!r} has no attention weights; fit with pool='attention'."
            )
        raw = self._raw_predict(X, self.net_.module_.attention)
        weights = raw.values.numpy().astype(raw.dtype, copy=False)
        if spec["output"] == "sequence":
            return weights
        steps = np.arange(weights.shape[1]) < raw.rows.lengths[:, None]
        return raw.rows.split(weights[steps])


def _auto_channels(longest):
    """Return channels for as many convolutions as halve a sequence until it is short."""
    channels = []
    while longest > _SHORT:
        channels.append(min(_FIRST_CHANNELS * 2 ** len(channels), _MOST_CHANNELS))
        longest = math.ceil(longest / 2)
    return channels
