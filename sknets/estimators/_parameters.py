"""The training parameters that all estimators share: what becomes of them."""

from typing import NamedTuple

import skorch
from sklearn.metrics import get_scorer

from sknets import training
from sknets.estimators._training_words import SOLVERS

#: Values of the widest layer in a block of rows that are predicted at once.
ROW_VALUES = 2**22


def check_options(estimator):
    """Refuse what would otherwise be ignored."""
    if any(not isinstance(cb, skorch.callbacks.Callback) for cb in estimator.callbacks or []):
        raise ValueError(
            "callbacks must hold instances of skorch.callbacks.Callback, "
            f"got {estimator.callbacks!r}. scikit-learn's callbacks go to set_callbacks."
        )
    if isinstance(estimator.scoring, str) and estimator.scoring != "loss":
        get_scorer(estimator.scoring)  # an unknown name is an error also where nothing is scored
    solver = SOLVERS[estimator.solver]
    if not solver.is_incremental:
        for parameter in estimator._page.parameters:
            value = getattr(estimator, parameter.name)
            if not parameter.is_neutral(value):
                raise ValueError(
                    f"solver={estimator.solver!r} minimises a smooth loss over all rows and cannot use "
                    f"{parameter.name}={value!r}; choose another solver, such as 'adam'."
                )
    if estimator.l1_alpha > 0 and estimator.average is not None:
        raise ValueError(
            f"average={estimator.average!r} would fill in the exact zeros of l1_alpha="
            f"{estimator.l1_alpha}; set one of them to its default."
        )
    if solver.takes_all_rows and estimator.batch_growth > 1:
        raise ValueError(
            f"solver={estimator.solver!r} always takes all rows: batch_growth must be 1."
        )


class Phase(NamedTuple):
    """A stretch of training with a learning rate of its own.

    Attributes
    ----------
    max_iter : int
        Largest number of epochs.
    learning_rate_init : float
        Learning rate at the start.
    n_tuned : int or "all", default=0
        Layers of a backbone that learn.
    """

    max_iter: int
    learning_rate_init: float
    n_tuned: int | str = 0


def make_net(estimator, module, device, batch_size, phase, augment=None):
    """Make the net that trains a module in a phase, from the parameters of the estimator."""
    solver = training.SOLVERS[estimator.solver]
    method = training.make_method(
        estimator.solver,
        {name: getattr(estimator, name) for name in training.declared(solver)},
        shuffle=estimator.shuffle,
        batch_growth=estimator.batch_growth,
    )
    return training.Net(
        _make_learner(estimator, module.to(device), phase, method.make_solver),
        criterion=estimator._make_loss(),
        method=method,
        max_epochs=phase.max_iter,
        batch_size=batch_size,
        augment=augment,
        rows_at_once=max(1, ROW_VALUES // estimator._work.n_values),
        verbose=int(estimator.verbose),
        device=device,
    )


def _make_learner(estimator, module, phase, make_solver):
    average = estimator.average and training.Average(estimator.average, estimator.average_decay)
    monitor = "train_loss"
    if estimator.early_stopping:
        monitor = "valid_loss" if estimator.scoring == "loss" else "valid_score"
    return training.Learner(
        module,
        make_solver=make_solver,
        schedule=training.Schedule(
            estimator.learning_rate,
            phase.learning_rate_init,
            phase.max_iter,
            power_t=estimator.power_t,
            decay_rate=estimator.decay_rate,
            decay_epochs=estimator.decay_epochs,
        ),
        stopping=training.Stopping(estimator.tol, estimator.n_iter_no_change, monitor),
        generator=estimator._generator,
        penalty=training.Penalty(
            estimator.alpha,
            estimator.l1_alpha,
            decoupled=training.SOLVERS[estimator.solver].decays_weights,
        ),
        average=average,
        scale_learning_rate=estimator.scale_learning_rate,
        max_grad_norm=estimator._max_norm,
        draws_unseeded=estimator._draws_unseeded,
    )
