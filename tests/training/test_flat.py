"""The flat vector and the module are one."""

import copy

import pytest
import torch
import torch.nn.functional as F
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


CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
KERNELS = {
    "image": (6, 3, 5, 4),
    "1x1": (6, 3, 1, 1),
    "one channel": (6, 1, 5, 4),
    "one output": (1, 3, 5, 4),
    "signal": (6, 3, 1, 5),
    "one number": (1, 1, 1, 1),
    "volume": (6, 3, 2, 3, 4),
    "1x1x1": (6, 3, 1, 1, 1),
    "volume of one channel": (6, 1, 2, 3, 4),
}


def make_convolution(shape):
    layer = {4: nn.Conv2d, 5: nn.Conv3d}[len(shape)]
    return layer(shape[1], shape[0], shape[2:]).to(memory_format=CHANNELS_LAST[len(shape)])


@pytest.mark.parametrize("shape", KERNELS.values(), ids=KERNELS)
def test_channels_last_kernels_remain_so(shape):
    module = nn.Sequential(make_convolution(shape), nn.Linear(2, 2))
    weight = module[0].weight
    before = weight.detach().clone()
    memory_format = CHANNELS_LAST[len(shape)]
    flat = FlatParameters(module)
    for _ in range(2):
        assert torch.equal(weight, before)
        assert weight.is_contiguous(memory_format=memory_format)
        assert weight.grad.is_contiguous(memory_format=memory_format)
        assert weight.untyped_storage().data_ptr() == flat.values.untyped_storage().data_ptr()
        assert weight.grad.untyped_storage().data_ptr() == flat.grad.untyped_storage().data_ptr()
        weight.data, weight.grad = torch.zeros(shape), None  # as another net might leave it
        flat.bind()
    # the vector holds each kernel as it lies in memory: outputs, positions, channels
    assert torch.equal(flat.values[: before.numel()], before.movedim(1, -1).flatten())


@pytest.mark.parametrize("shape", KERNELS.values(), ids=KERNELS)
def test_gradient_of_a_channels_last_kernel_flows_into_the_vector(shape):
    module = make_convolution(shape)
    plain = copy.deepcopy(module).to(memory_format=torch.contiguous_format)
    flat = FlatParameters(module)
    grad = module.weight.grad
    sizes = [k + 2 for k in shape[2:]]
    x = torch.randn(2, shape[1], *sizes, generator=torch.Generator().manual_seed(0))
    convolve = {4: F.conv2d, 5: F.conv3d}[len(shape)]
    for _ in range(2):  # the second gradient is added to the first, in place
        module(x.to(memory_format=CHANNELS_LAST[len(shape)])).square().sum().backward()
        convolve(x, plain.weight, plain.bias).square().sum().backward()
        assert module.weight.grad is grad
        torch.testing.assert_close(
            flat.grad[: flat.n_weights],
            plain.weight.grad.movedim(1, -1).flatten(),
            rtol=1e-4,
            atol=1e-4,
        )
    flat.values.sub_(0.01 * flat.grad)
    torch.testing.assert_close(module.weight, plain.weight - 0.01 * plain.weight.grad)


@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (4, 1)])
def test_a_transposed_matrix_is_laid_row_by_row(shape):
    module = nn.Linear(shape[1], shape[0])
    module.weight = nn.Parameter(torch.arange(12.0)[: shape[0] * shape[1]].reshape(shape[::-1]).T)
    before = module.weight.detach().clone()
    flat = FlatParameters(module)
    assert torch.equal(module.weight, before)
    assert module.weight.is_contiguous()
    assert torch.equal(flat.weights, before.flatten())
    x = torch.arange(5.0 * shape[1]).reshape(5, shape[1])
    module(x).sum().backward()
    expected = x.sum(dim=0).expand(shape)
    torch.testing.assert_close(flat.weight_grad, expected.flatten())


def test_a_matrix_that_is_turned_where_it_lies_is_noticed():
    module = nn.Linear(3, 3)
    flat = FlatParameters(module)
    assert flat.is_bound()
    module.weight.data = module.weight.data.T
    assert not flat.is_bound()


@pytest.mark.parametrize(
    "weight",
    [
        pytest.param(torch.arange(24.0).reshape(4, 6)[:, ::2], id="gaps"),
        pytest.param(torch.arange(4.0)[:, None].expand(4, 3), id="expanded"),
    ],
)
def test_parameter_with_gaps_becomes_dense(weight):
    module = nn.Linear(3, 4)
    module.weight = nn.Parameter(weight)
    before = weight.clone()
    flat = FlatParameters(module)
    assert torch.equal(module.weight, before)
    assert sorted(flat.weights.tolist()) == sorted(before.flatten().tolist())
    flat.weights.copy_(torch.arange(12.0))
    assert sorted(module.weight.flatten().tolist()) == list(range(12))


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.bias.requires_grad_(False),
        lambda layer: layer.zero_grad(set_to_none=True),
        lambda layer: setattr(layer.bias, "grad", torch.zeros(1, dtype=torch.float64)),
    ],
    ids=["frozen", "no gradients", "gradients elsewhere"],
)
def test_what_was_done_to_gradients_is_seen(change):
    layer = nn.Linear(3, 1).double()
    flat = FlatParameters(layer)
    assert flat.is_as_made
    layer.zero_grad(set_to_none=False)
    assert flat.is_as_made
    change(layer)
    assert not flat.is_as_made
    assert flat.is_bound()
