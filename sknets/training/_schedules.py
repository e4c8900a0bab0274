"""Learning-rate schedules: the learning rate as a function of the epoch.

Each schedule is a plain function of how far training has come, so that it can be drawn, tested and
resumed without state. ``adaptive`` reacts to the loss instead; `Stopping` tells it when.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

SCHEDULES = (
    "constant",
    "invscaling",
    "adaptive",
    "step",
    "exponential",
    "cosine",
    "one_cycle",
)

# One-cycle (Smith and Topin, 2019), with torch.optim.lr_scheduler.OneCycleLR's constants.
_WARM_UP, _START, _END = 0.3, 1 / 25, 1 / 25e4


@dataclass
class Schedule:
    """The learning rate of each epoch.

    Parameters
    ----------
    name : str or callable
        One of `SCHEDULES`, or a function of the epoch (counted from 0) that returns the rate.
    initial : float
        `learning_rate_init`: the first rate; for "one_cycle" the highest.
    max_iter : int
        Number of epochs over which "cosine" and "one_cycle" run.
    power_t : float, default=0.5
        Exponent of "invscaling".
    decay_rate : float, default=0.1
        Factor of "step" and "exponential".
    decay_epochs : float or None, default=None
        Epochs in which "step" and "exponential" apply the factor once. None: a third of
        `max_iter` for "step", all of it for "exponential".
    """

    name: str | Callable[[int], float]
    initial: float
    max_iter: int
    power_t: float = 0.5
    decay_rate: float = 0.1
    decay_epochs: float | None = None

    @property
    def is_planned(self):
        """Whether the schedule brings the rate down by `max_iter`, so that ending there is no failure."""
        return self.name in ("step", "exponential", "cosine", "one_cycle")

    @property
    def is_known(self):
        """Whether the rates of all epochs are known before, and nobody's own function tells them."""
        return not (callable(self.name) or self.is_adaptive)

    @property
    def is_adaptive(self):
        """Whether the rate falls when the loss does no more."""
        return self.name == "adaptive"

    def rate(self, epoch, n_seen):
        """Return the learning rate, or None where the solver keeps its own.

        Parameters
        ----------
        epoch : int
            Epochs done before this one.
        n_seen : int
            Rows seen before this epoch.
        """
        if callable(self.name):
            value = self.name(epoch)
            rate = float(value) if isinstance(value, Real) else math.nan
            if not (math.isfinite(rate) and rate >= 0):
                raise ValueError(
                    f"learning_rate={self.name!r} returned {value!r} for epoch {epoch}; "
                    "it must return a finite number that is not negative."
                )
            return rate
        if self.name in ("constant", "adaptive"):
            return None
        return self.initial * getattr(self, f"_{self.name}")(epoch, n_seen)

    def _invscaling(self, epoch, n_seen):
        return 1.0 / (n_seen + 1) ** self.power_t

    def _step(self, epoch, n_seen):
        return self.decay_rate ** (epoch // (self.decay_epochs or max(self.max_iter / 3, 1)))

    def _exponential(self, epoch, n_seen):
        return self.decay_rate ** (epoch / (self.decay_epochs or self.max_iter))

    def _cosine(self, epoch, n_seen):
        return 0.5 * (1 + math.cos(math.pi * min(epoch / self.max_iter, 1.0)))

    def _one_cycle(self, epoch, n_seen):
        peak = _WARM_UP * self.max_iter - 1
        last = self.max_iter - 1
        if epoch <= peak:
            return _anneal(_START, 1.0, epoch / peak)
        return _anneal(1.0, _END, min((epoch - peak) / max(last - peak, 1), 1.0))


def _anneal(start, end, progress):
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * progress))
