"""How long the rest of a training will take."""

from collections import deque
from time import perf_counter

_N_EPOCHS = 10  # whose mean counts


class Pace:
    """The epochs of a call that may still come, and the time between the last ones.

    Parameters
    ----------
    n_epochs : int
        Largest number of epochs.
    """

    def __init__(self, n_epochs):
        self.n_left = n_epochs
        self._times = deque([perf_counter()], maxlen=_N_EPOCHS + 1)

    def end_epoch(self):
        """Note that an epoch is over."""
        self.n_left -= 1
        self._times.append(perf_counter())

    @property
    def seconds(self):
        """Mean time of the last epochs, with all that came between them."""
        return (self._times[-1] - self._times[0]) / (len(self._times) - 1)

    def describe(self):
        """Return what is left at most, in words; None where it is less than a second."""
        left = self.n_left * self.seconds
        if left < 1.0:
            return None
        each = f"{self.seconds:.2g}" if self.seconds < 10 else f"{self.seconds:.0f}"
        what = "1 iteration" if self.n_left == 1 else f"{self.n_left} iterations"
        return f"Time left: at most {_in_words(left)} ({what} of {each} s)"


def _in_words(seconds):
    """Return a time in its two largest units."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
