"""Weights and temperatures: against the best that can be found otherwise."""

import numpy as np
import pytest

from sknets.tables._ensemble import choose_weights

RNG = np.random.default_rng(0)


def squared(y):
    return lambda prediction: float(np.mean((prediction - y) ** 2))


def test_errors_that_cancel_are_averaged():
    y, noise = RNG.normal(size=100_000), RNG.normal(size=100_000)
    predictions = np.stack([y + noise, y - noise / 3, y + 5])
    weights = choose_weights(predictions, squared(y))
    # the mean of the first two without error has weights 1/4 and 3/4
    np.testing.assert_allclose(weights, [0.25, 0.75, 0.0], atol=0.02)


def test_weights_are_drawn_to_equal_ones_where_rows_are_few():
    y = RNG.normal(size=20)
    predictions = y + 0.1 * RNG.normal(size=(4, 20))
    predictions[3] += 10.0  # has fallen behind
    few = choose_weights(predictions, squared(y))
    assert few[3] == 0.0
    assert few[:3].min() > 0.0
    assert few.sum() == pytest.approx(1.0)
