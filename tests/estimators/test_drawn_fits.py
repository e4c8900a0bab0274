"""Drawn estimators on drawn data: a fit predicts finite values, or says in words why it cannot.

Of each family an estimator is drawn with random valid parameters, and with it a small X and y of any
type, magnitude and order in memory. Whatever was drawn, a weight of 0 is removal, a pickle predicts the
same, and X and y stay as they are.
"""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier

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
from tests.drawn import drawn, result_or_words
from tests.estimators.estimators import SmallModule

ACTIVATIONS = ["identity", "logistic", "tanh", "relu", "leaky_relu", "prelu", "elu", "gelu", "silu"]
TRAINING = {
    "solver": ["adam", "adamw", "sgd", "gd", "adagrad", "rmsprop", "lbfgs"],
    "learning_rate": [
        *("constant", "invscaling", "adaptive", "step", "exponential", "cosine", "one_cycle"),
    ],
    "learning_rate_init": [1e-4, 0.01, 0.5],
    "alpha": [0.0, 0.01, 10.0],
    "l1_alpha": [0.0, 0.01, 1.0],
    "batch_size": ["auto", 1, 3, 100],
    "batch_growth": [1.0, 1.5],
    "dtype": ["auto", "float32", "float64"],
    "early_stopping": [False, True],
    "validation_fraction": [0.2, 0.4],
    "n_iter_no_change": [1, 3],
    "average": [None, "polyak", "exponential"],
    "max_grad_norm": [None, 0.1],
    "momentum": [0.0, 0.5],
    "nesterovs_momentum": [True, False],
    "shuffle": [True, False],
    "tol": [0.0, 0.1],
}
DENSE = {
    "activation": [*ACTIVATIONS, "rbf"],
    "hidden_layer_sizes": [(), 3, (4, 2)],
    "dropout": [0.0, 0.3],
    "normalization": [None, "batch", "layer"],
    "weight_init": ["glorot_uniform", "he_normal", "orthogonal", "linear"],
}
CONVOLUTIONAL = {
    "activation": ACTIVATIONS,
    "conv_channels": [(2,), (2, 3)],
    "hidden_layer_sizes": [(), (3,)],
    "normalization": [None, "group", "batch", "layer"],
    "pooling": ["max", "average", "weighted", "downsample", None],
    "global_pooling": ["average", "max", None],
    "padding": ["same", "valid"],
    "residual": [False, True],
    "input_scaling": ["standardize", None],
    "dropout": [0.0, 0.2],
}
RECURRENT = {
    "cell": ["rnn", "rnn_relu", "lstm", "gru", "gru_reset_before", "rau"],
    "recurrent_layer_sizes": [2, (3, 2)],
    "hidden_layer_sizes": [(), (3,)],
    "bidirectional": [False, True],
    "pool": ["auto", "mean", "max", "attention"],
    "conv_channels": ["auto", (2,)],
    "input_scaling": ["standardize", None],
    "dropout": [0.0, 0.2],
    "recurrent_dropout": [0.0, 0.2],
    "bptt_steps": [None, 2],
}
REGRESSION = {"loss": ["squared_error", "absolute_error", "huber", "quantile", "poisson"]}
CLASSIFICATION = {"class_weight": [None, "balanced"], "label_smoothing": [0.0, 0.1]}

FAMILIES = {
    "mlp": (MLPClassifier, MLPRegressor, DENSE, [(3,), (1,), (8,)]),
    "cnn": (CNNClassifier, CNNRegressor, CONVOLUTIONAL, [(5, 4), (6,), (4, 4, 3)]),
    "rnn": (RNNClassifier, RNNRegressor, RECURRENT, [(4,), (5, 2), (1, 3)]),
    "module": (ModuleClassifier, ModuleRegressor, {}, [(3,), (1,)]),
}
#: Parameters that suit all others.
HARMLESS = {
    *(
        "random_state",
        "max_iter",
        "module",
        "activation",
        "hidden_layer_sizes",
        "alpha",
        "batch_size",
    ),
    *("tol", "dtype", "class_weight", "shuffle", "cell", "recurrent_layer_sizes", "conv_channels"),
    *("weight_init", "n_iter_no_change", "dropout", "bidirectional", "input_scaling", "average"),
}
MAGNITUDES = [1.0, 1.0, 1.0, 1e-30, 1e-10, 1e5, 1e10, 1e30]


@st.composite
def estimators(draw, family, kind):
    """An estimator with up to eight parameters that are not at their defaults."""
    classifier, regressor, own, _ = FAMILIES[family]
    task = CLASSIFICATION if kind == "classifier" else REGRESSION
    choices = TRAINING | own | task
    names = draw(st.lists(st.sampled_from(sorted(choices)), unique=True, max_size=8))
    options = {name: draw(st.sampled_from(choices[name])) for name in names}
    if family == "module":
        options["module"] = SmallModule
    make = classifier if kind == "classifier" else regressor
    options["max_iter"] = draw(st.integers(1, 4))
    return make(random_state=draw(st.integers(0, 9)), **options)


