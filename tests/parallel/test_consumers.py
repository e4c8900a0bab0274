"""All that scikit-learn runs in parallel gives within the context what it gives without."""

import joblib
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    RandomForestRegressor,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFECV, SequentialFeatureSelector
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import CNNClassifier, RNNRegressor
from tests.parallel.searches import ALPHAS, CLASSES, X, Y, classifier, regressor, scaled

NAME = "mlpregressor__alpha"
GRID = {NAME: ALPHAS}


def found(search):
    search.fit(X, Y)
    scores = [v for k, v in search.cv_results_.items() if k.endswith("test_score")]
    return [*scores, search.predict(X)]


def predictions(model, y=Y):
    return [model.fit(X, y).predict(X)]


def probabilities(model, y=CLASSES):
    return [np.asarray(model.fit(X, y).predict_proba(X))]


CASES = {
    "grid": lambda: found(GridSearchCV(scaled(), GRID, cv=3)),
    "random": lambda: found(RandomizedSearchCV(scaled(), GRID, n_iter=3, random_state=0, cv=3)),
    "halving": lambda: found(HalvingGridSearchCV(scaled(), GRID, cv=2, random_state=0)),
    "minimiser": lambda: found(GridSearchCV(scaled(regressor(solver="lbfgs")), GRID, cv=2)),
    "early stopping": lambda: found(
        GridSearchCV(scaled(regressor(early_stopping=True, max_iter=20)), GRID, cv=2)
    ),
    "several scores": lambda: [
        values
        for name, values in cross_validate(
            scaled(), X, Y, cv=3, scoring=["r2", "neg_max_error"]
        ).items()
        if name.startswith("test_")
    ],
    "scores": lambda: [cross_val_score(scaled(), X, Y, cv=5)],
    "predictions": lambda: [
        cross_val_predict(scaled(classifier()), X, CLASSES, cv=3, method="predict_proba")
    ],
    "learning curve": lambda: learning_curve(scaled(), X, Y, cv=2, train_sizes=[10, 20]),
    "incremental curve": lambda: learning_curve(
        regressor(), X, Y, cv=2, train_sizes=[10, 20], exploit_incremental_learning=True
    ),
    "validation curve": lambda: validation_curve(
        scaled(), X, Y, param_name=NAME, param_range=ALPHAS, cv=2
    ),
    "permutations": lambda: permutation_test_score(
        scaled(), X, Y, cv=2, n_permutations=5, random_state=0
    ),
    "bagging": lambda: predictions(BaggingRegressor(scaled(), n_estimators=5, random_state=0)),
    "bagging of classes": lambda: probabilities(
        BaggingClassifier(classifier(), n_estimators=3, random_state=0)
    ),
    "voting": lambda: predictions(
        VotingRegressor([("a", scaled()), ("b", regressor()), ("c", LinearRegression())])
    ),
    "voting of classes": lambda: probabilities(
        VotingClassifier([("a", classifier()), ("b", classifier(alpha=1.0))], voting="soft")
    ),
    "stacking": lambda: predictions(
        StackingRegressor([("a", scaled()), ("b", Ridge())], final_estimator=regressor(), cv=3)
    ),
    "outputs": lambda: predictions(MultiOutputRegressor(regressor()), X[:, :2]),
    "outputs of classes": lambda: predictions(
        MultiOutputClassifier(classifier()), np.stack([CLASSES, CLASSES[::-1]], axis=1)
    ),
    "chain": lambda: predictions(
        ClassifierChain(classifier(), random_state=0), (X[:, :2] > 0).astype(int)
    ),
    "one against the rest": lambda: probabilities(OneVsRestClassifier(classifier())),
    "one against one": lambda: predictions(OneVsOneClassifier(classifier()), CLASSES),
    "calibrated": lambda: probabilities(CalibratedClassifierCV(classifier(), cv=2)),
    "features": lambda: [
        SequentialFeatureSelector(regressor(), n_features_to_select=1, cv=2).fit(X, Y).support_
    ],
    "features left out": lambda: [
        RFECV(regressor(), cv=2, importance_getter=_importance).fit(X, Y).ranking_
    ],
    "importance": lambda: [
        permutation_importance(regressor().fit(X, Y), X, Y, random_state=0).importances
    ],
    "forest": lambda: predictions(RandomForestRegressor(5, random_state=0)),
    "images": lambda: [
        cross_val_score(
            CNNClassifier(conv_channels=2, max_iter=2, random_state=0, input_shape=(1, 3, 1)),
            X,
            CLASSES,
            cv=2,
        )
    ],
    "series": lambda: [
        cross_val_score(
            RNNRegressor(hidden_layer_sizes=3, max_iter=2, random_state=0), X[:, :, None], Y, cv=2
        )
    ],
    # calls within calls
    "search in bagging": lambda: predictions(
        BaggingRegressor(GridSearchCV(scaled(), GRID, cv=2), n_estimators=3, random_state=0)
    ),
    "voting in scores": lambda: [
        cross_val_score(
            VotingRegressor([("a", scaled()), ("b", regressor())], n_jobs=2), X, Y, cv=3
        )
    ],
    "stack in a search": lambda: found(
        GridSearchCV(
            StackingRegressor([("a", scaled()), ("b", Ridge())], cv=2), {"cv": [2, 3]}, cv=2
        )
    ),
    "three deep": lambda: [
        cross_val_score(
            BaggingRegressor(
                GridSearchCV(scaled(), {NAME: ALPHAS[:2]}, cv=2), n_estimators=2, random_state=0
            ),
            X,
            Y,
            cv=2,
        )
    ],
    "search among others": lambda: found(
        GridSearchCV(
            make_pipeline(StandardScaler(), regressor()),
            [
                {"mlpregressor": [regressor()], NAME: ALPHAS[:2]},
                {"mlpregressor": [Ridge(), RandomForestRegressor(3, random_state=0)]},
            ],
            cv=2,
        )
    ),
}


def _importance(network):
    return np.abs(network.coefs_[0]).sum(axis=1)


@pytest.mark.parametrize("name", CASES)
def test_same_with_and_without(name):
    with joblib.parallel_config("sequential"):
        expected = CASES[name]()
    for n_jobs in (64, 3, 1):
        with joblib.parallel_config("sknets", n_jobs=n_jobs):
            values = CASES[name]()
        for value, other in zip(values, expected, strict=True):
            if np.asarray(other).dtype.kind == "f":
                np.testing.assert_allclose(value, other, rtol=1e-6, atol=1e-9)
            else:
                np.testing.assert_array_equal(value, other)
