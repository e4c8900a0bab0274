"""How a phase of training ended: an error or a warning if it went wrong.

The first row of this table that fits decides what is said. "Unsettled" is a training whose `max_iter`
epochs or iterations are over while its loss still moves; a schedule that ends there by plan has settled.
The constant prediction is the mean of y, or the shares of the classes; to a loss of the user's own, whose
best constant nobody knows, it is raw outputs of zero.

=====================  ==========================================  ====================================
training is            on what evidence                            what to do
=====================  ==========================================  ====================================
broken off             weights or losses are not finite            scale X, lower the rate (an error)
unsettled              the validation loss has risen since an      early stopping; alpha, fewer units:
                       epoch                                       not more epochs
unsettled              all classes of training rows are right,     the same
                       or R² >= 0.99; no early stopping
unsettled or settled   twice the loss of a constant prediction     scale X; else lower the rate
unsettled              columns of X are out of scale               scale these
settled                so they are, and the loss is more than a    scale these
                       quarter of that of a constant prediction
unsettled              early stopping has not stopped it           more epochs or a higher rate
unsettled              the loss falls                              the same, and validation data
unsettled              it does not, and is that of a constant      another rate; does X tell y at all?
unsettled              it goes up and down                         a lower rate, or a schedule
=====================  ==========================================  ====================================

What costs more than a look at the history is computed only where a row above needs it.
"""

import math
from functools import cached_property

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sknets import training
from sknets._interrupts import do_interrupts_end_all
from sknets._warn import is_heard, warn_user
from sknets.inputs import prediction_dtype
from sknets.targets import Raw

_EXPLODED = 1e6  # no weight or loss of a useful network is near
#: Accuracy or R² of training rows that are known by heart; and, in units of the loss of a constant
#: prediction, a training loss above which nobody need look at predictions.
_BY_HEART = {"classes": (1.0, 0.5), "numbers": (0.99, 0.05)}
_POOR = 0.25  # of that loss: little has been learned, if it is the columns' fault
_CERTAIN = 1e-4  # loss of a constant prediction that is always right
_NOTHING = 0.95  # of that loss: nothing has been learned
_RISEN = 0.05  # of the lowest validation loss, above it
_FEWEST_EPOCHS = 20  # in which a trend can be seen
_EPOCHS_OF_SCALE = 5  # fewer tell nothing, and a look at columns would take as long as they
_EPOCHS_BY_HEART = 50  # fewer teach nothing by heart, and would make the look at predictions dear
_MOST_NAMES = 3
_SPENT = 1e-5  # of the first rate: what is left of "one_cycle" and "cosine" after their plan


def check_outcome(estimator, learned, train, rows, *, is_partial):
    """Raise ValueError if training diverged, warn if it is not done.

    A training that Ctrl-C has ended leaves its network, unless it is part of a larger whole: then
    KeyboardInterrupt goes on its way.

    Parameters
    ----------
    estimator : BaseNet
        The estimator, whose parameters advice may name.
    learned : Learned
        What it has learned by now.
    train : Data
        What it has trained on, as it was read.
    rows : training.Rows
        The same as tensors.
    is_partial : bool
        Whether the call was a `partial_fit`.
    """
    net, outcome = learned.net, Outcome(estimator, learned, train, rows)
    if net.stop_reason == "interrupt" and do_interrupts_end_all():
        raise KeyboardInterrupt
    _check_divergence(outcome)
    if net.stop_reason == "interrupt":
        warn_user(
            "Training interrupted by user. The estimator predicts with the weights it had then, "
            f"after {learned.n_iter} whole epochs."
        )
    if not is_heard(ConvergenceWarning):
        return
    doubts = _doubts_of_epoch if is_partial else _doubts_of_training
    for message in doubts(outcome):
        warn_user(message, ConvergenceWarning)


