"""The recurrent network: for series, texts and outputs that are sequences."""

from sknets.estimators.rnn._classifier import RNNClassifier
from sknets.estimators.rnn._features import RNNFeatures
from sknets.estimators.rnn._regressor import RNNRegressor

__all__ = ["RNNClassifier", "RNNFeatures", "RNNRegressor"]
