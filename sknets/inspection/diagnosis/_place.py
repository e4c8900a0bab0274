"""Where in what a user holds the network is: by which names its parameters are changed."""

from typing import Any, NamedTuple

from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted

from sknets.estimators import Autoencoder, CNNAutoencoder, RNNAutoencoder
from sknets.estimators._options import check_options
from sknets.inspection._unwrap import unwrap


class Place(NamedTuple):
    """The estimator that a remedy changes, and the network in it.

    Attributes
    ----------
    holder : estimator
        A network or a pipeline; of a search, the best one.
    network : BaseNet
        The fitted network.
    prefix : str
        What stands before the names of the network's parameters.
    """

    holder: Any
    network: Any
    prefix: str

    def name(self, changes):
        """Return changes of parameters by the names that the holder takes."""
        return {f"{self.prefix}{name}": value for name, value in changes.items()}

    def accepts(self, changes):
        """Return whether the network has these parameters, and takes the values beside its others."""
        if not set(changes) <= set(self.network.get_params(deep=False)):
            return False
        learned = self.network._learned
        changed = clone(self.network).set_params(**changes)
        try:
            changed._validate_params()
            plan = changed._make_architecture(learned.input, learned.target)
            check_options(changed, plan, is_partial=False)
        except ValueError:
            return False
        return True

    def changed(self, remedy):
        """Return an unfitted holder with a remedy."""
        made = clone(self.holder).set_params(**remedy.parameters)
        if remedy.drop:
            kept = ColumnTransformer([("drop", "drop", list(remedy.drop))], remainder="passthrough")
            made = _put_before(made, "columns", kept)
        if remedy.scaler is not None:
            made = _put_before(made, "scaler", clone(remedy.scaler))
        return made


def _put_before(estimator, name, step):
    """Put a step directly before the network in which an unfitted estimator ends."""
    if not isinstance(estimator, Pipeline):
        return make_pipeline(step, estimator)
    *before, (last, inner) = estimator.steps
    if isinstance(inner, Pipeline):
        return estimator.set_params(steps=[*before, (last, _put_before(inner, name, step))])
    while name in dict(estimator.steps):
        name += "_"
    return estimator.set_params(steps=[*before, (name, step), (last, inner)])


def find_place(estimator, abilities):
    """Find the network in a fitted estimator.

    Raises
    ------
    TypeError
        If there is none, or several, or it sees another y.
    NotFittedError
        If it is not fitted.
    """
    network, _ = unwrap(estimator, abilities)
    while isinstance(estimator, FrozenEstimator) or hasattr(estimator, "best_estimator_"):
        estimator = getattr(estimator, "best_estimator_", None) or estimator.estimator
    prefix, inner = "", estimator
    while isinstance(inner, Pipeline):
        check_is_fitted(inner)
        name, inner = inner.steps[-1]
        prefix += f"{name}__"
    if isinstance(network, Autoencoder | CNNAutoencoder | RNNAutoencoder):
        raise TypeError(
            f"estimator: the {type(network).__name__} learns X itself, of which simple models tell "
            "nothing, and cannot be diagnosed; compare its score on training rows and on others."
        )
    if inner is not network:
        own = (
            " with y as its transformer_ makes it"
            if isinstance(inner, TransformedTargetRegressor)
            else ""
        )
        raise TypeError(
            f"estimator: a {type(inner).__name__} cannot be diagnosed; give the fitted network in it"
            f"{own}, with X and y as that network knows them."
        )
    return Place(estimator, network, prefix)