class Outcome:
    """What a training has come to; each figure is computed when it is asked for.

    Parameters
    ----------
    estimator, learned, train, rows
        As `check_outcome` takes them.

    """

    def __init__(self, estimator, learned, train, rows):
        self.estimator = estimator
        self.learned = learned
        self.net = learned.net
        self.train = train
        self.rows = rows

    @property
    def last_loss(self):
        """Training loss of the last epoch, penalties included."""
        return self.net.history[-1]["train_loss"] if self.learned.n_iter else math.nan

    @cached_property
    def reach(self):
        """The largest size of a parameter; NaN if one of them is."""
        return self.net.flat.reach

    @cached_property
    def _epochs(self):
        """Rows of the history of this phase."""
        n_epochs = min(self.learned.n_iter, self.net.max_epochs)
        return list(self.net.history)[-n_epochs:] if n_epochs else []

    @cached_property
    def losses(self):
        """Training loss of each epoch of this phase."""
        return [row["train_loss"] for row in self._epochs]

    @cached_property
    def constant_loss(self):
        """Loss of a constant prediction."""
        net, rows = self.net, self.rows
        n_outputs, dtype = self.learned.target.n_outputs, net.flat.values.dtype
        constant = net.criterion_.neutral(rows.y, n_outputs, dtype, rows.weight)
        return float(net.criterion_(constant, rows.y, rows.weight))

    @property
    def is_own_loss(self):
        """Whether the loss is the user's own, of which neither sign nor least value are known."""
        return callable(self.estimator.loss)

    @property
    def constant_words(self):
        """What the constant prediction is called."""
        return "raw outputs of zero" if self.is_own_loss else "a constant prediction"

    @cached_property
    def raw(self):
        """Raw outputs of the training rows, on the CPU."""
        batches = training.Batches(self.rows, self.net.rows_at_once)
        return self.net.raw_outputs((x for x, _, _ in batches), len(self.rows))

    @cached_property
    def loss(self):
        """Loss of the training rows as they are predicted now, without penalties."""
        raw = self.raw.to(self.net.flat.values.device)
        return float(self.net.criterion_(raw, self.rows.y, self.rows.weight))

    def is_above(self, limit):
        """Return whether the training loss is above a limit, whatever penalties add to it."""
        return self.last_loss > limit and self.loss > limit

    @cached_property
    def score(self):
        """Accuracy or R² of the training rows."""
        train, target = self.train, self.learned.target
        raw = Raw(self.raw, train.rows, prediction_dtype(train.rows))
        predictions = target.predictions(raw)
        return target.score(predictions, train.y, train.weight, lambda: train.rows)

    @property
    def is_by_heart(self):
        """Whether more epochs have nothing to learn from the training rows."""
        least, highest = _BY_HEART["classes" if self.is_of_classes else "numbers"]
        if len(self.losses) < _EPOCHS_BY_HEART or self.last_loss > highest * self.constant_loss:
            return False
        return self.score >= least

    @property
    def is_of_classes(self):
        """Whether y holds classes or labels."""
        return hasattr(self.learned.target, "classes")

    @property
    def valid_losses(self):
        """Validation loss of each epoch of this phase; empty without validation data."""
        return [row["valid_loss"] for row in self._epochs if "valid_loss" in row]

    @property
    def is_falling(self):
        """Whether the training loss falls by more than it goes up and down."""
        n = len(self.losses)
        if n < _FEWEST_EPOCHS:
            return True
        n_recent = max(n // 10, _FEWEST_EPOCHS // 2)
        before, recent = np.split(np.array(self.losses[-2 * n_recent :]), 2)
        noise = 2 * np.abs(np.diff(recent)).mean() / math.sqrt(n_recent)
        return before.mean() - recent.mean() > max(noise, self.estimator.tol)

    @cached_property
    def scale_words(self):
        """What there is to say of columns of X that are out of scale, or ''."""
        learned, train = self.learned, self.train
        architecture = learned.architecture
        columns = architecture.describe_columns(self.net.module_, train.rows, train.weight)
        found = [] if columns is None else columns.out_of_scale()
        if not len(found):
            return ""
        word = architecture.column
        names = getattr(self.estimator, "feature_names_in_", None)
        if names is None or len(names) != len(columns.mean):
            names = [f"{word} {i}" for i in range(len(columns.mean))]
        named = [
            f"{names[i]} (mean {mean:.3g}, standard deviation {deviation:.3g})"
            for i, mean, deviation in columns.rounded(found[:_MOST_NAMES])
        ]
        further = f" and {len(found) - len(named)} more" if len(found) > len(named) else ""
        remedy = architecture.scale_remedy.format(
            scaler="MaxAbsScaler" if hasattr(train.rows, "nnz") else "StandardScaler",
            name=type(self.estimator).__name__,
        )
        return (
            f"{len(found)} of {len(columns.mean)} {word}s of X are in a scale from which a network "
            f"hardly learns: {', '.join(named)}{further}. {remedy}"
        )

    @property
    def rate_words(self):
        """What to do about a rate that is too high."""
        estimator = self.estimator
        if not training.SOLVERS[estimator.solver].is_incremental:
            return f"Raise alpha (now {estimator.alpha}), or use solver='adam'."
        return (
            f"Lower learning_rate_init (now {estimator.learning_rate_init}), or set max_grad_norm."
        )

    @property
    def all_words(self):
        """What to do about columns out of scale, where there are any, and about the rate."""
        return f"{self.scale_words} {self.rate_words}".lstrip()


def _check_divergence(outcome):
    learned, net, stopping = outcome.learned, outcome.net, outcome.net.stopping
    if stopping.best_state is not None:
        return  # the weights of an epoch that had a score have been put back
    n_iter, loss = learned.n_iter, outcome.last_loss
    is_unscored = bool(n_iter) and stopping.restores
    if (
        net.stop_reason == "diverged"
        or not math.isfinite(outcome.reach)
        or (n_iter and not math.isfinite(loss))
        or (is_unscored and loss > _EXPLODED)
    ):
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large"
            f" values and need to be preprocessed. {outcome.all_words}"
        )
    if is_unscored and net.valid_score is None:
        raise ValueError(
            "The validation loss (scoring='loss') was finite in no epoch, but the training loss was: "
            "are the validation data (X_val) scaled as X is?"
        )
    if is_unscored:
        example = "" if outcome.is_of_classes else ", as R² of a single row is"
        raise ValueError(
            f"The validation score (scoring={outcome.estimator.scoring!r}) was NaN in every epoch"
            f"{example}. {net.valid_score.remedy()}"
        )


