"""Networks that train as one, on their validation data: the outputs of several at once."""

import numpy as np
import torch

from sknets.training._compiled import Compiled
from sknets.training._gradients import ClosedForm
from sknets.training._motion import silent
from sknets.training._stores import TensorStore
from sknets.training._trial import Trial

#: Values of validation data, over networks, up to which they are kept side by side. With more, the
#: products of one network take so long that several at once gain nothing.
_MOST_VALUES = 2**22


class Trials:
    """What networks of one shape make of their validation data.

    Those with equally many rows are tried at once: then the outputs of each are the same to the last bit
    as those it has alone.

    Parameters
    ----------
    nets : list of Net
        The nets of a stack.
    """

    def __init__(self, nets):
        of_size = {}
        for k, net in enumerate(nets):
            if _can_join(net):
                of_size.setdefault(len(net.valid_rows), []).append(k)
        self._n = len(nets)
        self._groups = [
            (places, _Group([nets[k] for k in places]))
            for n_rows, places in of_size.items()
            if len(places) > 1
            and n_rows * len(places) * nets[0].gradient.plan[0].n_inputs <= _MOST_VALUES
        ]

    def made(self):
        """Return the `Trial` of each network as it is now, None for those that are tried alone."""
        found = [None] * self._n
        for places, group in self._groups:
            for k, raw in zip(places, group.outputs(), strict=True):
                found[k] = Trial(raw)
        return found


def _can_join(net):
    """Return whether all that happens is one walk through the layers, on parameters as they lie there."""
    rows = net.valid_rows
    return (
        rows is not None
        and isinstance(rows.x, TensorStore)
        and len(rows) <= net.rows_at_once
        and net.learner.average is None
        and not net.callbacks_
        and not Compiled.tries(net)
    )


class _Group:
    """Networks with equally many rows; a copy of their parameters, and their rows, lie side by side."""

    def __init__(self, nets):
        self._flats = [net.flat for net in nets]
        self._x = np.stack([net.gradient.encode(net.valid_rows.x.data) for net in nets])
        first = self._flats[0].values
        self._theta = np.empty((len(nets), len(first)), self._x.dtype)
        gradients = [net.gradient for net in nets]
        self._recursion = ClosedForm.recursion_of(gradients, self._theta, self._theta)

    @silent()
    def outputs(self):
        """Yield the raw outputs of each."""
        for row, flat in zip(self._theta, self._flats, strict=True):
            row[...] = flat.values.numpy()
        return map(torch.from_numpy, self._recursion.forward(self._x))
