"""Pictures of which parts of an image a prediction is made of."""

import numpy as np
from sklearn.base import is_classifier

from sknets._plain_torch import in_plain_torch
from sknets.inspection._grad_cam import grad_cam
from sknets.inspection._integrated_gradients import integrated_gradients
from sknets.inspection._occlusion import occlusion
from sknets.inspection._opened_images import OpenedImageNetwork
from sknets.inspection._pyplot import bare, make_grid
from sknets.inspection._relevance import layer_relevance

_METHODS = {
    "grad_cam": grad_cam,
    "relevance": layer_relevance,
    "integrated_gradients": integrated_gradients,
    "occlusion": occlusion,
}
_NAMES = {"grad_cam": "Grad-CAM", "relevance": "relevance (LRP)"}
_FOR, _AGAINST, _ZERO = (0.70, 0.09, 0.17), (0.13, 0.40, 0.67), (0.82, 0.82, 0.82)
_RIGHT, _WRONG = "0.15", "#c0392b"


class HeatmapDisplay:
    """Images above heat maps of what their predictions are made of.

    Make it with `from_estimator`; the constructor takes the numbers themselves.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, channels)
        The images; (n, length) or (n, length, channels) for signals.
    heatmaps : ndarray of shape (n, height, width) or dict of ndarray
        Their heat maps, or those of several methods by name.
    titles : list of str, default=None
        A title for each image.
    is_wrong : array-like of bool of shape (n,), default=None
        Which predictions are wrong; they are marked.

    Attributes
    ----------
    axes_ : ndarray of shape (1 + n_methods, n) of matplotlib.axes.Axes
        The images in the first row, heat maps below.
    figure_ : matplotlib.figure.Figure
        Their figure.

    Notes
    -----
    Heat maps lie over a pale copy of their image; the strongest colour of each is its largest absolute
    value, and 0 is transparent. Maps with a sign are red for the target and blue against it.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknets import CNNClassifier
    >>> from sknets.inspection import HeatmapDisplay
    >>> digits = load_digits()
    >>> network = CNNClassifier((4, 8), max_iter=1, random_state=0)
    >>> network = network.fit(digits.images, digits.target)
    >>> display = HeatmapDisplay.from_estimator(network, digits.images[:3], digits.target[:3])
    >>> display.axes_.shape
    (2, 3)
    """

    def __init__(self, images, heatmaps, *, titles=None, is_wrong=None):
        self.images = images
        self.heatmaps = heatmaps
        self.titles = titles
        self.is_wrong = is_wrong

    @classmethod
    @in_plain_torch
    def from_estimator(cls, estimator, X, y=None, *, method="grad_cam", target=None, ax=None):
        """Draw heat maps of a fitted network.

        Parameters
        ----------
        estimator : estimator
            A fitted CNNClassifier or CNNRegressor, or a pipeline, search or FrozenEstimator with one.
        X : array-like of shape (n_samples, ...)
            A few images or signals, as the estimator takes them.
        y : array-like of shape (n_samples,), default=None
            Their true labels or values.
        method : str, callable or list, default="grad_cam"
            "grad_cam", "relevance", "integrated_gradients" or "occlusion", a function
            ``method(estimator, X, target=target)`` that returns heat maps, or several of these.
        target : label, int or array-like of shape (n_samples,), default=None
            Class or output to explain, as in these functions; None takes the predicted class.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        HeatmapDisplay

        Raises
        ------
        ImportError
            If matplotlib or captum is missing.
        ValueError
            If a method is unknown, X holds volumes, or the target is unknown.
        """
        several = isinstance(method, list | tuple)
        methods = list(method) if several else [method]
        unknown = [name for name in methods if not callable(name) and name not in list(_METHODS)]
        if unknown or not methods:
            raise ValueError(f"method={method!r} is unknown; choose from {sorted(_METHODS)}.")
        opened = OpenedImageNetwork(estimator, X)
        if opened.n_spatial > 2:
            raise ValueError("heat maps of volumes cannot be drawn; draw a slice of them yourself.")
        if y is not None and len(y) != len(X):
            raise ValueError(
                f"y has {len(y)} labels for {len(X)} images; give one for each, or None."
            )
        if target is None and is_classifier(opened.network):
            predicted = estimator.predict(X)  # which a calibration or a threshold may have changed
            target = predicted if np.ndim(predicted) == 1 else None
        maps = {}
        for name in methods:
            function = name if callable(name) else _METHODS[name]
            maps[_label(name)] = function(estimator, X, target=target)
        titles, is_wrong = _titles(estimator, opened.network, X, y)
        return cls(opened.shown_images(X), maps, titles=titles, is_wrong=is_wrong).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the images and their heat maps.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        HeatmapDisplay
        """
        heatmaps = self.heatmaps if isinstance(self.heatmaps, dict) else {"": self.heatmaps}
        is_signal = np.ndim(next(iter(heatmaps.values()))) == 2
        n = len(self.images)
        size = 2.2 if is_signal else 1.35
        self.figure_, self.axes_ = make_grid("HeatmapDisplay", 1 + len(heatmaps), n, ax, size)
        is_wrong = np.zeros(n, dtype=bool) if self.is_wrong is None else np.asarray(self.is_wrong)
        is_signed = {name: bool((np.asarray(m) < 0).any()) for name, m in heatmaps.items()}
        for number, (image, column) in enumerate(zip(self.images, self.axes_.T, strict=True)):
            _draw_image(column[0], image, is_signal)
            for (name, maps), cell in zip(heatmaps.items(), column[1:], strict=True):
                if is_signal:
                    _draw_signal_heat(cell, image, maps[number], is_signed[name])
                else:
                    _draw_heat(cell, image, maps[number])
            color = _WRONG if is_wrong[number] else _RIGHT
            if self.titles is not None:
                weight = "bold" if is_wrong[number] else "normal"
                column[0].set_title(
                    self.titles[number], color=color, fontsize=8.5, fontweight=weight
                )
            if is_wrong[number]:
                column[0].spines[:].set(visible=True, color=color, linewidth=2)
        for name, cell in zip(heatmaps, self.axes_[1:, 0], strict=True):
            cell.set_ylabel(name, fontsize=8.5)
        return self


def _label(method):
    if not callable(method):
        return _NAMES.get(method, method.replace("_", " "))
    name = getattr(method, "__name__", None) or getattr(method.func, "__name__", "")  # a partial
    return _NAMES.get(name, name.replace("_", " "))


def _titles(estimator, network, X, y):
    """Return the title of each image and which predictions are wrong."""
    predicted = estimator.predict(X)
    if getattr(predicted, "ndim", 1) > 1:
        return None, None  # several labels or numbers are too much for a title
    if not is_classifier(network):
        titles = [f"predicted {value:.3g}" for value in predicted]
        if y is not None:
            titles = [f"true {v:.3g}\n{title}" for v, title in zip(y, titles, strict=True)]
        return titles, None
    titles = [f"predicted {label}" for label in predicted]
    if y is None:
        return titles, None
    y = np.asarray(y)
    return [f"true {v}\n{title}" for v, title in zip(y, titles, strict=True)], y != predicted


def _draw_image(ax, image, is_signal):
    if is_signal:
        ax.plot(image.reshape(len(image), -1), color="0.35", linewidth=1)
        ax.set(xticks=[], yticks=[])
    else:
        ax.imshow(_as_picture(image), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    bare(ax)


def _draw_heat(ax, image, heat):
    """Draw a heat map over a pale copy of its image: red above 0, blue below."""
    picture = _as_picture(image)
    grey = picture if picture.ndim == 2 else picture.mean(axis=-1)
    ax.imshow(0.6 + 0.4 * grey, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    strength = np.abs(heat) / (np.abs(heat).max() or 1.0)
    colour = np.where((heat >= 0)[..., None], _FOR, _AGAINST)
    ax.imshow(np.concatenate([colour, 0.9 * strength[..., None]], axis=-1), interpolation="nearest")
    bare(ax)


def _draw_signal_heat(ax, image, heat, is_signed):
    """Draw a signal in the colours of its heat map, whose zero is grey."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap

    reach = float(np.abs(heat).max()) or 1.0
    curve = image.reshape(len(image), -1).mean(axis=1)
    points = np.stack([np.arange(len(curve)), curve], axis=1)
    colours = [_AGAINST, _ZERO, _FOR] if is_signed else [_ZERO, _FOR]
    lines = LineCollection(
        np.stack([points[:-1], points[1:]], axis=1),
        cmap=LinearSegmentedColormap.from_list("heat", colours),
        linewidth=2.2,
        capstyle="round",
    )
    lines.set_array((heat[:-1] + heat[1:]) / 2)
    lines.set_clim(-reach if is_signed else 0, reach)
    ax.add_collection(lines)
    ax.autoscale()
    bare(ax)


def _as_picture(image):
    """Return an image with values from 0 to 1: colours if it has three channels, else grey on white."""
    image = np.asarray(image, dtype=float)
    low, high = image.min(), image.max()
    image = (image - low) / ((high - low) or 1.0)
    if image.ndim == 3 and image.shape[-1] == 3:
        return image
    if image.ndim == 3:
        image = image.mean(axis=-1)
    return 1 - image if np.median(image) < 0.5 else image  # ink on paper
