"""What a caller may have changed in Torch when one of our methods is called."""

from contextlib import contextmanager

import torch


@contextmanager
def _changed(set_to, value, back_to):
    set_to(value)
    try:
        yield
    finally:
        set_to(back_to)


#: Contexts that must change no result; the last three also change what Torch computes by itself.
MODES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
    "deterministic": lambda: _changed(torch.use_deterministic_algorithms, True, False),
    "default_dtype": lambda: _changed(torch.set_default_dtype, torch.float64, torch.float32),
    "default_device": lambda: _changed(torch.set_default_device, "meta", None),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}


def modes():
    """Return the modes of this moment."""
    return {
        "inference": torch.is_inference_mode_enabled(),
        "grad": torch.is_grad_enabled(),
        "anomaly": torch.is_anomaly_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "dtype": torch.get_default_dtype(),
        "device": torch.empty(0).device,
        "autocast": torch.is_autocast_enabled("cpu"),
    }
