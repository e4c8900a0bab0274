"""Convolutional and recurrent networks as graphs answer as the estimators do."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn

from sknets import (
    CNNAutoencoder,
    CNNClassifier,
    CNNFeatures,
    CNNRegressor,
    RNNAutoencoder,
    RNNClassifier,
    RNNFeatures,
    RNNRegressor,
    to_onnx,
)
from sknets.graphs import make_feed
from tests.graphs.served import check_close, check_served, open_session, run

RNG = np.random.default_rng(0)
DIGITS = load_digits()
IMAGES, LABELS = DIGITS.images[:120], DIGITS.target[:120]
IMAGES_NEW = DIGITS.images[200:400]
COLOURS = RNG.integers(0, 255, (60, 9, 7, 3)).astype(np.uint8)
SIGNALS = RNG.normal(size=(60, 30, 2))
VOLUMES = RNG.normal(size=(40, 6, 5, 4))
FAST = {"max_iter": 1, "random_state": 0}

OPTIONS = [
    {},
    {"pooling": "average", "padding": "same"},
    {"pooling": "weighted", "pool_size": 3},
    {"pooling": "weighted", "pool_size": 2, "padding": "valid"},
    {"pooling": "downsample", "activation": "gelu"},
    {"pooling": None, "stride": 2, "global_pooling": "average"},
    {"global_pooling": "max", "activation": "silu"},
    {"normalization": "batch"},
    {"normalization": "group"},
    {"normalization": "layer", "activation": "prelu"},
    {"residual": True, "conv_channels": (4, 8)},
    {"conv_method": "fft", "kernel_size": 5},
    {"pool_size": 3, "stride": 1, "n_members": 2},
    {"input_scaling": (8.0, 4.0), "hidden_layer_sizes": (6,)},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_layer_of_convolutional_networks(options):
    network = CNNClassifier(**{"conv_channels": (4,)} | FAST | options).fit(IMAGES, LABELS)
    check_served(network, IMAGES, IMAGES_NEW)


@pytest.mark.parametrize(
    ("X", "options"),
    [
        (COLOURS, {}),
        (COLOURS.reshape(60, -1), {"input_shape": (9, 7, 3)}),
        (COLOURS.transpose(0, 3, 1, 2).astype(float), {"data_format": "channels_first"}),
        (SIGNALS, {"conv_dim": 1}),
        (VOLUMES, {"conv_dim": 3}),
        (
            VOLUMES,
            {"conv_dim": 3, "pooling": "average", "padding": "same", "normalization": "batch"},
        ),
    ],
)
def test_images_of_every_shape(X, options):
    y = np.linspace(-3, 3, len(X))
    network = CNNRegressor(conv_channels=(3,), loss="gaussian", **FAST, **options).fit(X, y)
    model = check_served(network, X, X[::-1])
    assert open_session(model).get_inputs()[0].shape[1:] == list(X.shape[1:])


def test_a_list_of_images():
    network = CNNClassifier(conv_channels=(3,), **FAST).fit(list(IMAGES), LABELS)
    check_served(network, list(IMAGES), list(IMAGES_NEW))


def test_a_backbone_goes_through_torchs_exporter():
    def backbone():
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Hardswish(), nn.AdaptiveAvgPool2d(2))

    network = CNNClassifier(backbone=backbone(), **FAST).fit(IMAGES, LABELS)
    check_served(network, IMAGES, IMAGES_NEW)


# --- sequences ------------------------------------------------------------------------------------

LENGTHS = RNG.integers(3, 15, 60)
RAGGED = [RNG.normal(size=(n, 2)) for n in LENGTHS]
SHORT = [RNG.normal(size=(n, 2)) for n in RNG.integers(1, 20, 100)]
REGULAR = RNG.normal(size=(60, 12, 2))
RISES = np.array([sequence[-1, 0] > sequence[0, 0] for sequence in RAGGED])
TOKENS = [RNG.integers(0, 9, n) for n in LENGTHS]


@pytest.mark.parametrize("cell", ["rnn", "rnn_relu", "lstm", "gru", "gru_reset_before", "rau"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_every_cell_reads_sequences_of_unequal_length(cell, bidirectional):
    network = RNNClassifier(
        recurrent_layer_sizes=(5, 4), cell=cell, bidirectional=bidirectional, **FAST
    )
    check_served(network.fit(RAGGED, RISES), RAGGED, SHORT)


@pytest.mark.parametrize("pool", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("conv_channels", [(), (3,)])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_every_pooling_counts_what_is_there(pool, conv_channels, bidirectional):
    network = RNNRegressor(
        recurrent_layer_sizes=(4,),
        pool=pool,
        conv_channels=conv_channels,
        bidirectional=bidirectional,
        hidden_layer_sizes=(3,),
        **FAST,
    )
    check_served(network.fit(RAGGED, LENGTHS), RAGGED, SHORT)


@pytest.mark.parametrize("as_list", [True, False])
def test_tokens(as_list):
    X = TOKENS
    if not as_list:
        X = np.full((60, LENGTHS.max()), -1)
        for row, tokens in zip(X, TOKENS, strict=True):
            row[: len(tokens)] = tokens
    network = RNNClassifier(recurrent_layer_sizes=(4,), vocabulary_size=9, n_members=2, **FAST)
    model = check_served(network.fit(X, RISES), X, X[::-1])
    assert open_session(model).get_inputs()[0].type == "tensor(int64)"


@pytest.mark.parametrize("X", [REGULAR, REGULAR[:, :, 0], REGULAR.astype(np.float32)])
def test_arrays_of_sequences(X):
    network = RNNRegressor(recurrent_layer_sizes=(4,), **FAST).fit(X, REGULAR[:, -1, 0])
    model = check_served(network, X, X[::-1])
    if X.ndim == 2:
        return  # a table has the columns of the fit
    longer = np.concatenate([X, X], axis=1)
    check_close(run(model, longer)["variable"], network.predict(longer))


def test_a_linear_shortcut():
    y = REGULAR[:, -1, 0] + REGULAR[:, 0, 1]
    network = RNNRegressor(recurrent_layer_sizes=(4,), linear_shortcut=True, **FAST)
    check_served(network.fit(REGULAR, y), REGULAR, REGULAR[::-1])


@pytest.mark.parametrize("Network", [RNNClassifier, RNNRegressor])
@pytest.mark.parametrize("n_members", [1, 2])
def test_an_output_for_each_timestep(Network, n_members):
    y = [(sequence[:, 0] > 0).astype(int) for sequence in RAGGED]
    network = Network(recurrent_layer_sizes=(4,), output="timesteps", n_members=n_members, **FAST)
    network.fit(RAGGED, y)
    answers = run(to_onnx(network, RAGGED), SHORT)
    if Network is RNNClassifier:
        found, expected = answers["probabilities"], network.predict_proba(SHORT)
        for row, labels in zip(answers["label"], network.predict(SHORT), strict=True):
            assert (row[: len(labels)] == labels).all()
    else:
        found, expected = answers["variable"], network.predict(SHORT)
    for row, of_row in zip(found, expected, strict=True):
        check_close(row[: len(of_row)], of_row)


def test_sequences_that_are_written_are_refused_by_name():
    network = RNNClassifier(recurrent_layer_sizes=(4,), output="sequence", **FAST)
    network.fit(RAGGED, [tokens[:3] for tokens in TOKENS])
    with pytest.raises(ValueError, match="RNNClassifier with output='sequence'.*joblib"):
        to_onnx(network, RAGGED)


@pytest.mark.parametrize("is_frozen", [False, True])
def test_features_in_front_of_another_model(is_frozen):
    network = CNNClassifier(conv_channels=(3,), hidden_layer_sizes=(5,), **FAST)
    if is_frozen:
        network = FrozenEstimator(network.fit(IMAGES, LABELS))
    head = LogisticRegression(max_iter=2000)
    model = make_pipeline(CNNFeatures(network), head).fit(IMAGES, LABELS)
    check_served(model, IMAGES, IMAGES_NEW)
    features = RNNFeatures(RNNClassifier(recurrent_layer_sizes=(4,), **FAST)).fit(RAGGED, RISES)
    check_served(features, RAGGED, SHORT)


@pytest.mark.parametrize(
    ("X", "options"),
    [
        (IMAGES, {}),
        (IMAGES, {"pooling": "average", "normalization": "batch", "hidden_layer_sizes": (6,)}),
        (COLOURS, {"code_activation": "tanh"}),
        (SIGNALS, {}),
    ],
)
def test_codes_of_images(X, options):
    network = CNNAutoencoder(n_components=3, conv_channels=(4,), **FAST | options)
    check_served(network.fit(X), X, X[::-1])


@pytest.mark.parametrize(
    ("X", "options"),
    [
        (RAGGED, {}),
        (RAGGED, {"bidirectional": True, "cell": "lstm", "hidden_layer_sizes": (5,)}),
        (SIGNALS, {"recurrent_layer_sizes": (4, 3), "noise": "gaussian"}),
    ],
)
def test_codes_of_series(X, options):
    network = RNNAutoencoder(n_components=3, **{"recurrent_layer_sizes": (4,)} | FAST | options)
    check_served(network.fit(X), X, X[::-1])


def test_a_feed_pads_sequences():
    network = RNNRegressor(recurrent_layer_sizes=(3,), **FAST).fit(RAGGED, LENGTHS)
    session = open_session(to_onnx(network, RAGGED))
    feed = make_feed(RAGGED[:2], session)["X"]
    assert feed.shape == (2, max(LENGTHS[:2]), 2)
    assert np.isnan(feed[0, LENGTHS[0] :]).all()
    assert np.array_equal(feed[0, : LENGTHS[0]], RAGGED[0].astype(np.float32))
