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
        assert scale == pytest.approx(clean, rel=0.35)


@pytest.mark.parametrize("noise", [0.0, 1e-15])
@pytest.mark.parametrize("share", [0.51, 0.74, 0.76, 0.9, 0.997])
@pytest.mark.parametrize("value", [0.0, 7.0])
def test_spread_is_that_of_the_others_where_most_rows_are_equal(value, share, noise):
    y = value + RNG.uniform(1, 3, 400)
    n_equal = round(400 * share)
    y[:n_equal] = value * (1 + noise * RNG.uniform(-1, 1, n_equal))
    shift, scale, constant = by_median(y[:, None], None)
    assert shift == pytest.approx(value, rel=1e-14)
    assert 0.5 < scale < 5
    assert np.isnan(constant)


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
