"""Ctrl-C in a training: a network alone keeps what it has learned, a search ends."""

import warnings

import numpy as np
import pytest
import skorch
from sklearn.ensemble import VotingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPRegressor

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X[:, 0]


class Interrupt(skorch.callbacks.Callback):
    """Ctrl-C in the second epoch of a training; all trainings count."""

    trainings = 0

    def on_train_begin(self, net, **kwargs):
        Interrupt.trainings += 1

    def on_batch_end(self, net, training=True, **kwargs):
        if training and len(net.history) == 2:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _from_zero():
    Interrupt.trainings = 0


def network(**params):
    return MLPRegressor(max_iter=4, random_state=0, callbacks=[Interrupt()], **params)


@pytest.mark.parametrize(
    "call",
    [
        lambda: GridSearchCV(network(), {"alpha": [0.1, 1.0]}, cv=2).fit(X, Y),
        lambda: GridSearchCV(network(), {"alpha": [0.1]}, cv=2, error_score=0.0).fit(X, Y),
        lambda: cross_val_score(make_pipeline(StandardScaler(), network()), X, Y, cv=2),
        lambda: cross_val_predict(network(), X, Y, cv=2),
        lambda: MultiOutputRegressor(network()).fit(X, X[:, :2]),
        lambda: VotingRegressor([("a", network()), ("b", LinearRegression())]).fit(X, Y),
    ],
    ids=["search", "error score", "scores", "predictions", "outputs", "vote"],
)
def test_what_joblib_runs_ends(call):
    with pytest.raises(KeyboardInterrupt):
        call()
    assert Interrupt.trainings == 1


def test_pipeline_is_one_network_and_keeps_it():
    model = make_pipeline(StandardScaler(), network())
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, Y)
    assert model[-1].stop_reason_ == "interrupt"
    assert np.isfinite(model.predict(X)).all()


def test_last_fit_of_a_search_is_one_network_and_kept():
    class InLastFit(skorch.callbacks.Callback):
        def on_batch_end(self, net, training=True, **kwargs):
            if (
                training
                and len(net.history) == 2
                and net.history[0]["batches"][0]["train_batch_size"] == 40
            ):
                raise KeyboardInterrupt

    search = GridSearchCV(
        network().set_params(callbacks=[InLastFit()]), {"alpha": [0.1, 1.0]}, cv=2
    )
    with pytest.warns(UserWarning, match="interrupted by user"):
        search.fit(X, Y)
    assert np.isfinite(search.predict(X)).all()


def test_callback_that_asks_for_the_end_ends_its_own_fit():
    class Stop(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    model = MLPRegressor(max_iter=4, random_state=0, callbacks=[Stop()])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(cross_val_score(model, X, Y, cv=2)).all()
