"""When to stop: no progress for a while, on the training loss or on validation data."""

import math


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

    def update(self, value, keep):
        """Take the value of an epoch; NaN is no progress.

        Parameters
        ----------
        value : float
            The monitored value.
        keep : callable
            Called without arguments when the value is the best so far and `restores` is true.
        """
        # every comparison with NaN is false, so NaN is no progress and never the best
        gain = self.sign * (value - self.best)
        self.count = 0 if gain >= self.tol else self.count + 1
        if gain > 0:
            self.best = value
            if self.restores:
                self.best_state = keep()

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
