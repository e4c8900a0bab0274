"""The estimators in the places where scikit-learn's users put them."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    LearningCurveDisplay,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sknets import CNNRegressor, MLPClassifier, MLPRegressor, ModuleRegressor
from sknets.datasets import load_hitters
from sknets.estimators.rnn._base import BaseRNN
from tests.estimators.estimators import (
    ALL,
    MLPS,
    X_DIABETES,
    X_IRIS,
    Y_DIABETES,
    Y_IRIS,
    data_for,
    make_dropout_module,
    outputs,
)


@pytest.fixture(params=ALL, ids=lambda e: type(e).__name__)
def estimator(request):
    return clone(request.param).set_params(max_iter=20, random_state=0)


def through_pickle(fitted, tmp_path):
    return pickle.loads(pickle.dumps(fitted))


def through_joblib(fitted, tmp_path):
    joblib.dump(fitted, tmp_path / "model.joblib")
    return joblib.load(tmp_path / "model.joblib")


def through_deepcopy(fitted, tmp_path):
    return copy.deepcopy(fitted)


@pytest.mark.parametrize("copied", [through_pickle, through_joblib, through_deepcopy])
def test_copy_predicts_and_learns_on_to_the_last_bit(estimator, copied, tmp_path):
    X, y = data_for(estimator)
    fitted = estimator.fit(X, y)
    other = copied(fitted, tmp_path)
    np.testing.assert_array_equal(outputs(other, X), outputs(fitted, X))
    assert other.history_ == fitted.history_
    for network in (fitted, other):
        for _ in range(3):
            network.partial_fit(X, y)
    np.testing.assert_array_equal(outputs(other, X), outputs(fitted, X))


@pytest.mark.parametrize("Network", MLPS)
def test_copy_remembers_its_fit_when_parameters_have_changed_since(Network):
    X, y = data_for(Network)
    fitted = Network(early_stopping=True, max_iter=5, random_state=0).fit(X, y)
    fitted.set_params(early_stopping=False, solver="sgd", hidden_layer_sizes=(3,))
    other = pickle.loads(pickle.dumps(fitted))
    assert other.validation_scores_ == fitted.validation_scores_ is not None
    assert other.best_validation_score_ == fitted.best_validation_score_
    np.testing.assert_array_equal(outputs(other, X), outputs(fitted, X))


def test_state_holds_no_tensor(estimator):
    X, y = data_for(estimator)

    def leaves(value):
        if isinstance(value, dict):
            for item in value.values():
                yield from leaves(item)
        elif isinstance(value, list | tuple):
            for item in value:
                yield from leaves(item)
        else:
            yield value

    for leaf in leaves(estimator.fit(X, y).__getstate__()):
        assert not type(leaf).__module__.startswith(("torch", "skorch")), leaf


def test_clone_is_unfitted_and_equal(estimator):
    X, y = data_for(estimator)
    fitted = estimator.fit(X, y)
    fresh = clone(fitted)
    assert not hasattr(fresh, "net_")
    assert fresh.get_params() == estimator.get_params()
    np.testing.assert_array_equal(outputs(fresh.fit(X, y), X), outputs(fitted, X))


@pytest.mark.parametrize("Network", MLPS)
def test_grid_search_is_the_same_on_one_and_two_processes(Network):
    X, y = data_for(Network)
    model = make_pipeline(StandardScaler(), Network(max_iter=15, random_state=0))
    step = Network.__name__.lower()
    grid = {f"{step}__alpha": [1e-4, 1.0], f"{step}__dropout": [0.0, 0.3]}
    one = GridSearchCV(model, grid, cv=3, n_jobs=1).fit(X, y)
    two = GridSearchCV(model, grid, cv=3, n_jobs=2).fit(X, y)
    for key in one.cv_results_:
        if "time" not in key and "param" not in key:
            np.testing.assert_array_equal(one.cv_results_[key], two.cv_results_[key])
    np.testing.assert_array_equal(outputs(one, X), outputs(two, X))


def test_cross_validation(estimator):
    X, y = data_for(estimator)
    estimator.set_params(max_iter=100, learning_rate_init=0.002)
    if isinstance(estimator, CNNRegressor):
        estimator.set_params(normalization=None)  # the columns of a table are no signal
    if isinstance(estimator, BaseRNN):
        estimator.set_params(learning_rate_init=0.01)
        y = y if is_classifier(estimator) else X.sum(axis=1)  # nor a series
    assert cross_val_score(estimator, X, y, cv=3).mean() > (
        0.9 if is_classifier(estimator) else 0.2
    )
    predicted = cross_val_predict(estimator, X, y, cv=3)
    assert predicted.shape == y.shape
    assert predicted.dtype.kind == y.dtype.kind


QUICK = {"max_iter": 60, "learning_rate_init": 0.01, "random_state": 0}
REGRESSOR = MLPRegressor(**QUICK)
CLASSIFIER = MLPClassifier(**QUICK)


@pytest.mark.parametrize(
    "model",
    [
        BaggingRegressor(REGRESSOR, n_estimators=3, random_state=0),
        AdaBoostRegressor(REGRESSOR, n_estimators=3, random_state=0),
        VotingRegressor([("network", REGRESSOR), ("linear", LinearRegression())]),
        StackingRegressor([("network", REGRESSOR), ("linear", LinearRegression())]),
        TransformedTargetRegressor(REGRESSOR, func=np.log, inverse_func=np.exp),
    ],
    ids=lambda m: type(m).__name__,
)
def test_regressor_in_a_meta_estimator(model):
    assert model.fit(X_DIABETES, Y_DIABETES).score(X_DIABETES, Y_DIABETES) > 0.45


@pytest.mark.parametrize(
    "model",
    [
        BaggingClassifier(CLASSIFIER, n_estimators=3, random_state=0),
        AdaBoostClassifier(CLASSIFIER, n_estimators=3, random_state=0),
        VotingClassifier([("network", CLASSIFIER), ("line", LogisticRegression())], voting="soft"),
        StackingClassifier([("network", CLASSIFIER), ("line", LogisticRegression())]),
        CalibratedClassifierCV(CLASSIFIER, cv=3),
    ],
    ids=lambda m: type(m).__name__,
)
def test_classifier_in_a_meta_estimator(model):
    labels = np.array(["a", "b", "c"])[Y_IRIS]
    assert model.fit(X_IRIS, labels).score(X_IRIS, labels) > 0.9


def test_multi_output_wrappers():
    Y = np.column_stack([Y_DIABETES, -Y_DIABETES])
    wrapped = MultiOutputRegressor(REGRESSOR).fit(X_DIABETES, Y)
    assert wrapped.score(X_DIABETES, Y) > 0.45
    labels = np.column_stack([Y_IRIS, Y_IRIS == 0])
    assert MultiOutputClassifier(CLASSIFIER).fit(X_IRIS, labels).score(X_IRIS, labels) > 0.9


def test_inspection_tools():
    network = clone(REGRESSOR).fit(X_DIABETES, Y_DIABETES)
    importance = permutation_importance(network, X_DIABETES, Y_DIABETES, random_state=0)
    assert importance.importances_mean.argmax() in (2, 8)  # bmi and s5
    display = PartialDependenceDisplay.from_estimator(network, X_DIABETES, [2, (2, 8)])
    assert np.ptp(display.pd_results[0]["average"]) > 20
    curves = LearningCurveDisplay.from_estimator(
        REGRESSOR, X_DIABETES, Y_DIABETES, cv=3, train_sizes=[50, 200]
    )
    assert curves.test_scores.shape == (2, 3)


def test_sequential_feature_selection():
    selector = SequentialFeatureSelector(
        MLPRegressor(hidden_layer_sizes=(), solver="lbfgs"), n_features_to_select=2, cv=3
    ).fit(X_DIABETES, Y_DIABETES)
    assert selector.get_support().sum() == 2


def test_column_transformer_on_a_frame_keeps_names():
    hitters = load_hitters(as_frame=True)
    numbers = hitters.data.select_dtypes("number").columns
    categories = hitters.data.columns.difference(numbers)
    prepare = ColumnTransformer(
        [
            ("numbers", StandardScaler(), list(numbers)),
            ("categories", OneHotEncoder(drop="first", sparse_output=False), list(categories)),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    model = make_pipeline(prepare, MLPRegressor(random_state=0)).fit(hitters.data, hitters.target)
    names = model[-1].feature_names_in_
    assert len(names) == 19
    assert {"CRBI", "League_N", "Division_W"} <= set(names)
    assert model.score(hitters.data, hitters.target) > 0.7
    with pytest.raises(ValueError, match="feature names"):
        model[-1].predict(pd.DataFrame(np.zeros((1, 19)), columns=list("abcdefghijklmnopqrs")))


def test_module_parameters_can_be_searched():
    model = ModuleRegressor(make_dropout_module, max_iter=5, random_state=0)
    search = GridSearchCV(model, {"solver": ["adam", "sgd"], "batch_size": [32, 64]}, cv=2).fit(
        X_DIABETES, Y_DIABETES
    )
    assert set(search.best_params_) == {"solver", "batch_size"}


def test_multilabel_and_multioutput():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5))
    labels = (X[:, :3] > 0).astype(int)
    classifier = MLPClassifier(learning_rate_init=0.01, random_state=0).fit(X, labels)
    assert classifier.score(X, labels) > 0.9
    assert classifier.predict_proba(X).shape == (200, 3)
    assert classifier.out_activation_ == "logistic"

    Y = np.column_stack([X[:, 0] * 1e6, X[:, 1] + 5])  # very different units
    regressor = MLPRegressor(learning_rate_init=0.01, random_state=0).fit(X, Y)
    assert regressor.score(X, Y) > 0.95
    assert regressor.n_outputs_ == 2
