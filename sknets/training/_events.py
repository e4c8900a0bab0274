"""What skorch's callbacks are told, and what its own methods need, beyond the lean loop."""

import re

import skorch
import torch
from skorch.utils import to_device

from sknets.training._batches import Batches, Rows

BATCH_EVENTS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


class Events:
    """The half of `Net` that speaks with skorch and its callbacks.

    A batch is ``(x, y, weight)`` here and ``(x, y)`` there.
    """

    def get_iterator(self, dataset, training=False):
        """Cut `Rows` into batches; leave other data to skorch."""
        if not isinstance(dataset, Rows):
            return super().get_iterator(dataset, training=training)
        size = min(self.batch_size, len(dataset))
        shuffle = training and self.method.shuffle
        return Batches(dataset, size, shuffle=shuffle, generator=self.learner.generator)

    def listens(self, events):
        """Return whether a callback listens to one of some events."""
        return any(
            getattr(type(callback), event) is not getattr(skorch.callbacks.Callback, event)
            for _, callback in self.callbacks_
            for event in events
        )

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the unweighted loss, for skorch's callbacks."""
        return self.criterion_(y_pred, y_true)

    def _run_with_events(self, batches, step_fn):
        for batch in batches:
            x, y, _ = batch
            self.notify("on_batch_begin", batch=(x, y), training=True)
            step = step_fn(batch)
            self._record_batch("train", y, step["loss"])
            self.notify("on_batch_end", batch=(x, y), training=True, **step)

    def _record_batch(self, prefix, y, loss):
        self.history.record_batch(f"{prefix}_loss", float(loss))
        self.history.record_batch(f"{prefix}_batch_size", len(y))

    def _notify_gradient(self, batch):
        self.notify(
            "on_grad_computed",
            named_parameters=self.get_all_learnable_params(),
            batch=batch[:2],
            training=True,
        )

    def _notify_epoch_end(self, rows):
        try:
            self.notify("on_epoch_end", dataset_train=rows, dataset_valid=self.valid_rows)
        except KeyboardInterrupt:  # how skorch's callbacks ask for the end
            if not self.learner.is_stopped:
                self.learner.stop_reason = "callback" if self.callbacks_ else "interrupt"
        except (KeyError, ValueError, skorch.exceptions.SkorchException) as error:
            missing = re.search(r"'(valid_\w+)' was not found in history", str(error))
            if missing is None:
                raise
            raise ValueError(
                f"callbacks hold one that watches {missing[1]!r}, which is not recorded"
                f"{self._what_is_recorded()}"
            ) from error

    def _what_is_recorded(self):
        if self.valid_rows is None:
            return (
                " without validation data. Let it watch 'train_loss', or give fit validation data: X_val "
                "and y_val, or early_stopping=True (partial_fit has none)."
            )
        names = [name for name in self.history[-1] if name.startswith("valid_")]
        return f". Let it watch one of {', '.join(names)}."

    def evaluation_step(self, batch, training=False):
        """Return the raw outputs of a batch, for skorch's own predictions."""
        self.check_is_fitted()
        self._set_training(training)
        with torch.set_grad_enabled(training):
            return self.module_(to_device(batch[0], self.device))

    def _notify_validation(self, rows, raw):
        parts = raw.split(Batches(rows, self.rows_at_once).sizes())
        for (x, y, _), part in zip(Batches(rows, self.rows_at_once), parts, strict=True):
            self.notify("on_batch_begin", batch=(x, y), training=False)
            loss = self.criterion_(part, y.to(part.device))
            self._record_batch("valid", y, loss)
            self.notify("on_batch_end", batch=(x, y), training=False, loss=loss, y_pred=part)
