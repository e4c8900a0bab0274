"""Relevance: nothing is lost between the raw output and the pixels."""

import numpy as np
import pytest
import torch
from scipy.special import logit
from torch import nn

from sknets import CNNRegressor
from sknets.inspection import layer_relevance
from tests.inspection.networks import X_NEW, X, Y, fit, module_of, raw_outputs

NETWORKS = {
    "defaults": {},
    "all_maps": {"global_pooling": None},
    "wide": {"conv_channels": (32, 64), "max_iter": 2},
    "batch": {"normalization": "batch"},
    "layer": {"normalization": "layer"},
    "none": {"normalization": None},
    "average": {"pooling": "average", "pool_size": 3, "pool_stride": 2},
    "weighted": {"pooling": "weighted", "pool_size": 3, "pool_stride": 2},
    "downsample": {"pooling": "downsample"},
    "valid": {"padding": "valid", "pooling": None},
    "asymmetric": {"kernel_size": 4, "pooling": "average", "normalization": None},
    "global_max": {"global_pooling": "max"},
    "hidden": {"hidden_layer_sizes": (12, 8), "dropout": 0.2, "spatial_dropout": 0.2},
    "residual": {"residual": True},
    "gelu": {"activation": "gelu", "conv_method": "fft"},
}


def assert_conserved(relevance, raw):
    # where the output is close to zero, a loss relative to it means nothing
    lost = np.abs(relevance.reshape(len(relevance), -1).sum(axis=1) - raw)
    assert np.all(lost <= 0.01 * np.maximum(np.abs(raw), 1e-3))


@pytest.mark.parametrize("rule", ["composite", "epsilon"])
@pytest.mark.parametrize("name", NETWORKS)
def test_relevance_sums_to_the_raw_output(name, rule):
    network = fit(**NETWORKS[name])
    raw = raw_outputs(network, X_NEW)
    assert_conserved(layer_relevance(network, X_NEW, rule=rule), raw.max(axis=1))
    assert_conserved(layer_relevance(network, X_NEW, target=3, rule=rule), raw[:, 3])


def test_signals_volumes_and_colours():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    for shape, spatial in (
        ((12,), (12,)),
        ((12, 2), (12,)),
        ((6, 5, 3), (6, 5)),
        ((4, 4, 5, 1), (4, 4, 5)),
    ):
        X = rng.normal(size=(60, *shape)) + y.reshape(-1, *[1] * len(shape))
        conv_dim = len(spatial)
        network = fit(X, y, conv_dim=conv_dim, input_shape=shape, conv_channels=3)
        relevance = layer_relevance(network, X[:7])
        assert relevance.shape == (7, *spatial)
        assert_conserved(relevance, raw_outputs(network, X[:7]).max(axis=1))


def test_linear_network_gives_weight_times_input():
    # w is read off the network: its outputs for the unit images
    network = fit(
        activation="identity", pooling="average", normalization=None, input_scaling=None, max_iter=1
    )
    with torch.no_grad():
        for name, parameter in module_of(network).named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    w = raw_outputs(network, np.eye(64).reshape(64, 8, 8))[:, 7].reshape(8, 8)
    relevance = layer_relevance(network, X_NEW, target=7, rule="epsilon")
    np.testing.assert_allclose(relevance, w * X_NEW, rtol=1e-5, atol=1e-8)


def test_positive_rule_equals_the_formula_by_hand():
    # one kernel, one logit: R_i = Σ_k a_i w_ik⁺ / Σ_i a_i w_ik⁺ R_k with positive images and outputs
    network = fit(
        X=X[Y < 2],
        y=Y[Y < 2],
        conv_channels=1,
        kernel_size=2,
        stride=2,
        pooling=None,
        global_pooling=None,
        normalization=None,
        input_scaling=None,
    )
    module = module_of(network)
    kernel = np.array([[1.0, 2.0], [-0.5, 1.0]])
    with torch.no_grad():
        module.base.conv1.weight.copy_(torch.tensor(kernel)[None, None])
        module.base.conv1.bias.fill_(0.3)
        module.head[0].weight.copy_(torch.linspace(1, 2, 16, dtype=torch.float64))
        module.head[0].bias.zero_()
    image = np.random.default_rng(0).uniform(1, 2, size=(8, 8))
    patches = image.reshape(4, 2, 4, 2).swapaxes(1, 2)  # (row, column, 2, 2)
    units = (patches * kernel).sum(axis=(2, 3)) + 0.3
    upper = units * np.linspace(1, 2, 16).reshape(4, 4)  # sums to the logit
    gains = patches * np.maximum(kernel, 0)
    expected = gains / gains.sum(axis=(2, 3), keepdims=True) * upper[..., None, None]
    expected = expected.swapaxes(1, 2).reshape(8, 8)
    relevance = layer_relevance(network, image[None], target=1)
    np.testing.assert_allclose(relevance[0], expected, rtol=1e-9)
    np.testing.assert_allclose(layer_relevance(network, image[None], target=0)[0], -expected)


def test_two_classes_explain_the_predicted_one():
    y = np.where(Y == 0, "low", "high")
    network = fit(y=y, max_iter=15, global_pooling=None)
    p = network.predict_proba(X_NEW)
    assert set(network.predict(X_NEW)) == {"low", "high"}
    assert_conserved(layer_relevance(network, X_NEW), logit(p.max(axis=1)))
    assert_conserved(layer_relevance(network, X_NEW, target="low"), logit(p[:, 1]))
    labels = np.where(np.arange(30) % 2, "low", "high")
    each = p[np.arange(30), np.arange(30) % 2]
    assert_conserved(layer_relevance(network, X_NEW, target=labels), logit(each))


def test_outputs_of_regression_and_labels_are_numbered():
    Y2 = np.stack([X.mean(axis=(1, 2)), X[:, :4].mean(axis=(1, 2))], axis=1)
    network = CNNRegressor(conv_channels=4, max_iter=2, dtype="float64", random_state=0).fit(X, Y2)
    raw = raw_outputs(network, X_NEW)
    assert_conserved(layer_relevance(network, X_NEW, target=1), raw[:, 1])
    one = CNNRegressor(conv_channels=4, max_iter=2, dtype="float64", random_state=0).fit(
        X, Y2[:, 0]
    )
    assert_conserved(layer_relevance(one, X_NEW), raw_outputs(one, X_NEW)[:, 0])
    labels = fit(y=np.greater(Y2, Y2.mean(axis=0)).astype(int))
    assert_conserved(layer_relevance(labels, X_NEW, target=1), raw_outputs(labels, X_NEW)[:, 1])
    for several in (network, labels):
        with pytest.raises(ValueError, match="target=None is ambiguous: the network has 2 outputs"):
            layer_relevance(several, X_NEW)


class Doubled(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        return self.conv(x) + 2 * self.conv(x)


class Skipping(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, x):
        return self.conv(x) + x


def test_backbones_are_followed_or_refused():
    torch.manual_seed(0)
    plain = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(2)
    )
    network = fit(backbone=plain, max_iter=1)
    assert_conserved(layer_relevance(network, X_NEW), raw_outputs(network, X_NEW).max(axis=1))
    for backbone, message in (
        (Doubled(), "used more than once"),
        (Skipping(), "relevance is not conserved"),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Softmax(dim=1)), r"'base.1' \(Softmax\)"),
    ):
        with pytest.raises(ValueError, match=message):
            layer_relevance(fit(backbone=backbone, max_iter=1), X_NEW)


def test_unknown_rule_is_an_error():
    with pytest.raises(ValueError, match="rule='gamma' is unknown"):
        layer_relevance(None, X_NEW, rule="gamma")
