"""Whoever computes the gradient of a mini-batch."""

from abc import ABC, abstractmethod

from sknets.training._losses import mixed_loss


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
        raw = self.learner.module(x)
        return self.criterion(raw, y, weight, len(y)), raw


class TeacherForcedAutograd(Autograd):
    """The loss of a module that is told the targets in training, ``module(x, y)``."""

    def _forward(self, x, y, weight):
        raw = self.learner.module(x, y)
        return self.criterion(raw, y, weight, len(y)), raw


class AugmentedAutograd(Autograd):
    """The loss of rows that are changed at random, perhaps mixed in pairs, before each step.

    Parameters
    ----------
    learner, criterion
        As in `Gradient`.
    augment : callable
        What ``module.augmented(x, augment)`` applies; its `generator` is set to that of the layers.
    """

    def __init__(self, learner, criterion, augment):
        super().__init__(learner, criterion)
        self.augment = augment
        augment.generator = learner.device_generator

    def _forward(self, x, y, weight):
        raw, mix = self.learner.module.augmented(x, self.augment)
        return mixed_loss(self.criterion, raw, y, weight, mix), raw


def make_gradient(learner, criterion, augment=None):
    """Choose who computes the gradient of a learner's loss."""
    if augment is not None:
        return AugmentedAutograd(learner, criterion, augment)
    if getattr(learner.module, "takes_targets", False):
        return TeacherForcedAutograd(learner, criterion)
    return PlainAutograd(learner, criterion)
