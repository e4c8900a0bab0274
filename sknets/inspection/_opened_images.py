"""A fitted network for images, opened: its layers, its maps, and X in blocks of images."""

import math
from functools import cached_property

import numpy as np
import torch

from sknets.inspection._opened import (
    OpenedNetwork,
    find_layer,
    named_layers,
    outputs_of,
)
from sknets.inspection._unwrap import NO_X, SEES_IMAGES


class OpenedImageNetwork(OpenedNetwork):
    """A copy of the module of a network whose ``module.input`` makes images and whose base makes maps.

    ``module.from_images(module.input(x))`` are the raw outputs of rows x.

    Parameters
    ----------
    estimator : estimator
        What `unwrap` takes.
    X : array-like, default=NO_X
        Data as the estimator takes them.
    """

    def __init__(self, estimator, X=NO_X):
        super().__init__(estimator, SEES_IMAGES, X)

    @property
    def size(self):
        """Spatial size of an image as the module sees it."""
        return self.module.input.size

    def images(self, rows):
        """Return rows as standardised images of shape (n, channels, *size)."""
        return self.module.input(self.batch(rows))

    @cached_property
    def widest(self):
        """Values of the image and of the largest feature map."""
        return max([self.n_values, *(math.prod(shape) for shape in self.shapes.values())])

    def blocks(self):
        """Yield slices of the rows of X with the images in them."""
        for rows in self.slices():
            yield rows, self.images(self.rows[rows])

    def raw(self, images):
        """Return the raw outputs of images."""
        return self.module.from_images(images)

    def as_attributions(self, parts):
        """Return attributions of all blocks, summed over the channels."""
        return np.concatenate([self.as_heatmap(part) for part in parts])

    def read_baseline(self, row):
        """Return a row of X as the image where a path starts."""
        return self.images(self.read(row))

    def origin(self, start, rows, images):
        """Return the start of the paths to the images of a block."""
        return start

    def layers(self):
        """Return the named layers of the base."""
        return named_layers(self.module.base)

    def layer(self, name):
        """Return the layer of a name.

        Raises
        ------
        ValueError
            If there is none.
        """
        return find_layer(self.layers(), name)

    @cached_property
    def shapes(self):
        """Shape of the outputs of each layer for one row, in the order of computation."""
        outputs = self.outputs_of(self.images(self.rows[:1]))
        return {name: tuple(values.shape) for name, values in outputs.items()}

    def convolutions(self):
        """Return the convolutions among the layers."""
        kinds = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
        return {name: layer for name, layer in self.layers().items() if isinstance(layer, kinds)}

    def outputs_of(self, images, layers=None):
        """Return the outputs of the layers of the base by name, in the order of computation."""
        layers = self.layers() if layers is None else layers
        return outputs_of(layers, lambda: self.module.base(images), len(images))

    def activations(self, layer=None):
        """Return the outputs of a layer, or of all, by name."""
        layers = self.layers() if layer is None else {layer: self.layer(layer)}
        parts = {}
        for _, images in self.blocks():
            for name, values in self.outputs_of(images, layers).items():
                parts.setdefault(name, []).append(self.as_maps(values))
        return {name: np.concatenate(blocks) for name, blocks in parts.items()}

    def as_maps(self, values):
        """Return a tensor (n, channels, *size) as an array, channels last; signals have no height."""
        if self.module.input.is_signal and values.ndim == 4:
            values = values.squeeze(2)
        return np.ascontiguousarray(values.movedim(1, -1).cpu().numpy())

    def as_heatmap(self, values):
        """Return the sum over the channels of a tensor (n, channels, *size) as an array."""
        return self.as_maps(values).sum(axis=-1)

    def shown_images(self, X):
        """Return the images in X as a user knows them, in the layout of maps."""
        values = np.asarray(X, dtype=float)
        if values[0].size != self.n_values:  # steps before the network made its images
            values = np.asarray(self.rows, dtype=float)
        maps = self.as_maps(self.module.input.as_images(torch.from_numpy(values)))
        return maps[..., 0] if maps.shape[-1] == 1 else maps

    @property
    def n_spatial(self):
        """Number of spatial dimensions that the user knows."""
        return 1 if self.module.input.is_signal else len(self.size)

    @property
    def n_values(self):
        """Number of values of an image, as the module sees it."""
        return self.module.input.n_channels * math.prod(self.size)
