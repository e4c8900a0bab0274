"""A population: networks of each candidate, one for each fold, which train together."""

import time
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np

from sknets._plain import kept
from sknets.parallel import run_all

#: Networks at a time.
_MOST = 100

#: Candidates between two looks at the time limit.
_AT_ONCE = 4


@kept
@dataclass
class Candidate:
    """A configuration and its networks.

    Attributes
    ----------
    params : dict
        The parameters that it has of its own.
    members : list of estimator
        Its fitted networks, one for each fold.
    oof : ndarray of shape (n_rows, ...)
        What they predict for the rows that they have not seen.
    seconds : float
        Its share of the time.
    """

    params: dict
    members: list
    oof: Any
    seconds: float


class Population:
    """Candidates that are trained in all folds, as far as time allows.

    Parameters
    ----------
    folds : Folds
        The folds.
    fit : callable
        ``fit(params, fold)`` returns a fitted network, and what it predicts for the held-out rows.
    time_limit : float, default=None
        Seconds after which no further candidates begin; the first one always does.
    verbose : int, default=0
        Whether to print how far it has come, and the time that is left.

    Attributes
    ----------
    candidates : list of Candidate
        Those that are trained.
    """

    def __init__(self, folds, fit, time_limit=None, verbose=0):
        self.candidates = []
        self._folds, self._fit = folds, fit
        self._time_limit, self._verbose = time_limit, verbose
        self._started = time.monotonic()

    def train(self, configurations):
        """Train networks of some configurations, in the order of the list; return their candidates."""
        n_before, n_all = len(self.candidates), len(configurations)
        while (n_done := len(self.candidates) - n_before) < n_all:
            at_once = self._at_once(n_all - n_done)
            if at_once == 0:
                break
            began = time.monotonic()
            part = _train(configurations[n_done : n_done + at_once], self._folds, self._fit)
            for candidate in part:
                candidate.seconds *= time.monotonic() - began
            self.candidates += part
            if self._verbose:
                self._print(n_done + len(part), n_all)
        return self.candidates[n_before:]

    def _at_once(self, n_left):
        """Return how many of those that are left are trained next."""
        if self._time_limit is None:
            return min(n_left, _AT_ONCE) if self._verbose else n_left
        if not self.candidates:
            return 1
        left = self._time_limit - (time.monotonic() - self._started)
        n_in_time = left / self._seconds_of_one()
        return 0 if n_in_time < 1.0 else min(n_left, _AT_ONCE, max(1, int(n_in_time / 2)))

    def _seconds_of_one(self):
        return (time.monotonic() - self._started) / len(self.candidates)

    def _print(self, n_done, n_all):
        spent, left = time.monotonic() - self._started, (n_all - n_done) * self._seconds_of_one()
        print(f"Candidate {n_done} of {n_all}, {spent:.0f} s, about {left:.0f} s left")


def _train(configurations, folds, fit):
    n_folds = len(folds.pairs)
    tasks = [(params, fold) for params in configurations for fold in range(n_folds)]
    calls = (joblib.delayed(fit)(*task) for task in tasks)
    results = run_all(calls, _MOST)
    work = np.array([_work(network) for network, _ in results]).reshape(-1, n_folds).sum(axis=1)
    candidates = []
    for number, params in enumerate(configurations):
        of_candidate = results[number * n_folds : (number + 1) * n_folds]
        oof = folds.out_of_fold([prediction for _, prediction in of_candidate])
        members = [network for network, _ in of_candidate]
        candidates.append(Candidate(params, members, oof, work[number] / work.sum()))
    return candidates


def _work(network):
    return network.n_parameters_ * len(network.history_["loss"])
