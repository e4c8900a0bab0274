"""One fit by several processes of this machine, which are started for it."""

import os
import signal
import tempfile
import threading
import time
import warnings
from concurrent.futures import FIRST_EXCEPTION, wait
from pathlib import Path

import joblib
import torch
from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

from sknets import training
from sknets._warn import warn_user
from sknets.parallel._distributed import (
    TIMEOUT,
    check_backend,
    check_processes,
    of_one_machine,
)

#: Seconds between two looks of a process at whether the one that has called is there.
_PARENT_SECONDS = 1.0

#: Seconds for which the cause is awaited, when processes have heard that another one has ended.
_CAUSE_SECONDS = 10.0


def fit_distributed(
    estimator, X, y=None, *, n_processes=2, backend="gloo", timeout=TIMEOUT, params=None
):
    """Fit one estimator by several processes of this machine, which share out each batch.

    The network is that which ``fit`` of one process would have, but for the last digits: each process
    computes the gradient of its share of the rows of a batch, and they are added up after each step. It
    pays where a step takes far longer than adding up (a large network, large batches); a search of many
    small networks is faster by ``joblib.parallel_config("sknets")``.

    Processes take some seconds to start, and end with the fit. They need no port.

    Parameters
    ----------
    estimator : estimator
        An estimator of `sknets`, alone or in a pipeline. It stays as it is.
    X : array-like of shape (n_samples, ...)
        The rows, which all processes read from one copy on disk.
    y : array-like of shape (n_samples, ...), default=None
        Targets.
    n_processes : int, default=2
        How many. Each has its part of the processors as threads.
    backend : {"gloo", "nccl"}, default="gloo"
        How gradients are added up: "gloo" for CPUs, "nccl" for a CUDA device for each process.
    timeout : float, default=600.0
        Seconds after which a process that waits for another one raises an error.
    params : dict, default=None
        Further parameters of ``fit``, as ``{"sample_weight": w}``.

    Returns
    -------
    fitted : estimator
        A fitted copy.

    Raises
    ------
    ValueError
        If a parameter does not fit, there is no network, or it cannot be shared out: a solver of all
        rows, batch normalisation, callbacks, several networks side by side, a module that draws.
    RuntimeError
        If a process ends before the fit does.

    See Also
    --------
    distributed : The same for processes that are there already, on several machines.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknets import MLPClassifier
    >>> from sknets.parallel import fit_distributed
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier(learning_rate="one_cycle", batch_size=16, random_state=0)
    >>> fitted = fit_distributed(network, X, y)  # doctest: +SKIP
    >>> round(fitted.score(X, y), 1)  # doctest: +SKIP
    1.0
    """
    check_processes(n_processes)
    check_backend(backend, timeout)
    if not (hasattr(estimator, "fit") and hasattr(estimator, "get_params")):
        raise ValueError(f"estimator={estimator!r} must be an estimator, with fit and get_params.")
    if params is not None and not isinstance(params, dict):
        raise ValueError(f"params={params!r} must be a dict of parameters of fit.")
    seeds = _draw_seeds(estimator)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        joblib.dump((X, y, params or {}), place / "data")
        options = (n_processes, place, backend, timeout)
        fitted, caught = _run_all(n_processes, (estimator, seeds), options)
    for message, category in caught:
        warn_user(message, category)
    return fitted.set_params(**dict.fromkeys(seeds))


def _draw_seeds(estimator):
    """Return a seed for each random_state that is None, by its name: all processes need the same."""
    generator = training.make_generator(None)
    params = estimator.get_params()
    return {
        name: training.draw_seed(generator)
        for name, value in params.items()
        if value is None and name.rpartition("__")[2] == "random_state"
    }


def _run_all(n_processes, task, options):
    """Let each process run the task; return what that of rank 0 returns.

    The first error ends all of them.
    """
    n_threads = str(max(1, joblib.cpu_count() // n_processes))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    executor = ProcessPoolExecutor(
        n_processes,
        initializer=_begin_work,
        initargs=(int(n_threads),),
        env=dict.fromkeys(names, n_threads),
    )
    is_done = False
    try:
        futures = [executor.submit(_fit, rank, *task, *options) for rank in range(n_processes)]
        error = _first_error(futures)
        if error is not None:
            raise error
        results = [future.result() for future in futures]
        is_done = True
        return results[0]
    except BrokenProcessPool as error:
        raise RuntimeError(
            f"One of the {n_processes} processes of fit_distributed has ended before the fit (killed, or "
            "out of memory?). All others were ended, and the estimator is as it was."
        ) from error
    finally:
        executor.shutdown(wait=is_done, kill_workers=not is_done)


def _first_error(futures):
    """Wait for all, or for an error; return the one that was the cause, or None."""
    wait(futures, return_when=FIRST_EXCEPTION)
    errors = _errors(futures)
    if errors and all(isinstance(error, training.TeamError) for error in errors):
        wait(futures, timeout=_CAUSE_SECONDS)  # these have only heard that another one has ended
        errors = _errors(futures)
    return min(errors, key=lambda error: isinstance(error, training.TeamError), default=None)


def _errors(futures):
    errors = [future.exception() for future in futures if future.done()]
    return [error for error in errors if error is not None]


# --- in the processes --------------------------------------------------------------------------------


def _begin_work(n_threads):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who has called decides
    torch.set_num_threads(n_threads)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent):
    """End this process soon after the one that has called was killed (but on Windows)."""
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    os._exit(1)


def _fit(rank, estimator, seeds, n_processes, folder, backend, timeout):
    """Fit as one of several; return the estimator and what was warned of, or nothing if not the first."""
    X, y, params = joblib.load(folder / "data", mmap_mode="r")
    estimator.set_params(**seeds)
    targets = () if y is None else (y,)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with of_one_machine(rank, n_processes, folder / "meeting", backend, timeout) as team:
            estimator.fit(X, *targets, **params)
    if team.n_trainings == 0:
        raise ValueError(
            f"estimator: {type(estimator).__name__} has trained no network of sknets, so that there was "
            "nothing to share out. Fit it by itself."
        )
    if rank:
        return None
    return estimator, [(str(warning.message), warning.category) for warning in caught]
