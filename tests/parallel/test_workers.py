"""Stacks that train in other processes are trained as here, and whatever is unusual is trained here.

Steps in machine code gain by threads and are sent to no process, so that networks here are none of those.
"""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import joblib
import numpy as np
import pytest
import skorch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknets import MLPClassifier, MLPRegressor
from sknets.training import _together, _workers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
Y = X[:, 0] * X[:, 1] + np.sin(X[:, 2])
LABELS = np.where(Y > 0, "above", "below")
STOPS = {"early_stopping": True, "n_iter_no_change": 3}
SGD = {"solver": "sgd", "learning_rate_init": 0.1}

CASES = {
    "plain": (MLPRegressor(activation="gelu"), Y),
    "float32": (MLPRegressor(activation="gelu", dtype="float32"), Y),
    "several batches": (
        MLPRegressor(
            activation="gelu", batch_size=16, dropout=[0.3, 0.1], hidden_layer_sizes=[7, 5]
        ),
        Y,
    ),
    "early stopping": (MLPRegressor(activation="gelu", **STOPS), Y),
    "loss of the validation data": (
        MLPClassifier(activation="gelu", scoring="loss", **STOPS),
        LABELS,
    ),
    "a scorer": (MLPClassifier(activation="gelu", scoring="neg_log_loss", **STOPS), LABELS),
    "average": (MLPRegressor(activation="gelu", average="polyak", batch_size=30), Y),
    "adaptive": (MLPRegressor(activation="gelu", learning_rate="adaptive", tol=0.05, **SGD), Y),
    "penalties": (
        MLPRegressor(activation="gelu", alpha=0.1, l1_alpha=0.01, max_grad_norm=0.5, **SGD),
        Y,
    ),
    "growing batches": (
        MLPRegressor(activation="gelu", batch_size=8, batch_growth=1.2, solver="adamw"),
        Y,
    ),
    "other units": (MLPRegressor(activation=["rbf", "prelu"], hidden_layer_sizes=[6, 5]), Y),
    "piecewise linear": (
        MLPRegressor(activation="gelu", numeric_embedding="piecewise_linear", batch_size=20),
        Y,
    ),
    "periodic": (
        MLPRegressor(activation="gelu", numeric_embedding="periodic", dtype="float32", **STOPS),
        Y,
    ),
    "another loss": (MLPRegressor(activation="gelu", loss="huber"), Y),
}


@pytest.fixture
def sent(monkeypatch):
    """Send all stacks away; a list of how many networks were sent, and whether they came back."""
    numbers, drivers = [], []
    train, start, train_here = (
        _workers.Workers.train,
        _together._start_threads,
        _together._train_stacks,
    )

    def spy(self, nets, *args):
        states = train(self, nets, *args)
        numbers.append((len(nets), states is not None))
        return states

    def started(*args):
        drivers.extend(start(*args))
        return drivers

    def train_what_is_left(tiles):
        for thread in drivers:
            thread.join()
        train_here(tiles)

    monkeypatch.setattr(_workers.Workers, "train", spy)
    monkeypatch.setattr(_together, "_start_threads", started)
    monkeypatch.setattr(_together, "_train_stacks", train_what_is_left)
    monkeypatch.setattr(_workers, "n_cpus", lambda: 2)
    monkeypatch.setattr(_workers, "START_SECONDS", 0.0)
    monkeypatch.setattr(_workers, "ASK_SECONDS", 0.0)
    return numbers


def search(network, **params):
    network = clone(network).set_params(random_state=0, **params)
    grid = {"max_iter": [3, 6], "beta_2": [0.99, 0.999]}
    return GridSearchCV(network, grid, cv=3, error_score="raise")


def together(model, X, y):
    with joblib.parallel_config("sknets", n_jobs=-1):
        return model.fit(X, y)


def assert_equal(a, b):
    np.testing.assert_array_equal(
        a.cv_results_["mean_test_score"], b.cv_results_["mean_test_score"], strict=True
    )
    one, other = a.best_estimator_, b.best_estimator_
    assert one.n_iter_ == other.n_iter_
    for w, v in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_array_equal(w, v)
    names = set(one.history_) - {"seconds"}
    assert {name: one.history_[name] for name in names} == {
        name: other.history_[name] for name in names
    }


@pytest.mark.parametrize("name", CASES)
def test_equal_to_the_last_bit(sent, name):
    network, y = CASES[name]
    alone = search(network).fit(X, y)
    assert_equal(together(search(network), X, y), alone)
    assert sum(n for n, _ in sent) >= 3
    assert all(came for _, came in sent)


def test_generators_are_where_they_would_be(sent):
    """What a network draws after a search is what it would have drawn."""
    network = MLPRegressor(activation="gelu", dropout=0.5, batch_size=16)
    ends = []
    for fit in (lambda model: model.fit(X, Y), lambda model: together(model, X, Y)):
        results = fit(search(network).set_params(scoring=Further(), refit=False)).cv_results_
        ends.append(results["mean_test_score"])
    np.testing.assert_array_equal(*ends)
    assert all(came for _, came in sent)


