"""Sample weights: 0 is removal, 2 is repetition; class weights multiply them."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.utils.class_weight import compute_sample_weight

from sknets import MLPClassifier, MLPRegressor
from sknets.estimators.cnn._base import BaseCNN
from tests.estimators.estimators import (
    ALL,
    MLPS,
    X_DIABETES,
    X_IRIS,
    Y_DIABETES,
    Y_IRIS,
    data_for,
    outputs,
)

RNG = np.random.default_rng(0)


def full_batch(estimator, **params):
    model = clone(estimator).set_params(batch_size=10_000, max_iter=40, random_state=0, **params)
    if isinstance(model, BaseCNN):
        # at a tie in a window, rounding would decide who gets the gradient: a smooth network has none
        model.set_params(pooling="average", activation="tanh", learning_rate_init=1e-3, max_iter=10)
    return model


@pytest.mark.filterwarnings("ignore:Got `batch_size`")
@pytest.mark.parametrize("solver", ["adam", "sgd", "rmsprop", "lbfgs"])
@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_weights_are_repetition(estimator, solver):
    X, y = data_for(estimator)
    weight = RNG.integers(0, 4, len(y))
    weighted = full_batch(estimator, solver=solver, l1_alpha=0.1 if solver != "lbfgs" else 0)
    repeated = clone(weighted)
    weighted.fit(X, y, sample_weight=weight)
    repeated.fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(outputs(weighted, X), outputs(repeated, X), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-7)


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_weight_zero_is_removal_to_the_last_bit(estimator):
    X, y = data_for(estimator)
    weight = RNG.integers(0, 2, len(y)).astype(float)
    model = clone(estimator).set_params(batch_size=16, max_iter=5, random_state=0)
    weighted = clone(model).fit(X, y, sample_weight=weight)
    removed = clone(model).fit(X[weight > 0], y[weight > 0], sample_weight=weight[weight > 0])
    np.testing.assert_array_equal(outputs(weighted, X), outputs(removed, X))


@pytest.mark.parametrize("scoring", [None, "loss"])
@pytest.mark.parametrize("Network", MLPS)
def test_validation_weights_are_repetition(Network, scoring):
    X, y = data_for(Network)
    weight = RNG.integers(0, 4, 50)
    held = np.arange(len(y)) % 3 == 0
    train = ~held
    model = Network(
        early_stopping=True, scoring=scoring, max_iter=30, random_state=0, n_iter_no_change=5
    )
    weighted = clone(model).fit(
        X[train], y[train], X_val=X[held], y_val=y[held], sample_weight_val=weight
    )
    repeated = clone(model).fit(
        X[train],
        y[train],
        X_val=X[held].repeat(weight, axis=0),
        y_val=y[held].repeat(weight),
    )
    np.testing.assert_allclose(weighted.validation_scores_, repeated.validation_scores_)
    np.testing.assert_array_equal(outputs(weighted, X), outputs(repeated, X))


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_scale_of_the_weights_does_not_matter_without_penalty(scale):
    X, y = data_for(MLPRegressor)
    weight = RNG.uniform(0.5, 2, len(y))
    model = full_batch(MLPRegressor(), alpha=0, solver="gd")
    one = clone(model).fit(X, y, sample_weight=weight)
    other = clone(model).fit(X, y, sample_weight=weight * scale)
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-9)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 5.0, 1: 1.0, 2: 0.2}])
def test_class_weights_multiply_sample_weights(class_weight):
    weight = RNG.uniform(0.5, 2, len(Y_IRIS))
    model = MLPClassifier((), solver="lbfgs", alpha=1.0, tol=1e-8, max_iter=2000, random_state=0)
    by_class = clone(model).set_params(class_weight=class_weight)
    by_class.fit(X_IRIS, Y_IRIS, sample_weight=weight)
    reference = LogisticRegression(C=1.0, class_weight=class_weight, tol=1e-8, max_iter=2000)
    reference.fit(X_IRIS, Y_IRIS, sample_weight=weight)
    np.testing.assert_allclose(
        by_class.predict_proba(X_IRIS), reference.predict_proba(X_IRIS), atol=1e-5
    )


def test_class_weights_of_labels():
    labels = np.column_stack([Y_IRIS == 0, Y_IRIS > 0]).astype(int)
    class_weight = [{0: 1.0, 1: 3.0}, {0: 2.0, 1: 1.0}]
    model = MLPClassifier(max_iter=10, random_state=0)
    by_class = clone(model).set_params(class_weight=class_weight).fit(X_IRIS, labels)
    by_hand = model.fit(X_IRIS, labels, sample_weight=compute_sample_weight(class_weight, labels))
    np.testing.assert_array_equal(by_class.predict_proba(X_IRIS), by_hand.predict_proba(X_IRIS))


@pytest.mark.parametrize("Network", MLPS)
def test_metadata_routing(Network):
    X, y = data_for(Network)
    weight = RNG.uniform(0.5, 2, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = Network(max_iter=3, random_state=0, early_stopping=True).set_fit_request(
            sample_weight=True, X_val=True, y_val=True, sample_weight_val=True
        )
        model.set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2)
        search.fit(X, y, sample_weight=weight)
        plain = GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=2).fit(X, y)
        assert not np.array_equal(outputs(search, X), outputs(plain, X))
        result = cross_validate(model, X, y, cv=2, params={"sample_weight": weight})
        assert np.isfinite(result["test_score"]).all()
    assert is_classifier(model) == (Network is MLPClassifier)


@pytest.mark.parametrize("batch_size", [8, 200])
@pytest.mark.filterwarnings("ignore:Got `batch_size`")
def test_class_weight_of_zero_removes_the_class_from_the_loss(batch_size):
    model = MLPClassifier(batch_size=batch_size, max_iter=5, random_state=0)
    by_class = clone(model).set_params(class_weight={0: 0, 1: 1, 2: 1}).fit(X_IRIS, Y_IRIS)
    model.partial_fit(X_IRIS[50:], Y_IRIS[50:], classes=[0, 1, 2])
    for _ in range(4):
        model.partial_fit(X_IRIS[50:], Y_IRIS[50:])
    np.testing.assert_allclose(by_class.predict_proba(X_IRIS), model.predict_proba(X_IRIS))
    with pytest.raises(ValueError, match="class_weight gives every row a weight of zero"):
        clone(model).set_params(class_weight={0: 0, 1: 0, 2: 0}).fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_weights_act_in_the_smallest_batches(batch_size):
    # plain steps: a step of one row is proportional to its weight
    X, y = data_for(MLPRegressor)
    options = {"solver": "sgd", "momentum": 0, "alpha": 0, "shuffle": False, "max_iter": 1}
    model = MLPRegressor(batch_size=batch_size, random_state=0, **options)
    weight = RNG.uniform(0.5, 2, len(y))
    plain, weighted = clone(model).fit(X, y), clone(model).fit(X, y, sample_weight=weight)
    assert not np.allclose(plain.predict(X), weighted.predict(X), rtol=1e-4)


def test_tiny_weights_are_only_relative():
    X, y = data_for(MLPRegressor)
    weight = RNG.uniform(0.5, 2, len(y))
    model = MLPRegressor(alpha=0, max_iter=5, random_state=0, dtype="float32")
    one = clone(model).fit(X, y, sample_weight=weight)
    tiny = clone(model).fit(X, y, sample_weight=weight * 1e-50)
    np.testing.assert_allclose(one.predict(X), tiny.predict(X), rtol=1e-5)


@pytest.mark.parametrize("Network", MLPS)
def test_all_fit_metadata_is_routed(Network):
    X, y = data_for(Network)
    weight = RNG.uniform(0.5, 2, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = Network(max_iter=4, early_stopping=True, random_state=0).set_fit_request(
            sample_weight=True, X_val=True, y_val=True, sample_weight_val=True
        )
        search = GridSearchCV(model, {"alpha": [0.1]}, cv=2, refit=True)
        model.set_score_request(sample_weight=False)
        search.fit(
            X, y, sample_weight=weight, X_val=X[::3], y_val=y[::3], sample_weight_val=weight[::3]
        )
    direct = clone(model).set_params(alpha=0.1)
    direct.fit(X, y, weight, X_val=X[::3], y_val=y[::3], sample_weight_val=weight[::3])
    np.testing.assert_array_equal(outputs(search, X), outputs(direct, X))


def test_scorers_without_weights_are_named():
    X, y = data_for(MLPRegressor)
    for scoring in ("neg_max_error", lambda network, X, y: 0.5):
        model = MLPRegressor(early_stopping=True, scoring=scoring, max_iter=2)
        with pytest.raises(ValueError, match="scoring=.* takes no sample_weight"):
            model.fit(X, y, sample_weight=np.ones(len(y)))
        model.fit(X, y)


UNITS = [2.0**900, 2.0**-900, 1e-300, 1e307]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_the_unit_of_weights_changes_nothing(estimator, unit):
    X, y = data_for(estimator)
    X, y = X[:90], y[:90]
    weight = np.random.default_rng(0).uniform(0.5, 1.5, len(y))
    weight[:3] = 0
    weight /= weight[3:].mean()  # what alpha is measured by where weights cannot count rows
    network = clone(estimator).set_params(max_iter=2, random_state=0)
    expected = outputs(network.fit(X.astype(np.float32), y, weight), X)
    ours = outputs(network.fit(X.astype(np.float32), y, weight * unit), X)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(network.score(X, y, weight * unit), network.score(X, y, weight))


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_of_class_weights_changes_nothing(unit):
    X, y = X_IRIS.astype(np.float32), Y_IRIS
    weight = {0: 1.5, 1: 0.5, 2: 1.0}
    scaled = {label: unit * value for label, value in weight.items()}
    network = MLPClassifier(max_iter=5, random_state=0, class_weight=weight).fit(X, y)
    expected = network.predict_proba(X)
    ours = network.set_params(class_weight=scaled).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(ours, expected, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-8, 0.01, 100.0, 1e8])
def test_weights_that_may_count_rows_are_measured_against_alpha(scale):
    X, y = X_DIABETES, Y_DIABETES
    fits = [
        MLPRegressor(hidden_layer_sizes=(), alpha=alpha, solver="lbfgs", random_state=0)
        .fit(X, y, weight)
        .coefs_[0]
        for alpha, weight in ((100 * scale, np.full(len(y), scale)), (100, None))
    ]
    np.testing.assert_allclose(*fits, atol=0.1)


def test_weights_of_any_spread_keep_their_rows():
    X, y = X_IRIS, Y_IRIS
    weight = np.where(y == 2, 5e-324, 1e308)
    network = MLPClassifier(max_iter=2, random_state=0).fit(X, y, weight)
    assert network.classes_.tolist() == [0, 1, 2]
    assert np.isfinite(network.predict_proba(X)).all()
    with pytest.raises(ValueError, match="class_weight times sample_weight is too large"):
        network.set_params(class_weight={0: 1e308, 1: 1, 2: 1}).fit(X, y, np.where(y, 1e-3, 1e3))
