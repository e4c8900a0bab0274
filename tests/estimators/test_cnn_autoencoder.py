"""The convolutional autoencoder: against a PCA, images of all kinds, a transformer among others."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sknets import Autoencoder, CNNAutoencoder, RNNAutoencoder

RNG = np.random.default_rng(0)
DIGITS = load_digits()
IMAGES = DIGITS.images[:200]
IRIS = load_iris().data
SMALL = {"conv_channels": (4, 6), "stride": 1, "pooling": "max", "max_iter": 5, "random_state": 0}
EXACT = {"solver": "lbfgs", "alpha": 0.0, "max_iter": 5000, "max_fun": 50000, "tol": 1e-9}
LINEAR = {"activation": "identity", "stride": 1, "random_state": 0, **EXACT}


# --- beside a PCA ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_convolutions_of_straight_lines_are_a_pca(kernel_size):
    network = CNNAutoencoder(2, (3,), kernel_size, **LINEAR).fit(IRIS)
    pca = PCA(2).fit(IRIS)
    assert network.score(IRIS) == pytest.approx(pca.explained_variance_ratio_.sum(), abs=1e-6)
    np.testing.assert_allclose(
        network.inverse_transform(network.transform(IRIS)),
        pca.inverse_transform(pca.transform(IRIS)),
        atol=1e-2 * IRIS.std(),
    )


@pytest.mark.slow
def test_colours_count_in_their_units_as_in_a_pca():
    X = RNG.normal(size=(80, 3, 2, 2)) @ np.diag([1.0, 5.0])
    X += X.mean(axis=2, keepdims=True)
    network = CNNAutoencoder(3, (2,), 1, **LINEAR).fit(X)
    expected = PCA(3).fit(X.reshape(80, -1)).explained_variance_ratio_.sum()
    assert network.score(X) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("weight", [None, RNG.uniform(0.5, 2.0, len(IMAGES))])
def test_score_is_the_share_of_variance_that_is_kept(weight):
    network = CNNAutoencoder(2, **SMALL).fit(IMAGES)
    w = np.ones(len(IMAGES)) if weight is None else weight
    left = IMAGES - network.inverse_transform(network.transform(IMAGES))
    spread = IMAGES - np.average(IMAGES, axis=0, weights=w)
    expected = 1 - (w @ (left**2).sum((1, 2))) / (w @ (spread**2).sum((1, 2)))
    assert network.score(IMAGES, sample_weight=weight) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("weight", [[1.0], -np.ones(150), np.full(150, np.nan), "balanced"])
@pytest.mark.parametrize(
    ("network", "X"),
    [
        (Autoencoder(1, (), max_iter=1), IRIS),
        (CNNAutoencoder(1, 2, max_iter=1), IRIS),
        (RNNAutoencoder(1, 2, max_iter=1), IRIS),
    ],
    ids=["dense", "cnn", "rnn"],
)
def test_odd_weights_of_a_score_are_named(network, X, weight):
    with pytest.raises(ValueError, match="sample_weight"):
        network.fit(X).score(X, sample_weight=weight)


def test_neighbours_help_where_a_spot_may_be_anywhere():
    y, x = np.mgrid[:12, :12]
    centres = np.random.default_rng(0).uniform(2, 9, (2, 300, 1, 1))
    spots = np.exp(-((y - centres[0]) ** 2 + (x - centres[1]) ** 2) / 4)
    old, new = spots[:200], spots[200:]
    network = CNNAutoencoder(2, (8, 16), max_iter=40, random_state=0).fit(old)
    pca = PCA(2).fit(old.reshape(200, -1)).explained_variance_ratio_.sum()
    assert network.score(new) > 0.85 > 0.6 > pca


# --- X as it comes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "params"),
    [
        ((9,), {}),
        ((7, 5), {}),
        ((7, 5), {"stride": 2, "pooling": None}),
        ((8, 6), {"stride": (2, 3), "pooling": "average", "kernel_size": 2}),
        ((7, 5), {"padding": "valid", "pooling": None}),
        ((9, 2), {"conv_dim": 1}),
        ((2, 9), {"conv_dim": 1, "data_format": "channels_first"}),
        ((7, 5, 3), {}),
        ((3, 7, 5), {"data_format": "channels_first"}),
        ((3, 5, 4, 2), {}),
        ((5, 4, 3), {"conv_dim": 3}),
    ],
)
def test_rows_come_back_in_the_shape_of_X(shape, params):
    X = RNG.normal(size=(20, *shape))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of channels that may stand elsewhere
        network = CNNAutoencoder(3, **SMALL | params).fit(X)
    codes = network.transform(X)
    again = network.inverse_transform(codes)
    assert codes.shape == (20, 3)
    assert again.shape == X.shape
    assert np.isfinite(network.score(X))


def test_a_table_of_images_is_the_same_as_images():
    flat = IMAGES.reshape(len(IMAGES), -1)
    network = CNNAutoencoder(2, **SMALL).fit(IMAGES)
    of_table = CNNAutoencoder(2, **SMALL, input_shape=(8, 8)).fit(flat)
    np.testing.assert_array_equal(of_table.transform(flat), network.transform(IMAGES))
    again = of_table.inverse_transform(of_table.transform(flat))
    assert again.shape == flat.shape
    assert of_table.input_shape_ == network.input_shape_ == (8, 8)
    assert of_table.score(flat) == pytest.approx(network.score(IMAGES), abs=1e-12)


def test_where_channels_stand_is_no_matter():
    X = RNG.normal(size=(30, 6, 6, 2))
    last = CNNAutoencoder(2, **SMALL).fit(X)
    moved = np.moveaxis(X, -1, 1)
    first = CNNAutoencoder(2, **SMALL, data_format="channels_first").fit(moved)
    np.testing.assert_allclose(first.transform(moved), last.transform(X), atol=1e-9)
    np.testing.assert_allclose(
        np.moveaxis(first.inverse_transform(np.eye(2)), 1, -1),
        last.inverse_transform(np.eye(2)),
        atol=1e-9,
    )


@pytest.mark.parametrize(("shift", "factor"), [(0.0, 1e6), (50.0, 1.0), (-3.0, 1e-6)])
def test_unit_of_X_is_no_matter(shift, factor):
    first = CNNAutoencoder(2, **SMALL).fit(IMAGES)
    X = factor * (IMAGES + shift)
    second = CNNAutoencoder(2, **SMALL).fit(X)
    np.testing.assert_allclose(second.transform(X), first.transform(IMAGES), atol=1e-7)
    assert second.score(X) == pytest.approx(first.score(IMAGES), abs=1e-7)


def test_whole_numbers_stay_small_and_come_back_in_their_units():
    pixels = (15 * IMAGES).astype(np.uint8)
    network = CNNAutoencoder(8, **SMALL | {"max_iter": 20}).fit(pixels)
    again = network.inverse_transform(network.transform(pixels))
    assert again.dtype.kind == "f"
    assert 1 - network.score(pixels) == pytest.approx(
        ((pixels - again) ** 2).sum() / ((pixels - pixels.mean(axis=0)) ** 2).sum(), abs=1e-6
    )


def test_pixels_without_spread_are_returned_as_they_are():
    network = CNNAutoencoder(2, **SMALL).fit(IMAGES)
    is_constant = IMAGES.std(axis=0) == 0
    assert is_constant.any()
    again = network.inverse_transform(network.transform(IMAGES))
    np.testing.assert_array_equal(again[:, is_constant], IMAGES[:, is_constant])


def test_single_precision_stays():
    X = IMAGES.astype(np.float32)
    network = CNNAutoencoder(2, **SMALL).fit(X)
    codes = network.transform(X)
    assert codes.dtype == network.inverse_transform(codes).dtype == np.float32


# --- weights, noise and training ---------------------------------------------------------------------


def test_weights_are_repetitions_and_removals():
    repeats = RNG.integers(0, 3, len(IMAGES))
    params = {**SMALL, "solver": "gd", "learning_rate": "constant", "momentum": 0.5}
    weighted = CNNAutoencoder(2, **params).fit(IMAGES, sample_weight=repeats)
    repeated = CNNAutoencoder(2, **params).fit(np.repeat(IMAGES, repeats, axis=0))
    np.testing.assert_allclose(weighted.transform(IMAGES), repeated.transform(IMAGES), atol=1e-8)


@pytest.mark.parametrize("noise", ["gaussian", "masking"])
def test_noise_is_the_fits_own_and_only_in_training(noise):
    network = CNNAutoencoder(2, **SMALL, noise=noise)
    torch.manual_seed(1)
    first = network.fit(IMAGES).transform(IMAGES)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    np.testing.assert_array_equal(clone(network).fit(IMAGES).transform(IMAGES), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.abs(first - CNNAutoencoder(2, **SMALL).fit(IMAGES).transform(IMAGES)).max() > 1e-6
    layer = network.net_.module_.noise.train()
    changed = layer(torch.ones(500, 64)).numpy()
    assert changed.mean() == pytest.approx(1.0 if noise == "gaussian" else 0.8, abs=0.01)


def test_validation_rows_stop_it_without_a_y():
    network = CNNAutoencoder(2, **SMALL, early_stopping=True).fit(
        IMAGES, X_val=DIGITS.images[200:300]
    )
    assert network.score(DIGITS.images[200:300]) == pytest.approx(
        network.best_validation_score_, abs=1e-6
    )
    held = CNNAutoencoder(2, **SMALL, early_stopping=True).fit(IMAGES)
    assert held.t_ == 5 * 180
    assert len(held.validation_scores_) == 5


def test_partial_fit_is_an_epoch_and_warm_start_goes_on():
    params = {**SMALL, "learning_rate": "constant", "shuffle": False}
    parts = CNNAutoencoder(2, **params)
    for _ in range(5):
        parts.partial_fit(IMAGES)
    whole = CNNAutoencoder(2, **params).fit(IMAGES)
    np.testing.assert_allclose(parts.transform(IMAGES), whole.transform(IMAGES), atol=1e-9)
    before = whole.score(IMAGES)
    assert whole.set_params(warm_start=True, max_iter=20).fit(IMAGES).score(IMAGES) > before
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = CNNAutoencoder(solver="lbfgs").partial_fit


@pytest.mark.parametrize(
    "params",
    [
        {"normalization": "batch", "spatial_dropout": 0.2, "dropout": 0.2},
        {"hidden_layer_sizes": (20, 10), "activation": ["relu", "tanh", "elu", "silu"]},
        {"activation": torch.sin, "code_activation": "tanh"},
        {"pooling": ["weighted", "average"], "pool_stride": 1},
        {"precision": "bf16", "dtype": "float32"},
    ],
)
def test_options_of_the_layers_and_pickles(params):
    network = CNNAutoencoder(2, **SMALL | params).fit(IMAGES)
    codes = network.transform(IMAGES)
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copied.transform(IMAGES), codes)
    np.testing.assert_array_equal(copied.inverse_transform(codes), network.inverse_transform(codes))
    assert np.abs(codes).max() <= 1 or params.get("code_activation") != "tanh"


def test_hidden_layers_and_maps_are_mirrored():
    network = CNNAutoencoder(3, **SMALL, hidden_layer_sizes=(20, 10)).fit(IMAGES)
    shapes = network.summary()["output_shape"]
    assert [shapes[f"narrowing.{i}"] for i in (0, 2, 4)] == [(20,), (10,), (3,)]
    assert [shapes[f"widening.{i}"] for i in (0, 2, 4)] == [(10,), (20,), (24,)]
    assert shapes["mirror.maps"] == shapes["base.pooling2"] == (6, 2, 2)
    assert shapes["mirror.conv2"] == shapes["base.pooling1"] == (4, 4, 4)
    assert shapes["mirror.conv1"] == (1, 8, 8)


# --- a transformer among others ----------------------------------------------------------------------


def test_names_pipelines_and_searches():
    flat, y = DIGITS.data[:600] / 16, DIGITS.target[:600]
    network = CNNAutoencoder(2, **SMALL, input_shape=(8, 8)).set_output(transform="pandas")
    codes = network.fit_transform(pd.DataFrame(flat, columns=DIGITS.feature_names))
    assert list(codes.columns) == ["cnnautoencoder0", "cnnautoencoder1"]
    assert list(network.get_feature_names_out()) == list(codes.columns)
    assert list(network.feature_names_in_) == list(DIGITS.feature_names)
    coder = CNNAutoencoder(12, **SMALL | {"max_iter": 10}, input_shape=(8, 8))
    model = make_pipeline(coder, LogisticRegression(max_iter=1000))
    assert model.fit(flat[:400], y[:400]).score(flat[400:], y[400:]) > 0.5
    coder = CNNAutoencoder(**SMALL | {"max_iter": 10})
    search = GridSearchCV(coder, {"n_components": [1, 8]}, cv=2)
    assert search.fit(IMAGES).best_params_ == {"n_components": 8}


# --- bad input ---------------------------------------------------------------------------------------


def test_failed_fit_leaves_what_was_there():
    network = CNNAutoencoder(2, **SMALL).fit(IMAGES)
    before = network.transform(IMAGES)
    with pytest.raises(ValueError, match="NaN"):
        network.fit(np.full((9, 8, 8), np.nan))
    with pytest.raises(ValueError, match="kernel_size"):
        network.set_params(kernel_size=9, padding="valid").fit(IMAGES)
    np.testing.assert_array_equal(network.transform(IMAGES), before)


def test_bad_input_is_refused():
    network = CNNAutoencoder(2, **SMALL)
    for method in (network.transform, network.inverse_transform, network.score):
        with pytest.raises(NotFittedError, match="CNNAutoencoder"):
            method(IMAGES)
    network.fit(IMAGES)
    with pytest.raises(ValueError, match=r"images of shape \(8, 7\)"):
        network.transform(IMAGES[:, :, :7])
    with pytest.raises(ValueError, match="3 columns, but the codes .* have 2"):
        network.inverse_transform(np.ones((4, 3)))
    with pytest.raises((ValueError, TypeError), match=r"[Ss]parse"):
        network.fit(sp.csr_array(np.eye(8)))
    with pytest.raises(ValueError, match=r"validation data.*images of shape \(4, 4\)"):
        CNNAutoencoder(**SMALL).fit(IMAGES, X_val=IMAGES[:, :4, :4])


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"n_components": 0}, "'n_components'"),
        ({"conv_channels": ()}, r"conv_channels=\(\)"),
        ({"pooling": "median"}, "'pooling'"),
        ({"pooling": ["max"]}, "pooling"),
        ({"noise": "masking", "noise_level": 1.0}, "must be below 1"),
        ({"noise": "gaussian", "solver": "lbfgs"}, "cannot use noise='gaussian'"),
        ({"code_activation": "rbf"}, "'code_activation'"),
        ({"activation": ["relu"] * 3}, "activation"),
        ({"input_shape": (4, 4)}, r"input_shape=\(4, 4\)"),
        ({"pool_size": 9, "padding": "valid"}, "pool_size=.*conv layer 1"),
    ],
)
def test_bad_parameters_are_refused(params, words):
    with pytest.raises(ValueError, match=words):
        CNNAutoencoder(**SMALL | params).fit(IMAGES)


def test_dense_and_convolutional_codes_have_one_face():
    flat = IMAGES.reshape(len(IMAGES), -1)
    for network, X in (
        (Autoencoder(3, (8,), max_iter=3), flat),
        (CNNAutoencoder(3, **SMALL), IMAGES),
    ):
        assert network.fit(X).inverse_transform(network.transform(X)).shape == X.shape
