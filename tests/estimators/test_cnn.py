"""Convolutional networks: X in every form, the options of the architecture, and what they learn."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import CNNClassifier, CNNRegressor, MLPClassifier
from sknets.preprocessing import Augmentation

DIGITS = load_digits()
IMAGES, LABELS = DIGITS.images, DIGITS.target
X, X_TEST, Y, Y_TEST = train_test_split(IMAGES, LABELS, random_state=0)
RNG = np.random.default_rng(0)


def quick(**params):
    """Return a small network; `params` come on top."""
    return CNNClassifier(**{"conv_channels": (8, 16), "max_iter": 2, "random_state": 0} | params)


# --- X -----------------------------------------------------------------------------------------------


def test_one_image_in_many_forms_is_one_image():
    images, y = X[:200], Y[:200]
    reference = quick().fit(images, y).predict_proba(images)
    for form, params in [
        (images[..., None], {}),
        (images[:, None], {"data_format": "channels_first"}),
        (images.reshape(200, 64), {"input_shape": (8, 8)}),
        (images.reshape(200, 64), {"input_shape": (8, 8, 1)}),
        (images.reshape(200, 64), {"input_shape": (1, 8, 8), "data_format": "channels_first"}),
        (list(images), {}),
        (np.asfortranarray(images), {}),
        (pd.DataFrame(images.reshape(200, 64)), {"input_shape": (8, 8)}),
    ]:
        network = quick(**params).fit(form, y)
        np.testing.assert_allclose(network.predict_proba(form), reference, rtol=1e-10)
        assert network.n_features_in_ == 64


def test_colours_stand_last_or_first():
    colours, y = RNG.normal(size=(60, 8, 9, 3)), np.arange(60) % 3
    last = quick().fit(colours, y)
    first = quick(data_format="channels_first").fit(colours.transpose(0, 3, 1, 2), y)
    np.testing.assert_allclose(
        last.predict_proba(colours), first.predict_proba(colours.transpose(0, 3, 1, 2)), rtol=1e-10
    )
    assert last.input_shape_ == (8, 9, 3)
    assert first.input_shape_ == (3, 8, 9)


@pytest.mark.parametrize(
    ("shape", "conv_dim", "channels", "size"),
    [
        ((12,), "auto", 1, (1, 12)),
        ((12, 10), "auto", 1, (12, 10)),
        ((12, 10), 1, 10, (1, 12)),
        ((12, 10, 2), "auto", 2, (12, 10)),
        ((6, 7, 8), 3, 1, (6, 7, 8)),
        ((6, 7, 8, 2), "auto", 2, (6, 7, 8)),
    ],
)
def test_dimensions_of_X_say_what_it_is(shape, conv_dim, channels, size):
    data, y = RNG.normal(size=(20, *shape)), np.arange(20) % 2
    network = quick(conv_dim=conv_dim).fit(data, y)
    images = network.net_.module_.input
    assert (images.n_channels, images.size) == (channels, size)
    assert network.predict(data).shape == (20,)
    assert network.input_shape_ == shape


def test_uint8_stays_uint8_and_means_the_same():
    small = X.astype(np.uint8)
    network = quick(dtype="float32").fit(small, Y)
    as_float = quick().fit(X.astype(np.float32), Y)
    np.testing.assert_allclose(
        network.predict_proba(small), as_float.predict_proba(X.astype(np.float32)), atol=1e-6
    )
    assert network.predict_proba(small).dtype == np.float64  # whole numbers, as everywhere
    assert network.net_.flat.values.dtype == torch.float32
    seen = []
    network.net_.module_.input.register_forward_pre_hook(
        lambda module, args: seen.append((args[0].dtype, len(args[0])))
    )
    network.partial_fit(small, Y).predict(small)
    assert {dtype for dtype, n_rows in seen if n_rows > 1} == {torch.uint8}


def test_validation_scores_of_uint8_are_those_of_floats():
    small = X.astype(np.uint8)
    scores = [
        quick(dtype="float32", early_stopping=True, max_iter=5).fit(images, Y).validation_scores_
        for images in (small, small.astype(np.float32))
    ]
    assert scores[0] == scores[1]


def test_scaling_is_learned_by_channel_and_weighted():
    colours = RNG.normal([1, 2, 3], [1, 5, 0.1], size=(40, 6, 6, 3))
    weight = RNG.integers(0, 3, 40)
    images = quick().fit(colours, np.arange(40) % 2, sample_weight=weight).net_.module_.input
    seen = colours.repeat(weight, axis=0).reshape(-1, 3)
    np.testing.assert_allclose(images.shift.flatten(), seen.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(images.scale.flatten(), seen.std(axis=0), rtol=1e-12)


def test_units_of_X_do_not_matter():
    network = quick().fit(X, Y)
    scaled = quick().fit(X * 1000 + 5, Y)
    np.testing.assert_allclose(
        scaled.predict_proba(X_TEST * 1000 + 5), network.predict_proba(X_TEST), atol=1e-6
    )


def test_scaling_given_or_none():
    given = quick(input_scaling=(X.mean(), X.std())).fit(X, Y)
    np.testing.assert_allclose(
        given.predict_proba(X_TEST), quick().fit(X, Y).predict_proba(X_TEST), atol=1e-8
    )
    none = quick(input_scaling=None).fit(X, Y)
    assert (none.net_.module_.input.shift == 0).all()
    assert (none.net_.module_.input.scale == 1).all()


def test_constant_images_are_no_trouble():
    network = quick().fit(np.ones((20, 8, 8)), np.arange(20) % 2)
    assert np.isfinite(network.predict_proba(np.ones((2, 8, 8)))).all()


def test_in_a_pipeline_and_a_grid_search():
    flat = X.reshape(len(X), -1)
    model = make_pipeline(
        StandardScaler(), PCA(36), quick(input_shape=(6, 6), augment=Augmentation())
    )
    grid = {"cnnclassifier__augment__noise": [0.0, 0.1], "cnnclassifier__kernel_size": [3, (1, 2)]}
    search = GridSearchCV(model, grid, cv=2).fit(flat, Y)
    assert len(search.cv_results_["params"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


# --- the architecture --------------------------------------------------------------------------------


def test_parameters_are_counted_as_the_chapter_does():
    network = quick(
        conv_channels=(5, 7), kernel_size=[3, 5], normalization=None, hidden_layer_sizes=(11,)
    ).fit(X, Y)
    expected = 5 * (1 * 9 + 1) + 7 * (5 * 25 + 1) + 11 * (7 + 1) + 10 * (11 + 1)
    assert network.n_parameters_ == expected
    table = network.summary()
    assert table["parameters"].sum() == expected
    assert table.loc["base.conv2", "output_shape"] == (7, 4, 4)
    assert table.loc["base.conv2", "multiply_adds"] == 7 * 5 * 25 * 16


def test_summary_of_a_dense_network():
    table = MLPClassifier((6,), max_iter=1).fit(DIGITS.data, LABELS).summary()
    assert table["parameters"].tolist() == [64 * 6 + 6, 0, 6 * 10 + 10]


@pytest.mark.parametrize(
    ("side", "expected"),
    [(8, [32, 64]), (17, [32, 64, 128]), (64, [32, 64, 128, 128]), (500, [32, 64, 128, 128, 128])],
)
def test_auto_channels_follow_the_longest_side(side, expected):
    network = CNNClassifier(max_iter=1).fit(RNG.normal(size=(4, side)), [0, 1, 0, 1])
    convolutions = [m for m in network.net_.module_.base if hasattr(m, "kernel_size")]
    channels = [m.out_channels for m in convolutions if hasattr(m, "out_channels")]
    assert channels == expected


@pytest.mark.parametrize(
    "params",
    [
        {"pooling": "average"},
        {"pooling": "weighted"},
        {"pooling": "downsample"},
        {"pooling": [None, "max"]},
        {"pool_size": (3, 2), "pool_stride": 2},
        {"stride": 2, "pooling": None},
        {"padding": "valid", "kernel_size": 2},
        {"padding": (2, 1), "kernel_size": [(5, 3), 3]},
        {"kernel_size": 4},
        {"global_pooling": "max"},
        {"global_pooling": None},
        {"residual": True},
        {"residual": True, "stride": 2, "pooling": None},
        {"conv_method": "fft"},
        {"conv_method": "auto", "kernel_size": 7},
        {"normalization": "batch"},
        {"normalization": "layer"},
        {"normalization": None},
        {"hidden_layer_sizes": (32,), "dropout": 0.2},
        {"dropout": 0.2, "spatial_dropout": 0.1},
        {"activation": "silu"},
        {"activation": "prelu"},
        {"activation": ["relu", "tanh", "elu"], "hidden_layer_sizes": (16,)},
        {"solver": "sgd", "learning_rate_init": 0.05},
        {"solver": "lbfgs", "max_iter": 30},
        {"average": "polyak", "normalization": "batch"},
        {"weight_init": "he_uniform"},
        {"weight_init": "orthogonal"},
    ],
    ids=str,
)
def test_every_option_learns_digits_and_survives_a_pickle(params):
    network = quick(**{"max_iter": 12, "learning_rate_init": 0.01} | params).fit(X, Y)
    assert network.score(X_TEST, Y_TEST) > 0.8
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copied.predict_proba(X_TEST), network.predict_proba(X_TEST))
    if network.solver != "lbfgs":
        np.testing.assert_array_equal(
            copied.partial_fit(X, Y).predict_proba(X_TEST),
            network.partial_fit(X, Y).predict_proba(X_TEST),
        )


def test_both_ways_to_convolve_learn_the_same():
    direct, fourier = (
        quick(conv_method=method, kernel_size=5).fit(X[:300], Y[:300]).predict_proba(X_TEST)
        for method in ("direct", "fft")
    )
    np.testing.assert_allclose(direct, fourier, atol=1e-6)


def test_pattern_at_a_random_place_is_for_convolutions():
    signals = RNG.normal(size=(600, 96))
    y = RNG.integers(0, 3, 600)
    patterns = 2.5 * np.array([[1, 1, -1, -1, 1, 1], [1, -1, 1, -1, 1, -1], [-1, 1, 1, 1, 1, -1]])
    for row, label in zip(signals, y, strict=True):
        start = RNG.integers(0, 90)
        row[start : start + 6] += patterns[label]
    train, test = slice(0, 400), slice(400, None)
    network = CNNClassifier(max_iter=20, random_state=0).fit(signals[train], y[train])
    dense = MLPClassifier(random_state=0).fit(signals[train], y[train])
    assert network.score(signals[test], y[test]) > 0.85
    assert dense.score(signals[test], y[test]) < 0.6


def test_regression_of_several_numbers():
    images = RNG.normal(size=(300, 10, 10)) * 0.1
    places = RNG.integers(1, 9, (300, 2))
    images[np.arange(300), places[:, 0], places[:, 1]] += 5
    network = CNNRegressor(global_pooling=None, random_state=0).fit(images[:200], places[:200])
    assert network.score(images[200:], places[200:]) > 0.8


def test_advice_of_a_warning_can_be_followed():
    with pytest.warns(ConvergenceWarning, match="Lower learning_rate_init") as caught:
        quick(solver="sgd", learning_rate_init=3.0, max_iter=5, max_grad_norm=10).fit(X, Y)
    assert not any("StandardScaler" in str(w.message) for w in caught)


# --- training ----------------------------------------------------------------------------------------


def test_augmentation_is_for_training_only_and_reproducible():
    augment = Augmentation(shift=0.15, rotate=10, noise=0.1, mixup=0.2, cutmix=0.5)
    first, second = (quick(augment=augment, max_iter=3).fit(X, Y) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(X_TEST), second.predict_proba(X_TEST))
    np.testing.assert_array_equal(first.predict_proba(X_TEST), first.predict_proba(X_TEST))
    plain = quick(max_iter=3).fit(X, Y)
    assert abs(first.predict_proba(X_TEST) - plain.predict_proba(X_TEST)).max() > 0.01
    copied = pickle.loads(pickle.dumps(first)).partial_fit(X, Y)
    np.testing.assert_array_equal(
        copied.predict_proba(X_TEST), first.partial_fit(X, Y).predict_proba(X_TEST)
    )


def test_weighted_rows_may_be_mixed():
    weight = RNG.uniform(0.5, 2, len(Y))
    network = quick(augment=Augmentation(mixup=0.3), max_iter=10, learning_rate_init=0.01)
    assert network.fit(X, Y, sample_weight=weight).score(X_TEST, Y_TEST) > 0.8
    regressor = CNNRegressor(
        conv_channels=(8, 16), augment=Augmentation(cutmix=0.3), max_iter=5, random_state=0
    )
    assert np.isfinite(regressor.fit(X, Y, sample_weight=weight).loss_)


def test_auto_batches():
    sizes = [quick().fit(X[:n], Y[:n]).net_.batch_size for n in (20, 64, 65, 1000)]
    assert sizes == [20, 64, 32, 32]


def test_early_stopping_validation_and_warm_start():
    network = quick(early_stopping=True, max_iter=10, warm_start=True).fit(X, Y)
    assert len(network.validation_scores_) == network.n_iter_
    before = network.score(X_TEST, Y_TEST)
    assert network.fit(X, Y).score(X_TEST, Y_TEST) >= before - 0.02
    own = quick().fit(X, Y, X_val=X_TEST, y_val=Y_TEST)
    assert len(own.history_["validation_score"]) == 2


def test_kernels_lie_channels_last_and_learn_as_any_layout():
    network = quick(max_iter=3).fit(X, Y)
    weight = network.net_.module_.base.conv2.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    clone(network).fit(X, Y)  # and a plain Torch layer takes them as they are
    maps = torch.from_numpy(RNG.normal(size=(2, 8, 4, 4)))
    np.testing.assert_allclose(
        torch.nn.functional.conv2d(maps, weight.detach().double().contiguous(), padding=1),
        torch.nn.functional.conv2d(maps, weight.detach().double(), padding=1),
        atol=1e-12,
    )
