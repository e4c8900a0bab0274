"""What leads back through convolutions: transposes of their matrices, and sizes of all kinds."""

import numpy as np
import pytest
import torch
from torch import nn

from sknets.modules import ConvAutoencoder, ImageInput, make_base
from sknets.modules._conv_net import map_sizes
from sknets.modules._mirrored_convolution import Maps, Unpool, make_mirror, make_transposed
from sknets.modules._pooling import FlattenMaps, make_pooling

LAYER = {"channels": 3, "kernel": (3, 3), "stride": (1, 1), "padding": "same", "pooling": "max"}
LAYER |= {"window": (2, 2), "pool_stride": (2, 2), "activation": "identity", "normalization": None}
GENERATOR = torch.Generator().manual_seed(0)


def transposed_by_numpy(x, weight, bias, stride, pads, size):
    """Return what each small position adds to the places that its kernel saw, one after the other."""
    n_outputs, (height, width) = weight.shape[1], weight.shape[2:]
    padded = [n + sum(pad) for n, pad in zip(size, pads, strict=True)]
    whole = np.zeros((len(x), n_outputs, *padded))
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            top, left = i * stride[0], j * stride[1]
            patch = np.einsum("nc,cdkl->ndkl", x[:, :, i, j], weight)
            whole[:, :, top : top + height, left : left + width] += patch
    (top, _), (left, _) = pads
    return whole[:, :, top : top + size[0], left : left + size[1]] + bias[:, None, None]


