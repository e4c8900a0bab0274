"""The scale of columns, beside NumPy."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from sknets.inputs import Sequences, describe_columns
from tests.drawn import drawn

RNG = np.random.default_rng(0)


def check(columns, values, weight):
    """Compare with NumPy's weighted moments of a table of float64."""
    mean = np.average(values, axis=0, weights=weight)
    deviation = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))
    size = np.empty_like(mean)
    for j, column in enumerate(values.T):
        kept = column != 0
        size[j] = np.sqrt(np.average(column[kept] ** 2, weights=weight[kept])) if kept.any() else 0
    np.testing.assert_allclose(columns.mean, mean, rtol=1e-6, atol=1e-9 * size.max())
    np.testing.assert_allclose(columns.deviation, deviation, rtol=1e-6, atol=1e-7 * size.max())
    np.testing.assert_allclose(columns.size, size, rtol=1e-6)
    np.testing.assert_allclose(columns.width, np.ptp(values, axis=0), rtol=1e-6)


@pytest.mark.parametrize("layout", ["dense", "csr", "matrix"])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_moments_are_numpys(layout, is_weighted):
    values = RNG.normal(size=(50, 4)) * (RNG.random((50, 4)) < 0.6) * [1, 1e4, 1e-3, 0]
    weight = RNG.uniform(0.1, 2, 50)
    rows = {"dense": np.asarray, "csr": sp.csr_array, "matrix": sp.csr_matrix}[layout](values)
    columns = describe_columns(rows, weight if is_weighted else None)
    check(columns, values, weight if is_weighted else np.ones(50))


def test_a_weight_of_two_is_repetition():
    values, weight = RNG.normal(size=(30, 3)), RNG.integers(1, 4, 30)
    rows = np.repeat(values, weight, axis=0)
    for ours, theirs in zip(
        describe_columns(values, weight.astype(float)), describe_columns(rows), strict=True
    ):
        np.testing.assert_allclose(ours, theirs)


def test_sequences_are_described_by_feature():
    values, lengths = RNG.normal(size=(20, 2)) * [1, 50], np.array([5, 1, 14])
    weight = np.array([1.0, 3.0, 0.5])
    columns = describe_columns(Sequences(values, lengths), weight)
    check(columns, values, np.repeat(weight, lengths))
    assert columns.out_of_scale().tolist() == [1]


def test_what_the_network_scales_itself_is_in_scale():
    values = RNG.normal(size=(40, 2)) * 7 + 900
    assert describe_columns(values).out_of_scale().tolist() in ([0, 1], [1, 0])
    assert describe_columns(values, None, 900.0, 7.0).out_of_scale().tolist() == []


def test_whole_numbers_have_no_scale():
    assert describe_columns(RNG.integers(0, 10**6, (5, 3))) is None


def test_the_worst_comes_first():
    values = RNG.normal(size=(60, 4)) * [1e3, 1, 1e9, 1e-7]
    assert describe_columns(values).out_of_scale().tolist() == [2, 3, 0]


def test_many_rows_are_looked_at_in_part():
    values = RNG.normal(size=(300_000, 8)).astype(np.float32)
    columns = describe_columns(values)
    np.testing.assert_allclose(columns.deviation, 1, atol=0.1)


@drawn(150)
@given(
    seed=st.integers(0, 10**6),
    exponents=st.lists(st.integers(-320, 308), min_size=1, max_size=4),
    density=st.floats(0, 1),
    n=st.integers(1, 20),
    is_sparse=st.booleans(),
)
def test_any_magnitude_is_described_by_finite_numbers(seed, exponents, density, n, is_sparse):
    rng = np.random.default_rng(seed)
    scale = np.array([float(f"1e{exponent}") for exponent in exponents])
    values = rng.uniform(-1, 1, (n, len(exponents))) * scale
    values *= rng.random(values.shape) < density
    columns = describe_columns(sp.csr_array(values) if is_sparse else values)
    assert np.isfinite(columns.mean).all()
    assert np.isfinite(columns.size).all()
    found = set(columns.out_of_scale())
    for j, column in enumerate(values.T):
        largest = np.abs(column).max()
        assert columns.size[j] <= largest * (1 + 1e-9)
        if largest > 30 * np.sqrt(n):
            assert j in found
        if not largest:
            assert j not in found


def test_what_has_many_axes_is_one_column():
    values = RNG.normal(size=(10, 3, 4, 4)) + 5
    columns = describe_columns(values, np.arange(1.0, 11.0))
    check(columns, values.reshape(-1, 1), np.repeat(np.arange(1.0, 11.0), 48))


def test_columns_near_the_end_of_float64_cause_no_warning():
    X = np.random.default_rng(0).normal(size=(30, 2)) * [4e307, 1]
    found = describe_columns(X).out_of_scale()
    assert found.tolist() == [0]
