"""What the columns of a table are, and their values as numbers and categories."""

import decimal
import math
import numbers
from dataclasses import dataclass

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.utils.validation import validate_data

from sknets._plain import kept
from sknets.datasets._opening import refuse_pieces

#: From here on, a column of words is text rather than names: mean characters, share of rows that differ.
_LONG_TEXT = 40
_MOSTLY_DIFFERENT = 0.5

#: What is read as a number, one by one.
_NUMBERS = (numbers.Real, decimal.Decimal, np.bool_)

_REMEDY = (
    "Put skrub.TableVectorizer() in front (make_pipeline), which makes columns of numbers of it."
)


@kept
@dataclass(frozen=True)
class Column:
    """A column as it was at the fit.

    Attributes
    ----------
    name : str
        Its name, or its number.
    is_category : bool
        Whether its values are names of something, and no numbers.
    holds_words : bool or None
        Of categories, whether all of them were words, or none (False); None if some were.
    """

    name: str
    is_category: bool
    holds_words: bool | None = None


class Table:
    """The rows of a table.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows, n_numbers)
        Columns of numbers and booleans; NaN where there is none.
    categories : list of ndarray of object, each of shape (n_rows,)
        Columns of categories; None where there is none.
    """

    def __init__(self, numbers, categories):
        self.numbers = numbers
        self.categories = categories

    def __len__(self):
        return len(self.numbers)


def learn_columns(estimator, X, categorical_features):
    """Learn what the columns of X are.

    Parameters
    ----------
    estimator : estimator
        It learns names and number of the columns.
    X : frame or array of shape (n_rows, n_columns)
        Numbers, booleans, categories and strings, with missing values.
    categorical_features : 'from_dtype', array-like or None
        Which columns are categories: by their dtypes, by names, positions or a mask, or none.

    Returns
    -------
    list of Column

    Raises
    ------
    ValueError, TypeError
        If a column is neither a number nor a category, with its name and what to do.
    """
    check_table(estimator, X, reset=True)
    names, columns = _names_and_columns(X)
    chosen = _choose(categorical_features, names)
    learned = []
    for number, (name, column) in enumerate(zip(names, columns, strict=True)):
        holds_words = _is_words(name, column)
        if chosen is None:
            _check_words_of_numbers(name, column)
            is_category = holds_words
        else:
            is_category = number in chosen
            if not is_category and holds_words:
                raise ValueError(
                    f"Column {name!r} holds words. Name it in categorical_features, or leave "
                    "categorical_features='from_dtype'."
                )
        if is_category:
            values = _as_categories(name, column)
            _check_texts(name, values)
            learned.append(Column(name, True, _hold_words(values)))
        else:
            learned.append(Column(name, False))
    return learned


def check_table(estimator, X, *, reset):
    """Check that X is a table, and learn or compare names and number of its columns."""
    refuse_pieces(X, type(estimator).__name__)
    if sp.issparse(X):
        raise TypeError(
            "Sparse data was passed for X, but a table has columns of its own. Use X.toarray()."
        )
    if not hasattr(X, "columns"):
        n_axes = _as_array(X).ndim
        if n_axes != 2:
            raise ValueError(
                f"Expected 2D array, got {n_axes}D array instead. Reshape your data using "
                "X.reshape(-1, 1) if it has a single feature, or X.reshape(1, -1) if it is a single "
                "sample."
            )
    elif isinstance(X, pd.DataFrame) and not X.columns.is_unique:
        twice = sorted(map(str, set(X.columns[X.columns.duplicated()])))
        raise ValueError(f"X has several columns of one name: {', '.join(twice)}. Rename them.")
    validate_data(estimator, X, reset=reset, skip_check_array=True)


def read_table(estimator, X, columns):
    """Read a table whose columns are known.

    Raises
    ------
    ValueError, TypeError
        If columns are missing, new, or of another kind than at the fit.
    """
    check_table(estimator, X, reset=False)
    _, values = _names_and_columns(X)
    numbers, categories = [], []
    for column, present in zip(columns, values, strict=True):
        if column.is_category:
            categories.append(_as_categories(column.name, present))
            _check_kind(column, categories[-1])
        else:
            numbers.append(_as_numbers(column.name, present))
    n_rows = len(values[0])
    table = np.stack(numbers, axis=1) if numbers else np.zeros((n_rows, 0))
    return Table(table, categories)


