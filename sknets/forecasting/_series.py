"""A series to forecast, as the user has it: its values, its further columns, its times."""

import numpy as np
import pandas as pd

from sknets.preprocessing._sliding_windows import as_columns, read_numbers, refuse_missing

_TIMES = (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex)


def read_series(X, y, dtype):
    """Return X and y as arrays of two axes and one type; X has no columns where it is None."""
    if y is None:
        raise ValueError(
            "RNNForecaster requires y to be passed, but the target y is None. It is the series to "
            "forecast; without further columns, fit(y=series)."
        )
    y = read_numbers(as_columns(y, "y"), "y", dtype)
    X = np.empty((len(y), 0)) if X is None else as_columns(X, "X")
    X = read_numbers(X, "X", y.dtype) if X.shape[1] else np.empty(X.shape, y.dtype)
    if len(X) != len(y):
        raise ValueError(f"X has {len(X)} times, y has {len(y)}; both need the same times.")
    refuse_missing(X, "X")
    refuse_missing(y, "y")
    return X, y


def read_ahead(X, names, n_times, dtype):
    """Return the known columns of so many times to come; X has them at the same places as names."""
    if len(X) < n_times:
        raise ValueError(
            f"The known columns {names} are needed for {n_times} times to come (strategy='direct' takes "
            f"whole blocks of horizon), X has {len(X)}."
        )
    columns = list(getattr(X, "columns", names))
    if columns != names and isinstance(names[0], str):
        raise ValueError(f"X has the columns {columns}; the known ones are {names}.")
    known = read_numbers(X, "X", dtype)[:n_times]
    refuse_missing(known, "X")
    return known


def find_columns(columns, names, n_features):
    """Return the positions of columns given by name, by position, or as a mask."""
    if columns is None:
        return []
    if isinstance(columns, str):  # "all"
        return list(range(n_features))
    if np.asarray(columns).dtype == bool:
        columns = np.flatnonzero(columns)
    position_of = {position: position for position in range(n_features)}
    position_of.update({name: position for position, name in enumerate(names)})
    columns = dict.fromkeys(list(columns))
    unknown = [column for column in columns if column not in position_of]
    if unknown:
        what = f"the columns {list(names)}" if len(names) else f"{n_features} columns without names"
        raise ValueError(f"known_columns has {unknown}, which X does not have: it has {what}.")
    return [position_of[column] for column in columns]


def read_times(X, y, last=None):
    """Return the dates (or other times) in the index of y or X, None where there are none.

    Raises
    ------
    ValueError
        If they are not in order, not those of both, or do not come after the `last`.
    """
    found = [data.index for data in (y, X) if isinstance(getattr(data, "index", None), _TIMES)]
    for index in found:
        if not (index.is_monotonic_increasing and index.is_unique):
            raise ValueError(
                "The index must have one row for each time, in order; sort by it, and forecast each of "
                "several series by itself."
            )
    if len(found) == 2 and not found[0].equals(found[1]):
        raise ValueError("X and y have different times in their index; rows must belong together.")
    times = found[0] if found else None
    has_both = last is not None and times is not None and len(times) and times.dtype == last.dtype
    if has_both and times[0] <= last[-1]:
        raise ValueError(
            f"The first row is of {times[0]}, but the series is known up to {last[-1]}; only times "
            "after it can follow."
        )
    return times
