"""Names of columns where they come in a list: of series, signals or images that are frames."""

import pandas as pd

from sknets._plain import kept
from sknets._warn import warn_user


def common_names(entries, name):
    """Return the names of the columns of all entries of a list as a list, or None.

    Series have one column. They share its name if that is the same in all of them; different ones are
    names of the series, and none of a column.

    Parameters
    ----------
    entries : list of array-like
        The entries.
    name : str
        What the user calls the list.

    Raises
    ------
    ValueError
        If entries have different columns, or the same ones in another order.
    """
    if all(isinstance(entry, pd.Series) for entry in entries):
        names = {entry.name for entry in entries}
        shared = names.pop()
        return [shared] if isinstance(shared, str) and not names else None
    first, seen, unnamed = None, None, []
    for position, entry in enumerate(entries):
        names = _names_of(entry, f"{name}[{position}]")
        if names is None:
            unnamed.append(position)
        elif seen is None:
            first, seen = position, names
        elif names != seen:
            raise ValueError(
                f"{name}[{position}] has the columns {names}, but {name}[{first}] has {seen}; all "
                "must have the same columns in the same order."
            )
    if seen is not None and unnamed:
        warn_user(
            f"{name}[{unnamed[0]}] has no names of columns, but {name}[{first}] has {seen}: they "
            "are taken to be in the same order."
        )
    return seen


def _names_of(entry, name):
    columns = getattr(entry, "columns", None)
    if columns is None:
        return None
    are_strings = [isinstance(column, str) for column in columns]
    if not any(are_strings):
        return None
    if not all(are_strings):
        raise ValueError(
            f"{name} has the columns {list(columns)}; their names must all be strings, or none of them: "
            "use frame.columns.astype(str)."
        )
    return list(columns)


@kept
class ListedNames:
    """Names of the columns of listed entries, as the first call had them.

    Attributes
    ----------
    seen : list of str or None
        These names; None if there are none.
    """

    seen = None

    def read(self, entries, *, reset):
        """Return the names of the columns of all entries of a list (or None), and keep the first.

        Parameters
        ----------
        entries : list of array-like or None
            The entries; None if X is no list.
        reset : bool
            Whether this is the first call.
        """
        names = common_names(entries, "X") if entries else None
        if names is not None and isinstance(entries[0], pd.Series):
            # one name may be that of a series: it takes several, or a fit that knows it
            is_known = len(entries) > 1 if reset else self.seen is not None
            names = names if is_known else None
        if reset:
            self.seen = names
        return names

    def compare(self, names, who):
        """Compare names (or None) with those of the fit, as scikit-learn does for tables."""
        if names == self.seen:
            return
        if names is None:
            warn_user(
                f"X does not have valid feature names, but {who} was fitted with feature names"
            )
        elif self.seen is None:
            warn_user(f"X has feature names, but {who} was fitted without feature names")
        else:
            raise ValueError(
                "The feature names should match those that were passed during fit: X has the columns "
                f"{names}, but {who} was fitted to {self.seen}."
            )


def names_of_y(y):
    """Return the names of the columns of a y that is a frame, or None."""
    names = list(getattr(y, "columns", ()))
    return names if names and all(isinstance(name, str) for name in names) else None


def compare_names_of_y(names, seen):
    """Raise ValueError if several outputs have other names, or another order, than in the first call.

    Where one side has none, as after scikit-learn has made an array of y, nothing is known.
    """
    if names and seen and max(len(names), len(seen)) > 1 and names != seen:
        raise ValueError(
            f"y has the columns {names}, but that of the first call had {seen}; all must have the same "
            "columns in the same order."
        )
