"""What comes after a series: its clocks, which know how its times go on."""

from dataclasses import dataclass, replace

import pandas as pd

from sknets.preprocessing._times import Rhythm, find_rhythm


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
        return f"known up to {self.last[0]}{further}"

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
                f"The first row of {times.name} is of {first[0]}, but the series is {self.known}; only "
                "times after it can follow."
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
        return Clock(self.kind, rhythm, index[-1:])


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
        """Return how many rows are missing between the series and what is to follow, and the first.

        Parameters
        ----------
        all_times : list of Times
            Of the rows that are to follow. Those that begin with 0 anew say nothing, and texts may not
            follow dates.

        Returns
        -------
        n_skipped : int
            The number of missing rows.
        clock : Clock or None
            The clock that knows of them.

        Raises
        ------
        ValueError
            If times cannot be compared with those of the series, or do not go on with them.
        """
        n_skipped, witness = 0, None
        for times in all_times:
            if times.are_fresh:
                continue
            clock = self._clock_for(times)
            n_here = 0 if clock is None else clock.count_skipped(times)
            if n_here > n_skipped:
                n_skipped, witness = n_here, clock
        return n_skipped, witness

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
            if clock.kind in given
            else replace(clock, n_since=clock.n_since + n_rows)
            for clock in self.clocks
        ]
        known = {clock.kind for clock in self.clocks}
        new = [(times, find_rhythm(times.index)) for times in all_times if times.kind not in known]
        return Clocks((*clocks, *Clocks.of(new).clocks))
