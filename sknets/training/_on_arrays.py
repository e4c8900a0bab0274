"""The steps of networks that train as one, on NumPy: all at once, batch by batch."""

import numpy as np

from sknets.training._feed import Feed
from sknets.training._gradients import ClosedForm
from sknets.training._motion import silent
from sknets.training._trials import Trials


class OnArrays:
    """The steps of K networks of one shape, each of which all take together.

    Parameters
    ----------
    nets : list of Net
        The nets.
    step : Step
        Their steps.

    Attributes
    ----------
    most_epochs : int
        Epochs that can be taken at once.
    n_steps : list of int
        Steps that each has taken since `restart`.
    totals : ndarray of shape (K, 1)
        The sums of the losses of rows.
    """

    most_epochs = 1

    def __init__(self, nets, step):
        self._n_steps = 0
        self._nets, self._step = nets, step
        self._sources = self._feed = self._recursion = self._trials = None
        self.totals = np.zeros((len(nets), 1))

    def take(self, sources):
        """Get ready for the batches of some `ArraySources`."""
        if sources is not self._sources:
            self._sources, self._feed = sources, Feed(sources, self._step.column)

    def restart(self):
        """Count steps from zero."""
        self._n_steps = 0

    @property
    def n_steps(self):
        return [self._n_steps] * len(self._nets)

    @silent()
    def run_epochs(self, sources, n, lrs):
        """Take the steps of an epoch, at the learning rates that the solvers have."""
        self._make_recursion()
        step, recursion = self._step, self._recursion
        mean_weight = step.column([net.learner.mean_weight for net in self._nets])
        plan, totals = step.plan(sources.n_batches), 0.0
        try:
            for (x, y, weight, size, missing), bits in zip(
                self._feed.batches(), recursion.draw(sources.sizes), strict=False
            ):
                loss, _ = recursion.fill(x, y, weight, size, missing, bits)
                weight_sum = size * mean_weight
                loss = loss + step.add_penalty(weight_sum)
                step.take(plan[self._n_steps], weight_sum)
                totals += loss * (size if isinstance(size, float) else size[:, 0])
                self._n_steps += 1
        finally:
            self.totals = np.broadcast_to(totals, len(self._nets))[:, None]

    def release(self):
        """Let go of the rows."""
        self._sources = self._feed = None

    def trials(self, n):
        """Return what each network makes of its validation data, as `Compiled.trials` does."""
        if self._trials is None:
            self._trials = Trials(self._nets)
        return [[trial] for trial in self._trials.made()]

    def _make_recursion(self):
        if self._recursion is None:
            (first, *others) = gradients = [net.gradient for net in self._nets]
            theta, grad = self._step.theta, self._step.grad
            self._recursion = (
                ClosedForm.recursion_of(gradients, theta, grad) if others else first.recursion
            )
