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

``precision="bf16"`` trains in mixed precision, which Torch has beside float32 alone.
"""

import math
import platform
import warnings

import numpy as np
import torch

from sknets.inputs._sizes import suits_single_precision

#: Multiply-adds in a step from which "auto" prefers an accelerator. On an H100 a step takes 0.1 ms where
#: it is one launch and 1 to 1.7 ms where it is not; a core of its host takes 0.06 ms for 0.4 million
#: multiply-adds and 1.1 ms for 20 million (``benchmarks/results/device.md``).
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
        reason = str(error).splitlines()[0][:160].rstrip(".")
        raise ValueError(
            f"device={device!r} cannot be used: {reason}. Use device='auto' or device='cpu'."
        ) from error
    return chosen


def choose_dtype(dtype, rows, device, input, precision="full"):
    """Return the `torch.dtype` that the parameter `dtype` means for these rows on this device.

    "auto" keeps float64 for up to `input.small_data` values, and takes it for X that need it by what the
    input has learned of the first ones. With `precision` "bf16" it is float32.

    Raises
    ------
    ValueError
        If what is asked for is not there.
    """
    if precision != "full":
        return _beside_bf16(dtype, device, input)
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


def _beside_bf16(dtype, device, input):
    """Return the dtype of parameters beside which products are computed in bfloat16."""
    if dtype == "float64":
        raise ValueError(
            "precision='bf16' goes with parameters of float32 and cannot have dtype='float64'; set "
            "dtype='float32' or 'auto', or precision='full'."
        )
    if dtype == "auto" and not suits_single_precision(input.usual_reach):
        raise ValueError(
            f"precision='bf16' goes with float32, which cannot compute with an X of the size "
            f"{input.usual_reach:.3g}; scale X, or set precision='full'."
        )
    if not _casts(device):
        raise ValueError(
            f"precision='bf16' is not available on device='{device}'; set precision='full'."
        )
    return torch.float32


def _casts(device):
    """Whether Torch has mixed precision with bfloat16 on a device."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # by which some devices say that they do without
        try:
            with torch.autocast(device.type, dtype=torch.bfloat16):
                return torch.is_autocast_enabled(device.type)
        except RuntimeError:
            return False


def lacks_bf16_units(device):
    """Whether a device is known to have no units for bfloat16, so that it is slow with it.

    Of processors other than those of Intel and AMD it is not known.
    """
    if device.type == "cuda":
        return not torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    # Torch has no public question for it
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    questions = [getattr(torch.cpu, name, None) for name in names]
    return all(questions) and not any(ask() for ask in questions)
