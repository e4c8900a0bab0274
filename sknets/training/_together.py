"""The jobs of a wave, which one thread trains for all who have handed them in."""

from sknets._plain_torch import plain_torch
from sknets.training._events import BATCH_EVENTS
from sknets.training._threads import threads
from sknets.training._wanted import while_wanted


def can_join(net):
    """Return whether a net can be trained with others: on a CPU, and nobody listens to its batches."""
    return net.flat.values.device.type == "cpu" and not net.listens(BATCH_EVENTS)


def train_together(jobs):
    """Train the nets of some jobs, each as it would be trained alone.

    What one of them raises is its own `error`, and does not hurt the others.

    Parameters
    ----------
    jobs : list of Job
        What is to be trained. A job that is not wanted any more may be left as it is.
    """
    for job in jobs:
        try:
            with plain_torch(), threads(job.n_threads), while_wanted(job.is_wanted):
                job.net.partial_fit(job.rows, epochs=job.epochs)
        except BaseException as error:
            job.error = error
        job.finish()  # an error need not wait for the others
