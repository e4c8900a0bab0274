"""Tables as they come: numbers, categories and missing values, by a population of small networks."""

from sknets.tables._candidates import distilled
from sknets.tables._classifier import TabularClassifier
from sknets.tables._encoder import TableEncoder
from sknets.tables._regressor import TabularRegressor
from sknets.tables._soft_labels import as_weighted_rows

__all__ = [
    "TableEncoder",
    "TabularClassifier",
    "TabularRegressor",
    "as_weighted_rows",
    "distilled",
]
