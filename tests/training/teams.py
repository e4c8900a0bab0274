"""A team of threads of this process, which train one network as processes would."""

import threading

import torch

from sknets import training
from sknets.training import _gathering


class Thread(training.Team):
    """One thread of a team.

    Messages are put on a table that all have, and a barrier waits for the last one.
    """

    def __init__(self, rank, table, barrier):
        self.rank = rank
        self.size = len(table)
        self.n_messages = 0
        self._table, self._barrier = table, barrier

    def all(self, thing):
        self.n_messages += 1
        self._table[self.rank] = thing
        self._barrier.wait(60)
        things = list(self._table)
        self._barrier.wait(60)
        return things

    def add(self, vector):
        vector.copy_(torch.stack(self.all(vector.clone())).sum(0))

    def first(self, thing):
        return self.all(thing)[0]

    def take_first(self, vector):
        vector.copy_(self.all(vector.clone())[0])


def fit_in_threads(monkeypatch, fit, n=3):
    """Call ``fit(rank)`` in each of n threads that are a team; return what they return, and the team.

    What one of them raises is raised.
    """
    table, barrier = [None] * n, threading.Barrier(n)
    team = [Thread(rank, table, barrier) for rank in range(n)]
    here, results, errors = threading.local(), [None] * n, []
    monkeypatch.setattr(_gathering, "present_team", lambda: getattr(here, "member", None))

    def run(rank):
        here.member = team[rank]
        try:
            results[rank] = fit(rank)
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return results, team
