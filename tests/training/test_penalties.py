"""Penalties: gradients, values and the proximal step."""

import numpy as np
import pytest
from torch import nn

from sknets import training
from tests.training.nets import make_learner


def make_step(solver="gd", rate=0.1, **penalty):
    """Return a learner with a penalty, and its step."""
    learner = make_learner(
        nn.Sequential(nn.Linear(3, 2), nn.PReLU(), nn.Linear(2, 1)).double(),
        solver=solver,
        schedule=training.Schedule("constant", rate, 5),
        penalty=training.Penalty(**penalty),
    )
    return learner, learner.as_step


def test_weights_are_penalised_and_the_rest_is_not():
    learner, step = make_step(alpha=0.6)
    value, flat = step.add_penalty(3.0), learner.flat
    weights = flat.weights.numpy()
    assert flat.n_weights == 8
    assert float(value) == pytest.approx(0.1 * (weights**2).sum())
    np.testing.assert_allclose(flat.grad[:8].numpy(), 0.2 * weights)
    assert not flat.grad[8:].any()


def test_l1_value_is_added():
    learner, step = make_step(l1_alpha=0.6)
    value, flat = step.add_penalty(3.0), learner.flat
    assert float(value) == pytest.approx(0.2 * np.abs(flat.weights.numpy()).sum())
    assert not flat.grad.any()


@pytest.mark.parametrize(("solver", "factor"), [("gd", 1.0), ("sgd", 10.0)])
def test_l1_step_is_soft_thresholding(solver, factor):
    learner, step = make_step(solver, l1_alpha=0.6)
    flat = learner.flat
    before = flat.values.numpy().copy()
    for _ in range(500):
        learner.solver.update()  # without a gradient; the velocity's memory fills up
    step.take(step.plan(1)[0], 3.0)
    threshold = 0.1 * 0.2 * factor  # a steady gradient moves 1 / (1 - momentum) as far
    expected = np.sign(before) * np.maximum(np.abs(before) - threshold, 0)
    np.testing.assert_allclose(flat.weights.numpy(), expected[:8], atol=1e-15)
    np.testing.assert_array_equal(flat.values[8:].numpy(), before[8:])
