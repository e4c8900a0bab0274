"""Activations as nodes."""

import math

import numpy as np
from torch import nn

from sknets.graphs._foreign import write_foreign
from sknets.graphs._graph import values_of
from sknets.modules import activation_name


def write_activation(graph, layers, x, shape):
    """Write an activation: of one network, or of several, whose values have one axis more in front.

    Parameters
    ----------
    graph : Graph
        Where to.
    layers : list of torch.nn.Module
        That of each network, alike but for parameters.
    x : str
        What it is given.
    shape : tuple of int
        Shape of what a row hands to it; None is any length.
    """
    layer = layers[0]
    name = activation_name(getattr(layer, "function", layer))
    if name == "prelu" and layer.num_parameters == 1:
        slopes = np.stack([values_of(each.weight) for each in layers])
        return graph.add("PRelu", x, slopes[:, None] if len(layers) > 1 else slopes[0])
    if name in _WRITERS:
        return _WRITERS[name](graph, layer, x)
    if len(layers) > 1:
        raise NotImplementedError("A user's activation is written network by network.")
    return write_foreign(graph, layer, [x], [shape], "activation")


def _identity(graph, layer, x):
    return x


def _logistic(graph, layer, x):
    return graph.add("Sigmoid", x)


def _tanh(graph, layer, x):
    return graph.add("Tanh", x)


def _relu(graph, layer, x):
    return graph.add("Relu", x)


def _leaky_relu(graph, layer, x):
    return graph.add("LeakyRelu", x, alpha=float(getattr(layer, "negative_slope", 0.01)))


def _elu(graph, layer, x):
    return graph.add("Elu", x, alpha=float(getattr(layer, "alpha", 1.0)))


def _silu(graph, layer, x):
    return graph.add("Mul", x, graph.add("Sigmoid", x))


def _gelu(graph, layer, x):
    half = graph.add("Mul", x, 0.5)
    if getattr(layer, "approximate", "none") == "tanh":
        cube = graph.add("Mul", graph.add("Mul", x, x), x)
        inner = graph.add("Add", x, graph.add("Mul", cube, 0.044715))
        bend = graph.add("Tanh", graph.add("Mul", inner, math.sqrt(2.0 / math.pi)))
    else:
        # onnxruntime has no Erf in float64
        turned = graph.cast(graph.add("Mul", x, math.sqrt(0.5)), np.float32)
        bend = graph.cast(graph.add("Erf", turned))
    return graph.add("Mul", half, graph.add("Add", bend, 1.0))


_WRITERS = {
    "identity": _identity,
    "logistic": _logistic,
    "tanh": _tanh,
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "gelu": _gelu,
    "silu": _silu,
}


def is_activation(layer):
    """Whether a layer of ours is an activation."""
    return getattr(layer, "is_activation", False) or _is_known(layer)


def _is_known(layer):
    return isinstance(layer, nn.PReLU) or activation_name(layer) is not None