@pytest.mark.parametrize("padding", ["same", "valid", (1, 2)])
@pytest.mark.parametrize(
    ("size", "kernel", "stride"),
    [((7, 5), (3, 3), (2, 2)), ((6, 9), (2, 4), (1, 3)), ((8, 8), (5, 2), (3, 1))],
)
def test_transposed_convolution_equals_numpy(size, kernel, stride, padding):
    layer = LAYER | {"kernel": kernel, "stride": stride, "padding": padding, "pooling": None}
    pads, small, _ = map_sizes(size, layer)
    conv = make_transposed(2, 3, kernel, stride, pads, size).double()
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.normal_(generator=GENERATOR)
    x = torch.randn(4, 2, *small, dtype=torch.float64, generator=GENERATOR)
    weight, bias = (p.detach().numpy() for p in (conv.weight, conv.bias))
    expected = transposed_by_numpy(x.numpy(), weight, bias, stride, pads, size)
    assert expected.shape[2:] == size
    np.testing.assert_allclose(conv(x).detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("size", [(7, 5), (8, 6), (5, 7, 3)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_it_is_the_transpose_of_the_convolution(size, padding):
    n = len(size)
    layer = LAYER | {"kernel": (3,) * n, "stride": (2,) * n, "padding": padding, "pooling": None}
    pads, small, _ = map_sizes(size, layer)
    conv = make_transposed(3, 2, layer["kernel"], layer["stride"], pads, size).double()
    with torch.no_grad():
        conv.weight.normal_(generator=GENERATOR)
        conv.bias.zero_()
    conv.requires_grad_(False)
    x = torch.randn(1, 2, *size, dtype=torch.float64, generator=GENERATOR)
    y = torch.randn(1, 3, *small, dtype=torch.float64, generator=GENERATOR)
    flat = [number for pad in reversed(pads) for number in pad]
    convolve = {2: nn.functional.conv2d, 3: nn.functional.conv3d}[n]
    # the weight of one, inputs first, is that of the other, outputs first
    there = convolve(nn.functional.pad(x, flat), conv.weight, stride=layer["stride"])
    assert there.shape == y.shape
    assert float((there * y).sum()) == pytest.approx(float((x * conv(y)).sum()), abs=1e-10)


@pytest.mark.parametrize("name", ["max", "average", "downsample"])
@pytest.mark.parametrize(("n", "window", "is_partial"), [(7, 2, True), (9, 4, True), (8, 3, False)])
def test_unpool_gives_each_place_the_value_of_its_window(name, n, window, is_partial):
    places = torch.arange(n * n, dtype=torch.float64).reshape(1, 1, n, n)
    pool = make_pooling(name, (window,) * 2, (window,) * 2, 1, is_partial=is_partial)
    small = pool(places)
    back = Unpool((window,) * 2, (n, n))(small)
    assert back.shape == places.shape
    row = np.minimum(np.arange(n) // window, small.shape[2] - 1)
    np.testing.assert_array_equal(back[0, 0].numpy(), small[0, 0].numpy()[np.ix_(row, row)])


def test_windows_that_overlap_are_repeated_from_where_they_begin():
    small = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    back = Unpool((1, 2), (1, 8))(small)
    assert back.flatten().tolist() == [1, 1, 2, 2, 3, 3, 3, 3]


@pytest.mark.parametrize("size", [(5, 4), (4, 3, 2)])
def test_maps_undo_what_was_flattened(size):
    maps = torch.randn(2, 3, *size, generator=GENERATOR)
    assert torch.equal(Maps(3, size)(FlattenMaps()(maps)), maps)


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize(("shape", "n_spatial"), [((5,), 1), ((5, 3), 1), ((4, 5, 3), 2)])
def test_rows_of_images_are_those_of_X(shape, n_spatial, channels_first):
    images = ImageInput(shape, n_spatial, channels_first=channels_first)
    x = torch.randn(2, *shape, generator=GENERATOR)
    assert torch.equal(images.as_rows(images.as_images(x)), x.flatten(1))


@pytest.mark.parametrize("padding", ["same", "valid", (1, 1)])
@pytest.mark.parametrize("pooling", ["max", "average", "weighted", "downsample", None])
@pytest.mark.parametrize("side", [11, 12, 13, 14])
def test_images_of_any_side_come_back_in_their_size(side, pooling, padding):
    layers = [
        LAYER | {"padding": padding, "pooling": pooling, "pool_stride": (2, 1)},
        LAYER | {"padding": padding, "pooling": pooling, "stride": (2, 1), "kernel": (2, 3)},
    ]
    input = ImageInput((side, side + 1, 2), 2)
    options = {"weight_init": "glorot_uniform", "spatial_dropout": 0.0, "generator": GENERATOR}
    base = make_base(input, layers, method="direct", residual=False, **options)
    maps = base(torch.randn(2, 2, side, side + 1, generator=GENERATOR))
    size = (side, side + 1)
    for layer in layers:
        size = map_sizes(size, layer)[2]
    assert maps.shape[2:] == size
    images = make_mirror(input, layers, **options)(maps.movedim(1, -1).flatten(1))
    assert images.shape == (2, 2, side, side + 1)


def test_initial_weights_are_those_of_the_scheme():
    conv = make_transposed(40, 30, (3, 3), (1, 1), [(1, 1)] * 2, (8, 8))
    from sknets.modules._mirrored_convolution import _initialize

    _initialize(conv, "he_normal", "relu", GENERATOR)
    assert float(conv.weight.detach().std()) == pytest.approx(np.sqrt(2 / (40 * 9)), rel=0.02)
    _initialize(conv, "orthogonal", "identity", GENERATOR)
    rows = conv.weight.detach().transpose(0, 1).flatten(1)  # a row for each output
    torch.testing.assert_close(rows @ rows.T, torch.eye(30), atol=1e-5, rtol=0)


def test_work_counts_each_weight_at_each_small_position():
    from sknets.modules import describe_layers

    plan = {
        "input": {"shape": (7, 7), "n_spatial": 2},
        "layers": [LAYER],
        "head_sizes": [2],
        "head_activations": ["identity"],
        "dropout": 0.0,
        "spatial_dropout": 0.0,
        "weight_init": "glorot_uniform",
        "noise": None,
        "noise_level": 0.0,
    }
    module = ConvAutoencoder(**plan, generator=GENERATOR)
    work = {layer.name: layer for layer in describe_layers(module, torch.zeros(1, 7, 7))}
    assert work["base.conv1"].multiply_adds == 27 * 49 == work["mirror.conv1"].multiply_adds
    assert work["mirror.conv1"].output_shape == (1, 7, 7)
    assert work["mirror.unpool1"].output_shape == (3, 7, 7)
