"""Sequences of token ids."""

import numpy as np

from sknets.inputs._sequences import Sequences

_TO_TOKENS = (
    ": sknets.preprocessing.TokenSequences turns texts into token ids, for vocabulary_size."
)


def refuse_tokens(X, who):
    """Raise ValueError if X holds whole numbers of which -1 stands at ends only, as padded token ids do.

    Parameters
    ----------
    X : object
        As the user gave it.
    who : str
        Name of the estimator, which needs numbers.
    """
    X = X.to_numpy() if hasattr(X, "to_numpy") else X
    is_padded = False
    for row in X if isinstance(X, list | tuple | np.ndarray) else ():
        try:
            row = np.asarray(row)
        except ValueError:  # no row of numbers, as reading X will say
            return
        if row.ndim != 1 or row.dtype.kind not in "iu":
            return
        n_padding = int((row == -1).sum())
        if (row < -1).any() or (row[: len(row) - n_padding] < 0).any():
            return
        is_padded = is_padded or n_padding > 0
    if is_padded:
        raise ValueError(
            f"X holds what looks like token ids, whole numbers that -1 pads at the end. {who} makes "
            "series of numbers again, and tokens are names, whose squared errors say nothing. If they "
            "are numbers, give them as such: X.astype(float)."
        )


def refuse_texts(X, remedy=None):
    """Raise ValueError if X holds texts, or sequences of words, where it needs numbers or tokens."""
    first = X
    for _ in range(4):  # a text, in a timestep, in a sequence, in X
        if isinstance(first, str | bytes):
            raise ValueError(
                f"X holds texts, {first[:20]!r} first, but a network reads numbers"
                + (remedy or _TO_TOKENS)
            )
        is_of_numbers = getattr(getattr(first, "dtype", None), "kind", "O") not in "OSU"
        # a frame or a dict would give its names
        has_names = hasattr(first, "columns") or isinstance(first, dict)
        if is_of_numbers or has_names or not hasattr(first, "__iter__") or not len(first):
            return
        first = next(iter(first))


def read_tokens(sequences, vocabulary_size):
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
