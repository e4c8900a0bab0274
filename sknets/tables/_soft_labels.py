"""Probabilities as labels that have weights."""

import numpy as np

#: Probabilities below are left out.
_LEAST = 1e-3


def as_weighted_rows(shares):
    """Return each row once for each class, weighted by its probability.

    Parameters
    ----------
    shares : ndarray of shape (n_rows, n_classes)
        Probabilities.

    Returns
    -------
    rows, classes : ndarray of int
        Positions. Each class is somewhere among them.
    weights : ndarray
        The probabilities, but for those that hardly count.
    """
    n_rows, n_classes = shares.shape
    rows, classes = np.divmod(np.arange(n_rows * n_classes), n_classes)
    weights = shares.ravel()
    kept = weights > _LEAST
    kept[shares.argmax(axis=0) * n_classes + np.arange(n_classes)] = True
    return rows[kept], classes[kept], weights[kept]
