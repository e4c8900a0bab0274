"""What is said about a training that went wrong, and that nothing is said about one that went well."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import MaxAbsScaler, StandardScaler, scale
from torch import nn

from sknets import (
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from tests.drawn import drawn

RNG = np.random.default_rng(0)
X, Y = make_friedman1(200, noise=0.5, random_state=0)
X = scale(X)
LABELS = np.median(Y) < Y


def words_of(estimator, *data, **fit_params):
    """Fit and return what was said of the training, one text for each warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(*data, **fit_params)
    return [str(w.message) for w in caught if w.category is ConvergenceWarning]


def make_small(n_inputs, n_outputs):
    return nn.Sequential(nn.Linear(n_inputs, 20), nn.ReLU(), nn.Linear(20, n_outputs))


NETWORKS = {
    "mlp": MLPRegressor(max_iter=30, random_state=0),
    "mlp, sgd": MLPRegressor(
        solver="sgd", max_grad_norm=1.0, learning_rate_init=1e-4, max_iter=30, random_state=0
    ),
    "mlp, lbfgs": MLPRegressor(solver="lbfgs", max_iter=5, random_state=0),
    "mlp, planned": MLPRegressor(learning_rate="cosine", max_iter=30, random_state=0),
    "module": ModuleRegressor(make_small, max_iter=30, random_state=0),
    "classes": MLPClassifier(max_iter=30, random_state=0),
    "classes, module": ModuleClassifier(make_small, max_iter=30, random_state=0),
}
STRANGE = {
    "years": lambda x: 2000 + 5 * x,
    "1e6": lambda x: 1e6 * x,
    "money": lambda x: 5e4 + 1e4 * x,
    "constant": lambda x: np.full_like(x, 1e6),
}


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_column_out_of_scale_is_named(name, strange):
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(10)])
    frame["x3"] = STRANGE[strange](frame["x3"])
    y = LABELS if name.startswith("classes") else Y
    (said,) = words_of(NETWORKS[name], frame, y)
    assert "1 of 10 columns of X" in said
    assert "x3 (mean" in said
    assert "make_pipeline(StandardScaler(), " + type(NETWORKS[name]).__name__ in said


@pytest.mark.parametrize("name", [name for name in NETWORKS if "lbfgs" not in name])
def test_columns_that_are_all_tiny_are_named(name):
    y = LABELS if name.startswith("classes") else Y
    (said,) = words_of(NETWORKS[name], 1e-6 * X, y)
    assert "10 of 10 columns of X" in said
    assert re.search(r"column \d \(mean .*standard deviation 1e-06\)", said)
    assert "and 7 more" in said


def test_a_tiny_column_among_others_is_named():
    mixed = X * np.where(np.arange(10) == 4, 1e-6, 1.0)
    (said,) = words_of(NETWORKS["mlp"], mixed, Y)
    assert "1 of 10 columns of X" in said
    assert "column 4 (mean 0, standard deviation 1e-06)" in said


def test_a_sparse_column_is_to_keep_its_zeros():
    rows = sp.random_array((200, 30), density=0.2, rng=np.random.default_rng(0)).tocsr()
    y = rows.sum(axis=1)
    (said,) = words_of(MLPRegressor(max_iter=30, random_state=0), 1e5 * rows, y)
    assert "30 of 30 columns of X" in said
    assert "make_pipeline(MaxAbsScaler(), MLPRegressor" in said
    scaled = MaxAbsScaler().fit_transform(1e5 * rows)
    (said,) = words_of(MLPRegressor(max_iter=30, random_state=0), scaled, y)
    assert "columns of X" not in said


def test_what_is_advised_helps():
    strange = X + np.where(np.arange(10) == 3, 2000.0, 0.0)
    network = MLPRegressor(random_state=0)
    assert any("StandardScaler" in said for said in words_of(network, strange, Y))
    before = network.score(strange, Y)
    network.fit(StandardScaler().fit_transform(strange), Y)
    assert 1 - network.score(X, Y) < (1 - before) / 3


def test_only_a_network_that_learns_badly_is_told_of_its_columns():
    classes = X[:, 0] + X[:, 1] > 0
    network = MLPClassifier(max_iter=2000, random_state=0)
    assert words_of(network, 30 * X, classes) == []  # large, and learned all the same
    assert network.score(30 * X, classes) == 1.0


@pytest.mark.parametrize("factor", [1e5, 1e-4])
def test_series_that_are_not_standardised(factor):
    series = RNG.normal(size=(60, 8, 2))
    y = series[:, -3:, 0].sum(axis=1)
    network = RNNRegressor(recurrent_layer_sizes=8, input_scaling=None, max_iter=10, random_state=0)
    (said,) = words_of(network, factor * series, y)
    assert "2 of 2 features of X" in said
    assert "input_scaling='standardize'" in said
    network.set_params(input_scaling="standardize")
    assert not any("features of X" in said for said in words_of(network, factor * series, y))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_channels_that_are_not_standardised(data_format):
    images = RNG.normal(size=(60, 6, 6, 2)) + np.array([0.0, 500.0])
    y = images.mean(axis=(1, 2, 3))
    if data_format == "channels_first":
        images = np.moveaxis(images, -1, 1)
    network = CNNRegressor(
        conv_channels=(4,),
        input_scaling=None,
        data_format=data_format,
        max_iter=5,
        random_state=0,
    )
    (said,) = words_of(network, images, y)
    assert "1 of 2 channels of X" in said
    assert "channel 1 (mean 500" in said
    network.set_params(input_scaling=([0.0, 500.0], 1.0))
    assert not any("channels of X" in said for said in words_of(network, images, y))


