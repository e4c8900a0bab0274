"""Random bits for the dropout of K networks, drawn for several batches at once."""

import numpy as np
import torch

#: Words of 64 bits that are drawn at once, for all networks.
BLOCK_WORDS = 2**15

#: Kinds of blocks for which room is kept.
_MOST_ROOMS = 4


class Draws:
    """Random bits for units of the layers that drop some, 16 for each.

    Each network has the bits that it would have drawn alone, layer by layer and batch by batch.

    Parameters
    ----------
    dropouts : list of Dropout
        Who draws for each network.
    n_units : list of int
        Units of each layer.
    """

    def __init__(self, dropouts, n_units):
        self._dropouts = dropouts
        self._n_words = dropouts[0].n_words
        self._n_units = n_units
        self._rooms = {}

    def batches(self, sizes):
        """Yield the bits of each layer, arrays of shape ([K,] n * n_units), for each batch.

        Parameters
        ----------
        sizes : list of list of int
            Rows of each network in each batch, ``sizes[j][k]``; they differ at most in the last batch.
        """
        largest = [max(of_each) for of_each in sizes]
        n_equal = len(sizes) - (largest[-1] != min(sizes[-1]))
        n_words_each = sum(self._n_words(largest[0] * n) for n in self._n_units)
        n_at_once = max(1, BLOCK_WORDS // (len(self._dropouts) * n_words_each))
        for first in range(0, n_equal, n_at_once):
            block = largest[first : min(first + n_at_once, n_equal)]
            rows, views = self._room_for(tuple(block))
            for row, dropout in zip(rows, self._dropouts, strict=True):
                dropout.fill(row)
            yield from views
        if n_equal < len(sizes):
            yield self._draw_unequal(sizes[-1])

    def release(self):
        """Let go of all arrays."""
        self._rooms.clear()

    def _draw_unequal(self, sizes):
        rows, (views,) = self._room_for((max(sizes),))
        for row, dropout, size in zip(rows, self._dropouts, sizes, strict=True):
            start = 0
            for n in self._n_units:
                dropout.fill(row[start : start + self._n_words(size * n)])
                start += self._n_words(max(sizes) * n)
        return views

    def _room_for(self, block):
        """Return the words of each network for a block of batches, and the bits of each batch."""
        found = self._rooms.get(block)
        if found is None:
            n_each = [[self._n_words(size * n) for n in self._n_units] for size in block]
            words = torch.zeros(len(self._dropouts), sum(map(sum, n_each)), dtype=torch.int64)
            bits, start, views = words.numpy().view(np.uint16), 0, []
            if len(bits) == 1:
                bits = bits[0]
            for size, of_layers in zip(block, n_each, strict=True):
                views.append([])
                for n, n_of_layer in zip(self._n_units, of_layers, strict=True):
                    views[-1].append(bits[..., 4 * start : 4 * start + size * n])
                    start += n_of_layer
            if len(self._rooms) == _MOST_ROOMS:
                self._rooms.clear()
            found = self._rooms[block] = list(words), views
        return found
