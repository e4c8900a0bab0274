"""Dropout that draws from the fit's own generator."""

import numpy as np
import torch
from torch import nn


class Dropout(nn.Module):
    """Set units to zero with probability `p` in training and scale the others by 1 / (1 - p).

    Nothing changes in prediction, since the scaling has been done in training
    (Srivastava et al., 2014).

    Parameters
    ----------
    p : float in [0, 1)
        Dropout rate.

    Attributes
    ----------
    generator : torch.Generator or None
        Source of the masks; None draws from Torch's global generator.
    """

    def __init__(self, p):
        super().__init__()
        self.p = p
        self.generator = None

    def forward(self, x):
        if not self.training:
            return x
        if x.device.type == "cpu":
            kept = torch.from_numpy(self.draw(x.numel())).view(x.shape)
            return x * kept.to(x.dtype).mul_(1.0 / self.keep)
        mask = torch.empty_like(x).bernoulli_(self.keep, generator=self.generator)
        return x * mask.div_(self.keep)

    @property
    def keep(self):
        """The probability with which a unit is kept, a multiple of 2⁻¹⁶."""
        return 1.0 - self._limit / 2**16

    @property
    def _limit(self):
        return min(max(round(self.p * 2**16), int(self.p > 0)), 2**16 - 1)

    def draw(self, n, out=None):
        """Draw whether each of n units is kept, an array of bool: from 16 random bits each, on a CPU."""
        bits = torch.empty(-(-n // 4), dtype=torch.int64)
        bits.random_(-(2**63), None, generator=self.generator)
        return np.greater_equal(bits.numpy().view(np.uint16)[:n], self._limit, out=out)

    def extra_repr(self):
        return f"p={self.p}"


class SpatialDropout(Dropout):
    """Dropout of whole feature maps, whose neighbouring values tell the same (Tompson et al., 2015)."""

    def forward(self, x):
        if not self.training:
            return x
        mask = x.new_empty(*x.shape[:2], *[1] * (x.ndim - 2))
        return x * mask.bernoulli_(self.keep, generator=self.generator).div_(self.keep)
