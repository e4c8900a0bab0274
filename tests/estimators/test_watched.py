"""Callbacks that are told of a fit as a whole."""

import numpy as np
import pytest
from sklearn.base import clone

from sknets import Autoencoder, MLPClassifier, MLPRegressor
from sknets.estimators import FitWatcher
from tests.estimators.estimators import ALL, X_DIABETES, Y_DIABETES, data_for


class Events(list):
    """A list that clones share."""

    def __deepcopy__(self, memo):
        return self


class Watcher(FitWatcher):
    """Writes down what it is told."""

    def __init__(self, events):
        self.events = events

    def on_fit_begin(self, estimator, *, is_partial):
        self.events.append("partial" if is_partial else "begin")

    def on_fit_end(self, estimator):
        self.events.append(f"end after {estimator.n_iter_}")

    def on_fit_error(self, estimator, error):
        self.events.append(type(error).__name__)

    def on_train_begin(self, net, **kwargs):
        self.events.append("train")


def watch(estimator, **options):
    watcher = Watcher(Events())
    return estimator.set_params(callbacks=[watcher], random_state=0, **options), watcher.events


@pytest.mark.parametrize("estimator", [*ALL, Autoencoder(2)], ids=lambda e: type(e).__name__)
def test_a_fit_is_told_from_its_beginning_to_its_end(estimator):
    X, y = (X_DIABETES, None) if isinstance(estimator, Autoencoder) else data_for(estimator)
    network, events = watch(clone(estimator), max_iter=2)
    network.fit(X, y)
    assert events == ["begin", "train", "end after 2"]


@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier, Autoencoder])
def test_partial_fits_are_told(kind):
    network, events = watch(kind())
    y = {MLPRegressor: Y_DIABETES, MLPClassifier: Y_DIABETES > 100}.get(kind)
    classes = {"classes": [False, True]} if kind is MLPClassifier else {}
    network.partial_fit(X_DIABETES, y, **classes)
    assert events == ["partial", "train", "end after 1"]


def test_errors_are_told_wherever_they_are():
    network, events = watch(MLPRegressor(), max_iter=5)
    with pytest.raises(ValueError, match="NaN"):
        network.fit(np.full_like(X_DIABETES, np.nan), Y_DIABETES)
    assert events == ["begin", "ValueError"]
    network, events = watch(
        MLPRegressor(), solver="sgd", activation="identity", learning_rate_init=1e9
    )
    with pytest.raises(ValueError, match="learning_rate_init"):
        network.fit(X_DIABETES, Y_DIABETES)
    assert events == ["begin", "train", "ValueError"]


def test_who_raises_at_the_beginning_ends_the_fit_and_those_before_it_are_told():
    class Refuses(Watcher):
        def on_fit_begin(self, estimator, *, is_partial):
            raise RuntimeError("no")

    first, later = Watcher([]), Watcher([])
    network = MLPRegressor(callbacks=[first, Refuses(None), later], max_iter=2)
    with pytest.raises(RuntimeError, match="no"):
        network.fit(X_DIABETES, Y_DIABETES)
    assert (first.events, later.events) == (["begin", "RuntimeError"], [])
    assert not hasattr(network, "net_")


@pytest.mark.parametrize("options", [{"n_members": 3}, {"calibrate": 3}], ids=str)
def test_members_and_folds_are_no_fits_of_their_own(options):
    network, events = watch(MLPRegressor(), max_iter=2, **options)
    network.fit(X_DIABETES, Y_DIABETES)
    assert [event for event in events if event != "train"] == ["begin", "end after 2"]
    assert events.count("train") == 3 + ("calibrate" in options)  # of clones
