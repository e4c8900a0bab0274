"""From rows of X to standardised images, for every form in which X may come."""

import numpy as np
import pytest
import torch

from sknets import modules

RNG = np.random.default_rng(0)

# parameters of ImageInput, shape of the rows of X, axes of X as (n, channels, *size), channels, size
FORMS = {
    "signal": (((9,), 1, False), (9,), lambda x: x[:, None, None], 1, (1, 9)),
    "multichannel signal": (
        ((9, 3), 1, False),
        (9, 3),
        lambda x: x.transpose(0, 2, 1)[:, :, None],
        3,
        (1, 9),
    ),
    "signal, channels first": (((3, 9), 1, True), (3, 9), lambda x: x[:, :, None], 3, (1, 9)),
    "image": (((4, 5), 2, False), (4, 5), lambda x: x[:, None], 1, (4, 5)),
    "colour image": (
        ((4, 5, 3), 2, False),
        (4, 5, 3),
        lambda x: x.transpose(0, 3, 1, 2),
        3,
        (4, 5),
    ),
    "colour image, channels first": (((3, 4, 5), 2, True), (3, 4, 5), lambda x: x, 3, (4, 5)),
    "image, channels first": (((4, 5), 2, True), (4, 5), lambda x: x[:, None], 1, (4, 5)),
    "volume": (((2, 3, 4), 3, False), (2, 3, 4), lambda x: x[:, None], 1, (2, 3, 4)),
    "volume with channels": (
        ((2, 3, 4, 5), 3, False),
        (2, 3, 4, 5),
        lambda x: x.transpose(0, 4, 1, 2, 3),
        5,
        (2, 3, 4),
    ),
    "volume, channels first": (((5, 2, 3, 4), 3, True), (5, 2, 3, 4), lambda x: x, 5, (2, 3, 4)),
    "flat rows": (((4, 5), 2, False), (20,), lambda x: x.reshape(-1, 1, 4, 5), 1, (4, 5)),
    "flat rows of colour": (
        ((4, 5, 3), 2, False),
        (60,),
        lambda x: x.reshape(-1, 4, 5, 3).transpose(0, 3, 1, 2),
        3,
        (4, 5),
    ),
    "flat rows, channels first": (
        ((3, 4, 5), 2, True),
        (60,),
        lambda x: x.reshape(-1, 3, 4, 5),
        3,
        (4, 5),
    ),
}


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_images_are_standardised_in_channels_last_memory(form, dtype):
    (shape, n_spatial, channels_first), row_shape, arrange, n_channels, size = form
    x = RNG.integers(0, 256, (6, *row_shape)).astype(dtype)
    shift = RNG.uniform(50, 200, n_channels)
    scale = RNG.uniform(20, 90, n_channels)
    layer = modules.ImageInput(shape, n_spatial, channels_first=channels_first)
    layer = layer.to(torch.float64 if dtype == "float64" else torch.float32)
    layer.standardize_by(shift, scale)
    assert (layer.n_channels, layer.size) == (n_channels, size)
    assert layer.n_values == np.prod(row_shape)

    rows = torch.from_numpy(x.copy())
    images = layer(rows)
    per_channel = (n_channels, *[1] * len(size))
    expected = (arrange(x.astype(float)) - shift.reshape(per_channel)) / scale.reshape(per_channel)
    assert images.shape == (6, n_channels, *size)
    assert images.dtype == layer.scale.dtype
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(images.numpy(), expected, atol=tolerance)
    last = torch.channels_last if len(size) == 2 else torch.channels_last_3d
    assert images.is_contiguous(memory_format=last)
    assert np.array_equal(rows.numpy(), x)


def test_rows_are_not_modified_without_standardisation_either():
    rows = torch.arange(20.0).reshape(1, 4, 5)
    images = modules.ImageInput((4, 5), 2)(rows)
    images.zero_()
    assert rows.sum() == 190


def test_arranging_axes_copies_nothing():
    rows = torch.zeros(6, 4, 5, 3, dtype=torch.uint8)
    images = modules.ImageInput((4, 5, 3), 2).as_images(rows)
    assert images.dtype == torch.uint8
    assert images.data_ptr() == rows.data_ptr()


def test_moments_travel_with_the_state_dict():
    layer, other = (modules.ImageInput((4, 5, 3), 2) for _ in range(2))
    layer.standardize_by([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    other.load_state_dict(layer.state_dict())
    assert other.shift.flatten().tolist() == [1.0, 2.0, 3.0]
    assert other.scale.flatten().tolist() == [4.0, 5.0, 6.0]
