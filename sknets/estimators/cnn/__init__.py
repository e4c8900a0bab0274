"""The convolutional network: for images, signals and volumes."""

from sknets.estimators.cnn._classifier import CNNClassifier
from sknets.estimators.cnn._features import CNNFeatures
from sknets.estimators.cnn._regressor import CNNRegressor

__all__ = ["CNNClassifier", "CNNFeatures", "CNNRegressor"]
