"""Calls of `Parallel`, the tasks of each, and the threads that run them.

All calls within a task of a call share its pool. Threads are born with the first task and end with the
last one they find. What bounds them:

- `most` tasks are at work at a time, in all calls together. A task that waits for tasks of its own is not
  at work, and lends its place to them.
- `most` tasks have begun at each depth, so that places lent are not taken by more tasks that wait.

Tasks of the deepest call come first. They wait for nobody but a wave of trainings, which waits for no
task without a thread; so there is always somebody who goes on.
"""

import sys
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager

from sknets import training
from sknets._interrupts import interrupts_end_all
from sknets._warn import warns_at

#: Seconds for which the end of a call waits for tasks that nobody needs any more. Trainings end in a
#: moment; another estimator may take long, and ends by itself.
GRACE = 2.0


class Task(training.Task):
    """A task of a call: a function, and who is told what it returns."""

    def __init__(self, call, function, callback):
        super().__init__(call.pool.gathering)
        self.call = call
        self.function = function
        self.callback = callback
        self.is_done = False
        self.n_awaited = 0  # calls of its own that it waits for

    def is_wanted(self):
        """Return whether its call goes on, and all around it."""
        return not self.call.is_ended

    def run(self):
        """Run in the present thread; the callback may submit further tasks."""
        if not self.is_wanted():
            self.drop()
            return
        with (
            self.gathering.turn(),
            training.taking_part(self),
            interrupts_end_all(),
            warns_at(self.call.line),
        ):
            outcome = self.function()
        self.callback(outcome)

    def drop(self):
        """Tell whoever may wait for it that the task does not run."""
        self.callback(KeyboardInterrupt())


class Pool:
    """The threads of an outermost call.

    Parameters
    ----------
    most : int
        Tasks at work at a time, and jobs in a wave.
    """

    def __init__(self, most):
        self.most = most
        self.gathering = training.Gathering(most)
        # taken by name: what enters a Condition is Python, where Ctrl-C could fall in between
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.calls = []
        self.threads = set()
        self._n_at_work = 0
        self._n_begun = Counter()  # at each depth

    def submit(self, task):
        """Run a task as soon as there is a place for it."""
        with self.lock:
            if task.is_wanted():
                task.call.queue.append(task)
                self._start()
                return
        task.drop()

    def pause(self, task, call):
        """Let a task wait for a call of its own, and lend its place to the tasks of it."""
        with self.lock:
            task.n_awaited += 1
            if task.is_done or task.n_awaited > 1:
                return
            self._n_at_work -= 1
            self._start()
            call.is_awaited = bool(call.n_begun or call.queue)
            if call.is_awaited:
                self.gathering.rest(task)

    def go_on(self, task, call):
        """Let a task go on, though others may be in its place."""
        with self.lock:
            call.is_awaited = False
            task.n_awaited -= 1
            if not task.is_done and task.n_awaited == 0:
                self._n_at_work += 1
                self.gathering.begin(task)

    def _start(self):
        while (task := self._next()) is not None:
            thread = threading.Thread(target=self._work, args=(task,), name="sknets", daemon=True)
            self.threads.add(thread)
            try:
                thread.start()
            except RuntimeError:  # no more threads to be had
                self.threads.discard(thread)
                self._leave(task)
                self.gathering.rest(task)
                if not self.threads:
                    raise
                task.is_done = False
                task.call.queue.appendleft(task)  # for one that is there
                break

    def _next(self):
        """Give a place to the task that comes next; None if there is no task or no place."""
        if self._n_at_work >= self.most:
            return None
        calls = [call for call in self.calls if call.queue and self._has_room(call)]
        if not calls:
            return None
        call = max(calls, key=lambda call: call.depth)
        call.n_begun += 1
        self._n_begun[call.depth] += 1
        self._n_at_work += 1
        task = call.queue.popleft()
        self.gathering.begin(task)
        return task

    def _has_room(self, call):
        return call.n_begun < call.most and self._n_begun[call.depth] < self.most

    def _leave(self, task):
        task.is_done = True
        task.call.n_begun -= 1
        self._n_begun[task.call.depth] -= 1
        if task.n_awaited == 0:
            self._n_at_work -= 1

    def _work(self, task):
        while task is not None:
            try:
                task.run()
            except (
                BaseException
            ):  # of a callback: said as in any thread, which the others still need
                args = (*sys.exc_info(), threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(args))
            task = self._after(task)

    def _after(self, task):
        """Return the next task for the present thread, whose last one is done."""
        with self.lock:
            self._leave(task)
            call = task.call
            if call.is_awaited and not call.n_begun and not call.queue and not call.caller.is_done:
                self.gathering.begin(call.caller)  # which will notice in a moment
            following = self._next()
            if following is None:
                self.threads.discard(threading.current_thread())
            self.changed.notify_all()
        self.gathering.rest(task)
        return following


class Call:
    """One call of `Parallel`, made in the present thread.

    Parameters
    ----------
    most : int
        Largest number of its tasks at a time.
    line : Line
        Where the user has called; warnings of its tasks point to it.
    most_in_all : int
        The same for all calls together, if it is the outermost one.
    """

    def __init__(self, most, line, most_in_all):
        task = training.current_task()
        self.caller = task if isinstance(task, Task) else None
        self.pool = Pool(most_in_all) if self.caller is None else self.caller.call.pool
        self.depth = 0 if self.caller is None else self.caller.call.depth + 1
        self.most = most
        self.line = line
        self.queue = deque()
        self.n_begun = 0
        self.is_awaited = False  # by a task
        self._is_ended = False
        self.pool.gathering.begin(self)  # until all first tasks are there
        with self.pool.lock:
            self.pool.calls.append(self)

    @property
    def is_outermost(self):
        """Whether no other call is around it."""
        return self.caller is None

    @property
    def is_ended(self):
        """Whether nobody waits for its tasks any more."""
        return self._is_ended or (self.caller is not None and self.caller.call.is_ended)

    def apply_async(self, function, args=(), callback=None, error_callback=None):
        """Submit a task, as joblib's threading backend does to its pool."""
        self.pool.submit(Task(self, function, callback))

    @contextmanager
    def awaited(self):
        """Let who has called wait for the tasks, all of which are there or will be brought by others."""
        caller = self.caller
        if caller is not None:
            self.pool.pause(caller, self)
        self.pool.gathering.rest(self)
        try:
            with self.pool.gathering.out_of_turn():
                yield
        finally:
            if caller is not None:
                self.pool.go_on(caller, self)

    def end(self):
        """End all tasks: those that wait for a training at once, the others as soon as they can."""
        self._is_ended = True
        dropped = []
        with self.pool.lock:
            for call in self.pool.calls:
                if call.is_ended:
                    dropped += call.queue
                    call.queue.clear()
        for task in dropped:
            task.drop()
        self.pool.gathering.release()
        if self.is_outermost:
            self.pool.gathering.end_turns()
        with self.pool.gathering.out_of_turn(), self.pool.lock:  # which its tasks need, to end
            self.pool.changed.wait_for(lambda: self.n_begun == 0, GRACE)

    def close(self):
        """Leave the pool; the outermost call waits for the threads, too."""
        self.pool.gathering.rest(self)
        with self.pool.lock:
            if self in self.pool.calls:
                self.pool.calls.remove(self)
            threads = [*self.pool.threads] if self.is_outermost else []
        deadline = time.monotonic() + (0 if self._is_ended else GRACE)
        for thread in threads:
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
