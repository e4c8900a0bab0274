"""The times of a series: what an index says of them."""

import datetime
import re
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sknets.preprocessing._rhythm import (
    describe_kind,
    find_rhythm,
    is_clock_change,
    name_time,
    to_dates,
)

#: Three numbers with something between them, or a year.
_LIKE_A_DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|(?<!\d)(19|20)\d\d(?![\d.])|^(19|20)\d{6}$"


@dataclass(frozen=True)
class Times:
    """The times of some data.

    Parameters
    ----------
    name : str
        What an error calls the data.
    index : Index
        The times, in order.
    """

    name: str
    index: pd.Index

    @property
    def kind(self):
        """What the times are, in words; only those of one kind can be compared."""
        return describe_kind(self.index)

    @property
    def are_fresh(self):
        """Whether they are 0, 1, 2 ..., as rows have it that say nothing of their times."""
        return self.kind == "numbers" and np.array_equal(self.index, np.arange(len(self.index)))


def read_times(**data):
    """Return the times of some data that belong together: a list with one of `Times` for each kind.

    An index of dates, periods, durations or whole numbers has times; any other says nothing of them, and
    texts only that they are no dates. ``0, 1, 2 ...`` says nothing beside other numbers.

    Parameters
    ----------
    **data : object
        By the names that an error is to have.

    Raises
    ------
    ValueError
        If times are not in order, or not the same; if dates are texts.
    """
    dates, numbers, texts = None, None, None
    for name, values in data.items():
        index = _as_times(getattr(values, "index", None), name)
        if index is None or not len(index):
            continue
        times = Times(name, index)
        if times.kind == "texts":
            texts = times
            continue
        _check_order(index, name)
        if times.kind != "numbers":
            dates = _same(dates, times)
        elif numbers is None or numbers.are_fresh:
            numbers = times
        elif not times.are_fresh:
            numbers = _same(numbers, times)
    if dates and texts:
        _same(dates, texts)
    return [times for times in (dates, numbers, texts) if times is not None]


def _same(first, second):
    if first is None or first.index.equals(second.index):
        return first or second
    spans = [
        f"{name_time(t.index[0])} to {name_time(t.index[-1])} ({t.kind})" for t in (first, second)
    ]
    raise ValueError(
        f"{first.name} and {second.name} have different times in their index, {spans[0]} and {spans[1]}; "
        "rows must belong together."
    )


def check_times(**data):
    """Read the times of some data, and let each follow the one before at the distance of the others.

    Returns
    -------
    list of (Times, Rhythm or None)
        For each kind of times; None where nothing is known of what follows what.
    """
    all_times = [times for times in read_times(**data) if times.kind != "texts"]
    found = [(times, find_rhythm(times.index)) for times in all_times]
    for times, rhythm in found:
        if rhythm is not None:
            rhythm.check(times)
    return found


def _as_times(index, name):
    """Return an index that has times as one of few types; None if it says nothing of them."""
    if not isinstance(index, pd.Index) or isinstance(index, pd.MultiIndex):
        return None
    if index.dtype == object and index.inferred_type in ("date", "datetime"):
        index = pd.DatetimeIndex(index)
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex | pd.PeriodIndex):
        try:
            to_dates(index)
        except ValueError as error:  # nanoseconds count from 1677 to 2262
            raise ValueError(f"The index of {name} has times out of reach: {error}") from error
        return index
    if not pd.api.types.is_numeric_dtype(index.dtype):
        texts = pd.Index(index.dropna().to_list(), dtype=object)  # categories too
        if texts.inferred_type == "string":
            _check_texts(texts, name)
            return texts
    if index.dtype == object and any(isinstance(time, datetime.date) for time in index):
        raise ValueError(
            f"The index of {name} holds dates and other values; give each row its date, or leave them "
            f"out: {name}.reset_index(drop=True)."
        )
    is_whole = pd.api.types.is_integer_dtype(index.dtype)
    return pd.Index(index.astype("int64")) if is_whole and not index.hasnans else None


def _check_texts(index, name):
    """Refuse texts that look like dates, whose order and holes nobody would see."""
    if not all(re.search(_LIKE_A_DATE, text) for text in index):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it cannot tell days from months
        dates = pd.to_datetime(index[[0, -1]], errors="coerce", format="mixed", utc=True)
    if not dates.hasnans:
        raise ValueError(
            f"The index of {name} holds texts that look like dates, such as {index[0]!r}; {name}.index = "
            f"pd.to_datetime({name}.index) makes times of them. If they are none, leave them out: "
            f"{name}.reset_index(drop=True)."
        )


def _check_order(index, name):
    if index.hasnans:
        raise ValueError(f"The index of {name} has a missing time; give each row its time.")
    if index.is_monotonic_increasing and index.is_unique:
        return
    place = int(np.flatnonzero(index[1:] <= index[:-1])[0])
    remedy = "sort by it (sort_index()), and forecast each of several series by itself"
    before, after = index[place], index[place + 1]
    if describe_kind(index) == "numbers":
        remedy += (
            f". If the rows are in order as they are, number them: {name}.reset_index(drop=True)"
        )
    elif _is_put_back(before, after):
        remedy = (
            f"if the clock was put back, {name}.tz_localize(zone, ambiguous='infer') tells the two hours "
            f"apart; if not, {remedy}"
        )
    raise ValueError(
        f"The index of {name} must have one row for each time, in order: {name_time(after)} comes after "
        f"{name_time(before)}; {remedy}."
    )


def _is_put_back(before, after):
    """Whether a clock on the wall may show a time after another since it was put back."""
    if not isinstance(after, pd.Timestamp) or after.tz is not None:
        return False
    is_day = after == before == after.normalize()
    return (
        not is_day
        and before - after < pd.Timedelta("1h")
        and bool(is_clock_change(pd.DatetimeIndex([after])))
    )
