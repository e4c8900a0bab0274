"""Output activations: from raw outputs to what a user predicts.

They are the inverse links of the losses. Each is a module, so that a network and its output can be
exported together. They compute in float64 on the CPU, where units of y are no burden.
"""

import torch
import torch.nn.functional as F
from torch import nn


class IdentityOutput(nn.Module):
    """Standardised values back into the units of y: raw * scale + shift.

    Parameters
    ----------
    shift, scale : array-like of shape (n_outputs,)
        Location and spread of the target.
    """

    name = "identity"

    def __init__(self, shift, scale):
        super().__init__()
        self.register_buffer("shift", torch.as_tensor(shift, dtype=torch.float64))
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float64))

    def forward(self, raw):
        return raw.double() * self.scale + self.shift


class ExpOutput(nn.Module):
    """Positive means: exp(raw) * scale.

    Parameters
    ----------
    scale : array-like of shape (n_outputs,)
        Mean of the target.
    """

    name = "exp"

    def __init__(self, scale):
        super().__init__()
        self.register_buffer("scale", torch.as_tensor(scale, dtype=torch.float64))

    def forward(self, raw):
        return raw.double().exp() * self.scale


class LogisticOutput(nn.Module):
    """One probability per label: 1 / (1 + exp(-raw))."""

    name = "logistic"

    def forward(self, raw):
        return torch.sigmoid(raw.double())

    def log_probabilities(self, raw):
        """Return log p, accurate where p is close to zero."""
        return F.logsigmoid(raw.double())


class SoftmaxOutput(nn.Module):
    """One probability per class, summing to one."""

    name = "softmax"

    def forward(self, raw):
        return torch.softmax(raw.double(), dim=1)

    def log_probabilities(self, raw):
        """Return log p, accurate where p is close to zero."""
        return torch.log_softmax(raw.double(), dim=1)
