"""Dense networks as graphs answer as the estimators do."""

import numpy as np
import pytest
import torch
from torch import nn

from sknets import Autoencoder, MLPClassifier, MLPRegressor, to_onnx
from tests.graphs.served import check_close, check_served, run

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5))
X_NEW = RNG.normal(size=(1000, 5)) * 1.5
Y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
COUNTS = RNG.poisson(np.exp(X[:, 0]))
WORDS = np.array(["low", "middle", "high"])[np.digitize(Y, [-0.5, 0.5])]
FAST = {"max_iter": 3, "random_state": 0}

ACTIVATIONS = [
    "identity",
    "logistic",
    "tanh",
    "relu",
    "leaky_relu",
    "prelu",
    "elu",
    "gelu",
    "silu",
    "rbf",
    ["relu", "tanh"],
    nn.ELU(0.5),
    nn.LeakyReLU(0.3),
    nn.GELU("tanh"),
    nn.functional.gelu,
    torch.tanh,
]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: getattr(a, "__name__", str(a)))
def test_every_activation_is_written(activation):
    network = MLPRegressor(hidden_layer_sizes=(12, 8), activation=activation, **FAST)
    check_served(network.fit(X, Y), X, X_NEW)


def test_a_network_of_float32():
    network = MLPRegressor(dtype="float32", **FAST).fit(X, Y)
    check_served(network, X, X_NEW)
    check_served(network, X, X_NEW, dtype="float64")


@pytest.mark.parametrize("activation", ["prelu", "gelu", "rbf"])
def test_float64_keeps_its_digits(activation):
    network = MLPRegressor(
        hidden_layer_sizes=(12,), activation=activation, dtype="float64", **FAST
    ).fit(X, Y)
    model = to_onnx(network, X, dtype="float64")
    assert run(model, X_NEW)["variable"].dtype == np.float64
    tolerance = 1e-6 if activation == "gelu" else 1e-12  # onnxruntime has Erf in float32 only
    check_close(run(model, X_NEW)["variable"], network.predict(X_NEW), tolerance)


def softsign(x):
    return x / (1 + x.abs())


@pytest.mark.slow
@pytest.mark.parametrize("activation", [softsign, nn.Softplus(2.0)], ids=["function", "module"])
def test_an_activation_of_a_user_goes_through_torchs_exporter(activation):
    network = MLPRegressor(hidden_layer_sizes=(6,), activation=activation, **FAST).fit(X, Y)
    check_served(network, X, X_NEW)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
@pytest.mark.parametrize("n_members", [1, 3])
def test_normalization(normalization, n_members):
    network = MLPRegressor(
        hidden_layer_sizes=(12, 8), normalization=normalization, n_members=n_members, **FAST
    )
    network.fit(X, Y)
    check_served(network, X, X_NEW, dtype="float64")
    # a row whose units are nearly equal loses digits in float32, in Torch as in a graph
    check_close(run(to_onnx(network, X), X_NEW)["variable"], network.predict(X_NEW), 1e-4)


@pytest.mark.parametrize("embedding", ["piecewise_linear", "periodic"])
@pytest.mark.parametrize("n_members", [1, 3])
def test_embeddings_of_numbers(embedding, n_members):
    values = X.copy()
    values[:, 4] = X[:, 4] > 0  # a column of two values has no waves
    network = MLPRegressor(
        hidden_layer_sizes=(12,), numeric_embedding=embedding, n_members=n_members, **FAST
    )
    check_served(network.fit(values, Y), values, X_NEW)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("squared_error", Y),
        ("squared_error", np.c_[Y, -Y, np.full(200, 3.0)]),
        ("squared_error", 1e9 + Y),
        ("absolute_error", Y),
        ("huber", 100 * Y),
        ("poisson", COUNTS),
        ("poisson", np.c_[COUNTS, np.full(200, 2.0)]),
        ("gaussian", Y),
        ("gaussian", np.c_[Y, 10 * Y]),
        ("quantile", Y),
    ],
)
@pytest.mark.parametrize("n_members", [1, 3])
def test_every_output_of_numbers(loss, y, n_members):
    network = MLPRegressor(loss, hidden_layer_sizes=(8,), n_members=n_members, **FAST)
    check_served(network.fit(X, y), X, X_NEW)


@pytest.mark.parametrize("levels", [[0.1, 0.5, 0.9], [0.5, 0.8], [0.05, 0.2, 0.4], [0.3]])
@pytest.mark.parametrize("n_members", [1, 2])
def test_quantiles_are_in_order(levels, n_members):
    network = MLPRegressor("quantile", quantile=levels, n_members=n_members, **FAST).fit(X, Y)
    model = check_served(network, X, X_NEW)
    assert (np.diff(run(model, X_NEW)["variable"], axis=1) >= 0).all()


CLASSES = {
    "words": WORDS,
    "two words": WORDS == "low",
    "whole numbers": np.digitize(Y, [-0.5, 0.5]) - 1,
    "floats": np.digitize(Y, [0.0]).astype(float),
    "objects": WORDS.astype(object),
    "one class": np.full(200, "only"),
    "labels": np.c_[X[:, 0] > 0, X[:, 1] > 0, Y > 0].astype(int),
}


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("n_members", [1, 3])
def test_every_kind_of_classes(kind, n_members):
    network = MLPClassifier((8,), n_members=n_members, **FAST).fit(X, CLASSES[kind])
    check_served(network, X, X_NEW)


@pytest.mark.parametrize("kind", ["words", "two words", "labels"])
@pytest.mark.parametrize("n_members", [1, 3])
def test_a_temperature_is_written(kind, n_members):
    network = MLPClassifier((8,), calibrate=3, n_members=n_members, **FAST).fit(X, CLASSES[kind])
    assert abs(network.temperature_ - 1) > 0.01
    check_served(network, X, X_NEW)


def test_mixed_labels_are_refused_by_their_types():
    y = np.array(["a", 1] * 100, dtype=object)
    with pytest.raises(Exception, match="str"):
        MLPClassifier(**FAST).fit(X, y)  # by scikit-learn
    network = MLPClassifier((4,), **FAST).fit(X, Y > 0)
    network._learned.target.classes = np.array([None, (1, 2)], dtype=object)
    with pytest.raises(TypeError, match="NoneType and tuple.*astype"):
        to_onnx(network, X)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"n_components": 2, "activation": "tanh"},
        {"hidden_layer_sizes": (7,), "noise_level": 0.1, "activation": "silu"},
    ],
)
def test_codes_of_an_autoencoder(params):
    encoder = Autoencoder(max_iter=3, random_state=0, **params).fit(X)
    check_served(encoder, X, X_NEW)


def test_networks_of_one_form_are_written_at_once():
    one, many = (
        to_onnx(MLPRegressor(hidden_layer_sizes=(8,), n_members=n, **FAST).fit(X, Y), X)
        for n in (1, 10)
    )
    assert len(many.graph.node) < len(one.graph.node) + 5
