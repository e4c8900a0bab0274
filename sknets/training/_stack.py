"""Networks that train as one: who is alike, and the steps of a stack."""

from contextlib import nullcontext

import numpy as np

from sknets.training import _on_device
from sknets.training._compiled import Compiled
from sknets.training._declared import declared
from sknets.training._feed import ArraySources, Sources
from sknets.training._gradients import ClosedForm
from sknets.training._interrupts import interrupts_wait
from sknets.training._motion import as_arrays
from sknets.training._on_arrays import OnArrays
from sknets.training._on_device import OnDevice
from sknets.training._step import Step
from sknets.training._stores import TensorStore


def can_stack(net, rows):
    """Whether a net trains by the steps of a stack, of one or of several: nobody looks at its batches."""
    is_watched = any(getattr(callback, "watches_steps", True) for _, callback in net.callbacks_)
    if is_watched or not net.method.walks_batches or not isinstance(rows.x, TensorStore):
        return False
    is_closed = isinstance(net.gradient, ClosedForm) and net.gradient.is_untouched
    return is_closed or _on_device.serves(net)


def likeness(net, rows):
    """Return what nets that train as one must have in common: the equations, and the number of batches.

    Data and seeds, rates and strengths, and the size of the last batch may differ.
    """
    plan = plan_of(net)
    if plan is None:
        return id(net)
    learner, criterion, method = net.learner, net.criterion_, net.method
    batches = net.get_iterator(rows, training=True)
    size = method.grown(batches.batch_size, len(rows), learner.n_epochs)
    batches.batch_size = size
    n_batches = len(batches)
    grows = (method.batch_growth, len(rows), learner.n_epochs) if method.batch_growth != 1 else None
    layers = tuple(
        (
            (layer.kind, getattr(layer.units, "waved", None)),
            tuple(layer.units.weight.shape),
            layer.activation,
            layer.dropout is None,
        )
        for layer in plan
    )
    x = rows.x.data
    place = x.device, x.dtype, getattr(learner.module, "encoder", None) is None
    of_loss = tuple((name, getattr(criterion, name)) for name in declared(type(criterion)))
    return (
        layers,
        place,
        learner.flat.values.dtype,
        (type(criterion), of_loss),
        (type(learner.solver), getattr(learner.solver, "nesterovs_momentum", None)),
        tuple(map(bool, learner.penalty.kinds)),
        learner.max_grad_norm is None,
        Compiled.serves(net.gradient),
        (size if n_batches > 1 else None, n_batches, batches.shuffle, grows),
    )


def plan_of(net):
    """Return the layers of a net that can be trained with others side by side, or None."""
    return getattr(net.gradient, "plan", None) or _on_device.plan_of(net)


def run_together(nets, rows, epochs, wanted=None, pauses=None, on_pause=None):
    """Train nets that are alike as one stack, in which each has its own way and end.

    Parameters
    ----------
    nets : list of Net
        Nets that have begun, and for which `can_stack` is true.
    rows : list of Rows
        Training data of each.
    epochs : list of int
        Largest number of epochs of each.
    wanted : list of callable, default=None
        For each, what returns whether it is still wanted; if not, it leaves the stack.
    pauses : list of list of int, default=None
        For each, numbers of epochs that it has done when it is to be looked at, in ascending order.
    on_pause : callable, default=None
        ``on_pause(k)`` is called then.

    Returns
    -------
    list of {Exception, None}
        What has ended the training of each, if it was an error.
    """
    errors, left = [None] * len(nets), list(epochs)
    pauses = [[]] * len(nets) if pauses is None else pauses
    members = [k for k in range(len(nets)) if left[k] > 0]
    if not members:
        return errors
    stack = Stack([nets[k] for k in members], [rows[k] for k in members])

    def keep(staying):
        return stack.keep([members.index(k) for k in staying], members)

    try:
        while members:
            started = _begin_epoch(stack, members, errors)
            if len(started) < len(members):
                members = keep(started)
            if not members:
                break
            n_done = [nets[k].n_epochs for k in members]
            most = min(_n_free(nets[k], left[k], pauses[k]) for k in members)
            staying = _run_epochs(stack, most, members, started, errors)
            for k, before in zip(members, n_done, strict=True):
                left[k] -= nets[k].n_epochs - before
                if nets[k].n_epochs in pauses[k] and errors[k] is None:
                    on_pause(k)
            staying = [k for k in staying if left[k] > 0 and (wanted is None or wanted[k]())]
            if staying != members:
                members = keep(staying)
    finally:
        stack.dissolve()
    return errors


