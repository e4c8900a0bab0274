"""Activations: names, and a user's own."""

import functools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sknets.modules import ACTIVATIONS
from sknets.modules._activations import Activation, activation_name, make_activation

X = torch.linspace(-3, 3, 24).reshape(6, 4)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_name_class_and_instance_are_the_same(name):
    kind = ACTIVATIONS[name]
    for own in (kind, kind()):
        torch.testing.assert_close(make_activation(own, (4,))(X), kind()(X))
        assert activation_name(own) == name


@pytest.mark.parametrize(
    ("function", "name"), [(torch.tanh, "tanh"), (F.relu, "relu"), (torch.sigmoid, "logistic")]
)
def test_function_of_torch_has_the_initial_weights_of_its_name(function, name):
    assert activation_name(function) == name
    assert activation_name(lambda x: function(x)) is None


def test_partial_of_a_class_is_a_class_and_of_a_function_a_function():
    slope = make_activation(functools.partial(nn.LeakyReLU, 0.3), (4,))
    assert isinstance(slope, nn.LeakyReLU)
    assert slope.negative_slope == 0.3
    function = make_activation(functools.partial(F.leaky_relu, negative_slope=0.3), (4,))
    torch.testing.assert_close(function(X), slope(X))


def test_each_layer_has_a_copy():
    own = nn.PReLU(init=0.7)
    a, b = make_activation(own, (4,)), make_activation(own, (4,))
    assert a.weight is not b.weight
    assert a.weight is not own.weight
    assert not hasattr(own, "is_activation")
    assert a.weight.item() == pytest.approx(0.7)


def test_module_keeps_its_mode_and_its_statistics():
    own = nn.BatchNorm1d(4)
    layer = make_activation(own, (4,))
    assert layer.training
    torch.testing.assert_close(layer.running_mean, torch.zeros(4))


def test_lazy_module_finds_its_size():
    assert make_activation(nn.LazyBatchNorm1d, (4,)).num_features == 4


BAD = {
    "shape": (F.glu, r"shape \(n_rows, 4\): .*returned shape \(2,\)"),
    "nothing": (lambda x: None, "returned NoneType"),
    "array": (lambda x: x.detach().numpy(), "returned ndarray"),
    "gradient": (lambda x: x.detach(), "no gradient"),
    "steps": (lambda x: x > 0, "no gradient"),
    "rows": (lambda x: x / x.std(), "one row depends on the others"),
    "draws": (lambda x: F.dropout(x, 0.5), "or is drawn"),
    "arguments": (lambda: 1, "positional argument"),
    "class": (nn.Linear, "missing 2 required"),
    "not finite": (torch.sqrt, "NaN or infinity"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_activation_is_refused(case):
    own, words = BAD[case]
    with pytest.raises(ValueError, match=f"activation=.*{words}"):
        make_activation(own, (4,))


def test_what_mixes_timesteps_is_refused_where_there_are_some():
    over_last = functools.partial(torch.softmax, dim=-1)
    assert make_activation(over_last, (3, 4), time_axis=1)(torch.ones(2, 3, 4)).sum() == 6
    with pytest.raises(ValueError, match="one timestep depends on the others"):
        make_activation(over_last, (3, 4), time_axis=2)


def test_type_of_what_it_gets_is_kept():
    assert Activation(lambda x: x.double())(X).dtype == torch.float32
    assert Activation(lambda x: x.float())(X.double()).dtype == torch.float64


def test_tensor_of_its_own_in_another_type_is_named():
    weights = torch.eye(4)
    layer = make_activation(lambda x: x @ weights, (4,))
    with pytest.raises(ValueError, match="activation=<lambda> fails on torch.float64 on cpu"):
        layer(X.double())


@pytest.mark.parametrize("width", [3, 100, 400])
@pytest.mark.parametrize("seed", range(5))
def test_layers_of_any_width_are_activations(width, seed):
    torch.manual_seed(seed)
    inner = nn.Sequential(nn.Linear(width, width), nn.Tanh())
    assert make_activation(inner, (width,)).is_activation


def test_what_is_flat_everywhere_is_refused():
    with pytest.raises(ValueError, match="activation=sign.*no gradient"):
        make_activation(torch.sign, (3,))


def test_functions_of_numpy_are_told_of_torch():
    with pytest.raises(ValueError, match=r"activation=tanh.*torch\.tanh"):
        make_activation(np.tanh, (3,))
