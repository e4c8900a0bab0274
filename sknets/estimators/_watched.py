"""Callbacks of skorch that are also told of the fit as a whole, data and errors included."""

from contextlib import contextmanager, nullcontext

import skorch


class FitWatcher(skorch.callbacks.Callback):
    """A callback of skorch that is told when a fit of its estimator begins, ends or fails.

    skorch's callbacks see a net in training. A fit is more: it reads data before, may train several nets
    (phases, members, folds) and judges the outcome after them. Members and folds have clones of the
    callbacks, which are not told of a fit.
    """

    watches_steps = False

    def on_fit_begin(self, estimator, *, is_partial):
        """Get ready; what is raised here ends the fit before anything has been trained.

        Parameters
        ----------
        estimator : BaseNet
            The estimator, whose single parameters are valid.
        is_partial : bool
            Whether the call is a `partial_fit`.
        """

    def on_fit_end(self, estimator):
        """Look at the fitted estimator."""

    def on_fit_error(self, estimator, error):
        """Take note of what ended the fit; it is raised again afterwards."""


def watched(estimator, *, is_partial=False):
    """Return a context that tells the watchers among an estimator's callbacks of its fit."""
    callbacks = estimator.callbacks
    if not callbacks:
        return nullcontext()
    watchers = [callback for callback in callbacks if isinstance(callback, FitWatcher)]
    return _tell(watchers, estimator, is_partial) if watchers else nullcontext()


@contextmanager
def _tell(watchers, estimator, is_partial):
    begun = []
    try:
        for watcher in watchers:
            watcher.on_fit_begin(estimator, is_partial=is_partial)
            begun.append(watcher)
        yield
    except BaseException as error:
        for watcher in begun:
            watcher.on_fit_error(estimator, error)
        raise
    for watcher in begun:
        watcher.on_fit_end(estimator)
