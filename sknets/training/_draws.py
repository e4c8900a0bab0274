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
        for block in self.blocks(sizes):
            yield from block.views

    def blocks(self, sizes):
        """Yield `Block` for some batches after each other, as `batches` takes them."""
        largest = [max(of_each) for of_each in sizes]
        n_equal = len(sizes) - (largest[-1] != min(sizes[-1]))
        n_words_each = sum(self._n_words(largest[0] * n) for n in self._n_units)
        n_at_once = max(1, BLOCK_WORDS // (len(self._dropouts) * n_words_each))
        for first in range(0, n_equal, n_at_once):
            block = self._room_for(tuple(largest[first : min(first + n_at_once, n_equal)]))
            for row, dropout in zip(block.words, self._dropouts, strict=True):
                dropout.fill(row)
            yield block
        if n_equal < len(sizes):
            yield self._draw_unequal(sizes[-1])

    def release(self):
        """Let go of all arrays."""
        self._rooms.clear()

    def _draw_unequal(self, sizes):
        block = self._room_for((max(sizes),))
        for row, dropout, size in zip(block.words, self._dropouts, sizes, strict=True):
            start = 0
            for n in self._n_units:
                dropout.fill(row[start : start + self._n_words(size * n)])
                start += self._n_words(max(sizes) * n)
        return block

    def _room_for(self, sizes):
        found = self._rooms.get(sizes)
        if found is None:
            if len(self._rooms) == _MOST_ROOMS:
                self._rooms.clear()
            n_words = [[self._n_words(size * n) for n in self._n_units] for size in sizes]
            n_bits = [[size * n for n in self._n_units] for size in sizes]
            found = self._rooms[sizes] = Block(len(self._dropouts), n_words, n_bits)
        return found


class Block:
    """Room for the bits of K networks in some batches after each other.

    Parameters
    ----------
    n_nets : int
        The networks.
    n_words, n_bits : list of list of int
        Words of 64 bits, and units with 16 each, of each batch and layer.

    Attributes
    ----------
    words : list of torch.Tensor
        The words of each network.
    bits : ndarray of uint16 of shape (K, 4 * n_words)
        The same.
    places : ndarray of int of shape (n_batches, n_layers)
        Where the bits of each batch and layer begin.
    views : list of list of ndarray of shape ([K,] n_bits)
        The bits of each batch and layer.
    """

    def __init__(self, n_nets, n_words, n_bits):
        stops = 4 * np.cumsum(n_words)
        words = torch.zeros(n_nets, int(stops[-1]) // 4, dtype=torch.int64)
        self.words, self.bits = list(words), words.numpy().view(np.uint16)
        self.places = np.array([0, *stops[:-1]]).reshape(np.shape(n_words))
        bits = self.bits if n_nets > 1 else self.bits[0]
        self.views = [
            [bits[..., at : at + n] for at, n in zip(places, of_batch, strict=True)]
            for places, of_batch in zip(self.places.tolist(), n_bits, strict=True)
        ]
