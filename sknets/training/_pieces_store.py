"""Batches of rows that are read in pieces, some of them at a time."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
import torch

from sknets.training._stores import Store


class PiecesStore(Store):
    """Rows that are read when they are needed, those of several batches at once.

    Where rows lie in blocks, the order of the blocks is drawn, and that of the rows within as many blocks
    as are in memory at once. While a network learns from some rows, the next ones are read.

    Parameters
    ----------
    rows : object
        Has `shape`, `starts` (positions of the first rows of blocks, and the number of rows),
        `rows_at_once` and ``read(index)``, which returns an array.
    dtype : torch.dtype
        Type of the batches; whole numbers stay as they are.
    device : torch.device
        Their device.
    """

    def __init__(self, rows, dtype, device):
        self.data = rows
        self.dtype = dtype
        self.device = device
        self._ahead = {}

    @property
    def shape(self):
        return self.data.shape

    @property
    def _has_blocks(self):
        return len(self.data.starts) <= len(self)

    def draw_order(self, generator):
        """Draw the order of the blocks, which may be single rows."""
        return torch.randperm(len(self.data.starts) - 1, generator=generator)

    def take(self, index):
        future = self._ahead.pop(id(index), None)
        values = self._read(index) if future is None else future.result()
        is_whole = values.dtype.kind in "iu"
        return torch.from_numpy(values).to(self.device, None if is_whole else self.dtype)

    def _read(self, index):
        values = self.data.read(index.numpy() if torch.is_tensor(index) else index)
        values = np.ascontiguousarray(values)
        return values if values.flags.writeable else values.copy()

    def plan(self, sizes, order, generator):
        planned = self._plan(sizes, order, generator)
        current = next(planned)
        with ThreadPoolExecutor(1) as pool:
            try:
                self._read_ahead(pool, current)
                for following in chain(planned, [None]):
                    if following is not None:
                        self._read_ahead(pool, following)
                    yield current
                    current = following
            finally:
                self._ahead.clear()

    def _read_ahead(self, pool, planned):
        self._ahead[id(planned[0])] = pool.submit(self._read, planned[0])

    def _plan(self, sizes, order, generator):
        """Yield an index and the sizes of the batches in it, for as many rows as are read at once."""
        walk, start = None if order is None else _Walk(self.data.starts, order.numpy()), 0
        n_at_once = max(1, self.data.rows_at_once // max(sizes))
        for first in range(0, len(sizes), n_at_once):
            block = sizes[first : first + n_at_once]
            stop = start + sum(block)
            if walk is None:
                yield slice(start, stop), block
            else:
                index = torch.from_numpy(walk.positions(start, stop))
                if self._has_blocks:
                    index = index[torch.randperm(len(index), generator=generator)]
                yield index, block
            start = stop


class _Walk:
    """A way through all rows, block by block."""

    def __init__(self, starts, order):
        self._first = starts[order]
        self._ends = np.cumsum(starts[order + 1] - self._first)

    def positions(self, start, stop):
        """Return the positions of the rows from one place of the way to another."""
        place = np.arange(start, stop)
        block = np.searchsorted(self._ends, place, side="right")
        before = np.where(block > 0, self._ends[block - 1], 0)
        return self._first[block] + place - before
