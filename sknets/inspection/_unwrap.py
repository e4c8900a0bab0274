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

    def fits(self, network):
        """Return whether a fitted network can do this."""
        return all(hasattr(network.net_.module_, part) for part in self.parts)


SEES_IMAGES = Ability(("base", "from_images"), "CNNClassifier or CNNRegressor")
REMEMBERS = Ability(("stack",), "RNNClassifier or RNNRegressor")
IS_DENSE = Ability(("weighted_layers",), "MLPClassifier or MLPRegressor")
IS_FOREIGN = Ability(("module",), "ModuleClassifier or ModuleRegressor")

#: What stands for X where none is looked at; None is an X that a user forgot.
NO_X = object()

#: Where wrappers keep one fitted estimator that sees their X, and their y or another scale of it.
_ONE = ("best_estimator_", "regressor_", "estimator_")
#: Parameters by which a wrapper is known.
_WRAPPED = ("estimator", "estimators", "regressor", "base_estimator")


def last_step(estimator, X=NO_X):
    """Return the innermost estimator of what is wrapped around it, and X as it sees it.

    Pipelines, searches, FrozenEstimator, thresholds, TransformedTargetRegressor and a calibration of one
    estimator are opened.

    Raises
    ------
    NotFittedError
        If a wrapper is not fitted.
    TypeError
        If a wrapper holds several networks, or one that sees another X; the error names where they are.
    """
    while not isinstance(estimator, BaseNet | type):
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif isinstance(estimator, Pipeline):
            if X is not NO_X and len(estimator) > 1:
                check_is_fitted(estimator)
                X = estimator[:-1].transform(X)
            estimator = estimator[-1]
        elif any(hasattr(estimator, name) for name in _WRAPPED):
            inner = _inside(estimator)
            if inner is None:
                break
            estimator = inner
        else:
            break
    if isinstance(estimator, BaseNet) and hasattr(estimator, "members_"):
        raise TypeError(
            f"estimator: look into one of the {len(estimator.members_)} networks of the "
            f"{type(estimator).__name__}, its members_[0]."
        )
    return estimator, X


def wrappers(estimator):
    """Yield what is wrapped around the estimator that `last_step` finds, the outermost first."""
    inner, _ = last_step(estimator)
    while estimator is not inner:
        yield estimator
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif isinstance(estimator, Pipeline):
            estimator = estimator[-1]
        else:
            estimator = _inside(estimator)


def _inside(wrapper):
    """Return the one estimator in a fitted wrapper, or None if no network is in it."""
    check_is_fitted(wrapper)
    who = type(wrapper).__name__
    if getattr(wrapper, "refit", True) is False:
        raise TypeError(
            f"estimator: the {who} has refit=False, which keeps no fitted network; set refit=True."
        )
    if hasattr(wrapper, "forecast"):
        raise TypeError(
            f"estimator: the regressor of the {who} sees windows of the series; look into its "
            "estimator_, with windows as X."
        )
    calibrated = getattr(wrapper, "calibrated_classifiers_", ())
    if len(calibrated) == 1:
        return calibrated[0].estimator
    places = _places(wrapper)
    if not places:
        return next((getattr(wrapper, name) for name in _ONE if hasattr(wrapper, name)), None)
    networks = [place for place, inner in places.items() if _is_network(inner)]
    if networks:
        which = "the network" if len(networks) == 1 else f"one of the {len(networks)} networks"
        raise TypeError(
            f"estimator: look into {which} of the {who}, its {networks[0]}, with X and labels as that "
            "network knows them."
        )
    return None


def _places(wrapper):
    """Return, by place, the estimators in a wrapper that has several, or gives them an X of its own."""
    places = {
        f"calibrated_classifiers_[{number}].estimator": calibrated.estimator
        for number, calibrated in enumerate(getattr(wrapper, "calibrated_classifiers_", ()))
    }
    for number, inner in enumerate(getattr(wrapper, "estimators_", ())):
        places[f"estimators_[{number}]"] = inner
    if hasattr(wrapper, "transform") and hasattr(wrapper, "estimator_"):  # a selection of columns
        places["estimator_"] = wrapper.estimator_
    if hasattr(wrapper, "final_estimator_"):
        places["final_estimator_"] = wrapper.final_estimator_
    return places


def _is_network(estimator):
    return isinstance(last_step(estimator)[0], BaseNet)


def unwrap(estimator, abilities, X=NO_X):
    """Return the network in an estimator, and X after all steps before it.

    Parameters
    ----------
    estimator : estimator
        A fitted network, or what `last_step` opens around one.
    abilities : Ability or tuple of Ability
        What the network must be able to do; of several, one.
    X : array-like, default=NO_X
        Data as the estimator takes them.

    Raises
    ------
    TypeError
        If there is no network, or none that can do this.
    NotFittedError
        If it is not fitted.
    """
    abilities = (abilities,) if isinstance(abilities, Ability) else abilities
    given = estimator
    estimator, X = last_step(estimator, X)
    is_network = isinstance(estimator, BaseNet)
    if is_network:
        check_is_fitted(estimator)
    if not is_network or not any(ability.fits(estimator) for ability in abilities):
        inner = "" if estimator is given else f" around {type(estimator).__name__}"
        known = ", ".join(ability.known for ability in abilities)
        raise TypeError(
            f"estimator must be a fitted {known}, a pipeline that ends in one or a search over "
            f"one, got {type(given).__name__}{inner}."
        )
    return estimator, X
