"""Bad images and options: each ends in an error that says what to do, and nothing is lost."""

import functools

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from torch import nn

from sknets import CNNClassifier, MLPClassifier
from sknets.preprocessing import Augmentation

DIGITS = load_digits()
X, Y = DIGITS.images[:60], DIGITS.target[:60]
FLAT = DIGITS.data[:60]
SMALL = {"conv_channels": (4, 6), "max_iter": 1, "random_state": 0}


def mixed(as_array):
    images = [*X[:-1], X[-1][:7]]
    return np.array(images, dtype=object) if as_array else images


# name: parameters, X, what the error must say
BAD = {
    "kernel larger than the image": (
        {"kernel_size": 9, "padding": "valid"},
        X,
        r"kernel_size=\(9, 9\) of conv layer 1 is larger than the maps of \(8, 8\).*padding='same'",
    ),
    "kernel larger than the maps after pooling": (
        {"conv_channels": (4, 4, 4), "kernel_size": [3, 2, 3], "padding": "valid"},
        X,
        r"kernel_size=\(3, 3\) of conv layer 3 .* \(1, 1\)",
    ),
    "kernel longer than the signal": (
        {"kernel_size": 70, "padding": "valid"},
        FLAT,
        r"kernel_size=70 of conv layer 1 is larger than the maps of 64 ",
    ),
    "window larger than the maps": (
        {"pool_size": 9, "padding": "valid"},
        X,
        r"pool_size=\(9, 9\) of conv layer 1 is larger than the maps of \(6, 6\)",
    ),
    "no channels": ({}, np.zeros((60, 8, 8, 0)), "number of channels, must be at least 1"),
    "an empty side": ({}, np.zeros((60, 8, 0)), "each side"),
    "mixed sizes in a list": ({}, mixed(False), r"different sizes, \(7, 8\) and \(8, 8\)"),
    "mixed sizes in an array": ({}, mixed(True), r"different sizes, \(7, 8\) and \(8, 8\)"),
    "too many axes": ({}, X[:, :, None, None, None], "up to three spatial axes"),
    "NaN": ({}, np.where(X == 16, np.nan, X), "Input X contains NaN"),
    "infinity": ({}, np.where(X == 16, np.inf, X), "Input X contains infinity"),
    "text": ({}, np.full((60, 8, 8), "dark"), "could not convert string"),
    "complex": ({}, X * 1j, "Complex data not supported"),
    "input_shape that does not fit": (
        {"input_shape": (8, 9)},
        FLAT,
        r"input_shape=\(8, 9\) needs 72 features, X has 64",
    ),
    "input_shape beside images": ({"input_shape": (8, 9)}, X, "leave input_shape at None"),
    "input_shape with a zero": ({"input_shape": (8, 8, 0)}, FLAT, "whole numbers of at least 1"),
    "conv_dim of other data": ({"conv_dim": 3}, X[:, 0], "conv_dim=3 needs images of shape"),
    "conv_dim unknown": ({"conv_dim": 4}, X, "'conv_dim' parameter"),
    "conv_channels empty": ({"conv_channels": ()}, X, r"conv_channels=\(\) has no layer"),
    "conv_channels zero": ({"conv_channels": (4, 0)}, X, "conv_channels must be > 0"),
    "conv_channels unknown": ({"conv_channels": "many"}, X, "'conv_channels' parameter"),
    "kernel_size zero": ({"kernel_size": [3, 0]}, X, "kernel_size.*at least 1"),
    "kernel_size for other layers": ({"kernel_size": [3, 3, 3]}, X, "3 values for 2 conv layers"),
    "kernel_size for other axes": ({"kernel_size": [(3, 3, 3), 3]}, X, "2 numbers per layer"),
    "kernel_size for volumes": (
        {"kernel_size": (3, 3, 3)},
        X,
        r"kernel_size=\(3, 3, 3\) has 3 values, but there are 2 spatial dimensions and 2 conv layers",
    ),
    "conv_channels in a list of lists": (
        {"conv_channels": [[4]]},
        X,
        r"conv_channels=\[\[4\]\] must be a whole number of channels",
    ),
    "ragged images": ({}, [[[1, 2], [3]]] * 60, r"X\[0\] is no image: its rows differ in length"),
    "pooling unknown": ({"pooling": ["max", "mean"]}, X, r"unknown \['mean'\]"),
    "activation unknown": ({"activation": ["relu", "rbf"]}, X, r"unknown \['rbf'\]"),
    "activation for other layers": ({"activation": ["relu"]}, X, "1 values for 2 conv and hidden"),
    "padding unknown": ({"padding": "full"}, X, "'padding' parameter"),
    "residual without room": ({"residual": True, "padding": "valid"}, X, "padding='same'"),
    "normalisation of one value": (
        {"conv_channels": 1, "pool_size": 8},
        X,
        "one value to normalise in conv layer 1",
    ),
    "scaling of one number": ({"input_scaling": (1,)}, X, "input_scaling.*pair"),
    "scaling of other channels": ({"input_scaling": ([0, 0], [1, 1])}, X, "input_scaling.* 1 chan"),
    "scaling by nothing": ({"input_scaling": (0, 0)}, X, "std > 0"),
    "augment unknown": ({"augment": "shift"}, X, "'augment' parameter"),
    "augment out of range": ({"augment": Augmentation(shift=2.0)}, X, "shift=2.0"),
    "augment for images": ({"augment": Augmentation(rotate=5)}, FLAT, "rotate=5 does not suit"),
    "augment with lbfgs": ({"augment": Augmentation(shift=0.2), "solver": "lbfgs"}, X, "augment"),
    "dropout with lbfgs": ({"spatial_dropout": 0.2, "solver": "lbfgs"}, X, "spatial_dropout"),
    "fine-tuning without a backbone": ({"fine_tune_layers": 2}, X, "needs a backbone"),
    "backbone not fitted": (
        {"backbone": CNNClassifier(), "conv_channels": "auto"},
        X,
        "not fitted.*FrozenEstimator",
    ),
    "backbone beside conv_channels": (
        {"backbone": nn.Conv2d(1, 2, 3)},
        X,
        r"conv_channels=\(4, 6\) would have no effect",
    ),
    "backbone of another kind": (
        {"backbone": MLPClassifier(), "conv_channels": "auto"},
        X,
        "no convolutional network",
    ),
    "backbone of a frozen other kind": (
        {"backbone": FrozenEstimator(MLPClassifier()), "conv_channels": "auto"},
        X,
        "no convolutional network",
    ),
    "backbone for colours": (
        {"backbone": nn.Conv2d(3, 2, 3), "conv_channels": "auto"},
        X,
        "backbone does not work on images of 1 channels",
    ),
    "backbone that makes no module": (
        {"backbone": lambda: 3, "conv_channels": "auto"},
        X,
        "it returned int",
    ),
    "backbone that needs arguments": (
        {"backbone": nn.Conv2d, "conv_channels": "auto"},
        X,
        "without arguments.*functools.partial",
    ),
    "more layers than there are": (
        {
            "backbone": functools.partial(nn.Conv2d, 1, 2, 3),
            "conv_channels": "auto",
            "fine_tune_layers": 2,
        },
        X,
        "fine_tune_layers=2, but the backbone has 1",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_a_clear_error_and_nothing_is_lost(name):
    params, images, message = BAD[name]
    fresh = CNNClassifier(**SMALL | params)
    with pytest.raises(ValueError, match=message):
        fresh.fit(images, Y)
    assert not hasattr(fresh, "net_")
    assert not hasattr(fresh, "n_features_in_")

    network = CNNClassifier(**SMALL).fit(X, Y)
    before = network.predict_proba(X)
    with pytest.raises(ValueError, match=message):
        network.set_params(**params).fit(images, Y)
    np.testing.assert_array_equal(network.predict_proba(X), before)
    network.set_params(**dict.fromkeys(params, None) | defaults(params)).fit(X, Y)
    np.testing.assert_array_equal(network.predict_proba(X), before)


def defaults(params):
    values = CNNClassifier().get_params() | SMALL
    return {name: values[name] for name in params}


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (X[:, :7], r"shape \(7, 8\), but CNNClassifier was fitted to images of shape \(8, 8\)"),
        (X[..., None], r"shape \(8, 8, 1\).*X.reshape\(-1, 8, 8\) has that shape"),
        (FLAT, r"shape \(64,\).*X.reshape\(-1, 8, 8\) has that shape"),
        (X[0], "A single image needs a first axis"),
        (X[:0], "0 sample"),
        (mixed(False), "different sizes"),
        (np.where(X == 16, np.nan, X), "contains NaN"),
    ],
    ids=range(7),
)
def test_other_images_at_predict_are_refused(images, message):
    network = CNNClassifier(**SMALL).fit(X, Y)
    before = network.predict_proba(X)
    for method in (network.predict, network.predict_proba, network.partial_fit):
        arguments = (images, Y[: len(images)]) if method == network.partial_fit else (images,)
        with pytest.raises(ValueError, match=message):
            method(*arguments)
    np.testing.assert_array_equal(network.predict_proba(X), before)


