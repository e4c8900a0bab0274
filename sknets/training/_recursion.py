"""Backpropagation written out: the recursion of deltas, for K dense networks at once.

With the inputs ``h`` of a layer, ``z = h Wᵀ + b`` and ``a = f(z)``, a gradient ``δ`` with respect to
``a`` gives ``δ ← δ f'(z)``, then ``∂W = δᵀ h``, ``∂b = Σ δ`` over rows, and ``δ W`` for the layer below.

Arrays have the shape (K, rows, units): networks of the same shape are a stack. Weights and gradients
are views of the flat vectors, which are the rows of two matrices. One network lies in two vectors, and
its arrays have no first axis. All else is allocated once for each number of rows, so that a step
allocates nothing large.
"""

from itertools import repeat

import numpy as np

from sknets.training._draws import Draws
from sknets.training._recursion_layers import KINDS

#: Numbers of rows for which arrays are kept.
_MOST_SIZES = 4

#: Rows that are predicted at once: of more, arrays would be allocated anew, and leave the cache.
_ROWS_AT_ONCE = 2**10

#: Values of a layer's outputs up to which arrays outlast a part of a training.
_MOST_KEPT = 2**14


class Recursion:
    """Losses and gradients of K dense networks of one shape.

    Parameters
    ----------
    plans : list of list of PlainLayer
        The layers of each network, as its module tells them.
    places : dict of slice
        Where the parameters of the first network lie in a row, by their `id`; all have the same places.
    theta, grad : ndarray of shape (K, P), or (P,) for one
        Parameters and gradients.
    loss : Loss
        The loss of all.
    """

    def __init__(self, plans, places, theta, grad, loss):
        self.theta, self.grad, self.loss = theta, grad, loss
        self._layers = [
            KINDS[layer.kind](number, plans, places, theta, grad)
            for number, layer in enumerate(plans[0])
        ]
        self._dropping = [layer for layer in self._layers if layer.dropouts is not None]
        self._draws = None
        if self._dropping:
            n_units = [layer.n_units for layer in self._dropping]
            self._draws = Draws(self._dropping[0].dropouts, n_units)
        self._rooms = {}

    def forward(self, x):
        """Return raw outputs of rows as they are predicted, newly allocated."""
        n = x.shape[-2]
        if n <= _ROWS_AT_ONCE:
            return self._walk(x, self._make_rooms(n, x.dtype))
        raw = np.empty((*x.shape[:-1], self._layers[-1].n_units), x.dtype)
        rooms = self._make_rooms(_ROWS_AT_ONCE, x.dtype)
        for start in range(0, n, _ROWS_AT_ONCE):
            if n - start < _ROWS_AT_ONCE:
                rooms = self._make_rooms(n - start, x.dtype)
            rows = (..., slice(start, start + _ROWS_AT_ONCE), slice(None))
            raw[rows] = self._walk(x[rows], rooms)
        return raw

    def _walk(self, x, rooms):
        """Return what the layers make of rows; the last one's lies in its room."""
        for layer, room in zip(self._layers, rooms, strict=True):
            x = layer.forward(x, room)
        return x

    def _make_rooms(self, n, dtype):
        return [layer.make_room(n, dtype) for layer in self._layers]

    def draw(self, sizes):
        """Yield, for each of the coming batches, the random bits with which `fill` drops units.

        Parameters
        ----------
        sizes : list of list of int
            Rows of each network in each batch, ``sizes[j][k]``; they differ at most in the last batch.
        """
        return repeat(()) if self._draws is None else self._draws.batches(sizes)

    def fill(self, x, y, weight, n_rows, missing=(), bits=()):
        """Fill the gradients of the mean losses of batches.

        Parameters
        ----------
        x : ndarray of shape ([K,] n, n_inputs)
            Inputs.
        y : ndarray of shape ([K,] n, n_outputs)
            Targets, as numbers.
        weight : ndarray of shape ([K,] n, 1) or None
            Weights of the rows.
        n_rows : float or ndarray of shape (K, 1)
            Number of rows of each network, by which sums are divided.
        missing : list of (int, slice), default=()
            Rows that are none: of which network, and which.
        bits : list of ndarray, default=()
            What `draw` has yielded for the batch.

        Returns
        -------
        losses : float or ndarray of shape (K,)
            Mean losses of the rows.
        raw : ndarray of shape ([K,] n, n_outputs)
            Raw outputs.
        """
        rooms, (delta, losses, flat_losses, ones) = self._rooms_for(x)
        for layer, of_layer in zip(self._dropping, bits, strict=True):
            layer.drop(rooms[layer.number], of_layer)
        x = self._walk(x, rooms)
        self.loss.differentiate(x, y, delta, losses)
        if weight is not None:
            delta *= weight
            losses *= weight
        for k, rows in missing:
            delta[k, rows] = losses[k, rows] = 0.0
        is_equal = isinstance(n_rows, float)
        delta *= 1.0 / n_rows if is_equal else 1.0 / n_rows[:, :, None]
        sums = np.matmul(flat_losses, ones)
        for number in range(len(self._layers) - 1, -1, -1):
            below = rooms[number - 1].delta if number else None
            self._layers[number].backward(delta, rooms[number], below)
            delta = below
        return sums / (n_rows if is_equal else n_rows[:, 0]), x

    def differentiate_rows(self, x, output, rows):
        """Write the derivatives of one raw output with respect to the parameters, row by row.

        Parameters
        ----------
        x : ndarray of shape (n, n_inputs)
            Inputs of the one network here.
        output : int
            Which raw output.
        rows : ndarray of shape (n, P)
            Where the derivatives are written.

        Returns
        -------
        raw : ndarray of shape (n, n_outputs)
            All raw outputs.
        """
        rooms, (delta, *_) = self._rooms_for(x)
        for layer, room in zip(self._layers, rooms, strict=True):
            x = layer.forward(x, room)
        delta[:] = 0.0
        delta[:, output] = 1.0
        for number in range(len(self._layers) - 1, -1, -1):
            below = rooms[number - 1].delta if number else None
            self._layers[number].backward(delta, rooms[number], below, rows)
            delta = below
        return x

    def release(self, *, goes_on=False):
        """Let go of all arrays for batches, or of large ones alone where training goes on."""
        widest = max(layer.n_units for layer in self._layers)
        if not goes_on or any(size * widest > _MOST_KEPT for size in self._rooms):
            self._rooms.clear()
        for rooms, _ in self._rooms.values():
            for room in rooms:
                room.forget()
        if self._draws is not None:
            self._draws.release()

    def _rooms_for(self, x):
        """Return the room of each layer for batches of a size, and that of the loss."""
        size = x.shape[-2]
        found = self._rooms.get(size)
        if found is None:
            if len(self._rooms) == _MOST_SIZES:
                self._rooms.clear()
            rooms = self._make_rooms(size, self.theta.dtype)
            for room in rooms[:-1]:
                room.make_delta()
            delta, losses = np.empty_like(rooms[-1].a), np.empty_like(rooms[-1].a)
            flat_losses = losses.reshape(*self.theta.shape[:-1], -1)
            ones = np.ones(flat_losses.shape[-1], losses.dtype)
            found = self._rooms[size] = rooms, (delta, losses, flat_losses, ones)
        return found
