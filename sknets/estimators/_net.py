"""The net that trains: what the parameters of an estimator make of it."""

from typing import NamedTuple

from sknets import training
from sknets._warn import warn_user

#: Values of the widest layer in a block of rows that are predicted at once.
ROW_VALUES = 2**22


class Phase(NamedTuple):
    """A stretch of training with a learning rate of its own.

    Attributes
    ----------
    max_iter : int
        Largest number of epochs.
    learning_rate_init : float
        Learning rate at the start.
    n_tuned : int or "all", default=0
        Layers of a pretrained base that learn.
    """

    max_iter: int
    learning_rate_init: float
    n_tuned: int | str = 0


def phases(estimator):
    """Return the phases of training; a partial fit takes one epoch of the first."""
    first = Phase(estimator.max_iter, estimator.learning_rate_init)
    return [first, *estimator._further_phases]


def choose_batch_size(estimator, architecture, n_rows):
    """Return the number of rows in a batch that `solver` and `batch_size` ask for."""
    if training.SOLVERS[estimator.solver].takes_all_rows:
        return n_rows
    if estimator.batch_size == "auto":
        return architecture.auto_batch_size(n_rows)
    if estimator.batch_size > n_rows:
        warn_user(
            "Got `batch_size` less than 1 or larger than sample size. "
            f"It is going to be clipped: batch_size={estimator.batch_size}, {n_rows} rows."
        )
    return min(estimator.batch_size, n_rows)


def make_net(estimator, learned, module, batch_size, **further):
    """Make the net that trains a module in the phase of `learned`, and initialise it.

    Parameters
    ----------
    estimator : BaseNet
        Whose parameters count.
    learned : Learned
        What is known before training.
    module : torch.nn.Module
        The network, on its device.
    batch_size : int
        Rows in a batch.
    **further : dict
        Further parameters of `training.Net`: callbacks and validation data.
    """
    kind = training.SOLVERS[estimator.solver]
    method = training.make_method(
        estimator.solver,
        {name: getattr(estimator, name) for name in training.declared(kind)},
        shuffle=estimator.shuffle,
        batch_growth=estimator.batch_growth,
    )
    learner = _make_learner(estimator, learned, module, method.make_solver)
    net = training.Net(
        learner,
        criterion=learned.target.make_loss(),
        method=method,
        max_epochs=learned.phase.max_iter,
        batch_size=batch_size,
        augment=learned.architecture.augment,
        rows_at_once=max(1, ROW_VALUES // learned.work.n_values),
        verbose=int(estimator.verbose),
        device=learner.flat.values.device,
        **further,
    )
    return net.initialize()


def _make_learner(estimator, learned, module, make_solver):
    kind, phase = training.SOLVERS[estimator.solver], learned.phase
    strengths = (estimator.alpha, estimator.l1_alpha)
    alpha, l1_alpha = (strength * learned.architecture.loss_left for strength in strengths)
    monitor = "train_loss"
    if estimator.early_stopping:
        by_loss = estimator.scoring == "loss"
        if estimator.scoring is None:
            by_loss = learned.target.watches_loss
        monitor = "valid_loss" if by_loss else "valid_score"
    max_norm = estimator.max_grad_norm
    if max_norm == "auto":
        max_norm = None if kind.takes_all_rows else learned.architecture.auto_max_norm
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
        generator=learned.generator,
        penalty=training.Penalty(alpha, l1_alpha, decoupled=kind.decays_weights),
        average=estimator.average and training.Average(estimator.average, estimator.average_decay),
        scale_learning_rate=estimator.scale_learning_rate,
        max_grad_norm=max_norm,
        draws_unseeded=learned.architecture.draws_unseeded,
        precision=estimator.precision,
    )
