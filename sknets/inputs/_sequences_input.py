"""X as sequences: series of numbers or tokens, of equal or unequal length."""

import numpy as np
import torch

from sknets import training
from sknets._changes import check_unchanged
from sknets._plain import kept
from sknets._warn import warn_user
from sknets.datasets._opening import refuse_pieces
from sknets.inputs._input import (
    FLOATS,
    NO_Y,
    Input,
    read_beside,
    read_unnamed,
    remember_features,
)
from sknets.inputs._kind import Kind
from sknets.inputs._names import ListedNames
from sknets.inputs._reading import as_list, drop_padding, join, without_padding
from sknets.inputs._scaling import doubt_scaling, mean_and_deviation, read_scaling, standardize
from sknets.inputs._sequences import Sequences, order_by_length, regular
from sknets.inputs._tensors import to_tensor
from sknets.inputs._tokens import read_tokens, refuse_texts, refuse_tokens

#: Values of the sequences whose moments are computed at once.
_BLOCK_VALUES = 2**22


@kept
class SequencesInput(Input):
    """Sequences: rows are `Sequences`, whatever X was: an array, a table, a list, padded or not.

    Parameters
    ----------
    vocabulary_size : int, "auto" or None
        Number of tokens where X holds token ids; "auto" is one more than the largest of the first call.
        None is for series of numbers.

    has_one_length : bool, default=False
        Whether all sequences must have the length of the first.
    takes_tokens : bool, default=True
        Whether there may be token ids; if not, what looks like them is refused.

    Attributes
    ----------
    vocabulary_size : int or None
        Number of tokens, after `learn`.
    longest : int
        Timesteps of the longest sequence of the first call.
    n_features : int
        Values of a timestep.
    kind : Kind or None
        What values the series of the first call had.
    one_length : int or None
        Timesteps of each sequence of the first call; None where they differed.
    has_feature_axis : bool
        Whether its timesteps were rows of features rather than single numbers.
    """

    takes_three_axes = True
    small_data = 10_000

    def __init__(self, vocabulary_size=None, *, has_one_length=False, takes_tokens=True):
        self.vocabulary_size = vocabulary_size
        self.has_one_length = has_one_length
        self.takes_tokens = takes_tokens
        self._names = ListedNames()  # of the features

    @property
    def has_tokens(self):
        """Whether a timestep is a token."""
        return self.vocabulary_size is not None

    # --- reading -----------------------------------------------------------------------------------

    def read(self, estimator, X, y=NO_Y, *, reset):
        if isinstance(X, Sequences):  # has been read
            return X
        refuse_pieces(X, type(estimator).__name__)
        sequences, y = self._read_any(estimator, X, y, reset=reset)
        rows = self._read_tokens(sequences) if self.has_tokens else without_padding(sequences, "X")
        if not (reset or self.has_tokens):
            self.kind.check(rows, type(estimator).__name__)
        if self.has_one_length:
            self._check_length(rows, reset=reset)
        return rows if y is NO_Y else (rows, y)

    def _read_any(self, estimator, X, y, *, reset):
        """Return X as `Sequences` that may be padded, and y."""
        if isinstance(X, list | tuple) and not X:
            raise ValueError("X is empty: it must hold at least one sequence.")
        self._refuse_names(X, type(estimator).__name__)
        entries = as_list(X)
        # rows of a table may be series that have a name
        listed = list(X) if entries is None and isinstance(X, list | tuple) else entries
        names = self._names.read(listed, reset=reset)
        if reset and entries is None:
            self.has_feature_axis = getattr(X, "ndim", 2) > 2
        if entries is not None:
            dtype = None if self.has_tokens else _float_type(entries)
            sequences = join(entries, "X", dtype=dtype)
            if reset:
                self.has_feature_axis = np.ndim(entries[0]) > 1
            _, y = read_unnamed(estimator, np.zeros((len(sequences), 1)), y)
        elif getattr(X, "ndim", 0) > 2:
            sequences, y = self._read_cube(estimator, X, y)
        elif self.has_tokens or not (reset or self._is_table):
            if not (self.has_tokens or estimator.n_features_in_ == 1) and np.ndim(X) == 2:
                raise ValueError(
                    f"X has 1 features, but {type(estimator).__name__} is expecting "
                    f"{estimator.n_features_in_} features as input: each row of a table is a series of "
                    "one feature. A single series needs a list around it: [X]."
                )
            X, y = read_unnamed(estimator, X, y, **self._options)
            sequences = regular(X[:, :, None])
        else:
            if reset:
                self._is_table = True
            self._compare_in_table(estimator, names)
            read = read_beside(estimator, X, y, reset=reset, **self._options)
            X, y = (read, y) if y is NO_Y else read
            return regular(X[:, :, None]), y
        self._check_features(estimator, sequences, names, reset=reset)
        return sequences, y

    def _refuse_names(self, X, who):
        """Refuse what is no number: texts, and tokens where they are not taken."""
        if self.takes_tokens:
            refuse_texts(X)
        else:
            refuse_texts(X, f", which {who} makes again from its code.")
            refuse_tokens(X, who)

    def _compare_in_table(self, estimator, names):
        """Compare the one name of listed series where scikit-learn counts a column for each time."""
        if names is not None and self._names.seen is not None:
            self._names.compare(names, type(estimator).__name__)

    def _check_length(self, rows, *, reset):
        expected = int(rows.lengths[0]) if reset else self.longest
        others = rows.lengths[rows.lengths != expected]
        if len(others):
            raise ValueError(
                f"linear_shortcut=True needs sequences of one length: X has some of {expected} timesteps "
                f"and of {others[0]}, padding left out. Cut them, or leave the shortcut out."
                if reset
                else f"X has sequences of {others[0]} timesteps; with linear_shortcut=True they must "
                f"have {expected}, as in fit."
            )

    @property
    def _options(self):
        """What scikit-learn's checks are told of X; NaN may be padding."""
        dtype = "numeric" if self.has_tokens else FLOATS
        return {"dtype": dtype, "ensure_all_finite": "allow-nan"}

    def _read_cube(self, estimator, X, y):
        """Read series with several features, (n_samples, n_timesteps, n_features)."""
        X, y = read_unnamed(estimator, X, y, allow_nd=True, **self._options)
        if X.ndim != 3 or 0 in X.shape:
            raise ValueError(
                f"X has shape {X.shape}; sequences have the shape (n_samples, n_timesteps, n_features), "
                "each of at least 1."
            )
        return regular(X), y

    def _check_features(self, estimator, sequences, names, *, reset):
        """Let scikit-learn remember the features of a timestep, or compare them."""
        n_features = sequences.values.shape[1]
        if reset:
            self._is_table = False
        elif self._is_table:
            self._compare_in_table(estimator, names)
            if n_features != 1:
                raise ValueError(
                    f"X has {n_features} features per timestep, but {type(estimator).__name__} was "
                    "fitted to a table of univariate series, which have 1."
                )
            return
        remember_features(estimator, len(sequences), n_features, reset=reset, names=names)

    def _read_tokens(self, sequences):
        values = sequences.values[:, 0]
        is_padding = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
        sequences = drop_padding(sequences, "X", is_padding | (values == -1))
        is_open = self.vocabulary_size == "auto"  # the first call decides
        return read_tokens(sequences, None if is_open else self.vocabulary_size)

    # --- what a fit has seen -------------------------------------------------------------------------

    def check_goes_on(self, fresh):
        size = fresh.vocabulary_size
        if size == "auto" and self.has_tokens:  # which is what has been learned
            size = self.vocabulary_size
        check_unchanged({"vocabulary_size": self.vocabulary_size}, {"vocabulary_size": size})

    def _learn(self, rows):
        self.kind = None if self.has_tokens else Kind.of(rows, is_series=True)
        self.one_length = self.longest if rows.is_regular else None
        if self.vocabulary_size == "auto":
            self.vocabulary_size = int(rows.values.max()) + 1

    @property
    def longest(self):
        """Timesteps of the longest sequence of the first call."""
        return self.row_shape[0]

    @property
    def n_features(self):
        """Values of a timestep."""
        return 1 if self.has_tokens else self.row_shape[1]

    # --- batches -------------------------------------------------------------------------------------

    def store(self, rows, dtype, device):
        values = to_tensor(rows.values, dtype, device)
        if rows.is_regular:
            return training.TensorStore(values.reshape(rows.shape))
        return training.Ragged(values, torch.from_numpy(rows.lengths).to(device))

    def plan_prediction(self, rows, n_at_once):
        return order_by_length(rows, n_at_once, self.longest)


