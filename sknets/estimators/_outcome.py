"""What a fit leaves behind: fitted attributes, and a word if something went wrong."""

import math
import warnings

import torch
from sklearn.exceptions import ConvergenceWarning


def record(estimator, net, n_before):
    """Turn the history of the net into fitted attributes."""
    rows = net.history
    names = {
        "loss": "train_loss",
        "validation_loss": "valid_loss",
        "validation_score": "valid_score",
        "learning_rate": "lr",
        "seconds": "dur",
    }
    estimator.history_ = {
        name: [row.get(key, math.nan) for row in rows]
        for name, key in names.items()
        if any(key in row for row in rows)
    }
    estimator.loss_curve_ = list(estimator.history_.get("loss", []))
    estimator.loss_ = estimator.loss_curve_[-1] if estimator.loss_curve_ else math.nan
    estimator.n_iter_ = len(rows) - n_before
    estimator.t_ = net.n_seen
    estimator.best_loss_ = min(estimator.loss_curve_, default=math.inf)
    estimator.validation_scores_ = estimator.best_validation_score_ = None
    if estimator.early_stopping:
        estimator.best_loss_ = None
        if estimator.scoring == "loss":  # a score is the greater the better
            scores = [-loss for loss in estimator.history_.get("validation_loss", [])]
        else:
            scores = list(estimator.history_.get("validation_score", []))
        estimator.validation_scores_ = scores
        estimator.best_validation_score_ = net.stopping.sign * net.stopping.best


def check_outcome(estimator, net, rows, *, is_partial):
    """Raise if training diverged, warn if it is not done."""
    advice = (
        "Scale X (StandardScaler), lower learning_rate_init="
        f"{estimator.learning_rate_init}, or set max_grad_norm."
    )
    never_finite = net.stopping.restores and estimator.n_iter_ and net.stopping.best_state is None
    if net.stop_reason == "diverged" or never_finite or not net.flat.is_finite():
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large"
            f" values and need to be preprocessed. {advice}"
        )
    if net.stop_reason == "interrupt":
        warnings.warn(
            "Training interrupted by user. The estimator predicts with the weights of epoch "
            f"{estimator.n_iter_}.",
            stacklevel=6,
        )
    if is_partial:
        return
    messages = []
    if estimator.solver == "lbfgs" and net.stop_reason in ("max_iter", "max_fun", "line_search"):
        messages.append(
            f"lbfgs failed to converge after {estimator.n_iter_} iteration(s) ({net.stop_reason}): "
            f"increase max_iter={estimator.max_iter} or max_fun={estimator.max_fun}, or scale the data."
        )
    elif net.stop_reason == "max_iter" and not net.schedule.is_planned:
        messages.append(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the "
            "optimization hasn't converged yet."
        )
    if estimator.n_iter_ and not math.isfinite(estimator.loss_):
        messages.append(f"Training diverged; the weights of the best epoch are kept. {advice}")
    elif net.stop_reason != "interrupt" and _is_worse_than_constant(estimator, net, rows):
        messages.append(
            f"The training loss ({estimator.loss_:.3g}) is more than twice that of a constant "
            f"prediction. {advice}"
        )
    for message in messages:
        warnings.warn(message, ConvergenceWarning, stacklevel=6)  # the caller of fit


def _is_worse_than_constant(estimator, net, rows):
    zeros = torch.zeros(
        (len(rows), estimator.n_outputs_), dtype=net.flat.values.dtype, device=net.device
    )
    constant = float(net.criterion_(zeros, rows.y, rows.weight))
    return estimator.loss_ > 2 * constant + 0.1  # a constant y is predicted without loss
