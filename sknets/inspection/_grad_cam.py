"""Where in an image a class was seen: gradient-weighted class activation maps."""

import math

from sknets._plain_torch import in_plain_torch
from sknets.inspection._captum import import_captum
from sknets.inspection._explained import explain
from sknets.inspection._opened_images import OpenedImageNetwork

_INTERPOLATION = {2: "bilinear", 3: "trilinear"}


@in_plain_torch
def grad_cam(estimator, X, target=None, layer=None):
    """Compute where the maps of a layer speak for a class.

    Each map is weighted with the mean of the gradient of the raw output over its positions; of the
    weighted sum, the positive part is shown (Grad-CAM).

    Parameters
    ----------
    estimator : estimator
        A fitted CNNClassifier or CNNRegressor, or a pipeline, search or FrozenEstimator with one.
    X : array-like of shape (n_samples, ...)
        Images, signals or volumes, as the estimator takes them.
    target : label, int or array-like of shape (n_samples,), default=None
        Class to explain, or one for each row; None takes the predicted class. Number of the output
        in regression, or of the label for a multilabel y.
    layer : str, default=None
        Name of the layer; None takes the last convolution whose maps have more than one position.
        Maps after pooling are coarser.

    Returns
    -------
    ndarray of shape (n_samples, height, width)
        Values of at least 0, interpolated to the size of the images; (n_samples, length) for
        signals.

    Raises
    ------
    ImportError
        If captum is missing.
    TypeError
        If the estimator is no convolutional network.
    ValueError
        If the layer or the target is unknown, or if the layer has no maps.

    References
    ----------
    .. [1] Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra (2017). Grad-CAM: visual
       explanations from deep networks via gradient-based localization. ICCV.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknets import CNNClassifier
    >>> from sknets.inspection import grad_cam
    >>> digits = load_digits()
    >>> network = CNNClassifier((4, 8), max_iter=1, random_state=0)
    >>> network = network.fit(digits.images, digits.target)
    >>> grad_cam(network, digits.images[:5]).shape
    (5, 8, 8)
    """
    captum = import_captum("grad_cam")
    opened = OpenedImageNetwork(estimator, X)
    name = _default_layer(opened) if layer is None else layer
    layer = opened.layer(name)
    shape = opened.shapes.get(name, ())
    if len(shape) < 3:
        raise ValueError(f"layer={name!r} has no maps: its outputs have shape {shape}.")
    method = captum.LayerGradCam(opened.module.from_images, layer)

    def attribute(rows, images, columns, signs):
        maps = method.attribute(images, target=columns)
        if maps.ndim < images.ndim:  # a backbone that takes signals as such
            maps = maps.unsqueeze(2)
        maps = (signs * maps).clamp(min=0)
        mode = _INTERPOLATION[len(opened.size)]
        return captum.LayerAttribution.interpolate(maps, opened.size, interpolate_mode=mode)

    return explain(opened, target, attribute)


def _default_layer(opened):
    mapped = [name for name, shape in opened.shapes.items() if math.prod(shape[2:]) > 1]
    convolved = [name for name in mapped if name in opened.convolutions()]
    if not mapped:
        raise ValueError(
            "no layer of the base has maps with more than one position, so Grad-CAM has nothing to show; "
            "use integrated_gradients or occlusion."
        )
    return (convolved or mapped)[-1]
