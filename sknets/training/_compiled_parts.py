"""What is handed over to machine code: rows of several networks, and steps with their random numbers."""

import numpy as np
import torch


def weights_of(data):
    """Return the weights of the rows of each network; if none has any, arrays without columns."""
    if all(weight is None for _, _, weight in data):
        return [np.empty((len(x), 0), x.dtype) for x, _, _ in data]
    return [
        np.ones((len(x), 1), x.dtype) if weight is None else weight.astype(x.dtype, copy=False)
        for x, _, weight in data
    ]


def behind_each_other(*columns):
    """Return arrays of several networks behind each other, and where those of each begin.

    Parameters
    ----------
    *columns : list of ndarray
        An array of each network; those of a network have equally many rows. What several networks share
        is there once.

    Returns
    -------
    wholes : list of ndarray
        One for each column, contiguous.
    starts : list of int
        The first row of each network.
    """
    if len(columns[0]) == 1:
        return [np.ascontiguousarray(arrays[0]) for arrays in columns], [0]
    parts, starts, known, n_rows = [], [], {}, 0
    for arrays in zip(*columns, strict=True):
        key = tuple(
            (a.size and a.__array_interface__["data"][0], a.shape, a.strides) for a in arrays
        )
        if key not in known:
            known[key] = n_rows
            parts.append(arrays)
            n_rows += len(arrays[0])
        starts.append(known[key])
    wholes = [
        np.ascontiguousarray(column[0]) if len(column) == 1 else np.concatenate(column)
        for column in zip(*parts, strict=True)
    ]
    return wholes, starts


class Part:
    """Steps that are taken in one call, and room for the random numbers that they need.

    Parameters
    ----------
    batches : slice
        Which batches of an epoch; where there are several epochs, all of them.
    n_epochs : int
        In how many epochs they lie.
    starts : ndarray of int of shape (n_batches,)
        Where each batch begins.
    sizes : ndarray of int of shape (n_batches, K)
        Its rows.
    n_words : ndarray of int of shape (n_batches, K, n_dropping)
        Its words of random bits.
    orders : ndarray of int of shape (K, n_epochs, n)
        Room for the orders of rows.
    n_rows : list of int
        Rows of each network that are shuffled, all of them in the part of the first batch.

    Attributes
    ----------
    steps : slice
        Which of the steps of these epochs.
    starts, sizes, epochs, orders, bits, places
        As `descend` takes them.
    """

    def __init__(self, batches, n_epochs, starts, sizes, n_words, orders, n_rows):
        n_batches, n_nets = sizes[batches].shape
        self.steps = slice(batches.start, batches.start + n_epochs * n_batches)
        self.starts = np.tile(starts[batches], n_epochs)
        self.sizes = np.tile(sizes[batches], (n_epochs, 1))
        self.epochs = np.repeat(np.arange(n_epochs), n_batches)
        self.orders = orders
        self._n_drawn = n_rows if batches.start == 0 else [0] * n_nets
        self._make_words(n_words[batches], n_epochs)

    def _make_words(self, n_words, n_epochs):
        n_batches, n_nets, n_layers = n_words.shape
        of_net = n_words.swapaxes(0, 1).reshape(n_nets, -1)
        stops = of_net.cumsum(axis=1)
        self._n_words = stops[:, -1].tolist() if n_layers else [0] * n_nets
        most = max(self._n_words)
        self._words = np.empty((n_nets, n_epochs, most), np.int64)
        self.bits = self._words.view(np.uint16).reshape(n_nets, -1)
        places = (stops - of_net).reshape(n_nets, n_batches, n_layers).swapaxes(0, 1)
        of_epochs = most * np.arange(n_epochs)[:, None, None, None]
        self.places = 4 * (of_epochs + places).reshape(n_epochs * n_batches, n_nets, n_layers)

    def draw(self, k, generator, dropouts, draw, n_epochs=None):
        """Draw as a network would alone: the order of an epoch, and what is dropped in it.

        Parameters
        ----------
        k : int
            Which network.
        generator : torch.Generator
            From whom all is drawn.
        dropouts : list of Dropout
            The layers that drop units, of which the first one draws for all.
        draw : callable or None
            What draws faster than Torch, if there is something.
        n_epochs : int, default=None
            For how many of the epochs; None is all.
        """
        orders, n_rows = self.orders[k, :n_epochs], self._n_drawn[k]
        words, n_words = self._words[k, :n_epochs], self._n_words[k]
        if n_rows == n_words == 0:
            return
        if draw is not None:
            draw(generator, orders, n_rows, words, n_words)
            return
        for order, of_epoch in zip(orders[:, :n_rows], words[:, :n_words], strict=True):
            if n_rows:
                torch.randperm(n_rows, generator=generator, out=torch.from_numpy(order))
            if n_words:
                dropouts[0].fill(torch.from_numpy(of_epoch))
