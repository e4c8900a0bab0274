"""Where in what a user holds the network is: by which names its parameters are changed."""

from typing import Any, NamedTuple

from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted

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

    def changed(self, remedy):
        """Return an unfitted holder with a remedy."""
        made = clone(self.holder).set_params(**remedy.parameters)
        if remedy.drop:
            kept = ColumnTransformer([("drop", "drop", list(remedy.drop))], remainder="passthrough")
            made = make_pipeline(kept, made)
        if remedy.scaler is not None:
            made = self._with_scaler(made, clone(remedy.scaler))
        return made

    def _with_scaler(self, made, scaler):
        """Put a scaler directly before the network."""
        if not isinstance(made, Pipeline):
            return make_pipeline(scaler, made)
        return Pipeline([*made.steps[:-1], ("scaler", scaler), made.steps[-1]])


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
