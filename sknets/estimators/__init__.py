"""The estimators: scikit-learn outside, Torch within."""

from sknets.estimators.cnn import CNNClassifier, CNNFeatures, CNNRegressor
from sknets.estimators.mlp import MLPClassifier, MLPRegressor
from sknets.estimators.module import ModuleClassifier, ModuleRegressor
from sknets.estimators.rnn import RNNClassifier, RNNRegressor

__all__ = [
    "CNNClassifier",
    "CNNFeatures",
    "CNNRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "ModuleClassifier",
    "ModuleRegressor",
    "RNNClassifier",
    "RNNRegressor",
]
