"""X as a graph takes it."""

import numpy as np
import pandas as pd

from sknets.graphs._packages import import_onnx
from sknets.inputs import as_list

#: Types of X in the words of onnxruntime.
_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.str_,
}


def make_feed(X, session):
    """Return X as the inputs of a graph: ``session.run(None, make_feed(X, session))``.

    Parameters
    ----------
    X : frame, array or list of arrays
        As `predict` takes it. A frame becomes an input of shape (n_samples, 1) for each column: floats,
        or strings, of which an empty one is missing. Sequences of a list are padded at their ends by NaN,
        or by -1 where they are tokens.
    session : onnxruntime.InferenceSession
        What runs the graph.

    Returns
    -------
    dict of str to ndarray
        An array for each input.

    Raises
    ------
    TypeError
        If `session` is none, or X is a frame or an array where the graph takes the other, or is sparse.
    ValueError
        If X lacks a column, or cannot be of the type of an input.

    Examples
    --------
    >>> import numpy as np, onnxruntime
    >>> from sknets import MLPRegressor, to_onnx
    >>> from sknets.graphs import make_feed
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor(learning_rate="one_cycle", max_iter=20, random_state=0).fit(X, X[:, 0] ** 2)
    >>> graph = to_onnx(model, X)
    >>> session = onnxruntime.InferenceSession(graph.SerializeToString())
    >>> session.run(None, make_feed(X[:3], session))[0].shape
    (3, 1)
    """
    if not hasattr(session, "get_inputs"):
        raise TypeError(
            f"session must be an onnxruntime.InferenceSession, got {type(session).__name__}; of a graph "
            "it is InferenceSession(graph.SerializeToString())."
        )
    inputs = {entry.name: entry for entry in session.get_inputs()}
    _check_kind(X, inputs)
    if hasattr(X, "columns"):
        missing = [name for name in inputs if name not in X.columns]
        if missing:
            raise ValueError(f"X lacks the columns {missing} of the graph.")
        columns = {name: np.asarray(X[name]) for name in inputs}
        return {
            name: as_type(columns[name], _TYPES[entry.type], name)[:, None]
            for name, entry in inputs.items()
        }
    (entry,) = inputs.values()
    dtype = _TYPES[entry.type]
    entries = as_list(X)
    array = np.asarray(X) if entries is None else pad(entries, len(entry.shape), dtype)
    return {entry.name: as_type(array, dtype, entry.name)}


def _check_kind(X, inputs):
    """Raise TypeError if X is nothing that the inputs can be made of."""
    is_frame = hasattr(X, "columns")
    if X is None or hasattr(X, "toarray"):
        raise TypeError(f"X is {'None' if X is None else 'sparse'}; give a frame or a dense array.")
    if is_frame and set(inputs) == {"X"} and "X" not in X.columns:
        raise TypeError("X is a frame, but the graph takes one array: give X.to_numpy().")
    if not is_frame and len(inputs) > 1:
        raise TypeError(
            "X is no frame, but the graph has an input for each column: give a frame with the columns "
            f"{list(inputs)}."
        )


def as_type(values, dtype, name):
    """Return values in the type of an input.

    Raises
    ------
    ValueError
        If they cannot be of this type.
    """
    if dtype is np.str_:
        words = np.empty(values.shape, dtype=object)
        words.flat = ["" if pd.isna(value) else str(value) for value in values.ravel()]
        return words
    shape = values.shape
    try:
        if values.dtype == object:
            values = np.array([np.nan if pd.isna(v) else v for v in values.ravel()], dtype=float)
            values = values.reshape(shape)
        if np.dtype(dtype).kind in "iub" and values.dtype.kind == "f":
            whole = np.where(np.isfinite(values), values, 0.5)
            if not np.array_equal(whole, np.round(whole)):
                raise ValueError("it has numbers that are not whole, or missing values")
        return np.ascontiguousarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"X cannot be the input {name!r} of {dtype.__name__}: {error}.") from error


