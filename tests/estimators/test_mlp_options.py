"""What each parameter of the networks does."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, QuantileRegressor
from sklearn.metrics import accuracy_score, get_scorer, mean_absolute_error, r2_score

from sknets import MLPClassifier, MLPRegressor
from tests.estimators.estimators import (
    MLPS,
    X_DIABETES,
    X_IRIS,
    Y_DIABETES,
    Y_IRIS,
    data_for,
    outputs,
)

CURVED = ["logistic", "tanh", "relu", "leaky_relu", "prelu", "elu", "gelu", "silu", "rbf"]


@pytest.fixture(scope="module")
def wave():
    X = np.linspace(-2, 2, 200)[:, None]
    return X, np.sin(3 * X[:, 0])


@pytest.mark.parametrize("activation", CURVED)
def test_every_activation_learns_a_curve(activation, wave):
    X, y = wave
    network = MLPRegressor(
        hidden_layer_sizes=(40, 20),
        activation=activation,
        solver="lbfgs",
        max_iter=3000,
        random_state=0,
    )
    assert network.fit(X, y).score(X, y) > 0.98
    assert MLPRegressor(activation="identity", solver="lbfgs").fit(X, y).score(X, y) < 0.2


def test_an_activation_per_layer(wave):
    X, y = wave
    network = MLPRegressor(
        hidden_layer_sizes=(30, 10),
        activation=["rbf", "tanh"],
        solver="lbfgs",
        max_iter=3000,
        random_state=0,
    ).fit(X, y)
    assert network.score(X, y) > 0.98
    by_hand = np.exp(-np.exp(network.intercepts_[0]) * (X - network.coefs_[0]) ** 2)
    by_hand = np.tanh(by_hand @ network.coefs_[1] + network.intercepts_[1])
    by_hand = by_hand @ network.coefs_[2] + network.intercepts_[2]
    np.testing.assert_allclose(by_hand[:, 0], network.predict(X), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_coefs_predict_in_units_of_y(loss):
    network = MLPRegressor(loss, hidden_layer_sizes=(7, 5), max_iter=20, random_state=0)
    network.fit(X_DIABETES, Y_DIABETES)
    hidden = X_DIABETES
    for w, b in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
        hidden = np.maximum(hidden @ w + b, 0)
    out = (hidden @ network.coefs_[-1] + network.intercepts_[-1])[:, 0]
    by_hand = np.exp(out) if loss == "poisson" else out
    np.testing.assert_allclose(network.predict(X_DIABETES), by_hand, rtol=1e-10)


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "adamw", "adagrad", "rmsprop", "lbfgs"])
@pytest.mark.parametrize("Network", MLPS)
def test_every_solver_learns(Network, solver):
    X, y = data_for(Network)
    rate = {"gd": 0.3, "sgd": 0.05, "adagrad": 0.05}.get(solver, 0.005)
    network = Network(solver=solver, learning_rate_init=rate, random_state=0).fit(X, y)
    assert network.score(X, y) > (0.5 if Network is MLPRegressor else 0.95)


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "rmsprop"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("constant", lambda e: 0.1),
        ("invscaling", lambda e: 0.1 / np.sqrt(150 * e + 1)),
        ("step", lambda e: 0.1 * 0.1 ** (e // 2)),
        ("exponential", lambda e: 0.1 * 0.1 ** (e / 6)),
        ("cosine", lambda e: 0.05 * (1 + np.cos(np.pi * e / 6))),
    ],
)
def test_schedule_is_recorded(solver, name, expected):
    network = MLPClassifier(
        solver=solver, learning_rate=name, learning_rate_init=0.1, max_iter=6, random_state=0
    ).fit(X_IRIS, Y_IRIS)
    np.testing.assert_allclose(
        network.history_["learning_rate"], [expected(e) for e in range(6)], rtol=1e-12
    )


def test_schedule_goes_on_over_partial_fits_and_warm_starts():
    network = MLPClassifier(learning_rate=lambda epoch: 0.1 / (epoch + 1), max_iter=2)
    for _ in range(3):
        network.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    assert network.history_["learning_rate"] == pytest.approx([0.1, 0.05, 0.1 / 3])

    network = MLPClassifier(solver="sgd", learning_rate="invscaling", warm_start=True, max_iter=1)
    network.fit(X_IRIS, Y_IRIS).fit(X_IRIS, Y_IRIS)
    assert network.history_["learning_rate"][1] == pytest.approx(0.001 / np.sqrt(151))


def test_adaptive_rate_falls_until_it_stops():
    network = MLPClassifier(
        solver="sgd", learning_rate="adaptive", tol=0.5, max_iter=3000, random_state=0
    ).fit(X_IRIS, Y_IRIS)
    rates = np.array(network.history_["learning_rate"])
    assert network.n_iter_ < 3000
    assert rates[-1] <= 1e-6
    falls = rates[1:][np.diff(rates) < 0] / rates[:-1][np.diff(rates) < 0]
    np.testing.assert_allclose(falls, 0.2)


def test_patience_counts_epochs():
    for patience in (2, 5, 20):
        network = MLPClassifier(
            solver="sgd", tol=0.01, n_iter_no_change=patience, max_iter=3000, random_state=0
        ).fit(X_IRIS, Y_IRIS)
        best, since = np.inf, 0
        for epoch, loss in enumerate(network.loss_curve_, start=1):
            since = since + 1 if loss > best - 0.01 else 0
            best = min(best, loss)
            assert (since > patience) == (epoch == network.n_iter_)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_no_convergence_is_a_warning(solver):
    with pytest.warns(ConvergenceWarning, match=r"\(2\) reached|after 2 iteration"):
        MLPRegressor(solver=solver, max_iter=2, tol=0).fit(X_DIABETES, Y_DIABETES)


@pytest.mark.filterwarnings("error")
def test_a_schedule_that_ends_is_no_failure_to_converge():
    MLPRegressor(learning_rate="cosine", max_iter=5, random_state=0).fit(X_DIABETES, Y_DIABETES)


def test_data_that_need_scaling_are_a_warning():
    with pytest.warns(ConvergenceWarning, match="Scale X"):
        MLPRegressor(max_iter=5, random_state=0).fit(X_DIABETES * 1e4, Y_DIABETES)


@pytest.mark.parametrize("scoring", [None, "loss", "neg_mean_absolute_error", "r2"])
def test_early_stopping_keeps_the_best_epoch(scoring):
    held = np.arange(len(X_DIABETES)) % 4 == 0
    network = MLPRegressor(
        early_stopping=True, scoring=scoring, learning_rate_init=0.02, max_iter=500, random_state=0
    ).fit(X_DIABETES[~held], Y_DIABETES[~held], X_val=X_DIABETES[held], y_val=Y_DIABETES[held])
    assert network.n_iter_ < 500
    assert network.best_validation_score_ == max(network.validation_scores_)
    predicted = network.predict(X_DIABETES[held])
    if scoring == "loss":
        standardised = (predicted - Y_DIABETES[held]) / Y_DIABETES[~held].std()
        best = -0.5 * np.mean(standardised**2)
        assert network.history_["validation_loss"] == [-s for s in network.validation_scores_]
    elif scoring == "neg_mean_absolute_error":
        best = -mean_absolute_error(Y_DIABETES[held], predicted)
    else:
        best = r2_score(Y_DIABETES[held], predicted)
    assert network.best_validation_score_ == pytest.approx(best, rel=1e-9)


def test_early_stopping_takes_scorers_of_probabilities():
    network = MLPClassifier(
        early_stopping=True,
        scoring="neg_log_loss",
        max_iter=300,
        learning_rate_init=0.05,
        random_state=0,
    )
    held = np.arange(len(X_IRIS)) % 3 == 0
    network.fit(X_IRIS[~held], Y_IRIS[~held], X_val=X_IRIS[held], y_val=Y_IRIS[held])
    score = get_scorer("neg_log_loss")(network, X_IRIS[held], Y_IRIS[held])
    assert network.best_validation_score_ == pytest.approx(score)
    given = MLPClassifier(
        early_stopping=True,
        scoring=lambda est, X, y: accuracy_score(y, est.predict(X)),
        max_iter=5,
        random_state=0,
    ).fit(X_IRIS, Y_IRIS)
    plain = MLPClassifier(early_stopping=True, max_iter=5, random_state=0).fit(X_IRIS, Y_IRIS)
    assert given.validation_scores_ == plain.validation_scores_


def test_early_stopping_works_for_lbfgs():
    held = np.arange(len(X_DIABETES)) % 2 == 0
    network = MLPRegressor(solver="lbfgs", early_stopping=True, max_iter=500, random_state=0)
    network.fit(
        X_DIABETES[~held], Y_DIABETES[~held], X_val=X_DIABETES[held], y_val=Y_DIABETES[held]
    )
    plain = clone(network).set_params(early_stopping=False)
    plain.fit(X_DIABETES[~held], Y_DIABETES[~held])
    assert network.n_iter_ < plain.n_iter_
    assert network.score(X_DIABETES[held], Y_DIABETES[held]) > plain.score(
        X_DIABETES[held], Y_DIABETES[held]
    )


def test_validation_data_without_early_stopping_are_recorded_only():
    X, y = X_DIABETES, Y_DIABETES
    watched = MLPRegressor(max_iter=7, random_state=0).fit(X, y, X_val=X, y_val=y)
    plain = MLPRegressor(max_iter=7, random_state=0).fit(X, y)
    np.testing.assert_array_equal(watched.predict(X), plain.predict(X))
    assert {len(values) for values in watched.history_.values()} == {7}
    assert watched.history_["validation_score"][-1] == pytest.approx(watched.score(X, y))
    assert watched.validation_scores_ is None
    assert set(plain.history_) == {"loss", "learning_rate", "seconds"}


@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.5},
        {"normalization": "batch"},
        {"normalization": "layer"},
        {"weight_init": "he_normal"},
        {"l1_alpha": 10.0},
        {"alpha": 100.0},
        {"max_grad_norm": 1e-3},
        {"average": "polyak"},
        {"average": "exponential", "average_decay": 0.5},
        {"batch_growth": 2.0},
        {"batch_growth": 2.0, "scale_learning_rate": True},
        {"shuffle": False},
        {"beta_1": 0.5},
        {"beta_2": 0.9},
        {"epsilon": 0.1},
        {"solver": "sgd", "momentum": 0.1},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "rmsprop", "rho": 0.5},
        {"learning_rate": "exponential", "decay_rate": 0.5},
        {"learning_rate": "step", "decay_epochs": 1},
        {"learning_rate": "invscaling", "power_t": 1.0},
        {"random_state": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("Network", MLPS)
def test_every_option_changes_the_fit(Network, params):
    X, y = data_for(Network)
    base = Network(batch_size=16, max_iter=4, random_state=0)
    neutral = {
        key: value
        for key, value in params.items()
        if key in ("solver", "learning_rate", "average", "batch_growth")
    }
    without = neutral if len(params) > len(neutral) else {}
    a = outputs(clone(base).set_params(**without).fit(X, y), X)
    b = outputs(clone(base).set_params(**params).fit(X, y), X)
    assert not np.allclose(a, b, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    "params", [{"label_smoothing": 0.2}, {"class_weight": {0: 5, 1: 1, 2: 1}}], ids=str
)
def test_every_option_of_the_classifier_changes_the_fit(params):
    a = MLPClassifier(max_iter=5, random_state=0).fit(X_IRIS, Y_IRIS)
    b = clone(a).set_params(**params).fit(X_IRIS, Y_IRIS)
    assert not np.allclose(a.predict_proba(X_IRIS), b.predict_proba(X_IRIS), rtol=1e-6)


def test_huber_delta_moves_between_both_losses():
    def predict(huber_delta):  # a linear model, which the scaling of y does not move
        network = MLPRegressor("huber", (), solver="lbfgs", alpha=0, tol=1e-8, max_iter=1000)
        network.set_params(huber_delta=huber_delta, random_state=0).fit(X_DIABETES, Y_DIABETES)
        return network.predict(X_DIABETES)

    least_squares = LinearRegression().fit(X_DIABETES, Y_DIABETES).predict(X_DIABETES)
    np.testing.assert_allclose(predict(1e6), least_squares, rtol=1e-4)
    medians = QuantileRegressor(alpha=0).fit(X_DIABETES, Y_DIABETES).predict(X_DIABETES)
    np.testing.assert_allclose(predict(1e-3), medians, rtol=0.02)
    assert not np.allclose(predict(0.5), least_squares, rtol=1e-2)


def test_quantiles_are_ordered():
    low, high = (
        MLPRegressor("quantile", quantile=q, learning_rate_init=0.01, random_state=0).fit(
            X_DIABETES, Y_DIABETES
        )
        for q in (0.1, 0.9)
    )
    assert np.mean(low.predict(X_DIABETES) > Y_DIABETES) == pytest.approx(0.1, abs=0.05)
    assert np.mean(high.predict(X_DIABETES) > Y_DIABETES) == pytest.approx(0.9, abs=0.05)


def test_polyak_average_is_the_mean_of_the_path():
    path = []
    network = MLPRegressor(
        hidden_layer_sizes=(4,),
        solver="gd",
        learning_rate_init=0.1,
        average="polyak",
        max_iter=6,
        random_state=0,
    )
    plain = clone(network).set_params(average=None)
    for n in range(1, 7):
        path.append(plain.set_params(max_iter=n).fit(X_DIABETES, Y_DIABETES).coefs_[0])
    np.testing.assert_allclose(
        network.fit(X_DIABETES, Y_DIABETES).coefs_[0], np.mean(path, axis=0), atol=1e-12
    )


def test_partial_fits_are_the_epochs_of_a_fit():
    for params in ({}, {"dropout": 0.3}, {"average": "exponential"}, {"l1_alpha": 1.0}):
        network = MLPRegressor(
            batch_size=32, max_iter=6, random_state=0, n_iter_no_change=np.inf, **params
        )
        whole = clone(network).fit(X_DIABETES, Y_DIABETES)
        for _ in range(6):
            network.partial_fit(X_DIABETES, Y_DIABETES)
        np.testing.assert_array_equal(network.predict(X_DIABETES), whole.predict(X_DIABETES))
        assert network.loss_curve_ == whole.loss_curve_
        assert (network.n_iter_, network.t_) == (1, whole.t_)


def test_warm_start_goes_on():
    network = MLPRegressor(max_iter=10, warm_start=True, random_state=0)
    first = network.fit(X_DIABETES, Y_DIABETES).loss_
    assert network.fit(X_DIABETES, Y_DIABETES).loss_ < first
    assert len(network.loss_curve_) == 20
    assert network.n_iter_ == 10


def test_verbose_prints_in_scikit_learns_words(capsys):
    MLPRegressor(verbose=True, early_stopping=True, max_iter=2, random_state=0).fit(
        X_DIABETES, Y_DIABETES
    )
    out = capsys.readouterr().out
    assert "Iteration 1, loss = " in out
    assert "Validation score: " in out
    MLPRegressor(tol=10, n_iter_no_change=1, verbose=True).fit(X_DIABETES, Y_DIABETES)
    assert "did not improve more than tol=10.000000 for 1 consecutive epochs. Stopping." in (
        capsys.readouterr().out
    )


def test_silent_by_default(capsys):
    MLPRegressor(max_iter=2).fit(X_DIABETES, Y_DIABETES)
    assert capsys.readouterr() == ("", "")


def test_log_probabilities_are_finite_where_probabilities_vanish():
    X = np.array([[-1.0], [1.0]])
    network = MLPClassifier((), solver="lbfgs", alpha=1e-9, tol=1e-12, max_iter=1000)
    network.fit(X, ["a", "b"])
    far = np.array([[1e4]])
    assert network.predict_proba(far)[0].tolist() == [0.0, 1.0]
    assert np.isfinite(network.predict_log_proba(far)).all()


def test_sparse_and_dense_learn_the_same():
    rng = np.random.default_rng(0)
    X = sp.random_array((120, 30), density=0.2, rng=rng, format="csr")
    y = np.asarray(X[:, [0]].toarray()[:, 0] - X[:, [1]].toarray()[:, 0])
    for solver in ("adam", "lbfgs"):
        network = MLPRegressor(solver=solver, batch_size=25, max_iter=10, random_state=0)
        dense = clone(network).fit(X.toarray(), y).predict(X.toarray())
        for form in ("csr", "csc", "coo"):
            predicted = clone(network).fit(X.asformat(form), y).predict(X.asformat(form))
            np.testing.assert_allclose(predicted, dense, atol=1e-8)


def test_sparse_labels_are_learned_and_come_back_sparse():
    labels = sp.csr_array(np.column_stack([k == Y_IRIS for k in range(3)]).astype(int))
    network = MLPClassifier(
        class_weight="balanced", early_stopping=True, learning_rate_init=0.01, random_state=0
    ).fit(X_IRIS, labels)
    predicted = network.predict(X_IRIS)
    assert sp.issparse(predicted)
    assert (predicted.toarray() == labels.toarray()).mean() > 0.9


def test_adaptive_rate_falls_with_growing_batches_too():
    network = MLPClassifier(
        solver="sgd",
        learning_rate="adaptive",
        tol=0.5,
        max_iter=3000,
        batch_size=10,
        batch_growth=1.05,
        scale_learning_rate=True,
        random_state=0,
    ).fit(X_IRIS, Y_IRIS)
    assert network.n_iter_ < 3000
    assert network.history_["learning_rate"][-1] < 1e-5


def test_batches_may_grow_for_ever():
    network = MLPRegressor(batch_growth=50.0, max_iter=300, n_iter_no_change=np.inf)
    assert network.fit(X_DIABETES, Y_DIABETES).n_iter_ == 300


def test_clipped_lasso_has_the_lassos_zeros():
    options = {"hidden_layer_sizes": (), "solver": "gd", "alpha": 0, "n_iter_no_change": np.inf}
    strength = 8.0 / Y_DIABETES.std() * len(Y_DIABETES)
    free, clipped = (
        MLPRegressor(
            l1_alpha=strength,
            learning_rate_init=0.2,
            max_iter=4000,
            max_grad_norm=norm,
            random_state=0,
            **options,
        ).fit(X_DIABETES, Y_DIABETES)
        for norm in (None, 0.1)
    )
    np.testing.assert_allclose(clipped.coefs_[0], free.coefs_[0], atol=1e-2)
    np.testing.assert_array_equal(clipped.coefs_[0] == 0, free.coefs_[0] == 0)


def test_lbfgs_with_batch_normalisation_predicts_what_it_minimised():
    network = MLPRegressor(
        hidden_layer_sizes=(20,),
        normalization="batch",
        solver="lbfgs",
        alpha=0,
        max_iter=20,
        random_state=0,
    ).fit(X_DIABETES, Y_DIABETES)
    residual = (network.predict(X_DIABETES) - Y_DIABETES) / Y_DIABETES.std()
    assert 0.5 * np.mean(residual**2) == pytest.approx(network.loss_, rel=0.02)


def test_many_partial_fits_share_one_history():
    network = MLPRegressor(random_state=0).partial_fit(X_DIABETES, Y_DIABETES)
    history = network.net_.history
    network.partial_fit(X_DIABETES, Y_DIABETES)
    assert network.net_.history is history
    assert len(network.loss_curve_) == 2


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_partial_fit_after_the_end_of_a_schedule_is_a_warning():
    network = MLPRegressor(learning_rate="cosine", max_iter=2, random_state=0)
    network.partial_fit(X_DIABETES, Y_DIABETES).partial_fit(X_DIABETES, Y_DIABETES)
    with pytest.warns(ConvergenceWarning, match="partial_fit changes nothing any more"):
        network.partial_fit(X_DIABETES, Y_DIABETES)


def test_first_partial_fit_without_spread_is_a_warning():
    with pytest.warns(UserWarning, match="saw a y without spread"):
        MLPRegressor().partial_fit([[1.0]], [2.0])


def test_partial_fit_after_early_stopping_compares_losses_with_losses():
    network = MLPRegressor(early_stopping=True, max_iter=5, random_state=0)
    network.fit(X_DIABETES, Y_DIABETES).set_params(early_stopping=False)
    network.partial_fit(X_DIABETES, Y_DIABETES)
    assert network.net_.stopping.best == network.loss_
    assert network.net_.stopping.count == 0


def test_partial_fits_scale_an_adaptive_rate_once():
    network = MLPRegressor(
        solver="sgd",
        learning_rate="adaptive",
        batch_size=50,
        batch_growth=2.0,
        scale_learning_rate=True,
        random_state=0,
    )
    for _ in range(3):
        network.partial_fit(X_DIABETES, Y_DIABETES)
    assert network.history_["learning_rate"] == pytest.approx([0.001, 0.002, 0.004])
