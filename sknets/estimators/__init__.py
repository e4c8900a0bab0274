"""The estimators: scikit-learn outside, Torch within."""

from sknets.estimators._cnn_classifier import CNNClassifier
from sknets.estimators._cnn_features import CNNFeatures
from sknets.estimators._cnn_regressor import CNNRegressor
from sknets.estimators._mlp_classifier import MLPClassifier
from sknets.estimators._mlp_regressor import MLPRegressor
from sknets.estimators._module_classifier import ModuleClassifier
from sknets.estimators._module_regressor import ModuleRegressor
from sknets.estimators._rnn_classifier import RNNClassifier
from sknets.estimators._rnn_forecaster import RNNForecaster
from sknets.estimators._rnn_regressor import RNNRegressor

__all__ = [
    "CNNClassifier",
    "CNNFeatures",
    "CNNRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "ModuleClassifier",
    "ModuleRegressor",
    "RNNClassifier",
    "RNNForecaster",
    "RNNRegressor",
]
