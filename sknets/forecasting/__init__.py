"""The future of a series, forecast by any regressor."""

from sknets.forecasting._forecaster import Forecaster

__all__ = ["Forecaster"]
