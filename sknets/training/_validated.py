"""What a net makes of its validation data."""

import math

import torch

from sknets.training._batches import Batches
from sknets.training._compiled import Compiled
from sknets.training._trial import Trial


class Validated:
    """The part of `Net` that tries the network on validation data, and scores it."""

    @property
    def scores_outputs_alone(self):
        """Whether scores depend on raw outputs and the validation data alone.

        A scorer of the user's own may look at whatever it likes, and a subclass may predict otherwise.
        """
        return self.valid_score is None or getattr(self.valid_score, "sees_outputs_alone", False)

    def keep_start(self):
        """Let the network as it is before the first epoch be the best so far, on the validation data.

        Where their loss decides, an epoch has to be better by one standard error of it.
        """
        trial = self._try_validation()
        if self.stopping.monitor == "valid_score":
            value = self.valid_score(trial.raw)
        else:
            value = trial.loss - self._standard_error(trial.raw)
        self.stopping.update(value, keep=self.snapshot, valid_loss=trial.loss)

    def _standard_error(self, raw):
        target, weight = self.valid_rows.targets_on(raw.device)
        losses = self.criterion_.rows(raw, target)
        if len(losses) < 2:
            return math.inf
        weight = torch.ones_like(losses) if weight is None else weight
        share = weight / weight.sum()
        deviations = losses - share @ losses
        return float((share * deviations).norm() * math.sqrt(len(losses) / (len(losses) - 1)))

    def _try_validation(self, trial=None):
        """Return the `Trial` of the network as it is, with the loss."""
        rows = self.valid_rows
        if trial is None:
            if Compiled.tries(self) and self.gradient.is_untouched:
                return Trial(*self.gradient.compiled().evaluate(rows))
            inputs = (x for x, _, _ in Batches(rows, self.rows_at_once))
            trial = Trial(self.raw_outputs(inputs, len(rows)))
        if trial.loss is None:
            loss = float(self.criterion_(trial.raw, *rows.targets_on(trial.raw.device)))
            trial = trial._replace(loss=loss)
        return trial

    def _validate(self, row, trial):
        trial = self._try_validation(trial)
        if self._notifies_batches:
            self._notify_validation(self.valid_rows, trial.raw)
        self._record_loss(row, "valid_loss", trial.loss)
        if self.valid_score is not None:
            is_scored = trial.score is not None
            row["valid_score"] = trial.score if is_scored else self.valid_score(trial.raw)

    def _scored(self, trials):
        """Score the trials of several epochs at once."""
        if self.valid_score is None:
            return trials
        scores = self.valid_score.of_several([trial.raw for trial in trials])
        return [trial._replace(score=score) for trial, score in zip(trials, scores, strict=True)]
