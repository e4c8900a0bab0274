"""Sequences as they lie inside: end to end, without padding."""

import numpy as np

from sknets._plain import kept


@kept
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


def order_by_length(rows, n_at_once, longest):
    """Return an order in which neighbours are of about one length, or None, and how many to take at once.

    `n_at_once` counts on sequences of up to `longest` timesteps, and is lowered where some are longer.
    """
    n_at_once = max(1, n_at_once * longest // max(rows.shape[1], longest))
    if not len(rows) or rows.is_regular:
        return None, n_at_once
    return np.argsort(-rows.lengths, kind="stable"), n_at_once


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
