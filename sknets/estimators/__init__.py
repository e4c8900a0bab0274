"""The estimators: scikit-learn outside, Torch within."""

from sknets.estimators import _before
from sknets.estimators._attributes import HISTORY
from sknets.estimators._base import BaseNet
from sknets.estimators._watched import FitWatcher
from sknets.estimators.autoencoder import Autoencoder, CNNAutoencoder, RNNAutoencoder
from sknets.estimators.cnn import CNNClassifier, CNNFeatures, CNNRegressor
from sknets.estimators.mlp import MLPClassifier, MLPRegressor
from sknets.estimators.module import ModuleClassifier, ModuleRegressor
from sknets.estimators.rnn import RNNClassifier, RNNFeatures, RNNRegressor

__all__ = [
    "HISTORY",
    "Autoencoder",
    "BaseNet",
    "CNNAutoencoder",
    "CNNClassifier",
    "CNNFeatures",
    "CNNRegressor",
    "FitWatcher",
    "MLPClassifier",
    "MLPRegressor",
    "ModuleClassifier",
    "ModuleRegressor",
    "RNNAutoencoder",
    "RNNClassifier",
    "RNNFeatures",
    "RNNRegressor",
]

_before.refuse_old_pickles()
