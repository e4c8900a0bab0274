"""The training parameters that all estimators share: their constraints, and what becomes of them."""

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
import skorch
from sklearn.metrics import get_scorer

from sknets import training
from sknets.estimators._sklearn import Interval, Options, StrOptions

CONSTRAINTS: dict = {
    "solver": [StrOptions({*training.SOLVERS, "lbfgs"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "l1_alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "batch_growth": [Interval(Real, 1, None, closed="left")],
    "learning_rate": [StrOptions(set(training.SCHEDULES)), callable],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "decay_rate": [Interval(Real, 0, 1, closed="right")],
    "decay_epochs": [Interval(Real, 0, None, closed="neither"), None],
    "scale_learning_rate": ["boolean"],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "scoring": [str, callable, None],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "rho": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    "average": [StrOptions(set(training.AVERAGES)), None],
    "average_decay": [Interval(Real, 0, 1, closed="left")],
    "device": [str],
    "dtype": [StrOptions({"auto", "float32", "float64"})],
    "callbacks": [list, tuple, None],
}


#: Values of the widest layer in a block of rows that are predicted at once.
ROW_VALUES = 2**22


def check_options(estimator, spec):
    """Refuse what would otherwise be ignored."""
    if any(not isinstance(cb, skorch.callbacks.Callback) for cb in estimator.callbacks or []):
        raise ValueError(
            "callbacks must hold instances of skorch.callbacks.Callback, "
            f"got {estimator.callbacks!r}. scikit-learn's callbacks go to set_callbacks."
        )
    if isinstance(estimator.scoring, str) and estimator.scoring != "loss":
        get_scorer(estimator.scoring)  # an unknown name is an error also where nothing is scored
    if estimator.solver == "lbfgs":
        unmet = {
            "l1_alpha": estimator.l1_alpha > 0,
            "max_grad_norm": estimator._max_norm is not None,
            "average": estimator.average is not None,
            "dropout": np.any(spec.get("dropout", 0)),
            "recurrent_dropout": spec.get("recurrent_dropout", 0) > 0,
            "spatial_dropout": spec.get("spatial_dropout", 0) > 0,
            "augment": getattr(estimator, "augment", None) is not None,
            "batch_growth": estimator.batch_growth > 1,
            "teacher_forcing": getattr(estimator, "teacher_forcing", 1.0) < 1.0,
            "bptt_steps": getattr(estimator, "bptt_steps", None) is not None,
        }
        if any(unmet.values()):
            name = next(name for name, is_set in unmet.items() if is_set)
            raise ValueError(
                f"solver='lbfgs' minimises a smooth loss over all rows and cannot use {name}="
                f"{getattr(estimator, name)!r}; choose another solver, such as 'adam'."
            )
    if estimator.l1_alpha > 0 and estimator.average is not None:
        raise ValueError(
            f"average={estimator.average!r} would fill in the exact zeros of l1_alpha="
            f"{estimator.l1_alpha}; set one of them to its default."
        )
    if estimator.solver == "gd" and estimator.batch_growth > 1:
        raise ValueError("solver='gd' always takes all rows: batch_growth must be 1.")


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
    solver = training.SOLVERS.get(estimator.solver, training.Solver)
    average = estimator.average and training.Average(estimator.average, estimator.average_decay)
    monitor = "train_loss"
    if estimator.early_stopping:
        monitor = "valid_loss" if estimator.scoring == "loss" else "valid_score"
    return training.Net(
        module,
        criterion=estimator._make_loss(),
        solver=estimator.solver,
        solver_params={name: getattr(estimator, name) for name in training.declared(solver)},
        lr=phase.learning_rate_init,
        max_epochs=phase.max_iter,
        batch_size=batch_size,
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
            estimator.alpha, estimator.l1_alpha, decoupled=solver.decays_weights
        ),
        average=average,
        shuffle=estimator.shuffle,
        batch_growth=estimator.batch_growth,
        scale_learning_rate=estimator.scale_learning_rate,
        max_grad_norm=estimator._max_norm,
        max_fun=estimator.max_fun,
        augment=augment,
        rows_at_once=max(1, ROW_VALUES // estimator._work.n_values),
        draws_unseeded=estimator._draws_unseeded,
        verbose=int(estimator.verbose),
        device=device,
    )
