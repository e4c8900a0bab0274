"""How many networks train at once."""

import joblib
import pytest
from sklearn.ensemble import BaggingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.parallel.searches import ALPHAS, X, Y, regressor, scaled

GRID = {"mlpregressor__alpha": ALPHAS}


@pytest.mark.parametrize(
    ("n_jobs", "expected"),
    [(64, [18]), (18, [18]), (10, [10, 8]), (1, []), (None, [18]), (-1, [18]), (-2, [18])],
)
def test_search(waves, n_jobs, expected):
    with joblib.parallel_config("sknets", n_jobs=n_jobs):
        GridSearchCV(scaled(), GRID, cv=3).fit(X, Y)
    assert waves == expected  # the last fit is one of a kind


def test_number_of_an_estimator_bounds_its_own_tasks(waves):
    with joblib.parallel_config("sknets", n_jobs=64):
        GridSearchCV(scaled(), GRID, cv=3, n_jobs=6).fit(X, Y)
    assert waves == [6, 6, 6]


def test_number_of_a_call_without_a_context(waves):
    fit = joblib.delayed(lambda alpha: regressor(alpha=alpha).fit(X, Y))
    joblib.Parallel(n_jobs=4, backend="sknets")(fit(alpha) for alpha in ALPHAS)
    assert waves == [4, 2]


def test_search_in_an_ensemble(waves):
    search = GridSearchCV(scaled(), GRID, cv=3)
    with joblib.parallel_config("sknets", n_jobs=64):
        BaggingRegressor(search, n_estimators=3, random_state=0).fit(X, Y)
    assert waves == [54, 3]  # three searches, and the last fit of each


def test_ensemble_in_scores(waves):
    with joblib.parallel_config("sknets", n_jobs=8):
        cross_val_score(BaggingRegressor(regressor(), n_estimators=5, random_state=0), X, Y, cv=3)
    assert sum(waves) == 15
    assert max(waves) == 8


def test_others_are_waited_for(waves):
    model = make_pipeline(StandardScaler(), Ridge())
    forest = RandomForestRegressor(30, random_state=0)
    grid = {"ridge": [regressor(), forest, regressor(alpha=1.0), Ridge()]}
    with joblib.parallel_config("sknets", n_jobs=64):
        GridSearchCV(model, grid, cv=3).fit(X, Y)
    assert waves == [6]


def test_net_with_listeners_to_batches_trains_by_itself(waves):
    from skorch.callbacks import Callback

    class Listens(Callback):
        def on_batch_end(self, net, **kwargs):
            pass

    with joblib.parallel_config("sknets", n_jobs=64):
        cross_val_score(regressor(callbacks=[Listens()]), X, Y, cv=3)
        assert waves == []
        cross_val_score(regressor(callbacks=[Callback()]), X, Y, cv=3)
    assert waves == [3]
