"""A dense network as textbooks draw it: inputs, units, outputs, and weights as strokes."""

from itertools import pairwise
from numbers import Integral

import numpy as np

from sknets.estimators import Autoencoder
from sknets.inspection._pyplot import import_pyplot
from sknets.inspection._unwrap import IS_DENSE, unwrap

_POSITIVE, _NEGATIVE, _UNIT = "#1f5f8b", "#d1603d", "#ffffff"

#: Width of the strongest stroke of a layer, in points.
_WIDEST = 3.0


class NetworkDiagram:
    """A dense network as textbooks draw it: a circle for each unit, and a stroke for each weight.

    Strokes of positive weights are blue, of negative ones red, and as wide as the weight is large beside
    the largest of its layer. Of many units in a layer the strongest are drawn, and how many there are.
    Make it with `from_estimator`; the constructor takes the numbers themselves.

    Parameters
    ----------
    weights : list of ndarray of shape (n_inputs, n_units)
        The weights of the layers.
    input_names, output_names : list of str, default=None
        What stands beside inputs and outputs; None is x1, x2, ... and y1, y2, ...

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes with the diagram.
    figure_ : matplotlib.figure.Figure
        Its figure.
    shown_ : list of ndarray of int
        For each layer, inputs and outputs among them, the units that are drawn.
    strokes_ : list of matplotlib.collections.LineCollection
        The strokes of each layer's weights, those of a unit after the other.

    See Also
    --------
    layer_activations : What units put out.

    Examples
    --------
    >>> import numpy as np
    >>> from sknets.inspection import NetworkDiagram
    >>> display = NetworkDiagram([np.ones((4, 5)), np.ones((5, 3))]).plot(max_units=4)
    >>> [len(units) for units in display.shown_]
    [4, 4, 3]
    """

    def __init__(self, weights, *, input_names=None, output_names=None):
        self.weights = weights
        self.input_names = input_names
        self.output_names = output_names

    @classmethod
    def from_estimator(cls, estimator, *, max_units=12, ax=None):
        """Draw a fitted network.

        Parameters
        ----------
        estimator : estimator
            A fitted `MLPClassifier`, `MLPRegressor` or `Autoencoder`, or a pipeline or search around it.
        max_units : int, default=12
            Most units of a layer that are drawn: those with the largest weights on both sides.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        NetworkDiagram

        Raises
        ------
        ImportError
            If matplotlib is missing.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If there is no dense network in it.
        ValueError
            If `max_units` is no positive whole number.
        """
        import_pyplot("NetworkDiagram")
        network, _ = unwrap(estimator, IS_DENSE)
        weights = _weights_of(network)
        names = getattr(network, "feature_names_in_", None)
        is_of_x = names is not None and len(names) == len(weights[0])  # rather than an embedding
        names = list(map(str, names)) if is_of_x else None
        labels = _output_names(network, weights[-1].shape[1], names)
        return cls(weights, input_names=names, output_names=labels).plot(max_units=max_units, ax=ax)

    def plot(self, *, max_units=12, ax=None):
        """Draw the network.

        Parameters
        ----------
        max_units : int, default=12
            Most units of a layer that are drawn.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        NetworkDiagram

        Raises
        ------
        ValueError
            If `max_units` is no positive whole number, weights are no layers one after the other, or
            names are too few or too many.
        """
        if isinstance(max_units, bool) or not isinstance(max_units, Integral) or max_units < 1:
            raise ValueError(f"max_units must be a positive whole number, got {max_units!r}.")
        plt = import_pyplot("NetworkDiagram")
        self._check()
        self.shown_ = [self._strongest(number, max_units) for number in range(self._n_layers)]
        if ax is None:
            height = 0.35 * max(len(units) for units in self.shown_) + 1.0
            size = (1.9 * self._n_layers + 1.0, max(height, 2.4))
            _, ax = plt.subplots(figsize=size, layout="constrained")
        places = [self._places(units) for units in self.shown_]
        self.strokes_ = [
            self._draw_weights(ax, number, places) for number in range(len(self.weights))
        ]
        for number, of_layer in enumerate(places):
            ax.scatter(
                np.full(len(of_layer), number),
                of_layer,
                s=130,
                color=_UNIT,
                edgecolor="0.2",
                zorder=3,
            )
            self._say_size(ax, number, of_layer)
        last = self._n_layers - 1
        inputs, outputs = self.input_names, self.output_names
        inputs = _numbered("x", self._size(0)) if inputs is None else inputs
        outputs = _numbered("y", self._size(last)) if outputs is None else outputs
        self._say_names(ax, 0, places, inputs, "right", -0.1)
        self._say_names(ax, last, places, outputs, "left", 0.1)
        ax.set(xlim=(-0.6, last + 0.6))
        ax.set_axis_off()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _check(self):
        """Raise ValueError if weights are no layers one after the other, or names are too few or many."""
        shapes = [np.shape(layer) for layer in self.weights] if _has_length(self.weights) else []
        follow = all(one[1:] == other[:1] for one, other in pairwise(shapes))
        if not shapes or not follow or any(len(shape) != 2 or 0 in shape for shape in shapes):
            raise ValueError(
                "weights must be a list of arrays of shape (n_inputs, n_units), each with as many inputs "
                f"as the one before has units; got the shapes {shapes}."
            )
        for number, layer in enumerate(self.weights):
            if not np.isfinite(np.asarray(layer, dtype=float)).all():
                raise ValueError(f"weights[{number}] has values that are no finite numbers.")
        for name, size in (("input_names", shapes[0][0]), ("output_names", shapes[-1][1])):
            given = getattr(self, name)
            if given is not None and (not _has_length(given) or len(given) != size):
                raise ValueError(f"{name} must be {size} names, one for each, got {given!r}.")

    @property
    def _n_layers(self):
        return len(self.weights) + 1

    def _size(self, number):
        return (
            np.shape(self.weights[0])[0] if number == 0 else np.shape(self.weights[number - 1])[1]
        )

    def _strongest(self, number, max_units):
        """Return the units of a layer that are drawn, in order."""
        strength = np.ones(self._size(number))
        if number > 0:
            strength = strength * np.linalg.norm(self.weights[number - 1], axis=0)
        if number < len(self.weights):
            strength = strength * np.linalg.norm(self.weights[number], axis=1)
        return np.sort(np.argsort(-strength, kind="stable")[:max_units])

    @staticmethod
    def _places(units):
        return -(np.arange(len(units)) - (len(units) - 1) / 2)

    def _draw_weights(self, ax, number, places):
        from matplotlib.collections import LineCollection

        weights, (left, right) = np.asarray(self.weights[number]), self.shown_[number : number + 2]
        shown = weights[np.ix_(left, right)]
        size = np.abs(shown) / (np.abs(weights).max() or 1.0)
        strokes = [
            [(number, places[number][i]), (number + 1, places[number + 1][j])]
            for i in range(len(left))
            for j in range(len(right))
        ]
        strokes = LineCollection(
            strokes,
            colors=np.where(shown.ravel() > 0, _POSITIVE, _NEGATIVE),
            linewidths=_WIDEST * size.ravel(),
            alpha=0.75,
        )
        return ax.add_collection(strokes)

    def _say_size(self, ax, number, places):
        if len(places) < self._size(number):
            text = f"{len(places)} of {self._size(number)}"
            ax.text(number, places[-1] - 0.8, text, ha="center", va="top", fontsize="small")

    def _say_names(self, ax, number, places, names, side, offset):
        for unit, place in zip(self.shown_[number], places[number], strict=True):
            ax.text(number + offset, place, names[unit], ha=side, va="center", fontsize="small")


def _has_length(value):
    return hasattr(value, "__len__") and not isinstance(value, str)


def _weights_of(network):
    """Return the weights of the layers; of an autoencoder, in the one scale of all its columns."""
    if hasattr(type(network), "coefs_"):
        return network.coefs_
    layers = network.net_.module_.weighted_layers
    return [layer.weight.detach().cpu().numpy().T.copy() for layer in layers]


def _output_names(network, n_outputs, input_names):
    """Return what stands beside the outputs, or None for their numbers."""
    if isinstance(network, Autoencoder):
        return input_names or _numbered("x", n_outputs)
    if hasattr(network, "classes_") and n_outputs > 1:
        return [str(label) for label in network.classes_]
    if network.out_activation_ == "gaussian":
        means = _numbered("y", n_outputs // 2)
        return [*means, *(f"σ of {name}" for name in means)]
    return None


def _numbered(letter, n_units):
    return [letter] if n_units == 1 else [f"{letter}{k + 1}" for k in range(n_units)]
