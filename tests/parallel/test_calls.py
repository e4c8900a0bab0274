"""Places and threads, without scikit-learn."""

import threading

import joblib
import numpy as np
import pytest

from sknets.parallel import TogetherBackend
from tests.parallel.searches import ALPHAS, X, Y, regressor


@joblib.delayed
def weights(alpha):
    return regressor(alpha=alpha).fit(X, Y).coefs_[0]


def test_threads_that_cannot_be_had_are_done_without(monkeypatch, waves):
    def start(thread):
        n_others = sum(other.name == "sknets" for other in threading.enumerate())
        if thread.name == "sknets" and n_others == 3:
            raise RuntimeError("can't start new thread")
        original(thread)

    expected = [regressor(alpha=alpha).fit(X, Y).coefs_[0] for alpha in ALPHAS]
    original = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", start)
    values = joblib.Parallel(64, backend="sknets")(weights(alpha) for alpha in ALPHAS)
    np.testing.assert_array_equal(values, expected)
    assert max(waves) <= 3


def test_no_thread_at_all_is_an_error(monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start"):
        joblib.Parallel(64, backend="sknets")(weights(alpha) for alpha in ALPHAS)


@pytest.mark.parametrize("n_jobs", [2, 3, 7])
def test_drawn_calls_within_calls_all_end(n_jobs):
    rng = np.random.default_rng(n_jobs)

    def run(depth, seed):
        rng = np.random.default_rng(seed)
        total = 1
        for _ in range(rng.integers(1, 3) if depth else 0):
            inner = [None, 1, 2, -1][rng.integers(4)]
            tasks = [joblib.delayed(run)(depth - 1, s) for s in rng.integers(100, size=3)]
            total += sum(joblib.Parallel(inner)(tasks))
        if seed % 3 == 0:
            regressor(max_iter=1).fit(X, Y)
        return total

    for seed in rng.integers(100, size=4):
        with joblib.parallel_config("sequential"):
            expected = run(3, seed)
        with joblib.parallel_config("sknets", n_jobs=n_jobs):
            assert run(3, seed) == expected


def test_one_object_serves_one_call():
    backend = TogetherBackend()

    def inner():
        return joblib.Parallel()(joblib.delayed(abs)(-i) for i in range(3))

    with joblib.parallel_config(backend, n_jobs=4):
        outer = joblib.Parallel(return_as="generator")(joblib.delayed(inner)() for _ in range(9))
        for values in outer:
            assert values == inner() == [0, 1, 2]
    assert backend.parallel is None