class Further:
    """Score a network that has been trained for two more epochs."""

    def __call__(self, estimator, X, y):
        return estimator.partial_fit(X, y).partial_fit(X, y).score(X, y)


def test_error_of_a_network_is_its_own(sent):
    network = MLPRegressor(
        activation="gelu", scoring="neg_mean_squared_log_error", **STOPS
    )  # which takes no y below -1
    with pytest.raises(ValueError, match="neg_mean_squared_log_error"):
        together(search(network), X, 9 * Y)
    assert sent
    assert not any(came for _, came in sent)


def test_process_that_ends_is_not_waited_for(sent):
    together(search(MLPRegressor(activation="gelu")), X, Y)
    assert sent
    network = MLPRegressor(activation="gelu", n_iter_no_change=10**7, random_state=0)
    model = GridSearchCV(network, {"max_iter": [2 * 10**4]}, cv=3)
    timer = threading.Timer(0.5, _end_processes)
    timer.start()
    found = together(model, X, Y)
    assert not sent[-1][1]
    assert found.best_estimator_.n_iter_ == 2 * 10**4
    assert_equal(
        together(search(MLPRegressor(activation="gelu")), X, Y),
        search(MLPRegressor(activation="gelu")).fit(X, Y),
    )
    assert sent[-1][1]  # by a new one


def _end_processes():
    for pid in list(_workers._executor._processes):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "network",
    [
        MLPRegressor(activation="gelu", verbose=True),
        MLPRegressor(activation="gelu", callbacks=[skorch.callbacks.Callback()]),
        MLPRegressor(
            activation="gelu", scoring=lambda estimator, X, y: estimator.score(X, y), **STOPS
        ),
        MLPRegressor(activation="gelu", learning_rate=lambda epoch: 0.01),
    ],
    ids=["verbose", "callbacks", "scorer", "schedule"],
)
def test_networks_that_somebody_looks_at_stay(sent, network, capsys):
    assert_equal(together(search(network), X, Y), search(network).fit(X, Y))
    assert not sent
    assert not network.verbose or capsys.readouterr().out.count("Iteration 1,") >= 12


@pytest.mark.parametrize("warns", [False, True])
def test_training_that_warns_is_done_here(monkeypatch, warns):
    def run_together(*args, pauses, on_pause):
        if warns:
            warnings.warn("odd", stacklevel=2)
        return []

    monkeypatch.setattr(_workers, "run_together", run_together)
    assert (_workers._train(_workers._dumps(([], [], []))) is None) == warns


@pytest.mark.parametrize(
    ("seconds", "is_child", "n_cpus"), [(0.5, False, 2), (9.0, True, 2), (9.0, False, 1)]
)
def test_who_has_workers(monkeypatch, seconds, is_child, n_cpus):
    monkeypatch.setattr(_workers, "_executor", None)
    monkeypatch.setattr(_workers, "n_cpus", lambda: n_cpus)
    if is_child:
        monkeypatch.setattr(_workers.multiprocessing.current_process(), "_name", "LokyProcess-1")
    assert _workers.hire(seconds) is None


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to its own process")
def test_interrupt_ends_what_is_trained_elsewhere(sent):
    network = MLPRegressor(
        activation="gelu", max_iter=10**7, n_iter_no_change=10**7, random_state=0
    )
    model = GridSearchCV(network, {"alpha": [0.1, 1.0]}, cv=3)
    together(search(MLPRegressor(activation="gelu")), X, Y)  # somebody is ready
    timer = threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        together(model, X, Y)
    assert time.monotonic() - started < 30
    assert (6, True) not in sent
    assert_equal(
        together(search(MLPRegressor(activation="gelu")), X, Y),
        search(MLPRegressor(activation="gelu")).fit(X, Y),
    )


ENDLESS = """
import joblib, numpy as np
from sklearn.model_selection import cross_val_score
from sknets import MLPRegressor
from sknets.training import _workers

_workers.n_cpus, _workers.START_SECONDS = lambda: 2, 0.0
X = np.random.default_rng(0).normal(size=(90, 4))
train = _workers.Workers.train

def say(self, *args):
    if _workers.wait([self._executor.submit(int)], timeout=60):
        print(*self._executor._processes, flush=True)
    return train(self, *args)

_workers.Workers.train = say
with joblib.parallel_config("sknets", n_jobs=8):
    network = MLPRegressor(activation="gelu", max_iter=10**8, n_iter_no_change=10**8, random_state=0)
    cross_val_score(network, X, X[:, 0], cv=4)
"""


@pytest.mark.skipif(os.name != "posix", reason="ends processes by signals")
def test_process_does_not_outlive_the_one_that_started_it():
    run = subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True)
    (pid,) = map(int, run.stdout.readline().split())
    time.sleep(0.5)
    os.kill(pid, 0)  # it is there
    run.kill()
    run.wait()
    deadline = time.monotonic() + 20
    while _is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
