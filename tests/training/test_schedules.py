"""Schedules against Torch's and the formulas."""

import numpy as np
import pytest
import torch

from sknets.training import Schedule

N = 20


def torch_rates(make_scheduler, initial=0.1):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=initial)
    scheduler = make_scheduler(optimizer)
    rates = []
    for _ in range(N):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def rates(name, **params):
    schedule = Schedule(name, 0.1, N, **params)
    return [schedule.rate(epoch, 100 * epoch) for epoch in range(N)]


LR = torch.optim.lr_scheduler


@pytest.mark.parametrize(
    ("name", "params", "reference"),
    [
        (
            "step",
            {"decay_rate": 0.5, "decay_epochs": 4},
            lambda o: LR.StepLR(o, step_size=4, gamma=0.5),
        ),
        (
            "exponential",
            {"decay_rate": 0.9, "decay_epochs": 1},
            lambda o: LR.ExponentialLR(o, gamma=0.9),
        ),
        ("cosine", {}, lambda o: LR.CosineAnnealingLR(o, T_max=N)),
    ],
)
def test_rate_equals_torch_scheduler(name, params, reference):
    np.testing.assert_allclose(rates(name, **params), torch_rates(reference), rtol=1e-10)


def test_one_cycle_rises_to_the_rate_and_falls_to_nearly_nothing():
    ours = rates("one_cycle")
    assert ours[0] == pytest.approx(0.1 / 25)
    assert max(ours) == ours[5] == pytest.approx(0.1)
    assert ours[-1] == pytest.approx(0.1 / 25e4)


def test_one_cycle_equals_torch_scheduler():
    reference = torch_rates(
        lambda o: LR.OneCycleLR(o, max_lr=0.1, total_steps=N + 1, cycle_momentum=False)
    )
    schedule = Schedule("one_cycle", 0.1, N + 1)
    np.testing.assert_allclose([schedule.rate(e, 0) for e in range(N)], reference, rtol=1e-8)


@pytest.mark.parametrize("power_t", [0.5, 1.0])
def test_invscaling_counts_rows_as_scikit_learn_does(power_t):
    expected = [0.1 / (100 * epoch + 1) ** power_t for epoch in range(N)]
    np.testing.assert_allclose(rates("invscaling", power_t=power_t), expected)


def test_callable_gives_the_rate():
    assert rates(lambda epoch: 1 / (epoch + 1))[:3] == [1, 0.5, pytest.approx(1 / 3)]


def test_callable_must_return_a_number_that_is_not_negative():
    with pytest.raises(ValueError, match="learning_rate=.* returned -1 for epoch 3"):
        Schedule(lambda epoch: -1, 0.1, N).rate(3, 0)


@pytest.mark.parametrize("name", ["constant", "adaptive"])
def test_rate_is_left_to_the_solver(name):
    assert rates(name) == [None] * N
