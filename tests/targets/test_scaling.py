"""Centre and spread of y, against NumPy and SciPy."""

import numpy as np
import pytest
from scipy.stats import median_abs_deviation, norm

from sknets.targets._scaling import SCALINGS, by_median, weighted_quantiles

RNG = np.random.default_rng(0)
Y = RNG.normal([3.0, -50.0], [1.0, 20.0], (400, 2))
LEVELS = (0.15, 0.5, 0.85)


def test_quantiles_are_those_of_numpy():
    ours = weighted_quantiles(Y[:, 0], np.ones(400), LEVELS)
    theirs = np.quantile(Y[:, 0], LEVELS, method="averaged_inverted_cdf")
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", SCALINGS)
def test_weights_are_repetition_and_removal(name):
    y, weight = np.abs(Y[:41]), RNG.integers(0, 4, 41)
    kept = weight > 0
    ours = SCALINGS[name](y[kept], weight[kept].astype(float))
    repeated = SCALINGS[name](np.repeat(y, weight, axis=0), None)
    scaled = SCALINGS[name](y[kept], 0.1 * weight[kept])
    for part, other, third in zip(ours, repeated, scaled, strict=True):
        np.testing.assert_allclose(part, other, rtol=1e-12)
        np.testing.assert_allclose(part, third, rtol=1e-12)


def test_spread_is_a_standard_deviation_of_normal_numbers():
    y = norm(5.0, 3.0).ppf((np.arange(20_000) + 0.5) / 20_000)[:, None]
    shift, scale, constant = by_median(y, None)
    assert shift == pytest.approx(5.0)
    assert scale == pytest.approx(3.0, rel=1e-3)
    assert np.isnan(constant)


def test_spread_is_at_least_the_median_distance():
    y = np.r_[np.full(8, -1.0), np.full(8, 1.0)]
    _, scale, _ = by_median(y[:, None], None)
    assert scale == pytest.approx(median_abs_deviation(y, scale="normal"))


@pytest.mark.parametrize("outlier", [1e5, -1e300, 1.7e308])
@pytest.mark.parametrize("share", [1 / 400, 0.1])
def test_outliers_hardly_move_centre_and_spread(outlier, share):
    y = Y.copy()
    y[: round(400 * share)] = outlier
    for column, clean in ((0, 1.0), (1, 20.0)):
        shift, scale, _ = by_median(y[:, [column]], None)
        assert shift == pytest.approx(np.median(Y[:, column]), abs=0.3 * clean)
        assert scale == pytest.approx(clean, rel=0.35 if share < 0.1 else 1.0)


@pytest.mark.parametrize("noise", [0.0, 1e-15])
@pytest.mark.parametrize("share", [0.51, 0.74, 0.76, 0.9, 0.997])
@pytest.mark.parametrize("value", [0.0, 7.0])
def test_spread_is_that_of_the_others_where_most_rows_are_equal(value, share, noise):
    y = value + RNG.uniform(1, 3, 400)
    n_equal = round(400 * share)
    y[:n_equal] = value * (1 + noise * RNG.uniform(-1, 1, n_equal))
    shift, scale, constant = by_median(y[:, None], None)
    assert shift == pytest.approx(value, rel=1e-14)
    assert 0.99 * min(0.5, np.sqrt(np.mean((y - value) ** 2))) < scale < 5
    assert np.isnan(constant)


@pytest.mark.parametrize("n_spikes", [1, 2, 5])
def test_a_few_spikes_alone_do_not_decide_on_the_spread_of_zeros(n_spikes):
    y = np.zeros(442)
    y[:n_spikes] = 1e5
    _, scale, _ = by_median(y[:, None], None)
    assert scale == pytest.approx(1e5 * np.sqrt(n_spikes / 442))


@pytest.mark.parametrize("outlier", [5.0, 1e5, 1.7e308])
def test_zeros_beside_normal_numbers_have_a_spread_between_those_of_both(outlier):
    y = np.where(RNG.uniform(size=442) < 0.57, 0.0, RNG.normal(5, 1, 442))
    y[0] = outlier
    _, scale, _ = by_median(y[:, None], None)
    assert 2.5 < scale < 8


@pytest.mark.parametrize("unit", [1.0, 1e-200, 1e200])
def test_rounding_beside_zeros_is_no_spread(unit):
    y = np.r_[np.zeros(57), np.full(30, 5.5e-17), RNG.normal(5, 1, 13)] * unit
    _, scale, _ = by_median(y[:, None], None)
    assert scale / unit == pytest.approx(2, rel=0.3)


def test_quantiles_that_are_learned_lie_within_the_spread():
    y = np.where(np.arange(1000) < 60, 5.0, 1e-3 * np.abs(RNG.standard_normal(1000)))[:, None]
    scales = [by_median(y, None, levels).scale[0] for levels in ((), (0.5,), (0.95,), (0.05, 0.5))]
    assert scales[0] == scales[1] < 1e-2
    assert scales[2:] == pytest.approx([5 / (2 * norm.ppf(0.95))] * 2, rel=1e-3)
    y[0] = 1e9
    assert by_median(y, None, (0.999,)).scale < 5


@pytest.mark.parametrize("name", SCALINGS)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e-300, 1e300, 123456789.123])
def test_a_constant_is_kept_to_the_last_digit(name, value):
    scaling = SCALINGS[name](np.full((37, 1), value), RNG.uniform(0.1, 2.0, 37))
    assert scaling.constant == value
    assert scaling.is_constant.all()


@pytest.mark.parametrize("name", ["standardize", "median"])
def test_rounding_is_no_spread(name):
    y = 3.0 * (1 + 2e-16 * RNG.integers(-2, 3, 50))
    assert SCALINGS[name](y[:, None], None).is_constant.all()
    y[:5] += 1e-9
    assert not SCALINGS[name](y[:, None], None).is_constant.any()
