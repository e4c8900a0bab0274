"""X as a table."""

import numpy as np
import scipy.sparse as sp

from sknets import training
from sknets.inputs._input import FLOATS, NO_Y, Input, read_beside, read_y
from sknets.inputs._sizes import are_ordinary
from sknets.inputs._table_kind import TableKind
from sknets.inputs._tensors import to_tensor


class TableInput(Input):
    """A table of numbers, dense or sparse: rows are an array, or a matrix in CSR format.

    Attributes
    ----------
    kind : TableKind or None
        What values the table of the first call had, where they tell something.
    """

    takes_sparse = True
    kind = None

    def read(self, estimator, X, y=NO_Y, *, reset):
        if not reset and _is_plain(estimator, X):
            read = X if y is NO_Y else (X, read_y(estimator, X, y))
        else:
            read = read_beside(estimator, X, y, reset=reset, accept_sparse="csr", dtype=FLOATS)
        if self.kind is not None and not reset:
            self.kind.check(read if y is NO_Y else read[0], type(estimator).__name__)
        return read

    def check_goes_on(self, fresh):
        """Accept any: there are no parameters."""

    def _learn(self, rows):
        self.kind = TableKind.of(rows)

    def store(self, rows, dtype, device):
        if sp.issparse(rows):
            return training.SparseStore(sp.csr_array(rows), dtype, device)
        return training.TensorStore(to_tensor(rows, dtype, device))

    def plan_prediction(self, rows, n_at_once):
        return None, n_at_once


def _is_plain(estimator, X):
    """Whether `validate_data` would return a further X as it is, without a word.

    All that it looks for takes longer than the network's answer for a row.
    """
    return (
        type(X) is np.ndarray
        and X.dtype in FLOATS
        and X.ndim == 2
        and len(X) > 0
        and X.shape[1] == getattr(estimator, "n_features_in_", None)
        and getattr(estimator, "feature_names_in_", None) is None
        and are_ordinary(X)
    )
