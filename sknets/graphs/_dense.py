"""Dense stacks as nodes: one, or several of one form at once, whose weights have one axis more."""

import numpy as np
from torch import nn

from sknets.graphs._activations import is_activation, write_activation
from sknets.graphs._graph import values_of
from sknets.modules import Dropout, Noise, Periodic, PiecewiseLinear, RadialBasis, Standardized

#: Layers that do nothing in prediction.
_SILENT = (Dropout, Noise, nn.Identity)


def form_of(stack):
    """Return what dense stacks have in common that can be written at once; None if this one cannot."""
    found = []
    for layer in stack:
        if getattr(layer, "is_activation", False):
            return None
        values = [*layer.parameters(), *layer.buffers()]
        found.append((type(layer), repr(layer), tuple(tuple(value.shape) for value in values)))
    return tuple(found)


def write_dense(graph, stacks, x, *, n_axes=2):
    """Write dense stacks; return their raw outputs.

    Parameters
    ----------
    graph : Graph
        Where to.
    stacks : list of list of torch.nn.Module
        The layers of each network; of several, all have one form (`form_of`).
    x : str
        Rows, shape (n, n_inputs), or (n, n_timesteps, n_inputs) of one network.
    n_axes : int, default=2
        Axes of x.

    Returns
    -------
    str
        Shape (n, n_outputs), or (n_networks, n, n_outputs) of several.
    """
    n_units = None
    for layers in zip(*stacks, strict=True):
        first = layers[0]
        if isinstance(first, _SILENT):
            continue
        if is_activation(first):
            steps = (None,) * (n_axes - 2)
            x = write_activation(graph, list(layers), x, (*steps, n_units))
            continue
        x = _writer_of(first)(graph, layers, x, n_axes)
        n_units = _count_units(first, n_units)
    return x


def _count_units(layer, before):
    if isinstance(layer, nn.Linear | RadialBasis):
        return layer.weight.shape[0]
    return getattr(layer, "n_units", before)


def _writer_of(layer):
    for kind, writer in _WRITERS.items():
        if isinstance(layer, kind):
            return writer
    raise TypeError(f"{type(layer).__name__} has no operators.")


def _stacked(layers, name, *new_axes):
    """Return a parameter of all networks, with one axis in front where there are several.

    Of several networks, further axes of length 1 stand behind the first one.
    """
    values = [values_of(getattr(layer, name)) for layer in layers]
    if len(values) == 1:
        return values[0]
    return np.expand_dims(np.stack(values), tuple(range(1, 1 + len(new_axes))))


def _beside_rows(layers, name):
    """Return a parameter of shape (n_units,) as it goes with rows, or (n_networks, 1, n_units)."""
    return _stacked(layers, name, 1)


def _linear(graph, layers, x, n_axes):
    weight, bias = _stacked(layers, "weight"), _beside_rows(layers, "bias")
    if len(layers) == 1 and n_axes == 2:
        return graph.add("Gemm", x, weight, bias, transB=1)
    return graph.add("Add", graph.add("MatMul", x, weight.swapaxes(-1, -2)), bias)


def _radial(graph, layers, x, n_axes):
    # ‖x - c‖² = ‖x‖² - 2 x·c + ‖c‖²
    centres, log_width = _stacked(layers, "weight"), _beside_rows(layers, "bias")
    norms = np.square(centres).sum(-1)
    norms = norms[:, None] if len(layers) > 1 else norms
    squares = graph.reduce("Sum", graph.add("Mul", x, x), -1, keepdims=True)
    products = graph.add("MatMul", x, -2.0 * centres.swapaxes(-1, -2))
    distances = graph.add("Relu", graph.add("Add", graph.add("Add", squares, products), norms))
    return graph.add("Exp", graph.add("Mul", distances, -np.exp(log_width)))


def _piecewise(graph, layers, x, n_axes):
    column = values_of(layers[0].column)
    low, high = _beside_rows(layers, "low"), _beside_rows(layers, "high")
    factor = 1.0 / (high - low)  # 0 where a bin never ends
    filled = graph.add("Mul", graph.add("Sub", graph.take(x, column, -1), low), factor)
    return graph.add("Clip", filled, 0.0, 1.0)


def _periodic(graph, layers, x, n_axes):
    n_waved, n_waves, n_sums = layers[0].weight.shape
    shape = (n_waved, 1, n_waves)
    frequency, phase = (
        np.stack([values_of(getattr(layer, name)).reshape(shape) for layer in layers])
        for name in ("frequency", "phase")
    )
    weight = np.stack([values_of(layer.weight) for layer in layers])
    if len(layers) == 1:
        frequency, phase, weight = frequency[0], phase[0], weight[0]
    waved = graph.transpose(graph.take(x, layers[0].waved, 1), 1, 0)
    waved = graph.unsqueeze(waved, 2)  # (n_waved, n, 1)
    waves = graph.add("Cos", graph.affine(waved, 2.0 * np.pi * frequency, phase))
    sums = graph.add("MatMul", waves, weight)  # ([n_networks,] n_waved, n, n_sums)
    if len(layers) == 1:
        sums = graph.reshape(graph.transpose(sums, 1, 0, 2), (-1, n_waved * n_sums))
        return graph.concat([x, sums], 1)
    sums = graph.transpose(sums, 0, 2, 1, 3)
    sums = graph.reshape(sums, (len(layers), -1, n_waved * n_sums))
    each = graph.add("Expand", x, np.array([len(layers), 1, 1]))
    return graph.concat([each, sums], 2)


def _standardized(graph, layers, x, n_axes):
    (layer,) = layers
    return graph.add("Div", graph.add("Sub", x, values_of(layer.shift)), values_of(layer.scale))


def _batch_norm(graph, layers, x, n_axes):
    factors, shifts = zip(*map(affine_of, layers), strict=True)
    if len(layers) == 1:
        return graph.affine(x, factors[0], shifts[0])
    return graph.affine(x, np.stack(factors)[:, None], np.stack(shifts)[:, None])


def affine_of(norm):
    """Return what a batch normalisation multiplies by and adds in prediction."""
    mean, variance, weight, bias = (
        values_of(value).astype(np.float64)
        for value in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    factor = weight / np.sqrt(variance + norm.eps)
    return factor, bias - mean * factor


def _layer_norm(graph, layers, x, n_axes):
    epsilon = layers[0].eps
    if len(layers) == 1:
        weight, bias = values_of(layers[0].weight), values_of(layers[0].bias)
        return graph.layer_norm(x, weight, bias, epsilon)
    plain = np.ones(layers[0].normalized_shape)
    x = graph.layer_norm(x, plain, 0.0 * plain, epsilon)
    return graph.affine(x, _beside_rows(layers, "weight"), _beside_rows(layers, "bias"))


_WRITERS = {
    nn.Linear: _linear,
    RadialBasis: _radial,
    PiecewiseLinear: _piecewise,
    Periodic: _periodic,
    Standardized: _standardized,
    nn.BatchNorm1d: _batch_norm,
    nn.LayerNorm: _layer_norm,
}
