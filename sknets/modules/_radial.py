"""Radial basis units."""

import torch
from torch import nn


class RadialBasis(nn.Module):
    """Units that answer to the distance of x from a centre: h_j = exp(-exp(b_j) ‖x - c_j‖²).

    Centres and widths are learned. Centres start as draws from a standard normal distribution (the inputs
    should be standardised), widths so that ‖x - c_j‖² is of order one in the exponent.

    Parameters
    ----------
    in_features, out_features : int
        Number of inputs and units.
    generator : torch.Generator, default=None
        Source of the initial centres.
    """

    def __init__(self, in_features, out_features, generator=None):
        super().__init__()
        centres = torch.empty(out_features, in_features).normal_(generator=generator)
        self.weight = nn.Parameter(centres)
        self.bias = nn.Parameter(torch.full((out_features,), 2.0 * in_features).log_().neg_())

    def forward(self, x):
        if x.is_sparse:
            x = x.to_dense()  # distances are dense
        # ‖x - c‖² = ‖x‖² - 2 x·c + ‖c‖², without an array of all differences
        norms = x.square().sum(dim=1, keepdim=True) + self.weight.square().sum(dim=1)
        distances = (norms - 2.0 * (x @ self.weight.T)).clamp(min=0.0)
        return torch.exp(-self.bias.exp() * distances)
