"""Dropout that draws from the fit's own generator."""

import copy
import math
from numbers import Real

import numpy as np
import torch
from torch import nn

from sknets.modules._parts import draw_rows


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
    part : tuple of int or None
        Which rows of a batch are at hand, as `draw_rows` takes it.
    given : torch.Tensor or None
        The next `mask`, where somebody else has drawn it.
    """

    part = given = None

    def __init__(self, p):
        super().__init__()
        self.p = p
        self.generator = None

    def forward(self, x):
        if not self.training:
            return x
        return x * (self.mask(x) if self.given is None else self.given)

    def mask(self, x):
        """Draw what units are multiplied with, a tensor like them."""
        if x.device.type == "cpu":
            kept = draw_rows(self._draw, x.shape, self.part)
            return kept.to(x.dtype).mul_(1.0 / self.keep)
        if self.part is None:  # which keeps the memory format
            mask = self.draw_kept(torch.empty_like(x))
        else:
            mask = draw_rows(self._draw_on(x), x.shape, self.part)
        return mask.div_(self.keep)

    def draw_kept(self, places):
        """Fill a tensor as Torch draws: one where a unit is kept, zero where it is not; return it."""
        return places.bernoulli_(self.keep, generator=self.generator)

    @property
    def keep(self):
        """The probability with which a unit is kept, a multiple of 2⁻¹⁶."""
        return 1.0 - self.limit / 2**16

    @property
    def limit(self):
        """The number of 16 random bits from which on a unit is kept."""
        return min(max(round(self.p * 2**16), int(self.p > 0)), 2**16 - 1)

    @staticmethod
    def n_words(n):
        """Return in how many words of 64 bits there are 16 for each of n units."""
        return -(-n // 4)

    def fill(self, words):
        """Fill a tensor of int64 with random bits, on a CPU."""
        words.random_(-(2**63), None, generator=self.generator)

    def _draw(self, shape):
        n = math.prod(shape)
        words = torch.empty(self.n_words(n), dtype=torch.int64)
        self.fill(words)
        return torch.from_numpy(words.numpy().view(np.uint16)[:n] >= self.limit).view(shape)

    def _draw_on(self, x):
        return lambda shape: self.draw_kept(x.new_empty(shape))

    def extra_repr(self):
        return f"p={self.p}"


class SpatialDropout(Dropout):
    """Dropout of whole feature maps, whose neighbouring values tell the same (Tompson et al., 2015)."""

    def forward(self, x):
        if not self.training:
            return x
        shape = (*x.shape[:2], *[1] * (x.ndim - 2))
        return x * draw_rows(self._draw_on(x), shape, self.part).div_(self.keep)


#: Torch's layers that drop units by themselves in training, and do nothing else then.
_TORCHS = (nn.modules.dropout._DropoutNd, nn.RNNBase, nn.MultiheadAttention)


def has_dropout(module):
    """Whether a module has a layer that drops units in training."""
    return any(_rate(layer) > 0 for layer in module.modules())


def with_dropout(module, owner):
    """Return a copy of a module that drops units in prediction, too (Gal and Ghahramani, 2016).

    All else is as in prediction: normalisation, for one.

    Parameters
    ----------
    module : torch.nn.Module
        A network of ours or of a user.
    owner : object
        Whose it is, for the error.

    Raises
    ------
    ValueError
        If it has no layer that drops units.
    """
    module = copy.deepcopy(module).eval()
    dropping = [layer for layer in module.modules() if _rate(layer) > 0]
    if not dropping:
        raise ValueError(
            f"n_draws needs a network with dropout, of which {type(owner).__name__} has none: fit with "
            "dropout=0.2, say (a module of your own with layers such as nn.Dropout)."
        )
    for layer in dropping:
        layer.training = True
    for layer in module.modules():  # whose fused kernel would drop nothing
        if isinstance(layer, nn.TransformerEncoderLayer):
            layer.training = True
    return module


def _rate(layer):
    """Return the rate at which a layer itself drops units in training."""
    if isinstance(layer, Dropout | nn.modules.dropout._DropoutNd):
        return layer.p
    if isinstance(layer, _TORCHS):
        return layer.dropout
    rate = getattr(layer, "recurrent_dropout", 0.0)
    return rate if isinstance(rate, Real) else 0.0
