"""Pretrained networks: what may be given as `backbone`, and the base that it becomes."""

import copy

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sknets import modules, training
from sknets.estimators._base import BaseNet

#: Parameters of the base that a backbone replaces.
_REPLACED = (
    "conv_channels",
    "kernel_size",
    "stride",
    "padding",
    "pooling",
    "pool_size",
    "pool_stride",
    "residual",
    "conv_method",
    "normalization",
    "spatial_dropout",
)


def read_backbone(estimator):
    """Return what to build the base from: a fitted network, a module, or a function that makes one.

    Raises
    ------
    ValueError
        If the backbone is no fitted convolutional network, or if a parameter would be ignored.
    """
    backbone = estimator.backbone
    if isinstance(backbone, FrozenEstimator):
        backbone = backbone.estimator
    # of the page: the constructor of a subclass may leave parameters out
    defaults = {entry.name: entry.default_value for entry in estimator._page.parameters}
    for name in _REPLACED:
        value, default = getattr(estimator, name), defaults[name]
        if value is not default and not np.array_equal(value, default):
            raise ValueError(
                f"backbone replaces the convolutional base, so {name}={getattr(estimator, name)!r} "
                "would have no effect; leave it at its default."
            )
    if isinstance(backbone, nn.Module) or not hasattr(backbone, "get_params"):
        return backbone
    if not isinstance(backbone, BaseNet) or not hasattr(backbone, "conv_channels"):
        raise ValueError(
            f"backbone={backbone!r} is no convolutional network; give a fitted CNNClassifier or "
            "CNNRegressor, a torch.nn.Module or a function that makes one."
        )
    try:
        check_is_fitted(backbone)
    except ValueError as error:
        raise ValueError(
            "backbone is an estimator that is not fitted. Fit it first; where scikit-learn clones the "
            "network (in a grid search, say), keep the fit with sklearn.frozen.FrozenEstimator."
        ) from error
    return backbone


def make_backbone(backbone, images, generator):
    """Make the base of a new network; what was given stays as it is.

    Parameters
    ----------
    backbone : BaseNet, torch.nn.Module or callable
        What `read_backbone` returned.
    images : ImageInput
        The input of the new network. It takes over the scaling of a fitted network.
    generator : torch.Generator
        Source of what a function draws.

    Raises
    ------
    ValueError
        If it does not work on the images.
    """
    if isinstance(backbone, BaseNet):
        base = _take_over(backbone, images)
    else:
        base = _make_module(backbone, generator).cpu()
        modules.guard_group_norms(base)
        if images.is_signal:
            base = modules.OnSignals(base)
    return _tried_out(base, images, generator)


def _take_over(network, images):
    """Return a copy of the base of a fitted network, whose scaling the images take over."""
    fitted = network.net_.module_
    if len(fitted.input.size) != len(images.size) or fitted.input.is_signal != images.is_signal:
        raise ValueError(
            f"backbone was fitted to images of shape {network.input_shape_}, X has {images.shape}, "
            "with another number of spatial dimensions (conv_dim)."
        )
    if fitted.input.n_channels != images.n_channels:
        raise ValueError(
            f"backbone was fitted to images with {fitted.input.n_channels} channels, X has "
            f"{images.n_channels}."
        )
    images.to(fitted.input.scale.dtype)
    images.standardize_by(fitted.input.shift.cpu(), fitted.input.scale.cpu())
    return copy.deepcopy(fitted.base).cpu()


def _make_module(backbone, generator):
    """Return a copy of a module, or of what a function makes: it may be somebody else's too."""
    base = backbone
    if not isinstance(base, nn.Module):
        try:
            with training.Seeded(generator):
                base = backbone()
        except TypeError as error:
            raise ValueError(
                f"backbone={backbone!r} must make a module without arguments: {error}. Wrap it in a "
                "function or functools.partial."
            ) from error
    base = copy.deepcopy(base)
    if not isinstance(base, nn.Module):
        raise ValueError(
            f"backbone must make a torch.nn.Module, it returned {type(base).__name__}."
        )
    return base


def _tried_out(base, images, generator):
    """Return a base that makes features of images, in a floating-point type that we know."""
    dtype = next((p.dtype for p in base.parameters()), torch.float32)
    if dtype not in (torch.float32, torch.float64):
        dtype, base = torch.float32, base.float()
    try:
        with torch.no_grad(), training.Seeded(generator):
            maps = base.eval()(torch.zeros(1, images.n_channels, *images.size, dtype=dtype))
    except Exception as error:
        raise ValueError(
            f"backbone does not work on images of {images.n_channels} channels and size "
            f"{images.size}: {str(error)[:200]}"
        ) from error
    if not torch.is_tensor(maps) or maps.ndim < 2:
        raise ValueError(
            "backbone must return feature maps of shape (n, channels, ...) or vectors (n, features)."
        )
    return base
