"""Temperature: the one that a search over the log-loss finds, and near one where rows are few."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import log_loss

from sknets.uncertainty import at_temperature, choose_temperature

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("true", [0.7, 1.0, 1.8])
def test_temperature_is_the_one_of_the_lowest_loss(true):
    logits = 2.0 * RNG.normal(size=(20_000, 3))
    y = np.array([RNG.choice(3, p=p) for p in softmax(logits, axis=1)])
    shares = softmax(logits * true, axis=1)

    def loss(temperature):
        return log_loss(y, at_temperature(shares, temperature))

    best = minimize_scalar(loss, bounds=(0.3, 4.0), method="bounded").x
    assert choose_temperature(loss, len(y)) == pytest.approx(best, rel=0.01)
    assert best == pytest.approx(true, rel=0.1)


def test_few_rows_are_not_believed_beyond_measure():
    shares = np.array([[0.9, 0.1], [0.9, 0.1]])
    for labels, low, high in (([1, 0], 1.0, 3.0), ([0, 0], 0.3, 1.0)):

        def loss(temperature, labels=labels):
            return log_loss(labels, at_temperature(shares, temperature), labels=[0, 1])

        assert low < choose_temperature(loss, 2) < high


def test_a_hundred_rows_are_believed():
    logits = 10.0 * np.random.default_rng(1).normal(size=(100, 3))
    y = np.array([RNG.choice(3, p=p) for p in softmax(logits / 10, axis=1)])

    def loss(temperature):
        return log_loss(y, softmax(logits / temperature, axis=1))

    best = minimize_scalar(loss, bounds=(1.0, 40.0), method="bounded").x
    assert choose_temperature(loss, 100) == pytest.approx(best, rel=0.15)


def test_temperature_one_changes_nothing():
    shares = softmax(RNG.normal(size=(5, 3)), axis=1)
    np.testing.assert_allclose(at_temperature(shares, 1.0), shares, atol=1e-12)
    np.testing.assert_allclose(at_temperature(shares, 0.5), shares**2 / (shares**2).sum(1)[:, None])
