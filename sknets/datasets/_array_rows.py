"""Rows of an array on disk."""

import mmap

import numpy as np

from sknets.datasets._in_pieces import MEMORY, RowsInPieces

_BLOCK_BYTES = 2**18
_CHUNK_BLOCKS = 32  # that are read before their pages are given back
_WHOLE_BLOCKS = 0.02  # share of the rows of a block from which the block is read as a whole


class ArrayRows(RowsInPieces):
    """Rows of an array that lies on disk: a NumPy memory map, or a data set of h5py or zarr.

    Pages of a memory map that have been read are given back to the system, so that they do not count as
    memory of the process. A memory map larger than `memory` needs no `ArrayRows`: `fit` and `predict`
    take it as it is.

    Parameters
    ----------
    array : array-like of shape (n_rows, ...)
        Has `shape` and `dtype`, and slices of it are arrays of numbers.
    memory : float, default=512
        Mebibytes. Rows that fit are read once and are then an array; of others, so many are in memory
        at a time, in up to four parts.

    Raises
    ------
    ValueError
        If the array has no rows, or holds no numbers.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sknets import MLPRegressor
    >>> from sknets.datasets import ArrayRows
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     X = np.random.default_rng(0).normal(size=(6000, 10)).astype(np.float32)
    ...     np.save(f"{folder}/X.npy", X)
    ...     rows = ArrayRows(np.load(f"{folder}/X.npy", mmap_mode="r"), memory=0.1)
    ...     model = MLPRegressor(learning_rate="one_cycle", max_iter=3, random_state=0)
    ...     predictions = model.fit(rows, X[:, 0] * X[:, 1]).predict(rows)
    >>> predictions.shape
    (6000,)
    """

    def __init__(self, array, *, memory=MEMORY):
        shape, dtype = getattr(array, "shape", None), getattr(array, "dtype", None)
        if shape is None or dtype is None or np.dtype(dtype).kind not in "buif" or len(shape) < 2:
            raise ValueError(
                "array must be an array of numbers of shape (n_rows, ...), with at least two axes; "
                f"it is {type(array).__name__} of shape {shape} and type {dtype}."
            )
        row_bytes = max(1, int(np.prod(shape[1:])) * np.dtype(dtype).itemsize)
        block_rows = max(1, _BLOCK_BYTES // row_bytes)
        native = np.dtype(dtype).newbyteorder("=")
        super().__init__(shape, native, block_rows, memory=memory)
        self._array = array
        self._block_rows = block_rows
        self.chunk_rows = _CHUNK_BLOCKS * block_rows
        self._pages = _pages_of(array)

    def read_sorted(self, positions):
        found = np.empty((len(positions), *self.shape[1:]), self.dtype)
        block_of, start = positions // self._block_rows, 0
        while start < len(positions):
            stop = int(np.searchsorted(block_of, block_of[start], side="right"))
            self._read_block(positions[start:stop], found[start:stop])
            start = stop
        if self._pages is not None:
            self._pages.madvise(mmap.MADV_DONTNEED)
        return found

    def __reduce__(self):
        array = self._array
        is_file = isinstance(array, np.memmap) and array.filename and self._pages is not None
        if not (is_file and array.flags.c_contiguous):
            raise TypeError(
                f"These ArrayRows of {type(array).__name__} cannot be sent to another process; use "
                "threads or n_jobs=1. A memory map of a file can be sent, without its rows."
            )
        whole = array
        while isinstance(whole.base, np.memmap):
            whole = whole.base
        offset = whole.offset + array.ctypes.data - whole.ctypes.data
        options = str(array.filename), array.dtype, array.shape, offset, self.memory
        return _map_again, options

    def _read_block(self, positions, out):
        first, last = int(positions[0]), int(positions[-1]) + 1
        if last - first == len(positions):
            out[...] = self._array[first:last]
        elif len(positions) > _WHOLE_BLOCKS * self._block_rows:
            out[...] = np.asarray(self._array[first:last])[positions - first]
        else:
            for place, position in enumerate(positions):
                out[place] = self._array[int(position)]


def _map_again(path, dtype, shape, offset, memory):
    return ArrayRows(np.memmap(path, dtype, "r", offset, shape), memory=memory)


def _pages_of(array):
    """Return the map of pages below a memory map, if these may be given back; else None.

    Those of a map with mode "c" hold what the user has written and no file has.
    """
    if not isinstance(array, np.memmap) or array.mode == "c":
        return None
    base = array
    while isinstance(base, np.ndarray):
        base = base.base
    can_advise = isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED")
    return base if can_advise else None
