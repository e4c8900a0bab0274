"""X and y as sequences: how they come from a user, and how they lie inside."""

import numpy as np

from sknets.estimators._scaling import mean_and_spread

#: Values of the sequences whose moments are computed at once.
_BLOCK_VALUES = 2**22


class Sequences:
    """Sequences of equal or unequal length, end to end in one array.

    Parameters
    ----------
    values : ndarray of shape (n_values,) or (n_values, n_features)
        The timesteps of all sequences, one sequence after the other.
    lengths : ndarray of int64, shape (n_sequences,)
        Timesteps of each sequence, at least 1.
    width : int or None, default=None
        Timesteps of the array that the user gave, padding included; None if it was a list.
    """

    def __init__(self, values, lengths, *, width=None):
        self.values = values
        self.lengths = lengths
        self.width = width
        self.starts = np.cumsum(lengths) - lengths

    @property
    def shape(self):
        """Number of sequences, timesteps of the longest, and of features where there are several."""
        longest = int(self.lengths.max()) if len(self.lengths) else 0
        return (len(self.lengths), longest, *self.values.shape[1:])

    @property
    def dtype(self):
        """Type of the values."""
        return self.values.dtype

    @property
    def is_regular(self):
        """Whether all sequences have one length."""
        return bool((self.lengths == self.lengths[0]).all())

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, index):
        """Return the sequences of a slice, of positions, or of a mask."""
        rows = np.arange(len(self))[index]
        if len(rows) == len(self) and np.array_equal(rows, np.arange(len(self))):
            return self
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths)
        places = np.repeat(self.starts[rows] - (ends - lengths), lengths) + np.arange(lengths.sum())
        return Sequences(self.values[places], lengths, width=self.width)

    def __array__(self, dtype=None, copy=None):
        """Return what `split` makes of the values."""
        return np.asarray(self.split(self.values), dtype=dtype)

    def split(self, values):
        """Return one row of `values` per timestep as one entry per sequence.

        An array of shape (n_sequences, n_timesteps, ...) if the user gave one that is not padded, an
        object array of arrays otherwise.
        """
        if self.width is not None and (self.lengths == self.width).all():
            return values.reshape(len(self), self.width, *values.shape[1:])
        return split(values, self.lengths)

    def repeat(self, per_sequence):
        """Return one value per timestep of what there is one of for each sequence (or None)."""
        return None if per_sequence is None else np.repeat(per_sequence, self.lengths)

    def padded(self, values, padding):
        """Arrange one row of `values` per timestep as (n_sequences, longest, ...)."""
        whole = np.full((*self.shape[:2], *values.shape[1:]), padding, dtype=values.dtype)
        whole[np.arange(whole.shape[1]) < self.lengths[:, None]] = values
        return whole


def regular(array):
    """Return an array of shape (n_sequences, n_timesteps, ...) as `Sequences`."""
    n, n_timesteps, *rest = array.shape
    lengths = np.full(n, n_timesteps, dtype=np.int64)
    return Sequences(array.reshape(-1, *rest), lengths, width=n_timesteps)


def split(values, lengths):
    """Return one row of `values` per timestep as an object array with one array per sequence."""
    ragged = np.empty(len(lengths), dtype=object)
    for i, part in enumerate(np.split(values, np.cumsum(lengths)[:-1])):
        ragged[i] = part
    return ragged


# --- X ---------------------------------------------------------------------------------------------


def as_list(data):
    """Return the entries of a list or object array of sequences, or None for another X.

    Rows of numbers that all have one length are a table, and none of the sequences.
    """
    if hasattr(data, "columns") or hasattr(data, "toarray"):
        return None
    if hasattr(data, "to_numpy") and data.dtype == np.dtype(object):
        data = data.to_numpy()  # a Series of arrays
    is_object = isinstance(data, np.ndarray) and data.dtype == object and data.ndim == 1
    if not is_object and not isinstance(data, list | tuple):
        return None
    entries = list(data)
    n_axes = [_count_axes(entry) for entry in entries]
    if not any(n_axes):
        return None
    if is_object or max(n_axes) > 1:
        return entries
    return entries if len({len(entry) for entry in entries if np.ndim(entry)}) > 1 else None


