"""What comes after a series: its clocks, which know how its times go on."""

from dataclasses import dataclass, replace

import pandas as pd

from sknets._plain import kept
from sknets._warn import warn_user
from sknets.preprocessing._rhythm import Rhythm, find_rhythm, name_time
from sknets.preprocessing._times import Times


@kept
@dataclass(frozen=True)
class Clock:
    """How times of one kind go on.

    Parameters
    ----------
    kind : str
        What the times are.
    rhythm : Rhythm or None
        How they follow each other, as far as that is known.
    last : Index of length 1
        The last one that was given.
    n_since : int, default=0
        Rows without times that have followed it.
    are_fresh : bool, default=False
        Whether the numbers began with 0, as those of rows do that say nothing of their times.
    """

    kind: str
    rhythm: Rhythm | None
    last: pd.Index
    n_since: int = 0
    are_fresh: bool = False

    @property
    def next(self):
        """The time that follows."""
        return self.rhythm.after(self.last[0], self.n_since + 1)

    @property
    def known(self):
        """Up to where the series is known, in words."""
        further = f" and {self.n_since} rows more" if self.n_since else ""
        return f"known up to {name_time(self.last[0])}{further}"

    def count_skipped(self, times):
        """Return how many rows are missing between the series and times that go on with it.

        Raises
        ------
        ValueError
            If the times are known already, or do not follow each other as those before.
        """
        first = times.index[:1]
        steps = 1.0 if first[0] > self.last[0] else 0.0
        if self.rhythm is not None:
            steps = self.rhythm.count(self.last, first)[0] - self.n_since
        if steps <= 0.5:
            raise ValueError(
                f"The first row of {times.name} is of {name_time(first[0])}, but the series is "
                f"{self.known}; only times after it can follow."
            )
        if self.rhythm is None:
            return 0
        self.rhythm.check(times)
        if self.kind == "numbers" and steps % 1:
            raise ValueError(
                f"The first row of {times.name} is of {first[0]}, but the series is {self.known} and has "
                f"{self.rhythm.describe()}."
            )
        n_missing = round(steps) - 1
        return 0 if n_missing <= self.rhythm.n_usual else n_missing

    def at(self, index):
        """Return the clock after times that have followed."""
        rhythm = self.rhythm or find_rhythm(self.last.append(index))
        return Clock(self.kind, rhythm, index[-1:], are_fresh=self.are_fresh)

    @property
    def counts(self):
        """Whether its numbers are times of their own, which rows numbered anew do not go on with."""
        return self.kind == "numbers" and self.rhythm is not None and not self.are_fresh


@dataclass(frozen=True)
class Gap:
    """Rows that are missing between a series and what is to follow.

    Parameters
    ----------
    n_rows : int, default=0
        How many.
    times : Times or None, default=None
        The times that show it.
    clock : Clock or None, default=None
        The clock of the series that they are compared with.
    """

    n_rows: int = 0
    times: Times | None = None
    clock: Clock | None = None

    def describe(self):
        """Return what is missing in words."""
        times, clock = self.times, self.clock
        return (
            f"{times.name} begins at {name_time(times.index[0])}, but the series is {clock.known} and "
            f"goes on with {name_time(clock.next)}: rows are missing ({self.n_rows:,})"
        )


@kept
class Clocks:
    """The clocks of a series: none, or one for each kind of times that its data have.

    Parameters
    ----------
    clocks : tuple of Clock, default=()
        The clocks.
    """

    def __init__(self, clocks=()):
        self.clocks = clocks

    @classmethod
    def of(cls, found):
        """Return the clocks of a series whose times `check_times` has found."""
        return cls(
            tuple(
                Clock(times.kind, rhythm, times.index[-1:], are_fresh=times.are_fresh)
                for times, rhythm in found
            )
        )

    def count_skipped(self, all_times):
        """Return how many rows are missing between the series and what is to follow.

        Parameters
        ----------
        all_times : list of Times
            Of the rows that are to follow. Those that begin with 0 anew say nothing, and texts may not
            follow dates.

        Returns
        -------
        Gap
            The missing rows, as the times that miss the most show them.

        Raises
        ------
        ValueError
            If times cannot be compared with those of the series, or do not go on with them.
        """
        gap = Gap()
        for times in all_times:
            if times.are_fresh:
                self._doubt_fresh(times)
                continue
            clock = self._clock_for(times)
            n_rows = 0 if clock is None else clock.count_skipped(times)
            if n_rows > gap.n_rows:
                gap = Gap(n_rows, times, clock)
        return gap

    def _doubt_fresh(self, times):
        """Warn where rows that are numbered anew may be times before a series that is numbered too."""
        for clock in (clock for clock in self.clocks if clock.counts):
            warn_user(
                f"The rows of {times.name} are numbered 0 to {times.index[-1]}, but the series is "
                f"{clock.known}: they are taken as the rows that follow. If they are, number them from "
                f"{clock.next} on; if they come before, they are no forecast."
            )

    def _clock_for(self, times):
        known = {clock.kind: clock for clock in self.clocks}
        others = [kind for kind, clock in known.items() if clock.rhythm and not clock.are_fresh]
        if times.kind == "texts" and others == ["numbers"]:  # ids beside ids
            return None
        if times.kind not in known and others:
            raise ValueError(
                f"{times.name} has {times.kind} in its index, the series has {others[0]}; they cannot be "
                f"compared. Give it the same, or none: {times.name}.reset_index(drop=True)."
            )
        return known.get(times.kind)

    def after(self, all_times, n_rows):
        """Return the clocks once some rows have followed, which may have times or not."""
        all_times = [times for times in all_times if times.kind != "texts"]
        given = {times.kind: times for times in all_times}
        clocks = [
            clock.at(given[clock.kind].index)
            if clock.kind in given and not (clock.counts and given[clock.kind].are_fresh)
            else replace(clock, n_since=clock.n_since + n_rows)
            for clock in self.clocks
        ]
        known = {clock.kind for clock in self.clocks}
        new = [(times, find_rhythm(times.index)) for times in all_times if times.kind not in known]
        return Clocks((*clocks, *Clocks.of(new).clocks))
