"""The one subclass of `skorch.NeuralNet`."""

import math
import time
from contextlib import nullcontext

import skorch
import torch

from sknets.training._batches import Batches, collect
from sknets.training._compiled import Compiled
from sknets.training._events import BATCH_EVENTS, Events
from sknets.training._gradients import make_gradient
from sknets.training._history import History
from sknets.training._pace import Pace
from sknets.training._validated import Validated
from sknets.training._wanted import check_wanted

#: What skorch registers.
_REGISTERED = torch.nn.Module, torch.optim.Optimizer

#: Epochs that are recorded, and scored, at a time, since Ctrl-C waits for them.
_MOST_RECORDED = 2**12
_MOST_SCORED = 2**6


class Net(Events, Validated, skorch.NeuralNet):
    """skorch's face of a network that learns: history, callbacks, checkpoints, predictions.

    What is learned lives in a `Learner`, how it is learned in a `Method`, and whoever computes a gradient
    is a `Gradient`; the net tells the world about them. Of skorch, the iterator is overridden (whole
    tensors are cut instead of collated), the loss (sample weights), the optimiser (the learner's) and
    the epoch loop, which leaves out the events of a batch when nobody listens to them.

    Parameters
    ----------
    learner : Learner
        The network.
    criterion : Loss
        ``criterion(raw, target, weight)``.
    method : Method
        How it trains.
    max_epochs : int
        Epochs in a call to `fit`.
    batch_size : int
        Rows in a batch, in the first epoch.
    valid_rows : Rows, default=None
        Validation data.
    valid_score : callable, default=None
        ``valid_score(raw)``: score of the raw outputs of the validation data. One that depends on nothing
        else says so (`sees_outputs_alone`) and has `of_several`.
    augment : callable, default=None
        What ``module.augmented(x, augment)`` applies before each step.
    rows_at_once : int, default=4096
        Rows that are predicted at once.
    verbose : int, default=0
        Whether to print the losses of each epoch, and the time that is left. skorch's `PrintLog` prints
        in any case.
    **kwargs
        Further parameters of `skorch.NeuralNet`.

    Attributes
    ----------
    gradient : Gradient
        Whoever computes the gradient of a batch.
    present_batch_size : int
        Rows in a batch of the present epoch.
    flat, stopping, n_epochs, n_seen, lowest, stop_reason
        Those of `learner`.
    """

    #: The processes that train the network together.
    team = None

    def __init__(
        self,
        learner,
        *,
        criterion,
        method,
        valid_rows=None,
        valid_score=None,
        augment=None,
        rows_at_once=4096,
        verbose=0,
        **kwargs,
    ):
        self.learner = learner
        self.method = method
        self.valid_rows = valid_rows
        self.valid_score = valid_score
        self.augment = augment
        self.rows_at_once = rows_at_once
        self.prints_epochs = bool(verbose)
        if any(isinstance(cb, skorch.callbacks.PrintLog) for cb in kwargs.get("callbacks") or ()):
            verbose = 1  # else it prints nothing
        kwargs = {"train_split": None, "lr": learner.solver.lr, "verbose": verbose} | kwargs
        super().__init__(learner.module, criterion=criterion, optimizer=None, **kwargs)

    def __setattr__(self, name, value):
        # skorch registers modules and optimisers, and asks long before it lets all else pass
        if isinstance(value, _REGISTERED):
            super().__setattr__(name, value)
        else:
            object.__setattr__(self, name, value)

    # --- what belongs to the learner ----------------------------------------------------------------

    flat = property(lambda self: self.learner.flat)
    stopping = property(lambda self: self.learner.stopping)
    n_epochs = property(lambda self: self.learner.n_epochs)
    n_seen = property(lambda self: self.learner.n_seen)
    lowest = property(lambda self: self.learner.lowest)

    @property
    def stop_reason(self):
        """Why the last call ended; a callback may give a reason of its own."""
        return self.learner.stop_reason

    @stop_reason.setter
    def stop_reason(self, value):
        self.learner.stop_reason = value

    def snapshot(self):
        """Return a copy of the parameters and buffers."""
        return self.learner.snapshot()

    def restore(self, snapshot):
        """Put a copy back."""
        self.learner.restore(snapshot)

    # --- set-up ---------------------------------------------------------------------------------------

    @property
    def _default_callbacks(self):
        return []  # no printing, no timers: the end of an epoch records what is needed

    def initialize_callbacks(self):
        """Initialise as skorch does, which takes its time where there are none."""
        if self.callbacks:
            return super().initialize_callbacks()
        self.callbacks_ = []
        return self

    def initialize_optimizer(self, triggered_directly=None):
        """Show skorch the learner's solver."""
        self.optimizer_ = self.learner.solver
        return self

    def initialize_history(self):
        """Begin a history."""
        self.history_ = History()
        return self

    def initialize(self):
        """Initialise as skorch does, then choose who computes gradients."""
        device = self.device
        self.device = None  # everything is there: to move nothing takes time too
        try:
            super().initialize()
        finally:
            self.device = device
        self.gradient = make_gradient(self.learner, self.criterion_, self.augment)
        return self

    @property
    def is_as_made(self):
        """Whether a net that is made anew around the module would be the same, as far as is known."""
        learner, gradient = self.learner, self.gradient
        return (
            not self.callbacks_
            and self.module_ is learner.module
            and self.criterion_ is gradient.criterion
            and self.optimizer_ is learner.solver
            and gradient.is_as_made
        )

    # --- training -------------------------------------------------------------------------------------

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        """Train on `Rows`, which hold the targets, for some epochs or until a reason to stop."""
        epochs = self.max_epochs if epochs is None else epochs
        self.begin(X, epochs)
        try:
            self.method.run(self, X, epochs)
        except KeyboardInterrupt:
            self.learner.stop_reason = "interrupt"
        self.settle(X)
        return self

    def begin(self, rows, epochs):
        """Get ready to train on some rows, for some epochs at most."""
        Compiled.compile_for(self)
        self._pace = Pace(epochs)
        self._notifies_batches = self.listens(BATCH_EVENTS)
        self._notifies_gradients = self.listens(BATCH_EVENTS[2:])
        self.learner.begin(
            rows.mean_weight, is_padded=rows.x.is_padded, is_watched=bool(self.callbacks_)
        )

    def settle(self, rows):
        """Get ready to predict, after training on some rows."""
        while self.history and "train_loss" not in self.history[-1]:
            self.history.pop()  # an epoch that did not end
        with self.learner.seeded():
            self.method.settle(self, rows)
        self.learner.settle()

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Step over the batches, without skorch's events where nobody listens to them."""
        module = self.learner.module
        if not module.training:
            module.train()
        if self._notifies_batches:
            with self.learner.seeded():
                self._run_with_events(iterator, step_fn)
            return
        if self.callbacks_:
            self.history.new_batch()  # skorch's Checkpoint looks for one
        batches = iter(iterator)
        with self.learner.seeded() as seeded:
            step_fn(next(batches))
            if seeded is not None and seeded.was_used:  # redirecting costs time: only if needed
                for batch in batches:
                    step_fn(batch)
        for batch in batches:
            step_fn(batch)

    def train_step(self, batch, **fit_params):
        """Take one step on a batch ``(x, y, weight)``."""
        check_wanted()
        loss, raw = self.gradient.fill(batch)
        if self._notifies_gradients:
            self._notify_gradient(batch)
        self.learner.step(loss, len(batch[1]))
        return {"loss": loss, "y_pred": raw}

    # --- the epoch, as a method reports it ------------------------------------------------------------

    def begin_epoch(self, rows):
        """Tell that an epoch on some rows begins; return the time at which it does."""
        check_wanted()
        if self.callbacks_:
            self.notify("on_epoch_begin", dataset_train=rows, dataset_valid=self.valid_rows)
        else:
            self.on_epoch_begin(self)  # which begins a row of the history
        return time.perf_counter()

    @property
    def n_free_epochs(self):
        """How many epochs pass until somebody looks, or there may be a reason to stop."""
        is_watched = self.callbacks_ or self.prints_epochs or self.team is not None
        is_known = self.learner.schedule.is_known and self.method.batch_growth == 1
        if is_watched or not is_known:
            return 1
        if self.valid_rows is not None and not (self.scores_outputs_alone and Compiled.tries(self)):
            return 1
        most = _MOST_RECORDED if self.valid_score is None else _MOST_SCORED
        return min(self.learner.n_ahead, most)

    def end_epochs(self, rows, losses, started, trials, rates):
        """Record epochs that were begun as one; return whether to stop.

        Parameters
        ----------
        rows, started
            As in `end_epoch`.
        losses : list of float
            Training loss of each; more than one only where they were free.
        trials : list of {Trial, None}
            The `trial` of each.
        rates : list of float
            The learning rate of each.
        """
        is_told = list(map(math.isfinite, losses))
        n_told = len(losses) if all(is_told) else is_told.index(False) + 1
        if n_told > 1:
            trials = self._scored(trials[:n_told])
            seconds = (time.perf_counter() - started) / n_told
            n = n_told - 1
            self._record(rows, losses[:n], trials[:n], rates[:n], seconds)
            self.learner.solver.lr = rates[n_told - 1]
            started = time.perf_counter() - seconds
        return self.end_epoch(rows, losses[n_told - 1], started, trials[n_told - 1])

    def _record(self, rows, losses, trials, rates, seconds):
        """Record free epochs, behind which there is at least one that `end_epoch` records."""
        learner, history, valid_losses = self.learner, self.history, ()
        n_before, are_lowest = len(history), learner.take_lowest("train_loss", losses)
        columns = range(n_before, n_before + len(losses)), losses, are_lowest, rates
        # written out, a row takes a third of the time; a tuple, for many lists keep the collector busy
        told = [
            {
                "batches": (),
                "epoch": number,
                "train_loss": loss,
                "train_loss_best": is_lowest,
                "lr": lr,
                "dur": seconds,
            }
            for number, loss, is_lowest, lr in zip(*columns, strict=True)
        ]
        if self.valid_rows is not None:
            valid_losses = [trial.loss for trial in trials]
            are_lowest = learner.take_lowest("valid_loss", valid_losses)
            for row, trial, is_lowest in zip(told, trials, are_lowest, strict=True):
                row["valid_loss"], row["valid_loss_best"] = trial.loss, is_lowest
                if self.valid_score is not None:
                    row["valid_score"] = trial.score
        monitor = self.stopping.monitor
        self.stopping.update_all(
            losses if monitor == "train_loss" else [row[monitor] for row in told],
            lambda epoch: learner.snapshot(trials[epoch].values),
            valid_losses,
        )
        history[-1:] = [*told, {"batches": (), "epoch": n_before + len(told)}]
        learner.n_epochs += len(told)
        learner.n_seen += len(told) * len(rows)

    def end_epoch(self, rows, loss, started, trial=None):
        """Record an epoch, validate and tell; return whether to stop.

        Parameters
        ----------
        rows : Rows
            Training data.
        loss : float
            Training loss of the epoch.
        started : float
            What `begin_epoch` returned.
        trial : Trial, default=None
            What the network makes of the validation data, where it is known.
        """
        learner, row = self.learner, self.history[-1]
        learner.n_epochs += 1
        if self.method.counts_rows:
            learner.n_seen += len(rows)
        self._record_loss(row, "train_loss", loss)
        row["lr"] = learner.solver.lr
        with self._averaged(rows):
            if self.valid_rows is not None:
                self._validate(row, trial)
            self._watch(row, learner.snapshot)
            if self.prints_epochs:
                self._print_epoch(row)
            row["dur"] = time.perf_counter() - started
            if self.callbacks_:
                self._notify_epoch_end(rows)
        self._pace.end_epoch()
        if self.team is not None:
            self.team.take_first(self.flat.values)
        message = learner.stop_if_due(loss, watches_train_loss=self.method.watches_train_loss)
        if self.team is not None:  # last digits might decide otherwise elsewhere
            learner.stop_reason, learner.solver.lr = self.team.first(
                (learner.stop_reason, learner.solver.lr)
            )
        if self.prints_epochs:
            left = None if learner.is_stopped else self._pace.describe()
            for line in filter(None, (message, left)):
                print(line)
        return learner.is_stopped

    def _watch(self, row, keep):
        """Let `stopping` have a look at an epoch."""
        self.stopping.update(row[self.stopping.monitor], keep, row.get("valid_loss", math.nan))

    def _print_epoch(self, row):
        print(f"Iteration {len(self.history)}, loss = {row['train_loss']:.8f}")
        if "valid_loss" in row:
            print(f"Validation loss: {row['valid_loss']:.8f}")
        if "valid_score" in row:
            print(f"Validation score: {row['valid_score']:f}")

    def _averaged(self, rows):
        if not (self.valid_rows or self.callbacks_):
            return nullcontext()  # nobody looks
        return self.learner.averaged(Batches(rows, self.batch_size))

    def _record_loss(self, row, name, loss):
        row[name] = loss
        # skorch's Checkpoint looks here
        (row[f"{name}_best"],) = self.learner.take_lowest(name, [loss])

    # --- afterwards -----------------------------------------------------------------------------------

    def release_data(self, *, goes_on=False):
        """Let go of the data and of all that was only needed in training.

        Parameters
        ----------
        goes_on : bool, default=False
            Whether another part of the data is likely to follow: small arrays stay for it.
        """
        self.valid_rows = self.valid_score = self.stopping.best_state = None
        self.gradient.release(goes_on=goes_on)
        self.learner.release(goes_on=goes_on)

    def raw_outputs(self, inputs, n_rows, part=None, seed=0):
        """Return the raw outputs of several tensors, which have `n_rows` rows in all, on the CPU.

        Parameters
        ----------
        inputs : iterable of torch.Tensor of shape (n, ...)
            Batches as the module takes them, on its device; tuples of tensors where it takes several.
        n_rows : int
            Their rows, all together.
        part : callable, default=None
            What is computed in the place of the whole module.
        seed : int, default=0
            Seed of a module that draws even in prediction.
        """
        if self.module_.training:
            self.module_.eval()
        if part is None and self.module_ is not self.learner.module:
            part = self.module_  # a pickle of the net has two
        is_whole = part is None
        predict = self.gradient.predict if is_whole else torch.inference_mode()(part)
        with self.learner.seeded(seed):
            return collect(map(predict, inputs), n_rows, are_own=is_whole)
