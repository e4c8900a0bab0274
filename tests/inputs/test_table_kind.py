"""In which unit a table is: a warning where its values leave no doubt, and none for usual tables."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from torch import nn

from sknets import Forecaster, MLPClassifier, MLPRegressor, ModuleClassifier
from sknets.inputs._table_kind import TableKind

RNG = np.random.default_rng(0)
DIGITS = load_digits().data[:200]
LABELS = load_digits().target[:200] % 2
BYTES = (DIGITS * 15).astype(np.uint8)
MLP = MLPClassifier(hidden_layer_sizes=(4,), max_iter=1, random_state=0)
MODULE = ModuleClassifier(nn.Linear, max_iter=1, random_state=0)


@pytest.mark.parametrize("network", [MLP, MODULE], ids=["MLP", "module"])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("n_rows", [1, 200])
def test_another_unit_warns(network, form, n_rows):
    for whole, fractions in [(BYTES, BYTES / 255), (DIGITS, DIGITS / 16)]:
        whole, fractions = form(whole), form(fractions)
        network.fit(whole, LABELS).predict(whole)
        with pytest.warns(UserWarning, match="X holds fractions .* whole numbers up to") as caught:
            network.predict(fractions[:n_rows])
        assert caught[0].filename == __file__
        network.fit(fractions, LABELS).predict(fractions)
        with pytest.warns(UserWarning, match="X holds whole numbers up to .* fractions up to"):
            network.predict(whole[:n_rows])


def test_validation_data_in_another_unit_warn():
    with pytest.warns(UserWarning, match="X holds fractions"):
        MLP.fit(BYTES, LABELS, X_val=BYTES / 255, y_val=LABELS)


def counts(rate, shape=(200, 12)):
    return RNG.poisson(rate, shape).astype(float)


def one_hot(codes):
    return np.eye(codes.max() + 1)[codes]


USUAL = {
    "iris": load_iris().data,
    "wine": load_wine().data,
    "breast cancer": load_breast_cancer().data,
    "diabetes": load_diabetes().data,
    "exercises": load_linnerud().data,
    "rare counts": counts(0.3),
    "counts": counts(4),
    "large counts": counts(50),
    "words": counts(RNG.uniform(0, 0.6, 300) ** 3, (200, 300)) + 8 * np.eye(200, 300),
    "indicators": one_hot(RNG.integers(0, 6, 200)),
    "shares": RNG.dirichlet(np.ones(5), 200),
    "flags and shares": np.column_stack([RNG.integers(0, 2, (200, 3)), RNG.uniform(size=200)]),
    "codes": RNG.integers(0, 12, (200, 6)).astype(float),
    "age and flags": np.column_stack([RNG.integers(18, 90, 200), RNG.integers(0, 2, (200, 4))]),
    "hours and days": np.column_stack([RNG.integers(0, 24, 200), RNG.integers(1, 32, 200)]),
    "pixels": DIGITS,
    "unit pixels": DIGITS / 16,
    "standardised": RNG.normal(size=(200, 5)),
    "one column": counts(20, (200, 1)) + 8,
}


@pytest.mark.parametrize("name", USUAL)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_usual_tables_raise_no_doubt(name, form):
    seen = USUAL[name]
    kind = TableKind.of(form(seen))
    grid = np.repeat(seen[:3], 9, axis=0)
    grid[:, 0] = np.tile(np.linspace(seen[:, 0].min(), seen[:, 0].max(), 9), 3)
    hidden = seen.copy()
    hidden[RNG.uniform(size=seen.shape) < 0.7] = 0
    others = {
        "rows": seen,
        "column means": seen.mean(axis=0)[None],
        "a column on a grid": grid,
        "columns hidden by their means": np.where(hidden == 0, seen.mean(axis=0), seen),
        "columns hidden by zeros": hidden,
        "between rows": (seen[1:] + seen[:-1]) / 2,
        "twice": seen * 2,
        "zeros": np.zeros((2, seen.shape[1])),
        "ones": np.ones((2, seen.shape[1])),
        "none": seen[:0],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rows in others.values():
            for X in (rows, *(rows[i : i + 1] for i in range(0, len(rows), 7))):
                if kind is not None:
                    kind.check(form(X), "MLPClassifier")


def test_most_tables_tell_nothing():
    tell = [name for name in USUAL if TableKind.of(USUAL[name]) is not None]
    assert tell == [
        "exercises",
        "large counts",
        "shares",
        "flags and shares",
        "age and flags",
        "pixels",
        "unit pixels",
    ]


def test_windows_of_a_forecaster_are_of_any_kind():
    series = RNG.poisson(30, 120).astype(float)
    forecaster = Forecaster(MLPRegressor(max_iter=1, random_state=0), window=6).fit(y=series)
    assert np.isfinite(forecaster.forecast(20)).all()
