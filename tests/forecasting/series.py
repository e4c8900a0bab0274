"""The series that tests forecast, and small regressors for them."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression

from sknets import Forecaster, RNNRegressor

N, WINDOW = 120, 4
_RNG = np.random.default_rng(0)
Y = np.cumsum(_RNG.standard_normal((N, 2)), axis=0) * 0.2 + _RNG.standard_normal((N, 2))
X = pd.DataFrame(_RNG.standard_normal((N, 3)), columns=["day", "sales", "price"])
DATES = pd.date_range("2020-01-01", periods=N)


class Linear(RegressorMixin, BaseEstimator):
    """Least squares on all that a network would see; like a network, it takes sequences."""

    def fit(self, X, y):
        self.X_, self.y_ = X, y
        self.model_ = LinearRegression().fit(X.reshape(len(X), -1), y)
        return self

    def predict(self, X):
        assert X.ndim == self.X_.ndim == 3
        return self.model_.predict(X.reshape(len(X), -1))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def forecaster(estimator=None, **params):
    """Return a forecaster with a short window, by default a linear one."""
    return Forecaster(estimator or Linear(), **{"window": WINDOW} | params)


def tiny(**params):
    """Return a network that is fitted in no time."""
    settings = {"recurrent_layer_sizes": 4, "max_iter": 2, "random_state": 0} | params
    return RNNRegressor(**settings)


def lags(y, t):
    """Return the times before t in a row, as a linear model sees them."""
    return np.ravel([y[t - back] for back in range(WINDOW, 0, -1)])
