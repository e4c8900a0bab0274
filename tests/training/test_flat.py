"""The flat vector and the module are one."""

import pytest
import torch
from torch import nn

from sknets.training import FlatParameters


def test_vector_and_module_share_values_and_gradients():
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    before = [p.detach().clone() for p in module.parameters()]
    flat = FlatParameters(module)
    for parameter, old in zip(module.parameters(), before, strict=True):
        assert torch.equal(parameter, old)
    assert len(flat.values) == sum(p.numel() for p in module.parameters())

    flat.values.fill_(2.0)
    assert all((p == 2.0).all() for p in module.parameters())
    module(torch.ones(4, 3)).sum().backward()
    assert flat.grad.any()
    assert torch.equal(flat.grad[:6], module[0].weight.grad.reshape(-1))


def test_loading_a_state_dict_writes_through():
    module = nn.Linear(3, 2)
    flat = FlatParameters(module)
    module.load_state_dict({"weight": torch.full((2, 3), 5.0), "bias": torch.full((2,), 7.0)})
    assert flat.values.tolist() == [5.0] * 6 + [7.0] * 2


def test_frozen_parameters_are_known():
    module = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    module[0].weight.requires_grad_(False)
    flat = FlatParameters(module)
    assert flat.frozen() == [slice(0, 6)]
    module[0].requires_grad_(True)
    module[1].bias.requires_grad_(False)
    assert flat.frozen() == [slice(10, 11)]


def test_nothing_to_train_is_an_error():
    with pytest.raises(ValueError, match="Identity has no trainable parameter"):
        FlatParameters(nn.Identity())


def test_shared_parameters_appear_once():
    module = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    module[2].weight = module[0].weight
    flat = FlatParameters(module)
    assert flat.n_weights == 9
    flat.values.fill_(1.0)
    assert (module[2].weight == 1).all()
