"""How sequences come from a user: as lists, as arrays, padded or not."""

import numpy as np

from sknets.inputs._sequences import Sequences


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
    check_lengths(lengths, name)
    return Sequences(np.concatenate(arrays), lengths)


def check_lengths(lengths, name):
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
    check_lengths(lengths, name)
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
    is_gap = np.isnan(sequences.values[place]).any()
    what, advice = (
        (
            "NaN",
            "NaN may stand at the end of a sequence as padding, where it fills all features; fill gaps "
            "inside first (SimpleImputer, or DataFrame.interpolate).",
        )
        if is_gap
        else ("infinity", "Put a finite number in its place, or leave the timestep out.")
    )
    raise ValueError(
        f"Input {name} contains {what} inside a sequence: sequence {row}, timestep "
        f"{place - int(sequences.starts[row])}. {advice}"
    )
