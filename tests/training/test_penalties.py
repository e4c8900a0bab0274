"""Penalties: gradients, values and the proximal step."""

import numpy as np
import pytest
from torch import nn

from sknets import training


@pytest.fixture
def flat():
    network = nn.Sequential(nn.Linear(3, 2), nn.PReLU(), nn.Linear(2, 1)).double()
    return training.FlatParameters(network)


def test_weights_are_penalised_and_the_rest_is_not(flat):
    value = training.Penalty(alpha=0.6).add_gradient(flat, weight_sum=3.0)
    weights = flat.weights.numpy()
    assert flat.n_weights == 8
    assert float(value) == pytest.approx(0.1 * (weights**2).sum())
    np.testing.assert_allclose(flat.grad[:8].numpy(), 0.2 * weights)
    assert not flat.grad[8:].any()


def test_l1_value_is_added(flat):
    value = training.Penalty(l1_alpha=0.6).add_gradient(flat, weight_sum=3.0)
    assert float(value) == pytest.approx(0.2 * np.abs(flat.weights.numpy()).sum())
    assert not flat.grad.any()


@pytest.mark.parametrize(("solver", "factor"), [("gd", 1.0), ("sgd", 10.0)])
def test_l1_step_is_soft_thresholding(flat, solver, factor):
    before = flat.values.numpy().copy()
    step = training.SOLVERS[solver](flat.theta, 0.1)
    for _ in range(500):
        step.update()  # without a gradient; the velocity's memory fills up
    training.Penalty(l1_alpha=0.6).after_step(flat, step, weight_sum=3.0)
    threshold = 0.1 * 0.2 * factor  # a steady gradient moves 1 / (1 - momentum) as far
    expected = np.sign(before) * np.maximum(np.abs(before) - threshold, 0)
    np.testing.assert_allclose(flat.weights.numpy(), expected[:8], atol=1e-15)
    np.testing.assert_array_equal(flat.values[8:].numpy(), before[8:])
