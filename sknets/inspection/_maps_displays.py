"""Pictures of what a layer sees and of what it looks for: a grid of maps."""

import math
from numbers import Integral

import numpy as np
from sklearn.utils import check_scalar

from sknets._plain_torch import in_plain_torch
from sknets.inspection._activations import layer_activations
from sknets.inspection._filters import learned_filters
from sknets.inspection._opened_images import OpenedImageNetwork
from sknets.inspection._pyplot import bare, make_grid

_MOST_COLUMNS = 8


class ActivationsDisplay:
    """The maps that layers make of one image.

    Make it with `from_estimator`; the constructor takes the numbers themselves.

    Parameters
    ----------
    activations : dict of ndarray
        For each layer the maps of shape (height, width, channels), or (length, channels).

    Attributes
    ----------
    axes_ : dict of ndarray of matplotlib.axes.Axes
        The axes by layer, one for each map.
    figure_ : matplotlib.figure.Figure
        Their figure.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknets import CNNClassifier
    >>> from sknets.inspection import ActivationsDisplay
    >>> digits = load_digits()
    >>> network = CNNClassifier((4, 8), max_iter=1, random_state=0)
    >>> network = network.fit(digits.images, digits.target)
    >>> display = ActivationsDisplay.from_estimator(network, digits.images[0], layer="conv1")
    >>> display.axes_["conv1"].shape
    (4,)
    """

    def __init__(self, activations):
        self.activations = activations

    @classmethod
    @in_plain_torch
    def from_estimator(cls, estimator, x, *, layer=None, max_maps=16, ax=None):
        """Draw the maps of one image in a fitted network.

        Parameters
        ----------
        estimator : estimator
            A fitted CNNClassifier or CNNRegressor, or a pipeline, search or FrozenEstimator with one.
        x : array-like
            One image or signal: a row of X.
        layer : str or list of str, default=None
            Names of layers; None takes all layers with maps.
        max_maps : int, default=16
            Largest number of maps of a layer that are drawn: the first ones.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ActivationsDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If a layer is unknown or has no maps.
        """
        opened = OpenedImageNetwork(estimator)
        activations = layer_activations(estimator, np.asarray(x)[None])
        n_axes = opened.n_spatial + 1
        names = layer if layer is None or isinstance(layer, list | tuple) else [layer]
        for name in names or ():
            opened.layer(name)  # an unknown name is an error
        if names is None:
            names = [name for name, maps in activations.items() if maps[0].ndim == n_axes]
        if not names or any(
            name not in activations or activations[name][0].ndim != n_axes for name in names
        ):
            raise ValueError(f"layer={layer!r} has no maps to draw.")
        if n_axes > 3:
            raise ValueError("the maps of volumes cannot be drawn; draw a slice of them yourself.")
        return cls({name: activations[name][0] for name in names}).plot(max_maps=max_maps, ax=ax)

    def plot(self, *, max_maps=16, ax=None):
        """Draw the maps, layer under layer.

        Parameters
        ----------
        max_maps : int, default=16
            Largest number of maps of a layer that are drawn: the first ones.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ActivationsDisplay
        """
        _check_max_maps(max_maps)
        widest = max(min(maps.shape[-1], max_maps) for maps in self.activations.values())
        n_columns = min(widest, 2 * _MOST_COLUMNS if len(self.activations) > 1 else _MOST_COLUMNS)
        shown = {n: min(maps.shape[-1], max_maps) for n, maps in self.activations.items()}
        n_rows = {name: math.ceil(n / n_columns) for name, n in shown.items()}
        size = 0.75 if n_columns > _MOST_COLUMNS else 1.0
        self.figure_, grid = make_grid(
            "ActivationsDisplay", sum(n_rows.values()), n_columns, ax, size=size
        )
        for cell in grid.flat:
            cell.set_axis_off()
        self.axes_, start = {}, 0
        for name, maps in self.activations.items():
            cells = grid[start : start + n_rows[name]].ravel()[: shown[name]]
            start += n_rows[name]
            low, high = float(maps.min()), float(maps.max())
            for number, cell in enumerate(cells):
                cell.set_axis_on()
                _draw_map(cell, maps[..., number], cmap="viridis", vmin=low, vmax=high)
            cells[0].set_title(name, fontsize=9, loc="left", pad=3)
            self.axes_[name] = cells
        return self