def test_a_scaling_that_was_meant_for_other_units_is_named():
    images = RNG.integers(0, 256, (60, 6, 6)).astype(np.uint8)
    y = images.mean(axis=(1, 2))
    network = CNNRegressor(
        conv_channels=(4,),
        normalization=None,
        input_scaling=(0.5, 0.25),
        max_iter=5,
        random_state=0,
    )
    (said,) = words_of(network, images, y)
    assert "1 of 1 channels of X" in said


def test_divergence_names_the_column():
    strange = X * np.where(np.arange(10) == 7, 1e8, 1.0)
    network = MLPRegressor(solver="sgd", learning_rate_init=0.1, random_state=0)
    with pytest.raises(ValueError, match=r"column 7 \(mean .*StandardScaler.*learning_rate_init"):
        network.fit(strange, Y)


# --- data in good order ------------------------------------------------------------------------------


def draw_table(rng, kind, n=120):
    """Return a table of a kind that needs no scaling."""
    if kind == "standard":
        return rng.normal(size=(n, 6))
    if kind == "one-hot":
        return np.eye(40)[rng.integers(0, 40, n)]
    if kind == "indicators":
        return (rng.random((n, 12)) < rng.uniform(0.01, 0.99, 12)).astype(float)
    if kind == "counts":
        return rng.poisson(rng.uniform(0.1, 8, 6), (n, 6)).astype(float)
    if kind == "words":
        words = sp.csr_array(rng.poisson(0.05, (n, 300)).astype(float))
        words.data *= rng.uniform(1, 6, 300)[words.indices]
        norm = np.sqrt(words.power(2).sum(axis=1))
        return (sp.diags_array(1 / np.where(norm > 0, norm, 1)) @ words).tocsr()
    if kind == "shares":
        return rng.dirichlet(np.ones(5), n)
    if kind == "unit":
        return rng.random((n, 4))
    return np.c_[rng.normal(size=(n, 4)), np.ones(n), np.zeros(n)]  # constants


KINDS = ["standard", "one-hot", "indicators", "counts", "words", "shares", "unit", "constants"]


@drawn(80)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(KINDS),
    dtype=st.sampled_from([np.float32, np.float64]),
    max_iter=st.integers(1, 25),
    is_weighted=st.booleans(),
    of_classes=st.booleans(),
)
@pytest.mark.slow
def test_no_wolf_is_cried(seed, kind, dtype, max_iter, is_weighted, of_classes):
    rng = np.random.default_rng(seed)
    table = draw_table(rng, kind).astype(dtype)
    y = rng.normal(size=table.shape[0])  # which no column tells
    weight = rng.uniform(0.1, 3, len(y)) if is_weighted else None
    kind = MLPClassifier if of_classes else MLPRegressor
    network = kind(hidden_layer_sizes=8, max_iter=max_iter, random_state=seed)
    for said in words_of(network, table, y > 0 if of_classes else y, weight):
        assert "columns of X" not in said


@drawn(120)
@given(
    seed=st.integers(0, 10**6),
    exponent=st.floats(-9, 9),
    offset=st.sampled_from([0.0, 1.0, -1.0, 30.0, 1e4]),
    dtype=st.sampled_from([np.float32, np.float64]),
    layout=st.sampled_from(["dense", "sparse", "frame"]),
    is_weighted=st.booleans(),
)
@pytest.mark.slow
def test_a_drawn_scale_is_named_if_and_only_if_it_is_strange(
    seed, exponent, offset, dtype, layout, is_weighted
):
    rng = np.random.default_rng(seed)
    size = 10.0**exponent
    table = rng.normal(size=(80, 5))
    table[:, 2] = size * (table[:, 2] + offset)
    table = table.astype(dtype)
    if layout == "sparse":
        table = sp.csr_array(table)
    elif layout == "frame":
        table = pd.DataFrame(table, columns=list("abcde"))
    name = "c" if layout == "frame" else "column 2"
    y = rng.normal(size=80)
    weight = rng.uniform(0.1, 3, 80) if is_weighted else None
    network = MLPRegressor(hidden_layer_sizes=4, max_iter=5, random_state=seed)
    said = " ".join(words_of(network, table, y, weight))
    root_mean_square = size * np.hypot(1.0, offset)
    if root_mean_square > 60 or size < 1e-3:
        assert (
            f"1 of 5 columns of X are in a scale from which a network hardly learns: {name} "
            in said
        )
    elif size > 0.1 and root_mean_square < 15 and offset < 3:
        assert "columns of X" not in said


