"""The future of a series, forecast by any regressor."""

from sknets.forecasting._forecaster import RNNForecaster

__all__ = ["RNNForecaster"]
