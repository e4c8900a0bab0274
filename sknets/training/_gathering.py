"""Networks that train together: tasks in several threads hand in what they train, and wait.

A gathering knows who may still hand in a job: the tasks that run. When nobody is left who could, because
all others wait or are done, the jobs that are there make a wave. It is trained in one of the threads that
wait; then all of them go on.
"""

import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from sknets.training import _together
from sknets.training._sharing import present_team, train_in_team
from sknets.training._threads import n_cpus
from sknets.training._turns import Turns
from sknets.training._wanted import check_wanted, while_wanted

#: Seconds without any coming or going, after which those who wait do so no longer: somebody is busy with
#: something else, or waits for one of them.
PATIENCE = 10.0

_here = threading.local()


def train(net, rows, epochs):
    """Train a net, together with others if the present thread takes part in a gathering.

    Parameters
    ----------
    net : Net
        The net.
    rows : Rows
        Its training data.
    epochs : int
        Largest number of epochs.

    Raises
    ------
    ValueError, TeamError
        What `train_in_team` raises, where a team of processes trains.
    KeyboardInterrupt
        If what this training is a part of has ended.
    """
    task, team = current_task(), present_team()
    if team is not None:
        if task is not None:
            raise ValueError(
                "Several processes train one network at a time, and here several are to be trained side "
                "by side: fit one (n_members=1, no population, no search), or fit them in one process."
            )
        train_in_team(team, net, rows, epochs)
    elif task is None or not _together.can_join(net):
        net.partial_fit(rows, epochs=epochs)
    else:
        task.gathering.train(Job(net, rows, epochs, task, torch.get_num_threads()))
    check_wanted()


class Task:
    """What runs in a thread and may hand in jobs, one at a time.

    Parameters
    ----------
    gathering : Gathering
        To which it belongs.
    """

    def __init__(self, gathering):
        self.gathering = gathering

    def is_wanted(self):
        """Return whether somebody still waits for the task."""
        return True


@dataclass(eq=False)
class Job:
    """A net to be trained, and for whom.

    Attributes
    ----------
    net : Net
        The net.
    rows : Rows
        Its training data.
    epochs : int
        Largest number of epochs.
    task : Task
        The task that waits for it.
    n_threads : int
        Torch's threads where it would be trained alone.
    error : BaseException or None
        What its training has raised.
    is_finished : bool
        Whether its task goes on already.
    """

    net: Any
    rows: Any
    epochs: int
    task: Task
    n_threads: int
    error: BaseException | None = None
    _wakes: threading.Event = field(default_factory=threading.Event)
    _wave: list | None = None
    is_finished: bool = False

    def is_wanted(self):
        """Return whether somebody still waits for the job."""
        return self.task.is_wanted()

    def finish(self):
        """Let its task go on, though others of the wave may still be in training."""
        self.is_finished = True
        self._wakes.set()


def current_task():
    """Return the task that the present thread runs, or None."""
    return getattr(_here, "task", None)


@contextmanager
def taking_part(task):
    """Run a task in the present thread: the trainings inside are handed in to its gathering."""
    with _running(task), while_wanted(task.is_wanted):
        yield


@contextmanager
def _running(task):
    before = current_task()
    _here.task = task
    try:
        yield
    finally:
        _here.task = before


class Gathering:
    """Tasks whose networks train together.

    Parameters
    ----------
    most : int
        Largest number of jobs in a wave.
    """

    def __init__(self, most):
        self.most = most
        self._lock = threading.Lock()
        self._busy = set()  # who may hand in a job, or bring somebody who does
        self._jobs = []  # that wait
        self._n_waves = 0  # in training
        self._moved = time.monotonic()
        self._turns = Turns(n_cpus())

    def turn(self):
        """Return a context for what a task does beside waiting: few do so at a time."""
        return self._turns.taken()

    def out_of_turn(self):
        """Return a context in which a task waits, and others do something."""
        return self._turns.given()

    def end_turns(self):
        """Let all tasks go on at a time: nobody wants them any more."""
        self._turns.open()

    def begin(self, task):
        """Wait for a task, or for whoever brings tasks, from now on."""
        with self._lock:
            self._busy.add(task)
            self._moved = time.monotonic()

    def rest(self, task):
        """Wait for it no longer: it waits for other tasks, or is done."""
        with self._lock:
            self._busy.discard(task)
            self._moved = time.monotonic()
            self._gather()

    def train(self, job):
        """Hand in a job, and return when it is trained.

        The thread may have to train it, with all others of its wave.
        """
        with self._lock:
            self._jobs.append(job)
        self._turns.narrow()
        if not job.is_wanted():
            self.release()
        with self.out_of_turn():
            self.rest(job.task)
            while not job._wakes.wait(PATIENCE):
                self._hurry()
            if job._wave is not None:
                self._lead(job._wave)
        error, job.error = job.error, None
        if error is not None:
            raise error

    def release(self):
        """Let those go that wait for a job which is not wanted any more."""
        with self._lock:
            for job in [job for job in self._jobs if not job.is_wanted()]:
                self._jobs.remove(job)
                self._busy.add(job.task)
                job._wakes.set()

    def _gather(self):
        """Make a wave if nobody is busy, and wake who trains it: the last one to come."""
        if self._busy or not self._jobs:
            return
        wave, self._jobs = self._jobs[: self.most], self._jobs[self.most :]
        self._busy.update(job.task for job in wave)  # they go on after it
        self._n_waves += 1
        leader = wave[-1]
        leader._wave = wave
        leader._wakes.set()

    def _hurry(self):
        """Make a wave although somebody is busy, if nothing has moved for long."""
        with self._lock:
            if self._n_waves == 0 and time.monotonic() - self._moved >= PATIENCE:
                busy, self._busy = self._busy, set()
                self._gather()
                self._busy |= busy

    def _lead(self, wave):
        try:
            # what callbacks fit is trained at once: nobody could train another wave
            with _running(None), while_wanted(None):
                _together.train_together(wave)
        except BaseException as error:
            for job in wave:
                if not job.is_finished:
                    job.error = error
        finally:
            with self._lock:
                self._n_waves -= 1
                self._moved = time.monotonic()
            for job in wave:
                job.finish()


if hasattr(os, "register_at_fork"):

    def _after_fork():
        _here.task = None  # the other threads of the gathering are not there

    os.register_at_fork(after_in_child=_after_fork)
