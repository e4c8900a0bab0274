"""Solvers of second order in the estimators: which networks and losses, and all that a fit promises."""

import pickle

import joblib
import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict

from sknets import (
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from tests.estimators.estimators import SmallModule

SOLVERS = ["lm", "gauss-newton", "newton"]
RNG = np.random.default_rng(0)
X = RNG.standard_normal((90, 3))
Y = np.sin(X[:, 0]) * X[:, 1] + X[:, 2] + 0.1 * RNG.standard_normal(90)


def network(solver, **params):
    given = {"hidden_layer_sizes": (5,), "activation": "tanh", "alpha": 1.0, "tol": 1e-6}
    return MLPRegressor(**given | {"solver": solver, "max_iter": 500, "random_state": 0} | params)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_linear_network_is_ridge(solver, dtype):
    weight = RNG.uniform(0.5, 2.0, len(X))
    ours = network(solver, hidden_layer_sizes=(), alpha=3.0, tol=1e-5)
    ours.fit(X.astype(dtype), Y, weight)
    ridge = Ridge(alpha=3.0).fit(X, Y, weight)
    assert ours.stop_reason_ == "converged"
    if solver == "gauss-newton":
        assert ours.n_iter_ == 1
    slack = 1e-5 if dtype is np.float32 or solver != "gauss-newton" else 1e-12
    np.testing.assert_allclose(ours.coefs_[0][:, 0], ridge.coef_, atol=slack)
    np.testing.assert_allclose(ours.predict(X), ridge.predict(X), atol=10 * slack)


@pytest.mark.parametrize("solver", ["lm", "newton"])
def test_weights_are_repetitions(solver):
    weight = RNG.integers(0, 3, len(X))
    weighted = network(solver, tol=1e-9).fit(X, Y, weight)
    repeated = network(solver, tol=1e-9).fit(X.repeat(weight, axis=0), Y.repeat(weight))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-5)


@pytest.mark.parametrize("solver", ["lm", "gauss-newton", "newton"])
def test_sparse_rows_and_several_outputs(solver):
    Z = np.where(np.abs(X) > 0.5, X, 0.0)
    y = np.c_[Y, X[:, 0] ** 2]
    dense = network(solver, max_iter=8)
    with pytest.warns(ConvergenceWarning, match=f"{solver} failed to converge after 8 iter"):
        dense.fit(Z, y)
    with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
        sparse = clone(dense).fit(scipy.sparse.csr_array(Z), y)
    np.testing.assert_allclose(sparse.predict(Z), dense.predict(Z), atol=1e-6)


