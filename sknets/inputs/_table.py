"""X as a table."""

import numpy as np
import scipy.sparse as sp

from sknets import modules, training
from sknets._changes import check_unchanged
from sknets._plain import kept
from sknets.inputs._input import FLOATS, NO_Y, Input, read_beside, read_pieces, read_y
from sknets.inputs._pieces import in_pieces, opened, store_of
from sknets.inputs._sizes import are_ordinary
from sknets.inputs._table_kind import TableKind


@kept
class TableInput(Input):
    """A table of numbers, dense or sparse: rows are an array, or a matrix in CSR format.

    Parameters
    ----------
    embedding : str or None, default=None
        The parameter `numeric_embedding`, which needs a dense X.
    most_bins : int or None, default=None
        Bins that a column may have, where there are bins.
    takes_sparse : bool, default=True
        Whether X may be sparse.
    pretrain : str or None, default=None
        The parameter where it needs a dense X.

    Attributes
    ----------
    kind : TableKind or None
        What values the table of the first call had, where they tell something.
    n_bins : list of int or None
        How many bins the values of each column of the first call fill.
    waved : list of int or None
        Columns of the first call with more than two values, of which a wave is no straight line.
    """

    kind = embedding = most_bins = n_bins = waved = pretrain = None

    takes_sparse = True

    def __init__(self, embedding=None, most_bins=None, *, takes_sparse=True, pretrain=None):
        if not takes_sparse:
            self.takes_sparse = False
        if pretrain is not None:
            self.pretrain, self.takes_sparse = pretrain, False
        if embedding is not None:
            self.embedding, self.most_bins, self.takes_sparse = embedding, most_bins, False

    def read(self, estimator, X, y=NO_Y, *, reset):
        if self.embedding is not None and sp.issparse(X):
            raise ValueError(
                f"numeric_embedding={self.embedding!r} makes several numbers of each, zeros among them, "
                "and cannot take a sparse X; give X.toarray(), or set numeric_embedding=None."
            )
        if self.pretrain is not None and sp.issparse(X):
            raise ValueError(
                f"pretrain={self.pretrain!r} learns all values of X, zeros among them, and cannot take a "
                "sparse X; give X.toarray(), or set pretrain=None."
            )
        X = opened(X)
        if in_pieces(X):
            read = self._read_pieces(estimator, X, y, reset=reset)
        elif not reset and _is_plain(estimator, X):
            read = X if y is NO_Y else (X, read_y(estimator, X, y))
        else:
            accepted = "csr" if self.takes_sparse else False
            read = read_beside(estimator, X, y, reset=reset, accept_sparse=accepted, dtype=FLOATS)
        if self.kind is not None and not reset:
            self.kind.check(read if y is NO_Y else read[0], type(estimator).__name__)
        return read

    def _read_pieces(self, estimator, X, y, *, reset):
        name = type(estimator).__name__
        if X.ndim != 2:
            raise ValueError(
                f"{name} reads a table, but X ({type(X).__name__}) has rows of shape {X.shape[1:]}: use "
                "a CNN, or flatten them: rows.map(lambda rows: rows.reshape(len(rows), -1))."
            )
        if self.embedding is not None:
            raise ValueError(
                f"numeric_embedding={self.embedding!r} looks at all values of each column at once, but X "
                f"({type(X).__name__}) is read in pieces; set numeric_embedding=None."
            )
        return read_pieces(estimator, X, y, reset=reset, kept=FLOATS)

    def check_goes_on(self, fresh):
        now, before = (
            {"numeric_embedding": input.embedding, "embedding_bins": input.most_bins}
            for input in (fresh, self)
        )
        check_unchanged(before, now)

    def _learn(self, rows):
        self.kind = TableKind.of(rows)
        if self.most_bins is not None:
            self.n_bins = [modules.count_bins(column, self.most_bins) for column in rows.T]
        elif self.embedding is not None:
            found = [c for c, column in enumerate(rows.T) if modules.count_bins(column, 2) > 1]
            self.waved = found or list(range(rows.shape[1]))

    def store(self, rows, dtype, device):
        if sp.issparse(rows):
            return training.SparseStore(sp.csr_array(rows), dtype, device)
        return store_of(rows, dtype, device)

    def plan_prediction(self, rows, n_at_once):
        return None, n_at_once


def _is_plain(estimator, X):
    """Whether `validate_data` would return a further X as it is, without a word.

    All that it looks for takes longer than the network's answer for a row.
    """
    known = vars(estimator)
    return (
        type(X) is np.ndarray
        and X.dtype in FLOATS
        and X.ndim == 2
        and len(X) > 0
        and X.shape[1] == known.get("n_features_in_")
        and known.get("feature_names_in_") is None
        and are_ordinary(X)
    )
