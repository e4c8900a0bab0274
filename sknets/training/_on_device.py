"""The steps of networks on an accelerator: each, from its rows to its parameters, one launch for all."""

import math
import time
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.func import functional_call, vmap

from sknets.training._cross_entropies import BinaryCrossEntropy, SoftmaxCrossEntropy
from sknets.training._cuda_graph import Replayed
from sknets.training._gradients import PlainAutograd, has_hooks
from sknets.training._losses import LOSSES
from sknets.training._seeding import seed_layers

#: Losses that launch the same kernels each time and make no tensor of Python's numbers.
_STILL = (*LOSSES.values(), BinaryCrossEntropy, SoftmaxCrossEntropy)

#: Steps that are launched before Python looks at their losses, and seconds, since Ctrl-C waits for them.
_MOST_STEPS = 512
_MOST_SECONDS = 0.1

#: Places of rows that are worked out at once, over all networks.
_MOST_PLACES = 2**22


def computes_there(values):
    """Whether a tensor is on a device that replays."""
    return values.device.type == "cuda"


def serves(net):
    """Whether the steps of a net are launches of a device, in which Python has no part.

    Not where Python may read a value or draw for itself, as in a module or loss of the user's own, or in
    output sequences, nor where somebody has hooked into the module.
    """
    learner = net.learner
    return (
        computes_there(learner.flat.values)
        and type(net.gradient) is PlainAutograd
        and type(net.criterion_) in _STILL
        and not learner.draws_unseeded
        and not torch.is_anomaly_enabled()
        and not has_hooks(learner.module)
        and learner.flat.is_bound()
    )


def plan_of(net):
    """Return the layers of a net that can be computed side by side with others, or None.

    Normalisation keeps statistics, and mixed precision does not know of networks side by side.
    """
    plain_layers = getattr(net.learner.module, "plain_layers", None)
    is_plain = plain_layers is not None and net.learner.precision == "full"
    return plain_layers() if is_plain else None


