"""joblib's face of tasks whose networks train together."""

import contextlib
import warnings
from functools import partial

import joblib
from joblib.parallel import (
    FallbackToBackend,
    SequentialBackend,
    ThreadingBackend,
    get_active_backend,
)

from sknets._collector import what_is_there_put_aside
from sknets._warn import user_line
from sknets.parallel._calls import Call
from sknets.parallel._cluster import is_cluster, run_in_parts

#: Tasks at a time where their number is left to us. It has nothing to do with the number of CPUs: it says
#: how many networks may train as one, and how many training sets are in memory.
MOST_TASKS = 64


class TogetherBackend(ThreadingBackend):
    """Run tasks in threads, and train the networks of all that run as one.

    It is for scikit-learn's searches, cross-validations and ensembles, which need not know of it::

        with joblib.parallel_config("sknets", n_jobs=64):
            search.fit(X, y)

    A fit of a network of `sknets` hands in what it has to train and waits until all tasks that run have
    done so, or are done. Other estimators simply run. Calls within tasks (a search in an ensemble) take
    part. `n_jobs` of the context bounds the tasks at work at a time, in all calls together, and the
    networks in a wave; that of an estimator bounds its own tasks. Either is 64 where it is negative, and
    that of the context where it is not given.

    One object serves one `Parallel`; the one that a context holds makes another for each.

    Parameters
    ----------
    nesting_level : int, default=None
        How many calls of `Parallel` are around it, for joblib.
    """

    default_n_jobs = MOST_TASKS
    parallel = None
    _call = _around = _ahead = None

    def effective_n_jobs(self, n_jobs):
        """Return the number of tasks at a time: `n_jobs`, or 64 where it is None or negative."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        return MOST_TASKS if n_jobs is None or n_jobs < 0 else n_jobs

    def configure(self, n_jobs=1, parallel=None, **backend_kwargs):
        """Get ready to serve a `Parallel`; one task at a time needs no threads."""
        n_jobs = self.effective_n_jobs(n_jobs)
        if n_jobs == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        if self.parallel is None:
            own = type(self)(nesting_level=self.nesting_level)
            own.parallel = parallel
            raise FallbackToBackend(own)
        self._n_jobs = n_jobs
        return n_jobs

    def get_nested_backend(self):
        """Return a backend for calls within tasks, and how many of theirs run at a time."""
        level = (self.nesting_level or 0) + 1
        return type(self)(nesting_level=level), self._call.pool.most

    def start_call(self):
        """Open a call."""
        # joblib is about to parse this, which Python 3.11 cannot do in several threads
        self._ahead = self.parallel.pre_dispatch
        if str(self._ahead).replace(" ", "") == "2*n_jobs":
            self.parallel.pre_dispatch = 2 * self._n_jobs
        backend, n_jobs = get_active_backend()
        # an ensemble of four asks for four tasks, whatever they would do with more
        is_of_context = isinstance(backend, TogetherBackend)
        most = self.effective_n_jobs(n_jobs) if is_of_context else self._n_jobs
        self._call = Call(self._n_jobs, user_line(), max(most, self._n_jobs))
        self._around, is_blocking = contextlib.ExitStack(), not self.parallel.return_generator
        if self._call.is_outermost and is_blocking:
            # every task of scikit-learn's sets filters, and tasks end in another order than they begin
            self._around.enter_context(warnings.catch_warnings())
            self._around.enter_context(what_is_there_put_aside())

    def stop_call(self):
        """Close the call: its tasks are done, or nobody waits for them."""
        self.parallel.pre_dispatch = self._ahead
        with self._around:
            self._call.close()

    @contextlib.contextmanager
    def retrieval_context(self):
        """Tell that all first tasks are there, and that who has called waits for them."""
        with self._call.awaited():
            yield

    def abort_everything(self, ensure_ready=True):
        """End all tasks of the call: trainings as by Ctrl-C, other estimators when they are fitted."""
        self._call.end()

    def terminate(self):
        """Do nothing: threads end with their last task."""

    def _get_pool(self):
        return self._call


def run_all(calls, n_jobs=MOST_TASKS):
    """Run delayed calls as tasks whose networks train together, and return what they return.

    Where joblib's context is a cluster's, each worker gets some of them.

    Parameters
    ----------
    calls : iterable
        Of ``joblib.delayed``.
    n_jobs : int, default=64
        Tasks at a time.
    """
    backend, n_workers = get_active_backend()
    if isinstance(backend, TogetherBackend):
        return joblib.Parallel(n_jobs=n_jobs)(calls)
    if is_cluster(backend):
        n_workers = backend.effective_n_jobs(n_workers)
        return run_in_parts(calls, n_workers, partial(_run_here, n_jobs=n_jobs))
    return _run_here(calls, n_jobs)


def _run_here(calls, n_jobs):
    with joblib.parallel_config("sknets", n_jobs=n_jobs):
        return joblib.Parallel()(calls)


def register_backend():
    """Let joblib know the name "sknets"."""
    joblib.register_parallel_backend("sknets", TogetherBackend)
