"""Whoever computes the gradient of a mini-batch."""

from abc import ABC, abstractmethod

import torch
from torch.nn.modules.module import _has_any_global_hook

from sknets.training._compiled import Compiled
from sknets.training._losses import mixed_loss
from sknets.training._motion import as_arrays, silent
from sknets.training._recursion import Recursion


class Gradient(ABC):
    """Fill the gradient of a learner's penalised loss.

    A subclass answers one question: the gradient of the loss of the rows. Autograd is one answer for
    all modules; a recursion written out for some of them is another.

    Parameters
    ----------
    learner : Learner
        The network; the gradient goes to its `flat.grad`.
    criterion : Loss
        ``criterion(raw, target, weight, weight_sum)``.
    """

    #: Whether a learner and a gradient that are made anew would be the same, as far as is known.
    is_as_made = False

    #: Whether it has steps in machine code, of an earlier part of the training.
    is_compiled = False

    #: Which rows of a batch are at hand, ``(start, stop, n_rows)``, where others are computed elsewhere.
    part = None

    #: Whether it is handed all rows of a batch even then, and takes its part of them by itself.
    takes_all_rows = False

    #: The vector and the recursion on it that a closed form keeps; None for all others.
    _own = None

    def __init__(self, learner, criterion):
        self.learner = learner
        self.criterion = criterion

    def fill(self, batch):
        """Fill the gradient of the penalised loss of a batch ``(x, y, weight)``.

        Returns
        -------
        loss : torch.Tensor of shape ()
            Loss with its penalties.
        raw : torch.Tensor of shape (n_rows, n_outputs)
            Raw outputs.
        """
        loss, raw = self._fill_rows(*batch)
        return loss + self.learner.add_penalty(len(batch[1])), raw

    @abstractmethod
    def _fill_rows(self, x, y, weight):
        """Fill the gradient of the loss without penalties; return loss and raw outputs."""

    def release(self, *, goes_on=False):
        """Let go of what is only needed in training, as `Net.release_data` says."""
        own = self._own
        if own is not None and own[0] is self.learner.flat.values:
            own[1].release(goes_on=goes_on)
        else:
            self._own = None  # views of vectors in which the network lies no more

    @torch.inference_mode()
    def predict(self, x):
        """Return the raw outputs of a batch of a module in evaluation mode."""
        return self.learner.module(x)


class Autograd(Gradient):
    """Torch differentiates whatever the module computes."""

    def _fill_rows(self, x, y, weight):
        self.learner.flat.grad.zero_()
        loss, raw = self._forward(x, y, weight)
        loss.backward()
        return loss.detach(), raw

    @abstractmethod
    def _forward(self, x, y, weight):
        """Return the loss without penalties and the raw outputs."""


class PlainAutograd(Autograd):
    """The loss of the rows as they are."""

    def _forward(self, x, y, weight):
        raw = self.learner.compute(self.learner.module, x)
        return self.criterion(raw, y, weight, len(y)), raw


class TeacherForcedAutograd(Autograd):
    """The loss of a module that is told the targets in training, ``module(x, y)``."""

    def _forward(self, x, y, weight):
        raw = self.learner.compute(self.learner.module, x, y)
        return self.criterion(raw, y, weight, len(y)), raw


class AugmentedAutograd(Autograd):
    """The loss of rows that are changed at random, perhaps mixed in pairs, before each step.

    All rows of a batch are changed wherever a part of them is computed, since each may be mixed in.

    Parameters
    ----------
    learner, criterion
        As in `Gradient`.
    augment : callable
        What ``module.augmented(x, augment)`` applies to the images of rows, of which
        ``module.from_images`` makes raw outputs; its `generator` is set to that of the layers.
    """

    takes_all_rows = True

    def __init__(self, learner, criterion, augment):
        super().__init__(learner, criterion)
        self.augment = augment
        augment.generator = learner.device_generator

    def _forward(self, x, y, weight):
        module = self.learner.module
        images, mix = module.augmented(x, self.augment)
        own = slice(None) if self.part is None else slice(*self.part[:2])
        raw = self.learner.compute(module.from_images, images[own])
        return mixed_loss(self.criterion, raw, y, weight, mix, own), raw


