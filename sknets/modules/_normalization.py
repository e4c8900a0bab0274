"""Normalisation of hidden units."""

import torch
from torch import nn

NORMALIZATIONS = ("batch", "layer")
MAP_NORMALIZATIONS = ("batch", "group", "layer")

_MOST_GROUPS = 8
_FEWEST_CHANNELS = 4


class _ManyValues:
    """Batch normalisation that tells what to do about a batch of one value per channel."""

    def forward(self, x):
        if self.training and x.numel() == x.shape[1]:
            raise ValueError(
                "normalization='batch' needs at least two values of a channel in a batch, got one: "
                "use more rows, a larger batch_size, or normalization='group'."
            )
        return super().forward(x)


class MapBatchNorm2d(_ManyValues, nn.BatchNorm2d):
    """Batch normalisation of maps over height and width."""


class MapBatchNorm3d(_ManyValues, nn.BatchNorm3d):
    """Batch normalisation of maps over depth, height and width."""


MAP_BATCH_NORMS = {2: MapBatchNorm2d, 3: MapBatchNorm3d}


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation that tells what to do about a batch of one row."""

    def forward(self, x):
        if self.training and len(x) < 2:
            raise ValueError(
                "normalization='batch' needs at least two rows in a batch, got one: "
                "use more rows, a larger batch_size, or normalization='layer'."
            )
        return super().forward(x)


class GroupNorm(nn.GroupNorm):
    """Group normalisation whose gradient exists also where nothing below it learns.

    It computes in the type of its weights: in bfloat16, a CPU takes five times as long for it.
    """

    def forward(self, x):
        return super().forward(with_gradient(x.to(self.weight.dtype)))


def with_gradient(x):
    """Return x as something that has a gradient, in training.

    Torch 2.13 dies of a segmentation fault in the gradient of a group normalisation of a channels-last x
    that has none of its own, as below the layers of a backbone that learn.
    """
    if x.requires_grad or not torch.is_grad_enabled():
        return x
    return x.detach().requires_grad_()


def guard_group_norms(module):
    """Let all group normalisations in somebody else's module see an x that has a gradient."""
    for layer in module.modules():
        if isinstance(layer, nn.GroupNorm) and not isinstance(layer, GroupNorm):
            layer.register_forward_pre_hook(_with_gradient_hook)


def _with_gradient_hook(layer, args):
    return (with_gradient(args[0]),)


def make_map_normalization(name, n_channels, n_dims):
    """Make the normalisation of feature maps: "batch", "group" or "layer".

    "group" and "layer" take mean and variance of each image on its own, over all positions and over the
    channels of a group, or all of them (Wu and He, 2018). Up to 8 groups have at least 4 channels:
    of a few values only, little more than their signs would be left.
    """
    if name == "batch":
        return MAP_BATCH_NORMS[n_dims](n_channels)
    n_groups = 1
    if name == "group":
        most = max(1, min(_MOST_GROUPS, n_channels // _FEWEST_CHANNELS))
        n_groups = max(g for g in range(1, most + 1) if n_channels % g == 0)
    return GroupNorm(n_groups, n_channels)


def make_normalization(name, n_features):
    """Make the normalisation layer of a name."""
    return {"batch": BatchNorm, "layer": nn.LayerNorm}[name](n_features)
