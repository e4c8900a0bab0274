"""Weights and temperatures: against the best that can be found otherwise."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import log_loss

from sknets.tables._ensemble import at_temperature, choose_temperature, choose_weights

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


@pytest.mark.parametrize("true", [0.7, 1.0, 1.8])
def test_temperature_is_the_one_of_the_lowest_loss(true):
    logits = 2.0 * RNG.normal(size=(20_000, 3))
    y = np.array([RNG.choice(3, p=p) for p in softmax(logits, axis=1)])
    shares = softmax(logits * true, axis=1)

    def loss(shares):
        return log_loss(y, shares)

    best = minimize_scalar(
        lambda t: loss(at_temperature(shares, t)), bounds=(0.3, 4.0), method="bounded"
    ).x
    assert choose_temperature(shares, loss) == pytest.approx(best, rel=0.04)
    assert best == pytest.approx(true, rel=0.1)


def test_temperature_of_few_rows_is_near_one():
    shares = np.array([[0.9, 0.1], [0.9, 0.1]])
    assert 0.9 < choose_temperature(shares, lambda s: log_loss([1, 0], s)) < 1.1


def test_temperature_one_changes_nothing():
    shares = softmax(RNG.normal(size=(5, 3)), axis=1)
    np.testing.assert_allclose(at_temperature(shares, 1.0), shares, atol=1e-12)
    np.testing.assert_allclose(at_temperature(shares, 0.5), shares**2 / (shares**2).sum(1)[:, None])
