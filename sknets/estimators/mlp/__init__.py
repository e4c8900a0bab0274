"""The multi-layer perceptron: dense layers between a table and its outputs."""

from sknets.estimators.mlp._classifier import MLPClassifier
from sknets.estimators.mlp._regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
