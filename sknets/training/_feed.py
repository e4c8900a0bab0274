"""The batches of networks that train as one, gathered side by side."""

from itertools import accumulate

import numpy as np
import torch

#: Values of inputs, over all networks, that are gathered at once; batches are views of them.
BLOCK_VALUES = 2**17

#: Values of all rows of a network, as an encoder makes them, up to which they are kept.
MOST_ENCODED = 2**25


class Sources:
    """Where the batches of K networks come from, which differ in size at most in the last one.

    Parameters
    ----------
    iterators : list of Batches
        The batches of each.

    Attributes
    ----------
    rows : list of Rows
        What they are taken from.
    n_batches : int
        Batches in an epoch.
    sizes : list of tuple of int
        Rows of each network in each batch.
    """

    def __init__(self, iterators):
        self._iterators = iterators
        self.rows = [batches.rows for batches in iterators]
        self.sizes = list(zip(*(batches.sizes() for batches in iterators), strict=True))
        self.n_batches = len(self.sizes)

    @property
    def shuffles(self):
        """Whether rows come in another order in each epoch."""
        return self.n_batches > 1 and self._iterators[0].shuffle

    def draw_orders(self, orders):
        """Draw the order of an epoch for each network, into tensors."""
        for batches, order in zip(self._iterators, orders, strict=True):
            torch.randperm(len(batches.rows), generator=batches.generator, out=order)


class ArraySources(Sources):
    """Sources whose data are arrays, as the recursion takes them.

    Parameters
    ----------
    nets : list of Net
        The nets.
    iterators : list of Batches
        Their batches.

    Attributes
    ----------
    data : list of tuple of ndarray
        Inputs, targets of shape (n, n_outputs), or classes of shape (n,), and weights of shape (n, 1) or
        None, of each network.
    codes : ndarray of shape (n_classes, n_outputs), or None
        The targets of classes.
    encoders : list of PiecewiseLinear, or None
        What encodes the inputs of each network when they are needed, where that is not done before.
    starts : list of int
        Where each batch begins.
    """

    def __init__(self, nets, iterators):
        super().__init__(iterators)
        self.starts = [0, *accumulate(of_each[0] for of_each in self.sizes)][:-1]
        self.n_inputs = nets[0].gradient.plan[0].n_inputs
        self.codes = nets[0].gradient.codes if self.n_batches > 1 else None
        self.encoders = [
            self._encoder(net, rows) for net, rows in zip(nets, self.rows, strict=True)
        ]
        self.data = [
            self._arrays(net, rows, encoder)
            for net, rows, encoder in zip(nets, self.rows, self.encoders, strict=True)
        ]

    @staticmethod
    def _encoder(net, rows):
        """Return what encodes rows block by block, if all of them would be too many to keep."""
        encoder = net.gradient.encoder
        is_late = encoder is not None and len(rows) * encoder.n_units > MOST_ENCODED
        return encoder if is_late else None

    def _arrays(self, net, rows, encoder):
        weight = None if rows.weight is None else rows.weight.numpy()[:, None]
        y = rows.y.numpy() if self.codes is not None else net.gradient.as_numbers(rows.y)
        x = rows.x.data
        return (net.gradient.encode(x) if encoder is None else x.numpy()), y, weight


class Feed:
    """The batches of K networks, gathered side by side.

    Parameters
    ----------
    sources : ArraySources
        Where they come from.
    column : callable
        Makes an array of shape (K, 1) of K numbers, or a number of one.
    """

    def __init__(self, sources, column):
        self._sources, self._column = sources, column
        n_nets, n_batches, n_inputs = len(sources.data), sources.n_batches, sources.n_inputs
        x, y, _ = sources.data[0]
        n_at_once = max(1, BLOCK_VALUES // (n_nets * sources.sizes[0][0] * n_inputs))
        is_made = sources.codes is not None or sources.encoders[0] is not None
        self._is_lent = n_nets == 1 and not sources.shuffles and not is_made
        if self._is_lent:  # nothing to gather
            n_at_once = n_batches
        self._blocks = [
            range(first, min(first + n_at_once, n_batches))
            for first in range(0, n_batches, n_at_once)
        ]
        self._is_gathered = False
        if self._is_lent:
            self._x, self._y, self._weight = sources.data[0]
        else:
            longest = max(
                self._stop(block, k) - self._start(block)
                for block in self._blocks
                for k in range(n_nets)
            )
            shape = (n_nets, longest) if n_nets > 1 else (longest,)
            self._x = np.zeros((*shape, n_inputs), x.dtype)
            like = y if sources.codes is None else sources.codes
            self._y = np.zeros((*shape, like.shape[1]), like.dtype)
            has_weight = any(weight is not None for _, _, weight in sources.data)
            self._weight = np.ones((*shape, 1), x.dtype) if has_weight else None
        self._orders = [None] * n_nets
        if sources.shuffles:
            self._orders = [torch.empty(len(x), dtype=torch.int64) for x, *_ in sources.data]
        self._views = [self._cut(block) for block in self._blocks]

    def _start(self, block):
        return self._sources.starts[block[0]]

    def _stop(self, block, k):
        return self._sources.starts[block[-1]] + self._sources.sizes[block[-1]][k]

    def _cut(self, block):
        """Return the batches of a block as views of what is gathered."""
        views, first = [], self._start(block)
        for number in block:
            of_each, start = self._sources.sizes[number], self._sources.starts[number] - first
            rows = slice(start, start + max(of_each))
            weight = None if self._weight is None else self._weight[..., rows, :]
            missing = [(k, slice(n, None)) for k, n in enumerate(of_each) if n < max(of_each)]
            size = self._column(of_each) if missing else float(of_each[0])
            views.append((self._x[..., rows, :], self._y[..., rows, :], weight, size, missing))
        return views

    def batches(self):
        """Yield ``(x, y, weight, n_rows, missing)`` as `Recursion.fill` takes them."""
        if self._sources.shuffles:
            self._sources.draw_orders(self._orders)
        for block, views in zip(self._blocks, self._views, strict=True):
            if not self._is_lent:
                self._gather(block)
            yield from views

    def _gather(self, block):
        sources = self._sources
        if self._is_gathered and len(self._blocks) == 1 and not sources.shuffles:
            return
        self._is_gathered = True
        start = self._start(block)
        for k, (data, order) in enumerate(zip(sources.data, self._orders, strict=True)):
            stop = self._stop(block, k)
            index = slice(start, stop) if order is None else order.numpy()[start:stop]
            encoder = sources.encoders[k]
            for values, room in zip(data, (self._x, self._y, self._weight), strict=True):
                if values is None:
                    continue
                part = room[k, : stop - start] if len(sources.data) > 1 else room[: stop - start]
                if encoder is not None and room is self._x:
                    encoder.encode(values[index], out=part)
                elif values.ndim == 1:
                    np.take(sources.codes, values[index], axis=0, out=part, mode="clip")
                elif order is None:
                    part[...] = values[index]
                else:
                    np.take(values, index, axis=0, out=part, mode="clip")
