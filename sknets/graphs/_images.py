"""Convolutional networks as nodes. They compute in float32: onnxruntime convolves in nothing else."""

import math

import numpy as np
import torch
from torch import nn

from sknets.graphs._activations import is_activation, write_activation
from sknets.graphs._dense import affine_of, write_dense
from sknets.graphs._foreign import write_foreign
from sknets.graphs._graph import values_of
from sknets.modules import Downsample, Dropout, GlobalPool, ResidualBlock, WeightedPool


def write_conv_net(graph, module, x, *, below_last=False):
    """Write a `ConvNet`; return its raw outputs, or what its last layer sees."""
    graph = graph.at(np.float32)
    images = _write_input(graph, module.input, x)
    if isinstance(module.base, nn.Sequential) and not module.is_pretrained:
        maps, shape = _Base(graph).write(module.base, images, _shape_of(module.input))
    else:
        shape = _shape_of(module.input)
        maps = write_foreign(graph, module.base, [images], [shape], "backbone")
        shape = _result_of(module.base, shape)
    features = _write_pool(graph, module.pool, maps, shape)
    layers = list(module.head)
    return write_dense(graph, [layers[:-1] if below_last else layers], features)


def write_conv_code(graph, module, x):
    """Write the code of a `ConvAutoencoder`."""
    graph = graph.at(np.float32)
    rows = graph.reshape(graph.cast(x), (-1, module.input.n_values))
    images = _write_input(graph, module.input, write_dense(graph, [[module.encoder]], rows))
    maps, shape = _Base(graph).write(module.base, images, _shape_of(module.input))
    values = _write_pool(graph, None, maps, shape)
    return write_dense(graph, [[*module.narrowing, module.code]], values)


def _shape_of(input):
    return (input.n_channels, *input.size)


def _write_input(graph, input, x):
    """Write `ImageInput`: rows of X as standardised images, channels first."""
    x = graph.cast(x)
    shape = _shape_of(input)
    if input.channels_first or input.n_channels == 1:
        x = graph.reshape(x, (-1, *shape))
    else:
        x = graph.reshape(x, (-1, *input.size, input.n_channels))
        axes = range(1, len(shape))
        x = graph.transpose(x, 0, len(shape), *axes)
    factor = 1.0 / values_of(input.scale).astype(np.float64)
    return graph.add("Mul", graph.add("Sub", x, values_of(input.shift)), factor)


def _result_of(module, shape):
    """Return the shape of what a module makes of a row."""
    value = next(module.parameters(), torch.zeros(()))
    was_training = module.training
    module.eval()
    with torch.no_grad():
        result = module(torch.zeros(1, *shape, dtype=value.dtype, device=value.device))
    module.train(was_training)
    return tuple(result.shape[1:])


def _write_pool(graph, pool, maps, shape):
    """Write what becomes of the maps before the head."""
    if len(shape) == 1:
        return maps
    if isinstance(pool, GlobalPool):
        kind = {"average": "Mean", "max": "Max"}[pool.name]
        return graph.reduce(kind, maps, *range(2, len(shape) + 1))
    if shape[0] > 1 and math.prod(shape[1:]) > 1:  # channels last
        maps = graph.transpose(maps, 0, *range(2, len(shape) + 1), 1)
    return graph.reshape(maps, (-1, math.prod(shape)))


