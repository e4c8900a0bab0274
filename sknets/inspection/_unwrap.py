"""From what a user holds to the network in it, and X as that network takes it."""

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sknets.estimators import CNNClassifier, CNNRegressor, RNNClassifier, RNNRegressor

CONVOLUTIONAL = (CNNClassifier, CNNRegressor)
RECURRENT = (RNNClassifier, RNNRegressor)


def last_step(estimator, X=None):
    """Return the innermost estimator of pipelines, searches and FrozenEstimators, and X as it sees it."""
    while True:
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif isinstance(estimator, Pipeline):
            if X is not None and len(estimator) > 1:
                check_is_fitted(estimator)
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator, X


def unwrap(estimator, X=None, kinds=CONVOLUTIONAL):
    """Return the network in an estimator, and X after all steps before it.

    Parameters
    ----------
    estimator : estimator
        A fitted network; a pipeline that ends in one, a search whose `best_estimator_` is one, or a
        FrozenEstimator around one.
    X : array-like, default=None
        Data as the estimator takes them.
    kinds : tuple of type, default=CONVOLUTIONAL
        Classes of network that are wanted.

    Raises
    ------
    TypeError
        If there is no such network.
    NotFittedError
        If it is not fitted.
    """
    given = estimator
    estimator, X = last_step(estimator, X)
    if not isinstance(estimator, kinds):
        if hasattr(estimator, "cv") and hasattr(estimator, "estimator"):
            check_is_fitted(estimator, "best_estimator_")  # a search before its fit
        inner = "" if estimator is given else f" around {type(estimator).__name__}"
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(
            f"estimator must be a fitted {wanted}, a pipeline that ends in one or a search over one, "
            f"got {type(given).__name__}{inner}."
        )
    check_is_fitted(estimator)
    return estimator, X
