"""Pooling against windows written out in NumPy."""

import itertools

import numpy as np
import pytest
import torch

from sknets import modules
from sknets.modules._pooling import (
    Downsample,
    FlattenMaps,
    GlobalPool,
    WeightedPool,
    make_pooling,
    pooled_size,
)

RNG = np.random.default_rng(0)
REDUCTIONS = {"max": np.max, "average": np.mean, "weighted": np.mean}

# size, window, stride, is_partial
GEOMETRIES = {
    "exact": ((6, 8), (2, 2), (2, 2), False),
    "rest left out": ((7, 9), (2, 2), (2, 2), False),
    "partial": ((7, 9), (2, 2), (2, 2), True),
    "partial, two rows": ((8, 10), (3, 4), (3, 4), True),
    "overlapping": ((7, 9), (3, 3), (2, 1), False),
    "overlapping, partial": ((8, 10), (3, 3), (2, 2), True),
    "gaps": ((9, 11), (2, 2), (3, 4), True),
    "signal": ((1, 11), (1, 3), (1, 3), True),
    "volume": ((4, 5, 7), (2, 2, 2), (2, 2, 2), False),
    "volume, partial": ((4, 5, 7), (2, 3, 2), (2, 3, 2), True),
}


def starts(n, window, stride, is_partial):
    """First positions of windows: those that fit, and one more where values would be left out."""
    fitting = list(range(0, n - window + 1, stride))
    following = fitting[-1] + stride
    if is_partial and fitting[-1] + window < n and following < n:
        fitting.append(following)
    return fitting


def windows(size, window, stride, is_partial):
    """Return the slices of each window, in an array of the shape of the result."""
    per_axis = [
        [slice(a, min(a + w, n)) for a in starts(n, w, s, is_partial)]
        for n, w, s in zip(size, window, stride, strict=True)
    ]
    return per_axis, tuple(len(axis) for axis in per_axis)


def pool_by_hand(x, reduce, size, window, stride, is_partial):
    per_axis, new_size = windows(size, window, stride, is_partial)
    out = np.empty((*x.shape[:2], *new_size))
    axes = tuple(range(2, x.ndim))
    for index in np.ndindex(*new_size):
        part = tuple(axis[i] for axis, i in zip(per_axis, index, strict=True))
        out[(..., *index)] = reduce(x[(..., *part)], axis=axes)
    return out


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_pooling_equals_windows_written_out(name, geometry):
    size, window, stride, is_partial = geometry
    x = RNG.standard_normal((2, 3, *size))
    layer = make_pooling(name, window, stride, 3, is_partial=is_partial).double()
    expected = pool_by_hand(x, REDUCTIONS[name], *geometry)
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_weighted_pooling_is_a_softmax_mean_of_what_is_inside(geometry):
    size, window, stride, is_partial = geometry
    x = RNG.standard_normal((2, 3, *size))
    layer = WeightedPool(window, stride, 3, is_partial).double()
    logits = RNG.standard_normal((3, *window))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(logits)[:, None])

    per_axis, new_size = windows(*geometry)
    axes = tuple(range(2, x.ndim))
    expected = np.empty((2, 3, *new_size))
    for index in np.ndindex(*new_size):
        part = x[(..., *(axis[i] for axis, i in zip(per_axis, index, strict=True)))]
        inside = np.exp(logits[(..., *(slice(n) for n in part.shape[2:]))])
        total = inside.reshape(3, -1).sum(axis=1)
        expected[(..., *index)] = (part * inside).sum(axis=axes) / total
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("is_partial", [False, True])
def test_gradient_of_weighted_pooling(is_partial):
    layer = WeightedPool((2, 2), (2, 2), 2, is_partial).double()
    x = torch.from_numpy(RNG.standard_normal((2, 2, 5, 5))).requires_grad_()
    weight = torch.from_numpy(RNG.standard_normal((2, 1, 2, 2))).requires_grad_()

    def call(x, weight):
        return torch.func.functional_call(layer, {"weight": weight}, (x,))

    assert torch.autograd.gradcheck(call, (x, weight))


def test_gradient_of_the_first_weights_is_the_deviation_from_the_mean():
    # d Σ softmax(w)ᵢ xᵢ / dwᵢ = pᵢ (xᵢ - x̄) with p = 1/4 at the start
    x = RNG.standard_normal((1, 1, 2, 2))
    layer = WeightedPool((2, 2), (2, 2), 1, False).double()
    layer(torch.from_numpy(x)).sum().backward()
    np.testing.assert_allclose(layer.weight.grad.numpy(), (x - x.mean()) / 4, atol=1e-14)


@pytest.mark.parametrize(("size", "stride"), [((7, 8), (2, 3)), ((1, 9), (1, 4))])
def test_downsampling_keeps_the_first_value_of_each_step(size, stride):
    x = RNG.standard_normal((2, 3, *size))
    expected = x[:, :, :: stride[0], :: stride[1]]
    assert np.array_equal(Downsample(stride)(torch.from_numpy(x)).numpy(), expected)


@pytest.mark.parametrize("is_partial", [False, True])
@pytest.mark.parametrize("name", modules.POOLINGS)
def test_pooled_size_is_that_of_the_layer(name, is_partial):
    for n, window, stride in itertools.product(range(1, 12), range(1, 6), range(1, 7)):
        if window > n:
            continue
        layer = make_pooling(name, (1, window), (1, stride), 1, is_partial=is_partial)
        actual = tuple(layer(torch.zeros(1, 1, 1, n)).shape[2:])
        promised = pooled_size(name, (1, n), (1, window), (1, stride), is_partial=is_partial)
        assert promised == actual, (n, window, stride)
        if name != "downsample":
            assert actual[1] == len(starts(n, window, stride, is_partial))


@pytest.mark.parametrize("name", ["max", "average", "weighted"])
def test_window_larger_than_the_map_has_no_size(name):
    assert min(pooled_size(name, (3, 8), (4, 2), (4, 2), is_partial=False)) < 1


@pytest.mark.parametrize("size", [(1, 6), (4, 5), (2, 3, 4)])
@pytest.mark.parametrize(("name", "reduce"), [("average", np.mean), ("max", np.max)])
def test_global_pooling(name, reduce, size):
    x = RNG.standard_normal((2, 3, *size))
    expected = reduce(x.reshape(2, 3, -1), axis=2)
    np.testing.assert_allclose(GlobalPool(name)(torch.from_numpy(x)).numpy(), expected, atol=1e-14)


@pytest.mark.parametrize("size", [(1, 6), (4, 5), (2, 3, 4)])
def test_flat_maps_are_in_the_order_of_images_with_channels_last(size):
    images = RNG.standard_normal((2, *size, 3))
    x = torch.from_numpy(images).movedim(-1, 1)  # channels-last memory
    flat = FlattenMaps()(x)
    assert np.array_equal(flat.numpy(), images.reshape(2, -1))
    assert flat.data_ptr() == x.data_ptr()  # no copy
    assert np.array_equal(FlattenMaps()(x.contiguous()).numpy(), images.reshape(2, -1))


def test_flat_maps_leave_vectors_alone():
    x = torch.zeros(2, 3)
    assert FlattenMaps()(x) is x
