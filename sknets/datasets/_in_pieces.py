"""Rows that need not fit into memory: they are read piece by piece, as often as they are needed."""

from abc import ABC, abstractmethod

import numpy as np

_MEBIBYTE = 2**20

#: Mebibytes that rows may take up in memory, if nobody says otherwise.
MEMORY = 512


class RowsInPieces(ABC):
    """Rows of one shape and type that are read in pieces.

    `ArrayRows`, `ArrowRows`, `ImageFolder` and `TorchRows` are such rows. A source of your own is a class
    that calls this constructor and answers `read_sorted`. Multi-layer perceptrons and convolutional
    networks take them as X, in `fit` and in `predict`.

    Parameters
    ----------
    shape : tuple of int
        Number of rows, and the shape of a row.
    dtype : dtype
        Type of the values.
    block_rows : int or ndarray of int, default=1
        Rows that lie together and are best read together; an array has the position of the first row of
        each block, and at last the number of rows. With 1, any row is read as fast as any other.
    columns : list of str, default=None
        Names of the columns of a table.
    memory : float, default=512
        Mebibytes. Rows that fit are read once and are then an array; of others, so many are in memory
        at a time, in up to four parts.

    Attributes
    ----------
    shape : tuple of int
        Number of rows, and the shape of a row.
    dtype : dtype
        Type of the values.
    starts : ndarray of int
        Positions of the first rows of the blocks, and the number of rows.
    columns : list of str or None
        Names of the columns.
    memory : float
        Mebibytes.

    Examples
    --------
    >>> import numpy as np
    >>> from sknets.datasets import RowsInPieces
    >>> class Squares(RowsInPieces):
    ...     def __init__(self, n_rows):
    ...         super().__init__((n_rows, 1), np.float64)
    ...
    ...     def read_sorted(self, positions):
    ...         return positions[:, None] ** 2.0
    >>> Squares(5).read([3, 1])
    array([[9.],
           [1.]])
    """

    def __init__(self, shape, dtype, block_rows=1, *, columns=None, memory=MEMORY):
        if not isinstance(memory, int | float | np.number) or not memory > 0:
            raise ValueError(f"memory={memory!r} must be a number of mebibytes above 0.")
        self.shape = tuple(int(n) for n in shape)
        if not self.shape[0]:
            raise ValueError(f"{type(self).__name__} has no rows.")
        self.dtype = np.dtype(dtype)
        n_rows = self.shape[0]
        if np.ndim(block_rows):
            self.starts = np.asarray(block_rows, dtype=np.int64)
        else:
            self.starts = np.append(np.arange(0, n_rows, block_rows), n_rows)
        self.columns = columns
        self.memory = memory
        self.chunk_rows = n_rows  # that `read_sorted` is asked for at once

    @abstractmethod
    def read_sorted(self, positions):
        """Return rows as an array of shape ``(len(positions), *shape[1:])``.

        Parameters
        ----------
        positions : ndarray of int
            Positions that increase.

        Returns
        -------
        rows : ndarray
            The rows.
        """

    def read(self, index=slice(None)):
        """Return rows as an array.

        Parameters
        ----------
        index : slice, array-like of int or array-like of bool, default=slice(None)
            Which rows; all of them, if nothing is said.

        Returns
        -------
        rows : ndarray of shape (n, ...)
            The rows, in the order of the index.
        """
        positions = as_positions(index, len(self))
        is_sorted = bool((np.diff(positions) > 0).all())
        if is_sorted and len(positions) <= self.chunk_rows:
            return self.read_sorted(positions)
        order = slice(None) if is_sorted else np.argsort(positions, kind="stable")
        found = np.empty((len(positions), *self.shape[1:]), self.dtype)
        for start in range(0, len(positions), self.chunk_rows):
            chunk = slice(start, start + self.chunk_rows)
            places = chunk if is_sorted else order[chunk]
            asked, again = np.unique(positions[places], return_inverse=True)
            values = self.read_sorted(asked)
            found[places] = values if len(asked) == len(again) else values[again]
        return found

    def blocks(self):
        """Yield all rows as arrays, one after the other, each a quarter of `memory` at most.

        Yields
        ------
        rows : ndarray of shape (n, ...)
            The next rows.
        """
        for start in range(0, len(self), self.rows_at_once):
            yield self.read(slice(start, start + self.rows_at_once))

    def map(self, transform):
        """Return rows that pass a transformer as they are read.

        Parameters
        ----------
        transform : transformer or callable
            Has a method `transform`, or is called with an array of rows: a fitted `StandardScaler`, say.
            What it makes of a row must not depend on the others.

        Returns
        -------
        rows : RowsInPieces
            The transformed rows.
        """
        return MappedRows(self, transform)

    @property
    def ndim(self):
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self):
        """Bytes of all rows."""
        return int(np.prod(self.shape, dtype=np.float64)) * self.dtype.itemsize

    @property
    def fits(self):
        """Whether all rows fit into `memory`."""
        return self.nbytes <= self.memory * _MEBIBYTE

    @property
    def rows_at_once(self):
        """Rows that are in memory at once: a quarter of `memory`."""
        row_bytes = max(1, self.nbytes // len(self))
        return max(1, int(self.memory * _MEBIBYTE / 4) // row_bytes)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, index):
        if isinstance(index, tuple) and len(index) == 2 and index[1] is Ellipsis:
            index = index[0]  # as scikit-learn asks for rows
        if isinstance(index, int | np.integer):
            if not -len(self) <= index < len(self):
                raise IndexError(f"row {index} of {len(self)}")
            return self.read([index % len(self)])[0]
        return TakenRows(self, as_positions(index, len(self)))

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            f"{type(self).__name__} holds rows that are read in pieces ({self.nbytes / 1e9:.3g} "
            "GB), but all of them are asked for at once. MLPClassifier, MLPRegressor, "
            "CNNClassifier and CNNRegressor take them in pieces; a fitted scaler is applied by "
            "rows.map(scaler); rows.read() returns an array."
        )

    def __repr__(self):
        return f"{type(self).__name__}(shape={self.shape}, dtype={self.dtype})"


def as_positions(index, n_rows):
    """Return the positions that a slice, a mask or a list of positions means."""
    if isinstance(index, slice):
        return np.arange(*index.indices(n_rows))
    index = np.asarray(index)
    if index.dtype == bool:
        if len(index) != n_rows:
            raise IndexError(f"a mask of {len(index)} rows for {n_rows} rows")
        return np.flatnonzero(index)
    if not index.size:
        return np.zeros(0, dtype=np.int64)
    if index.ndim != 1 or index.dtype.kind not in "iu":
        raise IndexError("rows are taken by a slice, a mask, or a list of positions")
    if index.min() < -n_rows or index.max() >= n_rows:
        raise IndexError(f"position {index[np.argmax(np.abs(index))]} of {n_rows} rows")
    return np.where(index < 0, index + n_rows, index).astype(np.int64)


class TakenRows(RowsInPieces):
    """Some rows of others; positions that increase keep the blocks in which these lie."""

    def __init__(self, rows, positions):
        is_sorted = bool((np.diff(positions) > 0).all())
        starts = 1
        if is_sorted and len(rows.starts) <= len(rows):
            starts = np.unique(np.searchsorted(positions, rows.starts))
        shape = (len(positions), *rows.shape[1:])
        super().__init__(shape, rows.dtype, starts, columns=rows.columns, memory=rows.memory)
        self._rows, self._positions = rows, positions
        self.chunk_rows = rows.chunk_rows

    def read_sorted(self, positions):
        return self._rows.read(self._positions[positions])


class MappedRows(RowsInPieces):
    """Rows of others as a transformer returns them."""

    def __init__(self, rows, transform):
        self._rows = rows
        self._transform = getattr(transform, "transform", transform)
        if not callable(self._transform):
            raise ValueError(
                f"transform={transform!r} must have a method transform, or be callable."
            )
        self._has_names = rows.columns is not None and hasattr(transform, "feature_names_in_")
        first = self._apply(rows.read(slice(0, 1)))
        if first.shape[:1] != (1,):
            raise ValueError(
                f"transform={transform!r} makes an array of shape {first.shape} of one row; it must keep "
                "the number of rows."
            )
        columns = rows.columns if first.shape[1:] == rows.shape[1:] else None
        shape = (len(rows), *first.shape[1:])
        super().__init__(shape, first.dtype, rows.starts, columns=columns, memory=rows.memory)
        self.chunk_rows = rows.chunk_rows

    def _apply(self, values):
        if self._has_names:
            import pandas as pd

            values = pd.DataFrame(values, columns=self._rows.columns)
        found = self._transform(values)
        if hasattr(found, "toarray"):
            raise ValueError("transform makes a sparse matrix; let it make an array.")
        return np.asarray(found)

    def read_sorted(self, positions):
        return self._apply(self._rows.read(positions)).astype(self.dtype, copy=False)
