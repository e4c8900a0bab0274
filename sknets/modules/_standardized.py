"""Rows in the scale in which they are learned."""

import numpy as np
import torch
from torch import nn


class Standardized(nn.Module):
    """Columns less their means, all of them divided by one number. Nothing is trained.

    Parameters
    ----------
    n_columns : int
        Number of columns.
    generator : torch.Generator, default=None
        Not used: nothing is drawn.
    """

    def __init__(self, n_columns, generator=None):
        super().__init__()
        self.n_units = self.n_values = n_columns
        self.register_buffer("shift", torch.zeros(n_columns))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, x):
        return (x - self.shift) / self.scale

    def encode(self, x, out=None):
        """Return what `forward` makes of an array of shape (n, n_columns), without gradients."""
        out = np.subtract(x, self.shift.numpy(), out=out)
        out /= self.scale.numpy()
        return out

    @property
    def version(self):
        """What changes with the means and the scale."""
        return self.shift._version, self.scale._version

    @torch.no_grad()
    def set_to(self, shift, scale):
        """Take over the means of the columns, and what they are divided by."""
        self.shift.copy_(torch.as_tensor(shift))
        self.scale.fill_(float(scale))
