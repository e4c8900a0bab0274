"""A series to forecast, as the user has it: its values, its further columns, its times."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from sknets._plain import kept
from sknets.preprocessing._sliding_windows import as_columns, check_missing, read_numbers

_FLOATS = (np.float64, np.float32)


@kept
@dataclass(frozen=True)
class Columns:
    """Which of the further columns of a series are known in advance.

    Parameters
    ----------
    names : list of str or int
        What the user calls the columns of X: by name, or by position where they have none.
    known : list of int
        Positions of those that are known in advance.
    """

    names: list
    known: list

    @property
    def observed(self):
        """Positions of those that are known up to the present only."""
        return [column for column in range(len(self.names)) if column not in self.known]

    def named(self, positions):
        """Return the names of columns."""
        return [self.names[position] for position in positions]


def find_columns(known_columns, names):
    """Return the `Columns` of X; some of them are given by name, by position, or as a mask.

    Parameters
    ----------
    known_columns : 'all', array-like of str, int or bool, or None
        As the user gave it.
    names : list of str or int
        What the user calls the columns of X.
    """
    n_columns = len(names)
    if known_columns is None:
        return Columns(names, [])
    if isinstance(known_columns, str):
        if known_columns != "all":
            raise ValueError(
                f"known_columns={known_columns!r} is no list of columns; give known_columns="
                f"[{known_columns!r}], or 'all'."
            )
        return Columns(names, list(range(n_columns)))
    wanted = list(known_columns)
    if wanted and all(isinstance(column, bool | np.bool_) for column in wanted):
        if len(wanted) != n_columns:
            raise ValueError(
                f"known_columns is a mask of {len(wanted)} bool, X has {n_columns} columns; it needs one "
                "for each."
            )
        wanted = np.flatnonzero(wanted).tolist()
    position_of = {position: position for position in range(n_columns)}
    position_of.update({name: position for position, name in enumerate(names)})
    unknown = [c for c in wanted if not isinstance(c, Hashable) or c not in position_of]
    if unknown:
        has_names = any(isinstance(name, str) for name in names)
        what = f"the columns {names}" if has_names else f"{n_columns} columns without names"
        raise ValueError(f"known_columns has {unknown}, which X does not have: it has {what}.")
    return Columns(names, list(dict.fromkeys(position_of[column] for column in wanted)))


def read_series(X, y, dtype=None):
    """Return X and y as arrays of two axes and one type (None: that of y); X=None has no columns."""
    if y is None:
        raise ValueError(
            "Forecaster requires y to be passed, but the target y is None. It is the series to "
            "forecast; without further columns, fit(y=series)."
        )
    y = read_numbers(as_columns(y, "y"), "y", dtype or _FLOATS)
    X = np.empty((len(y), 0)) if X is None else as_columns(X, "X")
    X = read_numbers(X, "X", y.dtype) if X.shape[1] else np.empty(X.shape, y.dtype)
    if len(X) != len(y):
        raise ValueError(f"X has {len(X)} times, y has {len(y)}; both need the same times.")
    check_missing(X, "X")
    check_missing(y, "y")
    return X, y


def read_ahead(X, names, n_times, dtype):
    """Return the known columns of so many times to come; X has them at the same places as names."""
    if len(X) < n_times:
        raise ValueError(
            f"The known columns {names} are needed for {n_times} times to come (strategy='direct' takes "
            f"whole blocks of horizon), X has {len(X)}: give X for {n_times} times. In "
            "cross-validation, take test blocks of whole horizons: TimeSeriesSplit(test_size=...)."
        )
    columns = list(getattr(X, "columns", names))
    if columns != names and isinstance(names[0], str):
        if sorted(map(str, columns)) == sorted(names):
            raise ValueError(
                f"X has the columns {columns}, those of fit in another order; give X[{names}]."
            )
        raise ValueError(f"X has the columns {columns}; the known ones are {names}.")
    known = read_numbers(X, "X", dtype)[:n_times]
    check_missing(known, "X")
    return known
