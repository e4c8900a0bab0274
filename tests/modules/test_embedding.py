"""Embeddings of numbers, against NumPy and scikit-learn."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.preprocessing import KBinsDiscretizer

from sknets import modules
from sknets.modules._embedding import find_edges

RNG = np.random.default_rng(0)
COLUMNS = {
    "normal": RNG.normal(size=200),
    "skewed": np.exp(3 * RNG.normal(size=200)),
    "mostly zero": np.where(RNG.random(200) < 0.7, 0.0, RNG.random(200)),
    "counts": RNG.poisson(2.0, 200).astype(float),
    "two values": RNG.integers(0, 2, 200).astype(float),
    "constant": np.full(200, 3.5),
    "far from zero": 1e6 + RNG.normal(size=200),
}
X = np.stack(list(COLUMNS.values()), axis=1)
N_BINS = [modules.count_bins(column, 8) for column in X.T]


def learned(n_bins=N_BINS, x=X, weight=None, dtype=torch.float64):
    layer = modules.PiecewiseLinear(n_bins).to(dtype)
    layer.learn(x, weight)
    return layer


def by_hand(x, edges, n_bins):
    """Encode a column bin by bin, as the paper has it, within [0, 1]."""
    encoded = np.zeros((len(x), n_bins))
    for t, (low, high) in enumerate(itertools.pairwise(edges)):
        for i, value in enumerate(x):
            if value >= high:
                encoded[i, t] = 1.0
            elif value > low:
                encoded[i, t] = (value - low) / (high - low)
    return encoded


def test_bins_fill_up_one_after_the_other():
    layer = learned()
    rows = np.vstack([X, X.min(axis=0) - 1.0, X.max(axis=0) + 1e9])
    expected = [
        by_hand(column, [] if edges is None else edges, n_bins)
        for column, edges, n_bins in zip(rows.T, layer.edges, N_BINS, strict=True)
    ]
    expected = np.concatenate(expected, axis=1)
    np.testing.assert_allclose(layer.encode(rows), expected, atol=1e-12)
    np.testing.assert_array_equal(layer(torch.from_numpy(rows)), layer.encode(rows))
    out = np.full_like(expected, np.nan)
    assert layer.encode(rows, out=out) is out
    np.testing.assert_array_equal(out, layer.encode(rows))


@pytest.mark.parametrize("name", COLUMNS)
def test_edges_are_quantiles(name):
    x = COLUMNS[name]
    edges = find_edges(x, None, 8)
    distinct = np.unique(x)
    if len(distinct) <= 9:
        np.testing.assert_array_equal(edges, distinct)
    else:
        quantiles = np.quantile(x, np.linspace(0, 1, 9), method="inverted_cdf")
        np.testing.assert_array_equal(edges, np.unique(quantiles))


@pytest.mark.filterwarnings("ignore:Bins whose width are too small")
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("name", ["normal", "skewed", "far from zero"])
def test_edges_are_nearly_those_of_scikit_learn(name, is_weighted):
    x, weight = COLUMNS[name], RNG.uniform(0.5, 2.0, 200) if is_weighted else None
    theirs = KBinsDiscretizer(8, strategy="quantile", quantile_method="averaged_inverted_cdf")
    theirs.fit(x[:, None], sample_weight=weight)
    ranks = [
        np.searchsorted(np.sort(x), e) for e in (theirs.bin_edges_[0], find_edges(x, weight, 8))
    ]
    assert np.abs(np.subtract(*ranks)).max() <= 1  # which takes the mean of two neighbours
    if is_weighted:
        assert not np.array_equal(find_edges(x, weight, 8), find_edges(x, None, 8))


@pytest.mark.parametrize("name", COLUMNS)
def test_a_weight_is_a_number_of_rows(name):
    x, weight = COLUMNS[name], RNG.integers(1, 4, 200)
    repeated = find_edges(np.repeat(x, weight), None, 8)
    for unit in (1, 0.1, 7 / 3):
        np.testing.assert_array_equal(find_edges(x, weight * unit, 8), repeated)


def test_bins_are_counted():
    distinct = [len(np.unique(column)) for column in X.T]
    assert [8, 8, 8, min(distinct[3] - 1, 8), 1, 1, 8] == N_BINS
    late = np.r_[np.zeros(100), np.arange(5.0)]
    assert modules.count_bins(late, 8) == 4


def test_further_rows_need_no_more_bins():
    fewer = learned(x=X[:20])  # of which some are not needed
    assert all(
        edges is None or len(edges) <= n + 1 for edges, n in zip(fewer.edges, N_BINS, strict=True)
    )
    assert np.isfinite(fewer.encode(X)).all()


def test_float32_makes_the_same_of_its_rows():
    x = X.astype(np.float32)
    single = learned(x=X, dtype=torch.float32)
    np.testing.assert_allclose(single.encode(x), learned(x=x).encode(x.astype(float)), atol=1e-6)


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1e300, 1.7e308])
def test_numbers_at_the_ends_of_the_range(scale):
    x = np.array([[-1.0], [0.0], [0.5], [1.0]]) * scale
    encoded = learned([2], x[[0, 1, 3]]).encode(x)
    assert np.isfinite(encoded).all()
    assert (np.diff(encoded, axis=0) >= 0).all()
    assert ((encoded >= 0) & (encoded <= 1)).all()


def test_gradients_are_one_over_the_width_of_the_bin():
    layer = learned([2], np.array([[0.0], [2.0], [3.0]]))
    x = torch.tensor([[0.5], [2.5], [-1.0], [4.0]], dtype=torch.float64, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad[:, 0].tolist() == [0.5, 1.0, 0.0, 0.0]


def test_periodic_is_the_equation():
    layer = modules.Periodic(3, 4, 0.7, torch.Generator().manual_seed(0)).double()
    x = RNG.normal(size=(5, 3))
    frequency, phase = (p.detach().numpy().reshape(3, 16) for p in (layer.frequency, layer.phase))
    weight, sums = layer.weight.detach().numpy(), np.zeros((5, 3, 3))
    for c in range(3):
        for f in range(16):
            wave = np.cos(2 * np.pi * frequency[c, f] * x[:, c] + phase[c, f])
            sums[:, c] += wave[:, None] * weight[c, f]
    expected = np.concatenate([x, sums.reshape(5, 9)], axis=1)
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach(), expected, atol=1e-12)
    assert layer.column.tolist() == [0, 1, 2, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    x = torch.from_numpy(x).requires_grad_()
    assert torch.autograd.gradcheck(layer, x)


def test_columns_without_waves_stay_as_they_are():
    layer = modules.Periodic(4, 3, 0.7, torch.Generator().manual_seed(0), waved=[1, 3]).double()
    x = torch.from_numpy(RNG.normal(size=(5, 4))).requires_grad_()
    alone = modules.Periodic(2, 3, 0.7, torch.Generator().manual_seed(0)).double()
    expected = torch.cat([x, alone(x[:, [1, 3]])[:, 2:]], dim=1)
    torch.testing.assert_close(layer(x), expected)
    assert layer.column.tolist() == [0, 1, 2, 3, 1, 1, 3, 3]
    assert layer.n_units == 8
    assert torch.autograd.gradcheck(layer, x)


@torch.no_grad()
def test_periodic_begins_as_in_the_source():
    layer = modules.Periodic(200, 4, 0.3, torch.Generator().manual_seed(0))
    assert layer.frequency.std() == pytest.approx(0.3, rel=0.05)
    assert layer.phase.std() == pytest.approx(np.pi / np.sqrt(3), rel=0.05)
    assert layer.phase.abs().max() <= np.pi
    assert layer.weight.abs().max() <= 0.25
    assert layer.weight.std() == pytest.approx(0.25 / np.sqrt(3), rel=0.05)
