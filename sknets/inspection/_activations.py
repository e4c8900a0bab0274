"""What each layer makes of an image."""

import numpy as np

from sknets._plain_torch import in_plain_torch
from sknets.inspection._opened_images import OpenedImageNetwork


@in_plain_torch
def layer_activations(estimator, X, layer=None):
    """Compute the outputs of the layers of a fitted convolutional network.

    Parameters
    ----------
    estimator : estimator
        A fitted CNNClassifier or CNNRegressor, or a pipeline, search or FrozenEstimator with one.
    X : array-like of shape (n_samples, ...)
        Images, signals or volumes, as the estimator takes them.
    layer : str, default=None
        Name of one layer, such as "conv1"; None takes all.

    Returns
    -------
    ndarray of shape (n_samples, height, width, channels), or dict of ndarray
        The maps of the layer, or of each layer by name. Signals have no height, volumes a depth, and
        what a backbone flattens has shape (n_samples, n_features).

    Raises
    ------
    TypeError
        If the estimator is no convolutional network.
    ValueError
        If the layer is unknown.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknets import CNNClassifier
    >>> from sknets.inspection import layer_activations
    >>> digits = load_digits()
    >>> network = CNNClassifier((4, 8), max_iter=1, random_state=0)
    >>> network = network.fit(digits.images, digits.target)
    >>> for name, maps in layer_activations(network, digits.images[:5]).items():
    ...     print(name, maps.shape)
    conv1 (5, 8, 8, 4)
    pooling1 (5, 4, 4, 4)
    activation1 (5, 4, 4, 4)
    normalization1 (5, 4, 4, 4)
    conv2 (5, 4, 4, 8)
    pooling2 (5, 2, 2, 8)
    activation2 (5, 2, 2, 8)
    normalization2 (5, 2, 2, 8)
    """
    opened = OpenedImageNetwork(estimator, X)
    names = None if layer is None else [layer]
    parts = {}
    with opened.threads():
        for _, images in opened.blocks():
            for name, values in opened.outputs_of(images, names).items():
                parts.setdefault(name, []).append(opened.as_maps(values))
    activations = {name: np.concatenate(blocks) for name, blocks in parts.items()}
    return activations if layer is None else activations[layer]
