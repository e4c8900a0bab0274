"""Validation data as machine code takes them, and what networks make of them."""

import numpy as np
import torch

from sknets.training._compiled_parts import behind_each_other, weights_of
from sknets.training._stores import TensorStore
from sknets.training._trial import Trial

#: Values of room, and of raw outputs and parameters that are written at once.
_MOST_VALUES = 2**22


def are_few(net):
    """Whether the validation data of a net, if it has some, are tried in one piece that is not large."""
    rows, plan = net.valid_rows, net.gradient.plan
    n_values = plan[0].n_inputs + 5 * sum(layer.n_units for layer in plan)
    return (
        rows is not None
        and isinstance(rows.x, TensorStore)
        and len(rows) <= net.rows_at_once
        and len(rows) * n_values <= _MOST_VALUES
    )


def arrays_of(gradient, rows):
    """Return inputs, targets as numbers, and weights or None, of the validation data of a network."""
    weight = None if rows.weight is None else rows.weight.numpy()[:, None]
    return gradient.encode(rows.x.data), gradient.as_numbers(rows.y), weight


class CompiledTrials:
    """The validation data of K networks, and what they make of them.

    Parameters
    ----------
    nets : list of Net
        The nets.
    are_tried : list of bool
        Which of them are tried in machine code.
    dtype : dtype
        Type of their numbers.

    Attributes
    ----------
    sizes : list of int
        Rows of each network; none of those that are not tried here.
    n_values : int
        Values that are written at the end of an epoch, of all networks.
    arrays : tuple
        The data as `descend` takes them.
    """

    def __init__(self, nets, are_tried, dtype):
        nothing = [np.empty((0, n), dtype) for n in _widths(nets[0])]
        data = [
            arrays_of(net.gradient, net.valid_rows) if is_tried else (*nothing, None)
            for net, is_tried in zip(nets, are_tried, strict=True)
        ]
        columns = [x for x, _, _ in data], [y for _, y, _ in data], weights_of(data)
        (x, y, weight), places = behind_each_other(*columns)
        wholes = (np.ascontiguousarray(whole, dtype) for whole in (x, y, weight))
        self.sizes = [len(x) for x, _, _ in data]
        self.arrays = (*wholes, np.array(places), np.array(self.sizes))
        self._n_outputs = y.shape[1]
        is_kept = any(net.stopping.restores for net in nets) and any(are_tried)
        self._n_parameters = len(nets[0].flat.values) if is_kept else 0
        self.n_values = len(nets) * (max(self.sizes) * self._n_outputs + self._n_parameters)

    def without_rows(self):
        """Return the data as `descend` takes them where nobody is to be tried: none have rows."""
        return (*self.arrays[:4], np.zeros_like(self.arrays[4]))

    def make_outcomes(self, n):
        """Make room for n epochs, as `descend` takes it: new, since callbacks may keep what is there."""
        n_nets, n_rows = len(self.sizes), max(self.sizes)
        dtype = self.arrays[0].dtype
        self._outcomes = (
            np.empty((n_nets, n, n_rows, self._n_outputs), dtype),
            np.empty((n_nets, n)),
            np.empty((n_nets, n, self._n_parameters), dtype),
        )
        return self._outcomes

    def made(self, n):
        """Return the `Trial` of each of the first n epochs for each network, None for what was none."""
        return [
            [None] * n if size == 0 else self._made_by(k, size, n)
            for k, size in enumerate(self.sizes)
        ]

    def _made_by(self, k, size, n):
        raws, losses, values = (of_all[k, :n] for of_all in self._outcomes)
        of_each = torch.from_numpy(raws[:, :size]).unbind(), losses.tolist()
        if self._n_parameters == 0:
            return [Trial(raw, loss) for raw, loss in zip(*of_each, strict=True)]
        values = torch.from_numpy(values).unbind()
        return [Trial(raw, loss, own) for raw, loss, own in zip(*of_each, values, strict=True)]


def _widths(net):
    plan = net.gradient.plan
    return plan[0].n_inputs, plan[-1].n_units
