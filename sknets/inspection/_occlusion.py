"""What is lost when a part of an image is covered."""

from numbers import Integral

import numpy as np

from sknets._plain_torch import in_plain_torch
from sknets.inspection._captum import import_captum
from sknets.inspection._explained import explain
from sknets.inspection._opened_images import OpenedImageNetwork


@in_plain_torch
def occlusion(estimator, X, target=None, window=3, stride=1):
    """Compute by how much a raw output drops when a window of an image is covered.

    A covered value is zero after the network's scaling: the mean of its channel in training for
    ``input_scaling="standardize"``. A position that lies in several windows gets their mean drop.

    Parameters
    ----------
    estimator : estimator
        A fitted CNNClassifier or CNNRegressor, or a pipeline, search or FrozenEstimator with one.
    X : array-like of shape (n_samples, ...)
        Images, signals or volumes, as the estimator takes them.
    target : label, int or array-like of shape (n_samples,), default=None
        Class to explain, or one for each row; None takes the predicted class. Number of the output
        in regression, or of the label for a multilabel y.
    window : int or tuple of int, default=3
        Size of the window, which covers all channels: a number, or one per spatial dimension.
    stride : int or tuple of int, default=1
        Distance between windows, at most the window's size; given likewise.

    Returns
    -------
    ndarray of shape (n_samples, height, width)
        Positive where the covered part spoke for the target; (n_samples, length) for signals.

    Raises
    ------
    ImportError
        If captum is missing.
    TypeError
        If the estimator is no convolutional network.
    ValueError
        If the target is unknown, or the window or stride does not fit.

    References
    ----------
    .. [1] Zeiler and Fergus (2014). Visualizing and understanding convolutional networks. ECCV.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknets import CNNClassifier
    >>> from sknets.inspection import occlusion
    >>> digits = load_digits()
    >>> network = CNNClassifier((4, 8), max_iter=1, random_state=0)
    >>> network = network.fit(digits.images, digits.target)
    >>> occlusion(network, digits.images[:5], stride=2).shape
    (5, 8, 8)
    """
    captum = import_captum("occlusion")
    opened = OpenedImageNetwork(estimator, X)
    windows = _per_axis("window", window, opened)
    strides = _per_axis("stride", stride, opened)
    if any(s > w for s, w in zip(strides, windows, strict=True)):
        raise ValueError(
            f"stride={stride!r} is larger than window={window!r}, so that some values would never be "
            "covered; use a smaller stride or a larger window."
        )
    windows = [min(w, n) for w, n in zip(windows, opened.size, strict=True)]
    strides = [min(s, w) for s, w in zip(strides, windows, strict=True)]
    n_channels = opened.module.input.n_channels
    method = captum.Occlusion(opened.module.from_images)

    def attribute(rows, images, columns, signs):
        drops = method.attribute(
            images.detach(),
            sliding_window_shapes=(n_channels, *windows),
            strides=(n_channels, *strides),
            baselines=0.0,
            target=columns,
        )
        drops = drops[:, :1]  # a window covers all channels, so they all say the same
        return drops * signs

    return explain(opened, target, attribute, is_difference=True)


def _per_axis(name, value, opened):
    n = opened.n_spatial
    values = (value,) * n if isinstance(value, Integral) else ()
    values = tuple(value) if np.iterable(value) else values
    if len(values) != n or not all(isinstance(v, Integral) and v >= 1 for v in values):
        raise ValueError(
            f"{name}={value!r} must be a whole number of at least 1, or a tuple of {n} of them."
        )
    return (1,) * (len(opened.size) - n) + values
