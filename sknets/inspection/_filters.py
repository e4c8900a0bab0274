"""What a convolutional layer looks for."""

import numpy as np

from sknets._plain_torch import in_plain_torch
from sknets.inspection._opened_images import OpenedImageNetwork


@in_plain_torch
def learned_filters(estimator, layer=None):
    """Return the kernels of a convolutional layer.

    Parameters
    ----------
    estimator : estimator
        A fitted CNNClassifier or CNNRegressor, or a pipeline, search or FrozenEstimator with one.
    layer : str, default=None
        Name of the layer; None takes the first convolution.

    Returns
    -------
    ndarray of shape (n_outputs, height, width, n_inputs)
        A kernel for each map that comes out; without height for signals, with depth for volumes.

    Raises
    ------
    TypeError
        If the estimator is no convolutional network.
    ValueError
        If the layer is unknown or is no convolution.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknets import CNNClassifier
    >>> from sknets.inspection import learned_filters
    >>> digits = load_digits()
    >>> network = CNNClassifier((4, 8), max_iter=1, random_state=0)
    >>> network = network.fit(digits.images, digits.target)
    >>> learned_filters(network, "conv2").shape
    (8, 3, 3, 4)
    """
    opened = OpenedImageNetwork(estimator)
    convolutions = opened.convolutions()
    if layer is None:
        if not convolutions:
            raise ValueError("the base of the network has no convolution, so there are no filters.")
        layer = next(iter(convolutions))
    elif opened.layer(layer) is not convolutions.get(layer):
        raise ValueError(
            f"layer={layer!r} is no convolution; the base has {list(convolutions)} among its layers."
        )
    kernels = convolutions[layer].weight
    if opened.module.input.is_signal and kernels.ndim == 4:
        kernels = kernels.squeeze(2)  # a signal is an image of height 1
    return np.ascontiguousarray(kernels.movedim(1, -1).cpu().numpy())
