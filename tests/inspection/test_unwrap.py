"""A network is found in what is wrapped around it, or the error says where it is."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RANSACRegressor
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier

from sknets import (
    CNNAutoencoder,
    CNNClassifier,
    Forecaster,
    MLPClassifier,
    MLPRegressor,
    RNNAutoencoder,
    RNNRegressor,
)
from sknets.inspection import (
    TrainingCurveDisplay,
    grad_cam,
    gradient_flow,
    integrated_gradients,
    layer_activations,
    layer_relevance,
    learned_filters,
    occlusion,
)
from tests.inspection.networks import DIGITS

ROWS = DIGITS.data[:120]
LABELS = np.where(DIGITS.target[:120] % 2, "odd", "even")
VALUES = ROWS.mean(axis=1)
PAIRS = np.stack([VALUES, ROWS[:, :32].mean(axis=1)], axis=1)

CNN = CNNClassifier((3,), input_shape=(8, 8), max_iter=1, random_state=0)
MLP = MLPClassifier(hidden_layer_sizes=4, max_iter=2, random_state=0)
STRONG = MLPClassifier(max_iter=20, random_state=0)
NUMBERS = MLPRegressor(hidden_layer_sizes=4, max_iter=2, random_state=0)
FROZEN = FrozenEstimator(make_pipeline(StandardScaler(), MLP).fit(ROWS, LABELS))

# each with how the one network in it is reached
OPENED = [
    (CalibratedClassifierCV(FROZEN), lambda w: w.calibrated_classifiers_[0].estimator),
    (
        CalibratedClassifierCV(MLP, cv=2, ensemble=False),
        lambda w: w.calibrated_classifiers_[0].estimator,
    ),
    (TunedThresholdClassifierCV(MLP, cv=2), lambda w: w.estimator_),
    (FixedThresholdClassifier(MLP, pos_label="odd"), lambda w: w.estimator_),
    (GridSearchCV(MLP, {"alpha": [0.1]}, cv=2), lambda w: w.best_estimator_),
    (RandomizedSearchCV(MLP, {"alpha": [0.1]}, n_iter=1, cv=2), lambda w: w.best_estimator_),
    (SelfTrainingClassifier(MLP, max_iter=1), lambda w: w.estimator_),
    (TransformedTargetRegressor(NUMBERS), lambda w: w.regressor_),
    (RANSACRegressor(NUMBERS, min_samples=0.9, random_state=0), lambda w: w.estimator_),
    (
        GridSearchCV(
            make_pipeline(FixedThresholdClassifier(MLP)), {}, cv=2, scoring=lambda e, X, y: 0
        ),
        lambda w: w.best_estimator_[-1].estimator_,
    ),
]


def target_of(wrapper):
    if isinstance(wrapper, MultiOutputRegressor | RegressorChain):
        return PAIRS
    if isinstance(wrapper, MultiOutputClassifier | ClassifierChain):
        return (PAIRS.mean(axis=0) < PAIRS).astype(int)
    kind = getattr(wrapper, "_estimator_type", None) or wrapper.__sklearn_tags__().estimator_type
    return VALUES if kind == "regressor" else LABELS


@pytest.mark.parametrize(("wrapper", "inner"), OPENED, ids=lambda v: type(v).__name__)
def test_the_one_network_inside_is_opened(wrapper, inner):
    y = target_of(wrapper)
    if isinstance(wrapper, SelfTrainingClassifier | GridSearchCV):
        y = np.where(y == "odd", 1, 0)
        y[0] = -1 if isinstance(wrapper, SelfTrainingClassifier) else 1
    wrapper.fit(ROWS, y)
    for look in (layer_activations, integrated_gradients, layer_relevance):
        expected, found = look(inner(wrapper), ROWS[:5]), look(wrapper, ROWS[:5])
        if isinstance(expected, dict):
            expected, found = expected["hidden1"], found["hidden1"]
        np.testing.assert_array_equal(found, expected)
    assert TrainingCurveDisplay.from_estimator(wrapper).lines_


@pytest.mark.parametrize("look", [grad_cam, integrated_gradients, layer_relevance, occlusion])
def test_labels_are_those_that_the_user_knows(look):
    wrapper = CalibratedClassifierCV(CNN, cv=2, ensemble=False).fit(ROWS, LABELS)
    inner = wrapper.calibrated_classifiers_[0].estimator
    found = look(wrapper, ROWS[:5], target="odd")
    np.testing.assert_array_equal(found, look(inner, ROWS[:5], target="odd"))
    assert learned_filters(wrapper).shape == (3, 3, 3, 1)


# each with what the error says
SEVERAL = [
    (
        CalibratedClassifierCV(MLP, cv=3),
        "its calibrated_classifiers_[0].estimator,",
    ),
    (BaggingClassifier(MLP, n_estimators=2, random_state=0), "one of the 2 networks of the"),
    (BaggingRegressor(NUMBERS, n_estimators=2), "one of the 2 networks of the"),
    (
        AdaBoostClassifier(STRONG, n_estimators=2, random_state=0),
        "its estimators_[0],",
    ),
    (VotingClassifier([("a", MLP)]), "the network of the"),
    (VotingRegressor([("a", NUMBERS), ("b", NUMBERS)]), "one of the 2 networks of the"),
    (
        StackingClassifier([("a", DecisionTreeClassifier())], MLP, cv=2),
        "its final_estimator_,",
    ),
    (StackingClassifier([("a", MLP)], cv=2), "the network of the"),
    (OneVsRestClassifier(MLP), "the network of the"),
    (OneVsOneClassifier(MLP), "the network of the"),
    (OutputCodeClassifier(MLP, random_state=0), "its estimators_[1],"),  # the first is constant
    (MultiOutputRegressor(NUMBERS), "one of the 2 networks of the"),
    (MultiOutputClassifier(MLP), "one of the 2 networks of the"),
    (RegressorChain(NUMBERS), "one of the 2 networks of the"),
    (ClassifierChain(MLP), "one of the 2 networks of the"),
    (
        RFE(
            MLP,
            n_features_to_select=0.9,
            step=0.1,
            importance_getter=lambda network: np.abs(network.coefs_[0]).sum(axis=1),
        ),
        "the network of the RFE, its estimator_,",
    ),
]


@pytest.mark.parametrize(("wrapper", "words"), SEVERAL, ids=lambda v: type(v).__name__)
def test_error_says_where_networks_are(wrapper, words):
    wrapper.fit(ROWS, target_of(wrapper))
    for estimator in (wrapper, make_pipeline(wrapper)):
        for look in (layer_activations, integrated_gradients, grad_cam, gradient_flow):
            with pytest.raises(TypeError) as caught:
                look(estimator, ROWS[:2])
            assert words in str(caught.value)
            assert type(wrapper).__name__ in str(caught.value)
    with pytest.raises(TypeError, match="estimator: look into"):
        TrainingCurveDisplay.from_estimator(wrapper)


@pytest.mark.parametrize(
    "wrapper", [w for w, _ in [*OPENED, *SEVERAL]], ids=lambda v: type(v).__name__
)
def test_what_is_not_fitted_is_not_fitted(wrapper):
    with pytest.raises(NotFittedError, match=type(wrapper).__name__):
        layer_activations(clone(wrapper), ROWS[:2])


def test_a_search_without_refit_says_so():
    search = GridSearchCV(MLP, {"alpha": [0.1, 1.0]}, cv=2, refit=False).fit(ROWS, LABELS)
    with pytest.raises(
        TypeError, match="refit=False, which keeps no fitted network; set refit=True"
    ):
        layer_activations(search, ROWS)


def test_a_forecaster_sees_windows():
    series = np.sin(np.arange(60.0))
    forecaster = Forecaster(RNNRegressor(max_iter=1), window=6)
    with pytest.raises(NotFittedError, match="Forecaster"):
        integrated_gradients(forecaster, series)
    forecaster.fit(y=series)
    with pytest.raises(TypeError, match="sees windows of the series; look into its estimator_"):
        integrated_gradients(forecaster, series)
    windows = np.lib.stride_tricks.sliding_window_view(series, 6)
    assert integrated_gradients(forecaster.estimator_, windows).shape == windows.shape


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (BaggingClassifier(DecisionTreeClassifier(), n_estimators=2), "got BaggingClassifier"),
        (GridSearchCV(LogisticRegression(), {}, cv=2), "GridSearchCV around LogisticRegression"),
        (TransformedTargetRegressor(), "TransformedTargetRegressor around LinearRegression"),
        (LogisticRegression(), "got LogisticRegression"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_holds_no_network_is_named(other, words):
    other.fit(ROWS, target_of(other))
    with pytest.raises(TypeError, match=words):
        layer_activations(other, ROWS)


@pytest.mark.parametrize(
    "other", [None, MLPClassifier, "mlp", np.zeros(3), MLPClassifier().get_params()]
)
def test_what_is_no_estimator_is_refused(other):
    with pytest.raises(TypeError, match="estimator must be a fitted"):
        layer_activations(other, ROWS)


@pytest.mark.parametrize(
    ("network", "X"),
    [
        (CNNAutoencoder(2, (3,), max_iter=1), DIGITS.images[:60]),
        (RNNAutoencoder(2, (3,), max_iter=1), DIGITS.images[:60]),
    ],
    ids=["images", "series"],
)
def test_autoencoders_that_nobody_can_look_into_are_named(network, X):
    network.fit(X)
    for look in (layer_activations, integrated_gradients, occlusion):
        with pytest.raises(TypeError, match=f"got {type(network).__name__}"):
            look(network, X)
    TrainingCurveDisplay.from_estimator(network)
