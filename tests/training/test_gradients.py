"""Gradients of a batch against NumPy and plain Torch."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sknets import MLPRegressor, training
from sknets.training._gradients import (
    AugmentedAutograd,
    PlainAutograd,
    TeacherForcedAutograd,
)
from sknets.training._losses import mixed_loss
from tests.training.nets import WEIGHT, X, Y, make_learner, make_linear

N = 20
BATCH = tuple(torch.from_numpy(a[:N]) for a in (X, Y, WEIGHT))


class TellsTargets(nn.Module):
    """Adds the targets that it is told, and their place, to what a line says."""

    takes_targets = True

    def __init__(self):
        super().__init__()
        self.line = make_linear()

    def forward(self, x, y=None):
        raw = self.line(x)
        return raw if y is None else raw + 0.5 * y


class Mixes(nn.Module):
    """Mixes each row with the one before it."""

    partner = torch.arange(N).roll(1)
    share = 0.7

    def __init__(self):
        super().__init__()
        self.line = make_linear()

    def augmented(self, x, augment):
        mixed = self.share * x + (1 - self.share) * x[self.partner]
        return augment(mixed), (self.partner, self.share)

    def from_images(self, images):
        return self.line(images)


class Doubles:
    generator = None

    def __call__(self, x):
        return 2 * x


def filled(module, augment=None, **penalty):
    learner = make_learner(module, penalty=training.Penalty(**penalty))
    learner.begin(mean_weight=3.0)
    learner.flat.grad.fill_(7.0)  # whatever was there before
    gradient = training.make_gradient(learner, training.HalfSquaredError(), augment)
    loss, raw = gradient.fill(BATCH)
    return gradient, float(loss), raw.detach().numpy(), learner.flat.grad.numpy()


def line(module):
    return module.weight.detach().numpy()[0].copy(), module.bias.detach().numpy().copy()


def test_plain_gradient_is_that_of_weighted_ridge():
    module = make_linear()
    w, b = line(module)
    gradient, loss, raw, grad = filled(module, alpha=5.0)
    assert isinstance(gradient, PlainAutograd)
    x, y, v = X[:N], Y[:N, 0], WEIGHT[:N]
    residual = x @ w + b - y
    strength = 5.0 / (N * 3.0)
    assert loss == pytest.approx(np.sum(v * residual**2) / (2 * N) + strength / 2 * w @ w)
    np.testing.assert_allclose(raw[:, 0], x @ w + b)
    np.testing.assert_allclose(grad[:3], x.T @ (v * residual) / N + strength * w, rtol=1e-12)
    np.testing.assert_allclose(grad[3], np.sum(v * residual) / N, rtol=1e-12)


def test_loss_counts_the_l1_penalty_and_the_gradient_does_not():
    w, _ = line(make_linear())
    _, free, _, free_grad = filled(make_linear())
    _, loss, _, grad = filled(make_linear(), l1_alpha=6.0)
    assert loss - free == pytest.approx(6.0 / (N * 3.0) * np.abs(w).sum())
    np.testing.assert_array_equal(grad, free_grad)


def test_frozen_parts_have_no_gradient():
    module = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)).double()
    module[0].requires_grad_(False)
    _, _, _, grad = filled(module, alpha=5.0)
    frozen = training.FlatParameters(module).frozen()
    assert sum(s.stop - s.start for s in frozen) == 8
    assert all((grad[s] == 0).all() for s in frozen)
    assert np.count_nonzero(grad) == 3


def test_targets_are_told_to_a_module_that_takes_them():
    module = TellsTargets()
    w, b = line(module.line)
    gradient, _, raw, grad = filled(module)
    assert isinstance(gradient, TeacherForcedAutograd)
    x, y, v = X[:N], Y[:N, 0], WEIGHT[:N]
    np.testing.assert_allclose(raw[:, 0], x @ w + b + 0.5 * y)
    np.testing.assert_allclose(grad[:3], x.T @ (v * (x @ w + b - 0.5 * y)) / N, rtol=1e-12)


def test_mixed_rows_have_the_losses_of_both():
    module, augment = Mixes(), Doubles()
    w, b = line(module.line)
    gradient, loss, raw, grad = filled(module, augment)
    assert isinstance(gradient, AugmentedAutograd)
    assert augment.generator is gradient.learner.device_generator
    x, y, v = X[:N], Y[:N, 0], WEIGHT[:N]
    mixed = 2 * (0.7 * x + 0.3 * np.roll(x, 1, axis=0))
    residuals = mixed @ w + b - y, mixed @ w + b - np.roll(y, 1)
    weights = 0.7 * v, 0.3 * np.roll(v, 1)
    pulls = [v * r for v, r in zip(weights, residuals, strict=True)]
    np.testing.assert_allclose(raw[:, 0], mixed @ w + b)
    assert loss == pytest.approx(
        sum(p @ r for p, r in zip(pulls, residuals, strict=True)) / (2 * N)
    )
    np.testing.assert_allclose(grad[:3], mixed.T @ sum(pulls) / N, rtol=1e-12)


def test_unmixed_rows_have_the_plain_loss():
    loss = training.HalfSquaredError()
    raw, (_, y, weight) = torch.zeros(N, 1, dtype=torch.float64), BATCH
    plain = loss(raw, y, weight, N)
    assert torch.equal(mixed_loss(loss, raw, y, weight, None), plain)


@pytest.mark.parametrize("warm_start", [False, True])
def test_weights_that_lie_transposed_are_read_as_they_are(warm_start):
    network = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0, dtype="float64")
    other = clone(network.set_params(warm_start=warm_start))
    go_on = "fit" if warm_start else "partial_fit"
    for each in (network, other):
        getattr(each, go_on)(X, Y[:, 0])
    weight = network.net_.module_[0].weight
    weight.data = weight.data.T.contiguous().T  # as coefs of scikit-learn lie
    for each in (network, other):
        getattr(each, go_on)(X, Y[:, 0])
    np.testing.assert_allclose(network.predict(X), other.predict(X), rtol=1e-10)
    np.testing.assert_allclose(network.coefs_[0], other.coefs_[0], rtol=1e-9)