def _n_free(net, n_left, pauses):
    """Return how many epochs a net can take until somebody looks at it, or one may be its last."""
    following = [epoch - net.n_epochs for epoch in pauses if epoch > net.n_epochs]
    return min(net.n_free_epochs, n_left, *following)


def _begin_epoch(stack, members, errors):
    """Begin an epoch of each member; return the times of those that have begun."""
    started = {}
    for k, net, rows in zip(members, stack.nets, stack.rows, strict=True):
        try:
            started[k] = net.method.begin_epoch(net, rows)
        except Exception as error:  # of a schedule of the user's own
            errors[k] = error
    return started


def _run_epochs(stack, most, members, started, errors):
    """Train a stack for some epochs; return the members that have no reason to stop."""
    stack.step.begin_epoch()
    n = stack.get_set(most)
    with interrupts_wait() if n > 1 else nullcontext():  # no code of the user's runs in these
        return _take_epochs(stack, n, members, started, errors)


def _take_epochs(stack, n, members, started, errors):
    interrupt, staying = None, []
    try:
        stack.run_epochs(n)
    except KeyboardInterrupt as error:
        interrupt = error
    losses = stack.losses()
    if interrupt is not None and not losses[0]:
        raise interrupt
    parts = zip(members, stack.nets, stack.rows, losses, stack.trials(), stack.rates, strict=True)
    for k, net, rows, of_net, *further in parts:
        try:
            if not net.end_epochs(rows, of_net, started[k], *further):
                staying.append(k)
        except Exception as error:
            errors[k] = error
    if interrupt is not None:  # behind whole epochs, which are told of
        raise interrupt
    return staying


