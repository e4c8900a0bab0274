"""Early stopping: what is kept as the best, and what is said when there is no best."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

from sknets import (
    CNNClassifier,
    Forecaster,
    MLPClassifier,
    MLPRegressor,
    RNNClassifier,
)
from tests.drawn import drawn, result_or_words
from tests.estimators.estimators import ALL, X_DIABETES, X_IRIS, Y_DIABETES, Y_IRIS, data_for

RNG = np.random.default_rng(0)

each_family = pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
CLASSIFIERS = [e for e in ALL if is_classifier(e)]
each_classifier = pytest.mark.parametrize("estimator", CLASSIFIERS, ids=lambda e: type(e).__name__)


def quiet_fit(estimator, X, y, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y, **params)


def best_epoch(network):
    """Return the number of the best epoch of a fit: of the best score, and then of the lowest loss."""
    history = network.history_
    scores = history.get("validation_score", np.zeros(len(history["validation_loss"])))
    losses = history["validation_loss"]
    return min(range(len(losses)), key=lambda n: (-round(scores[n], 9), losses[n], n))


# --- ties -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_rare_class_is_learned_though_the_accuracy_stays_the_same(seed):
    X, y = make_classification(
        1000, 10, n_informative=4, weights=[0.94], flip_y=0.04, class_sep=0.6, random_state=0
    )
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.4, stratify=y, random_state=seed
    )
    scaler = StandardScaler().fit(X_train)
    network = MLPClassifier(early_stopping=True, random_state=seed)
    quiet_fit(network, scaler.transform(X_train), y_train)
    probabilities = network.predict_proba(scaler.transform(X_test))
    constant = np.tile(np.bincount(y_train) / len(y_train), (len(y_test), 1))
    assert log_loss(y_test, probabilities) < 1.05 * log_loss(y_test, constant)
    assert len(set(network.validation_scores_)) < network.n_iter_ / 4


@each_classifier
@pytest.mark.parametrize("scoring", [None, "f1_macro", "balanced_accuracy", "roc_auc_ovr"])
def test_the_weights_are_those_of_the_best_epoch(estimator, scoring):
    X, y = data_for(estimator)
    rows = np.arange(len(X)) % 5 == 0
    network = clone(estimator).set_params(
        early_stopping=True,
        scoring=scoring,
        n_iter_no_change=np.inf,
        learning_rate_init=0.05,
        max_iter=12,
        random_state=0,
    )
    network.fit(X[~rows], y[~rows], X_val=X[rows], y_val=y[rows])
    best = best_epoch(network)
    loss = network.history_["validation_loss"][best]
    assert log_loss(y[rows], network.predict_proba(X[rows])) == pytest.approx(loss, rel=1e-4)
    assert network.best_validation_score_ == network.validation_scores_[best]
    assert pickle.loads(pickle.dumps(network)).best_validation_score_ == (
        network.best_validation_score_
    )


def test_ties_are_broken_over_phases_and_for_averages():
    images, labels = RNG.normal(size=(60, 6, 6)), np.arange(60) % 2
    backbone = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    network = CNNClassifier(
        backbone=backbone,
        fine_tune_layers="all",
        fine_tune_iter=10,
        max_iter=10,
        average="exponential",
        early_stopping=True,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    network.fit(images, labels, X_val=images[:6], y_val=labels[:6])
    best = best_epoch(network)
    assert best >= 10
    loss = network.history_["validation_loss"][best]
    assert log_loss(labels[:6], network.predict_proba(images[:6])) == pytest.approx(loss, rel=1e-4)


# --- the best of all epochs -------------------------------------------------------------------------


@pytest.mark.parametrize("learning_rate", ["constant", "one_cycle", "cosine"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_best_of_all_epochs_is_kept_without_a_warning(learning_rate, solver):
    network = MLPRegressor(
        solver=solver,
        learning_rate=learning_rate,
        learning_rate_init=0.05,
        early_stopping=True,
        n_iter_no_change=np.inf,
        scoring="loss",
        alpha=0,
        tol=0,
        max_iter=80,
        random_state=0,
    )
    rows = np.arange(442) < 300
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network.fit(
            X_DIABETES[rows], Y_DIABETES[rows], X_val=X_DIABETES[~rows], y_val=Y_DIABETES[~rows]
        )
    losses = network.history_["validation_loss"]
    assert network.n_iter_ == len(losses) == 80
    assert min(losses) < 0.99 * losses[-1]  # the last epoch is not the best
    errors = Y_DIABETES[~rows] - network.predict(X_DIABETES[~rows])
    loss = 0.5 * np.mean((errors / Y_DIABETES[rows].std()) ** 2)
    assert loss == pytest.approx(min(losses), rel=1e-6)


def test_patience_that_ends_still_warns_where_the_epochs_end_first():
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        MLPRegressor(early_stopping=True, max_iter=2).fit(X_DIABETES, Y_DIABETES)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        MLPRegressor(n_iter_no_change=np.inf, max_iter=2).fit(X_DIABETES, Y_DIABETES)


# --- training that explodes -------------------------------------------------------------------------

EXPLODED = "non-finite parameter weights.*learning_rate_init"


@pytest.mark.parametrize("learning_rate_init", [1e3, 1e4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("data_dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "scoring", [None, "neg_mean_squared_error", "neg_median_absolute_error", "loss"]
)
def test_exploding_fit_ends_in_our_advice_whatever_is_watched(
    learning_rate_init, dtype, data_dtype, scoring
):
    network = MLPRegressor(
        "poisson",  # whose exponential overflows while the weights are finite
        learning_rate_init=learning_rate_init,
        dtype=dtype,
        scoring=scoring,
        early_stopping=True,
        random_state=0,
    )
    X = np.random.default_rng(0).normal(size=(120, 4)).astype(data_dtype)
    with pytest.raises(ValueError, match=EXPLODED):
        network.fit(X, (3 * X[:, 0] + 1) ** 2)
    assert not hasattr(network, "net_")


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_exploding_forecaster_ends_in_our_advice():
    reader = MLPRegressor(
        solver="sgd", learning_rate_init=1e30, early_stopping=True, dtype="float64", random_state=0
    )
    with pytest.raises(ValueError, match=EXPLODED):
        Forecaster(reader, window=6).fit(y=np.sin(np.arange(80.0)).astype("float32"))


def test_what_explodes_late_keeps_its_best_epoch_and_ends_there():
    rate = {0: 0.01, 1: 0.01}
    network = MLPRegressor(
        solver="sgd",
        learning_rate=lambda epoch: rate.get(epoch, 1e30),
        early_stopping=True,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    with pytest.warns(ConvergenceWarning, match="diverged; the weights of the best epoch are kept"):
        network.fit(X_DIABETES, Y_DIABETES)
    assert network.n_iter_ < 10  # of 200: nothing comes of NaN any more
    assert network.score(X_DIABETES, Y_DIABETES) > 0
    assert network.net_.stop_reason == "diverged"


def test_validation_data_that_are_not_scaled_are_named():
    network = MLPRegressor(early_stopping=True, max_iter=3, scoring="loss")
    with pytest.raises(ValueError, match="X_val"):
        network.fit(X_DIABETES, Y_DIABETES, X_val=X_DIABETES * 1e200, y_val=Y_DIABETES)
    with pytest.raises(ValueError, match="X_val has values of up to 1e.308"):
        network.set_params(scoring=None).fit(
            X_DIABETES, Y_DIABETES, X_val=np.full_like(X_DIABETES, 1e308), y_val=Y_DIABETES
        )


# --- scorers that cannot ------------------------------------------------------------------------------


@each_classifier
@pytest.mark.parametrize("scoring", ["roc_auc_ovr", "neg_log_loss", "top_k_accuracy"])
def test_validation_data_without_a_class_are_named(estimator, scoring):
    X, y = data_for(estimator)
    some = y != y[-1]
    network = clone(estimator).set_params(early_stopping=True, scoring=scoring)
    with pytest.raises(ValueError, match=f"scoring='{scoring}'.*'virginica'.*X_val and y_val"):
        network.fit(X, y, X_val=X[some], y_val=y[some])


def test_score_that_is_nan_without_a_class_is_an_error_too():
    y = Y_IRIS > 0
    network = MLPClassifier(early_stopping=True, scoring="roc_auc", max_iter=3)
    with pytest.raises(ValueError, match=r"roc_auc.*no row of class False.*X_val"):
        network.fit(X_IRIS, y, X_val=X_IRIS[y], y_val=y[y])


def fails(estimator, X, y):
    raise KeyError("no such thing")


@pytest.mark.parametrize(
    ("network", "scoring"),
    [
        (MLPClassifier(), "f1"),
        (MLPClassifier(), "roc_auc"),
        (MLPClassifier(), fails),
        (MLPClassifier(), lambda estimator, X, y: "text"),
        (MLPRegressor(), "accuracy"),
        (MLPRegressor(), "neg_log_loss"),
        (MLPRegressor(), "neg_mean_gamma_deviance"),
    ],
)
def test_scorer_that_does_not_go_with_the_data_is_named(network, scoring):
    network = clone(network).set_params(early_stopping=True, scoring=scoring)
    y = Y_IRIS if is_classifier(network) else Y_IRIS - 1.0
    with pytest.raises(ValueError, match=r"scoring=.* cannot score .*validation_fraction"):
        network.fit(X_IRIS, y)


def test_accuracy_of_timesteps_is_watched():
    X = RNG.normal(size=(60, 5, 2))
    y = (X.sum(axis=2) > 0).astype(int)
    network = RNNClassifier(
        recurrent_layer_sizes=(4,), output="timesteps", early_stopping=True, scoring="accuracy"
    )
    quiet_fit(network.set_params(max_iter=3), X, y, X_val=X[:20], y_val=y[:20])
    assert network.best_validation_score_ == pytest.approx(network.score(X[:20], y[:20]))


# --- drawn cases ---------------------------------------------------------------------------------------

METRICS = [
    None,
    "loss",
    "accuracy",
    "f1_macro",
    "roc_auc",
    "roc_auc_ovr",
    "neg_log_loss",
    "r2",
    "f1",
]


@pytest.mark.slow
@drawn(120)
@given(
    st.sampled_from(ALL),
    st.sampled_from(METRICS),
    st.fixed_dictionaries(
        {
            "solver": st.sampled_from(["adam", "sgd", "gd"]),
            "learning_rate_init": st.sampled_from([1e-12, 1e-3, 1.0, 1e3, 1e20, 1e37]),
            "dtype": st.sampled_from(["float32", "float64"]),
            "average": st.sampled_from([None, "polyak"]),
            "n_iter_no_change": st.sampled_from([1, np.inf]),
        }
    ),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from(["split", "own", "one class", "one row", "large"]),
)
def test_any_watch_keeps_a_finite_best_or_says_why_not(estimator, scoring, params, dtype, kind):
    X, y = data_for(estimator)
    X = X.astype(dtype)
    network = clone(estimator).set_params(
        early_stopping=True, scoring=scoring, max_iter=3, random_state=0, **params
    )
    valid = {
        "split": {},
        "own": {"X_val": X[::7], "y_val": y[::7]},
        "one class": {"X_val": X[:9], "y_val": y[:9]},
        "one row": {"X_val": X[:1], "y_val": y[:1]},
        "large": {"X_val": X[::7] * 1e30, "y_val": y[::7]},
    }[kind]
    if result_or_words(lambda: network.fit(X, y, **valid), network):
        assert np.isfinite(network.best_validation_score_)
        assert np.isfinite(network._raw_predict(X).values.numpy()).all()
        assert len(network.validation_scores_) == network.n_iter_
    else:
        assert not hasattr(network, "_learned")


@pytest.mark.slow
@drawn(60)
@given(
    st.integers(2, 4),
    st.floats(0.05, 0.5),
    st.sampled_from([None, "balanced_accuracy", "f1_macro", "neg_log_loss", "loss"]),
    st.sampled_from(["constant", "one_cycle", "adaptive"]),
    st.sampled_from([1e-3, 0.03, 0.3]),
    st.booleans(),
    st.integers(0, 2**31 - 1),
)
def test_what_is_put_back_is_the_best_epoch_of_any_fit(
    n_classes, share, scoring, learning_rate, rate, has_weights, seed
):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(90, 3))
    y = np.where(rng.random(90) < share, 1 + np.arange(90) % (n_classes - 1), 0)
    y[:8] = y[82:] = np.arange(8) % n_classes
    weight = rng.uniform(0.5, 2, 90) if has_weights else None
    network = MLPClassifier(
        (8,),
        learning_rate=learning_rate,
        learning_rate_init=rate,
        early_stopping=True,
        scoring=scoring,
        n_iter_no_change=np.inf,
        max_iter=15,
        random_state=0,
    )
    weights = (
        {} if weight is None else {"sample_weight": weight[:60], "sample_weight_val": weight[60:]}
    )
    network.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:], **weights)
    best = best_epoch(network)
    found = log_loss(
        y[60:], network.predict_proba(X[60:]), sample_weight=None if weight is None else weight[60:]
    )
    assert found == pytest.approx(network.history_["validation_loss"][best], rel=1e-5)


def test_scorer_sees_the_configuration_of_the_fit():
    """Whoever trains the network, and in whichever thread."""
    seen = []

    def scorer(estimator, X, y):
        seen.append(sklearn.get_config()["assume_finite"])
        return 0.0

    def fit():
        with sklearn.config_context(assume_finite=True):
            MLPRegressor(early_stopping=True, max_iter=2, scoring=scorer).fit(X, Y)

    X, Y = np.random.default_rng(0).normal(size=(2, 40, 2)).sum(axis=0), np.arange(40.0)
    with joblib.parallel_config("sknets", n_jobs=2):
        joblib.Parallel()(
            joblib.delayed(one)() for one in (fit, lambda: MLPRegressor(max_iter=1).fit(X, Y))
        )
    assert seen == [True, True]
