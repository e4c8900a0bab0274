"""The loss of outputs that are sequences."""

import torch
from torch import nn


class SequenceLoss(nn.Module):
    """Mean of a loss over the steps of all sequences.

    ``forward(raw, target, weight=None, weight_sum=None)`` takes raw outputs of shape
    (n_rows, n_steps, n_outputs) and padded targets of shape (n_rows, n_steps[, n_outputs]): -1 pads
    classes and NaN numbers. Raw outputs that are missing at the end count as zero. A sequence's weight
    is that of each of its steps.

    Parameters
    ----------
    loss : Loss
        The loss of a step.
    mean_length : float
        Steps of a sequence on average over the training data (weighted as they are), so that a batch of
        long sequences weighs more than one of short ones, as in the mean over all.
    class_weight : array-like of shape (n_classes,), default=None
        Weights of the steps by their class.
    """

    def __init__(self, loss, mean_length, class_weight=None):
        super().__init__()
        self.loss = loss
        self.mean_length = mean_length
        self.class_weight = class_weight

    def forward(self, raw, target, weight=None, weight_sum=None):
        n_steps = min(raw.shape[1], target.shape[1])
        is_step = target >= 0 if target.ndim == 2 else ~target[:, :, 0].isnan()
        n_missing = int(is_step.any(0).sum()) - n_steps
        if n_missing > 0:
            raw = torch.cat([raw, raw.new_zeros(len(raw), n_missing, raw.shape[2])], 1)
            n_steps += n_missing
        is_step = is_step[:, :n_steps]
        target = target[:, :n_steps][is_step]
        losses = self.loss.rows(raw[:, :n_steps][is_step], target)
        weights = is_step.to(raw.dtype)
        if weight is not None:
            weights = weights * weight[:, None]
        weights = weights[is_step]
        if self.class_weight is not None:
            by_class = torch.as_tensor(self.class_weight, dtype=raw.dtype, device=raw.device)
            codes = target if target.ndim == 1 else target[:, 0]
            weights = weights * by_class[codes.long()]
        total = weights.sum() if weight_sum is None else weight_sum * self.mean_length
        return (losses * weights).sum() / total

    def neutral(self, target, n_outputs, dtype, weight=None):
        """Return raw outputs of a constant prediction, the same for each step."""
        is_step = target >= 0 if target.ndim == 2 else ~target[:, :, 0].isnan()
        if weight is not None:
            weight = (weight[:, None] * is_step)[is_step]
        step = self.loss.neutral(target[is_step], n_outputs, dtype, weight)[0]
        return step.expand(*target.shape[:2], n_outputs)
