"""Mini-batches cut from whole tensors."""

from itertools import pairwise

import numpy as np
import scipy.sparse as sp
import torch

from sknets.training._ragged import Ragged

#: Values of x that are gathered at once; several batches are cut from one gathered block.
BLOCK_VALUES = 2**22


class Rows(torch.utils.data.Dataset):
    """Rows of inputs and targets, with a weight each, in the form in which a module takes them.

    Parameters
    ----------
    x : torch.Tensor of shape (n_rows, ...), Ragged or scipy.sparse.csr_array
        Inputs. A sparse matrix stays sparse; its batches become sparse tensors. Ragged rows become
        padded tensors.
    y : torch.Tensor of shape (n_rows, ...)
        Encoded targets.
    weight : torch.Tensor of shape (n_rows,), default=None
        Sample weights, relative to their mean.
    mean_weight : float, default=1.0
        That mean. A batch counts as the sum of weights ``len(batch) * mean_weight``, so that a
        heavy row weighs as much in a small batch as in a large one.
    dtype : torch.dtype, default=None
        Type of the batches of a sparse x.
    device : torch.device, default=None
        Device of the batches of a sparse x.
    """

    def __init__(self, x, y, weight=None, *, mean_weight=1.0, dtype=None, device=None):
        self.x = x
        self.y = y
        self.weight = weight
        self.mean_weight = mean_weight
        self.dtype = dtype
        self.device = device

    # the names by which skorch's scoring callbacks find the data
    X = property(lambda self: self.x)

    def __len__(self):
        return self.x.shape[0]

    def __getitem__(self, index):
        return self._inputs(index), self.y[index]

    def _inputs(self, index):
        if not sp.issparse(self.x):
            return self.x[index]
        rows = self.x[index.numpy() if torch.is_tensor(index) else index]
        return sparse_tensor(rows, self.dtype, self.device)

    def targets_on(self, device):
        """Return targets and weights (or None) on a device."""
        return self.y.to(device), None if self.weight is None else self.weight.to(device)

    def take(self, index):
        """Return (x, y, weight) of an index or slice."""
        weight = None if self.weight is None else self.weight[index]
        return self._inputs(index), self.y[index], weight


def sparse_tensor(matrix, dtype, device):
    """Turn a SciPy matrix into a sparse Torch tensor on which a linear layer works."""
    matrix = matrix.tocoo()
    indices = torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64))
    values = torch.from_numpy(np.ascontiguousarray(matrix.data)).to(dtype)
    tensor = torch.sparse_coo_tensor(
        indices, values, matrix.shape, is_coalesced=True, check_invariants=False
    )
    return tensor.to(device)


def collect(parts, n_rows):
    """Return the rows of several tensors as one tensor on the CPU.

    It is allocated at once: small results kept among large maps that come and go would scatter over
    the heap and keep it from shrinking. Where the parts differ in the size of other axes, it has the
    largest, and zeros where a part has nothing.

    Parameters
    ----------
    parts : iterable of torch.Tensor of shape (n, ...)
    n_rows : int
        Their rows, all together.
    """
    whole, start = None, 0
    for part in parts:
        if whole is None:
            whole = torch.zeros(n_rows, *part.shape[1:], dtype=part.dtype)
        elif part.shape[1:] != whole.shape[1:]:
            sizes = [max(pair) for pair in zip(part.shape[1:], whole.shape[1:], strict=True)]
            grown = torch.zeros(n_rows, *sizes, dtype=part.dtype)
            grown[_corner(0, start, whole)] = whole[:start]
            whole = grown
        whole[_corner(start, start + len(part), part)] = part
        start += len(part)
    return whole


def _corner(start, stop, tensor):
    """Return the place of the rows of a tensor in one that is as large or larger."""
    return (slice(start, stop), *map(slice, tensor.shape[1:]))


class Batches:
    """Iterate over mini-batches ``(x, y, weight)``, newly shuffled in each epoch.

    A last batch that is much smaller than the others (an eighth, or one row) is folded into the
    batch before it: its mean over few rows would weigh as much as theirs, and batch normalisation
    cannot work on one row. Ragged rows that are shuffled meet others of about their length, so that
    little of the work is padding.

    Parameters
    ----------
    rows : Rows
        The data.
    batch_size : int
        Rows in a batch.
    shuffle : bool, default=False
        Whether the order is drawn anew in each epoch.
    generator : torch.Generator, default=None
        Source of the shuffles, on the CPU.
    """

    def __init__(self, rows, batch_size, *, shuffle=False, generator=None):
        self.rows = rows
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.generator = generator

    def sizes(self):
        """Return the number of rows in each batch of an epoch."""
        n, size = len(self.rows), self.batch_size
        full, rest = divmod(n, size)
        sizes = [size] * full
        if rest:
            if full and (rest * 8 < size or (rest == 1 < size)):
                sizes[-1] += rest
            else:
                sizes.append(rest)
        return sizes

    def __len__(self):
        return len(self.sizes())

    def __iter__(self):
        sizes = self.sizes()
        if len(sizes) == 1:
            yield self.rows.take(slice(None))
            return
        if self.shuffle:
            order = torch.randperm(len(self.rows), generator=self.generator)
            if isinstance(self.rows.x, Ragged):
                batches = self.rows.x.bucketed(order, sizes, self.generator)
                yield from (self.rows.take(index) for index in batches)
                return
        n_values = int(np.prod(self.rows.x.shape[1:]))
        batches_in_block = max(1, BLOCK_VALUES // (self.batch_size * n_values))
        start = 0
        for first in range(0, len(sizes), batches_in_block):
            block_sizes = sizes[first : first + batches_in_block]
            stop = start + sum(block_sizes)
            index = order[start:stop] if self.shuffle else slice(start, stop)
            yield from self._cut(index, block_sizes)
            start = stop

    def _cut(self, index, sizes):
        if sp.issparse(self.rows.x) or isinstance(self.rows.x, Ragged):  # they cannot be split
            starts = np.cumsum([0, *sizes])
            if isinstance(index, slice):
                index = torch.arange(index.start, index.stop)
            for start, stop in pairwise(starts):
                yield self.rows.take(index[start:stop])
            return
        x, y, weight = self.rows.take(index)
        weights = [None] * len(sizes) if weight is None else weight.split(sizes)
        yield from zip(x.split(sizes), y.split(sizes), weights, strict=True)
