"""Forecasts of a known series from many of its times, fold by fold, as one table."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit, check_cv
from sklearn.utils import check_scalar

from sknets.forecasting._intervals import error_quantiles
from sknets.forecasting._series import read_series
from sknets.preprocessing._times import check_times


def backtest(forecaster, X, y, *, cv, stride, coverage):
    """Return the table of `Forecaster.backtest`, which says what is what."""
    check_scalar(stride, "stride", Integral, min_val=1)
    has_intervals = forecaster.calibration_fraction is not None
    if coverage is not None and not has_intervals:
        raise ValueError(
            f"coverage={coverage} is of intervals, which need calibration_fraction, such as 0.2; it is "
            "None."
        )
    horizon = forecaster.horizon
    check_times(y=y, X=X)
    columns, values = read_series(X, y)
    tables = []
    for fold, (train, origins) in enumerate(_read_folds(cv, values, horizon, stride)):
        fitted = clone(forecaster).fit(_take(X, train), _take(y, train))
        plan = fitted._memory.plan
        paths = plan.forecast(fitted.estimator_, values, columns, origins, horizon)
        truth = values[origins[:, None] + np.arange(horizon)]
        parts = {"truth": truth, "forecast": paths}
        if has_intervals:
            share = 0.9 if coverage is None else coverage
            below, above = error_quantiles(fitted.calibration_residuals_, share)
            shape = (horizon, -1)
            parts |= {
                "lower": paths + below.reshape(shape),
                "upper": paths + above.reshape(shape),
            }
        tables.append(_to_table(fold, origins, parts, y))
    if not tables:
        raise ValueError("cv has no folds; an int, or TimeSeriesSplit, makes some.")
    return pd.concat(tables, ignore_index=True)


def _take(values, rows):
    if values is None:
        return None
    return values.iloc[rows] if hasattr(values, "iloc") else np.asarray(values)[rows]


def _read_folds(cv, y, horizon, stride):
    """Yield the training rows of each fold, and the origins of forecasts in its test rows."""
    cv = TimeSeriesSplit(cv) if isinstance(cv, Integral) else check_cv(cv)
    for fold, (train, test) in enumerate(cv.split(y)):
        rows = np.concatenate([train, test])
        is_empty = not (len(train) and len(test))
        if is_empty or not np.array_equal(rows, np.arange(len(y))[int(rows[0]) :][: len(rows)]):
            raise ValueError(
                f"The test rows of fold {fold} do not follow its training rows at once, in order; take "
                "TimeSeriesSplit without a gap."
            )
        if len(test) < horizon:
            raise ValueError(
                f"Fold {fold} has {len(test)} test rows, fewer than horizon={horizon}; take fewer folds "
                "or a larger test_size."
            )
        yield train, np.arange(test[0], test[-1] + 2 - horizon, stride)


def _to_table(fold, origins, parts, y):
    """Return arrays (n_origins, n_steps, n_targets) as columns of a table, with times as y has them."""
    shape = next(iter(parts.values())).shape
    labels = y.index if hasattr(y, "iloc") else pd.RangeIndex(len(y))
    table = pd.DataFrame(index=range(np.prod(shape)))
    position, step, target = (axis.ravel() for axis in np.indices(shape))
    table["fold"] = fold
    table["origin"] = labels[origins[position] - 1]
    table["step"] = step + 1
    table["time"] = labels[origins[position] + step]
    if shape[2] > 1:
        table["target"] = np.asarray(getattr(y, "columns", range(shape[2])))[target]
    for name, values in parts.items():
        table[name] = values.ravel()
    return table
