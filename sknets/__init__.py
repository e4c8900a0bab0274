"""Neural networks as scikit-learn estimators."""

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

__version__ = "0.1.0.dev0"

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
