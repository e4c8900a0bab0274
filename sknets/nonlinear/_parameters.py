"""The parameters of a model: names, start and bounds; a vector inside, outside as they were given."""

import numbers
from collections.abc import Mapping

import numpy as np
import pandas as pd
import scipy.optimize

from sknets._plain import kept
from sknets.training import Box


@kept
class Parameters:
    """What the parameters are called, where they begin, and in which box they stay.

    Parameters
    ----------
    theta0 : array-like of shape (n_parameters,), dict of str to float, or Series of them
        The start.
    bounds : tuple, dict, scipy.optimize.Bounds or None
        As in `NonlinearRegressor`.

    Attributes
    ----------
    names : list of str
        Those of the dict, or "theta[0]", "theta[1]" ...
    is_named : bool
        Whether `theta0` has names.
    start : ndarray of shape (n_parameters,)
        The start.
    box : Box
        The bounds.

    Raises
    ------
    ValueError, TypeError
        If one of the two cannot be used; the message names it and the parameter.
    """

    def __init__(self, theta0, bounds):
        theta0 = _as_dict_if_named(theta0)
        self.is_named = isinstance(theta0, Mapping)
        self.start = _read_start(theta0)
        if self.is_named:
            self.names = list(theta0)
        else:
            self.names = [f"theta[{k}]" for k in range(len(self.start))]
        self.box = self._read_box(bounds)

    def __len__(self):
        return len(self.start)

    def as_given(self, values):
        """Return a value of each parameter as `theta0` was given: an array, or a dict of floats."""
        if not self.is_named:
            return np.array(values)
        return dict(zip(self.names, np.asarray(values).tolist(), strict=True))

    def rows_as_given(self, rows):
        """Return a row for each parameter: an array, or a dict of arrays."""
        return dict(zip(self.names, rows, strict=True)) if self.is_named else rows

    def table_as_given(self, table):
        """Return a value for each pair of parameters: an array, or a frame."""
        return pd.DataFrame(table, self.names, self.names) if self.is_named else table

    def find(self, parameter):
        """Return the place of a parameter that is given by name or number."""
        if parameter in self.names:
            return self.names.index(parameter)
        is_place = isinstance(parameter, numbers.Integral) and not isinstance(parameter, bool)
        if is_place and -len(self) <= parameter < len(self):
            return int(parameter) % len(self)
        raise ValueError(f"parameter={parameter!r} is none of {', '.join(self.names)}.")

    def say(self, places):
        """Return the names at some places, for a sentence."""
        names = [self.names[place] for place in places]
        named = list(map(repr, names)) if self.is_named else names
        return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)

    def _read_box(self, bounds):
        if bounds is None:
            return Box()
        if isinstance(bounds, scipy.optimize.Bounds):
            bounds = self._from_scipy(bounds)
        lower, upper = (self._by_name if self.is_named else self._by_place)(bounds)
        is_empty = ~(lower < upper)
        if is_empty.any():
            k = int(np.argmax(is_empty))
            raise ValueError(
                f"bounds of {self.say([k])} must be a lower and a larger upper one, got {lower[k]} and "
                f"{upper[k]}. To hold a parameter, write its value into model."
            )
        is_outside = (self.start < lower) | (self.start > upper)
        if is_outside.any():
            k = int(np.argmax(is_outside))
            raise ValueError(
                f"theta0 of {self.say([k])} is {self.start[k]}, outside of its bounds {lower[k]} and "
                f"{upper[k]}. Start inside, or widen bounds."
            )
        return Box(lower, upper)

    def _from_scipy(self, bounds):
        pair = self._by_place((bounds.lb, bounds.ub))
        return (
            dict(zip(self.names, zip(*pair, strict=True), strict=True)) if self.is_named else pair
        )

    def _by_name(self, bounds):
        if not isinstance(bounds, Mapping):
            raise TypeError(
                "bounds must be a dict as theta0 is, such as "
                f"{{{self.names[0]!r}: (0, None)}}, got {type(bounds).__name__}."
            )
        unknown = [name for name in bounds if name not in self.names]
        if unknown:
            raise ValueError(
                f"bounds has {unknown[0]!r}, which is no parameter: theta0 has "
                f"{', '.join(map(repr, self.names))}."
            )
        ends = []
        for name in self.names:
            pair = bounds.get(name)  # None is no bound, as everywhere
            low, high = (None, None) if pair is None else _read_pair(pair, f"of {name!r}")
            for end in (low, high):
                if not (end is None or isinstance(end, numbers.Real)):
                    raise ValueError(
                        f"bounds of {name!r} must be two numbers (or None), got {pair!r}."
                    )
            ends.append((-np.inf if low is None else low, np.inf if high is None else high))
        return np.array(ends, dtype=float).T

    def _by_place(self, bounds):
        if isinstance(bounds, Mapping):
            raise TypeError(
                "bounds is a dict, but theta0 has no names. Give (lower, upper), each a number or one "
                "for each parameter, or make theta0 a dict."
            )
        ends = []
        for end, none in zip(_read_pair(bounds, ""), (-np.inf, np.inf), strict=True):
            try:
                values = _fill(end, none)
                ends.append(np.broadcast_to(values, self.start.shape).copy())
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"bounds must be (lower, upper), each a number or {len(self)} of them as in theta0, "
                    f"got {end!r}."
                ) from error
        return ends


def _as_dict_if_named(theta0):
    """Return a Series with names as the dict it is, all else as it is."""
    if isinstance(theta0, pd.Series) and all(isinstance(name, str) for name in theta0.index):
        if not theta0.index.is_unique:
            raise ValueError(f"theta0 has a name twice: {', '.join(theta0.index)}.")
        return theta0.to_dict()
    return theta0


def _fill(end, none):
    """Return an end of bounds as numbers, None being none."""
    values = np.array(end, dtype=object)
    return np.where(np.equal(values, None), none, values).astype(float)


def _read_pair(bounds, whose):
    try:
        low, high = bounds
    except (TypeError, ValueError) as error:
        whose = f"{whose} " if whose else ""
        raise ValueError(f"bounds {whose}must be (lower, upper), got {bounds!r}.") from error
    return low, high


def _read_start(theta0):
    if isinstance(theta0, Mapping):
        for name, value in theta0.items():
            if not isinstance(name, str) or not isinstance(value, numbers.Real):
                raise TypeError(
                    f"theta0 must be a dict of names to numbers, got {name!r}: {value!r}."
                )
        theta0 = list(theta0.values())
    try:
        start = np.array(theta0, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"theta0 must be numbers, got {theta0!r}.") from error
    if start.ndim != 1 or not len(start):
        raise ValueError(
            f"theta0 must have one axis and at least one number, got shape {start.shape}. A single "
            "parameter is theta0=[1.0]."
        )
    if not np.isfinite(start).all():
        raise ValueError(f"theta0 must be finite, got {start.tolist()}.")
    return start
