"""Small data and networks that the tests of this folder share."""

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPClassifier, MLPRegressor

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X[:, 0] - X[:, 1] ** 2
CLASSES = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]
ALPHAS = [1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0]


def regressor(**params):
    return MLPRegressor(**{"max_iter": 3, "hidden_layer_sizes": 5, "random_state": 0} | params)


def classifier(**params):
    return MLPClassifier(**{"max_iter": 3, "hidden_layer_sizes": 5, "random_state": 0} | params)


def scaled(network=None):
    return make_pipeline(StandardScaler(), network or regressor())
