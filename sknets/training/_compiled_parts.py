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
    parts, starts, known, n_rows = [], [], {}, 0
    for arrays in zip(*columns, strict=True):
        key = tuple((a.__array_interface__["data"][0], a.shape, a.strides) for a in arrays)
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
    orders : torch.Tensor of shape (K, n_epochs, n), or None
        Room for the orders of rows, if they are shuffled.

    Attributes
    ----------
    steps : slice
        Which of the steps of these epochs.
    starts, sizes, epochs, orders, bits, places
        As `descend` takes them.
    orders_of, words_of : list of list of {torch.Tensor, None}
        For each network and epoch, where its order is to be drawn, if it is now; and its words.
    """

    def __init__(self, batches, n_epochs, starts, sizes, n_words, orders):
        n_batches, n_nets = sizes[batches].shape
        self.steps = slice(batches.start, batches.start + n_epochs * n_batches)
        self.starts = np.tile(starts[batches], n_epochs)
        self.sizes = np.tile(sizes[batches], (n_epochs, 1))
        self.epochs = np.repeat(np.arange(n_epochs), n_batches)
        self.orders_of = [[None] * n_epochs] * n_nets
        if orders is None:
            self.orders = np.empty((n_nets, n_epochs, 0), np.int64)
        else:
            self.orders = orders.numpy()
            if batches.start == 0:
                self.orders_of = [of_net.unbind() for of_net in orders]
        self._make_words(n_words[batches], n_epochs)

    def _make_words(self, n_words, n_epochs):
        n_batches, n_nets, n_layers = n_words.shape
        of_net = n_words.swapaxes(0, 1).reshape(n_nets, -1)
        stops = of_net.cumsum(axis=1)
        n_each = stops[:, -1].tolist() if n_layers else [0] * n_nets
        words = torch.empty(n_nets, n_epochs, max(n_each), dtype=torch.int64)
        self.bits = words.numpy().view(np.uint16).reshape(n_nets, -1)
        self.words_of = [[None] * n_epochs] * n_nets
        if n_layers:
            self.words_of = [row[:, :n].unbind() for row, n in zip(words, n_each, strict=True)]
        places = (stops - of_net).reshape(n_nets, n_batches, n_layers).swapaxes(0, 1)
        of_epochs = max(n_each) * np.arange(n_epochs)[:, None, None, None]
        self.places = 4 * (of_epochs + places).reshape(n_epochs * n_batches, n_nets, n_layers)
