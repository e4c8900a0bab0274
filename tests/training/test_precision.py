"""A step in bfloat16 beside parameters of float32."""

import numpy as np
import pytest
import torch

from sknets import training
from sknets.training._precision import MixedPrecision, compute_fully
from tests.training.nets import make_learner, make_linear, make_module

ROWS = torch.linspace(-1, 1, 60).reshape(20, 3)
TARGET = ROWS.sum(1, keepdim=True)
CPU = torch.device("cpu")


class Sees(training.HalfSquaredError):
    """A loss that remembers the types that it was given."""

    def forward(self, raw, target, weight=None, weight_sum=None):
        self.types = raw.dtype, target.dtype
        self.is_casting = torch.is_autocast_enabled("cpu")
        return super().forward(raw, target, weight, weight_sum)


def filled(precision):
    learner = make_learner(make_module().float(), precision=precision)
    loss = Sees()
    seen = []
    for layer in learner.module:
        layer.register_forward_hook(lambda _, args, out: seen.append(out.dtype))
    value, raw = training.make_gradient(learner, loss).fill((ROWS, TARGET, None))
    return learner, loss, seen, float(value), raw


@pytest.mark.parametrize(
    ("precision", "inside"), [("full", torch.float32), ("bf16", torch.bfloat16)]
)
def test_layers_compute_in_it_and_all_else_in_float32(precision, inside):
    learner, loss, seen, _, raw = filled(precision)
    assert seen == [inside] * 3
    assert loss.types == (torch.float32, torch.float32)
    assert not loss.is_casting
    assert raw.dtype == learner.flat.values.dtype == learner.flat.grad.dtype == torch.float32
    assert {p.grad.dtype for p in learner.module.parameters()} == {torch.float32}


def test_gradients_agree_to_the_digits_of_bfloat16():
    full, mixed = filled("full"), filled("bf16")
    assert mixed[3] == pytest.approx(full[3], rel=0.02)
    assert mixed[3] != full[3]
    gradient = full[0].flat.grad.numpy()
    np.testing.assert_allclose(
        mixed[0].flat.grad.numpy(), gradient, atol=0.02 * np.abs(gradient).max()
    )


def test_nothing_is_cast_afterwards_even_where_a_module_fails():
    def fail():
        assert torch.is_autocast_enabled("cpu")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        MixedPrecision(CPU)(fail)
    assert not torch.is_autocast_enabled("cpu")


def test_outputs_that_are_in_full_stay_as_they_are():
    x = torch.ones(4)
    assert MixedPrecision(CPU)(lambda x: x, x) is x
    assert compute_fully(lambda x: x, x) is x


def test_a_prediction_is_in_full():
    learner = make_learner(make_linear().float(), precision="bf16")
    method = training.make_method("adam")
    criterion = training.HalfSquaredError()
    net = training.Net(learner, criterion=criterion, method=method, max_epochs=1, batch_size=20)
    net.fit(training.Rows(ROWS, TARGET))
    with torch.no_grad():
        expected = learner.module(ROWS)
    assert torch.equal(net.raw_outputs([ROWS], len(ROWS)), expected)
