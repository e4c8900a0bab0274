"""What each value of an image adds on the way from a baseline."""

import warnings

import numpy as np
import torch

from sknets._plain_torch import in_plain_torch
from sknets.inspection._captum import import_captum
from sknets.inspection._explained import explain
from sknets.inspection._opened_images import OpenedImageNetwork


@in_plain_torch
def integrated_gradients(estimator, X, target=None, baseline=None, n_steps=200):
    """Compute what each value of an image adds to a raw output, compared with a baseline.

    The gradient is integrated along the straight line from the baseline to the image. The values of
    a map sum to the raw output of the image minus that of the baseline.

    Parameters
    ----------
    estimator : estimator
        A fitted CNNClassifier or CNNRegressor, or a pipeline, search or FrozenEstimator with one.
    X : array-like of shape (n_samples, ...)
        Images, signals or volumes, as the estimator takes them.
    target : label, int or array-like of shape (n_samples,), default=None
        Class to explain, or one for each row; None takes the predicted class. Number of the output
        in regression, or of the label for a multilabel y.
    baseline : float or array-like of the shape of a row of X, default=None
        Where the line starts, in units of X. None is zero after the network's scaling, which is the
        mean of each channel in training for ``input_scaling="standardize"``.
    n_steps : int, default=200
        Points at which the gradient is computed.

    Returns
    -------
    ndarray of shape (n_samples, height, width)
        Summed over channels; (n_samples, length) for signals.

    Raises
    ------
    ImportError
        If captum is missing.
    TypeError
        If the estimator is no convolutional network.
    ValueError
        If the target is unknown or the baseline has another shape than a row of X.

    Notes
    -----
    Group and layer normalisation make a network change fast close to an image without contrast,
    where the default baseline is. If the sum of a map is not close enough, use more steps.

    References
    ----------
    .. [1] Sundararajan, Taly and Yan (2017). Axiomatic attribution for deep networks. ICML.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknets import CNNClassifier
    >>> from sknets.inspection import integrated_gradients
    >>> digits = load_digits()
    >>> network = CNNClassifier((4, 8), max_iter=1, random_state=0)
    >>> network = network.fit(digits.images, digits.target)
    >>> integrated_gradients(network, digits.images[:5], baseline=0).shape
    (5, 8, 8)
    """
    if n_steps < 1:
        raise ValueError(f"n_steps={n_steps!r} must be at least 1.")
    captum = import_captum("integrated_gradients")
    opened = OpenedImageNetwork(estimator, X)
    start = None if baseline is None else _image_of(baseline, X, opened)
    method = captum.IntegratedGradients(opened.module.from_images)

    def attribute(images, columns, signs):
        origin = torch.zeros_like(images[:1]) if start is None else start
        values = method.attribute(
            images,
            origin,
            columns,
            n_steps=n_steps,
            internal_batch_size=max(len(images), opened.n_rows_at_once),
        )
        return values * signs

    return explain(opened, target, attribute)


def _image_of(baseline, X, opened):
    """Return a baseline in units of X as a standardised image."""
    shape = np.shape(X)[1:]
    try:
        row = np.broadcast_to(np.asarray(baseline, dtype=float), shape)[None]
    except ValueError as error:
        raise ValueError(
            f"baseline has shape {np.shape(baseline)}; give a number, or an array of the shape of a row "
            f"of X, {shape}."
        ) from error
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        return opened.images(opened.read(row))