class _Base:
    """Writes the layers of a `make_base`, each of which is told the shape of what comes in."""

    def __init__(self, graph):
        self.graph = graph

    def write(self, layers, x, shape):
        """Return the maps that layers make of x, and their shape."""
        for layer in layers:
            if not isinstance(layer, Dropout | nn.Identity):
                x = self._write_layer(layer, x, shape)
                shape = _result_of(layer, shape)
        return x, shape

    def _write_layer(self, layer, x, shape):
        if is_activation(layer):
            return write_activation(self.graph, [layer], x, shape)
        for kinds, writer in self._WRITERS.items():
            if isinstance(layer, kinds):
                return writer(self, layer, x, shape)
        raise TypeError(f"{type(layer).__name__} has no operators.")

    def _residual(self, layer, x, shape):
        body, _ = self.write(layer.body, x, shape)
        if not isinstance(layer.shortcut, nn.Identity):
            x, _ = self.write(layer.shortcut, x, shape)
        return self.graph.add("Add", x, body)

    def _convolution(self, layer, x, shape):
        return self.graph.add(
            "Conv",
            x,
            values_of(layer.weight),
            values_of(layer.bias),
            kernel_shape=list(layer.kernel_size),
            strides=list(layer.stride),
            pads=[*layer.padding, *layer.padding],
        )

    def _pad(self, layer, x, shape):
        n_axes = len(shape) - 1
        low, high = (list(layer.padding[side::2])[::-1] for side in (0, 1))
        pads = np.array([0, 0, *low, 0, 0, *high])
        assert len(low) == n_axes
        return self.graph.add("Pad", x, pads, 0.0)

    def _max_pool(self, layer, x, shape):
        return self.graph.add("MaxPool", x, **self._windows(layer, shape))

    def _average_pool(self, layer, x, shape):
        return self.graph.add("AveragePool", x, **self._windows(layer, shape))

    def _windows(self, layer, shape):
        """Return windows, and by how much the last ones reach over the border."""
        window, stride = layer.kernel_size, layer.stride
        after = _result_of(layer, shape)
        over = _reach(shape[1:], after[1:], window, stride)
        pads = [*[0] * len(over), *over]
        return {"kernel_shape": list(window), "strides": list(stride), "pads": pads}

    def _weighted_pool(self, layer, x, shape):
        weight = values_of(layer.weight.flatten(1).softmax(dim=1).view_as(layer.weight))
        sizes = _reach(shape[1:], _result_of(layer, shape)[1:], layer.window, layer.stride)
        options = {"strides": list(layer.stride), "group": shape[0]}
        pads = [*[0] * len(sizes), *sizes]
        sums = self.graph.add("Conv", x, weight, pads=pads, **options)
        if not any(sizes):
            return sums
        # where a window reaches over the border, the weights inside sum to one
        inside = np.pad(np.ones(shape, weight.dtype), [(0, 0), *((0, n) for n in sizes)])
        convolve = {2: nn.functional.conv2d, 3: nn.functional.conv3d}[len(sizes)]
        parts = torch.from_numpy(inside)[None], torch.from_numpy(weight)
        shares = convolve(*parts, stride=layer.stride, groups=shape[0]).numpy()
        return self.graph.add("Div", sums, shares)

    def _downsample(self, layer, x, shape):
        n_axes = len(layer.stride)
        starts, ends = np.zeros(n_axes, np.int64), np.array(shape[1:])
        axes = np.arange(2, 2 + n_axes)
        return self.graph.add("Slice", x, starts, ends, axes, np.array(layer.stride))

    def _batch_norm(self, layer, x, shape):
        factor, shift = (self._beside(values, shape) for values in affine_of(layer))
        return self.graph.affine(x, factor, shift)

    def _group_norm(self, layer, x, shape):
        groups = layer.num_groups
        parts = self.graph.reshape(x, (-1, groups, math.prod(shape) // groups))
        plain = np.ones(groups)
        parts = self.graph.add(
            "InstanceNormalization", parts, plain, 0.0 * plain, epsilon=float(layer.eps)
        )
        x = self.graph.reshape(parts, (-1, *shape))
        factor, shift = (
            self._beside(values_of(values), shape) for values in (layer.weight, layer.bias)
        )
        return self.graph.affine(x, factor, shift)

    @staticmethod
    def _beside(values, shape):
        return values.reshape(-1, *[1] * (len(shape) - 1))

    _WRITERS = {
        ResidualBlock: _residual,
        nn.Conv2d | nn.Conv3d: _convolution,
        nn.ZeroPad2d | nn.ZeroPad3d: _pad,
        nn.MaxPool2d | nn.MaxPool3d: _max_pool,
        nn.AvgPool2d | nn.AvgPool3d: _average_pool,
        WeightedPool: _weighted_pool,
        Downsample: _downsample,
        nn.BatchNorm2d | nn.BatchNorm3d: _batch_norm,
        nn.GroupNorm: _group_norm,
    }


def _reach(size, n_windows, window, stride):
    """Return how far the last window reaches over the border, per dimension."""
    return [
        max((m - 1) * s + w - n, 0)
        for n, m, w, s in zip(size, n_windows, window, stride, strict=True)
    ]
