"""In which unit X is, as far as its values tell: an X in another one has no meaning to a network.

Pixels are whole numbers or fractions of their largest value, and both are called images. What a network
has learned of one, it applies to the other without a sound. Only what cannot be of the fit's kind is
refused: a dark image of whole numbers passes, and so does any other extreme that could have been seen.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

from sknets._plain import kept
from sknets._warn import warn_user
from sknets.inputs._pieces import Survey, sampled
from sknets.inputs._sequences import Sequences
from sknets.inputs._sizes import are_whole, values_of

#: Fractions that reach further are measured in a unit of their own, rather than scaled.
_SCALED = 16.0

#: What all series of a fit must reach before fractions below 1 are in doubt, and images or a further X
#: before those of which one has the levels 0 and 1 alone.
_BRIGHT = 8.0

_ANY_PASSES = ContextVar("any kind passes", default=False)


@contextmanager
def any_kind():
    """Return a context in which X of any kind passes: a forecaster's own answers are X there."""
    token = _ANY_PASSES.set(True)
    try:
        yield
    finally:
        _ANY_PASSES.reset(token)


def any_kind_passes():
    """Whether X of any kind passes just now."""
    return _ANY_PASSES.get()


@kept
@dataclass(frozen=True)
class Kind:
    """What the values of a fit were.

    Attributes
    ----------
    is_whole : bool
        Whether all of them were whole numbers.
    lowest, highest : float
        The least and the largest.
    dimmest : float
        The least reach (largest absolute value) of a row, where all numbers are whole; else 0.
    is_series : bool
        Whether rows are series: their values may lie anywhere, since seasons and trends take them there.
    """

    is_whole: bool
    lowest: float
    highest: float
    dimmest: float
    is_series: bool

    @classmethod
    def of(cls, rows, *, is_series):
        """Return the kind of the rows of a fit."""
        if isinstance(rows, Survey):
            dimmest = rows.dimmest if rows.is_whole else 0.0
            return cls(rows.is_whole, rows.lowest, rows.highest, dimmest, is_series=is_series)
        values = values_of(rows)
        if not values.size:  # which the architecture has words for
            return cls(True, 0.0, 0.0, 0.0, is_series=is_series)
        is_whole = are_whole(values)
        return cls(
            is_whole=is_whole,
            lowest=float(values.min()),
            highest=float(values.max()),
            dimmest=float(_reaches(rows).min()) if is_whole else 0.0,
            is_series=is_series,
        )

    @property
    def reach(self):
        """The largest absolute value."""
        return max(self.highest, -self.lowest)

    def check(self, rows, who):
        """Raise ValueError if rows cannot be of this kind; warn of what hardly can.

        Parameters
        ----------
        rows : rows
            A further X.
        who : str
            What was fitted to X of this kind.
        """
        rows = sampled(rows)
        values = values_of(rows)
        if not values.size:
            return
        if self._has_levels and not self.is_series:
            self._check_levels(rows, values, who)
        if self.is_whole and values.dtype.kind != "f":
            return
        highest = float(values.max())
        if self.is_whole:
            # the first look is enough for nearly all
            is_doubtful = highest < max(2.0, self.dimmest) and not any_kind_passes()
            if is_doubtful and self._are_scaled(values, highest):
                message = (
                    f"X holds fractions between {values.min():.3g} and {highest:.3g}, but {who} was "
                    f"fitted to whole numbers from {self.lowest:g} to {self.highest:g}. Give X in the "
                    "units of the fit, or fit again."
                )
                if not self.is_series:
                    raise ValueError(message)
                warn_user(message)  # a forecast of counts may have become so small
        elif highest >= 2 and not any_kind_passes() and self._are_unscaled(values, highest):
            raise ValueError(
                f"X holds whole numbers up to {highest:g}, but {who} was fitted to fractions between "
                f"{self.lowest:.3g} and {self.highest:.3g}. Scale X as in the fit (pixels are often "
                "divided by 255), or fit again."
            )

    @property
    def _has_levels(self):
        """Whether images have a largest level that black and white images show in another unit."""
        is_bright = self.dimmest == self.highest >= _BRIGHT
        return self.is_whole and self.lowest >= 0 and (self.highest == 1 or is_bright)

    def _check_levels(self, rows, values, who):
        """Warn of 0 and 255 after 0 and 1, or the reverse."""
        highest = float(values.max())
        if self.highest == 1:
            is_other = highest >= _BRIGHT and are_whole(values)
        else:
            is_other = (
                highest == 1
                and np.count_nonzero(_reaches(rows) == 1) > 1
                and values.min() >= 0
                and are_whole(values)
            )
        if is_other and not any_kind_passes():
            warn_user(
                f"X holds whole numbers up to {highest:g}, but all that {who} was fitted to reach "
                f"{self.highest:g}. Give X in the units of the fit, or fit again."
            )

    def _are_scaled(self, values, highest):
        """Whether values are fractions that whole numbers were turned into."""
        lowest = float(values.min())
        reach = max(highest, -lowest)
        if self.is_series:
            may_be = self.lowest >= 0 and self.dimmest >= _BRIGHT and reach <= 1
        else:
            is_standardised = self.lowest >= 0 > lowest and reach < self.dimmest / 2
            may_be = self.highest >= 2 and (reach <= 1 or is_standardised)
        return may_be and not are_whole(values)

    def _are_unscaled(self, values, highest):
        """Whether values are whole numbers that a scaling has left behind."""
        reach = self.reach
        if reach > (1.0 if self.is_series else _SCALED):
            return False
        return highest >= (2.0 if reach <= 1 else 4 * reach) and are_whole(values)


def _reaches(rows):
    """Return the largest absolute value of each row."""
    values = values_of(rows)
    axes = tuple(range(1, values.ndim))
    lowest, highest = values.min(axis=axes), values.max(axis=axes)
    reaches = np.maximum(highest.astype(np.float64), -lowest.astype(np.float64))
    return np.maximum.reduceat(reaches, rows.starts) if isinstance(rows, Sequences) else reaches
