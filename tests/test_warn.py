"""Warnings point to the line of the user."""

import warnings

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPClassifier, MLPRegressor, RNNRegressor

X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40.0)


def files_of(call):
    """Return the files that the warnings of a call point to."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert caught
    return {warning.filename for warning in caught}


def test_however_deep_the_call():
    network = MLPRegressor(max_iter=1, batch_size=100)
    searched = GridSearchCV(make_pipeline(StandardScaler(), network), {}, cv=2)
    for call in (
        lambda: network.fit(X, Y),
        lambda: RNNRegressor(max_iter=1, learning_rate="constant").fit(X, Y),
        lambda: MLPRegressor().partial_fit(X, np.ones(40)),
        lambda: MLPClassifier(max_iter=1).fit(X, Y > 20),
        lambda: searched.fit(X, Y),
        lambda: MLPRegressor(max_iter=1).fit(X, Y[:, None]),
    ):
        assert files_of(call) == {__file__}