def pad(entries, n_axes, dtype):
    """Return sequences of several lengths, or images, as one array.

    Parameters
    ----------
    entries : list of array-like
        One of each row.
    n_axes : int
        Axes of the array.
    dtype : type
        Its type: whole numbers are padded by -1, others by NaN.
    """
    arrays = [np.asarray(entry) for entry in entries]
    arrays = [array[:, None] if array.ndim < n_axes - 1 else array for array in arrays]
    shape = [max(sizes) for sizes in zip(*(array.shape for array in arrays), strict=True)]
    filler = np.nan if np.dtype(dtype).kind == "f" else -1
    padded = np.full((len(arrays), *shape), filler, dtype=dtype)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded


# --- what the inputs are --------------------------------------------------------------------------


def input_types(X, dtype, first):
    """Return names and types of the inputs of a graph, as skl2onnx takes them.

    Parameters
    ----------
    X : frame, array or list of arrays
        Rows as the estimator takes them.
    dtype : {"float32", "float64"}
        Type in which floats come.
    first : estimator
        Who sees X as it comes.

    Raises
    ------
    TypeError
        If X has no graph's type.
    """
    types = import_onnx("to_onnx", "skl2onnx.common.data_types")
    floats = {"float32": types.FloatTensorType, "float64": types.DoubleTensorType}[dtype]
    if hasattr(X, "toarray"):
        raise TypeError("X is sparse; a graph takes dense arrays: give X.toarray().")
    if hasattr(X, "columns"):
        if not isinstance(X, pd.DataFrame):
            raise TypeError(f"X is a {type(X).__name__}; give a pandas frame, as by X.to_pandas().")
        names = [str(name) for name in X.columns]
        if names != list(X.columns) or len(set(names)) < len(names):
            raise TypeError("The columns of X must have names that are strings and differ.")
        return [(name, _type_of(X[name], types, floats)([None, 1])) for name in names]
    entries = as_list(X)
    is_open = hasattr(first, "bidirectional") or _takes_lengths(first)
    is_whole = _has_tokens(first) or _takes_whole(first)
    if entries is not None:
        shape, kind = np.shape(entries[0]), floats
        if is_open and len(shape) == 1 and not is_whole:
            shape = (*shape, 1)
    else:
        array = np.asarray(X)
        if array.dtype.kind not in "biuf" and not _is_words(array):
            raise TypeError(
                f"X is an array of {array.dtype}; a graph has one type for each input: give a frame, or "
                "an array of numbers."
            )
        shape, kind = array.shape[1:], _kind_of(array, types, floats)
    kind = types.Int64TensorType if is_whole else kind
    steps = [None] if is_open else [*shape[:1]]
    return [("X", kind([None, *steps, *shape[1:]]))]


def _has_tokens(first):
    return getattr(first, "vocabulary_size", None) is not None


def _takes_whole(first):
    return bool(getattr(_input_of(first), "takes_whole", False))


def _takes_lengths(first):
    return bool(getattr(_input_of(first), "takes_lengths", False))


def _input_of(first):
    return getattr(getattr(first, "_learned", None), "input", None)


def _is_words(array):
    return array.dtype.kind == "U" or (
        array.dtype == object and all(isinstance(value, str) for value in array.ravel())
    )


def _kind_of(array, types, floats):
    """Return the type of an array: floats of all numbers, but for pixels."""
    if _is_words(array):
        return types.StringTensorType
    return types.UInt8TensorType if array.dtype == np.uint8 and array.ndim > 2 else floats


def _type_of(column, types, floats):
    """Return the type of a column of a frame: floats of all numbers, of which some may be missing.

    Converters of skl2onnx cannot put whole numbers beside others, or fill their gaps.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(column.cat.categories, name=column.name)
    if pd.api.types.is_numeric_dtype(column.dtype):  # booleans, too
        return floats
    values = column.dropna()
    if values.map(lambda value: isinstance(value, str)).all():
        return types.StringTensorType
    if values.map(lambda value: isinstance(value, (int, float))).all():
        return floats
    raise TypeError(
        f"Column {column.name!r} holds {column.dtype} of several types; a column of a graph has one: "
        "make it numbers, or words by astype(str)."
    )
