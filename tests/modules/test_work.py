"""What a module says about its layers and its work, against counts by hand."""

import pytest
import torch
from torch import nn

from sknets import modules


def make_small():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(4 * 2 * 3, 5),
    )


ROW = torch.zeros(1, 3, 4, 6)


def test_layers_of_a_small_network():
    conv, relu, pool, dropout, flatten, linear = modules.describe_layers(make_small(), ROW)
    # each of 4 · 24 values of the maps is a sum of 3 · 3² products
    assert conv == ("0", "Conv2d", (4, 4, 6), 4 * (3 * 9 + 1), 96 * 27)
    assert relu == ("1", "ReLU", (4, 4, 6), 0, 0)
    assert pool == ("2", "MaxPool2d", (4, 2, 3), 0, 0)
    assert dropout == ("3", "Dropout", (4, 2, 3), 0, 0)
    assert flatten == ("4", "Flatten", (24,), 0, 0)
    assert linear == ("5", "Linear", (5,), 24 * 5 + 5, 120)


def test_work_of_a_small_network():
    work = modules.measure_work(make_small(), ROW)
    assert work == (96 * 27 + 120, 96, 1)
    assert work.at_once == 96 * 27 + 120


def test_work_of_timesteps_that_wait_for_each_other():
    work = modules.measure_work(modules.CELLS["gru"](2, 4), torch.zeros(1, 7, 2), n_steps=7)
    assert work == (7 * 3 * 4 * (2 + 4), 7 * 4, 7)
    assert work.at_once == 3 * 4 * (2 + 4)


def test_the_widest_values_may_be_the_inputs():
    network = nn.Sequential(nn.Linear(9, 2), nn.Linear(2, 1))
    assert modules.measure_work(network, torch.zeros(1, 9)) == (20, 9, 1)


@pytest.mark.parametrize(
    ("layer", "row", "products"),
    [
        (nn.Conv2d(4, 6, 3, groups=2), (4, 5, 5), 6 * 9 * (2 * 9)),
        (nn.Conv2d(4, 6, 3, stride=2), (4, 5, 5), 6 * 4 * (4 * 9)),
        (nn.Conv3d(1, 2, (1, 2, 3)), (1, 3, 3, 3), 2 * (3 * 2 * 1) * 6),
        (nn.Conv1d(2, 3, 4), (2, 9), 3 * 6 * (2 * 4)),
        (nn.Linear(3, 4), (5, 3), 5 * 12),
        (modules.RadialBasis(3, 4), (3,), 12),
    ],
    ids=["groups", "stride", "volume", "1-D", "linear over steps", "radial basis"],
)
def test_products_of_a_layer(layer, row, products):
    assert modules.measure_work(layer, torch.zeros(1, *row)).multiply_adds == products


@pytest.mark.parametrize("is_training", [True, False])
def test_describing_leaves_no_trace(is_training):
    network = nn.Sequential(make_small(), nn.BatchNorm1d(5)).train(is_training)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    generator = torch.get_rng_state()
    modules.describe_layers(network, ROW)
    assert all(layer.training == is_training for layer in network.modules())
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert not any(layer._forward_hooks for layer in network.modules())


def test_describing_keeps_the_mode_of_each_layer():
    network = make_small().train()
    network[3].eval()
    modules.describe_layers(network, ROW)
    assert [layer.training for layer in network] == [True, True, True, False, True, True]


def test_a_row_that_does_not_fit_leaves_no_trace():
    network = make_small().train()
    with pytest.raises(RuntimeError):
        modules.describe_layers(network, torch.zeros(1, 2, 4, 6))
    assert network.training
    assert not any(layer._forward_hooks for layer in network.modules())
