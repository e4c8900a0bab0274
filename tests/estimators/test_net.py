"""What the parameters of an estimator make of the net that trains."""

import copy
import pickle

import numpy as np
import pytest
from torch import nn

from sknets import CNNClassifier, MLPClassifier, MLPRegressor, RNNClassifier
from sknets.estimators._net import ROW_VALUES, choose_batch_size
from tests.estimators.estimators import ALL, X_IRIS, Y_IRIS, data_for

RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=(40, 12))
SIGNS = (SERIES[:, 0] > 0).astype(int)


@pytest.mark.parametrize(("solver", "expected"), [("adam", 1.0), ("gd", None), ("lbfgs", None)])
def test_auto_norm_is_for_mini_batches(solver, expected):
    network = RNNClassifier((4,), solver=solver, max_iter=1).fit(SERIES, SIGNS)
    assert network.net_.learner.max_grad_norm == expected


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_rows_predicted_at_once_follow_the_widest_layer(estimator):
    network = copy.deepcopy(estimator).set_params(max_iter=1).fit(*data_for(estimator))
    work = network._learned.work
    assert network.net_.rows_at_once == ROW_VALUES // work.n_values
    assert work.n_values >= network.summary()["output_shape"].map(np.prod).max()


@pytest.mark.parametrize(
    ("params", "n_rows", "expected"),
    [
        ({}, 50, 50),
        ({}, 5000, 200),
        ({"batch_size": 32}, 5000, 32),
        ({"solver": "gd"}, 5000, 5000),
        ({"solver": "lbfgs"}, 5000, 5000),
    ],
)
def test_batch_size(params, n_rows, expected):
    network = MLPRegressor(max_iter=1).fit(X_IRIS, Y_IRIS)
    architecture = network._learned.architecture
    assert choose_batch_size(network.set_params(**params), architecture, n_rows) == expected


def test_large_batch_is_clipped_with_a_word():
    with pytest.warns(UserWarning, match="batch_size=500, 150 rows"):
        MLPClassifier(batch_size=500, max_iter=1).fit(X_IRIS, Y_IRIS)


def test_watched_score_is_that_of_the_fit_in_a_copy_too():
    network = MLPClassifier(early_stopping=True, max_iter=5, random_state=0).fit(X_IRIS, Y_IRIS)
    network.set_params(early_stopping=False)
    copied = pickle.loads(pickle.dumps(network))
    assert copied.best_validation_score_ == network.best_validation_score_
    assert copied.validation_scores_ == network.validation_scores_


def test_backbone_that_changes_later_changes_nothing():
    images = RNG.normal(size=(30, 6, 6))
    labels = (images.mean(axis=(1, 2)) > 0).astype(int)
    backbone = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    network = CNNClassifier(backbone=backbone, max_iter=2, warm_start=True, random_state=0)
    network.fit(images, labels).fit(images, labels)
    expected = network.predict_proba(images)
    backbone[0] = nn.Conv2d(1, 7, 3)
    np.testing.assert_array_equal(network.predict_proba(images), expected)
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copied.predict_proba(images), expected)
