"""Neural networks as scikit-learn estimators."""

from sknets._version import __version__
from sknets.estimators import (
    Autoencoder,
    CNNAutoencoder,
    CNNClassifier,
    CNNFeatures,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    RNNAutoencoder,
    RNNClassifier,
    RNNFeatures,
    RNNRegressor,
)
from sknets.files import load, save
from sknets.forecasting import Forecaster
from sknets.graphs import distill, to_onnx
from sknets.nonlinear import NonlinearRegressor
from sknets.parallel import register_backend
from sknets.tables import TabularClassifier, TabularRegressor

__all__ = [
    "Autoencoder",
    "CNNAutoencoder",
    "CNNClassifier",
    "CNNFeatures",
    "CNNRegressor",
    "Forecaster",
    "MLPClassifier",
    "MLPRegressor",
    "ModuleClassifier",
    "ModuleRegressor",
    "NonlinearRegressor",
    "RNNAutoencoder",
    "RNNClassifier",
    "RNNFeatures",
    "RNNRegressor",
    "TabularClassifier",
    "TabularRegressor",
    "__version__",
    "distill",
    "load",
    "save",
    "to_onnx",
]

register_backend()
