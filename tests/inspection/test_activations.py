"""Activations and kernels are those of the network, in the layout of X."""

import numpy as np
import pytest
from scipy.signal import correlate, correlate2d
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sknets import CNNClassifier, MLPClassifier
from sknets.inspection import layer_activations, learned_filters
from tests.inspection.networks import X_NEW, X, Y, fit, module_of


@pytest.fixture(scope="module")
def network():
    return fit()


def test_activations_are_correlations_with_the_filters(network):
    activations = layer_activations(network, X_NEW)
    images = (X_NEW - X.mean()) / X.std()
    kernels = learned_filters(network)
    bias = module_of(network).base.conv1.bias.detach().numpy()
    for image, maps in zip(images, activations["conv1"], strict=True):
        for number, kernel in enumerate(kernels):
            expected = correlate2d(image, kernel[..., 0], mode="same") + bias[number]
            np.testing.assert_allclose(maps[..., number], expected, atol=1e-6)
    pooled = activations["conv1"].reshape(-1, 4, 2, 4, 2, 4).max(axis=(2, 4))
    np.testing.assert_array_equal(activations["pooling1"], pooled)
    np.testing.assert_array_equal(activations["activation1"], np.maximum(pooled, 0))
    np.testing.assert_array_equal(
        layer_activations(network, X_NEW, layer="conv2"), activations["conv2"]
    )


def test_signals_and_volumes_keep_their_axes():
    rng = np.random.default_rng(0)
    signals, y = rng.normal(size=(40, 12)), np.arange(40) % 2
    network = fit(signals, y, conv_channels=3)
    maps = layer_activations(network, signals[:5], layer="conv1")
    assert maps.shape == (5, 12, 3)
    kernels = learned_filters(network)
    assert kernels.shape == (3, 3, 1)
    signal = (signals[0] - signals.mean()) / signals.std()
    bias = module_of(network).base.conv1.bias[0].item()
    expected = correlate(signal, kernels[0, :, 0], mode="same") + bias
    np.testing.assert_allclose(maps[0, :, 0], expected, atol=1e-6)

    volumes = rng.normal(size=(20, 4, 5, 6, 2))
    network = fit(volumes, y[:20], conv_channels=3)
    assert layer_activations(network, volumes[:2], layer="conv1").shape == (2, 4, 5, 6, 3)
    assert learned_filters(network).shape == (3, 3, 3, 3, 2)


def test_residual_and_nested_layers_have_dotted_names():
    network = fit(residual=True, max_iter=1)
    activations = layer_activations(network, X_NEW[:2])
    assert {"block1", "block1.body.conv", "block1.shortcut.conv"} <= set(activations)
    assert learned_filters(network, "block2.body.conv_again").shape == (6, 3, 3, 6)


def test_blocks_make_no_difference(network, monkeypatch):
    whole = layer_activations(network, X_NEW)
    monkeypatch.setattr("sknets.inspection._opened.BLOCK_VALUES", 1000)
    parts = layer_activations(network, X_NEW)
    for name, maps in whole.items():
        np.testing.assert_allclose(parts[name], maps, atol=1e-12)


def test_network_is_found_wherever_it_stands(network):
    rows, new = X.reshape(len(X), -1), X_NEW.reshape(len(X_NEW), -1)
    small = CNNClassifier((4,), input_shape=(8, 8), max_iter=1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), small).fit(rows, Y)
    expected = layer_activations(pipeline[-1], pipeline[0].transform(new), "conv1")
    assert expected.shape == (30, 8, 8, 4)
    np.testing.assert_array_equal(layer_activations(pipeline, new, "conv1"), expected)
    np.testing.assert_array_equal(
        layer_activations(FrozenEstimator(pipeline), new, "conv1"), expected
    )
    search = GridSearchCV(pipeline, {"cnnclassifier__alpha": [0.1]}, cv=2).fit(rows, Y)
    np.testing.assert_array_equal(
        layer_activations(search, new, "conv1"),
        layer_activations(search.best_estimator_, new, "conv1"),
    )


def test_errors_say_what_is_needed(network):
    with pytest.raises(NotFittedError):
        layer_activations(CNNClassifier(), X_NEW)
    with pytest.raises(NotFittedError):
        layer_activations(make_pipeline(StandardScaler(), CNNClassifier()), X_NEW[:, 0])
    with pytest.raises(NotFittedError):
        layer_activations(GridSearchCV(CNNClassifier(), {}), X_NEW)
    mlp = MLPClassifier(max_iter=1).fit(X_NEW.reshape(30, -1), np.arange(30) % 2)
    for other in (mlp, make_pipeline(LogisticRegression()), None):
        with pytest.raises(TypeError, match="estimator must be a fitted CNNClassifier or CNNReg"):
            learned_filters(other)
    with pytest.raises(ValueError, match=r"layer='conv9' is unknown; there are \['conv1', "):
        layer_activations(network, X_NEW, layer="conv9")
    with pytest.raises(ValueError, match=r"layer='pooling1' is no convolution.*'conv2'"):
        learned_filters(network, "pooling1")
    flat = fit(backbone=nn.Sequential(nn.Flatten(), nn.Linear(64, 5)), max_iter=1)
    with pytest.raises(ValueError, match="has no convolution"):
        learned_filters(flat)
    assert layer_activations(flat, X_NEW, "1").shape == (30, 5)