class FiltersDisplay:
    """The kernels of a convolutional layer.

    Make it with `from_estimator`; the constructor takes the numbers themselves.

    Parameters
    ----------
    filters : ndarray of shape (n_outputs, height, width, n_inputs)
        The kernels; without height for signals.
    name : str, default=None
        Name of the layer.

    Attributes
    ----------
    axes_ : ndarray of matplotlib.axes.Axes
        One axes for each kernel.
    figure_ : matplotlib.figure.Figure
        Their figure.

    Notes
    -----
    Kernels on three channels of images are drawn in colour, kernels on one channel from blue
    (negative) over white to red (positive), and of others the mean over the input maps.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknets import CNNClassifier
    >>> from sknets.inspection import FiltersDisplay
    >>> digits = load_digits()
    >>> network = CNNClassifier((4, 8), max_iter=1, random_state=0)
    >>> network = network.fit(digits.images, digits.target)
    >>> FiltersDisplay.from_estimator(network).axes_.shape
    (4,)
    """

    def __init__(self, filters, *, name=None):
        self.filters = filters
        self.name = name

    @classmethod
    @in_plain_torch
    def from_estimator(cls, estimator, *, layer=None, max_maps=64, ax=None):
        """Draw the kernels of a fitted network.

        Parameters
        ----------
        estimator : estimator
            A fitted CNNClassifier or CNNRegressor, or a pipeline, search or FrozenEstimator with one.
        layer : str, default=None
            Name of the layer; None takes the first convolution.
        max_maps : int, default=64
            Largest number of kernels that are drawn: the first ones.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        FiltersDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If the layer is unknown or is no convolution.
        """
        filters = learned_filters(estimator, layer)
        if filters.ndim > 4:
            raise ValueError(
                "the kernels of volumes cannot be drawn; draw a slice of them yourself."
            )
        name = next(iter(OpenedImageNetwork(estimator).convolutions())) if layer is None else layer
        return cls(filters, name=name).plot(max_maps=max_maps, ax=ax)

    def plot(self, *, max_maps=64, ax=None):
        """Draw the kernels.

        Parameters
        ----------
        max_maps : int, default=64
            Largest number of kernels that are drawn: the first ones.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        FiltersDisplay
        """
        _check_max_maps(max_maps)
        n = min(len(self.filters), max_maps)
        n_columns = min(n, _MOST_COLUMNS)
        self.figure_, grid = make_grid(
            "FiltersDisplay", math.ceil(n / n_columns), n_columns, ax, 0.9
        )
        for cell in grid.flat:
            cell.set_axis_off()
        self.axes_ = grid.ravel()[:n]
        is_colour = self.filters.ndim == 4 and self.filters.shape[-1] == 3
        kernels = self.filters if is_colour else self.filters.mean(axis=-1)
        reach = float(np.abs(kernels).max()) or 1.0
        for cell, kernel in zip(self.axes_, kernels, strict=False):
            cell.set_axis_on()
            if is_colour:
                kernel = 0.5 + 0.5 * kernel / reach
            _draw_map(cell, kernel, cmap="RdBu_r", vmin=-reach, vmax=reach)
        if self.name is not None:
            n_inputs = self.filters.shape[-1]
            of = "" if n_inputs == 1 or is_colour else f", mean over {n_inputs} maps"
            self.axes_[0].set_title(f"{self.name}{of}", fontsize=9, loc="left", pad=3)
        return self


def _check_max_maps(max_maps):
    check_scalar(max_maps, "max_maps", Integral, min_val=1)


def _draw_map(ax, values, *, cmap, vmin, vmax):
    """Draw a map as an image, or as a curve if it has one dimension."""
    if values.ndim == 1:
        ax.plot(values, color="#1f5f8b", linewidth=1)
        pad = 0.05 * (vmax - vmin) or 1.0
        ax.set(ylim=(vmin - pad, vmax + pad), xticks=[], yticks=[])
        ax.spines[["top", "right"]].set_visible(False)
    else:
        ax.imshow(values, cmap=cmap, vmin=vmin, vmax=vmax, interpolation="nearest")
        bare(ax)
