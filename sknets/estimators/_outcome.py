"""How a phase of training ended: an error or a warning if it went wrong."""

import math

from sklearn.exceptions import ConvergenceWarning

from sknets import training
from sknets._warn import warn_user

_EXPLODED = 1e6  # no weight of a useful network is near


def check_outcome(estimator, learned, rows, *, is_partial):
    """Raise ValueError if training diverged, warn if it is not done.

    Parameters
    ----------
    estimator : BaseNet
        The estimator, whose parameters advice may name.
    learned : Learned
        What it has learned by now.
    rows : training.Rows
        What it has trained on.
    is_partial : bool
        Whether the call was a `partial_fit`.
    """
    net = learned.net
    advice = (
        f"{learned.architecture.advice} learning_rate_init="
        f"{estimator.learning_rate_init}, or set max_grad_norm."
    )
    _check_divergence(estimator, learned, advice)
    if net.stop_reason == "interrupt":
        warn_user(
            "Training interrupted by user. The estimator predicts with the weights it had then, "
            f"after {learned.n_iter} whole epochs."
        )
    doubts = _doubts_of_epoch if is_partial else _doubts_of_training
    for message in doubts(estimator, learned, rows, advice):
        warn_user(message, ConvergenceWarning)


def _check_divergence(estimator, learned, advice):
    net, stopping, n_iter = learned.net, learned.net.stopping, learned.n_iter
    if n_iter and stopping.restores and stopping.best_state is None and net.flat.is_finite():
        raise ValueError(
            f"The validation score (scoring={estimator.scoring!r}) was NaN in every epoch, as R² "
            "of a single row is: give more validation rows, or another scoring."
        )
    has_exploded = n_iter and not math.isfinite(_last_loss(net)) and stopping.best_state is None
    if net.stop_reason == "diverged" or has_exploded or not net.flat.is_finite():
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large"
            f" values and need to be preprocessed. {advice}"
        )


def _doubts_of_epoch(estimator, learned, rows, advice):
    """Yield what is doubtful after an epoch of `partial_fit`."""
    net = learned.net
    largest = float(net.flat.values.abs().max())
    if largest > _EXPLODED:
        yield f"The weights have grown to {largest:.3g}. {advice}"
    if net.optimizer_.lr == 0:
        yield (
            f"learning_rate={estimator.learning_rate!r} has come down to 0 after "
            f"max_iter={estimator.max_iter} epochs: partial_fit changes nothing any more. "
            "Raise max_iter, or use learning_rate='constant'."
        )


def _doubts_of_training(estimator, learned, rows, advice):
    """Yield what is doubtful after a training from beginning to end."""
    net, n_iter, loss = learned.net, learned.n_iter, _last_loss(learned.net)
    if net.stop_reason in net.method.advice:
        remedy = net.method.advice[net.stop_reason]
        yield (
            f"{estimator.solver} failed to converge after {n_iter} iteration(s): "
            + remedy.format_map(vars(estimator))
        )
    elif net.stop_reason == "max_iter" and not net.learner.schedule.is_planned:
        yield (
            f"Stochastic Optimizer: Maximum iterations ({net.max_epochs}) reached and the "
            "optimization hasn't converged yet."
        )
    if n_iter and not math.isfinite(loss):
        yield f"Training diverged; the weights of the best epoch are kept. {advice}"
    elif net.stop_reason != "interrupt" and _is_worse_than_constant(learned, loss, rows):
        yield (
            f"The training loss ({loss:.3g}) is more than twice that of a constant "
            f"prediction. {advice}"
        )


def _last_loss(net):
    return net.history[-1]["train_loss"] if net.history else math.nan


def _is_worse_than_constant(learned, loss, rows):
    net, values = learned.net, learned.net.flat.values
    zeros = net.criterion_.neutral(rows.y, learned.target.n_outputs, values.dtype)
    constant = float(net.criterion_(zeros, rows.y, rows.weight))
    limit = 2 * constant + 0.1  # more than nothing, which is what a constant y costs
    if not loss > limit:
        return False
    # the loss has penalties in it: look at the predictions themselves
    batches = training.Batches(rows, net.rows_at_once)
    raw = net.raw_outputs((x for x, _, _ in batches), len(rows)).to(values.device)
    return float(net.criterion_(raw, rows.y, rows.weight)) > limit
