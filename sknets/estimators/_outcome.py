"""What a fit leaves behind: fitted attributes, and a word if something went wrong."""

import math
import warnings

import pandas as pd
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from sknets import modules, training

_NAMES = {
    "loss": "train_loss",
    "validation_loss": "valid_loss",
    "validation_score": "valid_score",
    "learning_rate": "lr",
    "seconds": "dur",
}


class TrainingRecord:
    """Fitted attributes that are read off the net: what training recorded, epoch by epoch."""

    @property
    def history_(self):
        """A list of one value per epoch by name."""
        rows = self.net_.history
        return {
            name: [row.get(key, math.nan) for row in rows]
            for name, key in _NAMES.items()
            if any(key in row for row in rows)
        }

    @property
    def loss_curve_(self):
        """Training loss of each epoch."""
        return [row["train_loss"] for row in self.net_.history]

    @property
    def loss_(self):
        """Training loss of the last epoch."""
        history = self.net_.history
        return history[-1]["train_loss"] if history else math.nan

    @property
    def best_loss_(self):
        """Lowest training loss; None with early stopping."""
        if self.net_.stopping.restores:
            return None
        return self.net_.lowest.get("train_loss", math.inf)

    @property
    def validation_scores_(self):
        """Validation score of each epoch; None without early stopping."""
        stopping = self.net_.stopping
        if not stopping.restores:
            return None
        key = stopping.monitor
        return [stopping.sign * row[key] for row in self.net_.history if key in row]

    @property
    def best_validation_score_(self):
        """Best validation score of the last fit; None without early stopping."""
        stopping = self.net_.stopping
        return stopping.sign * stopping.best if stopping.restores else None

    @property
    def n_parameters_(self):
        """Number of parameters of the network, frozen ones among them."""
        return sum(p.numel() for p in self.net_.module_.parameters())

    @property
    def t_(self):
        """Rows seen in training."""
        return self.net_.n_seen

    def summary(self):
        """Describe the layers of the fitted network.

        Returns
        -------
        pandas.DataFrame of shape (n_layers, 4)
            For each layer, in the order in which a row meets them: its kind, the shape of its output for
            one row (channels first, a signal with a height of 1), its number of parameters and of
            multiply-adds for one row. The index holds their names in ``net_.module_``.
        """
        check_is_fitted(self)
        values = self.net_.flat.values
        row = torch.zeros(1, *self._row_shape, dtype=values.dtype, device=values.device)
        layers = modules.describe_layers(self.net_.module_, row)
        table = pd.DataFrame(layers, columns=modules.Layer._fields).set_index("name")
        return table.rename(columns={"n_parameters": "parameters"})


_EXPLODED = 1e6  # no weight of a useful network is near


def check_outcome(estimator, net, rows, *, is_partial):
    """Raise if training diverged, warn if it is not done."""
    stopping, n_iter = net.stopping, estimator.n_iter_
    if n_iter and stopping.restores and stopping.best_state is None and net.flat.is_finite():
        raise ValueError(
            f"The validation score (scoring={estimator.scoring!r}) was NaN in every epoch, as R² "
            "of a single row is: give more validation rows, or another scoring."
        )
    advice = (
        f"{estimator._scaling_advice} learning_rate_init={estimator.learning_rate_init}, or set "
        "max_grad_norm."
    )
    has_exploded = n_iter and not math.isfinite(estimator.loss_) and stopping.best_state is None
    if net.stop_reason == "diverged" or has_exploded or not net.flat.is_finite():
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large"
            f" values and need to be preprocessed. {advice}"
        )
    if net.stop_reason == "interrupt":
        warnings.warn(
            "Training interrupted by user. The estimator predicts with the weights it had then, "
            f"after {n_iter} whole epochs.",
            stacklevel=6,
        )
    if is_partial:
        largest = float(net.flat.values.abs().max())
        if largest > _EXPLODED:
            warnings.warn(
                f"The weights have grown to {largest:.3g}. {advice}",
                ConvergenceWarning,
                stacklevel=6,
            )
        if net.optimizer_.lr == 0:
            warnings.warn(
                f"learning_rate={estimator.learning_rate!r} has come down to 0 after "
                f"max_iter={estimator.max_iter} epochs: partial_fit changes nothing any more. "
                "Raise max_iter, or use learning_rate='constant'.",
                ConvergenceWarning,
                stacklevel=6,
            )
        return
    messages = []
    if net.stop_reason in net.method.advice:
        messages.append(
            f"{estimator.solver} failed to converge after {n_iter} iteration(s): "
            + net.method.advice[net.stop_reason].format_map(estimator.get_params(deep=False))
        )
    elif net.stop_reason == "max_iter" and not net.learner.schedule.is_planned:
        messages.append(
            f"Stochastic Optimizer: Maximum iterations ({net.max_epochs}) reached and the "
            "optimization hasn't converged yet."
        )
    if n_iter and not math.isfinite(estimator.loss_):
        messages.append(f"Training diverged; the weights of the best epoch are kept. {advice}")
    elif net.stop_reason != "interrupt" and _is_worse_than_constant(estimator, net, rows):
        messages.append(
            f"The training loss ({estimator.loss_:.3g}) is more than twice that of a constant "
            f"prediction. {advice}"
        )
    for message in messages:
        warnings.warn(message, ConvergenceWarning, stacklevel=6)  # the caller of fit


def _is_worse_than_constant(estimator, net, rows):
    values = net.flat.values
    zeros = net.criterion_.neutral(rows.y, estimator.n_outputs_, values.dtype)
    constant = float(net.criterion_(zeros, rows.y, rows.weight))
    limit = 2 * constant + 0.1  # more than nothing, which is what a constant y costs
    if not estimator.loss_ > limit:
        return False
    # loss_ has penalties in it: look at the predictions themselves
    batches = training.Batches(rows, net.rows_at_once)
    raw = net.raw_outputs((x for x, _, _ in batches), len(rows)).to(values.device)
    return float(net.criterion_(raw, rows.y, rows.weight)) > limit
