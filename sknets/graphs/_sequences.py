"""Recurrent networks as nodes. Padding is found in X, as `predict` finds it: NaN, or -1 of tokens."""

import numpy as np

from sknets.graphs._activations import write_activation
from sknets.graphs._cells import write_recurrent
from sknets.graphs._dense import write_dense
from sknets.graphs._graph import values_of
from sknets.modules import AttentionPool, MaxState, MeanState


def write_recurrent_net(graph, module, x, n_axes, *, below_last=False):
    """Write a `RecurrentNet`; return its raw outputs, or what its last layer sees.

    Parameters
    ----------
    graph : Graph
        Where to; it computes in float32, since onnxruntime has recurrent layers in nothing else.
    module : RecurrentNet
        The network.
    x : str
        Padded sequences, shape (n, n_timesteps) or (n, n_timesteps, n_features).
    n_axes : int
        Axes of x.
    below_last : bool, default=False
        Whether what the last layer sees is returned.

    Returns
    -------
    str
        Shape (n, n_outputs), or (n, n_timesteps, n_outputs).
    """
    graph = graph.at(np.float32)
    values, lengths = _write_input(graph, module.input, x, n_axes)
    whole, outputs = values, values
    for convolution in module.stack.convolutions:
        outputs, lengths = _write_convolution(graph, convolution, outputs, lengths)
    for layer in module.stack.layers:
        outputs = write_recurrent(graph, layer, outputs, lengths)
    n_axes = 3
    if module.pool is not None:
        outputs, n_axes = _write_pool(graph, module.pool, module.stack, outputs, lengths), 2
    layers = list(module.head)
    layers = layers[:-1] if below_last else layers
    raw = write_dense(graph, [layers], outputs, n_axes=n_axes)
    if module.shortcut is None or below_last:
        return raw
    shortcut = module.shortcut
    weight, bias = values_of(shortcut.weight), values_of(shortcut.bias)
    flat = graph.reshape(whole, (-1, weight.shape[1]))
    straight = graph.add("Gemm", flat, weight, bias, transB=1)
    return graph.add("Add", straight, graph.add("Mul", raw, values_of(shortcut.spread)))


def write_recurrent_code(graph, module, x, n_axes):
    """Write the code of a `RecurrentAutoencoder`."""
    graph = graph.at(np.float32)
    outputs, lengths = _write_input(graph, module.input, x, n_axes)
    for layer in module.reading.layers:
        outputs = write_recurrent(graph, layer, outputs, lengths)
    last = _write_pool(graph, module.pool, module.reading, outputs, lengths)
    return write_dense(graph, [[*module.narrowing, module.code]], last)


def _write_input(graph, input, x, n_axes):
    """Write `SequenceInput`: standardised sequences, zero in the padding, and their lengths."""
    if input.is_tokens:
        tokens = graph.cast(x, np.int64)
        tokens = graph.squeeze(tokens, 2) if n_axes == 3 else tokens
        is_padding = graph.add("Less", tokens, 0)
        weight = values_of(input.embedding.weight)
        values = graph.add("Gather", weight, graph.add("Max", tokens, 0), axis=0)
    else:
        x = graph.cast(x)
        x = graph.unsqueeze(x, 2) if n_axes == 2 else x
        is_padding = graph.add("IsNaN", graph.add("Gather", x, 0, axis=2))
        factor = 1.0 / values_of(input.scale).astype(np.float64)
        values = graph.add("Mul", graph.add("Sub", x, values_of(input.shift)), factor)
    is_step = graph.cast(graph.add("Not", is_padding), np.int64)
    lengths = graph.reduce("Sum", is_step, 1)
    return graph.add("Where", graph.unsqueeze(is_padding, 2), 0.0, values), lengths


def _valid(graph, x, lengths):
    """Return which timesteps of x, (n, n_timesteps, ...), belong to a sequence: (n, n_timesteps)."""
    n_steps = graph.squeeze(graph.add("Shape", x, start=1, end=2), 0)
    time = graph.add("Range", 0, n_steps, 1)
    return graph.add("Less", time, graph.unsqueeze(lengths, 1))


def _masked(graph, x, lengths, value):
    """Return x with a value in the padding."""
    return graph.add("Where", graph.unsqueeze(_valid(graph, x, lengths), 2), x, value)


def _write_convolution(graph, layer, x, lengths):
    """Write a `SequenceConvolution`."""
    convolution, size = layer.convolution, layer.pool_size
    beside = convolution.kernel_size[0] - 1
    x = graph.add(
        "Conv",
        graph.transpose(x, 0, 2, 1),
        values_of(convolution.weight),
        values_of(convolution.bias),
        pads=[beside // 2, beside - beside // 2],
    )
    x = write_activation(graph, [layer.activation], x, (convolution.out_channels, None))
    # a window counts its part of a sequence only
    x = _masked(graph, graph.transpose(x, 0, 2, 1), lengths, np.finfo(np.float32).min)
    lengths = graph.add("Div", graph.add("Add", lengths, size - 1), size)
    if size > 1:
        x = graph.transpose(x, 0, 2, 1)
        x = graph.add("MaxPool", x, kernel_shape=[size], strides=[size], ceil_mode=1)
        x = graph.transpose(x, 0, 2, 1)
    x = _masked(graph, x, lengths, 0.0)
    norm = layer.normalization
    x = graph.layer_norm(x, values_of(norm.weight), values_of(norm.bias), norm.eps)
    return _masked(graph, x, lengths, 0.0), lengths


def _write_pool(graph, pool, stack, x, lengths):
    """Write what becomes of the timesteps of a stack: (n, n_timesteps, n_units) to (n, n_units)."""
    if isinstance(pool, MeanState):
        total = graph.reduce("Sum", _masked(graph, x, lengths, 0.0), 1)
        return graph.add("Div", total, graph.cast(graph.unsqueeze(lengths, 1)))
    if isinstance(pool, MaxState):
        return graph.reduce("Max", _masked(graph, x, lengths, np.finfo(np.float32).min), 1)
    if isinstance(pool, AttentionPool):
        return _write_attention(graph, pool, x, lengths)
    last = graph.unsqueeze(graph.add("Sub", lengths, 1), 1)
    ahead = graph.add("GatherND", graph.slice(x, 2, 0, pool.n_ahead), last, batch_dims=1)
    if not stack.is_bidirectional:
        return ahead
    first = graph.add("Gather", graph.slice(x, 2, pool.n_ahead), 0, axis=1)
    return graph.concat([ahead, first], 1)


def _write_attention(graph, pool, x, lengths):
    """Write the mean over the timesteps with weights that depend on what stands there."""

    def linear(layer, x):
        product = graph.add("MatMul", x, values_of(layer.weight).T)
        return graph.add("Add", product, values_of(layer.bias))

    scores = linear(pool.scores, graph.add("Tanh", linear(pool.hidden, x)))
    scores = _masked(graph, scores, lengths, np.finfo(np.float32).min)
    shares = graph.add("Softmax", graph.transpose(scores, 0, 2, 1), axis=-1)  # (n, 1, n_timesteps)
    return graph.squeeze(graph.add("MatMul", shares, x), 1)
