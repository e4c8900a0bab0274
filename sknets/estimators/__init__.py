"""The estimators: scikit-learn outside, Torch within."""

from sknets.estimators._mlp_classifier import MLPClassifier
from sknets.estimators._mlp_regressor import MLPRegressor
from sknets.estimators._module_classifier import ModuleClassifier
from sknets.estimators._module_regressor import ModuleRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "ModuleClassifier", "ModuleRegressor"]
