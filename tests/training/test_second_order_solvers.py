"""Minimisers of second order against closed forms, SciPy and L-BFGS."""

import numpy as np
import pytest
import scipy.optimize
import torch
from torch import nn

from sknets import modules, training
from sknets.training._second_order_solvers import Around, GaussNewton, LevenbergMarquardt, Newton
from tests.training.nets import WEIGHT, X, make_linear, make_net

KINDS = [LevenbergMarquardt, GaussNewton, Newton]
RNG = np.random.default_rng(1)
TARGET = np.sin(X[:, :1]) * X[:, 1:2] + 0.1 * RNG.standard_normal((len(X), 1))


def make_rows(weight=None, y=TARGET):
    weight = None if weight is None else torch.from_numpy(weight)
    return training.Rows(torch.from_numpy(X), torch.from_numpy(y), weight)


def make_stack(activation="tanh", n_outputs=1):
    sizes, generator = [3, 4, n_outputs], torch.Generator().manual_seed(0)
    return modules.DenseStack(sizes, [activation], [0], None, "glorot_uniform", generator).double()


def fit(method, module=None, rows=None, *, alpha=1.0, tol=1e-10, max_epochs=500, **params):
    net = make_net(
        module=module or make_stack(),
        method=method,
        solver="lbfgs",
        max_epochs=max_epochs,
        stopping=training.Stopping(tol, np.inf, "train_loss"),
        penalty=training.Penalty(alpha=alpha),
        **params,
    )
    return net.fit(make_rows() if rows is None else rows)


def ridge(alpha, weight):
    """Solve the normal equations, intercept without penalty."""
    A = np.c_[X, np.ones(len(X))]
    pull = np.diag([alpha] * 3 + [0])
    return np.linalg.solve(A.T @ (weight[:, None] * A) + pull, A.T @ (weight * TARGET[:, 0]))


@pytest.mark.parametrize("alpha", [0.0, 4.0])
@pytest.mark.parametrize("weight", [np.ones(60), WEIGHT], ids=["equal", "weighted"])
def test_one_step_of_gauss_newton_is_ridge(alpha, weight):
    net = fit(GaussNewton(), make_linear(), make_rows(weight), alpha=alpha)
    assert net.stop_reason == "converged"
    assert len(net.history) == 1
    np.testing.assert_allclose(net.flat.values, ridge(alpha, weight), atol=1e-12)


@pytest.mark.parametrize("kind", [LevenbergMarquardt, Newton])
def test_damped_steps_lead_to_ridge(kind):
    net = fit(kind(), make_linear(), make_rows(WEIGHT), alpha=4.0)
    assert net.stop_reason == "converged"
    np.testing.assert_allclose(net.flat.values, ridge(4.0, WEIGHT), atol=1e-8)


def test_columns_that_are_nearly_the_same_are_no_obstacle_to_gauss_newton():
    x = np.c_[X[:, 0], X[:, 0] + 1e-4 * X[:, 1], X[:, 2]]
    rows = training.Rows(torch.from_numpy(x), torch.from_numpy(TARGET))
    net = fit(GaussNewton(), make_linear(), rows, alpha=0.0)
    A = np.c_[x, np.ones(len(x))]
    expected = np.linalg.lstsq(A, TARGET[:, 0])[0]
    assert net.stop_reason == "converged"
    # the matrix has the squares of singular values, which differ by 1e4
    np.testing.assert_allclose(A @ net.flat.values.numpy(), A @ expected, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_the_minimum_is_that_of_scipys_least_squares(kind, weight):
    alpha, n = 1.0, len(X)
    module = make_stack()
    flat = training.FlatParameters(module)
    start, root = flat.values.numpy().copy(), np.sqrt(np.ones(n) if weight is None else weight)

    def residuals(theta):
        flat.values.copy_(torch.from_numpy(theta))
        raw = module(torch.from_numpy(X)).detach().numpy()
        pull = np.sqrt(alpha) * theta[: flat.n_weights]
        return np.r_[(raw - TARGET)[:, 0] * root, pull] / np.sqrt(n)

    options = {"method": "lm", "xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-12}
    found = scipy.optimize.least_squares(residuals, start, **options)
    if kind is GaussNewton:  # whose long first steps lead to another minimum
        flat.values.copy_(torch.from_numpy(found.x + 0.05 * RNG.standard_normal(len(start))))
    else:
        flat.values.copy_(torch.from_numpy(start))
    net = fit(kind(), module, make_rows(weight), alpha=alpha)
    assert net.stop_reason == "converged"
    assert net.history[-1]["train_loss"] == pytest.approx(found.cost, rel=1e-9)
    np.testing.assert_allclose(net.flat.values, found.x, atol=1e-5)


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("activation", ["tanh", "silu", "rbf"])
@pytest.mark.parametrize("kind", [LevenbergMarquardt, Newton])
def test_lbfgs_has_nothing_to_add(kind, activation, n_outputs):
    """L-BFGS, begun where a minimiser ended, has nothing left to gain."""
    y = np.c_[TARGET, TARGET[:, 0] ** 2][:, :n_outputs]
    net = fit(kind(), make_stack(activation, n_outputs), make_rows(y=y), tol=1e-6)
    assert net.stop_reason == "converged"
    loss = net.history[-1]["train_loss"]
    further = fit(training.LBFGS(), net.module_, make_rows(y=y), tol=1e-7, max_epochs=50)
    assert further.history[-1]["train_loss"] == pytest.approx(loss, rel=1e-3)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "prelu"])
