"""What we take from scikit-learn below its public surface, in one place.

scikit-learn's developer guide recommends most of these names to third-party estimators, but only promises
to keep its public ones. When a release moves one, this is the file to change.
"""

from functools import cache

import scipy.sparse as sp
import sklearn
from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_sample_weight,
)

try:  # since scikit-learn 1.9, which marks it experimental
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:
        """No support for callbacks in this release of scikit-learn."""

        def set_callbacks(self, *callbacks):
            """Say which release is needed."""
            raise NotImplementedError(
                f"set_callbacks needs scikit-learn 1.9 or later, this is {sklearn.__version__}. "
                "Callbacks of skorch, in the parameter `callbacks`, work with any."
            )


fit_context = _fit_context(prefer_skip_nested_validation=True)
check_feature_names_in = _check_feature_names_in
check_sample_weight = _check_sample_weight


def take_rows(X, rows):
    """Return some rows of what a user gave, None of None; sparse matrices of any kind."""
    return None if X is None else _safe_indexing(X.tocsr() if sp.issparse(X) else X, rows)


@cache
def constructor_names(kind):
    """Return the names of the parameters of an estimator's constructor, which is read once."""
    return tuple(kind._get_param_names())


__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "check_feature_names_in",
    "check_sample_weight",
    "constructor_names",
    "fit_context",
    "take_rows",
    "validate_parameter_constraints",
]