class ClosedForm(PlainAutograd):
    """The recursion of deltas, for plain dense layers on a CPU.

    Sparse rows, and modules that somebody has hooked into or changed, are left to Torch.
    """

    def __init__(self, learner, criterion):
        super().__init__(learner, criterion)
        self.plan = learner.module.plain_layers()
        self._seen = [_look_at(child) for child in learner.module.children()]
        self.encoder = getattr(learner.module, "encoder", None)
        self._encoded = self._compiled = None

    @property
    def recursion(self):
        """The recursion of this network alone, where it lies now."""
        flat, own = self.learner.flat, self._own
        if own is None or own[0] is not flat.values:  # a stack has other places
            vectors = as_arrays(flat.values, flat.grad)
            # at once, since several threads may ask
            own = self._own = flat.values, self.recursion_of([self], *vectors)
        return own[1]

    def __getstate__(self):
        # views of the vectors, which a copy has elsewhere
        return vars(self) | {"_own": None, "_encoded": None, "_compiled": None}

    def release(self, *, goes_on=False):
        super().release(goes_on=goes_on)
        self._encoded = None
        if self._compiled is not None:
            self._compiled.release()
        if not goes_on:
            self._compiled = None

    def compiled(self):
        """Return the steps of this network alone in machine code, where `Compiled.serves` is true."""
        step = self.learner.as_step
        if self._compiled is None or self._compiled.step is not step:
            self._compiled = step.compiled = Compiled([self], step)
        self._compiled.begin()
        return self._compiled

    @property
    def is_compiled(self):
        return self._compiled is not None

    @staticmethod
    def recursion_of(gradients, theta, grad):
        """Return the recursion of several networks whose parameters are the rows of a matrix."""
        (first, *_) = gradients
        plans = [gradient.plan for gradient in gradients]
        return Recursion(plans, first.learner.flat.places(), theta, grad, first.criterion)

    def _fill_rows(self, x, y, weight):
        if x.is_sparse or not self.is_untouched:
            return super()._fill_rows(x, y, weight)
        weight = None if weight is None else weight.numpy()[:, None]
        with silent():
            bits, x, y = self._draw(len(x)), self.encode(x), self.as_numbers(y)
            if Compiled.serves(self) and not self.learner.frozen:
                loss, raw = self.compiled().fill(x, y, weight, bits)
            else:
                loss, raw = self.recursion.fill(x, y, weight, float(len(x)), bits=bits)
                raw = raw.copy()  # callbacks may keep them
        return torch.tensor(float(loss), dtype=torch.float64), torch.from_numpy(raw)

    def _draw(self, n):
        """Return the random bits of n rows, those of a part out of all."""
        if self.part is None:
            return next(self.recursion.draw([[n]]))
        start, stop, n_rows = self.part
        return [
            of_layer.reshape(n_rows, -1)[start:stop].reshape(-1)
            for of_layer in next(self.recursion.draw([[n_rows]]))
        ]

    def predict(self, x):
        if x.is_sparse or not self.is_untouched:
            return super().predict(x)
        with silent():
            values = x.numpy()
            if self.encoder is not None:
                values = self.encoder.encode(values)
            return torch.from_numpy(self.recursion.forward(values))

    def encode(self, x):
        """Return inputs as the recursion takes them; of the same tensor, they are encoded once."""
        if self.encoder is None:
            return x.numpy()
        state, known = (x._version, *self.encoder.version), self._encoded
        if known is None or known[0] is not x or known[1] != state:
            known = self._encoded = x, state, self.encoder.encode(x.numpy())
        return known[2]

    def as_numbers(self, y):
        """Return targets as the recursion takes them."""
        n_outputs, dtype = self.plan[-1].units.out_features, self.recursion.theta.dtype
        return self.criterion.as_numbers(y, n_outputs).astype(dtype, copy=False)

    @property
    def codes(self):
        """The target of each class as `as_numbers` makes it, or None where targets are numbers.

        One row for each class is less than one for each row of the data.
        """
        n_outputs = self.plan[-1].units.out_features
        return self.as_numbers(torch.arange(n_outputs)) if self.criterion.takes_classes else None

    @property
    def is_untouched(self):
        """Whether the module computes what its plan says: nothing was hooked in, replaced or moved."""
        module = self.learner.module
        return (
            [_look_at(child) for child in module._modules.values()] == self._seen
            and not (_is_hooked(module) or "forward" in vars(module))
            and not _has_any_global_hook()
            and self.learner.flat.is_bound()
        )

    @property
    def is_as_made(self):
        """Whether a learner and a gradient that are made anew would be the same: nothing was changed."""
        learner = self.learner
        dropouts = filter(None, (layer.dropout for layer in self.plan))
        return (
            self.is_untouched
            and learner.flat.is_as_made
            and all(dropout.generator is learner.device_generator for dropout in dropouts)
        )

    @classmethod
    def serves(cls, learner, criterion):
        """Whether the recursion is written out for all that a network consists of."""
        return (
            hasattr(learner.module, "plain_layers")
            and getattr(criterion, "has_gradient", False)
            and learner.flat.values.device.type == "cpu"
            and learner.precision == "full"
            and learner.module.plain_layers() is not None
        )


def _look_at(layer):
    """Return what decides on what a layer computes, but for the values of its parameters."""
    own = vars(layer)
    return (
        id(layer),
        type(layer),
        "forward" in own or _is_hooked(layer),
        [*map(id, own["_parameters"].values()), *map(id, own["_buffers"].values())],
        [*map(own.get, getattr(layer, "__constants__", ()))],
        id(own.get("generator")),
    )


def has_hooks(module):
    """Whether somebody has hooked into a module or a part of it, or into all."""
    return _has_any_global_hook() or any(map(_is_hooked, module.modules()))


def _is_hooked(module):
    own = vars(module)
    return bool(
        own["_forward_hooks"]
        or own["_forward_pre_hooks"]
        or own["_backward_hooks"]
        or own["_backward_pre_hooks"]
    )


def make_gradient(learner, criterion, augment=None):
    """Choose who computes the gradient of a learner's loss."""
    if augment is None and ClosedForm.serves(learner, criterion):
        return ClosedForm(learner, criterion)
    if augment is not None:
        return AugmentedAutograd(learner, criterion, augment)
    if getattr(learner.module, "takes_targets", False):
        return TeacherForcedAutograd(learner, criterion)
    return PlainAutograd(learner, criterion)
