"""Dense networks as textbooks draw them: strokes of weights, units that are left out, names."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import Autoencoder, CNNClassifier, MLPClassifier, MLPRegressor
from sknets.inspection import NetworkDiagram

X, Y = load_iris(return_X_y=True, as_frame=True)
FAST = {"solver": "lbfgs", "max_iter": 5, "random_state": 0}


def words(display):
    return [text.get_text() for text in display.ax_.texts]


def test_strokes_are_as_wide_as_weights_and_coloured_by_sign():
    network = MLPClassifier((3,), **FAST).fit(X, Y)
    display = NetworkDiagram.from_estimator(network)
    for strokes, weights in zip(display.strokes_, network.coefs_, strict=True):
        widths = np.array(strokes.get_linewidths()).reshape(weights.shape)
        np.testing.assert_allclose(widths, 3 * np.abs(weights) / np.abs(weights).max(), rtol=1e-6)
        is_blue = strokes.get_colors()[:, 2] > 0.5
        np.testing.assert_array_equal(is_blue.reshape(weights.shape), weights > 0)
    first = display.strokes_[0].get_segments()[1]  # of the first input to the second unit
    np.testing.assert_array_equal(first, [[0, 1.5], [1, 0]])
    assert words(display)[:4] == list(X.columns)
    assert words(display)[4:] == ["0", "1", "2"]


def test_the_strongest_of_many_units_are_drawn():
    weights = [np.eye(4)[:, :3] * [1.0, 3.0, 2.0], np.ones((3, 1))]
    display = NetworkDiagram(weights).plot(max_units=2)
    np.testing.assert_array_equal(display.shown_[0], [1, 2])
    np.testing.assert_array_equal(display.shown_[1], [1, 2])
    assert words(display) == ["2 of 4", "2 of 3", "x2", "x3", "y"]
    assert len(display.strokes_[0].get_segments()) == 4


def test_names_of_outputs():
    gaussian = MLPRegressor("gaussian", (2,), **FAST).fit(X, Y)
    assert words(NetworkDiagram.from_estimator(gaussian))[-2:] == ["y", "σ of y"]
    several = MLPRegressor(hidden_layer_sizes=(), **FAST).fit(X, np.c_[Y, Y])
    assert words(NetworkDiagram.from_estimator(several))[-2:] == ["y1", "y2"]
    two = MLPClassifier((2,), **FAST).fit(X, Y > 0)
    assert words(NetworkDiagram.from_estimator(two))[-1] == "y"


def test_embeddings_have_no_names_and_zero_weights_no_width():
    network = MLPRegressor(numeric_embedding="piecewise_linear", **FAST).fit(X, Y)
    display = NetworkDiagram.from_estimator(network, max_units=5)
    assert words(display)[2].startswith("x")
    still = NetworkDiagram([np.zeros((2, 2))]).plot()
    assert not np.any(still.strokes_[0].get_linewidths())


def test_given_axes_are_drawn_into():
    _, ax = plt.subplots()
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((3,), **FAST)).fit(X, Y)
    assert NetworkDiagram.from_estimator(pipeline, ax=ax).ax_ is ax


@pytest.mark.parametrize("max_units", [0, -1, 2.5, True, "all"])
def test_numbers_of_units_that_cannot_be(max_units):
    network = MLPClassifier((3,), **FAST).fit(X, Y)
    with pytest.raises(ValueError, match="max_units must be a positive whole number, got"):
        NetworkDiagram.from_estimator(network, max_units=max_units)


def test_what_has_no_dense_layers_is_refused():
    with pytest.raises(NotFittedError):
        NetworkDiagram.from_estimator(MLPClassifier())
    network = CNNClassifier(conv_channels=(2,), max_iter=1, random_state=0)
    with pytest.raises(TypeError, match="MLPClassifier or MLPRegressor"):
        NetworkDiagram.from_estimator(network.fit(np.zeros((4, 4, 4)), [0, 1, 0, 1]))


def test_autoencoder_is_drawn_with_its_columns_on_both_sides():
    network = Autoencoder(2, hidden_layer_sizes=(), max_iter=2, random_state=0).fit(X)
    display = NetworkDiagram.from_estimator(network)
    assert words(display) == [*X.columns, *X.columns]
    assert [len(units) for units in display.shown_] == [4, 2, 4]


@pytest.mark.parametrize(
    "weights",
    [
        None,
        [],
        "ab",
        [np.ones(3)],
        [np.ones((2, 3)), np.ones((4, 1))],
        [np.ones((0, 2))],
        [np.full((2, 2), np.nan)],
    ],
)
def test_weights_that_are_no_layers(weights):
    with pytest.raises(ValueError, match="^weights"):
        NetworkDiagram(weights).plot()


def test_names_are_as_many_as_units():
    layer = [[[1.0, 2.0], [3.0, 4.0]]]  # lists will do
    display = NetworkDiagram(layer, input_names=np.array(["a", "b"])).plot()
    assert words(display) == ["a", "b", "y1", "y2"]
    for name in ("input_names", "output_names"):
        for names in (["a"], ["a", "b", "c"], "ab", 2):
            with pytest.raises(ValueError, match=f"{name} must be 2 names"):
                NetworkDiagram(layer, **{name: names}).plot()
