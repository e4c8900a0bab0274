"""The one subclass of `skorch.NeuralNet`."""

import math
import time
from contextlib import nullcontext

import skorch
import torch
from torch import nn

from sknets.training._averaging import recalibrate
from sknets.training._batches import Batches, collect
from sknets.training._events import BATCH_EVENTS, Events
from sknets.training._flat import FlatParameters
from sknets.training._lbfgs import minimize_lbfgs, why_it_ended
from sknets.training._losses import mixed_loss
from sknets.training._penalties import Penalty
from sknets.training._seeding import Seeded, generator_on, seed_layers
from sknets.training._solvers import SOLVERS

_LOWEST_ADAPTIVE_RATE = 1e-6


class Net(Events, skorch.NeuralNet):
    """Train a ready module on ready tensors.

    skorch's events, history and checkpoints work as everywhere. Four things are overridden: the
    iterator (whole tensors are cut instead of collated), the loss (sample weights), the optimiser (one
    flat vector) and the epoch loop, which leaves out the events of a batch when nobody listens to them.

    Parameters
    ----------
    module : torch.nn.Module
        The network, initialised, from inputs to raw outputs.
    criterion : Loss
        ``criterion(raw, target, weight)``.
    solver : str
        A key of `SOLVERS`, or "lbfgs".
    solver_params : dict
        Further parameters of the solver.
    lr : float
        `learning_rate_init`.
    max_epochs : int
        Epochs in a call to `fit`.
    batch_size : int
        Rows in a batch, in the first epoch.
    schedule : Schedule
        The learning rate of each epoch.
    stopping : Stopping
        When to stop before `max_epochs`.
    generator : torch.Generator
        The fit's source of random numbers, on the CPU.
    penalty : Penalty, default=None
        Penalties on the weights.
    average : Average, default=None
        Averaging of the iterates.
    valid_rows : Rows, default=None
        Validation data.
    valid_score : callable, default=None
        ``valid_score(raw)``: score of the raw outputs of the validation data.
    shuffle : bool, default=True
        Whether rows are shuffled in each epoch.
    batch_growth : float, default=1.0
        Factor by which the batch size grows with each epoch.
    scale_learning_rate : bool, default=False
        Whether the learning rate grows with the batch, so that their ratio stays.
    max_grad_norm : float, default=None
        Longer gradients are shortened to this norm.
    max_fun : int, default=15000
        Largest number of loss evaluations of L-BFGS.
    augment : callable, default=None
        What ``module.augmented(x, augment)`` applies; its `generator` is set to `device_generator`.
    rows_at_once : int, default=4096
        Rows that are predicted at once.
    draws_unseeded : bool, default=False
        Whether the module may draw from Torch's global generator (a user's own module): its draws
        are then redirected to `generator`.

    Attributes
    ----------
    flat : FlatParameters
        The parameters as one vector.
    device_generator : torch.Generator
        The source of random numbers of the layers: `generator`, or one on the accelerator.
    n_epochs, n_seen : int
        Epochs done and rows seen, over all calls.
    growth : float
        Factor by which the learning rate has followed the batch size.
    lowest : dict
        Lowest training and validation loss so far.
    stop_reason : str
        Why the last call ended: "max_iter", "converged", "callback", "interrupt", "diverged", or for
        L-BFGS "max_fun" or "line_search".
    """

    def __init__(
        self,
        module,
        *,
        criterion,
        solver="adam",
        solver_params=None,
        schedule,
        stopping,
        generator,
        penalty=None,
        average=None,
        valid_rows=None,
        valid_score=None,
        shuffle=True,
        batch_growth=1.0,
        scale_learning_rate=False,
        max_grad_norm=None,
        max_fun=15000,
        augment=None,
        rows_at_once=4096,
        draws_unseeded=False,
        **kwargs,
    ):
        self.solver = solver
        self.solver_params = solver_params
        self.schedule = schedule
        self.stopping = stopping
        self.generator = generator
        self.penalty = penalty
        self.average = average
        self.valid_rows = valid_rows
        self.valid_score = valid_score
        self.shuffle = shuffle
        self.batch_growth = batch_growth
        self.scale_learning_rate = scale_learning_rate
        self.max_grad_norm = max_grad_norm
        self.max_fun = max_fun
        self.augment = augment
        self.rows_at_once = rows_at_once
        self.draws_unseeded = draws_unseeded
        kwargs = {"train_split": None} | kwargs
        super().__init__(module, criterion=criterion, optimizer=None, **kwargs)

    # --- set-up -----------------------------------------------------------------------------

    @property
    def _default_callbacks(self):
        return []  # no printing, no timers: the epoch loop records what is needed

    def initialize_optimizer(self, triggered_directly=None):
        """Lay the parameters out flat and give them to the solver."""
        self.flat = FlatParameters(self.module_)
        name = "gd" if self.solver == "lbfgs" else self.solver  # L-BFGS steps by itself
        self.optimizer_ = SOLVERS[name](self.flat.theta, self.lr, **(self.solver_params or {}))
        return self

    def initialize(self):
        """Initialise as skorch does, then give the layers their source of random numbers."""
        super().initialize()
        self.n_epochs = 0
        self.n_seen = 0
        self.stop_reason = None
        self.lowest = {}
        self.growth = 1.0
        self.penalty = self.penalty or Penalty()
        self._sees_targets = getattr(self.module_, "takes_targets", False)
        self.device_generator = generator_on(self.generator, self.device)
        seed_layers(self.module_, self.device_generator)
        if self.augment is not None:
            self.augment.generator = self.device_generator
        return self

    # --- the step -----------------------------------------------------------------------------

    def compute_gradient(self, batch):
        """Fill the gradient of the penalised loss of a batch ``(x, y, weight)``.

        Returns
        -------
        loss : torch.Tensor of shape ()
            Loss with its penalties.
        raw : torch.Tensor of shape (n_rows, n_outputs)
            Raw outputs.
        """
        x, y, weight = batch
        self.flat.grad.zero_()
        if self.augment is None:
            raw = self.module_(x, y) if self._sees_targets else self.module_(x)
            loss = self.criterion_(raw, y, weight, len(y))
        else:
            raw, mix = self.module_.augmented(x, self.augment)
            loss = mixed_loss(self.criterion_, raw, y, weight, mix)
        loss.backward()
        penalty = self.penalty.add_gradient(self.flat, len(y) * self._mean_weight)
        for frozen in self._frozen:
            self.flat.grad[frozen] = 0.0
        return loss.detach() + penalty, raw

    def train_step(self, batch, **fit_params):
        """Take one step on a batch."""
        loss, raw = self.compute_gradient(batch)
        if self._notifies_gradients:
            self.notify(
                "on_grad_computed",
                named_parameters=self.get_all_learnable_params(),
                batch=batch[:2],
                training=True,
            )
        n_rows = len(batch[1])
        shortening = 1.0
        if self.max_grad_norm is not None:
            norm = float(nn.utils.clip_grad_norm_([self.flat.theta], self.max_grad_norm))
            shortening = min(1.0, self.max_grad_norm / (norm + 1e-6))  # as Torch has it
        kept = [self.flat.values[frozen].clone() for frozen in self._frozen]
        self._take_step()
        self.penalty.after_step(self.flat, self.optimizer_, n_rows * self._mean_weight, shortening)
        for frozen, values in zip(self._frozen, kept, strict=True):
            self.flat.values[frozen] = values
        if self.average is not None:
            self.average.update(self.flat.values)
        self._totals[0] += loss * n_rows
        self._totals[1] += n_rows
        return {"loss": loss, "y_pred": raw}

    # --- the epoch -----------------------------------------------------------------------------

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Step over the batches, without skorch's events where nobody listens to them."""
        if self._notifies_batches:
            with self._seeded():
                self._run_with_events(iterator, step_fn)
            return
        if self.callbacks_:
            self.history.new_batch()  # skorch's Checkpoint looks for one
        batches = iter(iterator)
        with self._seeded() as seeded:
            step_fn(next(batches))
            if seeded is not None and seeded.was_used:  # redirecting costs time: only if needed
                for batch in batches:
                    step_fn(batch)
        for batch in batches:
            step_fn(batch)

    def _seeded(self, generator=None):
        return Seeded(generator or self.device_generator) if self.draws_unseeded else nullcontext()

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        """Train on `Rows`, which hold the targets, for some epochs or until a reason to stop."""
        self._notifies_batches = self._listens(BATCH_EVENTS)
        self._notifies_gradients = self._listens(BATCH_EVENTS[2:])
        # `step` tells Torch's schedulers and profilers, which only callbacks bring
        self._take_step = self.optimizer_.step if self.callbacks_ else self.optimizer_.update
        self._mean_weight = X.mean_weight
        self._frozen = self.flat.frozen()
        epochs = self.max_epochs if epochs is None else epochs
        self.stop_reason = "max_iter"
        if self.average is not None:
            self.average.resume(self.flat.values)
        try:
            loop = self._minimize if self.solver == "lbfgs" else self._descend
            loop(X, epochs)
        except KeyboardInterrupt:
            self.stop_reason = "interrupt"
        while self.history and "train_loss" not in self.history[-1]:
            self.history.pop()  # an epoch that did not end
        self._settle(X)
        return self

    def _descend(self, rows, epochs):
        batches = self.get_iterator(rows, training=True)
        first_size = batches.batch_size
        for _ in range(epochs):
            self.notify("on_epoch_begin", dataset_train=rows, dataset_valid=self.valid_rows)
            self._frozen = self.flat.frozen()  # a callback may have frozen or released some
            start = time.perf_counter()
            batches.batch_size = self._grown(first_size, len(rows))
            self._set_rate(batches.batch_size / first_size)
            self._totals = [0.0, 0]  # of losses and of rows
            self.module_.train()
            self.run_single_epoch(batches, True, "train", self.train_step)
            loss_sum, n_rows = self._totals
            if self._end_epoch(rows, float(loss_sum) / n_rows, start):
                return

    def _minimize(self, rows, epochs):
        start = time.perf_counter()
        self.notify("on_epoch_begin", dataset_train=rows, dataset_valid=self.valid_rows)
        self.module_.train()

        def after_iteration(loss):
            nonlocal start
            if self.valid_rows is not None:
                # running statistics stem from trial points of the line search
                recalibrate(self.module_, [rows.take(slice(None))])
            should_stop = self._end_epoch(rows, loss, start)
            if not should_stop:
                start = time.perf_counter()
                self.notify("on_epoch_begin", dataset_train=rows, dataset_valid=self.valid_rows)
                self.module_.train()
            return should_stop

        with self._seeded() as seeded:
            result = minimize_lbfgs(
                self,
                rows,
                max_iter=epochs,
                max_fun=self.max_fun,
                tol=self.stopping.tol,
                after_iteration=after_iteration,
            )
        if seeded is not None and seeded.was_used:
            raise ValueError(
                "solver='lbfgs' needs the same loss at the same weights, but the module draws random "
                "numbers in training (dropout?); choose another solver, such as 'adam'."
            )
        if result.nit == 0:  # the start was as good as it gets
            self._end_epoch(rows, float(result.fun), start)
        if self.stop_reason == "max_iter":  # else the end of an epoch has said why
            self.stop_reason = why_it_ended(result, epochs)

    def _grown(self, first_size, n_rows):
        # in logarithms: the power itself would overflow
        growth = self.n_epochs * math.log(self.batch_growth)
        if growth >= math.log(n_rows / first_size):
            return n_rows
        return round(first_size * math.exp(growth))

    def _set_rate(self, growth):
        rate = self.schedule.rate(self.n_epochs, self.n_seen)
        if self.scale_learning_rate:
            # a rate that the solver keeps has grown until the last epoch already
            rate = self.optimizer_.lr / self.growth if rate is None else rate
            rate *= growth
            self.growth = growth
        if rate is not None:
            self.optimizer_.lr = rate

    def _end_epoch(self, rows, loss, start):
        """Record the epoch; return whether to stop."""
        self.n_epochs += 1
        if self.solver != "lbfgs":
            self.n_seen += len(rows)  # as in scikit-learn, whose t_ stays 0 for L-BFGS
        record = self.history.record
        self._record_loss("train_loss", loss)
        record("lr", self.optimizer_.lr)
        if self.verbose:
            print(f"Iteration {len(self.history)}, loss = {loss:.8f}")
        with self._averaged(rows):
            self._validate()
            watched = self.history[-1][self.stopping.monitor]
            self.stopping.update(watched, keep=self.snapshot)
            record("dur", time.perf_counter() - start)
            try:
                self.notify("on_epoch_end", dataset_train=rows, dataset_valid=self.valid_rows)
            except KeyboardInterrupt:  # how skorch's callbacks ask for the end
                if self.stop_reason == "max_iter":
                    self.stop_reason = "callback" if self.callbacks_ else "interrupt"
        if not self.stopping.restores and not math.isfinite(loss) and not self.flat.is_finite():
            self.stop_reason = "diverged"
        elif self.stop_reason == "max_iter" and (self.solver != "lbfgs" or self.stopping.restores):
            self._stop_if_exhausted()  # L-BFGS itself looks at the training loss
        return self.stop_reason != "max_iter"

    def _validate(self):
        if self.valid_rows is None:
            return
        rows = self.valid_rows
        raw = self.raw_outputs((x for x, _, _ in Batches(rows, self.rows_at_once)), len(rows))
        if self._notifies_batches:
            self._notify_validation(rows, raw)
        loss = float(self.criterion_(raw, *rows.targets_on(raw.device)))
        self._record_loss("valid_loss", loss)
        if self.valid_score is not None:
            score = self.valid_score(raw)
            self.history.record("valid_score", score)
            if self.verbose:
                print(f"Validation score: {score:f}")

    def _record_loss(self, name, loss):
        self.history.record(name, loss)
        is_best = loss < self.lowest.get(name, math.inf)
        self.history.record(f"{name}_best", is_best)  # skorch's Checkpoint looks here
        if is_best:
            self.lowest[name] = loss

    def _stop_if_exhausted(self):
        waits = self.schedule.is_planned and not self.stopping.restores  # for the rate to fall
        if waits or not self.stopping.is_exhausted:
            return
        message = self.stopping.describe()
        if self.schedule.name == "adaptive" and self.optimizer_.lr > _LOWEST_ADAPTIVE_RATE:
            self.optimizer_.lr /= 5
            self.stopping.count = 0
            message += f" Setting learning rate to {self.optimizer_.lr:f}"
        else:
            self.stop_reason = "converged"
            message += " Stopping."
        if self.verbose:
            print(message)

    # --- states of the parameters -----------------------------------------------------------------

    def _averaged(self, rows):
        """Return a context with the averaged parameters in place, where there is an average."""
        if self.average is None or not (self.valid_rows or self.callbacks_):
            return nullcontext()  # nobody looks
        batches = Batches(rows, self.batch_size)
        return self.average.swapped_in(self.flat.values, self.module_, batches, self._seeded)

    def _settle(self, rows):
        """Leave the parameters that predict: the best, the averaged or the last ones."""
        with self._seeded():
            if self.solver == "lbfgs":
                recalibrate(self.module_, [rows.take(slice(None))])
            if self.average is not None:
                batches = Batches(rows, self.batch_size)
                self.average.settle(self.flat.values, self.module_, batches)
        if self.stopping.restores and self.stopping.best_state is not None:
            self.restore(self.stopping.best_state)
        self.module_.eval()

    @torch.no_grad()
    def snapshot(self):
        """Return a copy of the parameters and buffers."""
        return self.flat.values.clone(), [b.clone() for b in self.module_.buffers()]

    @torch.no_grad()
    def restore(self, snapshot):
        """Put a copy back."""
        values, buffers = snapshot
        self.flat.values.copy_(values)
        for buffer, saved in zip(self.module_.buffers(), buffers, strict=True):
            buffer.copy_(saved)

    def release_data(self):
        """Let go of the data and of all that was only needed in training."""
        self.valid_rows = self.valid_score = self.stopping.best_state = None

    @torch.inference_mode()
    def raw_outputs(self, inputs, n_rows, part=None):
        """Return the raw outputs of several tensors, which have `n_rows` rows in all, on the CPU.

        Parameters
        ----------
        inputs : iterable of torch.Tensor of shape (n, ...)
        part : callable, default=None
            What is computed in the place of the whole module.
        """
        self.module_.eval()
        # a module that draws even in prediction draws the same each time
        with self._seeded(torch.Generator(self.device).manual_seed(0)):
            return collect(((part or self.module_)(x.to(self.device)) for x in inputs), n_rows)
