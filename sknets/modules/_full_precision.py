"""Computing in full where a network computes in mixed precision."""

from contextlib import nullcontext

import torch


def in_full_precision(x):
    """Return a context in which nothing is cast where x is, for what needs all its digits."""
    kind = x.device.type
    # to disable what is not enabled takes longer than a small layer
    return torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else nullcontext()
