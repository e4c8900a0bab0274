"""Warnings point to the line of the user."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPClassifier, MLPRegressor, RNNRegressor
from sknets._warn import is_heard, unsaid
from sknets.estimators import _outcome

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


@pytest.mark.parametrize(
    ("filters", "is_there"),
    [
        ([], True),
        ([("ignore", Warning)], False),
        ([("ignore", ConvergenceWarning)], False),
        ([("ignore", DeprecationWarning)], True),
        ([("ignore", Warning), ("always", ConvergenceWarning)], True),
        ([("error", Warning), ("ignore", UserWarning)], False),  # the last one comes first
        ([("ignore", Warning), ("error", DeprecationWarning)], False),
    ],
)
def test_who_hears_is_known_from_filters(filters, is_there):
    with warnings.catch_warnings():
        warnings.resetwarnings()
        for action, category in filters:
            warnings.simplefilter(action, category)
        assert is_heard(ConvergenceWarning) == is_there
        with unsaid(UserWarning):
            assert not is_heard(ConvergenceWarning)


@pytest.mark.parametrize("place", [{"message": "x"}, {"module": "x"}, {"lineno": 7}])
def test_filters_of_words_and_places_may_let_a_warning_pass(place):
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        warnings.filterwarnings("ignore", **place)
        assert is_heard(ConvergenceWarning)


def test_words_that_nobody_hears_are_not_looked_for(monkeypatch):
    def look(outcome):
        raise ZeroDivisionError

    monkeypatch.setattr(_outcome, "_doubts_of_training", look)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MLPRegressor(max_iter=1).fit(X, Y)
        with pytest.raises(ValueError, match="non-finite"):
            MLPRegressor(solver="sgd", learning_rate_init=1e200).fit(X, Y)
    with unsaid(ConvergenceWarning):
        MLPRegressor(max_iter=1).fit(X, Y)
    with pytest.raises(ZeroDivisionError):
        MLPRegressor(max_iter=1).fit(X, Y)
