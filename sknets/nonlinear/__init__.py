"""Nonlinear regression: a model that is a formula, its parameters, and how far they are known."""

from sknets.nonlinear._regressor import NonlinearRegressor

__all__ = ["NonlinearRegressor"]
