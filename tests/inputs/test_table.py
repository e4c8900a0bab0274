"""X as a table, dense or sparse."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

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


def test_tensor_shares_memory_but_never_with_what_is_read_only():
    shared = to_tensor(X, torch.float64, CPU)
    assert shared.data_ptr() == X.ctypes.data
    locked = X.copy()
    locked.flags.writeable = False
    assert to_tensor(locked, torch.float64, CPU).data_ptr() != locked.ctypes.data
    swapped = X.astype(X.dtype.newbyteorder())
    np.testing.assert_array_equal(to_tensor(swapped[::-1], None, CPU), X[::-1])


def test_predictions_have_the_type_of_x():
    assert prediction_dtype(X.astype(np.float32)) == np.float32
    assert prediction_dtype(np.zeros((2, 2), np.uint8)) == np.float64
