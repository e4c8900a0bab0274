"""Outputs that are no numbers: an error that names the rows of X, before anything is made of them."""

import math

import numpy as np
import torch

from sknets.inputs import name_rows


def check_outputs(learned, raw):
    """Raise ValueError if a network has answered with NaN or infinity.

    Parameters
    ----------
    learned : Learned
        The network, and what it has learned of X and y.
    raw : torch.Tensor of shape (n_rows, ...)
        What it has answered, on the CPU.
    """
    if math.isfinite(raw.sum().item()):  # enough if it is
        return
    is_good = torch.isfinite(raw)
    if learned.target.excludes:
        is_good |= raw.isneginf() & is_good.any(-1, keepdim=True)
    bad = np.flatnonzero(~is_good.flatten(1).all(1).numpy())
    if not len(bad):
        return
    if not learned.net.flat.is_finite():
        raise ValueError(
            "The weights of the network are not finite, for training has diverged: what it says of X has "
            "no meaning. Fit again; scale X (StandardScaler), or lower learning_rate_init."
        )
    kind = str(raw.dtype).removeprefix("torch.")
    raise ValueError(
        f"X overflows {kind} inside the network in {name_rows(bad)}: values there are too far from those "
        "of the fit. Mask them if they stand for missing values; if not, scale X in the fit and here."
    )


def check_predictions(predictions):
    """Raise ValueError if predicted numbers of rows are infinite; outputs are finite already."""
    values = predictions
    if values.dtype == object:  # sequences
        values = np.array([float(np.sum(sequence)) for sequence in predictions])
    if np.isfinite(values).all():
        return
    bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    if len(bad):
        raise ValueError(
            f"X leads to predictions that are too large for {values.dtype} in {name_rows(bad)}: values "
            "there are too far from those of the fit. Mask them if they stand for missing values."
        )
