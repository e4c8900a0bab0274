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
        self.register_buffer("shift", torch.tensor(shift, dtype=torch.float64))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float64))

    def forward(self, raw):
        return raw.double() * self.scale + self.shift

    def fold(self, weight, bias):
        """Return the last layer's weights (n_inputs, n_outputs) and intercepts in units of y."""
        return (weight * self.scale).to(weight.dtype), (bias * self.scale + self.shift).to(
            bias.dtype
        )


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
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float64))

    def forward(self, raw):
        return raw.double().exp() * self.scale

    def fold(self, weight, bias):
        """Return the last layer's weights and intercepts, from which exp makes y."""
        return weight, (bias + self.scale.log()).to(bias.dtype)


class _ProbabilityOutput(nn.Module):
    """Base of the outputs whose raw outputs are logits."""

    def fold(self, weight, bias):
        """Return the last layer's weights and intercepts as they are."""
        return weight, bias


class LogisticOutput(_ProbabilityOutput):
    """One probability per label: 1 / (1 + exp(-raw))."""

    name = "logistic"

    def forward(self, raw):
        return torch.sigmoid(raw.double())

    def log_probabilities(self, raw):
        """Return log p, accurate where p is close to zero."""
        return F.logsigmoid(raw.double())


class SoftmaxOutput(_ProbabilityOutput):
    """One probability per class, summing to one."""

    name = "softmax"

    def forward(self, raw):
        return torch.softmax(raw.double(), dim=1)

    def log_probabilities(self, raw):
        """Return log p, accurate where p is close to zero."""
        return torch.log_softmax(raw.double(), dim=1)


def make_number_output(name, shift, scale):
    """Make the output that a loss of numbers names; it undoes the scaling of y.

    Raises
    ------
    ValueError
        If there is none of this name, or none that undoes a shift.
    """
    if name == "identity":
        return IdentityOutput(shift, scale)
    if name == "exp" and not any(shift):
        return ExpOutput(scale)
    raise ValueError(f"No output {name!r} makes numbers of what was shifted by {shift}.")
