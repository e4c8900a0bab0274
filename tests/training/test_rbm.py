"""Restricted Boltzmann machines: the step of contrastive divergence, and the likelihood it raises."""

import itertools

import numpy as np
import pytest

from sknets.training import RBM


def log_likelihood(machine, v):
    """Return the mean log-likelihood of binary rows, with all states counted."""

    def free(states):  # log Σ_h exp(-E(v, h))
        active = states @ machine.weight.T + machine.bias
        return states @ machine.visible_bias + np.logaddexp(0, active).sum(axis=1)

    every = np.array(list(itertools.product([0.0, 1.0], repeat=v.shape[1])))
    return free(v).mean() - np.logaddexp.reduce(free(every))


def patterns(rng, n=200):
    """Return binary rows of two patterns with a few flips."""
    rows = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1.0]])[rng.integers(0, 2, n)]
    return np.abs(rows - (rng.random(rows.shape) < 0.05))


class Chosen:
    """A source of draws that are chosen."""

    def __init__(self, uniform, normal=0.0):
        self.uniform, self.normal = uniform, normal

    def random(self, shape):
        return np.full(shape, self.uniform)

    def standard_normal(self, shape):
        return np.full(shape, self.normal)


@pytest.mark.parametrize("visible", ["bernoulli", "gaussian"])
def test_step_is_that_of_the_equations(visible):
    rng = np.random.default_rng(0)
    machine = RBM(3, visible, Chosen(0.5, 0.3))
    machine.weight, machine.bias = rng.normal(size=(3, 4)), rng.normal(size=3)
    machine.visible_bias = rng.normal(size=4)
    rows, weight = rng.random((5, 4)), rng.uniform(0.5, 2.0, 5)
    expected = [np.zeros((3, 4)), np.zeros(3), np.zeros(4)]
    for v, w in zip(rows, weight, strict=True):
        sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
        h = sigmoid(machine.weight @ v + machine.bias)
        sample = (h > 0.5).astype(float)
        mean = machine.weight.T @ sample + machine.visible_bias
        again = sigmoid(mean) if visible == "bernoulli" else mean + 0.3
        h_again = sigmoid(machine.weight @ again + machine.bias)
        expected[0] += w / 5 * (np.outer(h, v) - np.outer(h_again, again))
        expected[1] += w / 5 * (h - h_again)
        expected[2] += w / 5 * (v - again)
    for found, known in zip(machine.ascent(rows, weight), expected, strict=True):
        np.testing.assert_allclose(found, known, atol=1e-12)


@pytest.mark.parametrize("visible", ["bernoulli", "gaussian"])
def test_weights_count_in_the_step_as_repetitions(visible):
    rng = np.random.default_rng(1)
    machine = RBM(3, visible, Chosen(0.5, 0.3))
    machine.weight, machine.bias = rng.normal(size=(3, 4)), rng.normal(size=3)
    machine.visible_bias = rng.normal(size=4)
    rows, repeats = rng.random((6, 4)), np.array([1, 2, 3, 1, 4, 1])
    weighted = machine.ascent(rows, repeats / repeats.mean())
    repeated = machine.ascent(np.repeat(rows, repeats, axis=0), np.ones(repeats.sum()))
    for found, known in zip(weighted, repeated, strict=True):
        np.testing.assert_allclose(found, known, atol=1e-12)


def test_learning_raises_the_likelihood_beyond_independent_columns():
    rng = np.random.default_rng(0)
    v = patterns(rng)
    shares = v.mean(axis=0)
    independent = (v * np.log(shares) + (1 - v) * np.log(1 - shares)).sum(axis=1).mean()
    machine = RBM(4, "bernoulli", rng).fit(v, 100)
    assert log_likelihood(machine, v) > independent + 0.8


def test_normal_units_find_two_clusters():
    rng = np.random.default_rng(0)
    centre = np.where(rng.random((300, 1)) < 0.5, 1.5, -1.5)
    v = centre * np.array([1.0, -1.0, 1.0]) + 0.5 * rng.normal(size=(300, 3))
    hidden = RBM(2, "gaussian", rng).fit(v / v.std(axis=0), 100).hidden(v / v.std(axis=0))
    apart = np.abs(hidden[centre[:, 0] > 0].mean(axis=0) - hidden[centre[:, 0] < 0].mean(axis=0))
    assert apart.max() > 0.8


def test_seed_decides():
    v = patterns(np.random.default_rng(0))
    first, again, other = (
        RBM(3, "bernoulli", np.random.default_rng(seed)).fit(v, 3).weight for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
