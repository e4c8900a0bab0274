"""Going on where an earlier net stopped, and going back."""

import pickle

import numpy as np
import pytest
import torch
from torch import nn

from sknets import training
from tests.training.nets import make_net, make_rows

STOCHASTIC = [name for name, kind in training.SOLVERS.items() if kind.is_incremental]


def go_on(net, *, is_same_fit=True, is_pickled=False, **params):
    """Return a net around the same module that goes on."""
    state = training.net_state(net)
    if is_pickled:
        state = pickle.loads(pickle.dumps(state | {"history": list(state["history"])}))
        state["history"] = net.history
    after = make_net(module=net.module_, **params).initialize()
    after.learner.generator.set_state(net.learner.generator.get_state())
    training.resume(after, state, is_same_fit=is_same_fit)
    return after


@pytest.mark.parametrize("is_pickled", [False, True])
@pytest.mark.parametrize("average", [None, *training.AVERAGES])
@pytest.mark.parametrize("solver", STOCHASTIC)
def test_two_nets_in_turn_are_one(solver, average, is_pickled):
    def params():
        return {
            "solver": solver,
            "average": average and training.Average(average, 0.9),
            "schedule": training.Schedule("invscaling", 0.01, 6),
        }

    whole = make_net(max_epochs=6, **params()).fit(make_rows())
    first = make_net(max_epochs=3, **params()).fit(make_rows())
    second = go_on(first, is_pickled=is_pickled, max_epochs=3, **params())
    second.partial_fit(make_rows())
    assert torch.equal(whole.flat.values, second.flat.values)
    for key in ("train_loss", "train_loss_best", "lr"):
        assert whole.history[:, key] == second.history[:, key]
    assert (second.n_epochs, second.n_seen, second.lowest) == (6, 360, whole.lowest)


def test_a_new_fit_starts_schedule_and_solver_again():
    schedule = training.Schedule("step", 0.01, 6, decay_epochs=1)
    first = make_net(schedule=schedule).fit(make_rows())
    second = go_on(first, is_same_fit=False, schedule=schedule)
    assert (second.n_epochs, second.n_seen, second.stop_reason) == (0, 300, None)
    assert second.optimizer_.extra_state()["step"] == 0
    assert second.lowest == first.lowest
    assert second.history is first.history
    second.partial_fit(make_rows())
    assert second.history[5, "lr"] == 0.01


def test_another_solver_starts_afresh():
    first = make_net(solver="adam").fit(make_rows())
    second = go_on(first, solver="adamw")
    assert second.optimizer_.extra_state()["step"] == 0
    assert second.n_epochs == 5


@pytest.mark.parametrize(("monitor", "count"), [("train_loss", 2), ("valid_loss", 0)])
def test_patience_goes_on_with_the_same_monitor_alone(monitor, count):
    first = make_net(stopping=training.Stopping(0.1, 9, "train_loss")).initialize()
    for loss in (1.0, 1.0, 1.0):
        first.stopping.update(loss, keep=None)
    second = go_on(first, stopping=training.Stopping(0.1, 9, monitor))
    assert second.stopping.count == count
    assert second.stopping.best == (1.0 if count else np.inf)


@pytest.mark.parametrize("name", ["adaptive", "constant"])
def test_only_an_adaptive_rate_is_kept_without_its_growth(name):
    schedule = training.Schedule(name, 0.01, 5)
    first = make_net(schedule=schedule).initialize()
    first.optimizer_.lr, first.learner.growth = 0.006, 3.0
    second = go_on(first, schedule=schedule)
    assert second.optimizer_.lr == pytest.approx(0.002 if name == "adaptive" else 0.01)


@pytest.mark.parametrize("who", ["the net itself", "another net around its module"])
def test_undo_puts_everything_back(who):
    x = torch.ones(2, 3, dtype=torch.float64)
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)).double()
    net = make_net(module=module).fit(make_rows())
    before = net.flat.values.clone()
    generator = net.learner.generator.get_state()
    predicted = module(x).detach()
    undo = training.undo_for(net)
    later = net if who == "the net itself" else go_on(net)
    later.partial_fit(make_rows())
    module.float()
    undo()
    assert torch.equal(net.flat.values, before)
    assert torch.equal(module(x), predicted)
    assert torch.equal(net.learner.generator.get_state(), generator)
    assert len(net.history) == 5
    net.partial_fit(make_rows())  # the module's parameters are views of its own vector again
    assert not torch.equal(module(x), predicted)


def trained(solver, average, rate):
    """Return a net after a call whose rate has grown with its batches."""
    average = average and training.Average(average, 0.9)
    schedule = training.Schedule(rate, 0.01, 5)
    net = make_net(solver=solver, average=average, schedule=schedule).fit(make_rows())
    net.optimizer_.lr, net.learner.growth = 0.006, 3.0
    return net


def place_of(net):
    state = {name: value for name, value in training.net_state(net).items() if name != "history"}
    return repr((state, net.flat.values.tolist(), net.learner.generator.get_state().tolist()))


@pytest.mark.parametrize("average", [None, *training.AVERAGES])
@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("rate", ["constant", "adaptive", "invscaling"])
def test_net_that_goes_on_by_itself_comes_to_where_another_one_would(solver, average, rate):
    net, twin = trained(solver, average, rate), trained(solver, average, rate)
    training.go_on(net, 16)
    other_average = average and training.Average(average, 0.9)
    schedule = training.Schedule(rate, 0.01, 5)
    other = go_on(twin, solver=solver, average=other_average, schedule=schedule)
    for each in (net, other):
        each.partial_fit(make_rows())
    assert place_of(net) == place_of(other)
    assert net.history[:, "train_loss"] == other.history[:, "train_loss"]


@pytest.mark.parametrize("average", [None, *training.AVERAGES])
@pytest.mark.parametrize("solver", STOCHASTIC)
def test_net_that_has_gone_on_by_itself_goes_back(solver, average):
    net, twin = trained(solver, average, "adaptive"), trained(solver, average, "adaptive")
    undo = [training.undo_for(net), training.go_on(net, 8)]
    net.partial_fit(make_rows())
    assert place_of(net) != place_of(twin)
    for put_back in reversed(undo):
        put_back()
    assert place_of(net) == place_of(twin)
    assert (net.batch_size, len(net.history)) == (16, 5)
    assert (net.optimizer_.lr, net.learner.growth) == (0.006, 3.0)
    for each in (net, twin):
        each.partial_fit(make_rows())
    assert place_of(net) == place_of(twin)
