"""From arrays to tensors, and in which type numbers come back."""

import numpy as np
import torch


def to_tensor(array, dtype, device):
    """Turn an array into a tensor, without writing into what the user owns.

    Any strides, byte order and read-only memory are accepted; memory is shared where it can be. Whole
    numbers (pixels, tokens, classes) keep their type.
    """
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    # Torch has no read-only tensors, and no strides below 0, which one row of X[::-1] may keep
    if not array.flags.writeable or min(array.strides, default=0) < 0:
        array = array.copy()
    is_whole = array.dtype.kind in "iu"
    return torch.from_numpy(array).to(device=device, dtype=None if is_whole else dtype)


def prediction_dtype(rows):
    """Return the NumPy type of predictions: that of X, or float64 where X holds whole numbers."""
    return rows.dtype if rows.dtype.kind == "f" else np.dtype(np.float64)