def _names_and_columns(X):
    """Return the names of the columns, and each as a series or an array."""
    if isinstance(X, pd.DataFrame):
        kinds = {name: kind for name, kind in X.dtypes.items() if isinstance(kind, pd.SparseDtype)}
        X = X.astype({name: kind.subtype for name, kind in kinds.items()}) if kinds else X
    frame = nw.from_native(X, eager_only=True, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        names, columns = map(str, frame.columns), [frame[:, k] for k in range(frame.shape[1])]
        shape = frame.shape
    else:
        array = _as_array(X)
        if np.iscomplexobj(array):
            raise ValueError("Complex data not supported: X has complex numbers.")
        shape, columns = array.shape, list(array.T)
        names = map(str, range(shape[1]))
    for n, what in zip(shape, ("sample(s)", "feature(s)"), strict=True):
        if n == 0:
            raise ValueError(
                f"Found array with 0 {what} (shape={shape}) while a minimum of 1 is required."
            )
    return list(names), columns


def _as_array(X):
    """Return an array; of rows in lists, each value as it is, for NumPy would make words of numbers."""
    if isinstance(X, np.ma.MaskedArray):
        values = X.data.astype(object)
        values[np.ma.getmaskarray(X)] = None  # what is masked is missing
        return values
    return np.asarray(X, dtype=object if isinstance(X, list | tuple) else None)


def _choose(categorical_features, names):
    """Return the positions of the columns that are said to be categories; None leaves it to dtypes."""
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        return None
    if categorical_features is None:
        return set()
    chosen = np.atleast_1d(np.asarray(categorical_features))
    if chosen.dtype.kind == "b":
        if chosen.shape != (len(names),):
            raise ValueError(
                f"categorical_features is a mask of {chosen.size} values, but X has {len(names)} columns."
            )
        return set(np.flatnonzero(chosen).tolist())
    if chosen.dtype.kind in "iu":
        wrong = [k for k in chosen.tolist() if not -len(names) <= k < len(names)]
        found = {k % len(names) for k in chosen.tolist()}
    else:
        wrong = [name for name in chosen.tolist() if name not in names]
        found = {names.index(name) for name in chosen.tolist() if name in names}
    if wrong:
        raise ValueError(f"categorical_features={wrong} are no columns of X, which has {names}.")
    return found


# --- one column -----------------------------------------------------------------------------------


def _is_words(name, column):
    """Return whether the values of a column are names rather than numbers, by its dtype."""
    if isinstance(column, nw.Series):
        dtype = column.dtype
        if dtype.is_temporal():
            raise ValueError(f"Column {name!r} holds times ({dtype}). {_REMEDY}")
        if dtype.is_numeric() or dtype == nw.Boolean:
            return False
        if dtype in (nw.String, nw.Categorical, nw.Enum):
            return True
        if dtype != nw.Object:
            raise TypeError(
                f"Column {name!r} holds {dtype}, which is neither a number nor a category."
            )
        column = np.array([*column.to_list(), None], dtype=object)[:-1]
    kind = column.dtype.kind
    if kind in "biuf":
        return False
    if kind in "mM":
        raise ValueError(f"Column {name!r} holds times ({column.dtype}). {_REMEDY}")
    return any(not isinstance(value, _NUMBERS) for value in column if not _is_missing(value))


def _check_words_of_numbers(name, column):
    """Refuse numbers that an array of strings has made words of."""
    if not isinstance(column, np.ndarray) or column.dtype.kind not in "US":
        return
    try:
        column.astype(float)
    except ValueError:
        return
    raise ValueError(
        f"Column {name!r} holds numbers as texts, which NumPy makes of numbers beside words. Give a "
        "frame or an array of dtype object, or name the column in categorical_features."
    )


def _hold_words(values):
    """Return whether all values are words, or none is; None if some are."""
    are_words = {isinstance(value, str) for value in values if value is not None}
    return are_words.pop() if len(are_words) == 1 else None


def _check_kind(column, values):
    now = _hold_words(values)
    if None not in (now, column.holds_words) and now != column.holds_words:
        before, after = ("words", "numbers") if column.holds_words else ("numbers", "words")
        raise TypeError(
            f"Column {column.name!r} held categories that are {before} at the fit, and now {after}. Make "
            "them alike, as by X.astype(...)."
        )


def _is_missing(value):
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, _NUMBERS) and not isinstance(value, int) and math.isnan(value)


def _as_numbers(name, column):
    """Return a column as floats, NaN where there is none."""
    if isinstance(column, nw.Series):
        if column.dtype.is_numeric() or column.dtype == nw.Boolean:
            values = column.cast(nw.Float64).to_numpy().astype(float)
        else:
            values = column.to_list()
    else:
        values = column
    if not (isinstance(values, np.ndarray) and values.dtype.kind in "biuf"):
        try:
            values = np.array([np.nan if _is_missing(v) else float(v) for v in values])
        except OverflowError:
            raise ValueError(f"Column {name!r} of X holds whole numbers beyond 1e308.") from None
        except (TypeError, ValueError):
            found = next(
                v for v in values if not isinstance(v, numbers.Real) and not _is_missing(v)
            )
            raise TypeError(
                f"Column {name!r} held numbers at the fit; now there is {found!r}, of "
                f"{type(found).__name__}. The argument must be a string or a real number that it can be "
                "read as."
            ) from None
    values = np.asarray(values, dtype=float)
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise ValueError(
            f"Column {name!r} of X contains infinity (row {row}). Where it stands for no value, put NaN."
        )
    return values


def _as_categories(name, column):
    """Return a column as objects, None where there is none."""
    values = column.to_list() if isinstance(column, nw.Series) else column.tolist()
    result = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        if _is_missing(value):
            value = None
        elif isinstance(value, np.generic):
            value = value.item()
        elif not isinstance(value, (str, *_NUMBERS)):
            if type(value).__hash__ is None or hasattr(value, "isoformat"):
                what = (
                    "holds times."
                    if hasattr(value, "isoformat")
                    else f"holds {type(value).__name__}."
                )
                remedy = _REMEDY if hasattr(value, "isoformat") else ""
                raise TypeError(
                    f"Column {name!r} {what} An argument must be a string or a number. {remedy}".rstrip()
                )
            value = str(value)
        result[row] = value
    return result


def _check_texts(name, values):
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < 20:
        return
    mean, n_different = sum(map(len, texts)) / len(texts), len(set(texts))
    if mean >= _LONG_TEXT and n_different > _MOSTLY_DIFFERENT * len(texts):
        raise ValueError(
            f"Column {name!r} holds long texts ({mean:.0f} characters on average, {n_different} of "
            f"{len(texts)} different). {_REMEDY}"
        )
