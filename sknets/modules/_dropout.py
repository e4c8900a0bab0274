"""Dropout that draws from the fit's own generator."""

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
        keep = 1.0 - self.p
        mask = torch.empty_like(x).bernoulli_(keep, generator=self.generator)
        return x * mask.div_(keep)

    def extra_repr(self):
        return f"p={self.p}"


class SpatialDropout(Dropout):
    """Dropout of whole feature maps, whose neighbouring values tell the same (Tompson et al., 2015)."""

    def forward(self, x):
        if not self.training:
            return x
        keep = 1.0 - self.p
        mask = x.new_empty(*x.shape[:2], *[1] * (x.ndim - 2))
        return x * mask.bernoulli_(keep, generator=self.generator).div_(keep)
