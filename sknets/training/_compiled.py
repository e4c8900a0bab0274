"""Steps in machine code: which networks take theirs so, and what is handed over for an epoch.

numba makes the code, an extra (``pip install 'sknets[fast]'``). Where it is installed, dense networks with
the activations, losses and solvers below use it by themselves; all others, and all where it is not, take
their steps on NumPy. Both ways are the same equations, and differ by rounding. `NUMBA_DISABLE_JIT=1`, which
is numba's own switch, chooses NumPy.
"""

import functools
import importlib.util
import math
import warnings

import numpy as np
import torch

from sknets.training._draws import Draws

#: Values of inputs that are copied, at most, to lie behind those of other networks, or row by row.
_MOST_COPIED = 2**27

#: Multiply-adds that are done at a time: Ctrl-C waits for them.
_MOST_AT_ONCE = 2**31

_NO_CLASSES = np.empty(0, np.int64)


@functools.cache
def machine_code():
    """Return the module with the compiled functions, or None where there is no numba."""
    if importlib.util.find_spec("numba") is None:
        return None
    try:
        import numba

        if numba.config.DISABLE_JIT:
            return None
        from sknets.training import _machine_code
    except Exception as error:
        warnings.warn(
            f"numba is installed, but cannot be used, so networks train on NumPy: {error}",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    return _machine_code


class Compiled:
    """The steps of K networks that train as one, in machine code.

    Each takes its steps by itself, so that what it learns does not depend on the others.

    Parameters
    ----------
    nets : list of Net
        Nets for which `serves` is true.
    step : Step
        Their steps on NumPy, which hold parameters, gradients and buffers.

    Attributes
    ----------
    n_steps : int
        Steps taken in the present epoch.
    """

    def __init__(self, nets, step):
        self._code, self._nets, self._step = machine_code(), nets, step
        (learner, *_), criterion = [net.learner for net in nets], nets[0].criterion_
        vectors = step.theta, step.grad, *step.motion.buffers
        self._vectors = [np.atleast_2d(array) for array in vectors]
        self._vectors += [self._vectors[1]] * (4 - len(vectors))  # for what the solver has not
        self._dtype = step.theta.dtype
        layers, self._n_values = _lay_out(nets[0], self._code)
        loss, parameter = self._code.LOSSES[type(criterion)]
        self._equations = (
            layers,
            loss,
            self._dtype.type(0.0 if parameter is None else getattr(criterion, parameter)),
            self._code.SOLVERS[type(learner.solver)],
            learner.flat.n_weights,
            learner.penalty.decoupled,
        )
        self._strengths = np.array([_strengths_of(net.learner) for net in nets], self._dtype)
        self._dropouts = [
            [layer.dropout for layer in net.gradient.plan if layer.dropout is not None]
            for net in nets
        ]
        self._draws, self._dropout_rates, self._sources = None, None, None
        if self._dropouts[0]:
            n_units = [layer.n_units for layer in nets[0].gradient.plan if layer.dropout is not None]
            self._draws = Draws([of_net[0] for of_net in self._dropouts], n_units)
        self.n_steps = 0

    @staticmethod
    def serves(net):
        """Whether the equations of a net, for which `can_stack` is true, are there in machine code."""
        code, learner = machine_code(), net.learner
        return (
            code is not None
            and type(net.criterion_) in code.LOSSES
            and type(learner.solver) in code.SOLVERS
            and learner.average is None
            and learner.flat.values.dtype in (torch.float32, torch.float64)
            and all(
                layer.kind == "linear" and layer.activation in code.ACTIVATIONS
                for layer in net.gradient.plan
            )
        )

    def take(self, sources):
        """Get ready for the batches of some `Sources`; return whether they can be taken."""
        if sources is self._sources:
            return True
        data, x = sources.data, sources.data[0][0]
        n_copied = sum(x.size for x, _, _ in data)
        is_lent = len(data) == 1 and x.flags.c_contiguous
        if any(sources.encoders) or (n_copied > _MOST_COPIED and not is_lent):
            return False
        (x,), x_places = _behind_each_other([x for x, _, _ in data])
        (y, weight), y_places = _behind_each_other([y for _, y, _ in data], _weights_of(data))
        y, labels = (y, _NO_CLASSES) if sources.codes is None else (sources.codes, y)
        places = np.array([x_places, y_places]).T.copy()
        n_rows = [len(x) if sources.shuffles else 0 for x, _, _ in data]
        orders = torch.zeros(len(data), max(n_rows), dtype=torch.int64)
        self._orders = [order[:n] for order, n in zip(orders, n_rows, strict=True)]
        self._rows = x, y, labels, weight, places, orders.numpy()
        self._starts, self._sizes = np.array(sources.starts), np.array(sources.sizes)
        self._room = np.empty(self._n_values * self._sizes.max(), self._dtype)
        self._sources = sources
        return True

    def run_epoch(self, sources):
        """Take the steps of an epoch; return the sum of the losses of the rows of each network."""
        self.n_steps = 0
        rates = self._step.motion.look_ahead(sources.n_batches).transpose(2, 1, 0)
        rates = rates.astype(self._dtype, order="C")
        self._strengths[:, self._code.RATE] = [net.learner.solver.lr for net in self._nets]
        self._look_at_dropout()
        if sources.shuffles:
            sources.draw_orders(self._orders)
        totals = np.zeros(len(self._nets))
        for n, bits, places in self._parts():
            part = slice(self.n_steps, self.n_steps + n)
            self._code.descend(
                *self._equations,
                *self._rows,
                self._starts[part],
                self._sizes[part],
                *self._vectors,
                rates[part],
                self._strengths,
                bits,
                places,
                *self._kept,
                self._room,
                totals,
            )
            self.n_steps += n
        return totals

    def _parts(self):
        """Yield how many steps to take at a time, and the random bits for them with their places."""
        n_batches, n_nets = self._sizes.shape
        if self._draws is not None:
            for block in self._draws.blocks(self._sizes.tolist()):
                yield len(block.places), block.bits, block.places
            return
        n_adds = int(self._sizes[0].sum()) * self._vectors[0].shape[1]
        most = max(1, _MOST_AT_ONCE // n_adds)
        bits, places = np.empty((n_nets, 0), np.uint16), np.empty((n_batches, 0), np.int64)
        for first in range(0, n_batches, most):
            part = places[first : first + most]
            yield len(part), bits, part

    def _look_at_dropout(self):
        """Take the rates of dropout as they are: a callback may change them."""
        rates = [[dropout.p for dropout in of_net] for of_net in self._dropouts]
        if rates != self._dropout_rates:
            self._dropout_rates, shape = rates, (len(rates), len(rates[0]))
            limits = [[dropout.limit for dropout in of_net] for of_net in self._dropouts]
            scales = [[1.0 / dropout.keep for dropout in of_net] for of_net in self._dropouts]
            self._kept = (
                np.array(limits, np.uint16).reshape(shape),
                np.array(scales, self._dtype).reshape(shape),
            )


def _lay_out(net, code):
    """Return the layers of a net as machine code knows them, and the values that it keeps for a row."""
    plan, places = net.gradient.plan, net.flat.places()
    n_inputs, n_outputs = plan[0].n_inputs, plan[-1].n_units
    layers, n_hidden = np.zeros((len(plan), 8), np.int64), sum(layer.n_units for layer in plan)
    at, n_dropping = n_inputs, 0
    for row, layer in zip(layers, plan, strict=True):
        row[code.N_INPUTS], row[code.N_UNITS] = layer.n_inputs, layer.n_units
        row[code.WEIGHT] = places[id(layer.units.weight)].start
        row[code.BIAS] = places[id(layer.units.bias)].start
        row[code.ACTIVATION] = code.ACTIVATIONS[layer.activation]
        row[code.DROPPING] = -1 if layer.dropout is None else n_dropping
        row[code.OUTPUT], row[code.DELTA] = at, at + n_hidden
        at += layer.n_units
        n_dropping += layer.dropout is not None
    # behind the deltas there are targets and losses, and a weight
    return layers, at + n_hidden + 2 * n_outputs + 1


def _strengths_of(learner):
    """Return the numbers of a learner as they stand in a row of `strengths`, but for the learning rate."""
    norm = math.inf if learner.max_grad_norm is None else learner.max_grad_norm
    return learner.penalty.alpha, learner.penalty.l1_alpha, norm, learner.mean_weight, 0.0


def _weights_of(data):
    """Return the weights of the rows of each network; if none has any, arrays without columns."""
    if all(weight is None for _, _, weight in data):
        return [np.empty((len(x), 0), x.dtype) for x, _, _ in data]
    return [np.ones((len(x), 1), x.dtype) if w is None else w for x, _, w in data]


def _behind_each_other(*columns):
    """Return arrays of several networks behind each other, and where those of each begin.

    Parameters
    ----------
    *columns : list of ndarray
        An array of each network; those of a network have equally many rows. What several networks share
        is there once.

    Returns
    -------
    wholes : list of ndarray
        One for each column, contiguous.
    starts : list of int
        The first row of each network.
    """
    parts, starts, known, n_rows = [], [], {}, 0
    for arrays in zip(*columns, strict=True):
        key = tuple((a.__array_interface__["data"][0], a.shape, a.strides) for a in arrays)
        if key not in known:
            known[key] = n_rows
            parts.append(arrays)
            n_rows += len(arrays[0])
        starts.append(known[key])
    wholes = [
        np.ascontiguousarray(column[0]) if len(column) == 1 else np.concatenate(column)
        for column in zip(*parts, strict=True)
    ]
    return wholes, starts
