"""A student predicts nearly what its teacher does."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import r2_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPClassifier, MLPRegressor, RNNRegressor, TabularRegressor, distill, to_onnx
from tests.graphs.served import check_served

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3))
X_NEW = RNG.normal(size=(300, 3))
Y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2


def test_a_student_of_a_population_is_near_and_small():
    teacher = TabularRegressor(n_candidates=3, max_iter=20, random_state=0).fit(X, Y)
    student = distill(teacher, X)
    assert r2_score(teacher.predict(X_NEW), student.predict(X_NEW)) > 0.95
    model = check_served(student, X, X_NEW)
    assert model.ByteSize() < 0.3 * to_onnx(teacher, X).ByteSize()


def test_a_student_of_a_forest_learns_probabilities():
    classes = np.array(["low", "middle", "high"])[np.digitize(Y, [0, 1])]
    forest = RandomForestClassifier(max_depth=4, random_state=0).fit(X, classes)
    student = MLPClassifier((30,), solver="lbfgs", max_iter=200, random_state=0)
    plain = MLPClassifier((30,), solver="lbfgs", max_iter=200, random_state=0).fit(X, classes)
    taught = distill(forest, X, make_pipeline(StandardScaler(), student))
    assert list(taught.classes_) == list(forest.classes_)
    errors = [
        np.abs(model.predict_proba(X_NEW) - forest.predict_proba(X_NEW)).mean()
        for model in (taught, plain)
    ]
    assert errors[0] < 0.07
    assert errors[0] < 0.5 * errors[1]  # than one that has learned labels
    assert not hasattr(student, "_learned")


def test_a_student_of_several_numbers():
    y = np.c_[Y, X[:, 2]]
    forest = RandomForestRegressor(20, max_depth=5, random_state=0).fit(X, y)
    student = MLPRegressor(solver="lbfgs", max_iter=200, random_state=0)
    assert distill(forest, X, student).predict(X_NEW).shape == (300, 2)


def test_a_student_of_sequences():
    sequences = [RNG.normal(size=(n, 2)) for n in RNG.integers(2, 6, 30)]
    network = RNNRegressor(recurrent_layer_sizes=(4,), n_members=2, max_iter=2, random_state=0)
    network.fit(sequences, np.arange(30.0))
    with pytest.raises(ValueError, match="is no table.*student"):
        distill(network, np.zeros((3, 4, 2)))
    student = RNNRegressor(recurrent_layer_sizes=(4,), max_iter=2, random_state=0)
    assert distill(network, sequences, student).predict(sequences).shape == (30,)


def test_teachers_without_probabilities_are_named():
    with pytest.raises(TypeError, match="RidgeClassifier has no predict_proba"):
        distill(RidgeClassifier().fit(X, Y > 0), X)
    labels = np.c_[Y > 0, X[:, 0] > 0].astype(int)
    for teacher in (KNeighborsClassifier(), MLPClassifier(max_iter=2, random_state=0)):
        with pytest.raises(ValueError, match="several labels"):
            distill(teacher.fit(X, labels), X)


def test_what_predicts_nothing_is_named():
    with pytest.raises(TypeError, match=r"estimator must be .* got StandardScaler\(\)"):
        distill(StandardScaler().fit(X), X)
    teacher = MLPRegressor(max_iter=2, random_state=0).fit(X, Y)
    for wrong in ("network", StandardScaler()):
        with pytest.raises(TypeError, match="student must be a classifier or a regressor"):
            distill(teacher, X, wrong)
