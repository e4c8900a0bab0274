"""Mini-batches of inputs, targets and weights."""

import torch

from sknets.training._stores import Store, TensorStore, moved


class Rows(torch.utils.data.Dataset):
    """Rows of inputs and targets, with a weight each, in the form in which a module takes them.

    Parameters
    ----------
    x : Store or torch.Tensor of shape (n_rows, ...)
        Inputs.
    y : torch.Tensor of shape (n_rows, ...)
        Encoded targets.
    weight : torch.Tensor of shape (n_rows,), default=None
        Sample weights, relative to their mean.
    mean_weight : float, default=1.0
        That mean. A batch counts as the sum of weights ``len(batch) * mean_weight``, so that a
        heavy row weighs as much in a small batch as in a large one.
    """

    def __init__(self, x, y, weight=None, *, mean_weight=1.0):
        self.x = x if isinstance(x, Store) else TensorStore(x)
        self.y = y
        self.weight = weight
        self.mean_weight = mean_weight
        self._n_rows = len(y)

    # the names by which skorch's scoring callbacks find the data
    X = property(lambda self: self.x.data)

    def __len__(self):
        return self._n_rows

    def __getitem__(self, index):
        return self.x.take(index), self.y[index]

    def targets_on(self, device):
        """Return targets and weights (or None) on a device."""
        return self.y.to(device), None if self.weight is None else self.weight.to(device)

    def take(self, index):
        """Return (x, y, weight) of an index or slice."""
        x, index = self.x.take(index), moved(index, self.y.device)
        weight = None if self.weight is None else self.weight[index]
        return x, self.y[index], weight


def collect(parts, n_rows, *, are_own=False):
    """Return the rows of several tensors as one tensor on the CPU.

    It is allocated at once: small results kept among large maps that come and go would scatter over
    the heap and keep it from shrinking. Where the parts differ in the size of other axes, it has the
    largest, and zeros where a part has nothing.

    Parameters
    ----------
    parts : iterable of torch.Tensor of shape (n, ...)
    n_rows : int
        Their rows, all together.
    are_own : bool, default=False
        Whether nobody else writes into the parts or keeps them: one that has all rows is the whole.
    """
    whole, start = None, 0
    for part in parts:
        if are_own and len(part) == n_rows:
            return part.cpu()
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
    cannot work on one row. Which rows meet in a batch, the store may decide.

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
        order = None
        if self.shuffle:
            order = self.rows.x.draw_order(self.generator)
        for index, parts in self.rows.x.plan(sizes, order, self.generator):
            x, y, weight = self.rows.take(index)
            if len(parts) == 1:
                yield x, y, weight
                continue
            weights = [None] * len(parts) if weight is None else weight.split(parts)
            yield from zip(x.split(parts), y.split(parts), weights, strict=True)