def _count_axes(entry):
    try:
        return np.ndim(entry)
    except ValueError:  # a list that is ragged itself
        return 2


def join(entries, name, *, dtype, n_axes=2):
    """Return sequences of shape (n_timesteps,) or (n_timesteps, n_features) as `Sequences`.

    Parameters
    ----------
    entries : list of array-like
        The sequences.
    name : str
        What the user calls them.
    dtype : dtype or None
        Type of the values; None keeps it.
    n_axes : {1, 2}
        Axes of the values; of 2, a sequence of single numbers has one feature.

    Raises
    ------
    ValueError
        If a sequence is empty, is no array of numbers, or has other features than the first.
    """
    arrays = []
    for i, entry in enumerate(entries):
        try:
            array = np.asarray(entry)
            if array.dtype.kind == "c":
                raise ValueError("Complex data not supported.")
            array = array if dtype is None else array.astype(dtype, copy=False)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name}[{i}] must be one sequence, an array of numbers of shape (n_timesteps,) or "
                f"(n_timesteps, n_features): {error}"
            ) from error
        if array.ndim == 1 and n_axes == 2:
            array = array[:, None]
        if array.ndim != n_axes:
            axes = "(n_timesteps, n_features)" if n_axes == 2 else "(n_timesteps,)"
            raise ValueError(
                f"{name}[{i}] has shape {np.shape(entry)}; a sequence has shape {axes}."
            )
        if arrays and array.shape[1:] != arrays[0].shape[1:]:
            raise ValueError(
                f"{name}[{i}] has {array.shape[1]} features, but {name}[0] has "
                f"{arrays[0].shape[1]}; all sequences must have the same features."
            )
        arrays.append(array)
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    refuse_empty(lengths, name)
    return Sequences(np.concatenate(arrays), lengths)


def refuse_empty(lengths, name):
    """Raise ValueError if a sequence has no timestep."""
    if (lengths == 0).any():
        raise ValueError(
            f"{name}[{int(np.argmin(lengths))}] is an empty sequence; every sequence needs at least one "
            "timestep. Remove it, or give it one."
        )


def drop_padding(sequences, name, is_padding):
    """Return sequences without the timesteps at their ends that are padding.

    Parameters
    ----------
    sequences : Sequences
        The sequences.
    name : str
        What the user calls them.
    is_padding : ndarray of bool, shape (n_values,)
        Timesteps that are padding where they stand at the end.
    """
    if not is_padding[sequences.starts + sequences.lengths - 1].any():
        return sequences
    place = np.arange(len(is_padding)) - sequences.repeat(sequences.starts)
    lengths = np.maximum.reduceat(np.where(is_padding, 0, place + 1), sequences.starts)
    refuse_empty(lengths, name)
    kept = place < sequences.repeat(lengths)
    return Sequences(sequences.values[kept], lengths, width=sequences.width)


