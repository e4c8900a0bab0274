"""What happens to one call of a context is nothing to another one."""

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.model_selection import cross_val_score

from sknets import MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = X[:, 0] + 0.1 * RNG.normal(size=120)
LONG = {"hidden_layer_sizes": 6, "batch_size": 20, "tol": 0, "n_iter_no_change": 999}


def fails():
    def one(n):
        MLPRegressor(max_iter=n, random_state=0, **LONG).fit(X, Y)
        if n == 1:
            raise RuntimeError("boom")

    try:
        Parallel(n_jobs=3)(delayed(one)(n) for n in (1, 40, 41))
    except RuntimeError as error:
        return str(error)


def scores():
    return cross_val_score(MLPRegressor(max_iter=30, random_state=0, **LONG), X, Y, cv=3).mean()


def test_a_failing_search_leaves_its_neighbour_alone():
    expected = scores()
    for _ in range(4):
        with joblib.parallel_config("sknets", n_jobs=64):
            found, words = Parallel()([delayed(scores)(), delayed(fails)()])
        assert words == "boom"
        assert found == pytest.approx(expected)
