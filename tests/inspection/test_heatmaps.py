"""Grad-CAM, integrated gradients and occlusion against their definitions."""

import sys

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import CNNClassifier
from sknets.inspection import (
    grad_cam,
    integrated_gradients,
    layer_relevance,
    learned_filters,
    occlusion,
)
from tests.inspection.networks import X_NEW, X, Y, fit, module_of, raw_outputs

METHODS = [grad_cam, layer_relevance, integrated_gradients, occlusion]


@pytest.fixture(scope="module")
def network():
    return fit()


@pytest.mark.parametrize("layer", [None, "normalization1"])
def test_grad_cam_equals_the_formula(network, layer):
    module = module_of(network)
    names = [name for name, _ in module.base.named_children()]
    cut = names.index(layer or "conv2") + 1
    images = module.input(torch.from_numpy(X_NEW))
    maps = module.base[:cut](images).detach().requires_grad_()
    raw = module.head(module.pool(module.base[cut:](maps)))
    (gradient,) = torch.autograd.grad(raw.max(dim=1).values.sum(), maps)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    cam = (weights * maps).sum(dim=1, keepdim=True).clamp(min=0)
    cam = torch.nn.functional.interpolate(cam, (8, 8), mode="bilinear")[:, 0].detach().numpy()
    heat = grad_cam(network, X_NEW, layer=layer)
    assert heat.min() == 0 < heat.max()
    np.testing.assert_allclose(heat, cam, atol=1e-10)


def test_grad_cam_of_the_first_of_two_classes_is_that_of_the_negative_logit():
    network = fit(y=Y < 5)
    module = module_of(network)
    maps = module.base[:-3](module.input(torch.from_numpy(X_NEW))).detach().requires_grad_()
    raw = -module.head(module.pool(module.base[-3:](maps)))
    (gradient,) = torch.autograd.grad(raw.sum(), maps)
    cam = (gradient.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True).clamp(min=0)
    cam = torch.nn.functional.interpolate(cam, (8, 8), mode="bilinear")[:, 0].detach().numpy()
    np.testing.assert_allclose(grad_cam(network, X_NEW, target=False), cam, atol=1e-10)


def test_integrated_gradients_sum_to_the_difference_of_outputs():
    network = fit(normalization=None, pooling="average", activation="tanh")
    raw = raw_outputs(network, X_NEW)
    each, best = np.arange(30), raw.argmax(axis=1)
    for baseline in (None, 0.0, np.full((8, 8), 5.0)):
        start = X.mean() if baseline is None else baseline
        origin = raw_outputs(network, np.broadcast_to(start, (1, 8, 8)))[0]
        difference = raw[each, best] - origin[best]
        heat = integrated_gradients(network, X_NEW, baseline=baseline)
        np.testing.assert_allclose(heat.sum(axis=(1, 2)), difference, rtol=0.01, atol=1e-4)


def test_integrated_gradients_of_the_defaults_converge(network):
    # normalised images without contrast make the path rough: more steps
    heat = integrated_gradients(network, X_NEW[:8], target=4, baseline=0.0, n_steps=1000)
    origin = raw_outputs(network, np.zeros((1, 8, 8)))[0, 4]
    difference = raw_outputs(network, X_NEW[:8])[:, 4] - origin
    lost = np.abs(heat.sum(axis=(1, 2)) - difference)
    assert np.all(lost <= 0.02 * np.maximum(np.abs(difference), 1.0))


def test_integrated_gradients_of_a_linear_network_are_weight_times_distance():
    network = fit(activation="identity", pooling=None, normalization=None)
    origin = raw_outputs(network, np.full((1, 8, 8), 2.0))
    units = raw_outputs(network, 2.0 + np.eye(64).reshape(64, 8, 8)) - origin
    w = units[:, 5].reshape(8, 8)
    heat = integrated_gradients(network, X_NEW, target=5, baseline=2, n_steps=2)
    np.testing.assert_allclose(heat, w * (X_NEW - 2), atol=1e-6)


def test_occlusion_equals_predictions_on_covered_images(network):
    raw = raw_outputs(network, X_NEW)
    each, best = np.arange(30), raw.argmax(axis=1)
    drops, counts = np.zeros_like(X_NEW), np.zeros((8, 8))
    for row in range(0, 7, 2):
        for column in range(0, 7, 2):
            covered = X_NEW.copy()
            covered[:, row : row + 2, column : column + 2] = X.mean()
            drop = raw[each, best] - raw_outputs(network, covered)[each, best]
            drops[:, row : row + 2, column : column + 2] += drop[:, None, None]
            counts[row : row + 2, column : column + 2] += 1
    np.testing.assert_allclose(
        occlusion(network, X_NEW, window=2, stride=2), drops / counts, atol=1e-6
    )
    drop = raw[:, 7] - raw_outputs(network, np.full((1, 8, 8), X.mean()))[0, 7]
    whole = occlusion(network, X_NEW, target=7, window=(100, 100))
    np.testing.assert_allclose(whole, np.broadcast_to(drop[:, None, None], X_NEW.shape), atol=1e-6)


