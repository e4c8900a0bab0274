"""The displays draw the numbers of the functions."""

import sys
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.model_selection import FixedThresholdClassifier

from sknets import CNNClassifier, CNNRegressor
from sknets.inspection import (
    ActivationsDisplay,
    FiltersDisplay,
    HeatmapDisplay,
    grad_cam,
    layer_activations,
    layer_relevance,
    learned_filters,
)
from tests.inspection.networks import X_NEW, X, fit


@pytest.fixture(scope="module")
def network():
    return fit()


def test_activations_are_drawn(network):
    display = ActivationsDisplay.from_estimator(network, X_NEW[0])
    activations = layer_activations(network, X_NEW[:1])
    assert list(display.axes_) == list(activations)
    for name, cells in display.axes_.items():
        assert cells[0].get_title(loc="left") == name
        for number, cell in enumerate(cells):
            (image,) = cell.get_images()
            np.testing.assert_array_equal(image.get_array(), activations[name][0, ..., number])
            assert image.get_clim() == (activations[name].min(), activations[name].max())
    few = ActivationsDisplay.from_estimator(network, X_NEW[0], layer="conv2", max_maps=3)
    assert few.axes_["conv2"].shape == (3,)
    assert few.figure_ is few.axes_["conv2"][0].figure


def test_filters_are_drawn(network):
    display = FiltersDisplay.from_estimator(network)
    kernels = learned_filters(network)
    for cell, kernel in zip(display.axes_, kernels, strict=True):
        (image,) = cell.get_images()
        np.testing.assert_array_equal(image.get_array(), kernel[..., 0])
        assert image.norm.vmin == -image.norm.vmax  # zero is white
    deeper = FiltersDisplay.from_estimator(network, layer="conv2", max_maps=2)
    assert deeper.axes_.shape == (2,)
    assert deeper.axes_[0].get_title(loc="left") == "conv2, mean over 4 maps"


def test_heatmaps_stand_below_their_images(network):
    predicted = network.predict(X_NEW[:4])
    y = predicted.copy()
    y[2] = (y[2] + 1) % 10
    methods = ["grad_cam", "relevance", "integrated_gradients", "occlusion"]
    display = HeatmapDisplay.from_estimator(network, X_NEW[:4], y, method=methods)
    assert display.axes_.shape == (5, 4)
    colours = [cell.title.get_color() for cell in display.axes_[0]]
    assert [colour == colours[0] for colour in colours] == [True, True, False, True]
    assert display.axes_[0, 2].get_title() == f"true {y[2]}\npredicted {predicted[2]}"
    relevance = layer_relevance(network, X_NEW[:4])
    _, heat = display.axes_[2, 1].get_images()
    strength = np.abs(relevance[1]) / np.abs(relevance[1]).max()
    np.testing.assert_allclose(heat.get_array()[..., 3], 0.9 * strength)
    is_red = heat.get_array()[..., 0] > heat.get_array()[..., 2]
    np.testing.assert_array_equal(is_red, relevance[1] >= 0)


def test_heatmaps_explain_the_class_in_their_titles():
    # a threshold turns the class that the network finds most likely
    rows, y = X.reshape(len(X), -1), np.where(np.arange(len(X)) % 3, "a", "b")
    network = CNNClassifier((3,), input_shape=(8, 8), max_iter=1, random_state=0)
    turned = FixedThresholdClassifier(network, threshold=-1.0, pos_label="b").fit(rows, y)
    new = X_NEW[:3].reshape(3, -1)
    assert set(turned.estimator_.predict(new)) == {"a"} != set(turned.predict(new))
    display = HeatmapDisplay.from_estimator(turned, new)
    assert display.axes_[0, 0].get_title() == "predicted b"
    expected = grad_cam(turned, new, target="b")
    np.testing.assert_array_equal(display.heatmaps["Grad-CAM"], expected)


def test_heatmaps_take_functions_targets_and_axes(network):
    figure, axes = plt.subplots(1, 2)
    method = partial(grad_cam, layer="conv1")
    display = HeatmapDisplay.from_estimator(network, X_NEW[:2], method=method, target=3, ax=axes[1])
    assert display.figure_ is figure
    expected = grad_cam(network, X_NEW[:2], target=3, layer="conv1")
    np.testing.assert_array_equal(display.heatmaps["Grad-CAM"], expected)
    assert display.axes_[0, 0].get_title() == f"predicted {network.predict(X_NEW[:1])[0]}"


def test_signals_colours_and_numbers_are_drawn():
    rng = np.random.default_rng(0)
    signals, y = rng.normal(size=(30, 9, 2)), np.arange(30) % 2
    network = fit(signals, y, conv_channels=3, conv_dim=1)
    display = HeatmapDisplay.from_estimator(network, signals[:2], method="integrated_gradients")
    (lines,) = display.axes_[1, 0].collections
    assert len(lines.get_segments()) == 8
    assert lines.norm.vmin == -lines.norm.vmax
    ActivationsDisplay.from_estimator(network, signals[0])
    FiltersDisplay.from_estimator(network)
    pictures = rng.uniform(size=(30, 6, 6, 3))
    regressor = CNNRegressor(conv_channels=2, max_iter=1, random_state=0).fit(
        pictures, X[:30].mean(axis=(1, 2))
    )
    display = HeatmapDisplay.from_estimator(regressor, pictures[:2], [1.25, 2])
    assert display.axes_[0, 0].get_title().startswith("true 1.25\npredicted ")
    assert display.axes_[0, 0].get_images()[0].get_array().shape == (6, 6, 3)
    assert FiltersDisplay.from_estimator(regressor).axes_[0].get_images()[0].get_array().ndim == 3


def test_errors_say_what_to_do(network, monkeypatch):
    with pytest.raises(ValueError, match="method='lrp' is unknown; choose from"):
        HeatmapDisplay.from_estimator(network, X_NEW[:2], method="lrp")
    with pytest.raises(ValueError, match="layer='conv7' is unknown"):
        ActivationsDisplay.from_estimator(network, X_NEW[0], layer="conv7")
    volumes = np.random.default_rng(0).normal(size=(20, 4, 4, 4, 1))
    solid = fit(volumes, np.arange(20) % 2, conv_channels=2)
    for draw in (
        lambda: HeatmapDisplay.from_estimator(solid, volumes[:2]),
        lambda: ActivationsDisplay.from_estimator(solid, volumes[0]),
        lambda: FiltersDisplay.from_estimator(solid),
    ):
        with pytest.raises(ValueError, match="of volumes cannot be drawn"):
            draw()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    for draw in (
        lambda: HeatmapDisplay.from_estimator(network, X_NEW[:2]),
        lambda: ActivationsDisplay.from_estimator(network, X_NEW[0]),
        lambda: FiltersDisplay.from_estimator(network),
    ):
        with pytest.raises(ImportError, match=r"Display needs matplotlib.*'sknets\[plot\]'"):
            draw()


def test_labels_must_be_as_many_as_images(network):
    with pytest.raises(ValueError, match="y has 1 labels for 2 images"):
        HeatmapDisplay.from_estimator(network, X_NEW[:2], [1])
