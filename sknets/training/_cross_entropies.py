"""The losses of classes and labels, on logits."""

import numpy as np
import torch
import torch.nn.functional as F

from sknets.training._losses import Loss
from sknets.training._slopes import logistic

#: A class that is not there has this share in a constant prediction.
_RARE = 1e-6


class BinaryCrossEntropy(Loss):
    """Cross-entropy of one logistic unit per label; gradient p - y.

    Parameters
    ----------
    label_smoothing : float
        The target y becomes (1 - s) y + s / 2.
    """

    output = "logistic"
    scaling = None
    has_gradient = True

    def __init__(self, *, label_smoothing=0.0):
        super().__init__()
        self.label_smoothing = label_smoothing

    def elements(self, raw, target):
        if self.label_smoothing:
            target = target * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing
        return F.binary_cross_entropy_with_logits(raw, target, reduction="none")

    def as_numbers(self, target, n_outputs):
        smoothing = self.label_smoothing
        return target.numpy() * (1.0 - smoothing) + 0.5 * smoothing

    def differentiate(self, raw, target, delta, losses):
        # log(1 + exp(raw)) - y raw, in which no exponential is large
        np.absolute(raw, out=losses)
        np.negative(losses, out=losses)
        np.exp(losses, out=losses)
        np.log1p(losses, out=losses)
        np.maximum(raw, 0.0, out=delta)
        losses += delta
        np.multiply(target, raw, out=delta)
        losses -= delta
        logistic(raw, delta)
        delta -= target

    def neutral(self, target, n_outputs, dtype, weight=None):
        weight = target.new_ones(len(target)) if weight is None else weight
        share = (weight / weight.sum()) @ target
        return torch.logit(share.to(dtype), eps=_RARE).expand(len(target), -1)


class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of a softmax over K classes; gradient p - onehot(y).

    Parameters
    ----------
    label_smoothing : float
        The one-hot target t becomes (1 - s) t + s / K (Szegedy et al., 2016).
    """

    output = "softmax"
    scaling = None
    has_gradient = takes_classes = True

    def __init__(self, *, label_smoothing=0.0):
        super().__init__()
        self.label_smoothing = label_smoothing

    def elements(self, raw, target):
        return self.rows(raw, target)

    def rows(self, raw, target):
        return F.cross_entropy(raw, target, reduction="none", label_smoothing=self.label_smoothing)

    def as_numbers(self, target, n_outputs):
        smoothing = self.label_smoothing
        is_class = np.arange(n_outputs) == target.numpy()[:, None]
        return is_class * (1.0 - smoothing) + smoothing / n_outputs

    def differentiate(self, raw, target, delta, losses):
        # log-probabilities l = raw - log Σ exp(raw); the loss of a class is -y l, the gradient exp(l) - y
        np.subtract(raw, raw.max(axis=-1, keepdims=True), out=losses)
        np.exp(losses, out=delta)
        sums = delta.sum(axis=-1, keepdims=True)
        delta /= sums
        delta -= target
        losses -= np.log(sums)
        losses *= target
        np.negative(losses, out=losses)

    def neutral(self, target, n_outputs, dtype, weight=None):
        counts = torch.bincount(target, weight, minlength=n_outputs).to(dtype)
        shares = (counts / counts.sum()).clamp(min=_RARE)
        return shares.log().expand(len(target), -1)
