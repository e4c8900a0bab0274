"""Ctrl-C ends a whole search, promptly, and leaves nobody behind."""

import _thread
import threading
import time

import joblib
import numpy as np
import pytest
import skorch
from sklearn.ensemble import BaggingRegressor, VotingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

from tests.parallel.searches import ALPHAS, X, Y, regressor, scaled


class CtrlC(skorch.callbacks.Callback):
    """Ctrl-C in the main thread, soon after the third epoch of a training."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 3:
            threading.Timer(0.02, _thread.interrupt_main).start()


class FromInside(skorch.callbacks.Callback):
    def on_batch_end(self, net, training=True, **kwargs):
        raise KeyboardInterrupt


def endless(**params):
    """Return a network that would train for hours."""
    forever = {"max_iter": 10_000_000, "tol": 0.0, "n_iter_no_change": 10_000_000}
    return regressor(**forever | {"callbacks": [CtrlC()]} | params)


def search(network):
    return GridSearchCV(scaled(network), {"mlpregressor__alpha": ALPHAS}, cv=3)


CASES = {
    "search": lambda: search(endless()).fit(X, Y),
    "error score": lambda: search(endless()).set_params(error_score=0.0).fit(X, Y),
    "scores": lambda: cross_val_score(endless(solver="lbfgs", max_fun=10**9), X, Y, cv=5),
    "nested": lambda: BaggingRegressor(search(endless()), n_estimators=4).fit(X, Y),
    "three deep": lambda: cross_val_score(
        BaggingRegressor(search(endless()), n_estimators=2), X, Y, cv=3
    ),
    "others": lambda: VotingRegressor([("a", endless()), ("b", Ridge()), ("c", endless())]).fit(
        X, Y
    ),
}


@pytest.mark.parametrize("n_jobs", [1, 2, 3, 64])
@pytest.mark.parametrize("name", CASES)
def test_all_ends(name, n_jobs):
    with joblib.parallel_config("sknets", n_jobs=n_jobs):
        with pytest.raises(KeyboardInterrupt):
            CASES[name]()
            time.sleep(5)  # where it has come late
        assert not [thread for thread in threading.enumerate() if thread.name == "sknets"]
        assert len(cross_val_score(regressor(), X, Y, cv=3)) == 3


def test_fitted_estimator_predicts_as_before():
    model = VotingRegressor([("a", regressor()), ("b", Ridge())]).fit(X, Y)
    expected = model.predict(X)
    model.set_params(a=endless())
    with joblib.parallel_config("sknets", n_jobs=64), pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
        time.sleep(5)
    np.testing.assert_array_equal(model.predict(X), expected)


def test_network_that_goes_on_is_put_back():
    networks = [endless(warm_start=True, callbacks=None, max_iter=2, alpha=a) for a in ALPHAS]
    expected = [network.fit(X, Y).coefs_[0].copy() for network in networks]
    for network in networks:
        network.set_params(max_iter=10_000_000, callbacks=[CtrlC()])
    with joblib.parallel_config("sknets"), pytest.raises(KeyboardInterrupt):
        joblib.Parallel()(joblib.delayed(network.fit)(X, Y) for network in networks)
        time.sleep(5)
    np.testing.assert_array_equal([network.coefs_[0] for network in networks], expected)


def test_interrupt_in_a_task_ends_all():
    network = regressor(callbacks=[FromInside()])
    with joblib.parallel_config("sknets"), pytest.raises(KeyboardInterrupt):
        cross_val_score(network, X, Y, cv=3, error_score=0.0)


@pytest.mark.slow
def test_at_any_moment():
    rng = np.random.default_rng(0)
    for delay in rng.uniform(0, 0.3, 60):
        has_ended = threading.Event()
        presses = threading.Thread(target=press_until, args=(has_ended, delay))
        with joblib.parallel_config("sknets", n_jobs=int(rng.choice([2, 5, 64]))):
            with pytest.raises(KeyboardInterrupt):
                presses.start()
                try:
                    search(endless(callbacks=None)).fit(X, Y)
                finally:
                    has_ended.set()
            presses.join()
            started = time.monotonic()
            while [thread for thread in threading.enumerate() if thread.name == "sknets"]:
                assert time.monotonic() < started + 5
                time.sleep(0.01)


def press_until(has_ended, delay):
    """Press Ctrl-C after some seconds, and once more if Python has lost it.

    It is lost where it falls into what Python does for an object that is forgotten, such as a thread.
    """
    time.sleep(delay)
    _thread.interrupt_main()
    while not has_ended.wait(20):
        _thread.interrupt_main()
