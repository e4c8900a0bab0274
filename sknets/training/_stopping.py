"""When to stop: no progress for a while, on the training loss or on validation data.

A score that counts few rows stays the same for many epochs in which the network still learns: an accuracy
where one class is rare, say. So ties of a score are broken by the validation loss.
"""

import math

_ROUNDING = 1e-12  # in which scores of the same counts may differ


class Stopping:
    """Count the epochs without progress and remember the best one.

    Parameters
    ----------
    tol : float
        Smallest change that counts as progress.
    patience : int or inf
        Training stops when more epochs than this pass without progress (`n_iter_no_change`).
    monitor : {"train_loss", "valid_loss", "valid_score"}
        What is watched. A loss should fall, a score should rise.

    Attributes
    ----------
    best : float
        The best value so far; infinite before the first epoch.
    best_loss : float
        The validation loss of the best epoch, where a score is watched; infinite before the first.
    count : int
        Epochs since the last progress.
    best_state : object
        What `keep` returned at the best epoch; only for the validation monitors.
    """

    def __init__(self, tol, patience, monitor):
        self.tol = tol
        self.patience = patience
        self.monitor = monitor
        self.best = -self.sign * math.inf
        self.best_loss = math.inf
        self.count = 0
        self.best_state = None

    @property
    def sign(self):
        """1 if the monitored value should rise, -1 if it should fall."""
        return 1.0 if self.monitor == "valid_score" else -1.0

    @property
    def restores(self):
        """Whether the best weights are put back at the end."""
        return self.monitor != "train_loss"

    def update(self, value, keep, valid_loss=math.nan):
        """Take the value of an epoch; NaN is no progress.

        Of two epochs with the same score, the one with the lower validation loss is better; a loss that
        falls by `tol` while the score stays at its best is progress.

        Parameters
        ----------
        value : float
            The monitored value.
        keep : callable
            Called without arguments when the epoch is the best so far and `restores` is true.
        valid_loss : float, default=nan
            The validation loss, which breaks ties of a score. NaN is as bad as infinity.
        """
        self.update_all([value], lambda _: keep(), [valid_loss])

    def update_all(self, values, keep, valid_losses):
        """Take the values of epochs that follow each other, as `update` takes one.

        Parameters
        ----------
        values, valid_losses : sequence of float
            The monitored values, and the validation losses.
        keep : callable
            Called with the number of the best epoch, if one of them is the best so far and `restores` is
            true.
        """
        is_score, sign, tol = self.monitor == "valid_score", self.sign, self.tol
        best, best_loss, count, best_epoch = self.best, self.best_loss, self.count, None
        # every comparison with NaN is false, so NaN is no progress and never the best
        for epoch, value in enumerate(values):
            gain, loss = sign * (value - best), math.inf
            is_better, is_progress = gain > 0, gain >= tol
            if is_score:
                loss = math.inf if math.isnan(valid_losses[epoch]) else valid_losses[epoch]
                if math.isclose(value, best, rel_tol=_ROUNDING):
                    fall = best_loss - loss
                    is_better, is_progress = fall > 0, is_progress or fall >= tol
            count = 0 if is_progress else count + 1
            if is_better:
                best, best_loss, best_epoch = value, loss, epoch
        self.best, self.best_loss, self.count = best, best_loss, count
        if best_epoch is not None and self.restores:
            self.best_state = keep(best_epoch)

    @property
    def place(self):
        """How far it has come, in plain values; setting it goes on from there."""
        return {name: getattr(self, name) for name in ("best", "best_loss", "count")}

    @place.setter
    def place(self, values):
        for name, value in values.items():
            setattr(self, name, value)

    def go_on_from(self, earlier, state):
        """Hold on to the best epoch of an earlier phase, whose state is the one given."""
        self.best, self.best_loss, self.best_state = earlier.best, earlier.best_loss, state

    @property
    def n_ahead(self):
        """In how many epochs patience can run out, at the earliest."""
        return max(1, self.patience - self.count + 1)

    @property
    def is_exhausted(self):
        """Whether patience has run out."""
        return self.count > self.patience

    def describe(self):
        """Say why training stops, in scikit-learn's words."""
        what = {
            "train_loss": "Training loss",
            "valid_loss": "Validation loss",
            "valid_score": "Validation score",
        }[self.monitor]
        return (
            f"{what} did not improve more than tol={self.tol:f} for {self.patience} "
            "consecutive epochs."
        )
