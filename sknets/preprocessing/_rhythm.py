"""How times follow each other: a rhythm is found in an index, and counts the steps between two times."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sknets._plain import kept

#: Opening days that may be missing in a row: holidays, and long ones if there are several.
_HOLIDAYS, _LONG_HOLIDAYS = 4, 9
_DAY = pd.Timedelta("1D")
_HOUR = pd.Timedelta("1h")
_SUNDAY = 6
_MONDAY_TO_FRIDAY = (True,) * 5 + (False,) * 2
_CLOCK_CHANGES = (3, 4, 9, 10, 11)  # months


@kept
@dataclass(frozen=True)
class Rhythm:
    """How the times of a series follow each other.

    Parameters
    ----------
    unit : {"numbers", "instants", "days", "months", "opening days"}
        What is counted from one time to the next.
    step : int
        How many of them; nanoseconds for instants.
    opening : tuple of bool, default=()
        For opening days, whether there are times on each day of the week, Monday first.
    n_closed : int, default=0
        Opening days that may be missing in a row, as holidays are.
    n_usual : int, default=0
        Those that are missing again and again, at least one.
    """

    unit: str
    step: int
    opening: tuple = ()
    n_closed: int = 0
    n_usual: int = 0

    def count(self, before, after):
        """Return how many steps lead from each time to another, as floats."""
        before, after = to_dates(before), to_dates(after)
        if self.unit == "numbers":
            return (np.asarray(after) - np.asarray(before)) / self.step
        if self.unit == "instants":
            steps = (after.asi8 - before.asi8) / self.step
            return steps - _clock_changes(before, after, self.step) * (_HOUR.value / self.step)
        before, after = _wall(before), _wall(after)
        if self.unit == "months":
            return (_months(after) - _months(before)) / self.step
        before, after = (t.to_numpy().astype("datetime64[D]") for t in (before, after))
        if self.unit == "days":
            return (after - before).astype(float) / self.step
        n_open = np.busday_count(before, after, weekmask=self.opening)
        return np.maximum(n_open, after > before).astype(
            float
        )  # a Saturday that was open after all

    def after(self, time, n_steps):
        """Return the time that lies some steps after another, as it is most likely called."""
        if self.unit == "numbers":
            return time + n_steps * self.step
        if isinstance(time, pd.Period):
            return self.after(time.to_timestamp(), n_steps).to_period(time.freq)
        if self.unit == "instants":
            return time + n_steps * pd.Timedelta(self.step, "ns")
        if self.unit == "days":
            return time + n_steps * self.step * pd.DateOffset(days=1)
        if self.unit == "months":
            end = pd.offsets.MonthEnd(0) if time.is_month_end else pd.DateOffset(0)
            return time + pd.DateOffset(months=n_steps * self.step) + end
        return time + n_steps * pd.offsets.CustomBusinessDay(weekmask=list(self.opening))

    def describe(self):
        """Return the distance of two times in words."""
        if self.unit == "instants":
            return f"a row every {pd.Timedelta(self.step, 'ns')}".replace("0 days ", "")
        if self.unit == "opening days":
            return "a row on each weekday that it is open"
        if self.unit == "numbers":
            return f"numbers that grow by {self.step}"
        return f"a row every {f'{self.step} {self.unit}' if self.step > 1 else self.unit[:-1]}"

    def check(self, times):
        """Raise an error where `Times` do not follow each other."""
        name, index = times.name, times.index
        if len(index) < 2:
            return
        steps = self.count(index[:-1], index[1:])
        is_hole = steps >= self.n_closed + 1.5
        is_short = steps <= 0.5
        wrong = np.flatnonzero(is_hole | is_short)
        if not len(wrong):
            return
        place, further = int(wrong[0]), ""
        if len(wrong) > 1:
            further = f", the first of {len(wrong)} such places"
        before, after, expected = map(
            name_time, (index[place], index[place + 1], self.after(index[place], 1))
        )
        if is_short[place]:
            raise ValueError(
                f"The index of {name} is not regular: {after} comes too soon after {before}{further}, "
                f"the series has {self.describe()}. Bring it to one distance, as resample does; "
                f"{_drop(name, index)}"
            )
        n_missing = round(steps[place]) - 1
        raise ValueError(
            f"The index of {name} has a hole: {after} follows {before}{further}, where {expected} "
            f"was expected, for the series has {self.describe()}; "
            f"{n_missing} row{'s are' if n_missing > 1 else ' is'} missing. Fill the hole, "
            f"{_fill(name, index)}; {_drop(name, index)}"
        )


def find_rhythm(index):
    """Return the `Rhythm` of the times of an index; None if they have none, as any numbers of rows.

    Parameters
    ----------
    index : Index
        In order. Its most common distance counts: where other times do not keep to it, `Rhythm.check`
        says so.
    """
    if len(index) < 2:
        return None
    if describe_kind(index) == "numbers":
        return _of_numbers(np.asarray(index))
    dates = to_dates(index)
    if isinstance(dates, pd.TimedeltaIndex):
        return Rhythm("instants", _median(np.diff(dates.asi8)))
    return _of_dates(dates, index.freq)


def describe_kind(index):
    """Return what the times of an index are, in words; only those of one kind can be compared."""
    if isinstance(index, pd.PeriodIndex):
        return f"periods of freq {index.freqstr!r}"
    if isinstance(index, pd.TimedeltaIndex):
        return "durations"
    if isinstance(index, pd.DatetimeIndex):
        return "dates without a time zone" if index.tz is None else "dates with a time zone"
    return "texts" if index.inferred_type == "string" else "numbers"


def name_time(time):
    """Return a time as errors have it: a day without its midnight."""
    is_day = isinstance(time, pd.Timestamp) and time.tz is None and time == time.normalize()
    return str(time.date() if is_day else time)


def _fill(name, index):
    if describe_kind(index) == "numbers":
        return f"for instance with {name}.reindex(...).interpolate()"
    return f"for instance with {name}.asfreq(...).interpolate()"


def _drop(name, index):
    if describe_kind(index) == "numbers":
        ids = f"if they are ids, {name}.reset_index(drop=True)."
        pattern = _date_pattern(index)
        if pattern is None:
            return f"or, {ids}"
        return (
            f"or, if these are dates, make times of them: {name}.index = "
            f"pd.to_datetime({name}.index.astype(str), format={pattern!r}); {ids}"
        )
    return (
        "or, if nothing lies in between, as while an exchange is closed, leave the times out: "
        f"{name}.reset_index(drop=True)."
    )


def _date_pattern(numbers):
    """Return how numbers are dates, such as 201012 or 20101231; None if they are not."""
    for pattern, n_digits in (("%Y%m", 6), ("%Y%m%d", 8)):
        texts = numbers.astype(str)
        if texts.str.fullmatch(rf"(19|20)\d{{{n_digits - 2}}}").all():
            dates = pd.to_datetime(texts, format=pattern, errors="coerce")
            return None if dates.hasnans else pattern
    return None


def _of_numbers(numbers):
    """Numbers of rows are times if they grow by one step, or by several where some are missing."""
    steps = np.diff(numbers)
    step = _median(steps)
    are_times = (steps % step == 0).all() and np.mean(steps == step) > 0.5
    return Rhythm("numbers", step) if are_times else None


def _of_dates(dates, freq):
    wall = _wall(dates)
    days = wall.normalize()
    n_days = np.diff(days.asi8) // _DAY.value
    if isinstance(freq, pd.offsets.BusinessDay):
        own = getattr(freq, "calendar", None)  # of CustomBusinessDay
        opening = own.weekmask if isinstance(own, np.busdaycalendar) else _MONDAY_TO_FRIDAY
        return _of_opening_days(days, tuple(bool(is_open) for is_open in opening))
    if _are_months(days, n_days):
        return Rhythm("months", _median(np.diff(_months(days))))
    elapsed = _median(np.diff(dates.asi8))
    n_whole = round(elapsed / _DAY.value)
    are_days = (n_days >= 1).all() and abs(elapsed / _DAY.value - n_whole) < 0.1
    if not are_days:
        return Rhythm("instants", elapsed)
    every = Rhythm("days", n_whole)
    opening = _opening(days) if n_whole < 7 else (True,) * 7
    if all(opening):
        return every
    weekly = _of_opening_days(days, opening)
    if n_whole > 1:  # some weekdays, as Tuesday and Thursday, if that suits more of the times
        n_every, n_weekly = ((r.count(days[:-1], days[1:]) == 1).sum() for r in (every, weekly))
        return weekly if n_weekly > n_every else every
    return weekly


def _of_opening_days(days, opening):
    n_missing = np.sort(Rhythm("opening days", 1, opening).count(days[:-1], days[1:]) - 1)
    n_open = sum(opening)
    few, many = min(_HOLIDAYS, n_open), min(_LONG_HOLIDAYS, 2 * n_open - 1)
    n_closed = many if (n_missing > few).sum() > 1 else few
    n_usual = int(n_missing[-2]) if len(n_missing) > 1 else 0
    return Rhythm("opening days", 1, opening, n_closed, min(max(1, n_usual), n_closed))


def _are_months(days, n_days):
    """Whether dates have a month as their unit: one day of each, its end, or lengths as months have."""
    if not (np.diff(_months(days)) >= 1).all() or np.median(n_days) < 28:
        return False
    are_alike = days.day.nunique() == 1 or days.is_month_end.all()
    return bool(are_alike or np.unique(n_days, return_counts=True)[1].max() < 0.9 * len(n_days))


def _opening(days):
    """Return on which weekdays there are times: the others have been left out whenever they came.

    Of the weekend once is enough, of others twice, lest a hole be taken for a habit.
    """
    seen = np.bincount(days.day_of_week, minlength=7)
    is_rare = seen < 0.1 * seen.max()
    passed = np.bincount(pd.date_range(days[0], days[-1]).day_of_week, minlength=7) - seen
    is_closed = is_rare & (passed >= np.array([2, 2, 2, 2, 2, 1, 1]))
    return tuple((~is_closed).tolist())


def to_dates(index):
    """Return an index of dates or durations in nanoseconds, and one of numbers as it is."""
    index = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    return index.as_unit("ns") if hasattr(index, "as_unit") else index


def _wall(dates):
    """Return dates as a clock on the wall shows them."""
    return dates.tz_localize(None) if dates.tz is not None else dates


def _months(dates):
    return np.asarray(dates.year) * 12 + np.asarray(dates.month)


def _median(steps):
    return int(np.sort(steps)[(len(steps) - 1) // 2])


def _clock_changes(before, after, step):
    """Return where an hour is missing since the clock of dates without a time zone was put forward.

    That happens once a year.
    """
    is_change = np.zeros(len(before), dtype=bool)
    if getattr(before, "tz", "") is None and step <= _HOUR.value:
        is_hour = after.asi8 - before.asi8 == step + _HOUR.value
        places = np.flatnonzero(is_hour & is_clock_change(after))
        is_change[places[~after.year[places].duplicated()]] = True
    return is_change.astype(float)


def is_clock_change(dates):
    """Whether clocks may change at some times: in the night of a first, second or last Sunday."""
    is_night = (dates.hour < 5) & (dates.day_of_week == _SUNDAY) & dates.month.isin(_CLOCK_CHANGES)
    return is_night & ((dates.day <= 14) | (dates.days_in_month - dates.day < 7))
