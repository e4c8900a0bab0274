"""The convolutional network: sizes, counts, equivariance, blocks, and what it refuses."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sknets import modules
from sknets.modules._conv_net import ResidualBlock
from sknets.modules._dropout import SpatialDropout
from sknets.modules._normalization import make_map_normalization

RNG = np.random.default_rng(0)
INCREASING = ("identity", "logistic", "tanh", "relu", "leaky_relu", "elu")


def conv_layer(n_dims=2, **changes):
    layer = {
        "channels": 4,
        "kernel": (3,) * n_dims,
        "stride": (1,) * n_dims,
        "padding": "same",
        "pooling": None,
        "window": (2,) * n_dims,
        "pool_stride": (2,) * n_dims,
        "activation": "relu",
        "normalization": None,
    }
    return layer | changes


def make_base(shape, layers, n_spatial=2, residual=False, seed=0, **options):
    options = {"method": "direct", "weight_init": "he_normal", "spatial_dropout": 0.0} | options
    return modules.make_base(
        modules.ImageInput(shape, n_spatial),
        layers,
        residual=residual,
        generator=torch.Generator().manual_seed(seed),
        **options,
    ).double()


def make_net(shape=(8, 9), layers=None, *, base=None, is_pretrained=False, pooling="average"):
    images = modules.ImageInput(shape, 2)
    layers = [conv_layer(), conv_layer(channels=6)] if layers is None else layers
    head = {
        "layer_sizes": [5, 2],
        "activations": ["relu"],
        "dropout": [0.0],
        "normalization": None,
        "weight_init": "glorot_uniform",
    }
    return modules.ConvNet(
        images,
        make_base(shape, layers).float() if base is None else base,
        global_pooling=pooling,
        feature_dropout=0.0,
        head=head,
        is_pretrained=is_pretrained,
        generator=torch.Generator().manual_seed(0),
    )


def images(*shape):
    return torch.from_numpy(RNG.standard_normal(shape))


def count(module):
    return sum(p.numel() for p in module.parameters())


# --- counts and sizes ----------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n_inputs", "n_outputs"), [(1, 1, 4), (3, 3, 8), (5, 2, 6)])
def test_parameters_of_a_convolution(k, n_inputs, n_outputs):
    base = make_base((16, 16, n_inputs), [conv_layer(channels=n_outputs, kernel=(k, k))])
    assert count(base) == n_outputs * (n_inputs * k**2 + 1)


def test_parameters_of_layers_and_of_what_follows():
    layers = [
        conv_layer(channels=8, pooling="weighted", normalization="group"),
        conv_layer(channels=16, activation="prelu", normalization="batch", kernel=(5, 2)),
    ]
    base = make_base((16, 16, 3), layers)
    first = 8 * (3 * 9 + 1) + 8 * 4 + 2 * 8
    assert count(base) == first + 16 * (8 * 10 + 1) + 1 + 2 * 16


@pytest.mark.parametrize(("channels", "point"), [(4, 0), (8, 8 * (4 + 1))], ids=["same", "other"])
def test_parameters_of_a_residual_block(channels, point):
    layers = [conv_layer(channels=4), conv_layer(channels=channels, normalization="group")]
    base = make_base((8, 8, 4), layers, residual=True)
    first = 2 * 4 * (4 * 9 + 1)
    body = channels * (4 * 9 + 1) + channels * (channels * 9 + 1)
    norms = 2 * 2 * channels  # inside the block, and after it
    assert count(base) == first + body + norms + point


def test_parameters_of_the_whole_network():
    net = make_net((8, 9, 3))
    assert count(net) == 4 * (3 * 9 + 1) + 6 * (4 * 9 + 1) + (6 + 1) * 5 + (5 + 1) * 2
    flat = make_net((8, 9, 3), pooling=None)
    assert count(flat.head) == (6 * 72 + 1) * 5 + (5 + 1) * 2


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("n_spatial", [1, 2, 3])
def test_size_after_a_convolution(n_spatial, k, stride):
    for n in (7, 8, 9):
        shape = (n, n + 1, n + 2)[:n_spatial]
        flat = (1,) if n_spatial == 1 else ()
        geometry = {
            "n_dims": max(2, n_spatial),
            "kernel": (*flat, *(k,) * n_spatial),
            "stride": (*flat, *(stride,) * n_spatial),
        }
        x = images(1, 1, *flat, *shape)
        expected = {
            "same": [math.ceil(m / stride) for m in shape],
            "valid": [(m - k) // stride + 1 for m in shape],
            (*flat, *(1,) * n_spatial): [(m + 2 - k) // stride + 1 for m in shape],
        }
        for padding, sizes in expected.items():
            if flat and padding not in ("same", "valid"):
                padding = (0, 1)
            base = make_base(shape, [conv_layer(padding=padding, **geometry)], n_spatial)
            assert base(x).shape == (1, 4, *flat, *sizes), (n, padding)


def test_odd_padding_of_same_goes_to_the_end():
    base = make_base((5, 5), [conv_layer(kernel=(2, 4), activation="identity")])
    x = images(2, 1, 5, 5)
    conv = base.conv1
    expected = F.conv2d(F.pad(x, (1, 2, 0, 1)), conv.weight, conv.bias)
    torch.testing.assert_close(base(x), expected)


@pytest.mark.parametrize("method", ["fft", "auto"])
def test_method_does_not_change_the_maps(method):
    layers = [
        conv_layer(kernel=(12, 12), pooling="max"),
        conv_layer(kernel=(4, 3), stride=(2, 1), channels=3),
    ]
    direct, other = (make_base((30, 31), layers, method=m) for m in ("direct", method))
    x = images(2, 1, 30, 31)
    torch.testing.assert_close(other(x), direct(x), rtol=0, atol=1e-10)


# --- equivariance --------------------------------------------------------------------------------


def test_shifted_images_give_shifted_maps():
    base = make_base((20, 20), [conv_layer(), conv_layer(kernel=(5, 3), normalization="batch")])
    base.eval()
    x = images(2, 1, 20, 20)
    moved = torch.roll(x, (3, -2), dims=(2, 3))
    inside = (..., slice(6, -6), slice(6, -6))  # beyond the reach of borders
    expected = torch.roll(base(x), (3, -2), dims=(2, 3))
    torch.testing.assert_close(base(moved)[inside], expected[inside])


@pytest.mark.parametrize("pooling", modules.POOLINGS)
def test_shifts_by_the_stride_of_pooling_move_maps_by_one(pooling):
    base = make_base((24, 24), [conv_layer(pooling=pooling), conv_layer(pooling=pooling)])
    x = images(2, 1, 24, 24)
    maps = base(x)
    moved = base(torch.roll(x, (4, 8), dims=(2, 3)))
    inside = (..., slice(3, -2), slice(3, -2))
    expected = torch.roll(maps, (1, 2), dims=(2, 3))
    torch.testing.assert_close(moved[inside], expected[inside])
    by_one = base(torch.roll(x, (1, 0), dims=(2, 3)))
    assert not torch.allclose(by_one[inside], maps[inside])


@pytest.mark.parametrize("global_pooling", modules.GLOBAL_POOLINGS)
def test_outputs_do_not_change_where_an_object_moves_inside_an_image(global_pooling):
    net = make_net((20, 20), pooling=global_pooling).double()
    x = torch.zeros(1, 20, 20, dtype=torch.float64)
    x[:, 4:9, 5:8] = images(5, 3)
    # with biases at zero, maps are zero where no object is, at the border too
    assert not net.base.conv1.bias.any()
    torch.testing.assert_close(net(torch.roll(x, (6, 5), dims=(1, 2))), net(x))


# --- the order inside a layer --------------------------------------------------------------------


@pytest.mark.parametrize("activation", modules.ACTIVATIONS)
@pytest.mark.parametrize("is_partial", [False, True])
def test_maximum_before_an_increasing_activation_is_the_maximum_after(activation, is_partial):
    padding = "same" if is_partial else "valid"
    layer = conv_layer(pooling="max", activation=activation, padding=padding, window=(3, 2))
    base = make_base((9, 10), [layer])
    names = [name for name, _ in base.named_children()]
    if activation in INCREASING:
        assert names[1] == "pooling1"
    else:
        assert names[-1] == "pooling1"
    x = images(2, 1, 9, 10)
    maps = F.conv2d(x, base.conv1.weight, base.conv1.bias, padding=int(is_partial))
    maps = modules.ACTIVATIONS[activation]().double()(maps)
    expected = F.max_pool2d(maps, (3, 2), 2, ceil_mode=is_partial)
    torch.testing.assert_close(base(x), expected)


@pytest.mark.parametrize("pooling", [None, *modules.POOLINGS])
def test_parts_are_named_in_the_order_in_which_they_act(pooling):
    layer = conv_layer(pooling=pooling, normalization="group", activation="tanh")
    base = make_base((8, 8), [layer, layer], spatial_dropout=0.1)
    order = ["conv", "activation", "pooling", "normalization", "dropout"]
    if pooling == "max":
        order[1:3] = "pooling", "activation"
    if pooling is None:
        order.remove("pooling")
    expected = [f"{name}{number}" for number in (1, 2) for name in order]
    assert [name for name, _ in base.named_children()] == expected


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"channels": 6},
        {"stride": (2, 2)},
        {"channels": 6, "stride": (2, 3), "kernel": (4, 2), "normalization": "layer"},
    ],
    ids=["same shape", "channels", "stride", "all"],
)
@pytest.mark.parametrize("activation", ["tanh", "identity"])
def test_residual_block_is_x_plus_f_of_x(changes, activation):
    layer = conv_layer(activation=activation, **changes)
    base = make_base((9, 8, 4), [layer], residual=True)
    block = base.block1
    assert isinstance(block, ResidualBlock)
    x = images(2, 4, 9, 8)

    def same(x, conv):
        low_high = []
        for n, k, s in zip(x.shape[:1:-1], conv.kernel_size[::-1], conv.stride[::-1], strict=True):
            total = max((math.ceil(n / s) - 1) * s + k - n, 0)
            low_high += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, low_high), conv.weight, conv.bias, conv.stride)

    f = same(x, block.body.conv)
    f = torch.tanh(f) if activation == "tanh" else f
    if "normalization" in changes:
        f = F.group_norm(f, 1)
    f = same(f, block.body.conv_again)
    if isinstance(block.shortcut, nn.Identity):
        assert not changes
        shortcut = x
    else:
        point = block.shortcut.conv
        shortcut = F.conv2d(x, point.weight, point.bias, point.stride)
    torch.testing.assert_close(block(x), shortcut + f)
    assert block(x).shape[2:] == block.size


# --- regularisation ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 5), (4, 5), (2, 3, 4)])
def test_spatial_dropout_drops_whole_maps(size):
    layer = SpatialDropout(0.3)
    layer.generator = torch.Generator().manual_seed(0)
    x = torch.from_numpy(RNG.uniform(1, 2, (60, 50, *size)))
    before = torch.get_rng_state()
    out = layer(x)
    assert torch.equal(torch.get_rng_state(), before)
    factors = (out / x).flatten(2)
    assert torch.equal(factors.amin(dim=2) > 0, factors.amax(dim=2) > 0)
    kept = factors.amax(dim=2)
    torch.testing.assert_close(kept[kept > 0], torch.full_like(kept[kept > 0], 1 / layer.keep))
    assert layer.keep == pytest.approx(0.7, abs=2**-17)
    # a mean of 3000 draws with standard deviation √(0.3 / 0.7)
    assert float(kept.mean()) == pytest.approx(1.0, abs=4 * math.sqrt(0.3 / 0.7 / 3000))

    layer.generator = torch.Generator().manual_seed(0)
    assert torch.equal(layer(x), out)
    layer.eval()
    assert layer(x) is x


@pytest.mark.parametrize(
    ("name", "n_channels", "n_groups"),
    [
        ("group", 1, 1),
        ("group", 3, 1),
        ("group", 4, 1),
        ("group", 8, 2),
        ("group", 12, 3),
        ("group", 22, 2),
        ("group", 20, 5),
        ("group", 32, 8),
        ("group", 13, 1),
        ("group", 100, 5),
        ("group", 128, 8),
        ("layer", 32, 1),
    ],
)
@pytest.mark.parametrize("size", [(3, 4), (2, 3, 2)])
def test_group_normalisation_equals_numpy(name, n_channels, n_groups, size):
    x = RNG.standard_normal((2, n_channels, *size)) * 3 + 1
    layer = make_map_normalization(name, n_channels, len(size)).double()
    slope, intercept = RNG.standard_normal((2, n_channels))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(slope))
        layer.bias.copy_(torch.from_numpy(intercept))
    groups = x.reshape(2, n_groups, -1)
    mean = groups.mean(axis=2, keepdims=True)
    z = ((groups - mean) / np.sqrt(groups.var(axis=2, keepdims=True) + 1e-5)).reshape(x.shape)
    per_channel = (n_channels, *[1] * len(size))
    expected = z * slope.reshape(per_channel) + intercept.reshape(per_channel)
    last = torch.channels_last if len(size) == 2 else torch.channels_last_3d
    for memory in (torch.contiguous_format, last):
        actual = layer(torch.from_numpy(x).to(memory_format=memory)).detach()
        np.testing.assert_allclose(actual.numpy(), expected, atol=1e-10)


def test_groups_are_as_many_as_the_rule_allows():
    for n_channels in range(1, 200):
        allowed = [
            g for g in range(1, 9) if n_channels % g == 0 and (g == 1 or n_channels / g >= 4)
        ]
        assert make_map_normalization("group", n_channels, 2).num_groups == max(allowed)


def test_batch_normalisation_equals_numpy():
    x = RNG.standard_normal((5, 3, 2, 4)) + 2
    layer = make_map_normalization("batch", 3, 2).double()
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    expected = (x - mean) / np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + 1e-5)
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach().numpy(), expected, atol=1e-12)


# --- what does not fit ---------------------------------------------------------------------------


def test_kernel_larger_than_the_map_names_the_layer():
    layers = [conv_layer(padding="valid", pooling="max", kernel=(5, 5)) for _ in range(3)]
    with pytest.raises(
        ValueError, match=r"kernel_size=\(5, 5\) of conv layer 2 .* of \(2, 3\) .*padding='same'"
    ):
        make_base((8, 10), layers)


def test_sizes_in_errors_are_those_of_a_signal():
    layer = conv_layer(padding="valid", kernel=(1, 9), pooling=None)
    with pytest.raises(ValueError, match=r"kernel_size=9 of conv layer 1 .* of 8 that"):
        make_base((8,), [layer], n_spatial=1)


@pytest.mark.parametrize("pooling", ["max", "average", "weighted"])
def test_window_larger_than_the_map_names_the_layer(pooling):
    layers = [
        conv_layer(padding="valid"),
        conv_layer(padding="valid", pooling=pooling, window=(5, 2)),
    ]
    with pytest.raises(
        ValueError, match=r"pool_size=\(5, 2\) of conv layer 2 .* of \(4, 6\) .*smaller pool_size"
    ):
        make_base((8, 10), layers)
    # padding="same" cuts the window to the map
    same = [layer | {"padding": "same"} for layer in layers]
    assert min(make_base((3, 3), same)(images(1, 1, 3, 3)).shape) >= 1


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("normalization", ["group", "layer"])
def test_one_value_cannot_be_normalised(normalization, residual):
    layer = conv_layer(channels=1, normalization=normalization, pooling="max")
    with pytest.raises(
        ValueError, match=f"normalization='{normalization}' has one value .* conv layer 2, of 1"
    ):
        make_base((4, 4), [layer, layer], residual=residual)
    make_base((4, 4), [layer, layer | {"channels": 2}], residual=residual)


@pytest.mark.parametrize("n_dims", [2, 3])
def test_batch_of_one_value_says_what_to_do(n_dims):
    layer = make_map_normalization("batch", 3, n_dims)
    one = torch.zeros(1, 3, *[1] * n_dims)
    with pytest.raises(ValueError, match="normalization='batch' needs at least two values"):
        layer(one)
    layer.eval()(one)


# --- a pretrained base ---------------------------------------------------------------------------


def make_pretrained():
    layers = [conv_layer(channels=c, normalization="batch") for c in (4, 5, 6)]
    return make_net(base=make_base((8, 9), layers).float(), is_pretrained=True)


@pytest.mark.parametrize("n_layers", [0, 1, 2, 3, "all"])
def test_thawing_lets_the_top_layers_learn(n_layers):
    net = make_pretrained()
    net.thaw("all")
    net.thaw(n_layers)
    first = 1 if n_layers == "all" else 4 - n_layers
    learning = {n for n, p in net.base.named_parameters() if p.requires_grad}
    expected = {
        f"{part}{number}.{name}"
        for number in range(first, 4)
        for part in ("conv", "normalization")
        for name in ("weight", "bias")
    }
    assert learning == expected
    assert all(p.requires_grad for p in net.head.parameters())


def test_thawing_more_layers_than_there_are_tells_their_number():
    with pytest.raises(ValueError, match="4.* has 3 layers"):
        make_pretrained().thaw(4)


@pytest.mark.parametrize("n_layers", [0, 1, 3])
def test_gradients_reach_thawed_layers_only(n_layers):
    net = make_pretrained()
    net.thaw(n_layers)
    net(images(3, 8, 9).float()).sum().backward()
    assert all(p.grad is not None for p in net.head.parameters())
    assert all((p.grad is not None) == p.requires_grad for p in net.base.parameters())


def test_pretrained_base_stays_in_evaluation():
    net = make_pretrained()
    net.thaw("all")
    before = net.base.normalization1.running_mean.clone()
    net.train()
    assert net.training
    assert net.head.training
    assert not any(layer.training for layer in net.base.modules())
    net(images(3, 8, 9).float())
    assert torch.equal(net.base.normalization1.running_mean, before)

    plain = make_net().train()
    assert all(layer.training for layer in plain.modules())


# --- the whole network ---------------------------------------------------------------------------


def test_network_is_its_parts_in_turn():
    net = make_net((8, 9), [conv_layer(), conv_layer(channels=6, pooling="average")]).double()
    net.input.standardize_by([1.0], [2.0])
    x = images(3, 8, 9)
    maps = F.relu(F.conv2d((x[:, None] - 1) / 2, net.base.conv1.weight, padding=1))
    maps = F.avg_pool2d(F.relu(F.conv2d(maps, net.base.conv2.weight, padding=1)), 2, ceil_mode=True)
    features = maps.mean(dim=(2, 3))
    hidden = F.relu(F.linear(features, net.head[0].weight, net.head[0].bias))
    outputs = F.linear(hidden, net.head[2].weight, net.head[2].bias)
    torch.testing.assert_close(net.penultimate(x), hidden)
    torch.testing.assert_close(net(x), outputs)


def test_kernels_lie_in_channels_last_memory():
    net = make_net((8, 9, 3))
    for conv in (net.base.conv1, net.base.conv2):
        assert conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_building_draws_from_the_generator_only():
    before = torch.get_rng_state()
    layers = [conv_layer(pooling="weighted", normalization="group", activation="prelu")]
    a, b, c = (
        make_base((8, 9), layers, residual=True, spatial_dropout=0.2, seed=seed)
        for seed in (0, 0, 1)
    )
    make_net()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(a.block1.body.conv.weight, b.block1.body.conv.weight)
    assert not torch.equal(a.block1.body.conv.weight, c.block1.body.conv.weight)


def test_signals_reach_a_module_without_height():
    conv = nn.Conv1d(2, 3, 4).double()
    x = images(5, 2, 1, 9)
    torch.testing.assert_close(modules.OnSignals(conv)(x), conv(x[:, :, 0]))
