"""What a user sees of a fitted estimator, as arrays with names."""

from numbers import Number

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from sklearn.base import clone

METHODS = ("predict", "predict_proba", "predict_log_proba", "transform")
ATTRIBUTES = (
    "classes_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "n_iter_",
    "t_",
    "n_outputs_",
    "n_parameters_",
    "n_features_in_",
    "coefs_",
    "intercepts_",
)


def fit(estimator, X, y, **fit_params):
    """Return a case: a function that fits a copy, so that it may do so again, and looks."""
    return lambda: see(clone(estimator).fit(X, y, **fit_params), X)


def see(fitted, X):
    """Return what there is to see of a fitted estimator, by name."""
    seen = {name: getattr(fitted, name)(X) for name in METHODS if hasattr(fitted, name)}
    seen |= {name: getattr(fitted, name) for name in ATTRIBUTES if hasattr(fitted, name)}
    if hasattr(fitted, "net_"):
        seen["state"] = fitted.net_.module_.state_dict()
        seen["history_"] = {k: v for k, v in fitted.history_.items() if k != "seconds"}
    return seen


def arrays(value, name=""):
    """Yield pairs of a name and an array, such as a file can hold, for all there is in a value."""
    if torch.is_tensor(value):
        yield name, value.numpy()
    elif sp.issparse(value):
        yield f"{name}, {value.format}", value.toarray()
    elif isinstance(value, np.ndarray) and value.dtype == object:  # one array for each row
        yield f"{name}, lengths", np.array([len(part) for part in value])
        yield name, np.concatenate(list(value))
    elif isinstance(value, pd.Series):
        is_number = value.dtype.kind in "biuf"
        yield name, value.to_numpy() if is_number else np.array(list(map(str, value)))
    elif value is None or isinstance(value, (str, Number, np.ndarray)) or _is_curve(value):
        yield name, np.asarray("None" if value is None else value)
    else:
        parts = value.items() if hasattr(value, "items") else enumerate(value)
        for key, part in parts:
            yield from arrays(part, f"{name} {key}".lstrip())


def _is_curve(value):
    return isinstance(value, list) and all(isinstance(part, Number) for part in value)
