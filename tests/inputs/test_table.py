"""X as a table, dense or sparse."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.utils.validation import validate_data

from sknets import MLPRegressor
from sknets.inputs import TableInput, prediction_dtype, to_tensor

X = np.random.default_rng(0).normal(size=(6, 3))
CPU = torch.device("cpu")


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csc_array, sp.coo_array, sp.csr_matrix])
def test_sparse_rows_give_the_batches_of_dense_ones(kind):
    reader, estimator = TableInput(), MLPRegressor()
    rows = reader.read(estimator, kind(X), reset=True)
    reader.learn(rows)
    assert reader.row_shape == (3,)
    batch = reader.batch(rows[1:4], torch.float32, CPU)
    np.testing.assert_array_equal(batch.to_dense(), X[1:4].astype(np.float32))


def test_further_x_is_compared_with_the_first():
    reader, estimator = TableInput(), MLPRegressor()
    reader.read(estimator, X, reset=True)
    with pytest.raises(ValueError, match="X has 2 features, but MLPRegressor is expecting 3"):
        reader.read(estimator, X[:, :2], reset=False)


def spoilt(value):
    changed = X.copy()
    changed[2, 1] = value
    return changed


FURTHER = {
    "float64": X,
    "float32": X.astype(np.float32),
    "a view": X[::-2],
    "in columns": np.asfortranarray(X),
    "large": spoilt(1e200),
    "NaN": spoilt(np.nan),
    "infinity": spoilt(-np.inf),
    "no rows": X[:0],
    "fewer columns": X[:, :2],
    "one row as a vector": X[0],
    "three axes": X[None],
    "whole numbers": X.astype(int),
    "half precision": X.astype(np.float16),
    "another byte order": X.astype(">f8"),
    "complex": X + 1j,
    "objects": X.astype(object),
    "words": X.astype(str),
    "a subclass": X.view(type("Own", (np.ndarray,), {})),
    "masked": np.ma.masked_greater(X, 1.0),
    "a list": X.tolist(),
    "a frame": pd.DataFrame(X),
    "a frame with names": pd.DataFrame(X, columns=["a", "b", "c"]),
    "sparse": sp.csr_array(X),
}


def told(function):
    """Return what a function returns, or the error that it raises, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = function()
        except Exception as error:
            value = type(error), str(error)
    return value, [(entry.category, str(entry.message)) for entry in caught]


@pytest.mark.parametrize("first", ["float64", "a frame with names"])
@pytest.mark.parametrize("further", FURTHER)
def test_further_x_is_read_as_scikit_learn_reads_it(first, further):
    reader, estimator, further = TableInput(), MLPRegressor(), FURTHER[further]
    reader.read(estimator, FURTHER[first], reset=True)
    ours, our_warnings = told(lambda: reader.read(estimator, further, reset=False))
    options = {"reset": False, "accept_sparse": "csr", "dtype": [np.float64, np.float32]}
    theirs, their_warnings = told(lambda: validate_data(estimator, further, **options))
    assert our_warnings == their_warnings
    if isinstance(theirs, tuple):
        assert ours == theirs
        return
    assert (type(ours), ours.dtype) == (type(theirs), theirs.dtype)
    assert (ours is further) == (theirs is further)
    ours, theirs = (part.toarray() if sp.issparse(part) else part for part in (ours, theirs))
    np.testing.assert_array_equal(ours, theirs)


Y = X[:, 0]
YS = {
    "numbers": Y,
    "single precision": Y.astype(np.float32),
    "half precision": Y.astype(np.float16),
    "another byte order": Y.astype(">f8"),
    "whole numbers": np.arange(6),
    "flags": Y > 0,
    "complex": Y + 1j,
    "words": np.where(Y > 0, "yes", "no"),
    "large": np.where(np.arange(6) == 2, 1e200, Y),
    "every other": np.repeat(Y, 2)[::2],
    "a subclass": Y.view(type("Own", (np.ndarray,), {})),
    "a column": Y[:, None],
    "several": X[:, :2],
    "names": Y.astype(str).astype(object),
    "a series": pd.Series(Y, name="y"),
    "a frame": pd.DataFrame(X[:, :2], columns=["u", "v"]),
    "sparse": sp.csr_array(X > 0),
    "none": None,
    "one too few": Y[1:],
    "none at all": Y[:0],
    "three axes": X[None],
    "NaN": np.where(np.arange(6) == 2, np.nan, Y),
    "missing": pd.Series([1, 2, None, 4, 5, 6], dtype="Int64"),
    "infinity": np.where(np.arange(6) == 2, np.inf, Y),
    "one number": 1.0,
}


@pytest.mark.parametrize("y", YS)
def test_y_beside_a_further_x_is_read_as_scikit_learn_reads_it(y):
    reader, estimator, y = TableInput(), MLPRegressor(), YS[y]
    reader.read(estimator, X, Y, reset=True)
    ours, our_warnings = told(lambda: reader.read(estimator, X, y, reset=False))
    options = {"multi_output": True, "reset": False, "accept_sparse": "csr"}
    theirs, their_warnings = told(lambda: validate_data(estimator, X, y, **options))
    assert our_warnings == their_warnings
    if isinstance(theirs[0], type):
        assert ours == theirs
        return
    assert (type(ours[1]), ours[1].dtype) == (type(theirs[1]), theirs[1].dtype)
    assert (ours[1] is y) == (theirs[1] is y)
    ours, theirs = (part.toarray() if sp.issparse(part) else part for part in (ours[1], theirs[1]))
    np.testing.assert_array_equal(ours, theirs)


def test_tensor_shares_memory_but_never_with_what_is_read_only():
    shared = to_tensor(X, torch.float64, CPU)
    assert shared.data_ptr() == X.ctypes.data
    locked = X.copy()
    locked.flags.writeable = False
    assert to_tensor(locked, torch.float64, CPU).data_ptr() != locked.ctypes.data
    swapped = X.astype(X.dtype.newbyteorder())
    np.testing.assert_array_equal(to_tensor(swapped[::-1], None, CPU), X[::-1])


def test_one_row_of_a_reversed_array_becomes_a_tensor():
    row = X[::-1][:1]
    assert row.strides[0] < 0
    np.testing.assert_array_equal(to_tensor(row, None, CPU), X[-1:])


def test_predictions_have_the_type_of_x():
    assert prediction_dtype(X.astype(np.float32)) == np.float32
    assert prediction_dtype(np.zeros((2, 2), np.uint8)) == np.float64
