"""One network in training: its step, its rate, its reasons to stop, its states."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from sknets import training
from sknets.training._learner import _LOWEST_ADAPTIVE_RATE
from tests.training.nets import X, make_learner, make_linear, make_module


def fill(learner, gradient):
    learner.flat.grad.copy_(torch.as_tensor(gradient, dtype=torch.float64))


def test_step_is_the_solvers_with_the_penaltys_pull():
    learner = make_learner(make_linear(), solver="gd", penalty=training.Penalty(alpha=3.0))
    learner.begin(mean_weight=2.0)
    before = learner.flat.values.numpy().copy()
    fill(learner, [1.0, -2.0, 0.5, 4.0])
    value = learner.add_penalty(n_rows=5)
    learner.step(torch.tensor(1.0), n_rows=5)
    strength = 3.0 / (5 * 2.0)
    assert float(value) == pytest.approx(strength / 2 * np.sum(before[:3] ** 2))
    gradient = np.array([1.0, -2.0, 0.5, 4.0]) + strength * np.r_[before[:3], 0]
    np.testing.assert_allclose(learner.flat.values, before - 0.01 * gradient, atol=1e-15)


def test_long_gradient_is_shortened_to_the_norm():
    learner = make_learner(make_linear(), solver="gd", max_grad_norm=0.5)
    before = learner.flat.values.clone()
    fill(learner, [3.0, 0.0, 4.0, 0.0])
    learner.step(torch.tensor(1.0), n_rows=1)
    expected = np.array([3.0, 0.0, 4.0, 0.0]) / 5 * 0.5
    np.testing.assert_allclose((before - learner.flat.values) / 0.01, expected, rtol=1e-6)


def test_short_gradient_stays():
    learner = make_learner(make_linear(), solver="gd", max_grad_norm=50.0)
    before = learner.flat.values.clone()
    fill(learner, [3.0, 0.0, 4.0, 0.0])
    learner.step(torch.tensor(1.0), n_rows=1)
    np.testing.assert_allclose((before - learner.flat.values) / 0.01, [3, 0, 4, 0], rtol=1e-12)


@pytest.mark.parametrize("penalty", [{"alpha": 9.0, "decoupled": True}, {"l1_alpha": 9.0}])
def test_frozen_parameters_stay_whatever_pulls_at_them(penalty):
    module = make_module()
    learner = make_learner(module, penalty=training.Penalty(**penalty))
    before = [p.detach().clone() for p in module.parameters()]
    module[0].weight.requires_grad_(False)
    learner.begin(mean_weight=1.0)
    fill(learner, np.ones(len(learner.flat.grad)))
    learner.add_penalty(n_rows=10)
    learner.step(torch.tensor(1.0), n_rows=10)
    moved = [not torch.equal(p, b) for p, b in zip(module.parameters(), before, strict=True)]
    assert moved == [False, True, True, True]


def test_an_epoch_begins_with_what_is_frozen_then():
    module = make_module()
    learner = make_learner(module)
    learner.begin(mean_weight=1.0)
    module[2].requires_grad_(False)
    learner.begin_epoch(growth=1.0)
    assert sum(s.stop - s.start for s in learner.frozen) == 5


def test_weights_decay_and_vanish_by_the_weight_of_the_rows_and_with_a_shortened_gradient():
    penalty = training.Penalty(alpha=30.0, l1_alpha=6.0, decoupled=True)
    learner = make_learner(make_linear(), solver="gd", penalty=penalty, max_grad_norm=1.0)
    learner.begin(mean_weight=2.0)
    theta = learner.flat.values.numpy().copy()
    fill(learner, [0.0, 0.0, 0.0, 4.0])
    learner.step(torch.tensor(1.0), n_rows=5)
    decayed = theta[:3] * (1 - 0.01 * 30.0 / 10.0)
    threshold = 0.01 * 6.0 / 10.0 / 4.0  # of a gradient that is four times too long
    shrunk = np.sign(decayed) * np.maximum(np.abs(decayed) - threshold, 0.0)
    np.testing.assert_allclose(learner.flat.weights, shrunk, rtol=1e-5)


def test_layers_draw_from_the_learners_generator():
    class Layer(nn.Linear):
        generator = None

    module = nn.Sequential(Layer(3, 2), nn.Linear(2, 1))
    learner = make_learner(module)
    assert module[0].generator is learner.device_generator is learner.generator


def test_mean_loss_counts_rows_and_starts_anew_with_each_epoch():
    learner = make_learner()
    learner.begin(mean_weight=1.0)
    for losses in ([(1.0, 30), (4.0, 10)], [(2.0, 5)]):
        learner.begin_epoch(growth=1.0)
        for loss, n_rows in losses:
            learner.step(torch.tensor(loss), n_rows)
        expected = np.average([loss for loss, _ in losses], weights=[n for _, n in losses])
        assert learner.mean_loss == pytest.approx(expected)


def test_a_rate_by_plan_follows_epochs_and_batches():
    schedule = training.Schedule("step", 0.4, 10, decay_rate=0.5, decay_epochs=2)
    learner = make_learner(schedule=schedule, scale_learning_rate=True)
    rates = []
    for growth in (1.0, 1.5, 2.0, 3.0):
        learner.begin_epoch(growth)
        rates.append(learner.solver.lr)
        learner.n_epochs += 1
    np.testing.assert_allclose(rates, [0.4, 0.6, 0.4, 0.6])


def test_a_rate_that_the_solver_keeps_grows_once():
    learner = make_learner(scale_learning_rate=True)
    for growth in (1.0, 1.5, 1.5, 3.0):
        learner.begin_epoch(growth)
        assert learner.solver.lr == pytest.approx(0.01 * growth)


def test_batches_do_not_move_the_rate_unasked():
    learner = make_learner()
    learner.begin_epoch(growth=4.0)
    assert learner.solver.lr == 0.01


def test_lowest_loss_is_remembered_by_name():
    learner = make_learner()
    assert learner.take_lowest("train_loss", [3.0, math.nan, 2.0]) == [True, False, True]
    assert learner.take_lowest("train_loss", [2.0, 2.5]) == [False, False]
    assert learner.take_lowest("valid_loss", [9.0]) == [True]
    assert learner.lowest == {"train_loss": 2.0, "valid_loss": 9.0}


def stuck(learner, *, best=None):
    """Let patience run out."""
    learner.begin(mean_weight=1.0)
    for _ in range(3):
        learner.stopping.update(1.0, keep=learner.snapshot)
    assert learner.stopping.is_exhausted
    return learner


def impatient(monitor="train_loss"):
    return training.Stopping(0.1, 1, monitor)


def test_want_of_progress_ends_it():
    learner = stuck(make_learner(stopping=impatient()))
    message = learner.stop_if_due(1.0, watches_train_loss=True)
    assert learner.is_stopped
    assert learner.stop_reason == "converged"
    assert message.endswith("consecutive epochs. Stopping.")


def test_with_patience_left_it_goes_on():
    learner = make_learner(stopping=training.Stopping(0.1, 5, "train_loss"))
    learner.begin(mean_weight=1.0)
    learner.stopping.update(1.0, keep=None)
    assert learner.stop_if_due(1.0, watches_train_loss=True) is None
    assert not learner.is_stopped


@pytest.mark.parametrize(("monitor", "reason"), [("train_loss", None), ("valid_loss", "converged")])
def test_a_method_with_its_own_rule_is_stopped_on_validation_data_alone(monitor, reason):
    learner = stuck(make_learner(stopping=impatient(monitor)))
    learner.stop_if_due(1.0, watches_train_loss=False)
    assert learner.stop_reason == (reason or "max_iter")


@pytest.mark.parametrize(("monitor", "stops"), [("train_loss", False), ("valid_loss", True)])
def test_a_planned_schedule_goes_on_to_its_end_on_the_training_loss(monitor, stops):
    schedule = training.Schedule("cosine", 0.01, 5)
    learner = stuck(make_learner(stopping=impatient(monitor), schedule=schedule))
    learner.stop_if_due(1.0, watches_train_loss=True)
    assert learner.is_stopped is stops


def test_an_adaptive_rate_is_divided_by_five_until_it_is_low():
    schedule = training.Schedule("adaptive", 2e-5, 5)
    learner = stuck(make_learner(stopping=impatient(), schedule=schedule))
    message = learner.stop_if_due(1.0, watches_train_loss=True)
    assert learner.solver.lr == pytest.approx(4e-6)
    assert message.endswith("Setting learning rate to 0.000004")
    assert learner.stopping.count == 0
    stuck(learner).stop_if_due(1.0, watches_train_loss=True)
    assert learner.solver.lr < _LOWEST_ADAPTIVE_RATE
    stuck(learner).stop_if_due(1.0, watches_train_loss=True)
    assert learner.stop_reason == "converged"


@pytest.mark.parametrize(
    ("loss", "spoilt", "monitor", "reason"),
    [
        (math.nan, True, "train_loss", "diverged"),
        (math.inf, False, "train_loss", "max_iter"),  # one loss overflowed: the weights may recover
        (1.0, True, "train_loss", "max_iter"),
        (math.nan, True, "valid_loss", "diverged"),  # also where the best weights are kept
    ],
)
def test_lost_parameters_end_it(loss, spoilt, monitor, reason):
    learner = make_learner(stopping=training.Stopping(0.1, 5, monitor))
    learner.begin(mean_weight=1.0)
    if spoilt:
        learner.flat.values[1] = math.nan
    learner.stop_if_due(loss, watches_train_loss=True)
    assert learner.stop_reason == reason


def test_the_first_reason_stays():
    learner = stuck(make_learner(stopping=impatient()))
    learner.stop_reason = "callback"
    assert learner.stop_if_due(1.0, watches_train_loss=True) is None
    assert learner.stop_reason == "callback"


def test_snapshot_holds_parameters_and_buffers():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)).double()
    learner = make_learner(module)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    snapshot = learner.snapshot()
    module(torch.from_numpy(X))
    learner.flat.values.add_(1.0)
    learner.restore(snapshot)
    assert before.keys() == module.state_dict().keys()
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


@pytest.mark.parametrize("monitor", ["train_loss", "valid_loss"])
def test_settling_brings_the_best_back_where_it_is_kept(monitor):
    learner = make_learner(stopping=training.Stopping(0.0, 5, monitor))
    best = learner.flat.values.clone()
    learner.stopping.update(1.0, keep=learner.snapshot)
    learner.flat.values.add_(1.0)
    learner.settle()
    assert torch.equal(learner.flat.values, best if monitor == "valid_loss" else best + 1.0)
    assert not learner.module.training


def test_average_stands_in_for_a_while():
    average = training.Average("polyak", 0.9)
    learner = make_learner(make_linear(), average=average)
    path = []
    for _ in range(4):
        fill(learner, [1.0, 2.0, 3.0, 4.0])
        learner.step(torch.tensor(1.0), n_rows=1)
        path.append(learner.flat.values.numpy().copy())
    with learner.averaged([]):
        np.testing.assert_allclose(learner.flat.values, np.mean(path, axis=0), atol=1e-14)
    np.testing.assert_array_equal(learner.flat.values, path[-1])


def test_only_a_watched_step_is_one_that_torch_tells_of():
    calls = []
    learner = make_learner()
    learner.solver.register_step_post_hook(lambda *args: calls.append(args))
    for is_watched in (False, True):
        learner.begin(mean_weight=1.0, is_watched=is_watched)
        learner.step(torch.tensor(1.0), n_rows=1)
        assert len(calls) == is_watched


def test_a_foreign_modules_draws_come_from_the_learners_generator():
    draws = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        with make_learner(draws_unseeded=True).seeded():
            draws.append(torch.rand(3))
    assert torch.equal(*draws)
    with make_learner().seeded() as seeded:
        assert seeded is None
