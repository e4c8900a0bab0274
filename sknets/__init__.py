"""Neural networks as scikit-learn estimators."""

from sknets._version import __version__
from sknets.estimators import (
    CNNClassifier,
    CNNFeatures,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from sknets.forecasting import Forecaster
from sknets.parallel import register_backend

__all__ = [
    "CNNClassifier",
    "CNNFeatures",
    "CNNRegressor",
    "Forecaster",
    "MLPClassifier",
    "MLPRegressor",
    "ModuleClassifier",
    "ModuleRegressor",
    "RNNClassifier",
    "RNNRegressor",
    "__version__",
]

register_backend()
