"""Frames and indexes as plain values."""

import re

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

#: Rows of an index that counts them, which takes no room where it is described.
_MOST_ROWS = 10**7


def describe_pandas(value, write):
    """Return a frame or an index in plain values, or what it is if it cannot be described so.

    Parameters
    ----------
    value : object
        Anything.
    write : callable
        ``write(value)`` brings what is inside into plain values.
    """
    if isinstance(value, pd.Index):
        described = _describe_index(value)
    elif isinstance(value, pd.offsets.BaseOffset):
        described = {"@": "offset", "freq": value.freqstr}
    elif type(value) is pd.Timestamp:
        described = _describe_index(pd.DatetimeIndex([value])) | {"@": "time"}
    elif type(value) is pd.Timedelta:
        described = {"@": "timedelta", "value": value.asm8.astype("m8[ns]").astype("i8").item()}
    elif type(value) is pd.DataFrame:
        described = _describe_frame(value, write)
    else:
        return value
    # what has more to it than is written here stays as it is
    return described if described and _is_same(make_pandas_again(described), value) else value


def make_pandas_again(described):
    """Return what is described, if it can be made."""
    parts = dict(described)
    try:
        return make_pandas(parts.pop("@"), _made(parts))
    except (ValueError, TypeError):
        return None


def make_pandas(name, parts):
    """Return the frame or index that `describe_pandas` described.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    if name == "range":
        rows = pd.RangeIndex(parts["start"], parts["stop"], parts["step"], name=parts["name"])
        if len(rows) > _MOST_ROWS:
            raise ValueError(f"{len(rows)} rows are more than an index is described of.")
        return rows
    if name == "dates":
        values = _check_array(parts["values"]).astype(f"M8[{parts['unit']}]")
        index = pd.DatetimeIndex(values, name=parts["name"])
        if parts["tz"] is not None:
            index = index.tz_localize("UTC").tz_convert(_check_zone(parts["tz"]))
        if parts["freq"] is not None:
            index.freq = to_offset(parts["freq"])
        return index
    if name == "time":
        return make_pandas("dates", parts)[0]
    if name == "timedelta":
        return pd.Timedelta(parts["value"], "ns")
    if name == "periods":
        ordinals = _check_array(parts["values"])
        return pd.PeriodIndex.from_ordinals(ordinals, freq=parts["freq"], name=parts["name"])
    if name == "offset":
        return to_offset(parts["freq"])
    if name == "index":
        values = _check_array(parts["values"])
        return pd.Index(values, dtype=_check_dtype(parts["dtype"]), name=parts["name"])
    if name == "frame":
        columns = {
            number: pd.Series(
                _check_array(column),
                index=parts["index"],
                dtype=_check_dtype(dtype) or column.dtype,
            )
            for number, (column, dtype) in enumerate(parts["data"])
        }
        frame = pd.DataFrame(columns, index=parts["index"])
        frame.columns = parts["columns"]
        return frame
    raise ValueError(f"There is no object of the kind {name!r}.")


def _check_array(values):
    """Return values, unless they are something that grows when an index or a column is made of it."""
    if not isinstance(values, np.ndarray):
        raise ValueError(f"A {type(values).__name__} stands in the place of an array.")
    return values


def _check_dtype(name):
    """Return the name of a type, in which a time zone may stand."""
    zone = None if name is None else re.search(r"\[[^\]]*(?:tz=|, *)([^\],=]*/[^\],]*)", name)
    if zone is not None or "dateutil" in (name or ""):
        _check_zone(zone[1] if zone else name)
    return name


def _check_zone(name):
    """Return the name of a time zone, which pandas would also take for a file's path."""
    if not re.fullmatch(r"[A-Za-z][\w+-]*(/[A-Za-z][\w+-]*)*(:\d\d)?", name) or "dateutil" in name:
        raise ValueError(f"{name!r} is no time zone.")
    return name


def _describe_index(index):
    if type(index) is pd.RangeIndex:
        return {
            "@": "range",
            "start": index.start,
            "stop": index.stop,
            "step": index.step,
            "name": index.name,
        }
    if type(index) is pd.DatetimeIndex:
        return {
            "@": "dates",
            "values": index.asi8.copy(),
            "unit": index.unit,
            "tz": None if index.tz is None else str(index.tz),
            "freq": index.freqstr,
            "name": index.name,
        }
    if type(index) is pd.PeriodIndex:
        return {
            "@": "periods",
            "values": index.asi8.copy(),
            "freq": index.freqstr,
            "name": index.name,
        }
    if type(index) is not pd.Index:
        return None
    dtype = None if isinstance(index.dtype, np.dtype) else str(index.dtype)
    values = index.to_numpy(dtype=object if dtype else None)
    return {"@": "index", "values": values, "dtype": dtype, "name": index.name}


def _describe_frame(frame, write):
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    return {
        "@": "frame",
        "columns": write(frame.columns),
        "index": write(frame.index),
        "data": [_describe_column(column) for column in columns],
    }


def _describe_column(column):
    """Return the values of a column, and the name of its type if that is pandas's own."""
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy(), None
    return column.to_numpy(dtype=object, na_value=None), str(column.dtype)


def _made(parts):
    """Return parts in which what is described has been made."""
    return {
        name: make_pandas_again(part) if isinstance(part, dict) and "@" in part else part
        for name, part in parts.items()
    }


def _is_same(made, value):
    if type(made) is not type(value):
        return False
    if isinstance(value, pd.DataFrame):
        same = made.equals(value) and list(made.dtypes) == list(value.dtypes)
        return same and made.columns.equals(value.columns) and made.index.equals(value.index)
    if isinstance(value, pd.Index):
        same = made.equals(value) and made.dtype == value.dtype and made.name == value.name
        return same and getattr(made, "freq", None) == getattr(value, "freq", None)
    return made == value
