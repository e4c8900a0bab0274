"""One network in training, with all that belongs to it and to no other."""

import math
from contextlib import nullcontext

import torch

from sknets.training._flat import FlatParameters
from sknets.training._motion import as_arrays, silent
from sknets.training._penalties import Penalty
from sknets.training._precision import PRECISIONS
from sknets.training._seeding import Seeded, generator_on, seed_layers
from sknets.training._step import Step

_LOWEST_ADAPTIVE_RATE = 1e-6

#: Parameters up to which a `Step` outlasts a part of a training.
_MOST_KEPT = 2**14

#: The `Learner.stop_reason` of one that goes on: if nothing else happens, it ends with the epochs.
_UNSTOPPED = "max_iter"


class Learner:
    """One network in training.

    It knows its parameters, its place in the schedule and its reason to stop; it knows no data, no
    history and no other network. Whoever trains several networks holds as many learners.

    Parameters
    ----------
    module : torch.nn.Module
        The network, on its final device and in its final dtype; its parameters become views of `flat`.
    make_solver : callable
        ``make_solver(theta, lr)`` makes the `Solver`.
    schedule : Schedule
        The learning rate of each epoch.
    stopping : Stopping
        When to stop for want of progress.
    generator : torch.Generator
        The fit's source of random numbers, on the CPU: it shuffles.
    penalty : Penalty, default=None
        Penalties on the weights.
    average : Average, default=None
        Averaging of the iterates.
    scale_learning_rate : bool, default=False
        Whether the learning rate grows with the batch, so that their ratio stays.
    max_grad_norm : float, default=None
        Longer gradients are shortened to this norm.
    draws_unseeded : bool, default=False
        Whether the module may draw from Torch's global generator (a user's own module): its draws
        are then redirected to `device_generator`.
    precision : str, default="full"
        One of `PRECISIONS`.

    Attributes
    ----------
    flat : FlatParameters
        The parameters as one vector.
    solver : Solver
        What makes a step of a gradient; it holds the learning rate.
    compute : callable
        ``compute(function, *args)`` returns raw outputs in the precision of training.
    device_generator : torch.Generator
        The source of random numbers of the layers: `generator`, or one on the accelerator.
    n_epochs, n_seen : int
        Epochs done and rows seen, over all calls.
    growth : float
        Factor by which the learning rate has followed the batch size.
    lowest : dict
        Lowest training and validation loss so far.
    stop_reason : str or None
        Why the last call ended: "max_iter", "converged", "callback", "interrupt", "diverged", or what a
        minimiser says. None before the first call.
    mean_weight : float
        Mean weight of the rows of the present call.
    is_padded : bool or None
        Whether rows of the present call may be padded; None between calls.
    frozen : list of slice
        The parts of `flat` that do not learn in the present epoch.
    """

    def __init__(
        self,
        module,
        *,
        make_solver,
        schedule,
        stopping,
        generator,
        penalty=None,
        average=None,
        scale_learning_rate=False,
        max_grad_norm=None,
        draws_unseeded=False,
        precision="full",
    ):
        self.module = module
        self.flat = FlatParameters(module)
        self.solver = make_solver(self.flat.theta, schedule.initial)
        self.schedule = schedule
        self.stopping = stopping
        self.generator = generator
        self.penalty = penalty or Penalty()
        self.average = average
        self.scale_learning_rate = scale_learning_rate
        self.max_grad_norm = max_grad_norm
        self.draws_unseeded = draws_unseeded
        self.precision = precision
        self.compute = PRECISIONS[precision](self.flat.values.device)
        self.device_generator = generator_on(generator, self.flat.values.device)
        seed_layers(module, self.device_generator)

        self.n_epochs = 0
        self.n_seen = 0
        self.growth = 1.0
        self.lowest = {}
        self.stop_reason = None
        self.mean_weight = 1.0
        self.is_padded = None
        self.frozen = []
        self._is_watched = False
        self._step = None
        self._readers = [layer for layer in module.modules() if "is_padded" in vars(layer)]
        self._loss_sum, self._n_rows = 0.0, 0  # of the present epoch

    def seeded(self, seed=None):
        """Return a context in which the module draws from `device_generator`, or from one with a seed."""
        if not self.draws_unseeded:
            return nullcontext()
        if seed is None:
            return Seeded(self.device_generator)
        return Seeded(torch.Generator(self.flat.values.device).manual_seed(seed))

    # --- the step ---------------------------------------------------------------------------------

    @property
    def as_step(self):
        """The `Step` of this learner alone."""
        if self._step is None or not self.solver.holds(self._step.motion.vectors):
            self._step = Step([self], *as_arrays(self.flat.values, self.flat.grad))
        return self._step

    def add_penalty(self, n_rows):
        """Complete the gradient of a loss of some rows; return the value of the penalty."""
        with silent():
            return self.as_step.add_penalty(n_rows * self.mean_weight)

    def step(self, loss, n_rows):
        """Take one step along the gradient in `flat.grad`, which belongs to a loss of some rows."""
        step = self.as_step
        step.rate = self.solver.lr  # a callback may have changed it
        rates, weight_sum = step.plan(1)[0], n_rows * self.mean_weight
        with silent():
            if self._is_watched:
                step.take(rates, weight_sum, lambda rates: self.solver.step())
            else:
                step.take(rates, weight_sum)
                self.solver.advance(1)
        self.count(loss * n_rows, n_rows)

    def count(self, loss_sum, n_rows):
        """Take losses of some rows into that of the epoch."""
        self._loss_sum += loss_sum
        self._n_rows += n_rows

    def move_to(self, values, grad, *buffers):
        """Let parameters, gradient and the solver's buffers lie in other vectors."""
        self.flat.move_to(values, grad)
        self.solver.move_to(buffers)
        self._step = None

    def release(self, *, goes_on=False):
        """Let go of what was only needed in training, as `Net.release_data` says."""
        self.solver._own = None
        if not goes_on or len(self.flat.values) > _MOST_KEPT:
            self._step = None

    def __getstate__(self):
        return vars(self) | {"_step": None}  # views of the vectors, which a copy has elsewhere

    # --- the epoch --------------------------------------------------------------------------------

    def begin(self, mean_weight, *, is_padded=None, is_watched=False):
        """Begin a call.

        Parameters
        ----------
        mean_weight : float
            Mean weight of the rows.
        is_padded : bool, default=None
            Whether rows may be padded, which layers with an `is_padded` are told until `settle`.
        is_watched : bool, default=False
            Whether Torch's schedulers and profilers may look on: only the solver's `step` tells them.
        """
        self.mean_weight = mean_weight
        self._tell_padding(is_padded)
        self._freeze()
        self.stop_reason = _UNSTOPPED
        self._is_watched = is_watched
        if self.average is not None:
            self.average.resume(self.flat.values)

    def begin_epoch(self, growth):
        """Begin an epoch whose batches are `growth` times as large as those of the first."""
        if self.flat.frozen() != self.frozen:  # a callback may have frozen or released some
            self._freeze()
        self._set_rate(growth)
        self._loss_sum, self._n_rows = 0.0, 0

    def _freeze(self):
        self.frozen = self.flat.frozen()
        if self._step is not None:
            self._step.begin_epoch()

    def rates_ahead(self, n, n_rows):
        """Return the learning rates of n epochs of some rows, of which the first one has begun.

        The batches are all as large as its own.
        """
        rates, growth = [self.solver.lr], self.growth if self.scale_learning_rate else 1.0
        for number in range(1, n):
            rate = self.schedule.rate(self.n_epochs + number, self.n_seen + number * n_rows)
            rates.append(rates[0] if rate is None else rate * growth)
        return rates

    @property
    def n_ahead(self):
        """In how many epochs a lack of progress can end training, at the earliest."""
        return math.inf if self._waits else self.stopping.n_ahead

    @property
    def _waits(self):
        """Whether a lack of progress ends nothing, since the rate will fall."""
        return self.schedule.is_planned and not self.stopping.restores

    def _set_rate(self, growth):
        rate = self.schedule.rate(self.n_epochs, self.n_seen)
        if self.scale_learning_rate:
            # a rate that the solver keeps has grown until the last epoch already
            rate = self.solver.lr / self.growth if rate is None else rate
            rate *= growth
            self.growth = growth
        if rate is not None:
            self.solver.lr = rate

    @property
    def mean_loss(self):
        """Mean loss over the rows of the present epoch, each at the parameters of its step."""
        return float(self._loss_sum) / self._n_rows

    def take_lowest(self, name, losses):
        """Return, of each of some losses, whether it is the lowest of its name so far; remember that."""
        lowest, are_lowest = self.lowest.get(name, math.inf), []
        for loss in losses:
            are_lowest.append(loss < lowest)
            if loss < lowest:
                lowest = loss
        if True in are_lowest:
            self.lowest[name] = lowest
        return are_lowest

    # --- reasons to stop --------------------------------------------------------------------------

    @property
    def is_stopped(self):
        """Whether there is a reason to stop."""
        return self.stop_reason != _UNSTOPPED

    def stop_if_due(self, loss, *, watches_train_loss):
        """Look for a reason to stop after an epoch.

        Parameters
        ----------
        loss : float
            The training loss of the epoch.
        watches_train_loss : bool
            Whether a lack of progress of the training loss counts; else that on validation data alone.

        Returns
        -------
        str or None
            What there is to tell about a lack of progress.
        """
        stopping = self.stopping
        if not math.isfinite(loss) and not self.flat.is_finite():  # nothing finite comes of these
            self.stop_reason = "diverged"
            return None
        if self.is_stopped or not (watches_train_loss or stopping.restores):
            return None
        if self._waits or not stopping.is_exhausted:
            return None
        message = stopping.describe()
        if self.schedule.is_adaptive and self.solver.lr > _LOWEST_ADAPTIVE_RATE:
            self.solver.lr /= 5
            stopping.count = 0
            return f"{message} Setting learning rate to {self.solver.lr:f}"
        self.stop_reason = "converged"
        return f"{message} Stopping."

    # --- states of the parameters -----------------------------------------------------------------

    def averaged(self, batches):
        """Return a context with the averaged parameters in place, where there is an average.

        Batch normalisation takes the statistics of the averaged network from the batches.
        """
        if self.average is None:
            return nullcontext()
        return self.average.swapped_in(self.flat.values, self.module, batches, self.seeded)

    def settle(self):
        """Get ready to predict, with the best parameters where `stopping` keeps them."""
        if self.stopping.restores and self.stopping.best_state is not None:
            self.restore(self.stopping.best_state)
        self._tell_padding(None)
        if self.module.training:
            self.module.eval()

    def _tell_padding(self, is_padded):
        self.is_padded = is_padded
        for layer in self._readers:
            layer.is_padded = is_padded

    def snapshot(self, values=None):
        """Return a copy of the parameters (or of `values`, which they have been) and buffers."""
        values = self.flat.values if values is None else values
        return values.clone(), [b.detach().clone() for b in self.module.buffers()]

    @torch.no_grad()
    def restore(self, snapshot):
        """Put a copy back."""
        values, buffers = snapshot
        self.flat.values.copy_(values)
        for buffer, saved in zip(self.module.buffers(), buffers, strict=True):
            buffer.copy_(saved)
