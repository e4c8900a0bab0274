"""A fitted network whose module takes rows of numbers, opened: a dense one, or a user's own."""

import math
from functools import partial

import numpy as np

from sknets.inspection._opened import (
    OpenedNetwork,
    find_layer,
    hidden_layers,
    named_layers,
    outputs_of,
)
from sknets.inspection._unwrap import IS_DENSE, IS_FOREIGN


class OpenedTable(OpenedNetwork):
    """A copy of a module from rows of X to raw outputs, with nothing before it.

    Parameters
    ----------
    estimator : estimator
        What `unwrap` takes.
    X : array-like
        Data as the estimator takes them.
    """

    def __init__(self, estimator, X):
        super().__init__(estimator, (IS_DENSE, IS_FOREIGN), X)

    @property
    def widest(self):
        """Values of a row of X, or of the widest layer."""
        return max(self.network._learned.work.n_values, math.prod(self.rows.shape[1:]))

    def blocks(self):
        """Yield slices of the rows of X, with the values in them that outputs are explained by."""
        for rows in self.slices():
            yield rows, self.values(self.rows[rows])

    def values(self, rows):
        """Return rows as a dense tensor that has a gradient.

        Raises
        ------
        ValueError
            If the module is given whole numbers.
        """
        values = self.batch(rows)
        values = values.to_dense() if values.is_sparse else values.detach()
        if not values.is_floating_point():
            raise ValueError(
                "X holds whole numbers for this module, which have no gradient; layer_activations "
                "looks into it all the same."
            )
        return values

    def raw(self, values):
        """Return the raw outputs of values."""
        return self.module(values)

    def as_attributions(self, parts):
        """Return attributions of all blocks in the shape of X; of sequences, without their padding."""
        arrays = [part.cpu().numpy() for part in parts]
        lengths = getattr(self.rows, "lengths", None)
        if lengths is None:
            return np.concatenate(arrays)
        per_row = [row for array in arrays for row in array]
        cut = [row[:length] for row, length in zip(per_row, lengths, strict=True)]
        return self.rows.split(np.concatenate(cut))

    def read_baseline(self, row):
        """Return a row of X as the values where a path starts."""
        return self.values(self.read(row))

    def origin(self, start, rows, values):
        """Return the start of the paths to the values of a block."""
        start = start[rows] if len(start) > 1 else start
        return start[:, : values.shape[1]]  # sequences are as long as the longest of the block

    # --- layers --------------------------------------------------------------------------------------

    def layers(self):
        """Return the layers by name: hidden ones, or what a user's module names."""
        if IS_FOREIGN.fits(self.network):
            return named_layers(self.module.module)
        return hidden_layers(self.module)

    def activations(self, layer=None):
        """Return the outputs of a layer, or of all, by name."""
        layers = self.layers()
        layers.setdefault("output", self.module)
        if layer is not None:
            layers = {layer: find_layer(layers, layer)}
        parts = {}
        for rows in self.slices():
            batch = self.batch(self.rows[rows])
            run = partial(self.module, batch)
            for name, values in outputs_of(layers, run, batch.shape[0]).items():
                parts.setdefault(name, []).append(values.cpu().numpy())
        return {name: np.concatenate(blocks) for name, blocks in parts.items()}
