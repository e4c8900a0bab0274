"""Ensembles of networks that differ by their seed: `n_members`."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skorch
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

from sknets import (
    MLPClassifier,
    MLPRegressor,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from sknets.inspection import TrainingCurveDisplay, integrated_gradients
from tests.estimators.estimators import ALL, data_for, outputs

X, Y = load_diabetes(return_X_y=True)
X = X / X.std(axis=0)
X_IRIS, Y_IRIS = load_iris(return_X_y=True)


def mean_of_members(network, X, method="predict"):
    return np.mean([getattr(member, method)(X) for member in network.members_], axis=0)


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_outputs_are_the_mean_of_the_members(estimator):
    X, y = data_for(estimator)
    network = clone(estimator).set_params(n_members=3, max_iter=2, random_state=0).fit(X, y)
    assert len(network.members_) == 3
    assert not np.allclose(outputs(network.members_[0], X), outputs(network.members_[1], X))
    method = "predict_proba" if hasattr(network, "predict_proba") else "predict"
    mean = mean_of_members(network, X, method)
    np.testing.assert_allclose(getattr(network, method)(X), mean, rtol=1e-5, atol=1e-6)
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(outputs(copied, X), outputs(network, X))
    assert copied.net_ is copied.members_[0].net_


@pytest.mark.parametrize(
    "network",
    [
        MLPRegressor(loss="poisson"),
        MLPRegressor(loss="quantile", quantile=[0.1, 0.5, 0.9]),
        MLPRegressor(loss="absolute_error"),
        MLPRegressor(early_stopping=True),
    ],
    ids=["poisson", "quantiles", "absolute", "stopped"],
)
def test_predictions_of_every_loss_are_means(network):
    network.set_params(n_members=3, max_iter=20, random_state=0).fit(X, Y)
    np.testing.assert_allclose(network.predict(X), mean_of_members(network, X), rtol=1e-6)


def test_labels_and_several_outputs():
    labels = np.stack([Y > 100, Y > 150, Y > 200], axis=1).astype(int)
    network = MLPClassifier(n_members=4, max_iter=5, random_state=0).fit(X, labels)
    shares = network.predict_proba(X)
    np.testing.assert_allclose(shares, mean_of_members(network, X, "predict_proba"), rtol=1e-5)
    np.testing.assert_array_equal(network.predict(X), shares > 0.5)
    numbers = np.stack([Y, -Y], axis=1)
    network = MLPRegressor(n_members=2, max_iter=5, random_state=0).fit(X, numbers)
    np.testing.assert_allclose(network.predict(X), mean_of_members(network, X), rtol=1e-6)


def test_log_probabilities_far_out():
    network = MLPClassifier(n_members=2, max_iter=50, random_state=0).fit(X, Y > 150)
    found, shares = network.predict_log_proba(1e3 * X), network.predict_proba(1e3 * X)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.exp(found), shares, rtol=1e-5, atol=1e-12)


def test_members_are_single_fits_by_their_seeds():
    network = MLPRegressor(n_members=3, max_iter=5, random_state=0).fit(X, Y)
    for member in network.members_:
        alone = MLPRegressor(max_iter=5, random_state=member.random_state).fit(X, Y)
        np.testing.assert_allclose(alone.predict(X), member.predict(X), rtol=1e-5)
    again = MLPRegressor(n_members=3, max_iter=5, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(again.predict(X), network.predict(X))


def test_ensembles_are_better_than_their_members():
    network = MLPRegressor(n_members=8, random_state=0).fit(X[:300], Y[:300])
    alone = [member.score(X[300:], Y[300:]) for member in network.members_]
    assert network.score(X[300:], Y[300:]) > np.mean(alone)


def test_spread_is_that_of_the_members():
    network = MLPRegressor(n_members=3, max_iter=5, random_state=0).fit(X, Y)
    predictions, spread = network.predict(X, return_std=True)
    np.testing.assert_array_equal(predictions, network.predict(X))
    expected = np.std([member.predict(X) for member in network.members_], axis=0)
    np.testing.assert_allclose(spread, expected, rtol=1e-12)
    with pytest.raises(ValueError, match="return_std=True needs .*n_members"):
        MLPRegressor(max_iter=2).fit(X, Y).predict(X, return_std=True)


def test_x_is_read_once():
    frame = pd.DataFrame(X, columns=[f"x{k}" for k in range(X.shape[1])])
    network = MLPRegressor(n_members=3, max_iter=2, random_state=0).fit(frame, Y)
    for params in ({}, {"return_std": True}):
        with pytest.warns(UserWarning, match="valid feature names") as caught:
            network.predict(X, **params)
        assert len(caught) == 1


def test_sequences_of_steps():
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(n, 2)) for n in (4, 6, 5, 7, 4, 6)]
    targets = [s[:, 0] for s in series]
    network = RNNRegressor(output="timesteps", n_members=2, max_iter=2, random_state=0)
    predictions, spread = network.fit(series, targets).predict(series, return_std=True)
    parts = [member.predict(series) for member in network.members_]
    for row in range(6):
        pair = [part[row] for part in parts]
        np.testing.assert_allclose(predictions[row], np.mean(pair, axis=0), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(spread[row], np.std(pair, axis=0), rtol=1e-4, atol=1e-6)


def test_written_classes_have_no_mean():
    rng = np.random.default_rng(0)
    series = rng.normal(size=(12, 4, 2))
    words = [list("ab"[: 1 + k % 2]) for k in range(12)]
    network = RNNClassifier(output="sequence", n_members=2, max_iter=1, random_state=0)
    with pytest.raises(ValueError, match="n_members=2: sequences .* have no mean"):
        network.fit(series, words)
    with pytest.raises(NotFittedError):
        network.predict(series)


@pytest.mark.parametrize("n_members", [0, -1, 1.5, "three", None])
def test_other_numbers_are_refused(n_members):
    with pytest.raises(ValueError, match="n_members"):
        MLPRegressor(n_members=n_members).fit(X, Y)


def test_partial_fit_and_warm_start_go_on_with_each():
    network = MLPRegressor(n_members=2, random_state=0).partial_fit(X, Y).partial_fit(X, Y)
    for member in network.members_:
        alone = MLPRegressor(random_state=member.random_state).partial_fit(X, Y).partial_fit(X, Y)
        np.testing.assert_allclose(alone.predict(X), member.predict(X), rtol=1e-5)
    warm = MLPRegressor(n_members=2, warm_start=True, max_iter=3, random_state=0).fit(X, Y)
    before = [member.loss_ for member in warm.members_]
    warm.fit(X, Y)
    assert all(m.loss_ < loss for m, loss in zip(warm.members_, before, strict=True))


@pytest.mark.parametrize(("before", "now"), [(1, 3), (3, 2), (3, 1)])
def test_networks_that_go_on_stay_as_many(before, now):
    network = MLPClassifier(n_members=before, random_state=0)
    network.partial_fit(X, Y > 150, classes=[False, True]).set_params(n_members=now)
    with pytest.raises(ValueError, match=f"n_members has changed from {before} to {now}"):
        network.partial_fit(X, Y > 150)
    with pytest.raises(ValueError, match="n_members has changed"):
        network.set_params(warm_start=True).fit(X, Y > 150)
    network.set_params(warm_start=False, max_iter=2).fit(X, Y > 150)
    assert len(getattr(network, "members_", [0])) == now


def test_each_member_has_copies_of_the_callbacks():
    class Count(skorch.callbacks.Callback):
        n = 0

        def on_epoch_end(self, net, **kwargs):
            self.n += 1

    callback = Count()
    network = MLPRegressor(n_members=2, max_iter=3, callbacks=[callback], warm_start=True)
    for _ in range(2):
        network.fit(X, Y)
        assert callback.n == 0
        assert [member.callbacks[0].n for member in network.members_] == [3, 3]


def test_spread_of_large_y():
    network = MLPRegressor(n_members=2, max_iter=2, random_state=0).fit(X, 1e300 * Y)
    _, spread = network.predict(X, return_std=True)
    assert np.isfinite(spread).all()


def test_fit_that_fails_leaves_all_as_it_was():
    network = MLPRegressor(n_members=2, max_iter=3, random_state=0).fit(X, Y)
    before, members = network.predict(X), network.members_
    with pytest.raises(ValueError, match="NaN"):
        network.partial_fit(X, np.full(len(Y), np.nan))
    assert network.members_ is members
    np.testing.assert_array_equal(network.predict(X), before)


def test_a_single_network_forgets_the_members():
    network = MLPRegressor(n_members=2, max_iter=2, random_state=0).fit(X, Y)
    network.set_params(n_members=1).fit(X, Y)
    assert not hasattr(network, "members_")
    alone = MLPRegressor(max_iter=2, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(network.predict(X), alone.predict(X))


def test_searches_and_early_stopping_take_part():
    network = MLPClassifier(n_members=2, max_iter=4, early_stopping=True, random_state=0)
    search = GridSearchCV(network, {"alpha": [1e-4, 1.0]}, cv=2).fit(X_IRIS, Y_IRIS)
    assert len(search.best_estimator_.members_) == 2
    assert np.isfinite(cross_val_score(network, X_IRIS, Y_IRIS, cv=2)).all()


def test_pictures_name_the_members():
    network = MLPRegressor(n_members=2, max_iter=2, random_state=0).fit(X, Y)
    with pytest.raises(
        TypeError, match=r"one of the 2 networks of the MLPRegressor.*members_\[0\]"
    ):
        TrainingCurveDisplay.from_estimator(network)
    with pytest.raises(TypeError, match="members_"):
        integrated_gradients(network, X[:3])
    assert integrated_gradients(network.members_[1], X[:3]).shape[0] == 3


def make_module():
    return torch.nn.Sequential(torch.nn.Linear(10, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))


def test_modules_of_users():
    network = ModuleRegressor(make_module, n_members=2, max_iter=2, random_state=0)
    network.fit(X.astype(np.float32), Y)
    np.testing.assert_allclose(network.predict(X), mean_of_members(network, X), rtol=1e-5)
    with pytest.raises(ValueError, match="Give its class, or a function"):
        ModuleRegressor(make_module(), n_members=2).fit(X, Y)
