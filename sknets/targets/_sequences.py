"""Sequences of classes, labels or numbers: a value per timestep, or an output of another length."""

import copy
from dataclasses import dataclass

import numpy as np
import torch

from sknets import training
from sknets._changes import check_unchanged
from sknets._plain import kept
from sknets.inputs import as_list, common_names, split
from sknets.targets._outputs import Outputs, read_sequences
from sknets.targets._target import Raw, RowTask, Target, Task


@kept
@dataclass(frozen=True)
class SequenceTask(Task):
    """Lifts the task of a row to a sequence for each row.

    Parameters
    ----------
    inner : RowTask
        The task of a step.
    outputs : Outputs
        Whether y has a value per timestep, or is written by a decoder.
    """

    inner: RowTask
    outputs: Outputs

    @property
    def given(self):
        """What must not change where a fit goes on, by name."""
        return self.inner.given | {
            "output": self.outputs.kind,
            "max_output_length": self.outputs.max_length,
        }

    def read(self, estimator, input, X, y, *, reset):
        rows = input.read(estimator, X, reset=reset)
        y = rows if self.inner.returns_rows else y  # which `read_y` takes as it is
        return rows, self.read_y(y, rows, type(estimator).__name__)

    def names(self, y):
        if self.inner.returns_rows:
            return None
        entries = as_list(y)
        return common_names(entries, "y") if entries else None

    def read_y(self, y, rows, who):
        """Return a y as `Sequences`, checked against the rows that it belongs to."""
        per_timestep = self.outputs.kind == "timesteps"
        return read_sequences(y, rows, who=who, per_timestep=per_timestep)

    def learn(self, y, sample_weight, classes):
        inner = self.inner.learn(y.values, y.repeat(sample_weight), classes)
        if self.outputs.kind == "timesteps":
            return SequenceTarget(self, inner, None)
        inner, longest, most = inner.with_end(), y.shape[1], self.outputs.max_length
        if inner.has_end:
            if longest > (most or longest):
                raise ValueError(
                    f"max_output_length={most}, but y has sequences of {longest}; raise it, or leave "
                    "it at None."
                )
            return SequenceTarget(self, inner, most or longest)
        if not y.is_regular or most not in (None, longest):
            raise ValueError(
                "output='sequence' in regression writes as many numbers for each row as y has in "
                f"fit, {longest}: all rows of y must have one length, and max_output_length must be "
                f"that or None, it is {most}."
            )
        return SequenceTarget(self, inner, longest)


def lift(task, outputs):
    """Return a task for y with so many outputs."""
    return task if outputs.kind == "single" else SequenceTask(task, outputs)


