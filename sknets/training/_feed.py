"""The batches of networks that train as one, gathered side by side."""

from itertools import accumulate

import numpy as np
import torch

#: Values of inputs, over all networks, that are gathered at once; batches are views of them.
BLOCK_VALUES = 2**17

#: Values of all rows of a network, as an encoder makes them, up to which they are kept.
MOST_ENCODED = 2**25


class Feed:
    """The batches of K networks, which differ in size at most in the last one.

    Parameters
    ----------
    nets : list of Net
        The nets.
    iterators : list of Batches
        Their batches.
    sizes : list of list of int
        Rows in each batch of each network.
    column : callable
        Makes an array of shape (K, 1) of K numbers, or a number of one.

    Attributes
    ----------
    sizes : list of list of int
        Rows of each network in each batch.
    """

    def __init__(self, nets, iterators, sizes, column):
        self._iterators = iterators
        self.n_batches = len(sizes[0])
        self._codes = nets[0].gradient.codes if self.n_batches > 1 else None
        self._encoders = [
            self._encoder(net, each.rows) for net, each in zip(nets, iterators, strict=True)
        ]
        self._data = [
            self._arrays(net, each.rows, encoder)
            for net, each, encoder in zip(nets, iterators, self._encoders, strict=True)
        ]
        self.sizes = list(zip(*sizes, strict=True))
        self._column = column
        self._starts = [0, *accumulate(sizes[0])][:-1]
        x, y, _ = self._data[0]
        n_inputs = nets[0].gradient.plan[0].n_inputs
        n_at_once = max(1, BLOCK_VALUES // (len(nets) * sizes[0][0] * n_inputs))
        is_made = self._codes is not None or self._encoders[0] is not None
        self._is_lent = len(nets) == 1 and not self._shuffles and not is_made
        if self._is_lent:  # nothing to gather
            n_at_once = self.n_batches
        self._blocks = [
            range(first, min(first + n_at_once, self.n_batches))
            for first in range(0, self.n_batches, n_at_once)
        ]
        self._has_weight = any(weight is not None for _, _, weight in self._data)
        self._is_gathered = False
        if not self._is_lent:
            longest = max(
                self._stop(block, k) - self._start(block)
                for block in self._blocks
                for k in range(len(nets))
            )
            shape = (len(nets), longest) if len(nets) > 1 else (longest,)
            self._x = np.zeros((*shape, n_inputs), x.dtype)
            like = y if self._codes is None else self._codes
            self._y = np.zeros((*shape, like.shape[1]), like.dtype)
            self._weight = np.ones((*shape, 1), x.dtype) if self._has_weight else None
        else:
            self._x, self._y, self._weight = self._data[0]
        self._views = [self._cut(block) for block in self._blocks]

    @property
    def _shuffles(self):
        return self.n_batches > 1 and self._iterators[0].shuffle

    def _start(self, block):
        return self._starts[block[0]]

    def _stop(self, block, k):
        return self._starts[block[-1]] + self.sizes[block[-1]][k]

    def _cut(self, block):
        """Return the batches of a block as views of what is gathered."""
        views, first = [], self._start(block)
        for number in block:
            of_each = self.sizes[number]
            rows = slice(self._starts[number] - first, self._starts[number] - first + max(of_each))
            weight = None if self._weight is None else self._weight[..., rows, :]
            missing = [(k, slice(n, None)) for k, n in enumerate(of_each) if n < max(of_each)]
            size = self._column(of_each) if missing else float(of_each[0])
            views.append((self._x[..., rows, :], self._y[..., rows, :], weight, size, missing))
        return views

    def batches(self):
        """Yield ``(x, y, weight, n_rows, missing)`` as `Recursion.fill` takes them."""
        orders = [None] * len(self._iterators)
        if self._shuffles:
            orders = [
                torch.randperm(len(batches.rows), generator=batches.generator).numpy()
                for batches in self._iterators
            ]
        for block, views in zip(self._blocks, self._views, strict=True):
            if not self._is_lent:
                self._gather(block, orders)
            yield from views

    def _gather(self, block, orders):
        if self._is_gathered and len(self._blocks) == 1 and not self._shuffles:
            return
        self._is_gathered = True
        start = self._start(block)
        for k, (data, order) in enumerate(zip(self._data, orders, strict=True)):
            stop = self._stop(block, k)
            index = slice(start, stop) if order is None else order[start:stop]
            encoder = self._encoders[k]
            for values, room in zip(data, (self._x, self._y, self._weight), strict=True):
                if values is None:
                    continue
                part = room[k, : stop - start] if len(self._data) > 1 else room[: stop - start]
                if encoder is not None and room is self._x:
                    encoder.encode(values[index], out=part)
                elif values.ndim == 1:
                    np.take(self._codes, values[index], axis=0, out=part, mode="clip")
                elif order is None:
                    part[...] = values[index]
                else:
                    np.take(values, index, axis=0, out=part, mode="clip")

    @staticmethod
    def _encoder(net, rows):
        """Return what encodes rows block by block, if all of them would be too many to keep."""
        encoder = net.gradient.encoder
        is_late = encoder is not None and len(rows) * encoder.n_units > MOST_ENCODED
        return encoder if is_late else None

    def _arrays(self, net, rows, encoder):
        """Return inputs, targets and weights (or None) as arrays; targets may be classes of one axis."""
        weight = None if rows.weight is None else rows.weight.numpy()[:, None]
        y = rows.y.numpy() if self._codes is not None else net.gradient.as_numbers(rows.y)
        x = rows.x.data
        return (net.gradient.encode(x) if encoder is None else x.numpy()), y, weight