def _doubts_of_epoch(outcome):
    """Yield what is doubtful after an epoch of `partial_fit`."""
    estimator, net = outcome.estimator, outcome.net
    if outcome.reach > _EXPLODED:
        words = outcome.scale_words or outcome.rate_words
        yield f"The weights have grown to {outcome.reach:.3g}. {words}"
    is_over = not net.learner.schedule.is_planned or net.n_epochs > estimator.max_iter
    if is_over and net.optimizer_.lr <= _SPENT * estimator.learning_rate_init:
        yield (
            f"learning_rate={estimator.learning_rate!r} has come down to nearly 0: partial_fit "
            "changes nothing any more. Use "
            "learning_rate='constant', or raise max_iter where it plans the rate "
            f"(max_iter={estimator.max_iter})."
        )


def _doubts_of_training(outcome):
    """Yield what is doubtful after a training from beginning to end."""
    if outcome.learned.target.is_constant:
        return  # its value is predicted, whatever the network has learned
    net, n_iter = outcome.net, outcome.learned.n_iter
    if n_iter and not math.isfinite(outcome.last_loss):
        yield f"Training diverged; the weights of the best epoch are kept. {outcome.all_words}"
        return
    if not outcome.is_own_loss and outcome.constant_loss < _CERTAIN:
        return  # a single class: there is nothing to learn
    started = _unsettled(outcome)
    if started is not None:
        yield f"{started} {_what_is_known(outcome) or _what_is_worse(outcome) or _trend(outcome)}"
    elif n_iter and net.stop_reason != "interrupt":
        words = _what_is_worse(outcome)
        if words:
            yield words