def test_features_of_a_table_are_counted_by_scikit_learn():
    network = CNNClassifier(**SMALL, input_shape=(8, 8)).fit(FLAT, Y)
    with pytest.raises(ValueError, match="X has 63 features, but CNNClassifier is expecting 64"):
        network.predict(FLAT[:, :63])


def test_architecture_that_changed_cannot_go_on():
    network = CNNClassifier(**SMALL, warm_start=True).fit(X, Y)
    words = (
        r"has changed: layers \(number 1\): kernel from \(3, 3\) to \(5, 5\), layers \(number 2\)"
    )
    with pytest.raises(ValueError, match=words):
        network.set_params(kernel_size=5).fit(X, Y)
    with pytest.raises(ValueError, match="shape"):
        network.set_params(kernel_size=3).fit(X[:, :7], Y)
    with pytest.raises(ValueError, match="input_scaling from standardize to None"):
        network.set_params(input_scaling=None).fit(X, Y)
    with pytest.raises(ValueError, match="input_scaling from standardize to None"):
        network.partial_fit(X, Y)
    network.set_params(input_scaling=(np.array([5.0]), 2)).set_params(warm_start=False).fit(X, Y)
    network.set_params(input_scaling=((5,), 2.0), warm_start=True).fit(X, Y)  # the same


def test_other_order_of_axes_is_named():
    colours = np.stack([X, X / 2, X / 3], axis=-1)
    network = CNNClassifier(**SMALL).fit(colours, Y)
    with pytest.raises(ValueError, match="Its axes stand in another order"):
        network.predict(np.moveaxis(colours, -1, 1))
