"""Convolutions, direct and through the Fourier transform, against SciPy and Torch."""

import math

import numpy as np
import pytest
import scipy.signal
import torch
import torch.nn.functional as F

from sknets import modules
from sknets.modules._convolution import fft_convolve, fft_is_cheaper, make_convolution

# size, kernel, stride, padding
GEOMETRIES = {
    "signal": ((1, 37), (1, 5), (1, 1), (0, 2)),
    "signal, even kernel, stride": ((1, 37), (1, 8), (1, 3), (0, 5)),
    "image": ((11, 14), (3, 3), (1, 1), (1, 1)),
    "image, kernel of two shapes": ((11, 14), (4, 7), (1, 1), (2, 3)),
    "image, strides": ((11, 14), (5, 2), (2, 3), (3, 0)),
    "image, kernel as large as the map": ((6, 7), (6, 7), (1, 1), (0, 0)),
    "image, padding above the kernel": ((5, 4), (2, 3), (3, 2), (4, 3)),
    "volume": ((5, 6, 7), (3, 3, 3), (1, 1, 1), (1, 1, 1)),
    "volume, strides": ((5, 6, 7), (2, 3, 4), (2, 1, 3), (0, 2, 1)),
}
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-10}


def draw(size, kernel, dtype=torch.float64, n=3, n_inputs=2, n_outputs=4):
    generator = torch.Generator().manual_seed(0)
    shapes = ((n, n_inputs, *size), (n_outputs, n_inputs, *kernel), (n_outputs,))
    x, weight, bias = (torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes)
    weight /= math.sqrt(n_inputs * math.prod(kernel))
    return [t.to(dtype) for t in (x, weight, bias)]


def make_layer(method, size, kernel, stride, padding, weight, bias):
    n_outputs, n_inputs = weight.shape[:2]
    layer = make_convolution(
        n_inputs, n_outputs, kernel, stride, padding, size=size, method=method
    ).to(weight.dtype)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


@pytest.mark.parametrize("method", ["direct", "fft"])
@pytest.mark.parametrize("mode", ["valid", "same", "full"])
@pytest.mark.parametrize(
    ("size", "kernel"), [((1, 20), (1, 7)), ((9, 12), (5, 3)), ((5, 6, 7), (3, 3, 5))]
)
def test_layer_is_scipys_correlation(method, mode, size, kernel):
    paddings = {"valid": [0] * len(size), "same": [k // 2 for k in kernel]}
    paddings["full"] = [k - 1 for k in kernel]
    x, weight, bias = draw(size, kernel)
    unit = (1,) * len(size)
    layer = make_layer(method, size, kernel, unit, tuple(paddings[mode]), weight, bias)
    expected = [
        [
            bias[j].item()
            + sum(scipy.signal.correlate(row[i], weight[j, i], mode) for i in range(len(row)))
            for j in range(len(weight))
        ]
        for row in x.numpy()
    ]
    np.testing.assert_allclose(layer(x).detach().numpy(), np.array(expected), atol=1e-12)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_fft_equals_direct(geometry, dtype):
    size, kernel, stride, padding = geometry
    x, weight, bias = draw(size, kernel, dtype)
    results = {}
    for method in ("direct", "fft"):
        layer = make_layer(method, size, kernel, stride, padding, weight, bias)
        images = x.clone().requires_grad_()
        maps = layer(images)
        seed = torch.linspace(-1, 1, maps.numel(), dtype=dtype).view_as(maps)
        maps.backward(seed / math.sqrt(maps.numel()))
        results[method] = (maps.detach(), images.grad, layer.weight.grad, layer.bias.grad)
    for direct, fft in zip(*results.values(), strict=True):
        torch.testing.assert_close(fft, direct, rtol=0, atol=TOLERANCES[dtype])


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_fft_in_channels_last_memory(geometry):
    size, kernel, stride, padding = geometry
    x, weight, bias = draw(size, kernel)
    convolve = {2: F.conv2d, 3: F.conv3d}[len(size)]
    last = {2: torch.channels_last, 3: torch.channels_last_3d}[len(size)]
    actual = fft_convolve(
        x.to(memory_format=last), weight.to(memory_format=last), bias, stride, padding
    )
    torch.testing.assert_close(actual, convolve(x, weight, bias, stride, padding))


@pytest.mark.parametrize(
    "geometry",
    [
        ((1, 7), (1, 3), (1, 2), (0, 1)),
        ((4, 5), (2, 3), (1, 2), (1, 0)),
        ((3, 2, 4), (2, 1, 3), (1, 1, 2), (0, 1, 1)),
    ],
    ids=["signal", "image", "volume"],
)
def test_fft_gradient_equals_finite_differences(geometry):
    size, kernel, stride, padding = geometry
    inputs = [t.requires_grad_() for t in draw(size, kernel, n=2, n_outputs=2)]
    assert torch.autograd.gradcheck(lambda *t: fft_convolve(*t, stride, padding), inputs)


@pytest.mark.parametrize(
    ("side", "k", "expected"), [(64, 31, "FFTConv2d"), (64, 3, "Conv2d"), (128, 3, "Conv2d")]
)
@pytest.mark.parametrize("n_inputs", [1, 16])
def test_auto_takes_the_transform_for_large_kernels(side, k, expected, n_inputs):
    layer = make_convolution(
        n_inputs, 16, (k, k), (1, 1), (k // 2, k // 2), size=(side, side), method="auto"
    )
    assert type(layer).__name__ == expected


def test_auto_counts_only_the_positions_of_the_stride():
    geometry = (16, 16, (31, 31)), ((15, 15), (64, 64))
    (n_inputs, n_outputs, kernel), (padding, size) = geometry
    assert fft_is_cheaper(n_inputs, n_outputs, kernel, (1, 1), padding, size)
    assert not fft_is_cheaper(n_inputs, n_outputs, kernel, (16, 16), padding, size)


@pytest.mark.parametrize("method", modules.METHODS)
@pytest.mark.parametrize("n_dims", [2, 3])
def test_making_a_layer_draws_nothing(method, n_dims):
    before = torch.get_rng_state()
    one = (1,) * n_dims
    make_convolution(2, 3, (3,) * n_dims, one, one, size=(8,) * n_dims, method=method)
    assert torch.equal(before, torch.get_rng_state())
