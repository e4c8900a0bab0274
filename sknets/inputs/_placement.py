"""Where a network computes and in which precision.

Devices
-------
``device="auto"`` takes an accelerator when there is one and the work is worth the trip: when a
training step multiplies at least `WORTH_THE_TRIP` numbers (rows in a batch times weights). Below
that, launching the kernels of a step takes an accelerator longer than computing it takes a CPU.

Precision
---------
``dtype="auto"`` computes in float64 when X is float64 and has at most so many values as its `Input`
calls small, on a CPU; in float32 otherwise. Small data gain scikit-learn's precision at no cost, large
data twice the speed. Sequences, for which float64 takes up to four times as long, draw the line earlier
than tables. An X that float32 cannot hold, in units so large or so small, has float64 too.
"""

import math

import numpy as np
import torch

from sknets.inputs._sizes import suits_single_precision

#: Multiply-adds in a step from which "auto" prefers an accelerator. An estimate: a step launches
#: about 40 kernels of 10 µs, in which a CPU core does some 10 million multiply-adds.
WORTH_THE_TRIP = 10_000_000


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


def choose_dtype(dtype, rows, device, input):
    """Return the `torch.dtype` that the parameter `dtype` means for these rows on this device.

    "auto" keeps float64 for up to `input.small_data` values, and takes it for X that need it by what the
    input has learned of the first ones.
    """
    if dtype == "auto":
        if device.type != "cpu":
            return torch.float32
        is_small = math.prod(rows.shape) <= input.small_data
        is_precise = rows.dtype == np.float64 and is_small
        if is_precise or not suits_single_precision(input.usual_reach):
            return torch.float64
        return torch.float32
    if dtype == "float64" and device.type == "mps":
        raise ValueError("dtype='float64' is not available on device='mps'; use 'float32'.")
    return getattr(torch, dtype)
