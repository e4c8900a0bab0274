"""The estimators that tests run over, and small data for them."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.datasets import load_diabetes, load_iris
from sklearn.preprocessing import scale
from torch import nn

from sknets import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)


class SmallModule(nn.Sequential):
    """A small network, as a user of Torch writes it."""

    def __init__(self, n_inputs, n_outputs, width=20):
        super().__init__(nn.Linear(n_inputs, width), nn.ReLU(), nn.Linear(width, n_outputs))


def make_dropout_module(n_inputs, n_outputs):
    """A network whose training draws random numbers."""
    return nn.Sequential(
        nn.Linear(n_inputs, 8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, n_outputs)
    )


# small and quick, and with a head that knows the places of the features of a table
SMALL_CNN = {"conv_channels": (8, 16), "global_pooling": None, "max_iter": 20}
SMALL_RNN = {
    "recurrent_layer_sizes": (8,),
    "conv_channels": (),
    "learning_rate_init": 0.01,
    "max_iter": 20,
}

AT_DEFAULTS = [
    MLPRegressor(),
    MLPClassifier(),
    ModuleRegressor(SmallModule),
    ModuleClassifier(SmallModule),
    CNNRegressor(),
    CNNClassifier(),
    RNNRegressor(),
    RNNClassifier(),
]
# the same, but small and quick enough for tests that fit many times
ALL = [
    *AT_DEFAULTS[:4],
    CNNRegressor(**SMALL_CNN),
    CNNClassifier(**SMALL_CNN),
    RNNRegressor(**SMALL_RNN),
    RNNClassifier(**SMALL_RNN),
]
MLPS = [MLPRegressor, MLPClassifier]

X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
X_DIABETES = scale(X_DIABETES)
X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_IRIS = scale(X_IRIS)


def data_for(estimator):
    """Return a small X and y that suit the estimator (an instance or a class)."""
    instance = estimator() if isinstance(estimator, type) else estimator
    if is_classifier(instance):
        return X_IRIS, np.array(["setosa", "versicolor", "virginica"])[Y_IRIS]
    return X_DIABETES[:150], Y_DIABETES[:150]


def outputs(fitted, X):
    """Return what tells two fitted estimators apart: probabilities or predictions."""
    return fitted.predict_proba(X) if is_classifier(fitted) else fitted.predict(X)