# --- by heart, and other ends --------------------------------------------------------------------------


def test_noise_that_was_learned_by_heart_needs_no_more_epochs():
    noise, labels = RNG.normal(size=(100, 10)), RNG.integers(0, 2, 100)
    network = MLPClassifier(max_iter=500, random_state=0)
    (said,) = words_of(network, noise, labels)
    assert network.score(noise, labels) == 1.0
    assert said.startswith("Stochastic Optimizer: Maximum iterations (500) reached and the optimi")
    assert "by heart (all are predicted right)" in said
    for remedy in ("early_stopping=True", "X_val", "larger alpha than 0.0001", "smaller network"):
        assert remedy in said
    assert "raise max_iter" not in said


def test_numbers_that_were_learned_by_heart():
    noise, y = RNG.normal(size=(60, 20)), RNG.normal(size=60)
    network = MLPRegressor(max_iter=200, n_iter_no_change=200, random_state=0)
    (said,) = words_of(network, noise, y)
    assert re.search(r"by heart \(R² = (0\.99|1\.0)", said)
    assert "raise max_iter" not in said


def test_validation_data_tell_that_noise_is_learned():
    noise, labels = RNG.normal(size=(100, 10)), RNG.integers(0, 2, 100)
    other, others = RNG.normal(size=(100, 10)), RNG.integers(0, 2, 100)
    network = MLPClassifier(max_iter=150, random_state=0)
    (said,) = words_of(network, noise, labels, X_val=other, y_val=others)
    losses = network.history_["validation_loss"]
    assert f"lowest in epoch {np.argmin(losses) + 1} of 150" in said
    assert "early_stopping=True keeps the best epoch" in said
    assert "raise max_iter" not in said


def test_sequences_that_were_learned_by_heart():
    series = np.random.default_rng(0).normal(size=(12, 6, 2))
    network = RNNClassifier(
        recurrent_layer_sizes=16,
        output="timesteps",
        learning_rate="constant",
        learning_rate_init=0.02,
        alpha=0,
        max_iter=120,
        n_iter_no_change=200,
        random_state=0,
    )
    (said,) = words_of(network, series, series[:, :, 0] > 0)
    assert "by heart (all are predicted right)" in said


def test_a_loss_that_falls_wants_more_epochs():
    (said,) = words_of(MLPRegressor(max_iter=30, random_state=0), X, Y)
    assert said.startswith("Stochastic Optimizer: Maximum iterations (30) reached")
    assert "still falls: raise max_iter (now 30) or learning_rate_init (now 0.001)." in said
    assert "show which: early_stopping=True, or X_val" in said


def test_a_loss_that_jumps_wants_a_lower_rate():
    network = MLPRegressor(
        learning_rate_init=0.1, batch_size=10, max_iter=200, n_iter_no_change=500, random_state=0
    )
    (said,) = words_of(network, X, Y)
    assert "goes up and down, and falls no more: lower learning_rate_init (now 0.1)" in said


def test_nothing_to_learn():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    network = MLPClassifier(
        hidden_layer_sizes=2,
        learning_rate_init=0.05,
        n_iter_no_change=1000,
        max_iter=200,
        alpha=0,
        random_state=0,
    )
    (said,) = words_of(network, rng.normal(size=(2000, 1)), y)
    assert "Nothing has been learned yet" in said
    assert "a simple model" in said


def test_early_stopping_that_was_not_done_wants_more_epochs():
    network = MLPRegressor(early_stopping=True, max_iter=8, random_state=0)
    (said,) = words_of(network, X, Y)
    assert "Validation data have not stopped it: raise max_iter (now 8)" in said


def test_a_rare_class_is_no_success():
    rare = np.arange(400) < 20
    table = RNG.normal(size=(400, 4)) + np.array([2000.0, 0, 0, 0])
    network = MLPClassifier(max_iter=300, random_state=0)
    assert any("column 0 (mean 2e+03" in said for said in words_of(network, table, rare))


def test_large_pixels_are_learned_and_nothing_is_said():
    pixels, digits = load_digits(return_X_y=True)
    network = MLPClassifier(early_stopping=True, random_state=0)
    assert words_of(network, pixels[:500], digits[:500]) == []


def test_nothing_is_said_of_a_constant_y():
    assert words_of(MLPRegressor(max_iter=5, random_state=0), 1e6 * X, np.full(200, 3.0)) == []


def test_nothing_is_said_where_the_best_of_all_epochs_was_asked_for():
    network = MLPRegressor(
        early_stopping=True, n_iter_no_change=np.inf, max_iter=10, random_state=0
    )
    assert words_of(network, X, Y) == []


def test_nothing_is_said_of_a_single_class():
    network = MLPClassifier(max_iter=5, random_state=0)
    assert words_of(network, 1e6 * X, np.ones(200)) == []
