"""scikit-learn's callback protocol, met by a skorch callback."""

import skorch

from sknets import training
from sknets.estimators._net import phases


class EpochTasks(skorch.callbacks.Callback):
    """Report every epoch to scikit-learn's callbacks as a task of the fit, which it opens.

    scikit-learn marks its protocol experimental; `open_tasks` begins it, this class speaks it.

    Parameters
    ----------
    estimator : estimator
        The estimator being fitted, with callbacks set by `set_callbacks` or propagated to it.
    context : sklearn.callback.CallbackContext
        The context of the fit.
    data : dict
        ``X``, ``y`` and ``metadata`` of the fit, as the user passed them.
    """

    watches_steps = False

    def __init__(self, estimator, context, data):
        self.estimator = estimator
        self.context = context
        self.data = data
        self.task = None
        context.call_on_fit_task_begin(estimator=estimator, **data)

    def close(self):
        """Close the task of the whole fit."""
        self.context.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=dict, **self.data
        )

    def on_epoch_begin(self, net, **kwargs):
        """Open the task of an epoch."""
        self.task = self.context.subcontext(task_name="epoch")
        self.task.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def on_epoch_end(self, net, **kwargs):
        """Close it, with an estimator that predicts as if training had ended here."""
        task, self.task = self.task, None
        try:
            should_stop = task.call_on_fit_task_end(
                estimator=self.estimator,
                reconstruction_attributes=dict,  # the estimator predicts already
                **self.data,
            )
        except KeyboardInterrupt:  # the user's, not a callback's
            net.stop_reason = "interrupt"
            raise
        if should_stop:
            raise KeyboardInterrupt  # how skorch's callbacks ask for the end

    def on_train_end(self, net, **kwargs):
        """Close the task of an epoch that did not end."""
        if self.task is not None:
            self.task.call_on_fit_task_end(estimator=self.estimator)


def open_tasks(estimator, X, y, sample_weight, is_partial):
    """Tell scikit-learn's callbacks that a fit begins; None if nobody listens."""
    if not getattr(estimator, "_skl_callbacks", None):
        return None
    n_tasks = 1
    if not is_partial:
        # a minimiser has begun one task more when its last iteration is over
        extra = not training.SOLVERS[estimator.solver].is_incremental
        n_tasks = sum(phase.max_iter + extra for phase in phases(estimator))
    context = estimator._init_callback_context(max_subtasks=n_tasks)
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return EpochTasks(estimator, context, {"X": X, "y": y, "metadata": metadata})
