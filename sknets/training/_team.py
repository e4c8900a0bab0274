"""Processes that train one network together: each has its own copy, and takes a share of every batch."""

import hashlib
import math
from contextlib import contextmanager

import torch
import torch.distributed as dist

from sknets.training._batches import collect

#: Relative difference up to which numbers of several processes count as the same: on unlike processors
#: they differ in the last digits.
_NEAR = 1e-6


class TeamError(RuntimeError):
    """A process of a team has ended, or does not answer."""


class Team:
    """What a process knows of those it trains with, of the default group of `torch.distributed`.

    Parameters
    ----------
    device : torch.device
        Where messages of plain objects lie.

    Attributes
    ----------
    n_trainings : int
        How many networks it has trained.
    """

    n_trainings = 0

    def __init__(self, device):
        self.rank = dist.get_rank()
        self.size = dist.get_world_size()
        self._device = device

    def share(self, n_rows):
        """Return the rows of a batch that are this process's, as a slice; there may be none."""
        return slice(n_rows * self.rank // self.size, n_rows * (self.rank + 1) // self.size)

    def add(self, vector):
        """Put the sum over all processes in the place of a vector."""
        with _answers():
            dist.all_reduce(vector)

    def first(self, thing):
        """Return what the first process has handed in."""
        things = [thing]
        with _answers():
            dist.broadcast_object_list(things, 0, device=self._device)
        return things[0]

    def take_first(self, vector):
        """Put that of the first process in the place of a vector."""
        with _answers():
            dist.broadcast(vector, 0)

    def all(self, thing):
        """Return what each process has handed in."""
        things = [None] * self.size
        with _answers():
            dist.all_gather_object(things, thing)
        return things

    def rows_of_all(self, raw, n_rows):
        """Return the raw outputs of all rows, of which each process has those of its share."""
        whole = collect(self.all(raw.cpu()), n_rows)
        return whole.to(raw.device)


@contextmanager
def _answers():
    try:
        yield
    except RuntimeError as error:  # of which Torch's are: a connection is closed, or time is over
        (reason, *_) = str(error).splitlines() or [""]
        raise TeamError(
            "Another process of this fit has ended, or has not answered in time; this one ends, too. "
            f"Look for the first error among the processes, and fit again. Torch says: {reason}"
        ) from error


# --- do all have the same before them? -------------------------------------------------------------


def check_alike(team, net, rows, epochs):
    """Raise ValueError unless all processes begin the same training on the same data."""
    all_values = team.all(_values(net, rows, epochs))
    for name, remedy in _REMEDIES.items():
        values = [of_process[name] for of_process in all_values]
        if not all(_is_near(value, values[0]) for value in values):
            raise ValueError(
                f"{name} differs between the processes of this fit, which all need the same. {remedy}"
            )


_REMEDIES = {
    "random_state": "Give an int, as random_state=0.",
    "X": "Let each process have all rows, in the same order: it takes its share of each batch itself.",
    "y": "Let each process have all rows, in the same order: it takes its share of each batch itself.",
    "sample_weight": "Let each process have the weights of all rows.",
    "max_iter or batch_size": "Give the estimators of all processes the same parameters.",
    "the network": "Give the estimators of all processes the same parameters, and the same first fit.",
}


def _values(net, rows, epochs):
    few = slice(0, min(len(rows), 64))
    weight = rows.weight
    state = net.learner.generator.get_state().numpy().tobytes()
    values = net.flat.values
    return {
        "random_state": hashlib.blake2b(state).hexdigest(),
        "X": (*rows.x.shape, _total(rows.x.take(few))),
        "y": (len(rows), _total(rows.y)),
        "sample_weight": (rows.mean_weight, 0.0 if weight is None else _total(weight * weight)),
        "max_iter or batch_size": (epochs, net.batch_size),
        "the network": (len(values), float(values.abs().double().sum())),
    }


def _total(values):
    values = values.to_dense() if values.is_sparse else values
    weights = torch.linspace(1.0, 2.0, values.numel(), dtype=torch.float64)  # rows in another order
    return float(torch.nansum(values.detach().cpu().double().flatten() * weights))


def _is_near(value, other):
    if isinstance(value, tuple):
        pairs = zip(value, other, strict=False)
        return len(value) == len(other) and all(_is_near(*pair) for pair in pairs)
    if isinstance(value, str):
        return value == other
    return math.isclose(value, other, rel_tol=_NEAR, abs_tol=_NEAR)
