"""Steps in machine code: which networks take theirs so, and what is handed over for some epochs.

numba makes the code, an extra (``pip install 'sknets[fast]'``). Where it is installed, dense networks
whose activations, losses and solvers are written there use it by themselves; all others, and all where it
is not, take their steps on NumPy. Both ways are the same equations, and differ by rounding.
``NUMBA_DISABLE_JIT=1``, which is numba's own switch, chooses NumPy.
"""

import functools
import importlib.util
import math
import warnings

import numpy as np
import torch

from sknets.training._compiled_parts import Part, behind_each_other, weights_of
from sknets.training._compiled_trials import CompiledTrials, are_few, arrays_of
from sknets.training._turns import without_lock

#: Values of inputs that are copied, at most, to lie behind those of other networks, or row by row.
_MOST_COPIED = 2**27

#: Multiply-adds, and steps, that are done at a time, since Ctrl-C waits for them.
_MOST_ADDS = 2**29
_MOST_STEPS = 2**14

#: Multiply-adds that take as long as a value of a row does, of which some are exponentials.
_ADDS_OF_VALUE = 4

#: Random words that are drawn before, and rows in the orders.
_MOST_WORDS = 2**18
_MOST_ROWS = 2**20

#: Values that networks leave of their trials on validation data.
_MOST_TRIED = 2**20

