"""The recurrent network: what its classifier and its regressor share."""

import math

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted, validate_data

from sknets import modules, training
from sknets.estimators._base import BaseNet
from sknets.estimators._checks import NO_Y, check_rows
from sknets.estimators._layers import per_layer, read_names, read_sizes
from sknets.estimators._placement import SMALL_SERIES
from sknets.estimators._scaling import read_scaling
from sknets.estimators._sequences import (
    Sequences,
    as_list,
    drop_padding,
    join,
    moments,
    regular,
    to_tokens,
    without_padding,
)

# What "auto" means; chosen with benchmarks/bench_rnn_defaults.py
_FEWEST_ROWS, _MOST_ROWS = 32, 128  # so few rows that all of them fit in two batches make one
_N_BATCHES = 16
_FIRST_CHANNELS, _MOST_CHANNELS = 32, 64
_SHORT = 64
_EMBEDDING_DIM = 64
_MAX_NORM = 1.0
_AUTO_POOL = {"single": "last", "timesteps": None, "sequence": "attention"}


class BaseRNN(BaseNet):
    """Recurrent layers between sequences and a dense head."""

    _sparse_formats = False
    _finite = "allow-nan"  # as padding
    _small_data = SMALL_SERIES
    _small_step = training.SMALL_RECURRENT_STEP
    _scaling_advice = "Lower"  # series are scaled inside

    # --- X ---------------------------------------------------------------------------------------

    def _read_X(self, X, y=NO_Y, *, reset):
        if isinstance(X, Sequences):  # has been read
            return X
        if y is not NO_Y and self.output != "single":
            X = self._read_X(X, reset=reset)
            return X, self._read_y(X, y, self.output)
        if reset:
            self._vocabulary = self.vocabulary_size
        is_token = self._vocabulary is not None
        entries = as_list(X)
        if entries is not None:
            sequences = join(entries, "X", dtype=None if is_token else self._float_type(entries))
            _, y = check_rows(self, np.zeros((len(sequences), 1)), y)
            self._check_features(sequences, reset=reset)
        elif getattr(X, "ndim", 0) > 2:
            sequences, y = self._read_cube(X, y)
            self._check_features(sequences, reset=reset)
        else:
            sequences, y = self._read_table(X, y, reset=reset)
        if is_token:
            values = sequences.values[:, 0]
            is_padding = (
                np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
            )
            sequences = drop_padding(sequences, "X", is_padding | (values == -1))
            is_open = self._vocabulary == "auto"  # what the first call sees
            sequences = to_tokens(sequences, None if is_open else self._vocabulary)
        else:
            sequences = without_padding(sequences, "X")
        return sequences if y is NO_Y else (sequences, y)

    @staticmethod
    def _float_type(entries):
        is_single = all(getattr(entry, "dtype", None) == np.float32 for entry in entries)
        return np.float32 if is_single else np.float64

    def _learn_input(self, X):
        self._longest = X.shape[1]
        if self._vocabulary == "auto":
            self._vocabulary = int(X.values.max()) + 1

    @property
    def _options(self):
        """What scikit-learn's checks are told of X where they do not look at its columns."""
        dtype = self._kept_dtypes if self._vocabulary is None else "numeric"
        return {"dtype": dtype, "ensure_all_finite": self._finite}

    def _read_table(self, X, y, *, reset):
        """Read univariate series of one length, a row each."""
        if self._vocabulary is None and (reset or self._is_table):
            if reset:
                self._is_table = True
            read = super()._read_X(X, y, reset=reset)
            X, y = (read, y) if y is NO_Y else read
            return regular(X[:, :, None]), y
        X, y = check_rows(self, X, y, **self._options)
        sequences = regular(X[:, :, None])
        self._check_features(sequences, reset=reset)
        return sequences, y

    def _read_cube(self, X, y):
        """Read series with several features, (n_samples, n_timesteps, n_features)."""
        X, y = check_rows(self, X, y, allow_nd=True, **self._options)
        if X.ndim != 3 or 0 in X.shape:
            raise ValueError(
                f"X has shape {X.shape}; sequences have the shape (n_samples, n_timesteps, n_features), "
                "each of at least 1."
            )
        return regular(X), y

    def _check_features(self, sequences, *, reset):
        """Let scikit-learn remember the number of features of a timestep, or compare it."""
        n_features = sequences.values.shape[1]
        if reset:
            self._is_table = False
        elif self._is_table:
            if n_features != 1:
                raise ValueError(
                    f"X has {n_features} features per timestep, but {type(self).__name__} was fitted to "
                    "a table of univariate series, which have 1."
                )
            return
        stand_in = np.zeros((len(sequences), n_features))
        validate_data(self, stand_in, skip_check_array=True, reset=reset)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # --- the module ------------------------------------------------------------------------------

    def _module_spec(self, row_shape, n_outputs):
        self._refuse_unused()
        layer_sizes = read_sizes("recurrent_layer_sizes", self.recurrent_layer_sizes, "units")
        if not layer_sizes:
            raise ValueError(
                "recurrent_layer_sizes=() has no layer; give at least one number of units, or use an MLP "
                "or a CNN."
            )
        hidden_sizes = read_sizes("hidden_layer_sizes", self.hidden_layer_sizes, "units")
        convolutions = self._convolutions()
        n_layers = len(convolutions) + len(hidden_sizes)
        names = read_names(
            "activation", self.activation, n_layers, "conv and hidden", modules.ACTIVATIONS
        )
        for convolution, name in zip(convolutions, names, strict=False):
            convolution["activation"] = name
        is_token = self.vocabulary_size is not None
        if is_token and self.vocabulary_size not in ("auto", self._vocabulary):
            raise ValueError(
                f"vocabulary_size={self.vocabulary_size} differs from that of the network that is there, "
                f"{self._vocabulary}; call fit with warm_start=False."
            )
        pool = _AUTO_POOL[self.output] if self.pool == "auto" else self.pool
        decoder = None
        if self.output == "sequence":
            decoder = {
                "n_classes": self._n_written_classes(),
                "max_output_length": self._output_length,
                "teacher_forcing": float(self.teacher_forcing),
            }
        return {
            "input": {
                "n_features": 1 if is_token else row_shape[1],
                "vocabulary_size": self._vocabulary if is_token else None,
                "embedding_dim": self.embedding_dim or _EMBEDDING_DIM,
            },
            "output": self.output,
            "convolutions": convolutions,
            "layer_sizes": layer_sizes,
            "cell": self.cell,
            "bidirectional": self.bidirectional,
            "pool": pool,
            "decoder": decoder,
            "dropout": float(self.dropout),
            "recurrent_dropout": float(self.recurrent_dropout),
            "bptt_steps": self.bptt_steps,
            "weight_init": self.weight_init,
            "head_sizes": [*hidden_sizes, int(n_outputs)],
            "head_activations": names[len(convolutions) :],
        }

    def _refuse_unused(self):
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

    def _convolutions(self):
        """Return the parameters of each convolution in plain values."""
        if isinstance(self.conv_channels, str):
            channels = _auto_channels(self._longest) if self.output == "single" else []
        else:
            channels = read_sizes("conv_channels", self.conv_channels, "channels")
        kernels, windows = (
            read_sizes(name, per_layer(name, getattr(self, name), len(channels), "conv"), what)
            for name, what in (("kernel_size", "timesteps"), ("pool_size", "timesteps"))
        )
        names = ("n_channels", "kernel_size", "pool_size")
        rows = zip(channels, kernels, windows, strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]

    @staticmethod
    def _build_module(spec, generator):
        source = modules.SequenceInput(**spec["input"], generator=generator)
        common = {
            name: spec[name] for name in ("layer_sizes", "cell", "dropout", "recurrent_dropout")
        }
        stack = modules.RecurrentStack(
            source.n_outputs,
            convolutions=spec["convolutions"],
            bidirectional=spec["bidirectional"],
            bptt_steps=spec["bptt_steps"],
            weight_init=spec["weight_init"],
            generator=generator,
            **common,
        )
        head = {
            "layer_sizes": spec["head_sizes"],
            "activations": spec["head_activations"],
            "dropout": [spec["dropout"]] * len(spec["head_activations"]),
            "normalization": None,
            "weight_init": spec["weight_init"],
        }
        options = {"pool": spec["pool"], "head": head, "generator": generator}
        if spec["decoder"] is not None:
            return modules.EncoderDecoder(source, stack, **common, **spec["decoder"], **options)
        return modules.RecurrentNet(source, stack, feature_dropout=spec["dropout"], **options)

    def _prepare_module(self, module, X, sample_weight):
        if self.vocabulary_size is not None:
            return
        if isinstance(self.input_scaling, str):
            module.input.standardize_by(*moments(X, sample_weight))
        else:
            n_features = X.values.shape[1]
            module.input.standardize_by(*read_scaling(self.input_scaling, n_features, "features"))

    def _measure_work(self, module, X):
        n_timesteps = X.shape[1]
        n_steps = math.ceil(n_timesteps / module.stack.shortening)
        if self.output == "sequence":
            n_steps += module.max_output_length
        return modules.measure_work(module, torch.zeros(1, *X.shape[1:]), n_steps)

    def _auto_batch_size(self, n_rows):
        if n_rows <= 2 * _FEWEST_ROWS:
            return n_rows
        return min(max(n_rows // _N_BATCHES, _FEWEST_ROWS), _MOST_ROWS)

    @property
    def _max_norm(self):
        if self.max_grad_norm != "auto":
            return self.max_grad_norm
        return None if self.solver in ("lbfgs", "gd") else _MAX_NORM

    # --- predict -----------------------------------------------------------------------------------

    def _raw_predict(self, X, part=None):
        check_is_fitted(self)
        X = self._read_X(X, reset=False)
        if not len(X) or X.is_regular:
            return super()._raw_predict(X, part)
        order = np.argsort(-X.lengths, kind="stable")  # neighbours of one length: little padding
        raw, dtype = super()._raw_predict(X[order], part)
        return raw[torch.from_numpy(np.argsort(order))], dtype

    def _rows_at_once(self, X):
        # the net counts on sequences as long as those of the fit
        n_rows = self.net_.rows_at_once * self._longest // max(X.shape[1], self._longest)
        return max(1, n_rows)

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
        if self._spec["pool"] != "attention":
            raise ValueError(
                f"pool={self._spec['pool']!r} has no attention weights; fit with pool='attention'."
            )
        X = self._read_X(X, reset=False)
        weights, dtype = self._raw_predict(X, self.net_.module_.attention)
        weights = weights.numpy().astype(dtype, copy=False)
        if self._spec["output"] == "sequence":
            return weights
        steps = np.arange(weights.shape[1]) < X.lengths[:, None]
        return X.split(weights[steps])


def _auto_channels(longest):
    """Return channels for as many convolutions as halve a sequence until it is short."""
    channels = []
    while longest > _SHORT:
        channels.append(min(_FIRST_CHANNELS * 2 ** len(channels), _MOST_CHANNELS))
        longest = math.ceil(longest / 2)
    return channels