@kept
class SequenceTarget(Target):
    """Lifts the target of a row to a sequence for each row.

    The inner target sees the steps of all sequences as rows, each with the weight of its sequence; what
    it decodes is split again.

    Parameters
    ----------
    task : SequenceTask
        The options.
    inner : RowTarget
        The target of a step.
    output_length : int or None
        Most steps that a decoder writes.

    Attributes
    ----------
    mean_length : float
        Mean number of steps of a sequence in this fit, weighted as they are.
    """

    def __init__(self, task, inner, output_length):
        self.task = task
        self.inner = inner
        self.output_length = output_length

    @property
    def per_timestep(self):
        """Whether y has a value for each timestep, rather than a length of its own."""
        return self.task.outputs.kind == "timesteps"

    # --- what the inner target says ------------------------------------------------------------------

    @property
    def n_outputs(self):
        """Number of raw outputs of a step."""
        return self.inner.n_outputs

    @property
    def output(self):
        """The output activation of a step."""
        return self.inner.output

    @property
    def classes(self):
        """Classes, or numbers of labels, of a step."""
        return self.inner.classes

    @property
    def excludes(self):
        """Whether a raw output of -inf among finite ones has a meaning."""
        return self.inner.excludes

    @property
    def is_constant(self):
        """Whether no y has had a spread."""
        return self.inner.is_constant

    @property
    def is_ordered(self):
        """Whether raw outputs are distances between quantiles."""
        return self.inner.is_ordered

    @property
    def levels(self):
        """Levels of the quantiles of a step, or None."""
        return self.inner.levels

    @property
    def has_std(self):
        """Whether raw outputs tell a standard deviation of each step."""
        return self.inner.has_std

    @property
    def watches_loss(self):
        """Whether early stopping by the default score watches the validation loss."""
        return self.inner.watches_loss

    @property
    def n_written_classes(self):
        """Number of classes that a decoder writes, the end not among them; None for numbers."""
        return self.inner.n_classes if self.inner.has_end else None

    def check_classes(self, classes):
        """Raise ValueError if the classes that a user announces are others than before."""
        self.inner.check_classes(classes)

    # --- training ------------------------------------------------------------------------------------

    def check(self, y, *, as_before=False, is_validation=False):
        self.inner.check(y.values, as_before=as_before, is_validation=is_validation)
        if self.per_timestep:
            return
        if self.inner.has_end and not is_validation and y.shape[1] > self.output_length:
            raise ValueError(
                f"y has sequences of {y.shape[1]}, but the decoder writes up to {self.output_length}; "
                "set max_output_length before the first call."
            )
        if not self.inner.has_end and not (y.lengths == self.output_length).all():
            raise ValueError(
                f"y must have {self.output_length} numbers in each row, as in the first call."
            )

    def check_goes_on(self, task):
        length, now = {"max_output_length": self.output_length}, task.given
        if now.get("max_output_length") is None:  # which is what has been learned
            now |= length
        check_unchanged(self.task.given | length, now)

    def for_fit(self, task, y, sample_weight):
        target = copy.copy(self)
        target.task = task
        target.inner = self.inner.for_fit(task.inner, y.values, y.repeat(sample_weight))
        counts = y.lengths
        by_class = target.inner.step_weights()
        if by_class is not None:
            steps = by_class[np.searchsorted(self.classes, y.values)]
            if not steps.any():
                raise ValueError(
                    "class_weight gives every step of y a weight of zero; no step is left to fit."
                )
            counts = np.add.reduceat(steps, y.starts)
        counts = counts + self.inner.has_end  # whose end is a step
        target.mean_length = float(np.average(counts, weights=sample_weight))
        return target

    def weigh(self, y, sample_weight):
        return sample_weight  # classes are weighed step by step, in the loss

    def strata(self, y):
        return None

    def encode(self, y):
        encoded = self.inner.encode(y.values)
        encoded = y.padded(encoded, -1 if encoded.dtype.kind == "i" else np.nan)
        if not self.inner.has_end:
            return encoded
        ended = np.pad(encoded, ((0, 0), (0, 1)), constant_values=-1)
        ended[np.arange(len(ended)), y.lengths] = self.inner.n_classes
        return ended

    def make_loss(self):
        loss = self.inner.make_loss()
        return training.SequenceLoss(loss, self.mean_length, self.inner.step_weights())

    # --- predictions ---------------------------------------------------------------------------------

    @property
    def can_be_pooled(self):
        """Whether steps of several networks belong together: each writes sequences of its own."""
        return not self.inner.has_end

    def predictions(self, raw):
        return self._arranged(self.inner.predictions, raw)

    def of_steps(self, raw):
        """Return the predictions for all steps of a `Raw`, one sequence after the other."""
        return self.inner.predictions(self._steps(raw)[0])

    def deviations(self, raw):
        """Return the standard deviations of y that a `Raw` tells, where `has_std`."""
        return self._arranged(self.inner.deviations, raw)

    def probabilities(self, raw):
        """Return the probabilities of a `Raw`, a row for each step."""
        return self._arranged(self.inner.probabilities, raw)

    def log_probabilities(self, raw):
        """Return their logarithms."""
        return self._arranged(self.inner.log_probabilities, raw)

    def _arranged(self, decode, raw):
        """Return what `decode` makes of all steps, one entry for each row."""
        steps, lengths = self._steps(raw)
        values = decode(steps)
        if self.per_timestep:
            return raw.rows.split(values)
        if self.inner.has_end:
            return split(values, lengths)
        return values.reshape(len(lengths), -1, *values.shape[1:])

    def _steps(self, raw):
        """Return the raw outputs of all steps, one after the other, and how many each row has."""
        values = raw.values
        if self.per_timestep:
            lengths = raw.rows.lengths
        elif self.inner.has_end:
            is_end = values.argmax(2) == self.inner.n_classes
            lengths = torch.where(is_end.any(1), is_end.int().argmax(1), values.shape[1])
            lengths = lengths.clamp(max=self.output_length).numpy()
        else:
            lengths = np.full(len(values), values.shape[1], dtype=np.int64)
        is_step = torch.arange(values.shape[1]) < torch.from_numpy(lengths)[:, None]
        rows = raw.rows.values if self.per_timestep else None
        return Raw(values[is_step], rows, raw.dtype), lengths

    def score(self, predictions, y, sample_weight, get_rows):
        y = self.task.read_y(y, get_rows(), "score of sequences")
        if not self.inner.has_end:
            steps = np.concatenate(list(predictions))
            return self.inner.metric(y.values, steps, y.repeat(sample_weight))
        pairs = zip(predictions, split(y.values, y.lengths), strict=True)
        is_right = [np.array_equal(ours, theirs) for ours, theirs in pairs]
        return float(np.average(is_right, weights=sample_weight))

    def as_rows(self, raw, y, sample_weight):
        if not self.per_timestep or self.task.inner.returns_rows:
            return self, raw, y, sample_weight
        steps, _ = self._steps(raw)
        return self.inner, steps, y.values, y.repeat(sample_weight)