def without_padding(sequences, name):
    """Return series of numbers without the NaN that pads their ends.

    Raises
    ------
    ValueError
        If a timestep that is left is not finite; it says which.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(sequences.values.sum()):  # much faster, and enough if it is
            return sequences
    is_nan = np.isnan(sequences.values).reshape(len(sequences.values), -1)
    sequences = drop_padding(sequences, name, is_nan.all(axis=1))
    is_bad = ~np.isfinite(sequences.values).reshape(len(sequences.values), -1).all(axis=1)
    if not is_bad.any():
        return sequences
    place = int(np.argmax(is_bad))
    row = int(np.searchsorted(sequences.starts, place, side="right")) - 1
    what = "NaN" if np.isnan(sequences.values[place]).any() else "infinity"
    raise ValueError(
        f"Input {name} contains {what} inside a sequence: sequence {row}, timestep "
        f"{place - int(sequences.starts[row])}. NaN may stand at the end of a sequence as padding, where "
        "it fills all features; fill gaps inside first (SimpleImputer, or DataFrame.interpolate)."
    )


def to_tokens(sequences, vocabulary_size):
    """Return sequences of token ids as whole numbers.

    Parameters
    ----------
    sequences : Sequences
        With one feature.
    vocabulary_size : int or None
        Number of tokens; None takes any.

    Raises
    ------
    ValueError
        If an id is no whole number, or outside the vocabulary.
    """
    values = sequences.values.reshape(len(sequences.values), -1)
    if values.shape[1] != 1:
        raise ValueError(
            f"X has {values.shape[1]} features per timestep, but with vocabulary_size a timestep is "
            "one token: give token ids of shape (n_samples, n_timesteps), or a list of them."
        )
    values = values[:, 0]
    if values.dtype.kind not in "buif":
        raise ValueError(
            f"X must hold token ids, whole numbers from 0, but it holds {values.dtype}. TokenSequences "
            "turns texts into token ids."
        )
    with np.errstate(invalid="ignore"):
        tokens = values.astype(np.int64)
    if not np.array_equal(tokens, values):
        raise ValueError(
            "X must hold token ids, whole numbers from 0, but it has other numbers. Set "
            "vocabulary_size=None for series of numbers."
        )
    limit = np.inf if vocabulary_size is None else vocabulary_size
    is_outside = (tokens < 0) | (tokens >= limit)
    if is_outside.any():
        place = int(np.argmax(is_outside))
        row = int(np.searchsorted(sequences.starts, place, side="right")) - 1
        known = "0" if vocabulary_size is None else f"0 to {vocabulary_size - 1}"
        raise ValueError(
            f"X[{row}] has the token {tokens[place]}, which is outside the vocabulary: tokens are the "
            f"whole numbers from {known}, and -1 pads the end. Raise vocabulary_size, or give unknown "
            "tokens an id of their own (TokenSequences does)."
        )
    return Sequences(tokens, sequences.lengths, width=sequences.width)


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
    steps = sequences.repeat(weight)

    def average(function):
        total, size = 0.0, max(1, _BLOCK_VALUES // sequences.values.shape[1])
        for start in range(0, len(sequences.values), size):
            block = function(sequences.values[start : start + size].astype(np.float64))
            total += block.sum(axis=0) if steps is None else steps[start : start + size] @ block
        return total / (len(sequences.values) if steps is None else steps.sum())

    return mean_and_spread(average)


# --- y ---------------------------------------------------------------------------------------------


def read_targets(y, X, *, per_timestep):
    """Return a y with one sequence of labels or numbers per sequence of X.

    Parameters
    ----------
    y : array-like of shape (n, n_steps), (n, n_steps, n_outputs), or a list of sequences
        As the user gave it. NaN at the end of numbers is padding.
    X : Sequences
        The sequences that y belongs to.
    per_timestep : bool
        Whether there must be one entry for each timestep of X. An array may then reach over the ends
        of sequences that are padded in X.

    Raises
    ------
    ValueError
        If something does not fit.
    """
    if isinstance(y, Sequences):
        return y
    entries = as_list(y)
    if entries is not None:
        n_axes = np.ndim(entries[0]) if len(entries) else 1
        targets = join(entries, "y", dtype=None, n_axes=n_axes)
    else:
        array = np.asarray(y)
        if array.ndim not in (2, 3) or not array.shape[1]:
            raise ValueError(
                f"y has shape {array.shape}, but output='timesteps' and output='sequence' need a "
                "sequence of outputs for each row: shape (n_samples, n_steps) or a list of sequences. "
                "For one output per row, set output='single'."
            )
        targets = regular(array)
    if len(targets) != len(X):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: [{len(X)}, {len(targets)}]"
        )
    if targets.values.ndim == 2 and targets.values.shape[1] == 1:
        targets.values = targets.values[:, 0]
    if per_timestep and entries is None and targets.width == X.width:
        kept = np.arange(X.width) < X.lengths[:, None]
        targets = Sequences(targets.values[kept.ravel()], X.lengths)
    if targets.values.dtype.kind == "f":
        targets = without_padding(targets, "y")
    if per_timestep and not np.array_equal(targets.lengths, X.lengths):
        row = int(np.argmax(targets.lengths != X.lengths))
        raise ValueError(
            f"y[{row}] has {targets.lengths[row]} entries for {X.lengths[row]} timesteps in X[{row}]; "
            "output='timesteps' needs one for each. For outputs of another length, set output='sequence'."
        )
    return targets
