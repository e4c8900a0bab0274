"""Forecasts of a series, and the windows that they are made of."""

import numpy as np
import pandas as pd
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

import sknets
from bits import _data as d
from bits._see import see
from sknets import RNNRegressor
from sknets.preprocessing import SlidingWindows, TokenSequences

Forecaster = getattr(sknets, "Forecaster", None) or sknets.RNNForecaster  # its name of before

WINDOW = 6


def network(**params):
    options = {"recurrent_layer_sizes": 4, "cell": "gru", "max_iter": 3, "random_state": 0}
    return RNNRegressor(**options | params)


def make(estimator=None, **params):
    return Forecaster(estimator or network(), **{"window": WINDOW, "horizon": 4} | params)


def forecast(y=d.WAVE, X=None, ahead=None, estimator=None, n_steps=None, **params):
    """Return a case that fits, forecasts, and goes on after an update."""

    def case():
        fitted = make(estimator, **params).fit(X, y)
        seen = {"forecast": fitted.forecast(n_steps, ahead)}
        if params.get("calibration_fraction"):
            seen["interval"] = fitted.forecast_interval(X=ahead, coverage=0.5)
            seen["residuals"] = fitted.calibration_residuals_
        fitted.update(None if X is None else X[:2], y[:2])
        seen["updated"] = fitted.forecast(n_steps, ahead)
        return seen | {"network": see(fitted.estimator_, np.zeros((1, WINDOW, _width(fitted))))}

    return case


def _width(fitted):
    return fitted.estimator_.n_features_in_


def backtest(**params):
    coverage = 0.5 if params.get("calibration_fraction") else None
    return lambda: {"table": make(**params).backtest(y=d.WAVE, cv=2, stride=7, coverage=coverage)}


def windows():
    cut = SlidingWindows(WINDOW, horizon=2, step=2, gap=1)
    X, y = cut.make_samples(d.COLUMNS, d.WAVE)
    return {"windows": cut.fit_transform(d.WAVE), "X": X, "y": y}


def tokens():
    texts = ["the cat sat", "the dog sat on the cat", "a dog"]
    return {"tokens": TokenSequences().fit_transform(texts)}


AHEAD = d.COLUMNS[:4]
BOTH = np.c_[d.WAVE, d.WAVE**2]
DIRECT = {"strategy": "direct"}
DATED = pd.Series(d.WAVE, pd.date_range("2020-01-01", periods=90), name="wave")

FORECASTS = {
    "forecast": forecast(),
    "forecast beyond the horizon": forecast(n_steps=9),
    "forecast of two": forecast(BOTH),
    "forecast in float32": forecast(d.WAVE.astype(np.float32)),
    "forecast of changes": forecast(difference=1),
    "forecast of seasons": forecast(difference=7, **DIRECT),
    "forecast with known columns": forecast(X=d.COLUMNS, ahead=AHEAD, known_columns="all"),
    "forecast with a known column": forecast(X=d.COLUMNS, ahead=AHEAD, known_columns=[0], **DIRECT),
    "forecast with intervals": forecast(calibration_fraction=0.3),
    "forecast with intervals, known columns": forecast(
        X=d.COLUMNS, ahead=AHEAD, known_columns="all", calibration_fraction=0.3, difference=1
    ),
    "forecast at once": forecast(**DIRECT),
    "forecast at once, beyond": forecast(n_steps=9, **DIRECT),
    "forecast at once, of two": forecast(BOTH, **DIRECT, calibration_fraction=0.3),
    "forecast written": forecast(estimator=network(output="sequence"), **DIRECT),
    "forecast, early stopping": forecast(estimator=network(early_stopping=True)),
    "forecast, another seed": forecast(random_state=3),
    "forecasts of the past": backtest(),
    "forecasts of the past with intervals": backtest(calibration_fraction=0.3, **DIRECT),
    "forecasts, cross-validated": lambda: {
        "scores": cross_val_score(make(), np.empty((90, 0)), d.WAVE, cv=TimeSeriesSplit(3))
    },
    "forecasts of dates": lambda: {"forecast": make().fit(y=DATED).forecast()},
    "windows": windows,
    "words": tokens,
}
