"""A user's own Torch module between X and its outputs."""

from sknets.estimators.module._classifier import ModuleClassifier
from sknets.estimators.module._regressor import ModuleRegressor

__all__ = ["ModuleClassifier", "ModuleRegressor"]
