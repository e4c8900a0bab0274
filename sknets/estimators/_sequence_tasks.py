"""The two tasks where y may be a sequence: a value per timestep, or an output of another length."""

import copy

import numpy as np
import torch
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.validation import check_is_fitted

from sknets import modules, training
from sknets.estimators._sequences import Sequences, read_targets, split
from sknets.estimators._tasks import ClassifierTask, RegressorTask


class SequenceTask:
    """What stands above a task where `output` may be "timesteps" or "sequence".

    A task sees the steps of all sequences as rows, each with the weight of its sequence; what
    it decodes is split again.
    """

    def _read_y(self, X, y, output):
        """Return y as `Sequences`, checked against X."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        return read_targets(y, X, per_timestep=output == "timesteps")

    def _learn_target(self, y, sample_weight, classes):
        if self.output == "single":
            super()._learn_target(y, sample_weight, classes)
            return
        super()._learn_target(y.values, y.repeat(sample_weight), classes)

    def _check_target(self, y, *, is_validation=False):
        values = y.values if isinstance(y, Sequences) else y
        super()._check_target(values, is_validation=is_validation)

    def _encode_target(self, y):
        if self.output == "single":
            return super()._encode_target(y)
        encoded = super()._encode_target(y.values)
        return y.padded(encoded, -1 if encoded.dtype.kind == "i" else np.nan)

    def _learn_weights(self, y, sample_weight):
        if self.output == "single":
            super()._learn_weights(y, sample_weight)
            return
        super()._learn_weights(y.values, y.repeat(sample_weight))
        self._mean_length = float(np.average(self._count_steps(y), weights=sample_weight))

    def _count_steps(self, y):
        """Return the number of steps of each sequence, weighted by their classes."""
        return y.lengths

    def _n_written_classes(self):
        """Return the number of classes that a decoder writes; None for numbers."""
        return

    def _step_weights(self):
        """Return the weight of a step by its class, or None."""
        return

    def _weigh(self, y, sample_weight):
        return sample_weight if self.output != "single" else super()._weigh(y, sample_weight)

    def _strata(self, y):
        return None if self.output != "single" else super()._strata(y)

    def _make_loss(self):
        loss = super()._make_loss()
        if self._spec["output"] == "single":
            return loss
        return training.SequenceLoss(loss, self._mean_length, self._step_weights())

    # --- predict -----------------------------------------------------------------------------------

    def _decode(self, X, from_raw):
        check_is_fitted(self)
        if self._spec["output"] == "single":
            return super()._decode(X, from_raw)
        X = self._read_X(X, reset=False)
        values, lengths = self._decode_steps(X, from_raw)
        if self._spec["output"] == "timesteps":
            return X.split(values)
        return self._arrange_written(values, lengths)

    def _decode_steps(self, X, from_raw):
        """Return what `from_raw` makes of all steps, one after the other, and how many each row has."""
        raw, dtype = self._raw_predict(X)
        lengths = X.lengths if self._spec["output"] == "timesteps" else self._written(raw)
        steps = torch.arange(raw.shape[1]) < torch.from_numpy(lengths)[:, None]
        return from_raw(raw[: len(steps), : steps.shape[1]][steps], dtype), lengths

    def _written(self, raw):
        """Return the number of outputs that a decoder wrote in each row."""
        return np.full(len(raw), raw.shape[1], dtype=np.int64)

    def _arrange_written(self, values, lengths):
        """Return the outputs of a decoder, one entry for each row."""
        return values.reshape(len(lengths), -1, *values.shape[1:])

    def _as_rows(self, X, y, sample_weight, raw):
        if self.output != "timesteps":
            return super()._as_rows(X, y, sample_weight, raw)
        steps = torch.arange(raw.shape[1]) < torch.from_numpy(X.lengths)[:, None]
        view = copy.copy(self)
        view._spec = self._spec | {"output": "single"}
        return view, X.values, y.values, y.repeat(sample_weight), raw[steps]


class SequenceClassifierTask(SequenceTask, ClassifierTask):
    """Classes of sequences, of timesteps, or written one after the other."""

    def _learn_target(self, y, sample_weight, classes):
        super()._learn_target(y, sample_weight, classes)
        if self.output == "sequence":
            if self._is_multilabel:
                raise ValueError(
                    "output='sequence' writes one label after the other: y has several."
                )
            self.n_outputs_ = len(self.classes_) + 1  # the last one is the end
            self._output = modules.SoftmaxOutput()
            self.out_activation_ = self._output.name
            longest = y.shape[1]
            self._output_length = self.max_output_length or longest
            if longest > self._output_length:
                raise ValueError(
                    f"max_output_length={self.max_output_length}, but y has sequences of {longest}; "
                    "raise it, or leave it at None."
                )

    def _all_classes(self, y, classes):
        if self.output == "single":
            return super()._all_classes(y, classes)
        first = np.asarray(y[0])  # a matrix of labels if there are several per timestep
        is_indicator = first.ndim == 2 and first.shape[1] > 1
        return np.arange(first.shape[1]) if is_indicator else np.unique(classes)

    def _check_target(self, y, *, is_validation=False):
        super()._check_target(y, is_validation=is_validation)
        is_written = self.output == "sequence" and isinstance(y, Sequences)
        if is_written and not is_validation and y.shape[1] > self._output_length:
            raise ValueError(
                f"y has sequences of {y.shape[1]}, but the decoder writes up to {self._output_length}; "
                "set max_output_length before the first call."
            )

    def _encode_target(self, y):
        encoded = super()._encode_target(y)
        if self.output != "sequence":
            return encoded
        ended = np.pad(encoded, ((0, 0), (0, 1)), constant_values=-1)
        ended[np.arange(len(ended)), y.lengths] = len(self.classes_)
        return ended

    def _learn_weights(self, y, sample_weight):
        if self.output != "single" and self._is_multilabel and self.class_weight is not None:
            raise ValueError(
                "class_weight is not there for several labels per timestep; give sample_weight."
            )
        super()._learn_weights(y, sample_weight)

    def _count_steps(self, y):
        counts = y.lengths
        if self.class_weight is not None:
            by_step = self._class_weights[np.searchsorted(self.classes_, y.values)]
            counts = np.add.reduceat(by_step, y.starts)
        return counts + (self.output == "sequence")  # whose end is a step

    def _n_written_classes(self):
        return len(self.classes_)

    def _step_weights(self):
        if self.class_weight is None:
            return None
        weights = self._class_weights
        return weights if self.output == "timesteps" else np.append(weights, 1.0)

    def _written(self, raw):
        is_end = raw.argmax(2) == len(self.classes_)
        lengths = torch.where(is_end.any(1), is_end.int().argmax(1), raw.shape[1])
        return lengths.clamp(max=self._output_length).numpy()

    def _arrange_written(self, values, lengths):
        return split(values, lengths)

    def score(self, X, y, sample_weight=None):
        """Return the accuracy on data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps[, n_features]) or list of sequences
            Data.
        y : array-like of shape (n_samples,), (n_samples, n_steps) or list of sequences
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            Share of right labels; with ``output="timesteps"`` of all timesteps, with
            ``output="sequence"`` share of sequences that are right as a whole.
        """
        check_is_fitted(self)
        if self._spec["output"] == "single":
            return super().score(X, y, sample_weight)
        X = self._read_X(X, reset=False)
        y = self._read_y(X, y, self._spec["output"])
        labels, lengths = self._decode_steps(X, self._labels)
        if self._spec["output"] == "timesteps":
            return accuracy_score(y.values, labels, sample_weight=y.repeat(sample_weight))
        pairs = zip(split(labels, lengths), split(y.values, y.lengths), strict=True)
        is_right = [np.array_equal(ours, theirs) for ours, theirs in pairs]
        return float(np.average(is_right, weights=sample_weight))


class SequenceRegressorTask(SequenceTask, RegressorTask):
    """Numbers for sequences, for timesteps, or as an output of another length."""

    def _learn_target(self, y, sample_weight, classes):
        super()._learn_target(y, sample_weight, classes)
        if self.output == "sequence":
            self._output_length = y.shape[1]
            if not y.is_regular or self.max_output_length not in (None, self._output_length):
                raise ValueError(
                    "output='sequence' in regression writes as many numbers for each row as y has in "
                    f"fit, {self._output_length}: all rows of y must have one length, and "
                    f"max_output_length must be that or None, it is {self.max_output_length}."
                )

    def _check_target(self, y, *, is_validation=False):
        super()._check_target(y, is_validation=is_validation)
        is_fixed = self.output == "sequence" and isinstance(y, Sequences)
        if is_fixed and not (y.lengths == self._output_length).all():
            raise ValueError(
                f"y must have {self._output_length} numbers in each row, as in the first call."
            )

    def score(self, X, y, sample_weight=None):
        """Return the coefficient of determination R² on data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps[, n_features]) or list of sequences
            Data.
        y : array-like of shape (n_samples[, n_outputs]), (n_samples, n_steps) or list of sequences
            True numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        float
            R²; of all steps of all sequences where the output is a sequence.
        """
        check_is_fitted(self)
        if self._spec["output"] == "single":
            return super().score(X, y, sample_weight)
        X = self._read_X(X, reset=False)
        y = self._read_y(X, y, self._spec["output"])
        numbers, _ = self._decode_steps(X, self._numbers)
        return r2_score(y.values, numbers, sample_weight=y.repeat(sample_weight))
