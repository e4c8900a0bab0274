"""Descent in steps: epochs of mini-batches."""

import math

from sknets.training._batches import Batches
from sknets.training._method import Method
from sknets.training._stack import can_stack, run_together


class Descent(Method):
    """Epochs of steps, one for each mini-batch.

    Parameters
    ----------
    solver : callable
        ``solver(theta, lr)`` makes the `Solver`.
    shuffle : bool, default=True
        Whether rows are shuffled in each epoch.
    batch_growth : float, default=1.0
        Factor by which the batch size grows with each epoch.
    """

    counts_rows = True
    walks_batches = True
    watches_train_loss = True
    advice: dict = {}

    def __init__(self, solver, *, shuffle=True, batch_growth=1.0):
        self.solver = solver
        self.shuffle = shuffle
        self.batch_growth = batch_growth

    def make_solver(self, theta, lr):
        """Make the solver of a learner."""
        return self.solver(theta, lr)

    def run(self, net, rows, epochs):
        """Step over the batches, epoch by epoch."""
        if can_stack(net, rows):
            (error,) = run_together([net], [rows], [epochs])
            if error is not None:
                raise error
            return
        batches = net.get_iterator(rows, training=True)
        for _ in range(epochs):
            started = self.begin_epoch(net, rows)
            batches.batch_size = net.present_batch_size
            net.run_single_epoch(batches, True, "train", net.train_step)
            if net.end_epoch(rows, net.learner.mean_loss, started):
                return

    def begin_epoch(self, net, rows):
        """Begin an epoch of a net, whose batches may have grown; return the time."""
        started, learner = net.begin_epoch(rows), net.learner
        first_size = min(net.batch_size, len(rows))
        net.present_batch_size = self.grown(first_size, len(rows), learner.n_epochs)
        learner.begin_epoch(net.present_batch_size / first_size)
        return started

    def grown(self, first_size, n_rows, n_epochs):
        """Return the batch size after some epochs; all rows are the largest."""
        if self.batch_growth == 1:
            return first_size
        # in logarithms: the power itself would overflow
        growth = n_epochs * math.log(self.batch_growth)
        if growth >= math.log(n_rows / first_size):
            return n_rows
        return round(first_size * math.exp(growth))

    def settle(self, net, rows):
        """Leave the average of the iterates, where there is one."""
        learner = net.learner
        if learner.average is not None:
            batches = Batches(rows, net.batch_size)
            learner.average.settle(learner.flat.values, learner.module, batches)
