"""Torch as it is when nobody has changed its modes, whatever the caller has changed."""

import functools
import os
import threading
from contextlib import ExitStack

import torch

_CPU = torch.device("cpu")
_AUTOCAST_DEVICES = ("cpu", "cuda", "mps", "xpu")


class _DefaultDtype:
    """The calls under way in this process and the default dtype outside of them.

    Torch keeps one default dtype for all threads: the first call sets it, the last one puts it back.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.active = 0
        self.outside = torch.float32

    def enter(self):
        with self.lock:
            if self.active == 0:
                self.outside = torch.get_default_dtype()
                self._set(torch.float32)
            self.active += 1

    def leave(self):
        with self.lock:
            self.active -= 1
            if self.active == 0:
                self._set(self.outside)

    def _set(self, dtype):
        if self.outside != torch.float32:
            torch.set_default_dtype(dtype)


_default_dtype = _DefaultDtype()


class plain_torch:
    """Compute as if the caller had left Torch's modes alone, and leave them as they are.

    Gradients are recorded, tensors are no inference tensors, new ones are float32 and on the CPU, and
    nothing is cast. What only watches or forbids (anomaly detection, deterministic algorithms) stays.
    """

    def __enter__(self):
        changed = list(_changed_modes())
        self._stack = ExitStack() if changed else None
        for mode in changed:
            self._stack.enter_context(mode)
        self._dtype = _default_dtype
        self._dtype.enter()

    def __exit__(self, *error):
        self._dtype.leave()
        if self._stack is not None:
            self._stack.close()


def _changed_modes():
    """Yield contexts that undo what the caller has changed: mostly none, and to ask costs little."""
    if torch.is_inference_mode_enabled():
        yield torch.inference_mode(False)
    if not torch.is_grad_enabled():
        yield torch.enable_grad()
    if torch.empty(0).device != _CPU:
        yield _CPU
    for device in filter(torch.is_autocast_enabled, _AUTOCAST_DEVICES):
        yield torch.autocast(device, enabled=False)


def in_plain_torch(function):
    """Decorate a function that computes under `plain_torch`."""

    @functools.wraps(function)
    def plain(*args, **kwargs):
        with plain_torch():
            return function(*args, **kwargs)

    return plain


def _after_fork():
    # the calls under way belong to threads that the child has not
    global _default_dtype
    outside = _default_dtype.outside if _default_dtype.active else torch.get_default_dtype()
    torch.set_default_dtype(outside)
    _default_dtype = _DefaultDtype()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
