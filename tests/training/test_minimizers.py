"""Minimisers of all rows against closed forms and SciPy itself."""

import numpy as np
import pytest
import scipy.optimize
import skorch
import torch
from torch import nn

from sknets import training
from sknets.training import Minimizer
from sknets.training._minimizers import Minimum, Resting
from tests.training.nets import WEIGHT, X, Y, make_linear, make_net, make_rows

TARGET = Y + np.random.default_rng(1).standard_normal(Y.shape)


def rows(weight=None):
    weight = None if weight is None else torch.from_numpy(weight)
    return training.Rows(torch.from_numpy(X), torch.from_numpy(TARGET), weight)


def make_minimizing_net(method=None, *, tol=1e-10, monitor="train_loss", patience=np.inf, **params):
    return make_net(
        method=method or training.LBFGS(),
        **{
            "module": make_linear(),
            "solver": "lbfgs",
            "stopping": training.Stopping(tol, patience, monitor),
            "max_epochs": 200,
        }
        | params,
    )


def ridge(alpha, weight):
    """Solve the normal equations, intercept without penalty."""
    A = np.c_[X, np.ones(len(X))]
    pull = np.diag([alpha] * 3 + [0])
    return np.linalg.solve(A.T @ (weight[:, None] * A) + pull, A.T @ (weight * TARGET[:, 0]))


class Newton(Minimizer):
    """One step to the minimum of a quadratic, from its gradient at a few points."""

    name = "newton"
    advice = {}

    def minimize(self, objective, *, max_iter, tol):
        start = objective.start
        _, g = objective(start)
        columns = [objective(start + e)[1] - g for e in np.eye(len(start))]
        point = start - np.linalg.solve(np.array(columns).T, g)
        loss, _ = objective(point)
        objective.accept(point, loss)
        return Minimum(loss, 1, "converged")


@pytest.mark.parametrize("method", [training.LBFGS(), Newton()], ids=["lbfgs", "newton"])
@pytest.mark.parametrize("weight", [np.ones(60), WEIGHT], ids=["equal", "weighted"])
def test_minimum_is_that_of_ridge(method, weight):
    # a smaller gradient would be a matter of rounding, and so of the processor
    net = make_minimizing_net(method, penalty=training.Penalty(alpha=4.0), tol=1e-8).fit(
        rows(weight)
    )
    assert net.stop_reason == "converged"
    np.testing.assert_allclose(net.flat.values, ridge(4.0, weight), atol=1e-6)


def test_path_is_scipys_own():
    losses = []

    def objective(theta):
        residual = X @ theta[:3] + theta[3] - TARGET[:, 0]
        return 0.5 * np.mean(residual**2), np.c_[X, np.ones(60)].T @ residual / 60

    module = make_linear()
    start = np.r_[module.weight.detach().numpy()[0], module.bias.detach().numpy()]
    result = scipy.optimize.minimize(
        objective,
        start,
        method="L-BFGS-B",
        jac=True,
        callback=lambda intermediate_result: losses.append(intermediate_result.fun),
        options={"gtol": 1e-4, "ftol": 2.2e-9, "maxiter": 200},
    )
    net = make_minimizing_net(module=module, tol=1e-4).fit(rows())
    np.testing.assert_allclose(net.history[:, "train_loss"], losses, rtol=1e-9)
    np.testing.assert_allclose(net.flat.values, result.x, rtol=1e-6)


def test_losses_fall_and_each_iteration_is_an_epoch():
    net = make_minimizing_net().fit(rows())
    losses = net.history[:, "train_loss"]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == net.n_epochs > 2
    assert net.n_seen == 0  # as in scikit-learn


@pytest.mark.parametrize(
    ("method", "max_epochs", "reason"),
    [
        (training.LBFGS(), 2, "max_iter"),
        (training.LBFGS(max_fun=3), 200, "max_fun"),
        (training.LBFGS(), 200, "converged"),
    ],
)
def test_it_says_why_it_ended(method, max_epochs, reason):
    net = make_minimizing_net(method, max_epochs=max_epochs).fit(rows())
    assert net.stop_reason == reason
    assert (reason in method.advice) == (reason != "converged")