def _unsettled(outcome):
    """Return how a message begins about a training that was over before its end, or None."""
    net = outcome.net
    if net.stop_reason == "max_iter" and _keeps_best_of_all(net):
        return None
    if net.stop_reason in net.method.advice:
        n_iter = outcome.learned.n_iter
        return f"{outcome.estimator.solver} failed to converge after {n_iter} iteration(s)."
    if net.stop_reason == "max_iter" and not net.learner.schedule.is_planned:
        return (
            f"Stochastic Optimizer: Maximum iterations ({net.max_epochs}) reached and the "
            "optimization hasn't converged yet."
        )
    return None


def _what_is_known(outcome):
    """Return what there is to say where more epochs would not help, or ''."""
    estimator, valid = outcome.estimator, outcome.valid_losses
    if estimator.early_stopping:
        return ""  # validation data had not stopped it
    less_noise = f"a larger alpha than {estimator.alpha}, or a smaller network"
    if valid and np.isfinite(valid).all():
        best = int(np.argmin(valid))
        if valid[-1] - valid[best] > _RISEN * abs(valid[best]):
            return (
                f"But the validation loss was lowest in epoch {best + 1} of {len(valid)} "
                f"({valid[best]:.3g}) and is {valid[-1]:.3g} now: the network learns its training rows "
                "by heart, and more epochs make it worse. early_stopping=True keeps the best epoch; "
                f"{less_noise}, learns less noise."
            )
    if not outcome.is_by_heart:
        return ""
    share = "all are predicted right" if outcome.is_of_classes else f"R² = {outcome.score:.4f}"
    return (
        f"But the network knows its training rows by heart ({share}), and more epochs would hardly "
        "teach it more. If it does worse on other rows, it has learned noise: early_stopping=True or "
        f"X_val, {less_noise} help, not a larger max_iter than {estimator.max_iter}."
    )


def _what_is_worse(outcome):
    """Return what there is to say of a loss that is too high, or ''."""
    loss, constant = outcome.last_loss, outcome.constant_loss
    # more than nothing, and a loss of the user's own may be negative
    if outcome.is_above(constant + abs(constant) + 0.1):
        above = "above" if outcome.is_own_loss else "more than twice"
        return (
            f"The training loss ({loss:.3g}) is {above} that of {outcome.constant_words} "
            f"({constant:.3g}). {outcome.scale_words or outcome.rate_words}"
        )
    is_early = _unsettled(outcome) is not None
    if is_early and outcome.learned.n_iter < _EPOCHS_OF_SCALE:
        return ""
    if not (is_early or loss > _POOR * constant) or not outcome.scale_words:
        return ""
    if not is_early and not outcome.is_above(_POOR * constant):
        return ""
    return (
        f"The training loss is {loss:.3g}, that of {outcome.constant_words} {constant:.3g}. "
        f"{outcome.scale_words}"
    )


def _trend(outcome):
    """Return what the course of the training loss suggests."""
    estimator, net = outcome.estimator, outcome.net
    if net.stop_reason in net.method.advice:
        remedy = net.method.advice[net.stop_reason].format_map(vars(estimator))
        return remedy[0].upper() + remedy[1:]
    further = (
        f"raise max_iter (now {estimator.max_iter}) or learning_rate_init (now "
        f"{estimator.learning_rate_init})."
    )
    if estimator.early_stopping:
        return f"Validation data have not stopped it: {further}"
    if outcome.is_falling:
        watch = (
            ""
            if outcome.valid_losses
            else " Validation data show which: early_stopping=True, or X_val."
        )
        return (
            f"The training loss still falls: {further} But it also falls while noise is learned by "
            f"heart.{watch}"
        )
    constant = outcome.constant_loss
    if outcome.last_loss > constant - (1 - _NOTHING) * abs(constant):
        return (
            f"Nothing has been learned yet: the training loss is that of {outcome.constant_words} "
            f"({constant:.3g}). Try other values of learning_rate_init (now "
            f"{estimator.learning_rate_init}), and a simple model, to see whether X tells anything of y."
        )
    return (
        "The training loss goes up and down, and falls no more: lower "
        f"learning_rate_init (now {estimator.learning_rate_init}), or let it fall "
        "(learning_rate='adaptive' or 'cosine')."
    )


def _keeps_best_of_all(net):
    """Return whether all epochs were asked for, and the best of them."""
    return net.stopping.restores and math.isinf(net.stopping.patience)
