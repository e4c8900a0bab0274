"""X as images: shapes, and what each channel measures."""

import numpy as np
import pytest

from sknets import CNNClassifier
from sknets.inputs import ImagesInput, channel_moments, read_image_shape
from sknets.inputs import _images as images_module
from sknets.modules import ImageInput

RNG = np.random.default_rng(0)
X = RNG.normal(5.0, 3.0, (20, 6, 4, 3))


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("block", [1, 2**22])
def test_moments_are_numpys(monkeypatch, channels_first, block):
    monkeypatch.setattr(images_module, "_BLOCK_VALUES", block)
    images = np.moveaxis(X, -1, 1) if channels_first else X
    shape = images.shape[1:]
    layer = ImageInput(shape, 2, channels_first=channels_first)
    mean, deviation = channel_moments(images, layer, None)
    np.testing.assert_allclose(mean, X.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(deviation, X.std(axis=(0, 1, 2)))


def test_weights_of_moments_are_repetitions():
    weight = RNG.integers(1, 4, 20).astype(float)
    layer = ImageInput(X.shape[1:], 2)
    ours = channel_moments(X, layer, weight)
    repeated = channel_moments(np.repeat(X, weight.astype(int), axis=0), layer, None)
    np.testing.assert_allclose(ours, repeated)


def test_memory_order_changes_no_bit():
    layer = ImageInput(X.shape[1:], 2)
    weight = RNG.uniform(size=20)
    np.testing.assert_array_equal(
        channel_moments(np.asfortranarray(X), layer, weight), channel_moments(X, layer, weight)
    )


def test_shape_is_read_from_rows_or_given():
    assert read_image_shape((8, 8), None, "auto") == ((8, 8), 2)
    assert read_image_shape((64,), (8, 8), "auto") == ((8, 8), 2)
    assert read_image_shape((50, 3), None, 1) == ((50, 3), 1)
    with pytest.raises(ValueError, match="input_shape=\\(8, 8\\) needs 64 features, X has 63"):
        read_image_shape((63,), (8, 8), "auto")


def test_rows_keep_the_users_type_and_shape():
    pixels = RNG.integers(0, 255, (5, 8, 8), dtype=np.uint8)
    reader, estimator = ImagesInput(), CNNClassifier()
    rows = reader.read(estimator, pixels, reset=True)
    assert rows is pixels
    assert estimator.n_features_in_ == 64
    reader.learn(rows)
    batch = reader.batch(rows, None, "cpu")
    assert batch.shape == (5, 8, 8)
    with pytest.raises(ValueError, match="A single image needs a first axis"):
        reader.read(estimator, pixels[0], reset=False)


def test_flat_lists_after_images_are_refused_as_arrays_are():
    network = CNNClassifier(max_iter=1, random_state=0)
    images = RNG.normal(size=(12, 4, 4))
    labels = np.arange(12) % 2
    network.partial_fit(images, labels, classes=[0, 1])
    for flat in (images.reshape(12, 16), images.reshape(12, 16).tolist()):
        with pytest.raises(ValueError, match="fitted to images of shape"):
            network.partial_fit(flat, labels)