def test_occlusion_of_overlapping_windows_is_their_mean(network):
    raw = raw_outputs(network, X_NEW)[:, 2]
    drops, counts = np.zeros_like(X_NEW), np.zeros((8, 8))
    for row in range(6):
        for column in range(6):
            covered = X_NEW.copy()
            covered[:, row : row + 3, column : column + 3] = X.mean()
            drop = raw - raw_outputs(network, covered)[:, 2]
            drops[:, row : row + 3, column : column + 3] += drop[:, None, None]
            counts[row : row + 3, column : column + 3] += 1
    np.testing.assert_allclose(occlusion(network, X_NEW, target=2), drops / counts, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_shapes_of_signals_colours_and_rows(method):
    rng = np.random.default_rng(0)
    y = np.arange(40) % 3
    signals, pictures = rng.normal(size=(40, 10)), rng.integers(256, size=(40, 6, 5, 3))
    assert method(fit(signals, y), signals[:4]).shape == (4, 10)
    assert method(fit(pictures.astype(np.uint8), y), pictures[:4]).shape == (4, 6, 5)
    first = np.moveaxis(pictures, -1, 1)
    network = fit(first, y, data_format="channels_first")
    assert method(network, first[:4]).shape == (4, 6, 5)
    volumes = rng.normal(size=(40, 4, 5, 6, 1))
    assert method(fit(volumes, y, conv_channels=2), volumes[:2]).shape == (2, 4, 5, 6)


@pytest.mark.parametrize("method", METHODS)
def test_pipelines_and_blocks_make_no_difference(method, monkeypatch):
    rows = pd.DataFrame(X.reshape(len(X), -1)).add_prefix("pixel_")
    network = CNNClassifier((4, 6), input_shape=(8, 8), max_iter=1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network).fit(rows, Y)
    new = rows[:9] + 1
    expected = method(pipeline[-1], pipeline[0].transform(new))
    monkeypatch.setattr("sknets.inspection._opened.BLOCK_VALUES", 1000)
    np.testing.assert_allclose(method(pipeline, new), expected, atol=1e-6)
    if method is integrated_gradients:
        mean = pipeline[0].mean_  # zero behind the scaler
        heat = method(pipeline, new, baseline=mean)
        np.testing.assert_allclose(
            heat, method(pipeline[-1], pipeline[0].transform(new), baseline=0)
        )


@pytest.mark.parametrize("method", METHODS)
def test_estimator_and_random_states_stay(network, method):
    module = module_of(network)
    weights = [p.detach().clone() for p in module.parameters()]
    gradients = [(p.grad, p.grad.clone()) for p in module.parameters()]
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    modes = [m.training for m in module.modules()]
    n_attributes = [len(vars(m)) for m in module.modules()]
    first, second = method(network, X_NEW), method(network, X_NEW)
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float64
    for p, w, (grad, values) in zip(module.parameters(), weights, gradients, strict=True):
        assert p.requires_grad
        assert torch.equal(p, w)
        assert p.grad is grad
        assert torch.equal(grad, values)
    assert [m.training for m in module.modules()] == modes
    assert [len(vars(m)) for m in module.modules()] == n_attributes
    assert all(not m._forward_hooks for m in module.modules())
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])
    learned_filters(network)[:] = 0  # a copy
    np.testing.assert_array_equal(method(network, X_NEW), first)


def test_errors_say_what_to_do(network, monkeypatch):
    with pytest.raises(ValueError, match=r"target has \[12\], which are not among \[0, 1, 2"):
        occlusion(network, X_NEW, target=12)
    with pytest.raises(ValueError, match=r"target has shape \(3,\).*each of the 30 rows"):
        occlusion(network, X_NEW, target=[1, 2, 3])
    with pytest.raises(ValueError, match="window=0 must be a whole number"):
        occlusion(network, X_NEW, window=0)
    with pytest.raises(ValueError, match=r"window=\(1, 2, 3\).*tuple of 2"):
        occlusion(network, X_NEW, window=(1, 2, 3))
    with pytest.raises(ValueError, match="stride=4 is larger than window=3"):
        occlusion(network, X_NEW, stride=4)
    with pytest.raises(ValueError, match=r"baseline has shape \(3,\).*row of X, \(8, 8\)"):
        integrated_gradients(network, X_NEW, baseline=[1, 2, 3])
    with pytest.raises(ValueError, match="layer='conv5' is unknown"):
        grad_cam(network, X_NEW, layer="conv5")
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    for method in METHODS:
        with pytest.raises(ImportError, match=rf"{method.__name__} needs captum.*'sknets"):
            method(network, X_NEW)


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="n_steps == 0, must be >= 1"):
        integrated_gradients(fit(), X_NEW, n_steps=0)
