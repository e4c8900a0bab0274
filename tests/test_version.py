"""Every pickle says by which version of the package it was written."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import LinearRegression

import sknets._version
from sknets import (
    Autoencoder,
    CNNAutoencoder,
    CNNFeatures,
    Forecaster,
    MLPRegressor,
    RNNAutoencoder,
    RNNFeatures,
)
from sknets.preprocessing import Augmentation, SlidingWindows, TokenSequences
from tests.estimators.estimators import ALL, data_for

OTHERS = [
    Autoencoder(),
    CNNAutoencoder(),
    RNNAutoencoder(),
    CNNFeatures(),
    RNNFeatures(),
    Forecaster(LinearRegression()),
    Augmentation(),
    SlidingWindows(3),
    TokenSequences(),
]
over_all = pytest.mark.parametrize("estimator", [*ALL, *OTHERS], ids=lambda e: type(e).__name__)


@over_all
def test_another_version_warns(estimator, monkeypatch):
    estimator = clone(estimator)
    monkeypatch.setattr(sknets._version, "__version__", "0.0.1")
    old = pickle.dumps(estimator)
    monkeypatch.undo()
    words = f"This {type(estimator).__name__} was pickled by sknets 0.0.1.*by sknets {sknets.__version__}"
    with pytest.warns(InconsistentVersionWarning, match=words) as caught:
        copied = pickle.loads(old)
    assert caught[0].filename == __file__
    assert vars(copied).keys() == vars(estimator).keys()


@over_all
def test_same_version_says_nothing_and_leaves_nothing(estimator):
    estimator = clone(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copied = pickle.loads(pickle.dumps(estimator))
    assert vars(copied).keys() == vars(estimator).keys()


def test_pickle_without_a_version_warns():
    state = MLPRegressor().__getstate__()
    del state[sknets._version.VERSION_KEY]
    with pytest.warns(InconsistentVersionWarning, match="unknown version"):
        MLPRegressor.__new__(MLPRegressor).__setstate__(state)


def test_subclass_says_the_version_too(monkeypatch):
    class Own(MLPRegressor):
        pass

    state = Own().__getstate__()
    monkeypatch.setattr(sknets._version, "__version__", "9.9")
    with pytest.warns(InconsistentVersionWarning, match="This Own was pickled"):
        Own.__new__(Own).__setstate__(state)


def test_fitted_network_of_another_version_still_predicts(monkeypatch, tmp_path):
    X, y = data_for(MLPRegressor)
    fitted = MLPRegressor(max_iter=2, random_state=0).fit(X, y)
    joblib.dump(fitted, tmp_path / "model.joblib")
    monkeypatch.setattr(sknets._version, "__version__", "9.9")
    with pytest.warns(InconsistentVersionWarning) as caught:
        copied = joblib.load(tmp_path / "model.joblib")
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(copied.predict(X), fitted.predict(X))
