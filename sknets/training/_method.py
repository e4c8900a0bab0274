"""What every way to low losses has in common."""

from abc import ABC, abstractmethod


class Method(ABC):
    """How a net trains: in steps (`Descent`), or as a minimiser of the loss of all rows (`Minimizer`).

    A method holds no state of a fit, so that one may serve several nets. It tells the net when an epoch
    begins and ends (`Net.begin_epoch`, `Net.end_epoch`), and works on the net's `learner` and `gradient`.

    Attributes
    ----------
    counts_rows : bool
        Whether the rows of an epoch count as seen, in `t_` and in "invscaling".
    walks_batches : bool
        Whether an epoch is a walk over mini-batches, in steps that several nets can take together.
    watches_train_loss : bool
        Whether a lack of progress of the training loss ends it. Else it has a rule of its own, and
        `Stopping` looks at validation data alone.
    shuffle : bool
        Whether the rows of an epoch come in random order.
    advice : dict of str
        What a user can do about a `stop_reason` that is no success. Fields in braces are parameters of
        the estimator.
    """

    counts_rows: bool
    walks_batches = False
    watches_train_loss: bool
    shuffle: bool
    advice: dict

    @abstractmethod
    def make_solver(self, theta, lr):
        """Make the solver of a learner from its flat parameters and first rate."""

    @abstractmethod
    def run(self, net, rows, epochs):
        """Train for some epochs or until there is a reason to stop.

        Parameters
        ----------
        net : Net
            The initialised net; its `learner` has begun.
        rows : Rows
            Training data.
        epochs : int
            Largest number of epochs.
        """

    @abstractmethod
    def settle(self, net, rows):
        """Leave the parameters and running statistics that the training of these rows has led to."""
