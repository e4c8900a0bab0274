"""Drawn arguments: a finite result with an entry for each row, or an error that names what was wrong."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sknets import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from sknets.inspection import (
    ActivationsDisplay,
    FiltersDisplay,
    GradientFlowDisplay,
    HeatmapDisplay,
    TrainingCurveDisplay,
    grad_cam,
    gradient_flow,
    integrated_gradients,
    layer_activations,
    layer_relevance,
    learned_filters,
    occlusion,
)
from tests.drawn import drawn, result_or_words
from tests.estimators.estimators import SmallModule

SHAPES = {"mlp": (4,), "module": (4,), "cnn": (5, 4), "rnn": (5, 2), "tokens": (5,)}
NAMES = ("estimator", "array", "target", "layer", "baseline", "n_steps", "output_step", "rule")
NAMES = (*NAMES, "window", "stride", "method", "max_maps", "curves")


@cache
def fitted(family, kind, dtype, stops_early):
    """A small fitted network."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, *SHAPES[family]))
    y = X.reshape(30, -1)[:, 0]
    options = {"max_iter": 2, "random_state": 0, "dtype": dtype}
    if stops_early:
        options |= {"early_stopping": True, "validation_fraction": 0.2}
    if family == "tokens":
        X = rng.integers(0, 7, size=(30, 5))
        options["vocabulary_size"] = 7
    if family == "module":
        options["module"] = SmallModule
    if family in ("rnn", "tokens"):
        options["recurrent_layer_sizes"] = 3
    if family == "cnn":
        options["conv_channels"] = (2, 3)
    regressors = {"mlp": MLPRegressor, "cnn": CNNRegressor, "module": ModuleRegressor}
    classifiers = {"mlp": MLPClassifier, "cnn": CNNClassifier, "module": ModuleClassifier}
    if kind == "numbers":
        return regressors.get(family, RNNRegressor)(**options).fit(X, y)
    if kind == "two numbers":
        return regressors.get(family, RNNRegressor)(**options).fit(X, np.c_[y, -y])
    labels = np.array(["a", "b", "c"])[np.arange(30) % (2 if kind == "two classes" else 3)]
    return classifiers.get(family, RNNClassifier)(**options).fit(X, labels)


@st.composite
def networks(draw, families=tuple(SHAPES)):
    family = draw(st.sampled_from(families))
    kind = draw(st.sampled_from(["numbers", "two numbers", "two classes", "three classes"]))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    return family, fitted(family, kind, dtype, draw(st.booleans()))


@st.composite
def data(draw, family):
    """X of one or more rows, of any type and magnitude, constant, with gaps, or of a wrong shape."""
    n = draw(st.integers(1, 4))
    shape = (n, *SHAPES[family])
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    what = draw(
        st.sampled_from(["fine", "fine", "fine", "constant", "odd number", "shape", "none"])
    )
    if what == "shape":
        sizes = st.lists(st.integers(0, 6), min_size=1, max_size=4)
        shape = tuple(draw(sizes))
    X = rng.normal(size=shape) * draw(st.sampled_from([1.0, 1.0, 1e-30, 1e10]))
    if family == "tokens" and draw(st.integers(0, 9)):
        X = rng.integers(0, 7, size=shape)
    if what == "constant":
        X = np.zeros(shape) + draw(st.sampled_from([0.0, 3.0]))
    if what == "odd number" and X.dtype.kind == "f" and X.size:
        X.flat[-1] = draw(st.sampled_from([np.nan, np.inf, -1e300]))
    if what == "none":
        return draw(st.sampled_from([None, "X", [], [[]], 3.0]))
    with np.errstate(all="ignore"):
        X = X.astype(draw(st.sampled_from(["float64", "float32", "uint8", "int64"])), order="F")
    return X.tolist() if draw(st.integers(0, 9)) == 0 else X


TARGETS = st.one_of(
    st.sampled_from(
        [None, None, None, "a", "b", "c", "d", 0, 1, 2, -1, 1.0, 0.5, np.nan, True, {}]
    ),
    st.lists(st.sampled_from(["a", "b", 0, 1, 5, None]), max_size=4),
)
LAYERS = st.sampled_from(
    [
        *(None,) * 3,
        "conv1",
        "conv2",
        "activation1",
        "hidden1",
        "output",
        "recurrent1",
        "0",
        "",
        0,
        [],
        {},
    ]
)


@st.composite
def looks(draw, family):
    """A function of the room with drawn arguments, after the estimator and X."""
    look = draw(
        st.sampled_from(
            [integrated_gradients] * 3 + [layer_activations, layer_relevance, grad_cam, occlusion]
        )
    )
    if look is layer_activations:
        return look, {"layer": draw(LAYERS)}
    options = {"target": draw(TARGETS)}
    if look is grad_cam:
        options["layer"] = draw(LAYERS)
    if look is layer_relevance:
        options["rule"] = draw(st.sampled_from(["composite", "epsilon", "gamma", None]))
    if look is occlusion:
        sizes = st.sampled_from([1, 2, 3, 10, 0, -1, (1, 2), (2,), 1.5, None, "3", True])
        options |= {"window": draw(sizes), "stride": draw(sizes)}
    if look is integrated_gradients:
        options["n_steps"] = draw(st.sampled_from([1, 2, 5, 5, 5, 5, 0, -3, 2.5, "2"]))
        starts = [*(None,) * 4, 0, 1, 1.5, np.nan, np.inf, "mean", {}, [1.0, 2.0]]
        options["baseline"] = draw(st.sampled_from([*starts, np.zeros(SHAPES[family])]))
        options["output_step"] = draw(st.sampled_from([*(None,) * 6, 0, -1, "last"]))
    return look, options


