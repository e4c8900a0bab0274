"""What one task raises is its own."""

import joblib
import numpy as np
import pytest
import skorch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import BaggingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets.training import _together
from tests.parallel.searches import X, Y, regressor


class Fails(RegressorMixin, BaseEstimator):
    """An estimator that is none of ours and cannot be fitted."""

    def fit(self, X, y):
        raise ZeroDivisionError("fails")


class Breaks(skorch.callbacks.Callback):
    """Raise in the middle of a training."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise ZeroDivisionError("breaks")


MODEL = make_pipeline(StandardScaler(), Ridge())
GOOD = [regressor(), regressor(alpha=10.0), regressor(solver="lbfgs"), Ridge(), Ridge(10.0)]
BAD = [
    Fails(),
    regressor(callbacks=[Breaks()]),
    regressor(alpha=-1),  # found before anything is trained
    regressor(learning_rate_init=1e30, max_grad_norm=None, solver="sgd"),  # diverges
]


@pytest.fixture(scope="module")
def expected():
    """Return the mean scores of the good candidates."""
    with joblib.parallel_config("sequential"):
        return GridSearchCV(MODEL, {"ridge": GOOD}, cv=2).fit(X, Y).cv_results_["mean_test_score"]


def search(candidates, **params):
    return GridSearchCV(MODEL, {"ridge": candidates}, cv=2, **params)


def drawn(seed):
    """Return candidates in a drawn order: which of `GOOD` each of them is, or -1, and the estimator."""
    rng = np.random.default_rng(seed)
    numbers = rng.choice([0, 1, 2, 3, 4, -1], size=8)
    numbers[0] = 0
    numbers = rng.permutation(numbers)
    return numbers, [GOOD[n] if n >= 0 else BAD[rng.integers(len(BAD))] for n in numbers]


@pytest.mark.parametrize(
    "seeds", [range(4), pytest.param(range(4, 50), marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("n_jobs", [2, 5, 64])
def test_failures_neither_hang_nor_mix_results(expected, seeds, n_jobs):
    for seed in seeds:
        numbers, candidates = drawn(seed)
        with joblib.parallel_config("sknets", n_jobs=n_jobs):
            found = search(candidates, error_score=np.nan).fit(X, Y)
        scores = [expected[n] if n >= 0 else np.nan for n in numbers]
        np.testing.assert_array_equal(found.cv_results_["mean_test_score"], scores)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("n_jobs", [2, 64])
def test_error_that_is_raised_ends_the_search(number, n_jobs):
    candidates = [*GOOD[:3], BAD[number], *GOOD]
    with (
        joblib.parallel_config("sknets", n_jobs=n_jobs),
        pytest.raises((ZeroDivisionError, ValueError)),
    ):
        search(candidates, error_score="raise").fit(X, Y)


def test_error_ends_the_trainings_of_its_wave(monkeypatch):
    def breaking_first(jobs):
        original(sorted(jobs, key=lambda job: not job.net.callbacks))

    original = _together.train_together
    monkeypatch.setattr(_together, "train_together", breaking_first)
    forever = {"max_iter": 10_000_000, "tol": 0.0, "n_iter_no_change": 10_000_000}
    candidates = [regressor(callbacks=[Breaks()]), *(regressor(**forever) for _ in range(3))]
    with joblib.parallel_config("sknets", n_jobs=64), pytest.raises(ZeroDivisionError):
        search(candidates, error_score="raise").fit(X, Y)


def test_error_in_a_call_within_a_task_reaches_that_task(expected):
    inner = search([GOOD[0], Fails()], error_score="raise")

    @joblib.delayed
    def outer(model):
        try:
            return model.fit(X, Y).cv_results_["mean_test_score"]
        except ZeroDivisionError as error:
            return str(error)

    with joblib.parallel_config("sknets", n_jobs=64):
        values = joblib.Parallel()(outer(model) for model in [inner, search(GOOD), inner])
        assert values[0] == values[2] == "fails"
        np.testing.assert_array_equal(values[1], expected)
        with pytest.raises(ZeroDivisionError):
            BaggingRegressor(inner, n_estimators=3).fit(X, Y)


def test_traceback_shows_where_the_task_was():
    with joblib.parallel_config("sknets", n_jobs=64), pytest.raises(ZeroDivisionError) as caught:
        search([GOOD[0], Fails()], error_score="raise").fit(X, Y)
    assert "test_errors.py" in str(caught.value.__cause__)
