"""Averaging of the iterates: a steadier network from a noisy path."""

import copy
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

AVERAGES = ("polyak", "exponential")


class Average:
    """A running average of the parameters beside the ones that learn.

    Parameters
    ----------
    kind : {"polyak", "exponential"}
        Polyak's mean of all steps, θ̄ₜ = θ̄ₜ₋₁ + (θₜ - θ̄ₜ₋₁) / t, or the exponential average
        θ̄ₜ = d θ̄ₜ₋₁ + (1 - d) θₜ, started at the first iterate.
    decay : float
        The d of the exponential average.
    """

    def __init__(self, kind, decay):
        self.kind = kind
        self.decay = decay
        self.n_steps = 0
        self.values = None
        self._iterate = None

    def update(self, theta):
        """Take in the parameters after a step."""
        self.n_steps += 1
        if self.n_steps == 1:
            self.values = theta.clone()
        elif self.kind == "polyak":
            self.values.lerp_(theta, 1.0 / self.n_steps)
        else:
            self.values.lerp_(theta, 1.0 - self.decay)

    @contextmanager
    def swapped_in(self, theta, module, batches, seeded=nullcontext):
        """Put the average in place of the parameters for a while.

        Batch normalisation then needs the statistics of the averaged network: the module sees
        the batches once more.
        """
        if self.n_steps == 0:
            yield
            return
        own = theta.clone(), [buffer.clone() for buffer in module.buffers()]
        theta.copy_(self.values)
        with seeded():
            recalibrate(module, batches)
        try:
            yield
        finally:
            theta.copy_(own[0])
            for buffer, saved in zip(module.buffers(), own[1], strict=True):
                buffer.copy_(saved)

    def settle(self, theta, module, batches):
        """Put the average in place of the parameters until `resume`."""
        if self.n_steps:
            self._iterate = theta.clone()
            theta.copy_(self.values)
            recalibrate(module, batches)

    def resume(self, theta):
        """Go on from the last iterate, after `settle`."""
        if self._iterate is not None:
            theta.copy_(self._iterate)
            self._iterate = None

    def extra_state(self):
        """Return the state as NumPy arrays and plain numbers."""
        arrays = {"values": self.values, "iterate": self._iterate}
        return {"n_steps": self.n_steps} | {
            name: None if value is None else value.cpu().numpy().copy()
            for name, value in arrays.items()
        }

    def load_extra_state(self, state, like):
        """Continue from what `extra_state` returned, on the device of the tensor `like`."""
        self.n_steps = state["n_steps"]
        self.values, self._iterate = (
            None if state[name] is None else torch.from_numpy(np.array(state[name])).to(like)
            for name in ("values", "iterate")
        )


def recalibrate(module, batches):
    """Let batch normalisation, where it learns, take its statistics from the data anew.

    Layers that the module keeps in evaluation mode while it trains (those of a pretrained backbone) keep
    the statistics they have.
    """
    module.train()
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    kept = [(m, copy.deepcopy(m.state_dict())) for m in norms if not m.training]
    if len(kept) < len(norms):
        update_bn((x for x, _, _ in batches), module)
        for norm, state in kept:
            norm.load_state_dict(state)
