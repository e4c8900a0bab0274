"""Stacks that train in processes beside this one.

A step of small networks is a few dozen operations of some microseconds each, in which two threads would
pass Python's lock to and fro. So stacks of small steps are given to other processes, one for each further
processor, while this one trains the rest. They are started when there is enough to do for the first time,
are ready some seconds later, and wait for more for some minutes. What comes back is what a training in
this process leaves, to the last bit. Whatever is unusual (a network that cannot be sent, an error, a
warning, a process that ends) comes back as nothing, and the stack is trained here.
"""

import atexit
import copyreg
import io
import multiprocessing
import os
import pickle
import signal
import threading
import time
import warnings
from concurrent.futures import FIRST_COMPLETED, wait

import torch
from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

from sknets._collector import put_aside_in_worker
from sknets._plain_torch import plain_torch
from sknets.training._copies import standing
from sknets.training._gradients import make_gradient
from sknets.training._net import Net
from sknets.training._stack import run_together
from sknets.training._threads import n_cpus, threads

#: Seconds of work, as `seconds_of` guesses it, for which processes are started, and for which those that
#: run are asked.
START_SECONDS = 1.0
ASK_SECONDS = 0.05

#: Seconds after which a process that has nothing to do ends.
_IDLE_SECONDS = 300

#: Seconds between two looks at whether what a process trains is still wanted.
_LOOK_SECONDS = 0.1

#: Seconds between two looks of a process at whether the one that has called is there.
_PARENT_SECONDS = 1.0

_lock = threading.Lock()
_executor = None

#: Those that were dismissed. They are kept: Python tidies up after one that is forgotten in whichever
#: thread it happens to be, and an interrupt that falls in there is lost.
_dismissed = []


def seconds_of(net, rows, epochs):
    """Guess how long the training of a net takes, if nothing ends it early."""
    n_steps = epochs * max(1, len(rows) // net.batch_size)
    return n_steps * 1e-5 + epochs * len(rows) * len(net.flat.values) * 3e-10


def can_travel(net):
    """Return whether a net may be trained elsewhere: nobody looks on or has a say."""
    is_watched = net.callbacks_ or net.prints_epochs or callable(net.learner.schedule.name)
    return not is_watched and net.scores_outputs_alone


def hire(seconds):
    """Return the `Workers` for some seconds of work, or None if they are not worth it.

    A process that was itself started for a part of the work has none.
    """
    global _executor
    is_first = multiprocessing.current_process().name == "MainProcess"
    n_workers = n_cpus() - 1 if is_first else 0
    with _lock:
        if n_workers < 1 or seconds < (START_SECONDS if _executor is None else ASK_SECONDS):
            return None
        try:
            if _executor is None:
                _executor = ProcessPoolExecutor(
                    n_workers, timeout=_IDLE_SECONDS, initializer=_begin_work, env=_ONE_THREAD
                )
            return Workers(_executor, n_workers)
        except Exception:  # no more processes to be had: all is trained here
            broken = _executor
    _dismiss(broken)
    return None


def _dismiss(executor):
    """End the processes of an executor, whatever they do."""
    global _executor
    with _lock:
        if executor is None or executor in _dismissed:
            return
        if _executor is executor:
            _executor = None
        _dismissed.append(executor)
    executor.shutdown(wait=False, kill_workers=True)


@atexit.register
def _dismiss_at_exit():
    # else Python would wait for what they do
    _dismiss(_executor)


class Workers:
    """The processes, for one wave.

    Parameters
    ----------
    executor : ProcessPoolExecutor
        Who runs them.
    n : int
        How many there are.
    """

    def __init__(self, executor, n):
        self.n = n
        self._executor = executor
        self._is_there = executor.submit(int)  # an answer, from when the first one is ready

    def wait_until(self, is_over):
        """Wait until a process is ready; return False if `is_over` says first that all is done."""
        while not is_over():
            done, _ = wait([self._is_there], timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
            if done:
                return self._is_there.exception() is None
        return False

    def train(self, nets, rows, epochs, is_wanted):
        """Train nets that are alike in one of the processes.

        Parameters
        ----------
        nets : list of Net
            Fresh nets of one likeness, for which `can_travel` is true.
        rows : list of Rows
            Training data of each.
        epochs : list of list of int
            For each net the epochs after which its state is asked for, from the lowest on.
        is_wanted : callable
            Returns whether somebody still waits for one of them.

        Returns
        -------
        list of list of dict, or None
            For each net its state after each of its `epochs`, or the last one before; None if they have
            to be trained here.
        """
        try:
            future = self._executor.submit(_train, _dumps((nets, rows, epochs)))
            while not wait([future], timeout=_LOOK_SECONDS).done:
                if not is_wanted():
                    _dismiss(self._executor)
                    return None
            answer = future.result()
            return None if answer is None else pickle.loads(answer)
        except BrokenProcessPool:  # one of them was ended
            _dismiss(self._executor)
        except Exception:  # it cannot be sent
            pass
        return None


# --- in the processes ----------------------------------------------------------------------------------

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def _begin_work():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who has called decides
    torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent):
    """End this process soon after the one that has called was killed (but on Windows, when idle)."""
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    os._exit(1)


def _train(message):
    """Train nets that have been sent; return their states, pickled, or None."""
    put_aside_in_worker()
    nets, rows, epochs = pickle.loads(message)
    states = [[] for _ in nets]

    def look(k):
        while len(states[k]) < len(epochs[k]) and epochs[k][len(states[k])] == nets[k].n_epochs:
            states[k].append(standing(nets[k]))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with plain_torch(), threads(1):
            for net, of_net, most in zip(nets, rows, epochs, strict=True):
                _settle_in(net)
                net.begin(of_net, most[-1])
            last = [most[-1] for most in epochs]
            errors = run_together(nets, rows, last, pauses=epochs, on_pause=look)
    if caught or any(error is not None for error in errors):
        return None
    for k, net in enumerate(nets):
        states[k] += [standing(net)] * (len(epochs[k]) - len(states[k]))
    return _dumps(states)


def _settle_in(net):
    """Let what had to be of one memory, or one object, be so again."""
    learner = net.learner
    values, n_vectors = learner.flat.values, 2 + len(learner.solver.buffers)
    learner.move_to(*torch.zeros(n_vectors, len(values), dtype=values.dtype))
    net.gradient = make_gradient(learner, net.criterion_)


class _Pickler(pickle.Pickler):
    """Tensors as arrays, and nets without skorch's detour over files for accelerators."""

    def reducer_override(self, obj):
        if type(obj) is torch.Tensor:
            return torch.from_numpy, (obj.detach().numpy(),)
        if isinstance(obj, Net):
            state = {name: value for name, value in vars(obj).items() if name != "gradient"}
            return copyreg.__newobj__, (type(obj),), state, None, None, _fill
        return NotImplemented


def _fill(net, state):
    vars(net).update(state)


def _dumps(obj):
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=5).dump(obj)
    return buffer.getvalue()


if hasattr(os, "register_at_fork"):

    def _after_fork():
        global _executor, _lock
        _dismissed.append(_executor)  # of the parent, whose locks may be taken
        _executor, _lock = None, threading.Lock()

    os.register_at_fork(after_in_child=_after_fork)