def test_a_line_search_without_a_lower_loss_is_told():
    class Wrong(training.HalfSquaredError):
        """A loss whose gradient points uphill."""

        def forward(self, *args):
            loss = super().forward(*args)
            return 2 * loss.detach() - loss

    net = make_minimizing_net(criterion=Wrong())
    start = net.flat.values.clone()
    net.fit(rows())
    assert net.stop_reason == "line_search"
    assert torch.equal(net.flat.values, start)  # and not a trial point
    assert "line_search" in net.method.advice


def test_advice_speaks_of_parameters():
    advice = training.LBFGS.advice["max_fun"].format_map({"max_fun": 7})
    assert advice == "increase max_fun (now 7)."


def test_start_at_the_minimum_is_one_epoch():
    module = make_linear()
    module.load_state_dict(
        {"weight": torch.tensor([[1.0, -2.0, 0.0]]), "bias": torch.tensor([0.0])}
    )
    net = make_minimizing_net(module=module, tol=1e-4).fit(make_rows())
    assert net.stop_reason == "converged"
    assert net.history[:, "train_loss"] == pytest.approx([0.0])


def test_interrupt_goes_back_to_the_last_iteration():
    kept = []

    class Keep(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            kept.append(net.flat.values.clone())

    class Trial(training.HalfSquaredError):
        """Is interrupted at a trial point after the second iteration."""

        def forward(self, *args):
            if len(kept) == 2:
                raise KeyboardInterrupt
            return super().forward(*args)

    net = make_minimizing_net(callbacks=[Keep()], criterion=Trial()).fit(rows())
    assert net.stop_reason == "interrupt"
    assert len(net.history) == 2
    assert torch.equal(net.flat.values, kept[-1])


def test_a_callback_ends_it():
    class Stop(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                raise KeyboardInterrupt

    net = make_minimizing_net(callbacks=[Stop()]).fit(rows())
    assert net.stop_reason == "callback"
    assert len(net.history) == 2


def test_validation_data_end_it_and_the_best_comes_back():
    scores = iter([0.1, 0.9, 0.2, 0.3, 0.1])
    kept = []

    class Keep(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            kept.append(net.flat.values.clone())

    net = make_minimizing_net(
        callbacks=[Keep()],
        monitor="valid_score",
        patience=1,
        valid_rows=rows(),
        valid_score=lambda raw: next(scores),
    ).fit(rows())
    assert net.stop_reason == "converged"
    assert len(kept) == 4
    assert torch.equal(net.flat.values, kept[1])


def test_running_statistics_are_those_of_the_minimum():
    module = make_normalised()
    make_minimizing_net(module=module, max_epochs=5).fit(rows())
    hidden = module[0](torch.from_numpy(X)).detach()
    torch.testing.assert_close(module[1].running_mean, hidden.mean(dim=0))


def make_normalised():
    with training.Seeded(torch.Generator().manual_seed(0)):
        return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)).double()


def test_validation_sees_the_statistics_of_the_iteration():
    class Watch(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            hidden = net.module_[0](torch.from_numpy(X)).detach()
            torch.testing.assert_close(net.module_[1].running_mean, hidden.mean(dim=0))

    make_minimizing_net(
        callbacks=[Watch()], module=make_normalised(), max_epochs=5, valid_rows=rows()
    ).fit(rows())


def test_validation_changes_no_loss():
    params = {"max_epochs": 5}
    plain = make_minimizing_net(module=make_normalised(), **params).fit(rows())
    watched = make_minimizing_net(module=make_normalised(), valid_rows=rows(), **params)
    watched.fit(rows())
    assert watched.history[:, "train_loss"] == plain.history[:, "train_loss"]


def test_a_module_that_draws_is_refused():
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.Linear(4, 1)).double()
    net = make_minimizing_net(module=module, draws_unseeded=True)
    with pytest.raises(ValueError, match="solver='lbfgs' needs the same loss"):
        net.fit(rows())


def test_the_learners_solver_rests_and_holds_the_rate():
    net = make_minimizing_net(max_epochs=3).fit(rows())
    assert isinstance(net.optimizer_, Resting)
    assert net.history[:, "lr"] == [0.01] * len(net.history)
    before = net.flat.values.clone()
    net.optimizer_.step()
    assert torch.equal(net.flat.values, before)
