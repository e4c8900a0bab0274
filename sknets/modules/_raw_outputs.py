"""The place of a user's own module."""

import torch
from torch import nn


class RawOutputs(nn.Module):
    """A user's module, with its outputs brought into shape and checked.

    Parameters
    ----------
    module : torch.nn.Module
        From (n_rows, n_inputs) to (n_rows, n_outputs), or (n_rows,) for one output.
    n_outputs : int
        Number of outputs that are needed.
    """

    def __init__(self, module, n_outputs):
        super().__init__()
        self.module = module
        self.n_outputs = n_outputs

    def forward(self, x):
        # a copy: x may share memory with the user's X, and a first layer may work in place
        raw = self.module(x.to_dense() if x.is_sparse else x.clone())
        if not torch.is_tensor(raw):
            raise ValueError(
                f"module must return a tensor of raw outputs, {type(self.module).__name__} returned "
                f"{type(raw).__name__}."
            )
        if raw.ndim == 1:
            raw = raw[:, None]
        expected = (len(x), self.n_outputs)
        if raw.shape != expected:
            raise ValueError(
                f"module must return raw outputs of shape {expected} for {len(x)} rows, "
                f"{type(self.module).__name__} returned {tuple(raw.shape)}."
            )
        return raw
