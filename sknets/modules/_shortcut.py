"""A linear map past all layers of a network."""

import torch
import torch.nn.functional as F
from torch import nn

from sknets.modules._full_precision import in_full_precision


class LinearShortcut(nn.Module):
    """Raw outputs that are linear in all timesteps of a sequence, and what the layers add to them.

    The linear map is found before training, as the scaling of the inputs is, and is not trained: the
    layers learn what it leaves, in units of the spread that this has.

    Parameters
    ----------
    n_timesteps : int
        Timesteps of each sequence.
    n_inputs : int
        Values of a timestep.
    n_outputs : int
        Raw outputs.

    Attributes
    ----------
    weight : torch.Tensor of shape (n_outputs, n_timesteps * n_inputs)
        Weights, those of the first timestep first; zero before `set_to`.
    bias : torch.Tensor of shape (n_outputs,)
        Intercepts.
    spread : torch.Tensor of shape (n_outputs,)
        Unit of what the layers add.
    """

    def __init__(self, n_timesteps, n_inputs, n_outputs):
        super().__init__()
        self.register_buffer("weight", torch.zeros(n_outputs, n_timesteps * n_inputs))
        self.register_buffer("bias", torch.zeros(n_outputs))
        self.register_buffer("spread", torch.ones(n_outputs))

    @torch.no_grad()
    def set_to(self, weight, bias, spread=None):
        """Set weights and intercepts, and the unit of the layers if there is a new one."""
        self.weight.copy_(torch.as_tensor(weight))
        self.bias.copy_(torch.as_tensor(bias))
        if spread is not None:
            self.spread.copy_(torch.as_tensor(spread))

    def forward(self, x, raw):
        """Return raw outputs of sequences (n, n_timesteps, n_inputs) and what the layers make of them."""
        with in_full_precision(x):  # what it leaves may be smaller than what bfloat16 rounds off
            return F.linear(x.flatten(1), self.weight, self.bias) + self.spread * raw
