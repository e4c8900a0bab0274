"""Where a network computes and in which precision.

Devices
-------
``device="auto"`` takes an accelerator when there is one and the work is worth the trip: when a
training step multiplies at least `WORTH_THE_TRIP` numbers (rows in a batch times weights). Below
that, launching the kernels of a step takes an accelerator longer than computing it takes a CPU.

Precision
---------
``dtype="auto"`` computes in float64 when X is float64 and has at most `SMALL_DATA` values, on a CPU; in
float32 otherwise. Small data gain scikit-learn's precision at no cost, large data twice the speed.
Recurrent networks, of which float64 takes up to four times as long, draw the line at `SMALL_SERIES`.
"""

import numpy as np
import scipy.sparse as sp
import torch

from sknets import training
from sknets.estimators._sequences import Sequences

#: Multiply-adds in a step from which "auto" prefers an accelerator. An estimate: a step launches
#: about 40 kernels of 10 µs, in which a CPU core does some 10 million multiply-adds.
WORTH_THE_TRIP = 10_000_000

#: Values in X up to which "auto" computes float64 data in float64.
SMALL_DATA = 100_000
SMALL_SERIES = 10_000


def choose_device(device, step_size, dtype="auto"):
    """Return the `torch.device` that the parameter `device` means.

    Parameters
    ----------
    device : str
        "auto", or a Torch device such as "cpu", "cuda", "cuda:1", "mps".
    step_size : int
        Multiply-adds in a training step.
    dtype : str, default="auto"
        The parameter `dtype`: "auto" passes by an accelerator that does not know it.

    Raises
    ------
    ValueError
        If the device is unknown or not there.
    """
    if device == "auto":
        if torch.accelerator.is_available() and step_size >= WORTH_THE_TRIP:
            accelerator = torch.accelerator.current_accelerator()
            if not (dtype == "float64" and accelerator.type == "mps"):
                return accelerator
        return torch.device("cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
        if chosen.type == "meta":
            raise RuntimeError("it holds no numbers.")
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0][:160]
        raise ValueError(
            f"device={device!r} cannot be used: {reason} Use device='auto' or device='cpu'."
        ) from error
    return chosen


def choose_dtype(dtype, X, device, small_data=SMALL_DATA):
    """Return the `torch.dtype` that the parameter `dtype` means for this X on this device.

    "auto" keeps float64 for up to `small_data` values.
    """
    if dtype == "auto":
        is_small = int(np.prod(X.shape)) <= small_data
        precise = X.dtype == np.float64 and is_small and device.type == "cpu"
        return torch.float64 if precise else torch.float32
    if dtype == "float64" and device.type == "mps":
        raise ValueError("dtype='float64' is not available on device='mps'; use 'float32'.")
    return getattr(torch, dtype)


def prediction_dtype(X):
    """Return the NumPy type of predictions: that of X, or float64 where X holds whole numbers."""
    return X.dtype if X.dtype.kind == "f" else np.dtype(np.float64)


def to_tensor(array, dtype, device):
    """Turn an array into a tensor, without writing into what the user owns.

    Any strides, byte order and read-only memory are accepted; memory is shared where it can be.
    """
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    if not array.flags.writeable:
        array = array.copy()  # Torch has no read-only tensors
    return torch.from_numpy(array).to(device=device, dtype=dtype)


def to_inputs(X, dtype, device):
    """Turn X into what `Rows` takes: a tensor, ragged rows, or the sparse matrix itself.

    Whole numbers (uint8 images) stay as small as they are; the module turns a batch of them into floats.
    """
    if sp.issparse(X):
        return sp.csr_array(X)
    if isinstance(X, Sequences):
        values = to_inputs(X.values, dtype, device)
        if X.is_regular:
            return values.reshape(X.shape)
        return training.Ragged(values, torch.from_numpy(X.lengths).to(device))
    if X.dtype.kind in "ui":
        dtype = None
    return to_tensor(X, dtype, device)
