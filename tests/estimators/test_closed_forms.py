"""Networks without hidden layers, or with linear ones, against closed forms and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
)
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.preprocessing import scale

from sknets import MLPClassifier, MLPRegressor
from tests.estimators.estimators import X_DIABETES, X_IRIS, Y_DIABETES, Y_IRIS

EXACT = {"solver": "lbfgs", "tol": 1e-10, "max_iter": 5000, "dtype": "float64", "random_state": 0}


def test_linear_layers_reach_least_squares():
    expected = LinearRegression().fit(X_DIABETES, Y_DIABETES).predict(X_DIABETES)
    for hidden in [(), (12,), (12, 11)]:
        network = MLPRegressor(
            hidden_layer_sizes=hidden, activation="identity", alpha=0, **EXACT
        ).fit(X_DIABETES, Y_DIABETES)
        np.testing.assert_allclose(network.predict(X_DIABETES), expected, rtol=2e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_alpha_is_ridge(weighted):
    weight = np.random.default_rng(0).uniform(0.5, 2, len(Y_DIABETES)) if weighted else None
    ridge = Ridge(alpha=40.0).fit(X_DIABETES, Y_DIABETES, sample_weight=weight)
    network = MLPRegressor(hidden_layer_sizes=(), alpha=40.0, **EXACT)
    network.fit(X_DIABETES, Y_DIABETES, sample_weight=weight)
    np.testing.assert_allclose(network.coefs_[0][:, 0], ridge.coef_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(network.intercepts_[0], ridge.intercept_, rtol=1e-8)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("n_batches", [1, 4, 25])
def test_alpha_in_mini_batches_is_a_ridge_of_alpha_times_their_number(n_batches, solver):
    # batches that are all alike, so that mini-batches have a minimum without noise
    X, y = (np.concatenate([part[:40]] * n_batches) for part in (X_DIABETES, Y_DIABETES))
    network = MLPRegressor(
        hidden_layer_sizes=(),
        alpha=5.0,
        batch_size=40,
        shuffle=False,
        solver=solver,
        learning_rate="exponential" if solver == "adam" else "constant",
        learning_rate_init=0.1 if solver == "sgd" else 0.02,
        max_iter=3000 // n_batches,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X, y)
    ridge = Ridge(alpha=5.0 * n_batches).fit(X, y)
    np.testing.assert_allclose(network.coefs_[0][:, 0], ridge.coef_, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "rmsprop", "adagrad"])
def test_l1_alpha_is_the_lasso_with_its_exact_zeros(solver):
    spread = Y_DIABETES.std()
    lasso = Lasso(alpha=8.0, tol=1e-10).fit(X_DIABETES, Y_DIABETES)
    rate = {"gd": 0.2, "sgd": 0.02, "adam": 0.003, "rmsprop": 0.0005, "adagrad": 0.3}[solver]
    network = MLPRegressor(
        hidden_layer_sizes=(),
        solver=solver,
        alpha=0,
        l1_alpha=8.0 / spread * len(Y_DIABETES),
        learning_rate_init=rate,
        batch_size=len(Y_DIABETES),
        max_iter=4000,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X_DIABETES, Y_DIABETES)
    coefficients = network.coefs_[0][:, 0]
    assert 0 < (lasso.coef_ == 0).sum() < 10
    np.testing.assert_array_equal(coefficients == 0, lasso.coef_ == 0)
    tolerance = 0.3 if solver == "rmsprop" else 1e-2  # rmsprop steps about the minimum
    np.testing.assert_allclose(coefficients, lasso.coef_, atol=tolerance)


@pytest.mark.parametrize("classes", [2, 3])
def test_alpha_is_penalised_logistic_regression(classes):
    X, y = X_IRIS[classes > Y_IRIS], Y_IRIS[classes > Y_IRIS]
    reference = LogisticRegression(C=1 / 0.5, tol=1e-10, max_iter=5000).fit(X, y)
    network = MLPClassifier(hidden_layer_sizes=(), alpha=0.5, **EXACT).fit(X, y)
    np.testing.assert_allclose(network.predict_proba(X), reference.predict_proba(X), atol=1e-6)


def test_l1_alpha_is_sparse_logistic_regression():
    X, y = make_classification(300, 20, n_informative=4, n_redundant=0, random_state=0)
    reference = LogisticRegression(
        C=0.1, l1_ratio=1, solver="saga", tol=1e-8, max_iter=50000, random_state=0
    ).fit(X, y)
    network = MLPClassifier(
        hidden_layer_sizes=(),
        solver="gd",
        alpha=0,
        l1_alpha=10.0,
        learning_rate_init=0.3,
        max_iter=4000,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X, y)
    assert (reference.coef_ == 0).sum() > 10
    np.testing.assert_array_equal(network.coefs_[0].T == 0, reference.coef_ == 0)
    np.testing.assert_allclose(network.coefs_[0].T, reference.coef_, atol=1e-3)


def test_poisson_loss_is_poisson_regression():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3))
    y = rng.poisson(np.exp(0.5 * X[:, 0] - 0.3 * X[:, 1] + 1))
    reference = PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000).fit(X, y)
    network = MLPRegressor("poisson", hidden_layer_sizes=(), alpha=0, **EXACT).fit(X, y)
    np.testing.assert_allclose(network.predict(X), reference.predict(X), rtol=1e-5)
    np.testing.assert_allclose(network.coefs_[0][:, 0], reference.coef_, atol=1e-5)
    np.testing.assert_allclose(network.intercepts_[0], reference.intercept_, atol=1e-5)


@pytest.mark.parametrize(("loss", "quantile"), [("quantile", 0.8), ("absolute_error", 0.5)])
def test_quantile_loss_is_quantile_regression(loss, quantile):
    X = X_DIABETES[:, :3]
    reference = QuantileRegressor(quantile=quantile, alpha=0).fit(X, Y_DIABETES)
    network = MLPRegressor(
        loss,
        hidden_layer_sizes=(),
        quantile=quantile,
        alpha=0,
        learning_rate="cosine",
        learning_rate_init=0.02,
        batch_size=len(X),
        max_iter=4000,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X, Y_DIABETES)
    np.testing.assert_allclose(network.predict(X), reference.predict(X), atol=2.0)
    assert np.mean(network.predict(X) >= Y_DIABETES) == pytest.approx(quantile, abs=0.02)


def test_fit_does_not_depend_on_the_units_of_y():
    for loss in ["squared_error", "absolute_error", "huber", "quantile"]:
        network = MLPRegressor(loss, max_iter=30, random_state=0)
        thousands = network.fit(X_DIABETES, Y_DIABETES).predict(X_DIABETES)
        single = network.fit(X_DIABETES, 1000 * Y_DIABETES + 5e5).predict(X_DIABETES)
        np.testing.assert_allclose(single, 1000 * thousands + 5e5, rtol=1e-8)
        tiny = network.fit(X_DIABETES, 1e-200 * Y_DIABETES).predict(X_DIABETES)
        np.testing.assert_allclose(tiny, 1e-200 * thousands, rtol=1e-8)


def test_worked_step_by_hand():
    # one row, two logistic units, one step of size 0.1 with alpha 0.1: every number on paper
    x, w1 = np.array([[0.6, 0.8, 0.7]]), np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0.0]])
    b1, w2, b2 = np.array([0.1, 0.1]), np.array([[0.1], [0.2]]), np.array([1.0])
    network = MLPClassifier(
        2, "logistic", solver="sgd", momentum=0, alpha=0.1, learning_rate_init=0.1
    ).partial_fit(x, [0], classes=[0, 1])
    load_weights(network, [w1, w2], [b1, b2])
    network.partial_fit(x, [0])

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    h = sigmoid(x @ w1 + b1)
    delta = sigmoid(h @ w2 + b2)
    below = delta @ w2.T * h * (1 - h)
    np.testing.assert_allclose(network.coefs_[1], w2 - 0.1 * (h.T @ delta + 0.1 * w2), atol=1e-14)
    np.testing.assert_allclose(network.coefs_[0], w1 - 0.1 * (x.T @ below + 0.1 * w1), atol=1e-14)
    np.testing.assert_allclose(network.intercepts_[1], b2 - 0.1 * delta[0], atol=1e-14)
    np.testing.assert_allclose(network.intercepts_[0], b1 - 0.1 * below[0], atol=1e-14)


def load_weights(network, coefs, intercepts):
    """Put weights into a fitted network, which standardises no target."""
    with torch.no_grad():
        for layer, w, b in zip(
            network.net_.module_.weighted_layers, coefs, intercepts, strict=True
        ):
            layer.weight.copy_(torch.from_numpy(w.T))
            layer.bias.copy_(torch.from_numpy(b))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_epochs_equal_scikit_learns_from_the_same_weights(task, activation):
    options = {
        "hidden_layer_sizes": (7, 5),
        "activation": activation,
        "solver": "sgd",
        "momentum": 0,
        "alpha": 0.3,
        "learning_rate_init": 0.1,
        "batch_size": 50,
        "shuffle": False,
        "random_state": 0,
    }
    if task == "regression":
        X, y, first = X_DIABETES[:150], scale(Y_DIABETES[:150]), {}
        ours, theirs = MLPRegressor(**options), SklearnMLPRegressor(**options)
    else:
        keep = (2 if task == "binary" else 3) > Y_IRIS
        X, y = X_IRIS[keep], Y_IRIS[keep]
        first = {"classes": np.unique(y)}
        ours, theirs = MLPClassifier(**options), SklearnMLPClassifier(**options)
    ours.partial_fit(X, y, **first)
    theirs.partial_fit(X, y, **first)
    load_weights(ours, theirs.coefs_, theirs.intercepts_)
    for _ in range(20):
        ours.partial_fit(X, y)
        theirs.partial_fit(X, y)
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-11)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-10)
    assert (ours.t_, ours.n_layers_, ours.n_outputs_, ours.out_activation_) == (
        theirs.t_,
        theirs.n_layers_,
        theirs.n_outputs_,
        theirs.out_activation_,
    )


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", "step"])
@pytest.mark.parametrize("nesterov", [True, False])
def test_l1_zeros_survive_momentum_under_a_falling_rate(schedule, nesterov):
    lasso = Lasso(alpha=8.0, tol=1e-10).fit(X_DIABETES, Y_DIABETES)
    network = MLPRegressor(
        hidden_layer_sizes=(),
        solver="sgd",
        nesterovs_momentum=nesterov,
        learning_rate=schedule,
        learning_rate_init=0.05,
        alpha=0,
        l1_alpha=8.0 / Y_DIABETES.std() * len(Y_DIABETES),
        batch_size=len(Y_DIABETES),
        max_iter=1500,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X_DIABETES, Y_DIABETES)
    np.testing.assert_array_equal(network.coefs_[0][:, 0] == 0, lasso.coef_ == 0)
    np.testing.assert_allclose(network.coefs_[0][:, 0], lasso.coef_, atol=0.05)
