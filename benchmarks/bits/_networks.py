"""The eight estimators, small and quick, each with data that suit it."""

from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone
from torch import nn

from bits import _data as d
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

QUICK = {"batch_size": 16, "max_iter": 3, "random_state": 0}
MLP = {**QUICK, "hidden_layer_sizes": (6,)}
CNN = {**QUICK, "conv_channels": (3, 4)}
RNN = {**QUICK, "recurrent_layer_sizes": (4,), "conv_channels": ()}


class SmallModule(nn.Sequential):
    """A network as a user of Torch writes it, whose layers draw and remember."""

    def __init__(self, n_inputs, n_outputs, width=6, dropout=0.0, has_norm=False):
        layers = [nn.Linear(n_inputs, width), nn.ReLU()]
        layers += [nn.BatchNorm1d(width)] if has_norm else []
        layers += [nn.Dropout(dropout)] if dropout else []
        super().__init__(*layers, nn.Linear(width, n_outputs))


class Network(NamedTuple):
    """An estimator and its data."""

    estimator: BaseEstimator
    X: object
    y: object
    weight: np.ndarray

    def make(self, **params):
        """Return a new estimator with some parameters changed."""
        return clone(self.estimator).set_params(**params)


ON_NUMBERS = (d.X, d.NUMBERS, d.WEIGHT)
ON_KINDS = (d.IRIS, d.NAMES, d.WEIGHT_IRIS)
NETWORKS = {
    "MLPRegressor": Network(MLPRegressor(**MLP), *ON_NUMBERS),
    "MLPClassifier": Network(MLPClassifier(**MLP), *ON_KINDS),
    "ModuleRegressor": Network(ModuleRegressor(SmallModule, **QUICK), *ON_NUMBERS),
    "ModuleClassifier": Network(ModuleClassifier(SmallModule, **QUICK), *ON_KINDS),
    "CNNRegressor": Network(CNNRegressor(**CNN), d.IMAGES[:60], d.INK[:60], d.WEIGHT),
    "CNNClassifier": Network(CNNClassifier(**CNN), d.IMAGES[:60], d.DIGITS[:60], d.WEIGHT),
    "RNNRegressor": Network(RNNRegressor(**RNN), d.CUBE, d.CUBE_NUMBERS, d.CUBE_WEIGHT),
    "RNNClassifier": Network(RNNClassifier(**RNN), d.CUBE, d.CUBE_KINDS, d.CUBE_WEIGHT),
}
