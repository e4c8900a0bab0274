"""Descent in steps: epochs of mini-batches."""

import math

from sknets.training._batches import Batches
from sknets.training._method import Method


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
        learner = net.learner
        batches = net.get_iterator(rows, training=True)
        first_size = batches.batch_size
        for _ in range(epochs):
            started = net.begin_epoch(rows)
            batches.batch_size = self.grown(first_size, len(rows), learner.n_epochs)
            learner.begin_epoch(batches.batch_size / first_size)
            net.run_single_epoch(batches, True, "train", net.train_step)
            if net.end_epoch(rows, learner.mean_loss, started):
                return

    def grown(self, first_size, n_rows, n_epochs):
        """Return the batch size after some epochs; all rows are the largest."""
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
