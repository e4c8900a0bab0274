"""One network trained by a team: each process takes its share of every batch, and gradients are added up.

With n rows in a batch, a process that has m of them fills the gradient of its share, ``Σ w·l / m``; times
m / n, and added over all processes, that is the gradient of the batch. All parameters are one vector, so
a step is one message. What follows a gradient is computed by each process alike: penalties, steps and
schedules need no messages.
"""

from contextlib import contextmanager

import torch

from sknets.training._gradients import Gradient
from sknets.training._team import Team, check_alike

_team = None


@contextmanager
def trained_by(team):
    """Let all trainings inside be those of a team, in whichever thread."""
    global _team
    before, _team = _team, team
    try:
        yield
    finally:
        _team = before


def present_team():
    """Return the `Team` that trains, or None."""
    return _team


def train_in_team(team: Team, net, rows, epochs):
    """Train a net together with the other processes of a team, which all call this.

    Raises
    ------
    ValueError
        If the network cannot be trained in shares, or the processes have not the same before them.
    TeamError
        If a process has ended.
    """
    _check(net)
    check_alike(team, net, rows, epochs)
    usual, prints = net.gradient, net.prints_epochs
    net.gradient = SharedGradient(usual, team)
    net.prints_epochs = prints and team.rank == 0
    net.team = team
    try:
        net.partial_fit(rows, epochs=epochs)
        team.n_trainings += 1
        if net.stop_reason == "interrupt":  # the others wait for this one in the middle of a step
            raise KeyboardInterrupt
    finally:
        net.gradient.dismiss()
        net.gradient, net.prints_epochs = usual, prints
        del net.team


class SharedGradient(Gradient):
    """The gradient of a batch, of which this process computes a share.

    Parameters
    ----------
    usual : Gradient
        Whoever computes the gradient of rows.
    team : Team
        The processes.
    """

    def __init__(self, usual, team):
        super().__init__(usual.learner, usual.criterion)
        self.usual = usual
        self.team = team
        # the gradient, and the loss behind it
        self._message = usual.learner.flat.grad.new_empty(len(usual.learner.flat.grad) + 1)
        self._drawing = _drawing_layers(self.learner.module)

    def _fill_rows(self, x, y, weight):
        grad, message, n_rows = self.learner.flat.grad, self._message, len(y)
        own = self.team.share(n_rows)
        n_own = own.stop - own.start
        if n_own == 0:  # whose numbers count nothing, but which draws as the others do
            own = slice(0, 1)
        self._tell(own, n_rows)
        batch = x, y, weight
        if not self.usual.takes_all_rows:
            batch = tuple(None if part is None else cut(part, own) for part in batch)
        state = self._draws_unnoticed()
        loss, raw = self.usual._fill_rows(*batch)
        self._check_draws(state)
        share = n_own / n_rows
        torch.mul(grad, share, out=message[:-1])
        message[-1] = loss * share
        if n_own == 0:
            message.zero_()
        self.team.add(message)
        grad.copy_(message[:-1])
        return message[-1].clone().double(), raw

    def predict(self, x):
        """Return the raw outputs of a batch, of which each process computes a share."""
        n_rows = len(x)
        if n_rows < 2 * self.team.size or self.learner.draws_unseeded:
            return self.usual.predict(x)
        raw = self.usual.predict(cut(x, self.team.share(n_rows)))
        return self.team.rows_of_all(raw, n_rows)

    def dismiss(self):
        """Let the layers draw for the rows they get."""
        self.usual.part = None
        for layer in self._drawing:
            layer.part = None

    def _tell(self, own, n_rows):
        part = (own.start, own.stop, n_rows)
        self.usual.part = part
        for layer in self._drawing:
            layer.part = part

    def _draws_unnoticed(self):
        learner = self.learner
        return learner.device_generator.get_state() if learner.draws_unseeded else None

    def _check_draws(self, state):
        if state is None or torch.equal(state, self.learner.device_generator.get_state()):
            return
        raise ValueError(
            "The module draws random numbers in training (nn.Dropout, say), which several processes "
            "would draw each for itself. Leave its dropout out, or train it in one process."
        )


def cut(x, rows):
    """Return a slice of the rows of a tensor, which may be sparse."""
    if not x.is_sparse:
        return x[rows]
    return x.index_select(0, torch.arange(rows.start, rows.stop, device=x.device)).coalesce()


def _drawing_layers(module):
    return [layer for layer in module.modules() if hasattr(type(layer), "part")]


def _check(net):
    """Raise ValueError if a net cannot be trained in shares."""
    method = net.method
    if not method.walks_batches:
        raise ValueError(
            f"solver={method.name!r} takes all rows for each step and is not shared out among processes. "
            "Use a solver of mini-batches, as solver='adam', or fit in one process."
        )
    if net.callbacks_:
        names = ", ".join(type(callback).__name__ for _, callback in net.callbacks_)
        raise ValueError(
            f"callbacks ({names}) would run in each of several processes. Use callbacks=None, or fit in "
            "one process."
        )
    module = net.learner.module
    was_training = module.training
    module.train()
    learns_statistics = any(
        layer.training and isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)
        for layer in module.modules()
    )
    module.train(was_training)
    if learns_statistics:
        raise ValueError(
            "normalization='batch' takes mean and variance of all rows of a batch, of which each process "
            "sees a share. Use normalization='layer' (or 'group', of maps), or fit in one process."
        )
