"""A population: networks of each candidate, one for each fold, which train together."""

import time
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from joblib.parallel import get_active_backend

from sknets.parallel import TogetherBackend

#: Networks at a time.
_MOST = 100

#: Candidates between two looks at the time limit.
_AT_ONCE = 4


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


class Folds:
    """Who predicts which row: each fold's network has not seen its held-out rows.

    Parameters
    ----------
    pairs : list of (ndarray, ndarray)
        Rows to learn from and rows held out, of each fold.
    n_rows : int
        Number of rows.
    """

    def __init__(self, pairs, n_rows):
        self.pairs = pairs
        self.n_held = np.zeros(n_rows)
        for _, held in pairs:
            self.n_held[held] += 1

    def out_of_fold(self, predictions):
        """Return the mean of what the folds predict for each row, NaN for rows that none holds out."""
        shape = (len(self.n_held), *predictions[0].shape[1:])
        total = np.zeros(shape)
        for (_, held), prediction in zip(self.pairs, predictions, strict=True):
            total[held] += prediction
        n_held = self.n_held.reshape(-1, *[1] * (len(shape) - 1))
        return np.divide(total, n_held, out=np.full(shape, np.nan), where=n_held > 0)


def train_population(configurations, folds, fit, time_limit=None):
    """Train networks of all configurations in all folds.

    Parameters
    ----------
    configurations : list of dict
        Parameters of each candidate.
    folds : Folds
        The folds.
    fit : callable
        ``fit(params, fold)`` returns a fitted network, and what it predicts for the held-out rows.
    time_limit : float, default=None
        Seconds after which no further candidates begin; the first one always does.

    Returns
    -------
    list of Candidate
    """
    started, candidates, at_once = time.monotonic(), [], len(configurations)
    if time_limit is not None:
        at_once = 1  # then as many as were trained before, up to the most
    while len(candidates) < len(configurations):
        part = configurations[len(candidates) : len(candidates) + at_once]
        began = time.monotonic()
        candidates += _train(part, folds, fit)
        present = time.monotonic()
        for candidate in candidates[-len(part) :]:
            candidate.seconds *= present - began
        if time_limit is not None:
            left = time_limit - (present - started)
            per_candidate = (present - started) / len(candidates)
            if left < per_candidate:
                break
            at_once = min(_AT_ONCE, max(1, int(left / per_candidate / 2)))
    return candidates


def _train(configurations, folds, fit):
    n_folds = len(folds.pairs)
    tasks = [(params, fold) for params in configurations for fold in range(n_folds)]
    calls = (joblib.delayed(fit)(*task) for task in tasks)
    if isinstance(get_active_backend()[0], TogetherBackend):
        results = joblib.Parallel(n_jobs=_MOST)(calls)
    else:
        with joblib.parallel_config("sknets", n_jobs=_MOST):
            results = joblib.Parallel()(calls)
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
