"""The times to come: how many are asked for, and what is known of them."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_scalar
from sklearn.utils.validation import validate_data

from sknets.forecasting._series import as_columns, read_ahead


def read_columns_ahead(forecaster, memory, X, n_steps):
    """Return the columns of times to come, NaN where they are not known in advance.

    Parameters
    ----------
    forecaster : Forecaster
        Whose columns they are.
    memory : Memory
        What it remembers of its series.
    X : array-like of shape (n_times, n_features) or (n_times, n_known) or None
        As the user gave it.
    n_steps : int
        Number of times to forecast.
    """
    plan, dtype, n_features = memory.plan, memory.y.dtype, forecaster.n_features_in_
    known = plan.columns.known
    n_times = -(-n_steps // plan.n_ahead) * plan.n_ahead if known else n_steps
    ahead = np.full((n_times, n_features), np.nan, dtype=dtype)
    X = np.empty((0, len(known))) if X is None else as_columns(X, "X")
    if len(X) and (X.shape[1] != len(known) or len(known) == n_features):
        validate_data(forecaster, X, skip_check_array=True, reset=False)
        X = X.iloc[:, known] if hasattr(X, "iloc") else X[:, known]
    if known:
        ahead[:, known] = read_ahead(X, plan.columns.named(known), n_times, dtype)
    return ahead


def count_steps(n_steps, X, horizon):
    """Return how many times are to be forecast: as many as asked for, as X has, or the horizon."""
    if n_steps is None:
        n_steps = horizon if X is None else len(as_columns(X, "X"))
    if not isinstance(n_steps, Integral):
        is_share = isinstance(n_steps, Real)
        raise TypeError(
            f"n_steps must be an instance of int, not {type(n_steps).__name__}: it comes first. Pass "
            + ("a coverage as coverage=..." if is_share else "columns as X=...")
        )
    return check_scalar(n_steps, "n_steps", Integral, min_val=1)