class Stack:
    """K networks of one shape that take their steps together.

    Each has its own data, seed, rates, penalties, dropout and reason to stop, and leaves the stack when
    it is done. Their parameters, gradients and the buffers of their solvers are the rows of matrices as
    long as they are in it; a single network stays where it is.

    Parameters
    ----------
    nets : list of Net
        Nets that have begun, for which `can_stack` is true and which are alike: `likeness` is the same.
    rows : list of Rows
        Training data of each.

    Attributes
    ----------
    rates : list of list of float
        Learning rates of each network in the epochs of `run_epochs`.
    """

    def __init__(self, nets, rows):
        self.nets = nets
        self.rows = rows
        self._matrices = self._move_in() if len(nets) > 1 else None
        self._get_ready()

    def _move_in(self):
        """Let the networks lie in rows of matrices: parameters, gradients, and buffers of solvers."""
        learners = [net.learner for net in self.nets]
        like, n_matrices = learners[0].flat.values, 2 + len(learners[0].solver.buffers)
        matrices = like.new_zeros(n_matrices, len(learners), len(like))
        for k, learner in enumerate(learners):
            learner.move_to(*matrices[:, k])
        return matrices

    def _get_ready(self):
        nets, learners = self.nets, [net.learner for net in self.nets]
        if self._matrices is None:
            self.step = learners[0].as_step
        else:
            theta, grad, *buffers = as_arrays(*self._matrices)
            self.step = Step(learners, theta, grad, buffers)
        self._is_there = _on_device.computes_there(learners[0].flat.values)
        self._usual = (OnDevice if self._is_there else OnArrays)(nets, self.step)
        self._compiled = self._make_compiled()
        self._batch_sizes, self._sources = [], None

    def _make_compiled(self):
        gradients = [net.gradient for net in self.nets]
        if not all(map(Compiled.serves, gradients)):
            return None
        return gradients[0].compiled() if self._matrices is None else Compiled(gradients, self.step)

    def keep(self, places, names):
        """Let the networks at some places stay, and all others lie by themselves again.

        The last ones take the rows of those that have left. `names` is a list of what belongs to the
        networks; what is left of it is returned.
        """
        self._usual.release()
        staying = set(places)
        for k, net in enumerate(self.nets):
            if k not in staying:
                self._move_out(net)
        order, n_left = list(range(len(self.nets))), len(places)
        holes = [k for k in range(n_left) if k not in staying]
        for hole, last in zip(holes, [k for k in places if k >= n_left], strict=True):
            self.nets[last].learner.move_to(*self._matrices[:, hole])
            order[hole] = last
        order = order[:n_left]
        self.nets, self.rows = [self.nets[k] for k in order], [self.rows[k] for k in order]
        if n_left == 1:
            self._move_out(self.nets[0])
            self._matrices = None
        elif self._matrices is not None:
            self._matrices = self._matrices[:, :n_left]
        if n_left:
            self._get_ready()
        return [names[k] for k in order]

    def dissolve(self):
        """Let the networks lie by themselves again."""
        self._usual.release()
        for net in self.nets:
            self._move_out(net)
        self.nets = []

    def _move_out(self, net):
        if self._matrices is not None:
            values = net.learner.flat.values
            net.learner.move_to(*values.new_zeros(len(self._matrices), len(values)))

    def get_set(self, most):
        """Get batches of the size that `begin_epoch` has set; return how many epochs are taken at once.

        Parameters
        ----------
        most : int
            Largest number of epochs.
        """
        self._way = way = self._way_for(self._sources_of_epoch())
        way.restart()
        return min(most, way.most_epochs)

    def run_epochs(self, n):
        """Take the steps of n epochs at once, for which `get_set` has prepared."""
        way, n_batches = self._way, self._sources.n_batches
        self.rates = [
            net.learner.rates_ahead(n, len(rows))
            for net, rows in zip(self.nets, self.rows, strict=True)
        ]
        of_steps = None if n == 1 else np.repeat(self.rates, n_batches, axis=1)
        try:
            way.run_epochs(self._sources, n, of_steps)
        finally:
            for k, (net, n_taken) in enumerate(zip(self.nets, way.n_steps, strict=True)):
                lrs = None if n == 1 else of_steps[k, :n_taken]
                net.learner.solver.advance(n_taken, lrs)

    def losses(self):
        """Return the mean losses of each network in the whole epochs that `run_epochs` has taken.

        The first that is no number is the last.
        """
        parts = zip(self._way.totals, self._n_ended, self.rows, strict=True)
        return [(of_net[:n] / len(rows)).tolist() for of_net, n, rows in parts]

    def trials(self):
        """Return what each network makes of its validation data at the ends of these epochs.

        For each there is a list with the `Trial` of each epoch; None for what it does by itself.
        """
        of_all = self._way.trials(max(self._n_ended))
        return [of_net[:n] for of_net, n in zip(of_all, self._n_ended, strict=True)]

    @property
    def _n_ended(self):
        return [n // self._sources.n_batches for n in self._way.n_steps]

    def _way_for(self, sources):
        way = self._compiled
        is_possible = way is not None and not any(net.learner.frozen for net in self.nets)
        if is_possible and way.take(sources, self.nets):
            return way
        self._usual.take(sources)
        return self._usual

    def _sources_of_epoch(self):
        sizes = [net.present_batch_size for net in self.nets]
        if sizes != self._batch_sizes:
            iterators = [
                net.get_iterator(rows, training=True)
                for net, rows in zip(self.nets, self.rows, strict=True)
            ]
            for iterator, size in zip(iterators, sizes, strict=True):
                iterator.batch_size = size
            self._batch_sizes = sizes
            self._sources = (
                Sources(iterators) if self._is_there else ArraySources(self.nets, iterators)
            )
        return self._sources
