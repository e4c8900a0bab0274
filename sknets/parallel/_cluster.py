"""Tasks of several networks on the workers of Dask, Ray or another backend that is not of joblib.

A worker that got one network after the other would train each alone. It gets a part of the tasks at once
instead, and trains the networks of that part together.
"""

import sys
from itertools import pairwise

import joblib

#: Parts of the tasks for each worker: with more, a worker that is done early takes over; with fewer, more
#: networks train as one.
_PARTS = 2


def is_cluster(backend):
    """Return whether a backend may send tasks to other machines, and this is not one of them."""
    is_of_joblib = type(backend).__module__ == "joblib._parallel_backends"
    has_one_memory = getattr(backend, "supports_sharedmem", False)  # Ray's does not say
    return not (is_of_joblib or has_one_memory or _is_in_dask())


def run_in_parts(calls, n_workers, run):
    """Run delayed calls in parts, each of which goes to a worker; return what they return.

    Parameters
    ----------
    calls : iterable
        Of ``joblib.delayed``.
    n_workers : int
        How many parts are at work at a time.
    run : callable
        ``run(calls)`` runs a part there.
    """
    calls = list(calls)
    n_parts = max(1, min(len(calls), _PARTS * n_workers))
    places = [len(calls) * part // n_parts for part in range(n_parts + 1)]
    parts = [calls[start:stop] for start, stop in pairwise(places)]
    answers = joblib.Parallel(batch_size=1)(joblib.delayed(run)(part) for part in parts)
    return [answer for of_part in answers for answer in of_part]


def _is_in_dask():
    """Return whether the present thread is a task of Dask, whose networks stay where they are."""
    worker = sys.modules.get("distributed.worker")
    return worker is not None and hasattr(worker.thread_state, "execution_state")
