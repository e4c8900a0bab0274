"""Fitted estimators of every kind, with data, for tests of files."""

import functools

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sknets import (
    Autoencoder,
    CNNAutoencoder,
    CNNClassifier,
    CNNFeatures,
    CNNRegressor,
    Forecaster,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    NonlinearRegressor,
    RNNAutoencoder,
    RNNClassifier,
    RNNFeatures,
    RNNRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknets.preprocessing import Augmentation, TokenSequences

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(60, 5))
NUMBERS = 2.0 * TABLE[:, 0] + 1.0
WORDS = np.array(["low", "high"])[(NUMBERS > 1).astype(int)]
IMAGES = RNG.normal(size=(60, 8, 8)).astype("float32")
SEQUENCES = RNG.normal(size=(60, 6, 2)).astype("float32")
RAGGED = [series[: 3 + number % 4] for number, series in enumerate(SEQUENCES)]
FRAME = pd.DataFrame({"a": TABLE[:, 0], "b": np.where(TABLE[:, 1] > 0, "u", "v")})
TEXTS = np.array(["one two three", "two three four", "four five six one"] * 20)
SERIES = pd.Series(np.sin(np.arange(90) / 5), pd.date_range("2020", periods=90, freq="D"))


class Small(nn.Sequential):
    """A module of a user's own."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(nn.Linear(n_inputs, 4), nn.Dropout(0.2), nn.Linear(4, n_outputs))


def line(X, theta):
    """A formula of a user's own."""
    return theta[0] * X[:, 0] + theta[1]


#: What files name and do not hold.
TRUSTED = [Small, line]

SHORT = {"max_iter": 3, "random_state": 0}
FEW = {"n_candidates": 2, "cv": 2, "max_iter": 3, "random_state": 0}

#: Estimators with X and y.
KINDS = {
    "MLPRegressor": (MLPRegressor(dropout=0.2, average="polyak", **SHORT), TABLE, NUMBERS),
    "MLPRegressor-gaussian": (MLPRegressor("gaussian", calibrate=True, **SHORT), TABLE, NUMBERS),
    "MLPRegressor-lbfgs": (MLPRegressor(solver="lbfgs", **SHORT), TABLE, NUMBERS),
    "MLPClassifier": (
        MLPClassifier(early_stopping=True, numeric_embedding="periodic", **SHORT),
        TABLE,
        WORDS,
    ),
    "MLPClassifier-members": (MLPClassifier(n_members=2, calibrate=True, **SHORT), TABLE, WORDS),
    "MLPClassifier-labels": (
        MLPClassifier(**SHORT),
        TABLE,
        np.stack([NUMBERS > 1, NUMBERS > 0], axis=1).astype(int),
    ),
    "TabularRegressor": (TabularRegressor(**FEW), FRAME, NUMBERS),
    "TabularClassifier": (TabularClassifier(**FEW), FRAME, WORDS),
    "CNNRegressor": (CNNRegressor(**SHORT), IMAGES, NUMBERS),
    "CNNClassifier": (
        CNNClassifier(augment=Augmentation(shift=0.1), normalization="batch", **SHORT),
        IMAGES,
        WORDS,
    ),
    "CNNFeatures": (CNNFeatures(CNNClassifier(**SHORT)), IMAGES, WORDS),
    "RNNRegressor": (RNNRegressor(**SHORT), SEQUENCES, NUMBERS),
    "RNNClassifier": (RNNClassifier(recurrent_dropout=0.1, **SHORT), SEQUENCES, WORDS),
    "RNNClassifier-texts": (
        make_pipeline(TokenSequences(), RNNClassifier(**SHORT)),
        TEXTS,
        WORDS,
    ),
    "ModuleRegressor": (ModuleRegressor(Small, **SHORT), TABLE, NUMBERS),
    "ModuleClassifier": (ModuleClassifier(Small, **SHORT), TABLE, WORDS),
    "NonlinearRegressor": (NonlinearRegressor(line, [1.0, 0.0]), TABLE, NUMBERS),
    "Autoencoder": (Autoencoder(**SHORT), TABLE, None),
    "CNNAutoencoder": (CNNAutoencoder(normalization="batch", **SHORT), IMAGES, None),
    "RNNAutoencoder": (RNNAutoencoder(**SHORT), RAGGED, None),
    "RNNFeatures": (RNNFeatures(RNNClassifier(**SHORT)), SEQUENCES, WORDS),
    "Forecaster": (Forecaster(horizon=2), None, SERIES),
    "Pipeline": (make_pipeline(StandardScaler(), MLPRegressor(**SHORT)), TABLE, NUMBERS),
    "Forecaster-pipeline": (
        Forecaster(make_pipeline(StandardScaler(), MLPRegressor(**SHORT)), horizon=2),
        None,
        SERIES,
    ),
}


@functools.cache
def fitted(name):
    """Return a fitted estimator of a kind, which nobody may change, and its X and y."""
    estimator, X, y = KINDS[name]
    return estimator.fit(X, y), X, y


def answers(estimator, X):
    """Return what an estimator answers."""
    if X is None:
        return estimator.predict()
    if is_classifier(estimator):
        return estimator.predict_proba(X)
    return estimator.predict(X) if hasattr(estimator, "predict") else estimator.transform(X)
