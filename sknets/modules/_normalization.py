"""Normalisation of hidden units."""

from torch import nn

NORMALIZATIONS = ("batch", "layer")


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation that tells what to do about a batch of one row."""

    def forward(self, x):
        if self.training and len(x) < 2:
            raise ValueError(
                "normalization='batch' needs at least two rows in a batch, got one: "
                "use more rows, a larger batch_size, or normalization='layer'."
            )
        return super().forward(x)


def make_normalization(name, n_features):
    """Make the normalisation layer of a name."""
    return {"batch": BatchNorm, "layer": nn.LayerNorm}[name](n_features)
