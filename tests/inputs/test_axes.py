"""Whether axes stand as they are read: a warning where they seem not to, and none for usual shapes."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sknets import CNNClassifier, CNNRegressor, RNNClassifier
from sknets.inputs import doubt_channels, doubt_times, regular

RNG = np.random.default_rng(0)
TIMES = np.arange(2000)


def noise(*shape):
    return RNG.normal(size=(6, *shape))


def waves(n_times, n_features):
    """Series of one sensor a feature, (6, n_times, n_features)."""
    phase, period = RNG.uniform(0, 6, (6, 1, n_features)), RNG.uniform(10, 40, (6, 1, n_features))
    return np.sin(TIMES[:n_times, None] / period * 6.28 + phase) + RNG.normal(
        0, 0.1, (6, n_times, n_features)
    )


SIGNALS = waves(500, 3).swapaxes(1, 2)


@pytest.mark.parametrize(
    "shape", [(3, 32, 32), (1, 28, 28), (4, 64, 64), (3, 48, 64), (3, 224, 224), (1, 16, 16)]
)
def test_images_with_channels_first_name_data_format(shape):
    words = doubt_channels(noise(*shape), shape, 2, channels_first=False)
    assert f"{shape[0]} x {shape[1]} pixels with {shape[2]} channels" in words
    assert "data_format='channels_first'" in words
    assert doubt_channels(noise(*shape), shape, 2, channels_first=True) is None
    last = (*shape[1:], shape[0])
    assert doubt_channels(noise(*last), last, 2, channels_first=False) is None
    words = doubt_channels(noise(*last), last, 2, channels_first=True)
    assert "data_format='channels_last'" in words


@pytest.mark.parametrize(
    ("shape", "n_spatial"),
    [
        ((8, 8), 2),
        ((28, 28), 2),
        ((28, 28, 1), 2),
        ((32, 32, 3), 2),
        ((64, 48, 4), 2),
        ((4, 4, 64), 2),
        ((3, 3, 32), 2),
        ((1, 1, 512), 2),
        ((7, 7, 512), 2),
        ((3, 200, 2), 2),
        ((16, 16, 13), 2),
        ((64, 10), 2),
        ((64,), 1),
        ((500, 3), 1),
        ((64, 12), 1),
        ((4, 384), 1),
        ((3, 768), 1),
        ((4, 128), 2),
        ((24, 24), 1),
        ((10, 64), 1),
        ((16, 32, 32), 3),
        ((16, 32, 32, 1), 3),
        ((4, 4, 4, 16), 3),
    ],
)
def test_usual_shapes_of_images_raise_no_doubt(shape, n_spatial):
    assert doubt_channels(noise(*shape), shape, n_spatial, channels_first=False) is None


def test_volumes_with_channels_first_name_data_format():
    shape = (1, 16, 32, 32)
    words = doubt_channels(noise(*shape), shape, 3, channels_first=False)
    assert "1 x 16 x 32 pixels with 32 channels" in words
    assert "set data_format='channels_first'" in words


def test_signals_with_channels_first_name_what_to_set():
    last = waves(500, 3)
    first = last.swapaxes(1, 2)
    words = doubt_channels(first, (3, 500), 1, channels_first=False)
    assert "signals of 3 times with 500 channels" in words
    assert "set data_format='channels_first'" in words
    flat = first.reshape(6, -1)
    assert doubt_channels(flat, (3, 500), 1, channels_first=False) == words
    assert doubt_channels(first, (3, 500), 1, channels_first=True) is None
    words = doubt_channels(last, (500, 3), 1, channels_first=True)
    assert "set data_format='channels_last'" in words
    words = doubt_channels(first, (3, 500), 2, channels_first=False)
    assert "images of 3 x 500 pixels" in words
    assert "conv_dim=1, data_format='channels_first'" in words
    words = doubt_channels(last, (500, 3), 2, channels_first=False)
    assert words.endswith("set conv_dim=1.")
    for X in (first, last):
        shape = X.shape[1:]
        assert doubt_channels(X, shape, 2, channels_first=False, is_dim_set=True) is None


@pytest.mark.parametrize("shape", [(4, 384), (3, 768), (1, 512), (2, 128)])
def test_few_embeddings_raise_no_doubt(shape):
    X, y = noise(*shape), np.arange(6) % 2
    assert doubt_times(regular(X)) is None
    swapped = X.swapaxes(1, 2)
    for images in (X, swapped):
        for n_spatial in (1, 2):
            for first in (False, True):
                shape = images.shape[1:]
                assert doubt_channels(images, shape, n_spatial, channels_first=first) is None
    small = {"max_iter": 1, "conv_channels": (4,)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        RNNClassifier(max_iter=1, conv_channels=()).fit(X, y)
        for images in (X, SIGNALS, SIGNALS.swapaxes(1, 2)):
            CNNClassifier(**small, conv_dim=2).fit(images, y)


@pytest.mark.parametrize("n_features", [6, 9, 12, 20])
def test_sensors_before_times_are_seen_by_their_neighbours(n_features):
    X = waves(128, n_features)
    swapped = X.swapaxes(1, 2)
    assert doubt_times(regular(X)) is None
    words = doubt_times(regular(swapped))
    assert f"series of {n_features} times with 128 features" in words
    assert "X.transpose(0, 2, 1)" in words
    shape = swapped.shape[1:]
    assert "data_format" in doubt_channels(swapped, shape, 1, channels_first=False)
    assert doubt_channels(swapped, shape, 1, channels_first=True) is None


@pytest.mark.parametrize(
    "shape",
    [
        (4, 384),
        (3, 768),
        (5, 300),
        (10, 64),
        (10, 768),
        (24, 5),
        (1, 30),
        (4, 64),
        (128, 128),
        (100, 40),
    ],
)
@pytest.mark.parametrize("is_smooth", [False, True])
def test_usual_series_raise_no_doubt(shape, is_smooth):
    X = np.cumsum(noise(*shape), axis=1) if is_smooth else noise(*shape)
    assert doubt_times(regular(X)) is None


def test_spectrograms_raise_no_doubt():
    frames = np.exp(-((np.arange(64) - 20 - 20 * np.sin(TIMES[:24, None] / 5)) ** 2) / 60)
    assert doubt_times(regular(frames + noise(24, 64) * 0.02)) is None


@pytest.mark.parametrize(
    ("network", "X"),
    [
        (CNNClassifier(max_iter=1, conv_channels=(4,)), noise(3, 32, 32)),
        (CNNRegressor(max_iter=1, conv_channels=(4,), conv_dim=1), SIGNALS),
        (CNNClassifier(max_iter=1, conv_channels=(4,), input_shape=(3, 16, 16)), noise(768)),
        (RNNClassifier(max_iter=1, conv_channels=()), SIGNALS),
        (RNNClassifier(max_iter=1, conv_channels=()), list(SIGNALS)),
    ],
    ids=["images", "signals", "table", "series", "list"],
)
def test_the_first_fit_warns_once_at_the_users_line(network, X):
    y = np.arange(6) % 2
    with pytest.warns(UserWarning, match="X is read as") as caught:
        network.fit(X, y)
    caught = [w for w in caught if not issubclass(w.category, ConvergenceWarning)]
    assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.predict(X)
        network.partial_fit(X, y)