@pytest.mark.parametrize("activation", ["relu", "prelu", "rbf", ("tanh", "silu")])
@pytest.mark.parametrize("solver", SOLVERS)
def test_losses_fall(solver, activation):
    sizes = (5, 4) if isinstance(activation, tuple) else (5,)
    ours = network(solver, activation=activation, hidden_layer_sizes=sizes, tol=1e-3, max_iter=300)
    ours.set_params(alpha=0.1)
    curve = ours.fit(X, Y).loss_curve_
    assert curve == sorted(curve, reverse=True)
    assert curve[-1] < 0.3
    assert len(ours.history_["loss"]) == ours.n_iter_ == len(curve)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_constant_y_is_predicted(solver):
    y = np.full(len(X), 7.5)
    np.testing.assert_allclose(network(solver).fit(X, y).predict(X), y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_early_stopping_keeps_the_best_iteration(solver):
    ours = network(solver, alpha=0, early_stopping=True, tol=1e-8, hidden_layer_sizes=(20,))
    ours.set_params(n_iter_no_change=5).fit(X[:40], Y[:40])
    assert ours.stop_reason_ == "converged"
    assert len(ours.validation_scores_) == ours.n_iter_ < 500
    assert ours.best_validation_score_ == max(ours.validation_scores_)


@pytest.mark.parametrize("solver", SOLVERS)
def test_it_goes_on_and_is_pickled(solver):
    ours = network(solver, max_iter=3, warm_start=True, tol=1e-12)
    losses = []
    for _ in range(3):
        with pytest.warns(ConvergenceWarning):
            losses.append(ours.fit(X, Y).loss_)
        ours = pickle.loads(pickle.dumps(ours))
    assert losses[0] > losses[1] > losses[2]
    assert not hasattr(ours, "partial_fit")


def test_members_and_searches():
    members = network("lm", n_members=3, tol=1e-4).fit(X, Y)
    assert len(members.members_) == 3
    assert members.predict(X, return_std=True)[1].shape == (90,)
    grid = {"alpha": [0.1, 1.0], "solver": ["lm", "newton"]}
    search = GridSearchCV(network("lm", tol=1e-4), grid, cv=3).fit(X, Y)
    assert search.best_score_ > 0.8


def test_a_search_in_the_context_finds_the_same():
    plain = cross_val_predict(network("lm", tol=1e-4), X, Y, cv=3)
    with joblib.parallel_config("sknets"):
        together = cross_val_predict(network("lm", tol=1e-4), X, Y, cv=3)
    np.testing.assert_allclose(together, plain, atol=1e-8)


@pytest.mark.parametrize(
    "loss", ["poisson", "huber", "gaussian", lambda raw, y: (raw - y).pow(4).sum(1)]
)
def test_newton_minimises_other_losses(loss):
    y = np.exp(Y) if loss == "poisson" else Y
    exact = network("newton", loss=loss, alpha=5.0, tol=1e-7).fit(X, y)
    further = network("lbfgs", loss=loss, alpha=5.0, tol=1e-7, warm_start=True)
    further._learned = exact._learned
    assert exact.stop_reason_ == "converged"
    assert further.fit(X, y).loss_ == pytest.approx(exact.loss_, rel=1e-6)


@pytest.mark.parametrize("y", [Y > 0, np.digitize(Y, [-1, 1]), np.c_[Y > 0, X[:, 0] > 0]])
def test_newton_classifies(y):
    params = {"hidden_layer_sizes": (4,), "activation": "tanh", "alpha": 1.0, "tol": 1e-6}
    ours = MLPClassifier(solver="newton", random_state=0, max_iter=300, **params).fit(X, y)
    assert ours.stop_reason_ == "converged"
    assert ours.score(X, y) > 0.8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    "estimator",
    [
        ModuleRegressor(SmallModule, module_params={"width": 6}, alpha=1.0),
        CNNRegressor(conv_channels=(3,), alpha=1.0),
        RNNRegressor(recurrent_layer_sizes=(3,), conv_channels=(), alpha=1.0),
        MLPRegressor(hidden_layer_sizes=(4,), normalization="batch", alpha=1.0),
        MLPRegressor(hidden_layer_sizes=(4,), normalization="layer", alpha=1.0),
    ],
    ids=["module", "cnn", "rnn", "batch", "layer"],
)
def test_other_networks_learn_by_torch(estimator, solver):
    x = (
        X
        if not isinstance(estimator, CNNRegressor | RNNRegressor)
        else RNG.standard_normal((90, 8, 2))
    )
    if isinstance(estimator, CNNRegressor):
        x = np.repeat(x, 4, axis=2)[..., None]
    target = np.square(np.asarray(x).reshape(90, -1)[:, :2]).sum(axis=1)
    ours = clone(estimator).set_params(solver=solver, max_iter=6, random_state=0, tol=1e-8)
    curve = ours.fit(x, target).loss_curve_
    assert curve == sorted(curve, reverse=True)
    assert curve[-1] < curve[0]


WRONG = {
    "poisson": (network("lm", loss="poisson"), np.abs(Y), "sum of squares, and loss='poisson'"),
    "own loss": (
        network("gauss-newton", loss=lambda r, y: (r - y).abs().sum(1)),
        Y,
        "sum of squares",
    ),
    "classes": (
        MLPClassifier(solver="lm"),
        Y > 0,
        "loss='log_loss' is none; choose solver='newton'",
    ),
    "quantile": (
        network("newton", loss="quantile"),
        Y,
        "needs second derivatives, and loss='quant",
    ),
    "absolute": (network("newton", loss="absolute_error"), Y, "or loss='huber'"),
    "l1": (network("lm", l1_alpha=1.0), Y, "cannot use l1_alpha=1.0"),
    "dropout": (network("newton", dropout=0.1), Y, "cannot use dropout=0.1"),
    "average": (network("gauss-newton", average="polyak"), Y, "cannot use average='polyak'"),
    "batches": (network("lm", batch_growth=2.0), Y, "batch_growth"),
    "size": (network("lm", hidden_layer_sizes=(1000,)), Y, r"all 5,001 parameters.*up to 4,000; "),
    "newton": (network("newton", hidden_layer_sizes=(300,)), Y, r"all 1,501 parameters"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_it_cannot_do_is_said(name):
    estimator, y, words = WRONG[name]
    with pytest.raises(ValueError, match=words):
        estimator.fit(X, y)
    assert not hasattr(estimator, "n_iter_")


def test_sequences_have_no_residuals():
    with pytest.raises(ValueError, match="outputs that are sequences"):
        RNNRegressor(solver="lm", output="sequence").fit(
            RNG.standard_normal((9, 5, 2)), np.ones((9, 5))
        )
    labels = (RNG.standard_normal((20, 5)) > 0).astype(int)
    ours = RNNClassifier((3,), solver="newton", output="sequence", max_iter=3, random_state=0)
    with pytest.warns(ConvergenceWarning):
        ours.fit(RNG.standard_normal((20, 5, 2)), labels)


def test_values_far_out_of_scale_are_told_as_for_other_solvers():
    with pytest.raises(ValueError, match="non-finite"):
        network("lm", activation="relu", dtype="float64", alpha=0).fit(1e200 * X, Y)
