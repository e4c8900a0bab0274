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

from sknets.training._turns import without_lock

#: Values of inputs that are copied, at most, to lie behind those of other networks, or row by row.
_MOST_COPIED = 2**27

#: Multiply-adds that are done at a time, for Ctrl-C waits for them, and random words that are drawn before.
_MOST_ADDS = 2**31
_MOST_WORDS = 2**18

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
    most_epochs : int
        Epochs that can be taken at once.
    n_steps : int
        Steps taken in the last call.
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
        self._n_dropped = [layer.n_units for layer in nets[0].gradient.plan if layer.dropout]
        self._dropout_rates = self._sources = None
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
        self._rows = x, y, labels, weight, np.array([x_places, y_places]).T.copy()
        self._n_rows = [len(x) if sources.shuffles else 0 for x, _, _ in data]
        self._sizes = sizes = np.array(sources.sizes)
        self._room = np.empty(self._n_values * sizes.max(), self._dtype)
        # 16 bits for each unit, in words of 64: of each batch, network and layer
        self._n_words = -(-sizes[:, :, None] * np.array(self._n_dropped, int) // 4)
        self._n_adds = int(sizes.sum()) * self._vectors[0].shape[1]
        n_words = max(int(self._n_words.sum()), 1)
        self.most_epochs = max(1, min(_MOST_ADDS // self._n_adds, _MOST_WORDS // n_words))
        self._sources, self._n_epochs = sources, None
        return True

    def run_epochs(self, sources, n):
        """Take the steps of some epochs.

        Parameters
        ----------
        sources : Sources
            What `take` has taken.
        n : int
            How many: `most_epochs` or less.

        Returns
        -------
        ndarray of shape (K, n)
            The sums of the losses of rows.
        """
        self.n_steps = 0
        if n != self._n_epochs:
            self._n_epochs, self._parts = n, self._cut(n)
        n_steps = n * sources.n_batches
        rates = self._step.motion.look_ahead(n_steps).transpose(2, 1, 0)
        rates = rates.astype(self._dtype, order="C")
        self._strengths[:, self._code.RATE] = [net.learner.solver.lr for net in self._nets]
        self._look_at_dropout()
        totals = np.zeros((len(self._nets), n))
        for part in self._parts:
            self._draw(part)
            with without_lock():
                self._code.descend(
                    *self._equations,
                    *self._rows,
                    part.orders,
                    part.starts,
                    part.sizes,
                    part.epochs,
                    *self._vectors,
                    rates[part.steps],
                    self._strengths,
                    part.bits,
                    part.places,
                    *self._kept,
                    self._room,
                    totals,
                )
            self.n_steps = part.steps.stop
        return totals

    def _cut(self, n):
        """Return what is done in each call for n epochs; one of many rows may be several calls."""
        n_batches = len(self._sizes)
        n_parts = max(self._n_adds / _MOST_ADDS, self._n_words.sum() / _MOST_WORDS, 1.0)
        most = max(1, int(n_batches / n_parts)) if n == 1 else n_batches
        n_rows, starts, orders = max(self._n_rows), np.array(self._sources.starts), None
        if n_rows:
            orders = torch.empty(len(self._nets), n, n_rows, dtype=torch.int64)
        return [
            _Part(slice(first, first + most), n, starts, self._sizes, self._n_words, orders)
            for first in range(0, n_batches, most)
        ]

    def _draw(self, part):
        """Draw as each network would alone: the order of an epoch, and what is dropped in it."""
        for k, (net, n) in enumerate(zip(self._nets, self._n_rows, strict=True)):
            generator = net.learner.generator
            fill = self._dropouts[k][0].fill if self._dropouts[k] else None
            for order, words in zip(part.orders_of[k], part.words_of[k], strict=True):
                if order is not None:
                    torch.randperm(n, generator=generator, out=order)
                if fill is not None:
                    fill(words)

    def _look_at_dropout(self):
        """Take the rates of dropout as they are: a callback may change them."""
        rates = [[dropout.p for dropout in of_net] for of_net in self._dropouts]
        if rates != self._dropout_rates:
            self._dropout_rates = rates
            limits = [[dropout.limit for dropout in of_net] for of_net in self._dropouts]
            scales = [[1.0 / dropout.keep for dropout in of_net] for of_net in self._dropouts]
            self._kept = np.array(limits, np.uint16), np.array(scales, self._dtype)


class _Part:
    """Steps that are taken in one call, and room for the random numbers that they need.

    Parameters
    ----------
    batches : slice
        Which batches of an epoch; where there are several epochs, all of them.
    n_epochs : int
        In how many epochs they lie.
    starts : ndarray of int of shape (n_batches,)
        Where each batch begins.
    sizes : ndarray of int of shape (n_batches, K)
        Its rows.
    n_words : ndarray of int of shape (n_batches, K, n_dropping)
        Its words of random bits.
    orders : torch.Tensor of shape (K, n_epochs, n), or None
        Room for the orders of rows, if they are shuffled.

    Attributes
    ----------
    steps : slice
        Which of the steps of these epochs.
    starts, sizes, epochs, orders, bits, places
        As `descend` takes them.
    orders_of, words_of : list of list of {torch.Tensor, None}
        For each network and epoch, where its order is to be drawn, if it is now; and its words.
    """

    def __init__(self, batches, n_epochs, starts, sizes, n_words, orders):
        n_batches, n_nets = sizes[batches].shape
        self.steps = slice(batches.start, batches.start + n_epochs * n_batches)
        self.starts = np.tile(starts[batches], n_epochs)
        self.sizes = np.tile(sizes[batches], (n_epochs, 1))
        self.epochs = np.repeat(np.arange(n_epochs), n_batches)
        self.orders_of = [[None] * n_epochs] * n_nets
        if orders is None:
            self.orders = np.empty((n_nets, n_epochs, 0), np.int64)
        else:
            self.orders = orders.numpy()
            if batches.start == 0:
                self.orders_of = [of_net.unbind() for of_net in orders]
        self._make_words(n_words[batches], n_epochs)

    def _make_words(self, n_words, n_epochs):
        n_batches, n_nets, n_layers = n_words.shape
        of_net = n_words.swapaxes(0, 1).reshape(n_nets, -1)
        stops = of_net.cumsum(axis=1)
        n_each = stops[:, -1].tolist() if n_layers else [0] * n_nets
        words = torch.empty(n_nets, n_epochs, max(n_each), dtype=torch.int64)
        self.bits = words.numpy().view(np.uint16).reshape(n_nets, -1)
        self.words_of = [[None] * n_epochs] * n_nets
        if n_layers:
            self.words_of = [row[:, :n].unbind() for row, n in zip(words, n_each, strict=True)]
        places = (stops - of_net).reshape(n_nets, n_batches, n_layers).swapaxes(0, 1)
        of_epochs = max(n_each) * np.arange(n_epochs)[:, None, None, None]
        self.places = 4 * (of_epochs + places).reshape(n_epochs * n_batches, n_nets, n_layers)


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
