"""Options that exclude each other."""

import skorch
from sklearn.metrics import get_scorer

from sknets import training
from sknets.targets import SINGLE


def check_options(estimator, architecture, *, is_partial):
    """Raise ValueError if an option would be ignored, or cannot be met.

    Parameters
    ----------
    estimator : BaseNet
        The estimator, whose single parameters are valid.
    architecture : Architecture
        The plan of its network.
    is_partial : bool
        Whether the call is a `partial_fit`.
    """
    if any(not isinstance(cb, skorch.callbacks.Callback) for cb in estimator.callbacks or []):
        raise ValueError(
            "callbacks must hold instances of skorch.callbacks.Callback, "
            f"got {estimator.callbacks!r}. scikit-learn's callbacks go to set_callbacks."
        )
    if isinstance(estimator.scoring, str) and estimator.scoring != "loss":
        get_scorer(estimator.scoring)  # an unknown name is an error also where nothing is scored
    _check_solver(estimator)
    if estimator.l1_alpha > 0 and estimator.average is not None:
        raise ValueError(
            f"average={estimator.average!r} would fill in the exact zeros of l1_alpha="
            f"{estimator.l1_alpha}; set one of them to its default."
        )
    if is_partial and architecture.no_partial_fit is not None:
        raise ValueError(f"partial_fit {architecture.no_partial_fit}")


def _check_solver(estimator):
    solver = training.SOLVERS[estimator.solver]
    if not solver.is_incremental:
        for parameter in estimator._page.parameters:
            value = getattr(estimator, parameter.name)
            if not parameter.is_neutral(value):
                raise ValueError(
                    f"solver={estimator.solver!r} minimises a smooth loss over all rows and cannot use "
                    f"{parameter.name}={value!r}; choose another solver, such as 'adam'."
                )
        _check_loss(estimator, solver)
    if solver.takes_all_rows and estimator.batch_growth > 1:
        raise ValueError(
            f"solver={estimator.solver!r} always takes all rows: batch_growth must be 1."
        )


def _check_loss(estimator, solver):
    """Raise ValueError if a minimiser cannot work with a loss."""
    loss = estimator.loss
    if solver.needs_squares and (loss != "squared_error" or estimator._outputs != SINGLE):
        what = (
            f"loss={loss!r} is none"
            if loss != "squared_error"
            else "outputs that are sequences make none"
        )
        raise ValueError(
            f"solver={estimator.solver!r} minimises a sum of squares, and {what}; choose "
            "solver='newton' or 'lbfgs'."
        )
    if solver.needs_second_derivatives and loss in ("absolute_error", "quantile"):
        raise ValueError(
            f"solver={estimator.solver!r} needs second derivatives, and loss={loss!r} has none that tell "
            "where its minimum is; choose solver='lbfgs' or 'adam', or loss='huber'."
        )
