"""X as a table."""

import scipy.sparse as sp

from sknets import training
from sknets.inputs._input import FLOATS, NO_Y, Input, read_beside
from sknets.inputs._tensors import to_tensor


class TableInput(Input):
    """A table of numbers, dense or sparse: rows are an array, or a matrix in CSR format."""

    takes_sparse = True

    def read(self, estimator, X, y=NO_Y, *, reset):
        return read_beside(estimator, X, y, reset=reset, accept_sparse="csr", dtype=FLOATS)

    def check_goes_on(self, fresh):
        """Accept any: there are no parameters."""

    def _learn(self, rows):
        """Learn nothing further."""

    def store(self, rows, dtype, device):
        if sp.issparse(rows):
            return training.SparseStore(sp.csr_array(rows), dtype, device)
        return training.TensorStore(to_tensor(rows, dtype, device))

    def plan_prediction(self, rows, n_at_once):
        return None, n_at_once
