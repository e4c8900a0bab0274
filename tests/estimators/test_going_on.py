"""What may change between calls of warm_start and partial_fit, and what is refused before any harm."""

import warnings

import numpy as np
import pytest
import skorch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import cross_val_score

from sknets import MLPClassifier, MLPRegressor, RNNClassifier, RNNRegressor
from tests.estimators.estimators import ALL, X_DIABETES, X_IRIS, Y_DIABETES, Y_IRIS, data_for

RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=(40, 6))
RAGGED = [RNG.normal(size=n) for n in RNG.integers(3, 7, 40)]
STEPS = [(s > 0).astype(int) for s in RAGGED]
TOKENS = RNG.integers(0, 9, (40, 6))
SIGNS = (SERIES[:, 0] > 0).astype(int)
SMALL = {"recurrent_layer_sizes": (4,), "max_iter": 2, "random_state": 0}


@pytest.mark.parametrize(
    ("network", "first", "change", "second", "message"),
    [
        (RNNClassifier, (SERIES, SIGNS), {"output": "timesteps"}, (RAGGED, STEPS), "output from"),
        (
            RNNClassifier(output="timesteps"),
            (RAGGED, STEPS),
            {"output": "single"},
            (SERIES, SIGNS),
            "output from timesteps to single",
        ),
        (RNNClassifier, (SERIES, SIGNS), {"output": "bad"}, (SERIES, SIGNS), "to bad"),
        (
            RNNClassifier(vocabulary_size=9),
            (TOKENS, SIGNS),
            {"vocabulary_size": None},
            (SERIES, SIGNS),
            "vocabulary_size from 9 to None",
        ),
        (
            RNNClassifier(output="sequence", max_output_length=9),
            (RAGGED, STEPS),
            {"max_output_length": 2},
            (RAGGED, STEPS),
            "max_output_length from 9 to 2",
        ),
        (
            MLPRegressor,
            (X_DIABETES, Y_DIABETES),
            {"loss": "poisson"},
            (X_DIABETES, Y_DIABETES),
            r"y \(by loss\) from identity, standardize to exp, mean",
        ),
        (
            RNNRegressor("poisson"),
            (SERIES, SIGNS),
            {"loss": "huber"},
            (SERIES, SIGNS),
            r"y \(by loss\) from exp, mean to identity, median",
        ),
    ],
)
def test_what_would_be_another_network_is_refused(network, first, change, second, message):
    network = network() if isinstance(network, type) else clone(network)
    small = SMALL if hasattr(network, "recurrent_layer_sizes") else {"max_iter": 2}
    network.set_params(**small)
    classes = {"classes": [0, 1]} if is_classifier(network) else {}
    network.partial_fit(*first, **classes)
    before = network.predict(first[0])
    network.set_params(**change)
    with pytest.raises(ValueError, match=f"its architecture has changed: .*{message}"):
        network.partial_fit(*second)
    for ours, theirs in zip(network.predict(first[0]), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("network", "data", "change"),
    [
        (RNNClassifier(vocabulary_size="auto"), (TOKENS, SIGNS), {"vocabulary_size": 9}),
        (RNNClassifier(vocabulary_size=9), (TOKENS, SIGNS), {"vocabulary_size": "auto"}),
        (RNNClassifier(output="sequence"), (SERIES, SIGNS[:, None]), {"max_output_length": 1}),
        (
            RNNRegressor(output="sequence", max_output_length=3),
            (SERIES, SERIES[:, :3]),
            {"max_output_length": None},
        ),
    ],
)
def test_what_says_the_same_in_other_words_goes_on(network, data, change):
    plain = clone(network).set_params(**SMALL, warm_start=True).fit(*data).fit(*data)
    changed = clone(network).set_params(**SMALL, warm_start=True).fit(*data)
    changed.set_params(**change).fit(*data)
    assert changed.loss_curve_ == plain.loss_curve_


def test_losses_of_one_scale_may_follow_each_other():
    network = MLPRegressor("absolute_error", max_iter=5, random_state=0).fit(X_DIABETES, Y_DIABETES)
    network.set_params(loss="huber", warm_start=True).fit(X_DIABETES, Y_DIABETES)
    assert network.n_iter_ == 5


def test_labels_do_not_follow_classes():
    labels = np.stack([Y_IRIS == 0, Y_IRIS == 1], axis=1).astype(int)
    network = MLPClassifier(max_iter=2).fit(X_IRIS, Y_IRIS)
    with pytest.raises(ValueError, match="y must have one class per row"):
        network.partial_fit(X_IRIS, labels)


def test_callback_sees_no_half_fitted_estimator():
    states = []

    class Look(skorch.callbacks.Callback):
        def initialize(self):
            try:
                states.append(network.predict(X_DIABETES[:1])[0])
            except NotFittedError:
                states.append("not fitted")

    network = MLPRegressor(max_iter=2, random_state=0, callbacks=[Look()])
    fitted = network.fit(X_DIABETES, Y_DIABETES).predict(X_DIABETES[:1])[0]
    network.set_params(random_state=1).fit(X_DIABETES, Y_DIABETES)
    assert states == ["not fitted", fitted]


def test_unknown_solver_is_refused_by_its_name_in_partial_fit_too():
    with pytest.raises(ValueError, match="The 'solver' parameter of MLPRegressor must be"):
        MLPRegressor(solver="Adam").partial_fit(X_DIABETES, Y_DIABETES)


def test_score_is_that_of_the_predictions_a_subclass_makes():
    class Clipped(MLPRegressor):
        def predict(self, X):
            return np.maximum(super().predict(X), 150)

    class Constant(MLPClassifier):
        def predict(self, X):
            return np.zeros(len(X), dtype=int)

    clipped = Clipped(max_iter=20, random_state=0)
    ours = cross_val_score(clipped, X_DIABETES, Y_DIABETES, cv=2)
    named = cross_val_score(clipped, X_DIABETES, Y_DIABETES, cv=2, scoring="r2")
    np.testing.assert_allclose(ours, named, rtol=1e-12)
    clipped.fit(X_DIABETES, Y_DIABETES)
    expected = r2_score(Y_DIABETES, clipped.predict(X_DIABETES))
    assert clipped.score(X_DIABETES, Y_DIABETES) == pytest.approx(expected, rel=1e-12)
    constant = Constant(max_iter=2).fit(X_IRIS, Y_IRIS)
    assert constant.score(X_IRIS, Y_IRIS) == accuracy_score(Y_IRIS, np.zeros(150))


def test_subclass_with_a_constructor_of_its_own_is_advised_too():
    class Own(MLPRegressor):
        def __init__(self):
            super().__init__(solver="lbfgs", max_iter=1)

    with pytest.warns(UserWarning, match=r"lbfgs failed to converge.*Increase max_iter \(now 1\)"):
        Own().fit(X_DIABETES, Y_DIABETES)


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("learning_rate", ["one_cycle", "cosine", lambda epoch: float(epoch < 4)])
def test_a_rate_that_is_spent_is_told(estimator, learning_rate):
    X, y = data_for(estimator)
    network = clone(estimator).set_params(
        learning_rate=learning_rate, learning_rate_init=0.01, max_iter=4, max_grad_norm=1.0
    )
    more = {"classes": np.unique(y)} if is_classifier(estimator) else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4):  # as planned
            network.partial_fit(X, y, **more)
    for _ in range(2):
        with pytest.warns(
            ConvergenceWarning, match=r"learning_rate=.* changes nothing .*max_iter=4"
        ):
            network.partial_fit(X, y)
    network.set_params(learning_rate="constant")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network.partial_fit(X, y)
