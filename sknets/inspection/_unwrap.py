"""From what a user holds to the network in it, and X as that network takes it."""

from typing import NamedTuple

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sknets.estimators import BaseNet


class Ability(NamedTuple):
    """What a network must be able to do to be looked into in some way.

    Attributes
    ----------
    parts : tuple of str
        What its module must have.
    known : str
        Who has it, for errors.
    """

    parts: tuple
    known: str


SEES_IMAGES = Ability(("base", "from_images"), "CNNClassifier or CNNRegressor")
REMEMBERS = Ability(("stack",), "RNNClassifier or RNNRegressor")


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


def unwrap(estimator, ability, X=None):
    """Return the network in an estimator, and X after all steps before it.

    Parameters
    ----------
    estimator : estimator
        A fitted network; a pipeline that ends in one, a search whose `best_estimator_` is one, or a
        FrozenEstimator around one.
    ability : Ability
        What the network must be able to do.
    X : array-like, default=None
        Data as the estimator takes them.

    Raises
    ------
    TypeError
        If there is no network, or none that can do this.
    NotFittedError
        If it is not fitted.
    """
    given = estimator
    estimator, X = last_step(estimator, X)
    is_network = isinstance(estimator, BaseNet)
    if is_network:
        check_is_fitted(estimator)
    elif hasattr(estimator, "cv") and hasattr(estimator, "estimator"):
        check_is_fitted(estimator, "best_estimator_")  # a search before its fit
    if not is_network or not all(hasattr(estimator.net_.module_, part) for part in ability.parts):
        inner = "" if estimator is given else f" around {type(estimator).__name__}"
        raise TypeError(
            f"estimator must be a fitted {ability.known}, a pipeline that ends in one or a search over "
            f"one, got {type(given).__name__}{inner}."
        )
    return estimator, X
