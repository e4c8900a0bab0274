"""What undoes convolution and pooling in shape: from small maps back to those that they were made of."""

from collections import OrderedDict
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn

from sknets.modules._activations import make_activation
from sknets.modules._conv_net import map_sizes
from sknets.modules._dropout import SpatialDropout
from sknets.modules._images import CHANNELS_LAST
from sknets.modules._initialization import Undrawn, initialize
from sknets.modules._normalization import make_map_normalization


class _BackToSize:
    """A transposed convolution, cut to the maps that a convolution took.

    With the weights of the convolution it is the transpose of its matrix, whatever padding and stride
    left over: positions behind the last kernel get the intercept alone.
    """

    def forward(self, x):
        y = super().forward(x)
        return y[(..., *self.kept)] if self.is_cut else y

    def count_products(self, output):
        """Return the multiply-adds of one row: each weight meets each position of the small maps."""
        return self.weight.numel() * self.n_positions


class TransposedConv2d(_BackToSize, Undrawn, nn.ConvTranspose2d):
    """A transposed convolution over height and width."""


class TransposedConv3d(_BackToSize, Undrawn, nn.ConvTranspose3d):
    """A transposed convolution over depth, height and width."""


def make_transposed(n_inputs, n_outputs, kernel, stride, pads, size):
    """Make the layer that leads back through a convolution, without initial weights.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Channels of this layer: those that the convolution makes, and those that it takes.
    kernel, stride, size : tuple of int
        Kernel, stride, and the size of what the convolution takes, per dimension.
    pads : sequence of (int, int)
        Its padding before and after.
    """
    padded = [n + sum(pad) for n, pad in zip(size, pads, strict=True)]
    cut = [min(pad) for pad in pads]
    left_over = [(n - k) % s for n, k, s in zip(padded, kernel, stride, strict=True)]
    kind = {2: TransposedConv2d, 3: TransposedConv3d}[len(size)]
    layer = kind(n_inputs, n_outputs, kernel, stride, tuple(cut), tuple(left_over))
    layer.kept = tuple(
        slice(low - c, low - c + n) for (low, _), c, n in zip(pads, cut, size, strict=True)
    )
    layer.is_cut = any(low != high for low, high in pads)
    steps = [(n - k) // s + 1 for n, k, s in zip(padded, kernel, stride, strict=True)]
    layer.n_positions = torch.Size(steps).numel()
    return layer


class Unpool(nn.Module):
    """Each value again at all places from the beginning of its window to that of the next.

    Parameters
    ----------
    stride, size : tuple of int
        Distance between the windows, and the size of what was pooled, per dimension.
    """

    def __init__(self, stride, size):
        super().__init__()
        self.stride = tuple(stride)
        self.size = tuple(size)

    def forward(self, x):
        x = F.interpolate(x, scale_factor=[float(s) for s in self.stride], mode="nearest")
        x = x[(..., *map(slice, self.size))]
        missing = [n - m for n, m in zip(self.size, x.shape[2:], strict=True)]
        if any(missing):  # places that no window began at or reached
            x = F.pad(x, [n for m in reversed(missing) for n in (0, m)], mode="replicate")
        return x

    def extra_repr(self):
        return f"stride={self.stride}, size={self.size}"


class Maps(nn.Module):
    """Rows of values as maps in channels-last memory: what `FlattenMaps` made flat."""

    def __init__(self, n_channels, size):
        super().__init__()
        self.n_channels = n_channels
        self.size = tuple(size)

    def forward(self, x):
        x = x.reshape(len(x), *self.size, self.n_channels).movedim(-1, 1)
        return x.contiguous(memory_format=CHANNELS_LAST[len(self.size)])

    def extra_repr(self):
        return f"n_channels={self.n_channels}, size={self.size}"


def make_mirror(input, layers, *, weight_init, spatial_dropout, generator):
    """Make the mirror image of a `make_base`, from the values of its last maps to images.

    Layer by layer, the last one first: what was pooled is repeated, and a transposed convolution leads to
    the size and the channels that the layer took. Activation and normalisation are those of the maps
    that are reached; the images have none.

    Parameters
    ----------
    input : ImageInput
        What stands before the base.
    layers : sequence of dict
        As of `make_base`, which has checked them.
    weight_init, spatial_dropout, generator
        As of `make_base`.

    Returns
    -------
    torch.nn.Sequential
        Its children are named "maps", "activation2", "unpool2", "conv2", "activation1", ...
    """
    sizes = [tuple(input.size)]
    for layer in layers:
        sizes.append(map_sizes(sizes[-1], layer)[2])
    channels = [input.n_channels, *(layer["channels"] for layer in layers)]
    parts = OrderedDict(maps=Maps(channels[-1], sizes[-1]))
    for number in range(len(layers), 0, -1):
        layer, size = layers[number - 1], sizes[number - 1]
        parts |= _of_maps(layer, channels[number], sizes[number], number, spatial_dropout)
        pads, convolved, _ = map_sizes(size, layer)
        if layer["pooling"] is not None:
            parts[f"unpool{number}"] = Unpool(layer["pool_stride"], convolved)
        conv = make_transposed(
            channels[number], channels[number - 1], layer["kernel"], layer["stride"], pads, size
        )
        following = layers[number - 2]["activation"] if number > 1 else "identity"
        _initialize(conv, weight_init, following, generator)
        parts[f"conv{number}"] = conv
    return nn.Sequential(parts)


def _of_maps(layer, n_channels, size, number, spatial_dropout):
    """Return the named parts that follow where maps have been reached."""
    parts = OrderedDict()
    if layer["activation"] != "identity":
        parts[f"activation{number}"] = make_activation(layer["activation"], (n_channels, *size))
    if layer["normalization"] is not None:
        normalization = make_map_normalization(layer["normalization"], n_channels, len(size))
        parts[f"normalization{number}"] = normalization
    if spatial_dropout > 0:
        parts[f"dropout{number}"] = SpatialDropout(spatial_dropout)
    return parts


@torch.no_grad()
def _initialize(conv, scheme, activation, generator):
    """Draw initial weights, which a transposed convolution holds with its inputs first."""
    drawn = SimpleNamespace(
        weight=conv.weight.transpose(0, 1).contiguous(), bias=conv.bias
    )  # (n_outputs, n_inputs, *kernel)
    initialize(drawn, scheme, activation, generator)
    conv.weight.copy_(drawn.weight.transpose(0, 1))
