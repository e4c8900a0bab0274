"""Pooling: one value for a window of a feature map, or for the whole map."""

import torch
import torch.nn.functional as F
from torch import nn

POOLINGS = ("max", "average", "weighted", "downsample")
GLOBAL_POOLINGS = ("average", "max")


def make_pooling(name, window, stride, n_channels, *, is_partial):
    """Make a pooling layer.

    Parameters
    ----------
    name : {"max", "average", "weighted", "downsample"}
        What it makes of a window: its largest value, its mean, its mean with learned weights, or its
        first value.
    window, stride : tuple of int
        Size of the window and distance between windows, per dimension.
    n_channels : int
        Number of channels.
    is_partial : bool
        Whether windows may reach over the border, so that no row or column is left out. A window is
        never larger than the map.
    """
    n_dims = len(window)
    if name == "downsample":
        return Downsample(stride)
    if name == "weighted":
        return WeightedPool(window, stride, n_channels, is_partial)
    layers = {
        ("max", 2): nn.MaxPool2d,
        ("max", 3): nn.MaxPool3d,
        ("average", 2): nn.AvgPool2d,
        ("average", 3): nn.AvgPool3d,
    }
    return layers[name, n_dims](window, stride, ceil_mode=is_partial)


def pooled_size(name, size, window, stride, *, is_partial):
    """Return the size of a map after pooling, per dimension; values below 1 mean that none fits."""
    if name == "downsample":
        return tuple(-(-n // s) for n, s in zip(size, stride, strict=True))
    return tuple(
        _n_windows(n, w, s, is_partial) for n, w, s in zip(size, window, stride, strict=True)
    )


def _n_windows(n, window, stride, is_partial):
    if not is_partial:
        return (n - window) // stride + 1
    n_windows = -(-(n - window) // stride) + 1
    return n_windows - ((n_windows - 1) * stride >= n)  # Torch: a window starts inside


class Downsample(nn.Module):
    """Keep every s-th value in each direction."""

    def __init__(self, stride):
        super().__init__()
        self.stride = tuple(stride)

    def forward(self, x):
        return x[(..., *(slice(None, None, s) for s in self.stride))]

    def extra_repr(self):
        return f"stride={self.stride}"


class WeightedPool(nn.Module):
    """Weighted mean of each window, with weights that each channel learns.

    The weights of a window are a softmax of `weight`, which starts at zero: at first the mean is the
    plain one. Where a window reaches over the border, the weights inside sum to one.

    Parameters
    ----------
    window, stride : tuple of int
        Size of the window and distance between windows, per dimension.
    n_channels : int
        Number of channels.
    is_partial : bool
        Whether windows may reach over the border.
    """

    def __init__(self, window, stride, n_channels, is_partial):
        super().__init__()
        self.window = tuple(window)
        self.stride = tuple(stride)
        self.is_partial = is_partial
        self.weight = nn.Parameter(torch.zeros(n_channels, 1, *window))

    def forward(self, x):
        n_channels, size = x.shape[1], x.shape[2:]
        weight = self.weight.flatten(1).softmax(dim=1).view_as(self.weight)
        convolve = {2: F.conv2d, 3: F.conv3d}[len(size)]
        n_windows = [
            _n_windows(n, w, s, self.is_partial)
            for n, w, s in zip(size, self.window, self.stride, strict=True)
        ]
        missing = [
            max((m - 1) * s + w - n, 0)
            for m, n, w, s in zip(n_windows, size, self.window, self.stride, strict=True)
        ]
        if not any(missing):
            return convolve(x, weight, stride=self.stride, groups=n_channels)
        pads = [pad for after in reversed(missing) for pad in (0, after)]
        inside = F.pad(x.new_ones(1, n_channels, *size), pads)
        sums = convolve(F.pad(x, pads), weight, stride=self.stride, groups=n_channels)
        return sums / convolve(inside, weight, stride=self.stride, groups=n_channels)

    def extra_repr(self):
        return f"window={self.window}, stride={self.stride}"


class GlobalPool(nn.Module):
    """The mean or the largest value of each map: (n, channels, ...) to (n, channels)."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, x):
        axes = tuple(range(2, x.ndim))
        return x.mean(dim=axes) if self.name == "average" else x.amax(dim=axes)

    def extra_repr(self):
        return repr(self.name)


class FlattenMaps(nn.Module):
    """All values of all maps in a row, channels last: no copy of channels-last memory."""

    def forward(self, x):
        return x if x.ndim == 2 else x.movedim(1, -1).flatten(1)
