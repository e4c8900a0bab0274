"""Quantiles of scores: ranks counted by hand, weights as repetition."""

import numpy as np
import pytest

from sknets.uncertainty import check_coverage, check_enough, outer_levels, quantile_of


@pytest.mark.parametrize("coverage", [0, 1, 0.0, 1.0, -0.1, 1.1, "0.9", None, True, np.nan])
def test_what_is_no_probability_is_refused(coverage):
    with pytest.raises(ValueError, match="coverage must be between 0 and 1, got"):
        check_coverage(coverage)


def test_least_number_of_rows():
    check_enough(0.9, 9, None, "hold out more")
    with pytest.raises(ValueError, match="needs at least 9 rows .* there are 8: .* hold out more"):
        check_enough(0.9, 8, None, "hold out more")
    with pytest.raises(ValueError, match="there is 1"):
        check_enough(0.6, 1, None, "hold out more")
    check_enough(0.5, 1, None, "hold out more")


def test_weights_repeat_scores():
    rng = np.random.default_rng(0)
    scores, weight = rng.normal(size=500), rng.integers(1, 4, 500)
    repeated = np.repeat(scores, weight)
    for coverage in (0.5, 0.8, 0.95):
        # of 500 rows, so many are left where weights are unequal, and one is to come
        known = weight.sum() ** 2 / (weight**2).sum()
        same = coverage * (1 + 1 / known) * weight.sum() / (weight.sum() + 1)
        assert quantile_of(scores, coverage, weight) == quantile_of(repeated, same)


def test_a_further_score_is_below_with_the_probability():
    rng = np.random.default_rng(0)
    below = [
        scores[-1] <= quantile_of(scores[:-1], 0.8) for scores in rng.normal(size=(20_000, 15))
    ]
    assert np.mean(below) == pytest.approx(12 / 15, abs=0.01)  # ranks 1 to 12 of 15


def test_a_row_that_outweighs_all_others_tells_what_one_row_does():
    weight = np.r_[1000.0, np.ones(59)]
    with pytest.raises(ValueError, match=r"there are 60, by their weights worth 1\.12: lower"):
        check_enough(0.9, 60, weight, "hold out more")
    check_enough(0.9, 60, np.full(60, 7.0), "hold out more")


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_weights_have_no_unit(unit):
    rng = np.random.default_rng(0)
    scores, weight = rng.normal(size=50), rng.uniform(1.0, 2.0, 50)
    assert quantile_of(scores, 0.8, unit * weight) == quantile_of(scores, 0.8, weight)
    with pytest.raises(ValueError, match="needs at least 99 rows"):
        check_enough(0.99, 50, unit * weight, "hold out more")


@pytest.mark.parametrize("spread", [0.5, 1.0])
def test_coverage_with_unequal_weights(spread):
    rng = np.random.default_rng(0)
    below = [
        rng.uniform()
        <= quantile_of(rng.uniform(size=100), 0.9, np.exp(spread * rng.normal(size=100)))
        for _ in range(4000)
    ]
    assert np.mean(below) == pytest.approx(0.9, abs=0.015)


def test_levels_around_a_coverage():
    assert outer_levels((0.05, 0.5, 0.95), 0.9) == (0, 2)
    assert outer_levels((0.01, 0.1, 0.4, 0.9, 0.99), 0.8) == (1, 3)
    assert outer_levels((0.5,), 0.8) == (0, 0)