class OnDevice:
    """The steps of K networks of one shape on an accelerator, each of which all take together.

    Several epochs are launched before their losses are looked at. If one of these is no number, all is as
    it was before, and epochs are launched one by one.

    Parameters
    ----------
    nets : list of Net
        The nets, for which `serves` is true, and `plan_of` if there are several.
    step : Step
        Their steps.

    Attributes
    ----------
    most_epochs : int
        Epochs that can be taken at once.
    n_steps : list of int
        Steps that each has taken since `restart`.
    totals : ndarray of shape (K, n_epochs)
        The sums of the losses of rows.
    """

    def __init__(self, nets, step):
        self._nets, self._step = nets, step
        self._learners = [net.learner for net in nets]
        self._fill = _FillOne(nets[0]) if len(nets) == 1 else _FillAll(nets, step)
        self._generators = [learner.device_generator for learner in self._learners]
        self._sources, self._n_steps, self._n_launched = None, 0, 0
        self._seconds, self._is_wary, self._is_given_up = math.inf, False, False

    def restart(self):
        """Count steps from zero."""
        self._n_steps, self.totals = 0, np.zeros((len(self._nets), 1))

    @property
    def n_steps(self):
        return [self._n_steps] * len(self._nets)

    @property
    def most_epochs(self):
        if self._is_wary or self._step.averages:
            return 1
        return min(self._room, max(1, int(_MOST_SECONDS / self._seconds)))

    def take(self, sources):
        """Get ready for the batches of some `Sources`."""
        if sources is self._sources:
            return
        self._sources, n_nets = sources, len(self._nets)
        self._sizes = sizes = np.array(sources.sizes)
        self._is_whole = n_nets == 1 and sources.n_batches == 1
        self._data, self._firsts = _behind_each_other(sources.rows)
        n_places = n_nets * sources.n_batches * int(sizes.max())
        self._room = max(1, min(_MOST_STEPS // sources.n_batches, _MOST_PLACES // n_places))
        n = self._room * sources.n_batches
        shape = (n, n_nets, int(sizes.max())) if not self._is_whole else (n, 0)
        self._places_here = torch.zeros(shape, dtype=torch.int64)
        self._places = torch.zeros(shape, dtype=torch.int64, device=self._step.theta.device)
        self._orders = [torch.arange(len(rows)) for rows in sources.rows]
        self._n_ordered = 0
        self._losses = self._step.theta.new_zeros(n, n_nets)
        self._at = torch.zeros(1, dtype=torch.int64, device=self._step.theta.device)
        self._rates, self._kinds = None, {}

    def run_epochs(self, sources, n, lrs):
        """Take the steps of some epochs.

        Parameters
        ----------
        sources : Sources
            What `take` has taken.
        n : int
            How many: `most_epochs` or less.
        lrs : ndarray of shape (K, n_steps), or None
            The learning rates of each network; None are those that the solvers have.
        """
        kept = self._standing() if n > 1 else None
        started = time.perf_counter()
        self._launch(n, lrs)
        if n > 1 and not np.isfinite(self.totals).all():
            self._go_back(kept)
            self._is_wary = True
            self._launch(1, lrs[:, : sources.n_batches])
        elif n > 1 or self._n_launched > 1:  # the first one gets things ready
            self._seconds = (time.perf_counter() - started) / n

    def release(self):
        """Let go of what was recorded, and of the rows."""
        self._kinds, self._data, self._sources = {}, None, None
        self._places = self._rates = self._losses = None
        self._step.begin_epoch()  # its rate has been a tensor of a recording

    def trials(self, n):
        """Return what each network makes of its validation data: nothing, it is asked later."""
        return [[None] * n for _ in self._nets]

    # --- a launch ---------------------------------------------------------------------------------

    def _launch(self, n, lrs):
        sources, self._n_steps = self._sources, 0
        n_steps = n * sources.n_batches
        self._look_ahead(n_steps, lrs)
        self._order(n)
        self._at.zero_()
        for learner in self._learners:
            if not learner.module.training:
                learner.module.train()
        last = sources.n_batches - 1
        try:
            for number in range(n_steps):
                self._kind(number % sources.n_batches == last).take()
                for learner in self._step.averages:
                    learner.average.update(learner.flat.values)
                self._n_steps += 1
        finally:
            self._n_launched += 1
            losses = self._losses[:n_steps].cpu().double().numpy()
            losses = losses.reshape(n, sources.n_batches, -1) * self._sizes
            self.totals = losses.sum(axis=1).T

    def _look_ahead(self, n_steps, lrs):
        """Work out the rates of steps, and the learning rates beside them, as tensors."""
        rates = self._step.motion.look_ahead(n_steps, lrs)
        if lrs is None:
            lrs = np.repeat([[learner.solver.lr] for learner in self._learners], n_steps, axis=1)
        rates = np.concatenate([rates, lrs[None]]).transpose(2, 0, 1)  # step, rate, network
        if len(self._nets) > 1:
            rates = rates[..., None]
        theta = self._step.theta
        if self._rates is None:
            self._rates = theta.new_zeros(len(self._losses), *rates.shape[1:])
        self._rates[:n_steps] = torch.from_numpy(rates.copy()).to(theta.dtype)

    def _order(self, n):
        """Work out which rows are in the batches of some epochs."""
        sources, n_batches = self._sources, self._sources.n_batches
        if self._is_whole or (not sources.shuffles and n <= self._n_ordered):
            return
        for epoch in range(n):
            if sources.shuffles:
                sources.draw_orders(self._orders)
            places = self._places_here[epoch * n_batches : (epoch + 1) * n_batches]
            for k, (order, first) in enumerate(zip(self._orders, self._firsts, strict=True)):
                size, n_last = self._sizes[0, k], self._sizes[-1, k]
                split = len(order) - n_last
                torch.add(order[:split].view(-1, size), first, out=places[:-1, k, :size])
                torch.add(order[split:], first, out=places[-1, k, :n_last])
                places[-1, k, n_last:] = first  # of no weight
        self._n_ordered = n
        n_steps = n * n_batches
        self._places[:n_steps].copy_(self._places_here[:n_steps])

    def _kind(self, is_last):
        """Return the steps of a kind: the usual ones, or the last ones of epochs."""
        key = is_last, str(self._step.frozen)
        if key not in self._kinds:
            sizes = self._sizes[-1 if is_last else 0]
            self._kinds[key] = self._make_kind(sizes)
        return self._kinds[key]

    def _make_kind(self, sizes):
        step, longest, missing = self._step, int(sizes.max()), None
        if (sizes < longest).any():
            missing = torch.from_numpy(np.arange(longest) < sizes[:, None]).to(step.theta)
        means = [learner.mean_weight for learner in self._learners]
        weight_sum = step.column([size * mean for size, mean in zip(sizes, means, strict=True)])
        counts = torch.from_numpy(sizes).to(step.theta)
        kind = _Kind(sizes.tolist(), counts, missing, weight_sum)
        take = Replayed(lambda: self._take_step(kind), self._generators, self._give_up)
        if self._is_given_up:
            take.stop()
        return kind._replace(take=take)

    def _give_up(self, states):
        """Record no more, and draw on with other generators from some states."""
        self._is_given_up = True
        for kind in self._kinds.values():
            kind.take.stop()
        for k, (learner, state) in enumerate(zip(self._learners, states, strict=True)):
            generator = torch.Generator(learner.device_generator.device)
            generator.set_state(state)
            self._generators[k] = learner.device_generator = generator
            seed_layers(learner.module, generator)

    def _take_step(self, kind):
        """Take a step: all that a replay does."""
        step, at = self._step, self._at
        loss = self._fill(*self._batch(kind), kind)
        loss = loss + step.add_penalty(kind.weight_sum)
        *rates, step.rate = self._rates.index_select(0, at)[0]
        step.move(rates, kind.weight_sum)
        self._losses.index_copy_(0, at, loss.detach().to(self._losses.dtype).reshape(1, -1))
        at.add_(1)

    def _batch(self, kind):
        x, y, weight = self._data
        if self._is_whole:
            return x, y, weight
        places = self._places.index_select(0, self._at)[0, :, : max(kind.sizes)]
        if len(self._nets) == 1:
            places = places[0]
        x, y, weight = (None if part is None else part[places] for part in (x, y, weight))
        if kind.missing is not None:
            weight = kind.missing if weight is None else weight * kind.missing
        return x, y, weight

    # --- as it was --------------------------------------------------------------------------------

    def _standing(self):
        """Return all that steps change, as it is."""
        learners = self._learners
        generators = [*self._generators, *(learner.generator for learner in learners)]
        states = [(generator, generator.get_state()) for generator in generators]
        return [(tensor, tensor.clone()) for tensor in self._changing()], states

    def _go_back(self, kept):
        tensors, states = kept
        for tensor, values in tensors:
            tensor.copy_(values)
        for generator, state in states:
            generator.set_state(state)

    def _changing(self):
        step = self._step
        buffers = [b for learner in self._learners for b in learner.module.buffers()]
        return [step.theta, *step.motion.buffers, *buffers]


class _Kind(NamedTuple):
    """Batches of equal sizes.

    Attributes
    ----------
    sizes : list of int
        Rows of each network.
    counts : tensor of shape (K,)
        The same.
    missing : tensor of shape (K, size) or None
        Zero where there is no row, up to the largest size.
    weight_sum : float or tensor of shape (K, 1)
        Sums of their weights, as penalties take them.
    take : callable
        Takes a step.
    """

    sizes: list
    counts: Any
    missing: Any
    weight_sum: Any
    take: Any = None


class _FillOne:
    """The gradient of one network, whatever it consists of."""

    def __init__(self, net):
        self._gradient = net.gradient

    def __call__(self, x, y, weight, kind):
        loss, _ = self._gradient._fill_rows(x, y, weight)
        return loss


class _FillAll:
    """The gradients of several networks, whose products are those of batches of matrices."""

    def __init__(self, nets, step):
        learners = [net.learner for net in nets]
        self._module, self._criterion = learners[0].module, nets[0].criterion_
        places, self._parameters, self._grads = learners[0].flat.places(), {}, []
        for name, parameter in self._module.named_parameters():
            shape, place = (len(nets), *parameter.shape), places[id(parameter)]
            self._parameters[name] = step.theta[:, place].view(shape).detach().requires_grad_()
            self._grads.append(step.grad[:, place].view(shape))
        of_each = [dict(learner.module.named_buffers()) for learner in learners]
        self._buffers = {
            name: torch.stack([buffers[name] for buffers in of_each]) for name in of_each[0]
        }
        plans = [plan_of(net) for net in nets]
        self._dropouts = []
        for depth, layer in enumerate(plans[0]):
            if layer.dropout is not None:
                layers = [plan[depth].dropout for plan in plans]
                keeps = step.column([of_net.keep for of_net in layers])[:, None]
                self._dropouts.append((layer.n_units, layers, keeps))

    def __call__(self, x, y, weight, kind):
        like = self._grads[0]
        masks = []
        for n_units, layers, keeps in self._dropouts:
            mask = like.new_ones(*x.shape[:2], n_units)
            for row, layer, size in zip(mask, layers, kind.sizes, strict=True):
                layer.draw_kept(row[:size])  # each from its own generator, as alone
            masks.append(mask.div_(keeps))
        where = None if weight is None else 0
        losses = vmap(self._loss, in_dims=(0, 0, 0, 0, where, 0, 0))(
            self._parameters, self._buffers, x, y, weight, kind.counts, masks
        )
        found = torch.autograd.grad(losses.sum(), list(self._parameters.values()))
        for place, grad in zip(self._grads, found, strict=True):
            place.copy_(grad)
        return losses.detach()

    def _loss(self, parameters, buffers, x, y, weight, count, masks):
        layers = [of_layer[0] for _, of_layer, _ in self._dropouts]
        for layer, mask in zip(layers, masks, strict=True):
            layer.given = mask
        try:
            raw = functional_call(self._module, (parameters, buffers), (x,))
        finally:
            for layer in layers:
                layer.given = None
        return self._criterion(raw, y, weight, count)


def _behind_each_other(rows):
    """Return x, y and weight (or None) of several networks, and where the rows of each begin.

    What all of them have is there once.
    """
    parts = [(of_net.x.data, of_net.y, of_net.weight) for of_net in rows]
    if all(a is b for part in parts for a, b in zip(part, parts[0], strict=True)):
        return parts[0], [0] * len(parts)
    x, y, weights = zip(*parts, strict=True)
    weight = next((weight for weight in weights if weight is not None), None)
    if weight is not None:
        ones = [weight.new_ones(len(of_net)) for of_net in rows]
        weight = torch.cat(
            [w if w is not None else one for w, one in zip(weights, ones, strict=True)]
        )
    starts = np.cumsum([0, *map(len, rows)])[:-1].tolist()
    return (torch.cat(x), torch.cat(y), weight), starts
