"""Embeddings of numbers: what stands between the columns of a table and the first dense layer."""

import math

import numpy as np
import torch
from torch import nn

#: Values that are encoded at once, which should stay in the cache.
_BLOCK_VALUES = 2**15

#: Waves of each column, as in the source.
N_WAVES = 16


class PiecewiseLinear(nn.Module):
    """Columns as bins that fill up: (x - b₀) / (b₁ - b₀), within [0, 1], for a bin from b₀ to b₁.

    A dense layer behind it is a piecewise linear function of each column, with knots at the edges
    (Gorishniy et al., 2022). Nothing is trained; edges are quantiles of the training rows (`learn`).

    Parameters
    ----------
    n_bins : sequence of int
        Bins of each column.
    generator : torch.Generator, default=None
        Not used: nothing is drawn.

    Attributes
    ----------
    column : torch.Tensor of shape (n_units,)
        The column of each bin.
    low, high : torch.Tensor of shape (n_units,)
        Its edges. A bin that is not needed never ends, and is always empty.
    """

    def __init__(self, n_bins, generator=None):
        super().__init__()
        column = torch.repeat_interleave(torch.arange(len(n_bins)), torch.tensor(n_bins))
        self.n_units = self.n_values = len(column)
        self.register_buffer("column", column)
        self.register_buffer("low", torch.zeros(self.n_units))
        self.register_buffer("high", torch.full((self.n_units,), torch.inf))

    def forward(self, x):
        return ((x[..., self.column] - self.low) / (self.high - self.low)).clamp(0.0, 1.0)

    def encode(self, x, out=None):
        """Return what `forward` makes of an array of shape (n, n_columns), without gradients."""
        column, low, high = (buffer.numpy() for buffer in (self.column, self.low, self.high))
        width = high - low
        out = np.empty((len(x), self.n_units), x.dtype) if out is None else out
        size = max(1, _BLOCK_VALUES // self.n_units)
        with np.errstate(over="ignore"):  # far outside
            for start in range(0, len(x), size):
                part = out[start : start + size]
                np.take(x[start : start + size], column, axis=1, out=part, mode="clip")
                part -= low
                part /= width
                np.clip(part, 0.0, 1.0, out=part)
        return out

    @property
    def version(self):
        """What changes with the edges."""
        return self.low._version, self.high._version

    @property
    def edges(self):
        """The edges of each column that has some, as a list of arrays; None for constant columns."""
        column, low, high = (buffer.cpu().numpy() for buffer in (self.column, self.low, self.high))
        found = []
        for c in range(int(column[-1]) + 1):
            is_used = (column == c) & np.isfinite(high)
            ends = np.append(low[is_used], high[is_used][-1:])
            found.append(ends if len(ends) else None)
        return found

    @torch.no_grad()
    def learn(self, x, weight=None):
        """Take the edges from rows.

        Parameters
        ----------
        x : ndarray of shape (n, n_columns)
            The rows.
        weight : ndarray of shape (n,), default=None
            Their weights, above zero; a weight of 2 is the row twice.
        """
        column = self.column.cpu().numpy()
        low = np.zeros(self.n_units, torch.zeros((), dtype=self.low.dtype).numpy().dtype)
        high = np.full_like(low, np.inf)
        for c, n_bins in enumerate(np.bincount(column)):
            edges = find_edges(x[:, c].astype(low.dtype), weight, n_bins)
            start = np.searchsorted(column, c)
            units = slice(start, start + len(edges) - 1)
            with np.errstate(over="ignore"):
                if np.isfinite(edges[-1] - edges[0]):
                    low[units], high[units] = edges[:-1], edges[1:]
        self.low.copy_(torch.from_numpy(low))
        self.high.copy_(torch.from_numpy(high))


def count_bins(values, most):
    """Return how many bins the values of a column fill, `most` at most, 1 at least."""
    n_distinct = len(np.unique(values[: 8 * most]))  # which nearly always settles it
    if n_distinct <= most and len(values) > 8 * most:
        n_distinct = len(np.unique(values))
    return min(max(n_distinct - 1, 1), most)


def find_edges(values, weight, n_bins):
    """Return the edges of up to `n_bins` bins that have as many rows each as values allow.

    These are quantiles that are values themselves (the inverse of the distribution function), by which
    a row of weight 2 is the row twice. Where there are so few values, each is an edge.
    """
    order = np.argsort(values)
    values = values[order]
    is_first = np.append(True, values[1:] > values[:-1])
    if np.count_nonzero(is_first) <= n_bins + 1:
        return values[is_first]
    reached = np.arange(1.0, len(values) + 1) if weight is None else np.cumsum(weight[order])
    wanted = np.arange(1, n_bins) / n_bins * reached[-1]
    inner = values[np.searchsorted(reached, wanted * (1 - 1e-12))]  # sums of weights are rounded
    return np.unique(np.concatenate([values[:1], inner, values[-1:]]))


class Periodic(nn.Module):
    """Columns beside sums of waves of some: x_c, and Σ_f cos(2π ν_cf x_c + φ_cf) w_cfs for several s.

    A column of two values needs none: any function of it is a straight line. Frequencies ν, phases φ and
    weights w of each column are its own and are trained. This is PBLD (Holzmüller et al., 2024) after
    Gorishniy et al. (2022), without intercepts, which the next layer has.

    Parameters
    ----------
    n_columns : int
        Number of columns.
    n_values : int
        Values that a column becomes, x_c among them.
    scale : float
        Standard deviation of the initial frequencies, in cycles per unit of X.
    generator : torch.Generator, default=None
        Source of the initial parameters.
    waved : sequence of int, default=None
        The columns that have waves; None is all of them.

    Attributes
    ----------
    column : torch.Tensor of shape (n_units,)
        The column of each output: first all columns, then the sums of the first one with waves, and so
        on.
    waved : tuple of int
        The columns that have waves.
    frequency, phase : torch.nn.Parameter of shape (n_waved * N_WAVES,)
        They have one axis, as everything that `alpha` does not pull to zero.
    weight : torch.nn.Parameter of shape (n_waved, N_WAVES, n_values - 1)
    """

    def __init__(self, n_columns, n_values, scale, generator=None, waved=None):
        super().__init__()
        self.n_columns, n_sums = n_columns, n_values - 1
        self.waved = tuple(range(n_columns) if waved is None else waved)
        n_waves = len(self.waved) * N_WAVES
        each = torch.tensor(self.waved)
        self.n_units = n_columns + len(self.waved) * n_sums
        self.n_values = self.n_units + n_waves
        columns = torch.cat([torch.arange(n_columns), each.repeat_interleave(n_sums)])
        self.register_buffer("column", columns)
        self.register_buffer("_waved", each, persistent=False)
        frequency = torch.empty(n_waves).normal_(0.0, scale, generator=generator)
        phase = torch.empty(n_waves).uniform_(-math.pi, math.pi, generator=generator)
        bound = 1.0 / math.sqrt(N_WAVES)
        weight = torch.empty(len(self.waved), N_WAVES, n_sums)
        self.frequency, self.phase = nn.Parameter(frequency), nn.Parameter(phase)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound, generator=generator))

    def forward(self, x):
        shape = self.weight.shape[:2]
        turns = (2.0 * math.pi * x[..., self._waved])[..., None] * self.frequency.view(shape)
        waves = torch.cos(turns + self.phase.view(shape))
        sums = torch.einsum("...cf,cfs->...cs", waves, self.weight)
        return torch.cat([x, sums.flatten(-2)], dim=-1)

    def count_products(self, output):
        """Return the multiply-adds of one row."""
        return self.frequency.numel() + self.weight.numel()


#: By name, as `DenseStack` makes them of a plan.
EMBEDDINGS = {"piecewise_linear": PiecewiseLinear, "periodic": Periodic}
