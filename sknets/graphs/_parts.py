"""What stands inside an estimator, and what of it cannot be written as a graph."""

import copy

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from sknets import forecasting, nonlinear, preprocessing

#: Where meta-estimators keep what they have fitted.
_FITTED = ("estimators_", "estimator_", "final_estimator_", "calibrated_classifiers_")

#: What has no graph, why, and what to do.
_REASONS = {
    forecasting.Forecaster: (
        "continues a series that it remembers, from a call to the next; its regressor has a graph: "
        "export its estimator_, whose X are windows"
    ),
    nonlinear.NonlinearRegressor: (
        "is a formula of yours in Torch, whose parameters are in params_: write it where it is served"
    ),
    preprocessing.TokenSequences: (
        "splits texts by regular expressions and functions: let Python make token ids, and export what "
        "stands behind it, with token ids as X"
    ),
    preprocessing.SlidingWindows: (
        "makes windows of one long series: make them in Python, and export what stands behind it, with "
        "windows as X"
    ),
    FunctionTransformer: (
        "calls a function of Python: write the step with transformers that have a graph, or apply the "
        "function before the graph"
    ),
    TransformedTargetRegressor: (
        "takes predictions back by a function of Python: networks here scale y by themselves, so that "
        "its regressor_ can be fitted and exported alone"
    ),
}


def unwrap(estimator):
    """Return what a search or a frozen estimator holds, which predicts in its place.

    A pipeline of them becomes one of what they hold, without steps that let all pass.

    Raises
    ------
    ValueError
        If a search has kept no fitted estimator.
    """
    while True:
        if isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions"):
            check_is_fitted(estimator)
            raise ValueError(
                f"estimator: the {type(estimator).__name__} has refit=False, which keeps no fitted "
                "estimator; set refit=True."
            )
        elif isinstance(estimator, Pipeline):
            return _opened(estimator)
        elif isinstance(estimator, VotingClassifier) and estimator.flatten_transform:
            # which changes `transform` alone, and skl2onnx asks for it
            estimator = copy.copy(estimator)
            estimator.flatten_transform = False
        else:
            return estimator


def _opened(pipeline):
    opened = copy.copy(pipeline)
    opened.steps = [
        (name, unwrap(step)) for name, step in pipeline.steps if step not in (None, "passthrough")
    ]
    return opened


def parts_of(estimator, name="estimator"):
    """Yield the names and the estimators in an estimator, itself first."""
    yield name, estimator
    if isinstance(estimator, Pipeline):
        inner = estimator.steps
    elif isinstance(estimator, ColumnTransformer):
        inner = [(step, part) for step, part, _ in getattr(estimator, "transformers_", ())]
    elif hasattr(estimator, "transformer_list"):
        inner = estimator.transformer_list
    else:
        inner = _fitted_in(estimator)
    for step, part in inner:
        if isinstance(part, BaseEstimator):
            yield from parts_of(part, step)


def _fitted_in(estimator):
    """Yield what a meta-estimator has fitted; forests and other boosters keep trees, which are theirs."""
    if type(estimator).__module__.startswith("sknets") or not _is_meta(estimator):
        return
    for name in _FITTED:
        held = getattr(estimator, name, ())
        held = held if isinstance(held, list | tuple) else [held]
        for number, part in enumerate(held):
            yield f"{name}[{number}]", getattr(part, "estimator", part)


def _is_meta(estimator):
    return any(hasattr(estimator, name) for name in ("estimators", "estimator", "base_estimator"))


def check_parts(estimator, known, who):
    """Raise TypeError if something in an estimator has no graph: by its name, why, and what to do.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator.
    known : container of type
        What skl2onnx knows.
    who : str
        Name and version of skl2onnx.
    """
    for name, part in parts_of(estimator):
        which = type(part).__name__ if name == "estimator" else f"{name!r} ({type(part).__name__})"
        for kind, reason in _REASONS.items():
            if isinstance(part, kind) and not _does_nothing(part):
                raise TypeError(f"{which} cannot be exported: it {reason}.")
        if type(part) not in known and not isinstance(part, Pipeline):
            raise TypeError(
                f"{which} cannot be exported: {who} has no converter for it. Replace it by another step, "
                "apply it before the graph, or register a converter "
                "(skl2onnx.update_registered_converter)."
            )


def _does_nothing(part):
    return isinstance(part, FunctionTransformer) and part.func is None


def first_step(estimator):
    """Return the estimator that sees X as it comes, of one that is unwrapped."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[0][1]
    return getattr(estimator, "estimator_", estimator)


def last_step(estimator):
    """Return the estimator that answers, of one that is unwrapped."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator
