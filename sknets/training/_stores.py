"""What the inputs of mini-batches are taken from.

A store holds the inputs of all rows in the form in which they lie best; what it hands out is what a
module takes. `Batches` and `Rows` ask it and know no kind of store, so a new kind is a new class and
nothing else.
"""

from abc import ABC, abstractmethod
from itertools import accumulate

import numpy as np
import torch

#: Values that are gathered at once; several batches are split from one gathered block.
BLOCK_VALUES = 2**22


def moved(index, device):
    """Return an index of rows for tensors on a device, which Python does not wait for."""
    if device.type != "cuda" or not torch.is_tensor(index) or index.device == device:
        return index
    return index.pin_memory().to(device, non_blocking=True)


class Store(ABC):
    """The inputs of all rows.

    Attributes
    ----------
    data : object
        The inputs as they lie, for skorch's callbacks.
    shape : tuple
        Number of rows, and the shape of a row.
    is_padded : bool
        Whether what is taken may be padded at the end of rows.
    """

    is_padded = False

    @property
    @abstractmethod
    def shape(self):
        """Number of rows, and the shape of a row."""

    @abstractmethod
    def take(self, index):
        """Return the inputs of an index tensor or slice as a module takes them."""

    def draw_order(self, generator):
        """Return a random order for `plan`: of the rows, or of what a store draws in their place."""
        return torch.randperm(len(self), generator=generator)

    @abstractmethod
    def plan(self, sizes, order, generator):
        """Plan an epoch.

        Parameters
        ----------
        sizes : list of int
            Rows in each batch.
        order : torch.Tensor or None
            What `draw_order` has returned; None leaves the rows as they are.
        generator : torch.Generator or None
            Source of what else is drawn.

        Yields
        ------
        index : torch.Tensor or slice
            Rows that are taken at once.
        sizes : list of int
            Rows in each of the batches that they are then split into.
        """

    def __len__(self):
        return self.shape[0]


def batch_by_batch(sizes, order):
    """Plan an epoch in which each batch is taken by itself."""
    for stop, size in zip(accumulate(sizes), sizes, strict=True):
        rows = slice(stop - size, stop)
        yield (rows if order is None else order[rows]), [size]


class TensorStore(Store):
    """Rows of one tensor.

    Parameters
    ----------
    data : torch.Tensor of shape (n_rows, ...)
        The rows.
    """

    def __init__(self, data):
        self.data = data

    @property
    def shape(self):
        return self.data.shape

    def take(self, index):
        is_whole = isinstance(index, slice) and index == slice(None)  # which needs no view
        return self.data if is_whole else self.data[moved(index, self.data.device)]

    def plan(self, sizes, order, generator):
        # small batches are views of a larger block, which is gathered in one go
        n_values = int(np.prod(self.shape[1:]))
        n_at_once = max(1, BLOCK_VALUES // (sizes[0] * n_values))
        start = 0
        for first in range(0, len(sizes), n_at_once):
            block = sizes[first : first + n_at_once]
            rows = slice(start, start + sum(block))
            yield (rows if order is None else order[rows]), block
            start = rows.stop


class SparseStore(Store):
    """Rows of a sparse matrix, which become sparse tensors.

    Parameters
    ----------
    data : scipy.sparse.csr_array
        The rows.
    dtype : torch.dtype
        Type of the batches.
    device : torch.device
        Their device.
    """

    def __init__(self, data, dtype, device):
        self.data = data
        self.dtype = dtype
        self.device = device

    @property
    def shape(self):
        return self.data.shape

    def take(self, index):
        rows = self.data[index.numpy() if torch.is_tensor(index) else index]
        return sparse_tensor(rows, self.dtype, self.device)

    def plan(self, sizes, order, generator):
        return batch_by_batch(sizes, order)


def sparse_tensor(matrix, dtype, device):
    """Turn a SciPy matrix into a sparse Torch tensor on which a linear layer works."""
    matrix = matrix.tocoo()
    indices = torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64))
    values = torch.from_numpy(np.ascontiguousarray(matrix.data)).to(dtype)
    tensor = torch.sparse_coo_tensor(
        indices, values, matrix.shape, is_coalesced=True, check_invariants=False
    )
    return tensor.to(device)