@st.composite
def arrays(draw, shape):
    """Numbers of any type, magnitude and order in memory, with constants among them."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    kind = draw(
        st.sampled_from(["float64", "float64", "float32", "int64", "uint8", "bool", "float16"])
    )
    values = rng.normal(size=shape)
    if kind in ("float64", "float32"):
        values = values * draw(st.sampled_from(MAGNITUDES)) + draw(st.sampled_from([0.0, 0.0, 1e3]))
        with np.errstate(over="ignore"):
            values = values.astype(kind)
    elif kind == "bool":
        values = values > 0
    else:
        values = (20 * np.abs(values)).astype(kind)
    spread = draw(st.sampled_from(["all", "all", "all", "constant", "constant column", "outlier"]))
    if spread == "constant":
        values[:] = values.flat[0]
    elif spread == "constant column" and values.ndim > 1:
        values[:, 0] = values.flat[0]
    elif spread == "outlier" and kind == "float64":
        values.flat[0] = 1e6 * np.abs(values).max()
    return laid_out(values, draw(st.sampled_from(["C", "F", "strided", "reversed", "read-only"])))


def laid_out(values, order):
    """Return the same values otherwise in memory."""
    if order == "F":
        return np.asfortranarray(values)
    if order == "strided":
        wide = np.repeat(values, 2, axis=-1)
        return wide[..., ::2]
    if order == "reversed":
        return values[::-1].copy()[::-1]
    if order == "read-only":
        values.flags.writeable = False
    return values


@st.composite
def cases(draw, family, kind):
    """An estimator, X, y, and weights, some of them 0."""
    estimator = draw(estimators(family, kind))
    n = draw(st.integers(6, 24))
    X = draw(arrays((n, *draw(st.sampled_from(FAMILIES[family][3])))))
    if kind == "classifier":
        n_classes = draw(st.integers(2, 3))
        labels = draw(
            st.sampled_from([np.arange(3), np.array(["a", "b", "c"]), np.array([-1, 1, 7])])
        )
        y = labels[np.arange(n) % n_classes]
        if draw(st.booleans()):
            y = laid_out(np.sort(y), "strided")
    else:
        shape = draw(st.sampled_from([(n,), (n,), (n, 2)]))
        y = draw(arrays(shape))
        if estimator.loss == "poisson":
            y = np.abs(y)
    weight = np.random.default_rng(draw(st.integers(0, 99))).uniform(0.5, 2, n)
    weight[draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n // 3))] = 0
    weight *= draw(st.sampled_from([1.0, 1.0, 1e-30, 1e30]))
    return estimator, X, y, weight


def are_ordinary(estimator, *data):
    """Whether neither parameters nor numbers give a reason for an error."""
    defaults = type(estimator)().get_params()
    changed = {name for name, value in estimator.get_params().items() if value != defaults[name]}
    sizes = [np.abs(values.astype(float)).max() for values in data if values.dtype.kind in "fiub"]
    return changed <= HARMLESS and max(sizes) < 1e4


def answers(estimator, X):
    """Return what a fitted estimator predicts, all of it."""
    predicted = [estimator.predict(X)]
    return [*predicted, estimator.predict_proba(X)] if is_classifier(estimator) else predicted


def check(estimator, X, y, weight):
    """Fit, and hold the estimator to what it promises."""
    before = X.tobytes(), y.tobytes(), weight.tobytes()
    fitted = result_or_words(lambda: clone(estimator).fit(X, y, weight), estimator)
    kept = weight > 0
    removed = result_or_words(
        lambda: clone(estimator).fit(X[kept], y[kept], weight[kept]), estimator
    )
    assert (X.tobytes(), y.tobytes(), weight.tobytes()) == before
    assert (fitted is None) == (removed is None)
    if fitted is None:
        assert not are_ordinary(estimator, X, y)
        return
    found = result_or_words(lambda: answers(fitted, X), estimator)
    assert found is not None or not are_ordinary(estimator, X, y)
    if found is not None:
        for values in found:
            assert values.dtype.kind not in "fc" or np.isfinite(values).all()
        for copied in (removed, pickle.loads(pickle.dumps(fitted))):
            for values, same in zip(found, answers(copied, X), strict=True):
                np.testing.assert_array_equal(values, same)
    assert (X.tobytes(), y.tobytes(), weight.tobytes()) == before


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
@pytest.mark.parametrize(
    ("family", "n_cases"), [("mlp", 400), ("cnn", 250), ("rnn", 250), ("module", 150)]
)
def test_drawn_fits_keep_their_promises(family, n_cases, kind):
    @drawn(n_cases)
    @given(cases(family, kind))
    def run(case):
        check(*case)

    run()