@pytest.mark.parametrize("kind", KINDS)
def test_bends_are_no_obstacle(kind, activation):
    net = fit(kind(), make_stack(activation), tol=1e-6)
    losses = net.history[:, "train_loss"]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("kind", KINDS)
def test_more_parameters_than_rows(kind):
    rows = training.Rows(torch.from_numpy(X[:7]), torch.from_numpy(TARGET[:7]))
    net = fit(kind(), rows=rows, alpha=0.0, tol=1e-7)
    assert net.flat.values.numel() > 7
    assert net.history[-1]["train_loss"] < 1e-6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("criterion", [training.LOSSES["poisson"](), training.HalfSquaredError()])
def test_losses_fall_and_each_iteration_is_an_epoch(kind, criterion):
    if kind.needs_squares and not isinstance(criterion, training.HalfSquaredError):
        pytest.skip("no least squares")
    rows = make_rows(y=np.abs(TARGET))
    net = fit(kind(), rows=rows, criterion=criterion)
    losses = net.history[:, "train_loss"]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == net.n_epochs > 2
    assert net.n_seen == 0


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_why_it_ended(kind):
    net = fit(kind(), max_epochs=2)
    assert net.stop_reason == "max_iter"
    assert len(net.history) == 2
    assert {"max_iter", "no_progress"} <= set(net.method.advice)


@pytest.mark.parametrize("kind", KINDS)
def test_start_at_the_minimum_is_one_epoch(kind):
    module = make_linear()
    module.load_state_dict(
        {"weight": torch.tensor([[1.0, -2.0, 0.0]]), "bias": torch.tensor([0.0])}
    )
    net = fit(kind(), module, make_rows(y=X[:, :1] - 2 * X[:, 1:2]), alpha=0.0)
    assert net.stop_reason == "converged"
    assert net.history[:, "train_loss"] == pytest.approx([0.0])


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_reaches_the_minimum_too(kind):
    rows = training.Rows(torch.from_numpy(X).float(), torch.from_numpy(TARGET).float())
    net = fit(kind(), make_stack().float(), rows, tol=1e-5)
    exact = fit(kind(), tol=1e-8)
    assert net.stop_reason == "converged"
    assert net.history[-1]["train_loss"] == pytest.approx(exact.history[-1]["train_loss"], rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_parameters_are_refused_with_their_number(kind):
    module = nn.Sequential(nn.Linear(3, kind.most_parameters), nn.Linear(kind.most_parameters, 1))
    module.double()
    n = sum(p.numel() for p in module.parameters())
    with pytest.raises(ValueError, match=rf"all {n:,} parameters.*up to {kind.most_parameters:,};"):
        fit(kind(), module)


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_parameters_do_not_count_and_stay(kind):
    module = nn.Sequential(nn.Linear(3, 800), nn.Tanh(), nn.Linear(800, 1)).double()
    module[0].requires_grad_(False)
    module[2].weight.requires_grad_(False)
    before = module[2].weight.clone()
    net = fit(kind(), module, alpha=0.0)
    assert net.stop_reason == "converged"
    residual = module(torch.from_numpy(X)).detach().numpy() - TARGET
    assert residual.mean() == pytest.approx(0.0, abs=1e-9)  # by the intercept alone
    assert torch.equal(module[2].weight, before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_module_that_draws_is_refused(kind):
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.Linear(4, 1)).double()
    with pytest.raises(ValueError, match="needs the same loss"):
        fit(kind(), module, draws_unseeded=True, max_epochs=3)


def test_without_damping_a_singular_model_has_the_shortest_step():
    J = np.random.default_rng(0).standard_normal((4, 6))
    model = Around(1.0, J.T @ np.ones(4), J.T @ J)
    expected = -np.linalg.pinv(J / model.scale) @ np.ones(4) / model.scale
    np.testing.assert_allclose(model.step(0.0), expected, atol=1e-10)
    assert Around(1.0, np.ones(2), np.diag([1.0, -1.0])).step(0.0) is None


def test_a_careful_step_leaves_out_what_has_little_curvature():
    model = Around(1.0, np.array([1.0, 1.0]), np.diag([2.0, 1e-7]))
    np.testing.assert_allclose(model.step(0.0), [-0.5, -1e7])
    np.testing.assert_allclose(model.careful_step(), [-0.5, 0.0])
