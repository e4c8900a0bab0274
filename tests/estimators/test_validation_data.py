"""Rows that early stopping sets aside."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from torch import nn

from sknets import CNNClassifier, MLPClassifier, MLPRegressor, ModuleClassifier, RNNClassifier
from sknets.estimators._validation_data import split_rows
from tests.drawn import drawn, result_or_words

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 5))
MANY = np.arange(300) % 40
IMAGES, SERIES = RNG.normal(size=(300, 4, 4)), RNG.normal(size=(300, 5, 1))
STOPS = {"early_stopping": True, "max_iter": 3, "random_state": 0}


def make_small(n_inputs, n_outputs):
    return nn.Sequential(nn.Linear(n_inputs, 20), nn.ReLU(), nn.Linear(20, n_outputs))


@pytest.mark.parametrize(
    ("network", "rows"),
    [
        (MLPClassifier(hidden_layer_sizes=4, **STOPS), X),
        (ModuleClassifier(make_small, **STOPS), X),
        (CNNClassifier(conv_channels=(4,), **STOPS), IMAGES),
        (RNNClassifier(recurrent_layer_sizes=4, **STOPS), SERIES),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("scoring", [None, "loss"])
def test_more_classes_than_rows_to_set_aside(network, rows, scoring):
    network.set_params(scoring=scoring).fit(rows, MANY)
    assert len(network.classes_) == 40
    assert len(network.validation_scores_) == 3
    assert np.isfinite(network.validation_scores_).all()


@pytest.mark.parametrize(
    "labels",
    [
        MANY,
        np.where(np.arange(300) < 1, 2, np.arange(300) % 2),  # one row of a class
        np.minimum(np.arange(300), 5),  # five such classes
        np.array(list("abc"))[np.arange(300) % 3],
    ],
    ids=["many", "one", "five", "text"],
)
def test_what_scikit_learn_fits_is_fitted(labels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        SklearnMLPClassifier((4,), **STOPS).fit(X, labels)
    network = MLPClassifier((4,), **STOPS).fit(X, labels)
    assert set(network.classes_) == set(labels)


def test_a_class_with_one_row_is_learned_and_two_classes_suffice():
    labels = np.arange(300) == 7  # which scikit-learn refuses
    train, valid = split_rows(300, 0.1, 0, labels)
    assert 7 in train
    assert len(valid) == 30
    column, of_column = split_rows(300, 0.1, 0, labels[:, None])  # as one label is encoded
    np.testing.assert_array_equal(column, train)
    np.testing.assert_array_equal(of_column, valid)
    MLPClassifier((4,), **STOPS).fit(X, labels)


def test_rows_of_no_weight_do_not_count():
    labels = np.arange(300) % 3
    weight = np.where((labels == 2) & (np.arange(300) > 2), 0.0, 1.0)  # one row of it is left
    MLPClassifier((4,), **STOPS).fit(X, labels, sample_weight=weight)


def test_a_split_that_can_be_stratified_is_scikit_learns():
    labels = RNG.integers(0, 4, 200)
    ours = split_rows(200, 0.15, 3, labels)
    theirs = train_test_split(np.arange(200), test_size=0.15, random_state=3, stratify=labels)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("fraction", [0.0, 1e-12, 0.05])
@pytest.mark.parametrize("kind", ["classes", "labels", "numbers", "sequences"])
def test_too_few_rows_say_what_to_do(kind, fraction):
    rows, network = X[:12], MLPClassifier(validation_fraction=fraction, **STOPS)
    y = np.arange(12) % 2
    if kind == "labels":
        y = np.c_[y, 1 - y]
    elif kind == "numbers":
        network, y = MLPRegressor(validation_fraction=fraction, **STOPS), X[:12, 0]
    elif kind == "sequences":
        rows, y = SERIES[:12], SERIES[:12, :, 0] > 0
        network = RNNClassifier(output="timesteps", validation_fraction=fraction, **STOPS)
    with pytest.raises(ValueError, match=r"Increase 'validation_fraction'.*give X_val and y_val"):
        network.fit(rows, y)
    network.fit(rows, y, X_val=rows, y_val=y)


@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_classes_of_one_row_each_say_what_to_do():
    network = MLPClassifier(**STOPS)
    with pytest.raises(ValueError, match=r"30 rows of 30 classes cannot be .*give X_val and y_val"):
        network.fit(X[:30], np.arange(30))
    network.fit(X[:30], np.arange(30), X_val=X[:30], y_val=np.arange(30))


def test_a_fraction_of_nearly_all_says_what_to_do():
    network = MLPRegressor(validation_fraction=0.99, **STOPS)
    with pytest.raises(ValueError, match="Lower validation_fraction"):
        network.fit(X[:20], X[:20, 0])


@pytest.mark.parametrize("is_sequence", [False, True])
def test_validation_data_without_a_class_are_named(is_sequence):
    network, rows, y = MLPClassifier(scoring="roc_auc", **STOPS), X, np.arange(300) % 2
    if is_sequence:
        rows, y = SERIES, (SERIES[:, :, 0] > 0).astype(int)
        network = RNNClassifier(4, output="timesteps", scoring="roc_auc", **STOPS)
    one = "step" if is_sequence else "row"
    words = rf"NaN in every epoch\. \(.* data \(X_val, y_val\) have no {one} of class 1: give some"
    with pytest.raises(ValueError, match=words):
        network.fit(rows, y, X_val=rows[:9], y_val=np.zeros_like(y[:9]))
    lone = np.zeros_like(y)
    lone[0] = 1
    if is_sequence:  # a split of rows cannot be stratified by steps
        with pytest.raises(ValueError, match=r"set aside by validation_fraction have no step of"):
            network.fit(rows, lone)


@drawn(150)
@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(1, 120),
    n_classes=st.integers(1, 50),
    fraction=st.floats(0, 1, exclude_max=True),
    skew=st.floats(0, 4),
)
def test_any_split_is_as_even_as_it_can_be(seed, n_rows, n_classes, fraction, skew):
    rng = np.random.default_rng(seed)
    shares = np.arange(1, n_classes + 1) ** -skew
    labels = rng.choice(n_classes, n_rows, p=shares / shares.sum())
    network = MLPClassifier()
    parts = result_or_words(lambda: split_rows(n_rows, fraction, seed, labels), network)
    n_held, classes = math.ceil(fraction * n_rows), np.unique(labels)
    if parts is None:
        assert n_held < 2 or n_rows - n_held < len(classes)
        return
    train, valid = parts
    assert len(valid) == n_held
    np.testing.assert_array_equal(np.sort(np.r_[train, valid]), np.arange(n_rows))
    np.testing.assert_array_equal(np.unique(labels[train]), classes)
    for label in classes:
        count, held = (labels == label).sum(), (labels[valid] == label).sum()
        share = n_held * count / n_rows
        spare = n_held * (count - 1) / max(n_rows - len(classes), 1)
        assert math.floor(min(share, spare)) <= held <= math.ceil(max(share, spare))


@drawn(60)
@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(2, 60),
    kind=st.sampled_from(["classes", "labels", "numbers", "sequences", "text"]),
    n_classes=st.integers(1, 30),
    fraction=st.floats(0, 0.99),
    is_weighted=st.booleans(),
    scoring=st.sampled_from([None, "loss"]),
)
@pytest.mark.slow
def test_a_drawn_fit_with_early_stopping_is_fitted_or_told_what_to_do(
    seed, n_rows, kind, n_classes, fraction, is_weighted, scoring
):
    rng = np.random.default_rng(seed)
    rows, y = rng.normal(size=(n_rows, 3)), rng.integers(0, n_classes, n_rows)
    weight = rng.integers(0, 3, n_rows).astype(float) if is_weighted else None
    options = STOPS | {"validation_fraction": fraction, "scoring": scoring, "max_iter": 2}
    network = MLPClassifier(hidden_layer_sizes=3, **options)
    if kind == "labels":
        y = rng.integers(0, 2, (n_rows, 3))
    elif kind == "text":
        y = np.array([f"class {label}" for label in y])
    elif kind == "numbers":
        network, y = MLPRegressor(hidden_layer_sizes=3, **options), rows[:, 0]
    elif kind == "sequences":
        rows = rng.normal(size=(n_rows, 4, 1))
        y = rng.integers(0, n_classes, (n_rows, 4))
        network = RNNClassifier(recurrent_layer_sizes=3, output="timesteps", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = result_or_words(lambda: network.fit(rows, y, weight), network)
    if fitted is not None:
        assert np.isfinite(fitted.best_validation_score_)
        assert np.isfinite(np.asarray(fitted.net_.history[:, "valid_loss"])).all()