#: Values of room up to which it outlasts a part of a training.
_MOST_KEPT = 2**16

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
    gradients : list of ClosedForm
        Those for which `serves` is true.
    step : Step
        Their steps on NumPy, which hold parameters, gradients and buffers.

    Attributes
    ----------
    step : Step
        The same.
    most_epochs : int
        Epochs that can be taken at once.
    n_steps : list of int
        Steps that each has taken since `restart`; one whose losses are no number takes no more epochs.
    totals : ndarray of shape (K, n_epochs)
        The sums of the losses of the rows in its epochs.
    """

    def __init__(self, gradients, step):
        self._code, self.step = machine_code(), step
        learners = self._learners = [gradient.learner for gradient in gradients]
        self._gradient = gradients[0]
        criterion, plan = gradients[0].criterion, gradients[0].plan
        vectors = step.theta, step.grad, *step.motion.buffers
        self._vectors = [np.atleast_2d(array) for array in vectors]
        self._vectors += [self._vectors[1]] * (4 - len(vectors))  # for what the solver has not
        self._dtype = step.theta.dtype
        layers, self._n_values = _layers_of(plan, learners[0].flat.places(), self._code)
        self._criterion = criterion
        self._equations = (
            layers,
            self._code.LOSSES[type(criterion)][0],
            self._code.SOLVERS[type(learners[0].solver)],
            learners[0].flat.n_weights,
            learners[0].penalty.decoupled,
        )
        self._decays = self._equations[-1]
        self._dropouts = [
            [layer.dropout for layer in gradient.plan if layer.dropout is not None]
            for gradient in gradients
        ]
        self._n_dropped = [layer.n_units for layer in plan if layer.dropout is not None]
        self._dropout_rates = self._layout = self._sources = self._valid = None
        self._trials = self._no_trials = None
        self._room, self._n_done = np.empty(0), np.zeros(len(learners), np.int64)
        self.totals = np.zeros((len(learners), 1))
        self.begin()

    def begin(self):
        """Look at what may change from call to call."""
        self._strengths = np.array(list(map(_strengths_of, self._learners)), float)

    @property
    def n_steps(self):
        return self._n_done.tolist()

    @property
    def _loss_parameter(self):
        """The parameter of the loss as it is: a callback may change it."""
        name = self._code.LOSSES[type(self._criterion)][1]
        return self._dtype.type(0.0 if name is None else getattr(self._criterion, name))

    def _make_room(self, n):
        """Return room for what is computed of n rows, and for the weight of a layer."""
        n_weights = self._equations[0][:, [self._code.N_INPUTS, self._code.N_UNITS]].prod(axis=1)
        n_turned = min(n_weights.max(), self._code.MOST_WEIGHTS_TURNED)
        return np.empty(self._n_values * n + n_turned, self._dtype)

    def release(self):
        """Let go of the rows, and of room that is large."""
        self._sources = self._rows = self._valid = self._trials = None
        if self._room.size > _MOST_KEPT:
            self._layout, self._room, self._parts = None, np.empty(0), None

    @staticmethod
    def serves(gradient):
        """Whether the equations of a gradient are there in machine code."""
        code, learner = machine_code(), gradient.learner
        return (
            code is not None
            and hasattr(gradient, "plan")
            and type(gradient.criterion) in code.LOSSES
            and type(learner.solver) in code.SOLVERS
            and learner.average is None
            and learner.flat.values.dtype in (torch.float32, torch.float64)
            and all(
                layer.kind == "linear"
                and layer.activation in code.ACTIVATIONS
                and (layer.dropout is None or layer.dropout.generator is learner.generator)
                for layer in gradient.plan
            )
        )

    @classmethod
    def tries(cls, net):
        """Whether a net is tried on its validation data in machine code."""
        has_rows = net.valid_rows is not None
        return has_rows and cls.serves(net.gradient) and not net.learner.frozen and are_few(net)

    @classmethod
    def compile_for(cls, net):
        """Let the machine code be there before the steps of a net are timed, if it takes them so."""
        gradient = getattr(net.gradient, "usual", net.gradient)  # of a team's
        if not gradient.is_compiled and net.method.walks_batches and cls.serves(gradient):
            machine_code().compile_for(np.dtype(str(net.flat.values.dtype).removeprefix("torch.")))

    # --- a batch of one network -------------------------------------------------------------------

    def fill(self, x, y, weight, bits):
        """Fill the gradient of the mean loss of a batch; return the mean loss, and raw outputs.

        Parameters
        ----------
        x, y, weight, bits
            As `Recursion.fill` takes them.
        """
        self._look_at_dropout()
        n, (layers, loss, *_) = len(x), self._equations
        weight = np.empty((n, 0), self._dtype) if weight is None else weight
        places = np.cumsum([0, *map(len, bits)])[:-1]
        bits = np.concatenate(bits) if len(bits) else np.empty(0, np.uint16)
        room = self._make_room(n)
        total = self._code.fill(
            layers,
            loss,
            self._loss_parameter,
            self._vectors[0][0],
            self._vectors[1][0],
            *(np.ascontiguousarray(array, self._dtype) for array in (x, y, weight)),
            room,
            bits,
            places,
            *(kept[0] for kept in self._kept),
        )
        n_outputs, at = layers[-1][self._code.N_UNITS], n * layers[-1][self._code.OUTPUT]
        return total / n, room[at : at + n * n_outputs].reshape(n, n_outputs)

    def add_penalty(self, weight_sum):
        """Do what `Step.add_penalty` does."""
        (*_, n, decays), (alpha, l1_alpha, *_) = self._equations, self._strengths[0]
        theta, grad = (vectors[0, :n] for vectors in self._vectors[:2])
        return self._code.add_penalty(theta, grad, alpha, l1_alpha, decays, float(weight_sum))

    def shorten(self):
        """Do what `Step` does with a long gradient."""
        return self._code.shorten(self._vectors[1][0], self._strengths[0, self._code.MAX_NORM])

    def evaluate(self, rows):
        """Return the raw outputs of validation data as they are predicted, and their mean loss."""
        (x, y, weight), (layers, loss, *_) = arrays_of(self._gradient, rows), self._equations
        weight = np.empty((len(x), 0)) if weight is None else weight
        room = self._make_room(len(x))
        raw = np.empty((len(x), layers[-1][self._code.N_UNITS]), self._dtype)
        arrays = (np.ascontiguousarray(array, self._dtype) for array in (x, y, weight))
        equations = layers, loss, self._loss_parameter, self._vectors[0][0]
        return torch.from_numpy(raw), self._code.evaluate(*equations, *arrays, room, raw)

    # --- epochs -----------------------------------------------------------------------------------

    def take(self, sources, nets):
        """Get ready for the batches of some `Sources`, and for trials of nets on validation data.

        Return whether the batches can be taken.
        """
        valid = [net.valid_rows for net in nets]  # which a callback may replace
        if sources is self._sources and valid == self._valid:
            return True
        if not _can_be_copied(sources):
            return False
        self._sources, data = None, sources.data  # an interrupt may fall between any two lines
        (x,), x_places = behind_each_other([x for x, _, _ in data])
        (y, weight), y_places = behind_each_other([y for _, y, _ in data], weights_of(data))
        y, labels = (y, _NO_CLASSES) if sources.codes is None else (sources.codes, y)
        self._rows = x, y, labels, weight, np.array([x_places, y_places]).T.copy()
        self._trials = self._trials_of(nets)
        layout = sources.shuffles, sources.sizes, self._trials.sizes, self._trials.n_values
        if layout != self._layout:
            self._layout = None
            self._lay_out(layout, [len(x) for x, _, _ in data])
            self._layout = layout
        self._sources, self._valid = sources, valid
        return True

    def _trials_of(self, nets):
        """Return trials on validation data; those of none are kept."""
        are_tried = list(map(self.tries, nets))
        if any(are_tried):
            return CompiledTrials(nets, are_tried, self._dtype)
        if self._no_trials is None:
            self._no_trials = CompiledTrials(nets, are_tried, self._dtype)
        return self._no_trials

    def _lay_out(self, layout, n_rows):
        """Make room for batches of these sizes."""
        shuffles, sizes, n_tried, n_values_tried = layout
        self._n_rows = n_rows if shuffles else [0] * len(n_rows)
        self._sizes = sizes = np.array(sizes)
        self._room = self._make_room(max(sizes.max(), *n_tried))
        # 16 bits for each unit, in words of 64: of each batch, network and layer
        self._n_words = -(-sizes[:, :, None] * np.array(self._n_dropped, int) // 4)
        n_adds_of_row = self._vectors[0].shape[1] + _ADDS_OF_VALUE * self._n_values
        self._n_adds = (int(sizes.sum()) + sum(n_tried)) * n_adds_of_row
        of_an_epoch = (
            (_MOST_ADDS, self._n_adds),
            (_MOST_STEPS, sizes.size),
            (_MOST_WORDS, int(self._n_words.sum())),
            (_MOST_ROWS, sum(self._n_rows)),
            (_MOST_TRIED, n_values_tried),
        )
        self.most_epochs = max(1, min(most // n for most, n in of_an_epoch if n))
        self._n_epochs = None

    def restart(self):
        """Count steps from zero."""
        self._n_done[:] = 0

    def run_epochs(self, sources, n, lrs):
        """Take the steps of some epochs.

        An interrupt is raised behind a call of machine code, whose steps are then taken and counted.

        Parameters
        ----------
        sources : Sources
            What `take` has taken.
        n : int
            How many: `most_epochs` or less.
        lrs : ndarray of shape (K, n_steps), or None
            The learning rates of each network; None are those that the solvers have.
        """
        if n != self._n_epochs:
            self._parts, self._n_epochs = self._cut(n), n
        n_steps = n * sources.n_batches
        loss_parameter = self._loss_parameter
        rates = self.step.motion.look_ahead(n_steps, lrs)
        if self._decays:
            if lrs is None:
                lrs = np.repeat(
                    [[learner.solver.lr] for learner in self._learners], n_steps, axis=1
                )
            rates = np.concatenate([rates, lrs[None]])
        rates = np.ascontiguousarray(rates.transpose(2, 1, 0))
        self._look_at_dropout()
        self.totals = np.zeros((len(self._learners), n))
        outcomes = self._trials.make_outcomes(n)
        states = [learner.generator.get_state() for learner in self._learners] if n > 1 else []
        try:
            self._run_parts(outcomes, loss_parameter, rates)
        finally:
            for k, state in enumerate(states):
                if self._n_done[k] < n_steps:
                    self._draw_again(k, state, self._n_done[k] // sources.n_batches)

    def _run_parts(self, outcomes, loss_parameter, rates):
        layers, loss, *others = self._equations
        for part in self._parts:
            is_last = part is self._parts[-1]
            trials = self._trials.arrays if is_last else self._trials.without_rows()
            with without_lock():
                for k in range(len(self._learners)):
                    self._draw_for(k, part)
                self._code.descend(
                    layers,
                    loss,
                    loss_parameter,
                    *others,
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
                    self.totals,
                    self._n_done,
                    trials,
                    outcomes,
                )

    def trials(self, n):
        """Return what each network has made of its validation data in the first n epochs of `run_epochs`.

        For each network there is a list with the `Trial` of each epoch; None for what it does by itself.
        """
        return self._trials.made(n)

    def _cut(self, n):
        """Return what is done in each call for n epochs; one of many rows may be several calls."""
        n_batches = len(self._sizes)
        n_parts = max(self._n_adds / _MOST_ADDS, self._n_words.sum() / _MOST_WORDS, 1.0)
        most = max(1, int(n_batches / n_parts)) if n == 1 else n_batches
        n_nets, starts = len(self._learners), np.array(self._sources.starts)
        orders = np.empty((n_nets, n, max(self._n_rows)), np.int64)
        steps = starts, self._sizes, self._n_words, orders, self._n_rows
        return [Part(slice(first, first + most), n, *steps) for first in range(0, n_batches, most)]

    def _draw_for(self, k, part, n_epochs=None):
        """Draw what a network needs, for all epochs or the first ones."""
        draw = self._code.draw_for(self._n_rows[k])
        part.draw(k, self._learners[k].generator, self._dropouts[k], draw, n_epochs)

    def _draw_again(self, k, state, n):
        """Let a network have drawn for n epochs alone, since it has taken no more."""
        (part,) = self._parts  # which the epochs of one call are
        self._learners[k].generator.set_state(state)
        self._draw_for(k, part, n)

    def _look_at_dropout(self):
        """Take the rates of dropout as they are: a callback may change them."""
        rates = [[dropout.p for dropout in of_net] for of_net in self._dropouts]
        if rates != self._dropout_rates:
            limits = [[dropout.limit for dropout in of_net] for of_net in self._dropouts]
            scales = [[1.0 / dropout.keep for dropout in of_net] for of_net in self._dropouts]
            self._kept = np.array(limits, np.uint16), np.array(scales, self._dtype)
            self._dropout_rates = rates


def _can_be_copied(sources):
    """Whether the rows of all networks are there, and may lie behind each other."""
    (x, *_), *others = sources.data
    n_values = sum(x.size for x, _, _ in sources.data)
    is_lent = not others and x.flags.c_contiguous
    are_there = all(encoder is None for encoder in sources.encoders)
    return are_there and (is_lent or n_values <= _MOST_COPIED)


def _layers_of(plan, places, code):
    """Return layers as machine code knows them, and how many values it keeps for a row."""
    n_inputs, n_outputs = plan[0].n_inputs, plan[-1].n_units
    layers, n_all = np.zeros((len(plan), 9), np.int64), sum(layer.n_units for layer in plan)
    at, n_dropping = n_inputs, 0
    for row, layer in zip(layers, plan, strict=True):
        row[code.N_INPUTS], row[code.N_UNITS] = layer.n_inputs, layer.n_units
        row[code.WEIGHT] = places[id(layer.units.weight)].start
        row[code.BIAS] = places[id(layer.units.bias)].start
        row[code.ACTIVATION] = code.ACTIVATIONS[layer.activation]
        row[code.DROPPING] = -1 if layer.dropout is None else n_dropping
        row[code.OUTPUT], row[code.SLOPE], row[code.DELTA] = at, at + n_all, at + 2 * n_all
        at += layer.n_units
        n_dropping += layer.dropout is not None
    # behind the deltas there are targets and losses, and a weight
    return layers, at + 2 * n_all + 2 * n_outputs + 1


def _strengths_of(learner):
    """Return the numbers of a learner as a row of `strengths` has them."""
    norm = math.inf if learner.max_grad_norm is None else learner.max_grad_norm
    return learner.penalty.alpha, learner.penalty.l1_alpha, norm, learner.mean_weight
