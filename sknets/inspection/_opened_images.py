"""A fitted network for images, opened: its layers, its maps, and X in blocks of images."""

import math
from functools import cached_property

import numpy as np
import torch

from sknets.inspection._opened import OpenedNetwork
from sknets.inspection._unwrap import SEES_IMAGES

#: Values of the largest feature map, over all rows, that are held at once.
_BLOCK_VALUES = 2**21


class OpenedImageNetwork(OpenedNetwork):
    """A copy of the module of a network whose ``module.input`` makes images and whose base makes maps.

    ``module.from_images(module.input(x))`` are the raw outputs of rows x.

    Parameters
    ----------
    estimator : estimator
        What `unwrap` takes.
    X : array-like, default=None
        Data as the estimator takes them.
    """

    def __init__(self, estimator, X=None):
        super().__init__(estimator, SEES_IMAGES, X)

    @property
    def size(self):
        """Spatial size of an image as the module sees it."""
        return self.module.input.size

    def images(self, rows):
        """Return rows as standardised images of shape (n, channels, *size)."""
        return self.module.input(self.batch(rows))

    @cached_property
    def n_rows_at_once(self):
        """Rows whose largest feature map fits into a block."""
        largest = max([self.n_values, *(math.prod(shape) for shape in self.shapes.values())])
        return max(1, _BLOCK_VALUES // largest)

    def blocks(self):
        """Yield slices of the rows of X with the images in them."""
        n = self.n_rows_at_once
        for start in range(0, len(self.rows), n):
            rows = slice(start, min(start + n, len(self.rows)))
            yield rows, self.images(self.rows[rows])

    def layers(self):
        """Return the named layers of the base: each module but plain containers."""
        return {
            name: layer
            for name, layer in self.module.base.named_modules()
            if name and type(layer) not in (torch.nn.Sequential, torch.nn.ModuleList)
        }

    def layer(self, name):
        """Return the layer of a name.

        Raises
        ------
        ValueError
            If there is none.
        """
        layers = self.layers()
        if name not in layers:
            raise ValueError(f"layer={name!r} is unknown; the base has {list(layers)}.")
        return layers[name]

    @cached_property
    def shapes(self):
        """Shape of the outputs of each layer for one row, in the order of computation."""
        outputs = self.outputs_of(self.images(self.rows[:1]))
        return {name: tuple(values.shape) for name, values in outputs.items()}

    def convolutions(self):
        """Return the convolutions among the layers."""
        kinds = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
        return {name: layer for name, layer in self.layers().items() if isinstance(layer, kinds)}

    @torch.no_grad()
    def outputs_of(self, images, names=None):
        """Return the outputs of the layers of the base by name, in the order of computation."""
        outputs, handles = {}, []
        layers = self.layers() if names is None else {name: self.layer(name) for name in names}
        for name, layer in layers.items():

            def keep(layer, inputs, output, name=name):
                if torch.is_tensor(output):
                    outputs[name] = output

            handles.append(layer.register_forward_hook(keep))
        try:
            self.module.base(images)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

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