def _float_type(entries):
    is_single = all(getattr(entry, "dtype", None) == np.float32 for entry in entries)
    return np.float32 if is_single else np.float64


def moments(sequences, weight):
    """Return mean and standard deviation of each feature over all timesteps.

    Computed in float64; a feature that does not vary has the standard deviation 1.

    Parameters
    ----------
    sequences : Sequences
        Series.
    weight : ndarray of shape (n,) or None
        Weights of the sequences.
    """
    steps, values = sequences.repeat(weight), sequences.values

    def average(function):
        total, size = 0.0, max(1, _BLOCK_VALUES // values.shape[1])
        for start in range(0, len(values), size):
            block = function(values[start : start + size].astype(np.float64))
            total += block.sum(axis=0) if steps is None else steps[start : start + size] @ block
        return total / (len(values) if steps is None else steps.sum())

    def reach():
        return np.maximum(values.max(axis=0), -values.min(axis=0)).astype(np.float64)

    return mean_and_deviation(average, reach)


def scale_sequences(layer, scaling, rows, weight):
    """Let the first layer of a network scale series as the parameter `input_scaling` says.

    Parameters
    ----------
    layer : modules.SequenceInput
        The layer; one of tokens scales nothing.
    scaling : "standardize", (mean, std) or None
        The parameter.
    rows : Sequences
        Training data.
    weight : ndarray of shape (n_rows,) or None
        Their weights.
    """
    if layer.is_tokens:
        return
    if isinstance(scaling, str):
        standardize(layer, *moments(rows, weight), "X")
    else:
        given = read_scaling(scaling, rows.values.shape[1], "features")
        standardize(layer, *given, f"input_scaling={scaling!r}")
        doubt = doubt_scaling(scaling, *given, rows.values.min(axis=0), rows.values.max(axis=0))
        if doubt is not None:
            warn_user(doubt)
