"""Tables as they come: numbers, categories and missing values, by a population of small networks."""

from sknets.tables._classifier import TabularClassifier
from sknets.tables._encoder import TableEncoder
from sknets.tables._regressor import TabularRegressor

__all__ = ["TableEncoder", "TabularClassifier", "TabularRegressor"]