def check_values(values, n_rows):
    """Hold a result to finite values, an entry for each row."""
    assert len(values) == n_rows
    for row in values:
        assert np.isfinite(row).all()


@pytest.mark.slow
@drawn(500)
@given(st.data())
def test_drawn_looks_are_finite_or_say_what_is_wrong(draw):
    family, network = draw.draw(networks())
    X = draw.draw(data(family))
    look, options = draw.draw(looks(family))
    before = X.tobytes() if isinstance(X, np.ndarray) else None
    found = result_or_words(lambda: look(network, X, **options), network, *NAMES)
    if found is not None:
        for values in found.values() if isinstance(found, dict) else [found]:
            check_values(values, len(X))
    assert before is None or X.tobytes() == before


@pytest.mark.slow
@drawn(150)
@given(st.data())
def test_drawn_displays_are_drawn_or_say_what_is_wrong(draw):
    import matplotlib.pyplot as plt

    family, network = draw.draw(networks(("cnn", "cnn", "cnn", "mlp", "rnn")))
    X = draw.draw(data(family))
    counts = st.sampled_from([1, 2, 16, 16, 16, 0, -1, 1.5, None, "all"])
    curves = st.one_of(
        st.sampled_from(["loss", "seconds", "learning_rate", "accuracy", None, 3, ()]),
        st.lists(
            st.sampled_from(["loss", "validation_loss", "validation_score", "los"]), max_size=3
        ),
    )
    method = st.sampled_from(
        ["grad_cam", "occlusion", ["relevance", "grad_cam"], [], "lrp", None, 3, grad_cam, [["x"]]]
    )
    calls = {
        "maps": lambda: ActivationsDisplay.from_estimator(
            network,
            X[0] if isinstance(X, np.ndarray) and X.ndim and len(X) else X,
            layer=draw.draw(LAYERS),
            max_maps=draw.draw(counts),
        ),
        "filters": lambda: FiltersDisplay.from_estimator(
            network, layer=draw.draw(LAYERS), max_maps=draw.draw(counts)
        ),
        "heat": lambda: HeatmapDisplay.from_estimator(
            network, X, method=draw.draw(method), target=draw.draw(TARGETS)
        ),
        "curves": lambda: TrainingCurveDisplay.from_estimator(network, curves=draw.draw(curves)),
        "flow": lambda: GradientFlowDisplay.from_estimator(network, X),
    }
    name = draw.draw(st.sampled_from(sorted(calls)))
    result_or_words(calls[name], network, *NAMES)
    plt.close("all")


@pytest.mark.slow
@drawn(100)
@given(st.data())
def test_drawn_gradient_flows_are_numbers_or_say_what_is_wrong(draw):
    family, network = draw.draw(networks(("rnn", "tokens", "mlp")))
    X = draw.draw(data(family))
    layer = draw.draw(st.sampled_from([-1, -1, -1, 0, 1, -2, 1.0, None, "recurrent1"]))
    flow = result_or_words(lambda: gradient_flow(network, X, layer=layer), network, *NAMES)
    if flow is not None:
        assert len(flow.norms) == len(X)
        assert np.isfinite(flow.norms[:, 0]).all()


def test_odd_images_are_drawn():
    network = fitted("cnn", "three classes", "float64", False)
    for X in (
        np.zeros((1, 5, 4)),
        np.full((1, 5, 4), 7, dtype=np.uint8),
        np.ones((1, 5, 4), np.float32),
    ):
        for look in (grad_cam, integrated_gradients, layer_relevance, occlusion):
            check_values(look(network, X), 1)
        HeatmapDisplay.from_estimator(network, X, ["a"], method=["grad_cam", "occlusion"])
        ActivationsDisplay.from_estimator(network, X[0])
    assert learned_filters(network).shape == (2, 3, 3, 1)


@pytest.mark.parametrize("max_maps", [0, -1, 2.5, None])
def test_max_maps_is_named(max_maps):
    network = fitted("cnn", "three classes", "float64", False)
    with pytest.raises((TypeError, ValueError), match="max_maps"):
        ActivationsDisplay.from_estimator(network, np.zeros((5, 4)), max_maps=max_maps)
    with pytest.raises((TypeError, ValueError), match="max_maps"):
        FiltersDisplay.from_estimator(network, max_maps=max_maps)


@pytest.mark.parametrize("window", [1.5, None, "3", (1, 2, 3), (1.5, 2), 0])
def test_window_and_stride_are_named(window):
    network = fitted("cnn", "three classes", "float64", False)
    for name in ("window", "stride"):
        with pytest.raises(ValueError, match=f"{name}=.* must be a whole number of at least 1"):
            occlusion(network, np.zeros((1, 5, 4)), **{name: window})


@pytest.mark.parametrize("family", sorted(SHAPES))
def test_a_forgotten_x_is_named(family):
    network = fitted(family, "three classes", "float64", False)
    looks = [layer_activations]
    looks += [] if family in ("rnn", "tokens") else [layer_relevance]
    looks += (
        [integrated_gradients, grad_cam, occlusion] if family == "cnn" else [integrated_gradients]
    )
    for look in looks:
        with pytest.raises((TypeError, ValueError), match="Expected 2D array|X"):
            look(network, None)
