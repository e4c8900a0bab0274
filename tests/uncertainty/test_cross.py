"""Cross-conformal prediction: the definitions, written as loops."""

import numpy as np
import pytest

from sknets.uncertainty import cross_intervals, cross_sets

RNG = np.random.default_rng(0)
FOLD = np.arange(40) % 4
SCORES = RNG.exponential(size=40)
LOW = RNG.normal(size=(4, 7))
HIGH = LOW + RNG.exponential(size=(4, 7))
UNITS = RNG.uniform(0.5, 2.0, (4, 7))


@pytest.mark.parametrize("coverage", [0.3, 0.8, 0.9, 0.97])
def test_intervals_are_those_of_the_papers(coverage):
    found = cross_intervals(LOW, HIGH, UNITS, SCORES, FOLD, coverage)
    rank = int(np.ceil(coverage * 41 - 1e-9))  # the ceil((1 - alpha)(n + 1))-th smallest
    for row in range(7):
        lows = sorted(
            (LOW[FOLD[i], row] - SCORES[i] * UNITS[FOLD[i], row] for i in range(40)), reverse=True
        )
        highs = sorted(HIGH[FOLD[i], row] + SCORES[i] * UNITS[FOLD[i], row] for i in range(40))
        np.testing.assert_allclose(found[row], [lows[rank - 1], highs[rank - 1]], rtol=1e-12)


def test_blocks_make_no_difference(monkeypatch):
    expected = cross_intervals(LOW, HIGH, UNITS, SCORES, FOLD, 0.9)
    monkeypatch.setattr("sknets.uncertainty._cross._MOST_VALUES", 90)  # two rows each
    np.testing.assert_array_equal(cross_intervals(LOW, HIGH, UNITS, SCORES, FOLD, 0.9), expected)


def test_weights_are_repetition():
    weight = RNG.integers(1, 4, 40).astype(float)
    repeated = np.repeat(np.arange(40), weight.astype(int))
    # the coverage that asks for as many rows of the repeated ones as of the weighted ones
    coverage = 0.8
    same = coverage * 41 * weight.mean() / (weight.sum() + 1)
    weighted = cross_intervals(LOW, HIGH, UNITS, SCORES, FOLD, coverage, weight)
    expected = cross_intervals(LOW, HIGH, UNITS, SCORES[repeated], FOLD[repeated], same)
    np.testing.assert_allclose(weighted, expected)


def test_ends_that_are_drawn_in_meet():
    high = LOW + 10.0
    found = cross_intervals(LOW, high, np.ones_like(LOW), np.full(40, -9.0), FOLD, 0.9)
    assert (found[:, 0] <= found[:, 1]).all()


@pytest.mark.parametrize("coverage", [0.3, 0.8, 0.9])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_sets_count_the_rows_that_were_less_likely(coverage, is_weighted):
    unlikely = RNG.uniform(0, 1.5, (4, 7, 3))
    weight = RNG.integers(1, 4, 40).astype(float) if is_weighted else None
    found = cross_sets(unlikely, SCORES, FOLD, coverage, weight)
    weight = np.ones(40) if weight is None else weight / weight.mean()
    for row in range(7):
        for label in range(3):
            likelier = sum(
                weight[i] for i in range(40) if SCORES[i] < unlikely[FOLD[i], row, label]
            )
            assert found[row, label] == (likelier < coverage * 41 - 1e-9)
