"""In which unit a table is, where its values leave no doubt: a table in another one is warned of.

Columns of a table are of all kinds, so most tables tell nothing. Two do: whole numbers from 0 on of which
each row has a large one (counts of pixels or words), and fractions of which none exceeds 1. Such a table
is never scaled to the other by chance, yet nothing is refused: columns have units that we cannot know.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from sknets._plain import kept
from sknets._warn import warn_user
from sknets.inputs._kind import any_kind_passes
from sknets.inputs._pieces import Survey, sampled
from sknets.inputs._sizes import are_whole, values_of

#: What each row of whole numbers must reach.
_LARGE = 8


@kept
@dataclass(frozen=True)
class TableKind:
    """What the values of a table were at the fit, where that tells what they cannot become.

    Attributes
    ----------
    is_whole : bool
        Whether all were whole; if not, they were fractions from 0 to 1.
    highest : float
        The largest.
    telling : int
        The column that is looked at first, since it nearly always settles the matter: the largest one,
        or the one with the most fractions.
    """

    is_whole: bool
    highest: float
    telling: int

    @classmethod
    def of(cls, rows):
        """Return the kind of a table, None where any may follow."""
        if isinstance(rows, Survey):
            return cls._of_survey(rows)
        values = values_of(rows)
        if rows.shape[1] < 2 or not values.size:
            return None
        highest = float(values.max())
        if 1 < highest < _LARGE or values.min() < 0:
            return None
        is_whole = are_whole(values)
        if is_whole != (highest >= _LARGE) or (is_whole and _dimmest(rows) < _LARGE):
            return None
        told = values if is_whole else values != np.floor(values)
        if sp.issparse(rows):
            means = np.bincount(rows.indices, told, minlength=rows.shape[1]) / rows.shape[0]
        else:
            means = told.mean(axis=0)
        telling = int(means.argmax())
        if is_whole and means[telling] <= 1:
            return None  # means of rows, with which one explains, are fractions too
        return cls(is_whole, highest, telling)

    @classmethod
    def _of_survey(cls, survey):
        if survey.lowest < 0 or 1 < survey.highest < _LARGE:
            return None
        is_whole = survey.is_whole
        if is_whole != (survey.highest >= _LARGE) or (is_whole and survey.least_peak < _LARGE):
            return None
        sums = np.atleast_1d(survey.sums if is_whole else survey.n_fractions)
        telling = int(sums.argmax())
        if len(sums) < 2 or (is_whole and sums[telling] <= survey.n_rows):
            return None
        return cls(is_whole, survey.highest, telling)

    def check(self, rows, who):
        """Warn of a table that was hardly measured in the units of the fit.

        Parameters
        ----------
        rows : ndarray or sparse matrix
            A further X.
        who : str
            What was fitted to X of this kind.
        """
        rows = sampled(rows)
        is_sparse = sp.issparse(rows)
        if not is_sparse and len(rows):
            first = rows[0, self.telling]
            if first > 1 if self.is_whole else first % 1:
                return
        values = values_of(rows)
        if not values.size or any_kind_passes():
            return
        lowest, highest = float(values.min()), float(values.max())
        if self.is_whole and lowest >= 0 and highest <= 1 and not are_whole(values):
            warn_user(
                f"X holds fractions between {lowest:.3g} and {highest:.3g}, but {who} was fitted to "
                f"whole numbers up to {self.highest:g}. Give X in the units of the fit, or fit again."
            )
        elif (
            not self.is_whole
            and lowest >= 0
            and highest >= _LARGE
            and _dimmest(rows) >= _LARGE
            and are_whole(values)
        ):
            warn_user(
                f"X holds whole numbers up to {highest:g}, but {who} was fitted to fractions up to "
                f"{self.highest:.3g}. Scale X as in the fit, or fit again."
            )


def _dimmest(rows):
    """Return the least of the largest values of the rows of a table."""
    largest = rows.max(axis=1)
    return (largest.toarray() if sp.issparse(rows) else largest).min()
