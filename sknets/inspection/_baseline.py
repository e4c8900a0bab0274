"""Where the paths of integrated gradients start: a baseline in units of X."""

import warnings

import numpy as np


def baseline_like(baseline, X, opened):
    """Return a baseline as the values of an opened network.

    Parameters
    ----------
    baseline : number, array-like or DataFrame with one row
        In units of X.
    X : object
        Data as the user gave them.
    opened : OpenedImageNetwork, OpenedSequences or OpenedTable
        The network, and X.

    Returns
    -------
    torch.Tensor of shape (1, ...) or (n, ...)
        One for all rows, or one for each.

    Raises
    ------
    ValueError
        If the baseline is no row of X.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        rows = _as_rows(baseline, X, getattr(opened.rows, "width", 0) is None)
        try:
            return opened.read_baseline(rows)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"baseline cannot be read as a row of X: {error} Give a row like those of X, as a frame "
                "with one row where X is a frame."
            ) from error


def _as_rows(baseline, X, is_list):
    """Return a baseline as an X with one row, or with one for each if X is a list of sequences."""
    if hasattr(baseline, "iloc") and baseline.ndim == 2 and len(baseline) == 1:
        return baseline
    try:
        values = np.asarray(baseline)
    except ValueError:  # lists of unequal length
        values = np.asarray(None)
    if values.dtype.kind not in "buif" or not np.isfinite(values).all():
        raise ValueError(f"baseline must hold finite numbers, got {baseline!r}.")
    if is_list:
        return [_broadcast(values, np.shape(row)) for row in X]
    row = _broadcast(values, tuple(getattr(X, "shape", None) or np.shape(X))[1:])[None]
    if hasattr(X, "iloc"):
        return type(X)(row, columns=X.columns)
    if isinstance(X, np.ndarray) and X.dtype.kind in "uif":  # pixels and tokens stay what they are
        with np.errstate(invalid="ignore", over="ignore"):
            cast = row.astype(X.dtype)
        row = cast if np.array_equal(cast, row) else row
    return row


def _broadcast(values, shape):
    try:
        return np.broadcast_to(values, shape)
    except ValueError as error:
        raise ValueError(
            f"baseline has shape {values.shape}; give a number, or an array of the shape of a row of X, "
            f"{shape}."
        ) from error
