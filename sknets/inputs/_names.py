"""Names of columns where they come in a list: of series, signals or images that are frames."""

import pandas as pd

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


def compare_names(names, seen, who):
    """Compare the names of columns (or None) with those of the fit, as scikit-learn does for tables."""
    if names == seen:
        return
    if names is None:
        warn_user(f"X does not have valid feature names, but {who} was fitted with feature names")
    elif seen is None:
        warn_user(f"X has feature names, but {who} was fitted without feature names")
    else:
        raise ValueError(
            "The feature names should match those that were passed during fit: X has the columns "
            f"{names}, but {who} was fitted to {seen}."
        )
