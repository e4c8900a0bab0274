"""How large the numbers in X may be: what a type cannot hold, and what dwarfs all others, is an error."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone, is_classifier
from torch import nn

from sknets import (
    CNNClassifier,
    CNNFeatures,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    RNNClassifier,
)
from sknets.inputs import _sizes, channel_moments, moments, regular
from sknets.inputs._scaling import mean_and_deviation
from sknets.modules import ImageInput
from tests.estimators.estimators import ALL, data_for

RNG = np.random.default_rng(0)
TABLE, IMAGES, SERIES = (RNG.normal(size=size) for size in ((60, 6), (60, 6, 6), (60, 8, 2)))
LABELS = np.arange(60) % 2
SINGLE, DOUBLE = torch.float32, torch.float64


class Squares(nn.Linear):
    """A network that overflows early."""

    def forward(self, x):
        return super().forward(x**2)


class Masked(nn.Linear):
    """A network that gives its last class no chance, but where it learns."""

    def forward(self, x):
        raw = super().forward(x)
        if not self.training:
            raw[:, -1] = -torch.inf
        return raw


def with_values(X, value, rows=(3, 17)):
    X = X.copy()
    for row in rows:
        X[(row,) + (0,) * (X.ndim - 1)] = value
    return X


@pytest.mark.parametrize("value", [-1.7e308, 3.4e39])
@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_values_beyond_the_type_are_named_by_rows(estimator, value):
    X, y = data_for(estimator)
    network = clone(estimator).set_params(max_iter=1, dtype="float32", random_state=0)
    bad, words = with_values(np.array(X), value), r"too large for float32 in rows 3, 17, up to"
    network.fit(X, y)
    further = (network.predict_proba, network.predict_log_proba) if is_classifier(network) else ()
    for method in (network.predict, *further):
        with pytest.raises(ValueError, match="X has values " + words):
            method(bad)
    with pytest.raises(ValueError, match="X has values " + words):
        network.score(bad, y)
    with pytest.raises(ValueError, match="X has values " + words):
        network.partial_fit(bad, y)
    with pytest.raises(ValueError, match="X_val has values " + words):
        network.fit(X, y, X_val=bad, y_val=y)
    with pytest.raises(ValueError, match="X has values " + words):
        network.fit(bad, y)


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_values_that_dwarf_those_of_the_fit_are_named_by_rows(estimator):
    X, y = data_for(estimator)
    network = clone(estimator).set_params(max_iter=1, dtype="float64", random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="X has values of up to 3.4e.38 in size in rows 3, 17"):
        network.predict(with_values(np.array(X), -3.4e38))
    with pytest.raises(ValueError, match="X has values of up to 3.4e.38 in size in row 5"):
        network.fit(with_values(np.array(X), -3.4e38, rows=[5]), y)


def test_rows_are_those_of_the_user_whatever_was_set_aside():
    weight = (np.arange(60) != 2).astype(float)
    network = MLPClassifier(dtype="float32", early_stopping=True, max_iter=1, random_state=0)
    for seed in range(3):  # whether the row is trained on or validated
        with pytest.raises(ValueError, match="in row 3, up to"):
            network.set_params(random_state=seed).fit(
                with_values(TABLE, 1e300, rows=[3]), LABELS, weight
            )


def test_other_forms_of_x_are_read_alike():
    table = MLPClassifier(dtype="float32", max_iter=1).fit(sp.csr_array(TABLE), LABELS)
    with pytest.raises(ValueError, match="rows 3, 17"):
        table.predict(sp.csc_array(with_values(TABLE, 1e300)))
    series = RNNClassifier(dtype="float32", max_iter=1).fit(list(SERIES), LABELS)
    with pytest.raises(ValueError, match="rows 3, 17"):
        series.predict([x[: 3 + i % 4] for i, x in enumerate(with_values(SERIES, 1e300))])
    flat = CNNClassifier(dtype="float32", max_iter=1, input_shape=(6, 6))
    features = CNNFeatures(flat).fit(IMAGES.reshape(60, -1), LABELS)
    with pytest.raises(ValueError, match="rows 3, 17"):
        features.transform(with_values(IMAGES, 1e300).reshape(60, -1))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.int64, np.uint8, bool])
def test_ordinary_types_pass(dtype):
    images = np.abs(IMAGES * 3).astype(dtype)
    network = CNNClassifier(max_iter=1, dtype="float32", random_state=0).fit(images, LABELS)
    assert np.isfinite(network.predict_proba(images)).all()


@pytest.mark.parametrize("number", [10**400, np.longdouble("1e4000")], ids=["int", "longdouble"])
def test_numbers_beyond_float64_are_an_error_that_names_x(number):
    network = CNNClassifier(max_iter=1).fit(IMAGES, LABELS)
    with pytest.raises(ValueError, match="X.* too large for"):
        network.predict([[[number] * 6] * 6])


@pytest.mark.parametrize("unit", [1e300, 2.0**-1000, 1e-300])
@pytest.mark.parametrize(
    ("network", "X"),
    [(CNNClassifier, IMAGES), (RNNClassifier, SERIES)],
    ids=["images", "series"],
)
def test_units_of_x_change_nothing(network, X, unit):
    y = X[:, :3].mean(axis=(1, 2)) > 0
    network = network(max_iter=5, random_state=0)
    expected = network.fit(X, y).predict_proba(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        ours = network.fit(unit * X, y).predict_proba(unit * X)
    np.testing.assert_allclose(ours, expected, rtol=1e-6)


def test_float32_in_units_that_it_can_hardly_hold_is_computed_in_float64():
    X = (IMAGES * 1e37).astype(np.float32)
    network = CNNClassifier(max_iter=2, random_state=0).fit(X, LABELS)
    assert network.net_.flat.values.dtype == DOUBLE
    assert np.isfinite(network.predict_proba(X)).all()


@pytest.mark.parametrize("unit", [1.7e308, 1e200, 1.0, 1e-200, 5e-324, 0.0])
def test_moments_are_numpys_in_any_unit(unit):
    values = np.linspace(-1, 1, 2400).reshape(20, 10, 12)
    values = np.round(values * 3) if unit == 5e-324 else values
    exact = values.astype(np.longdouble) * np.longdouble(unit)  # of a wider range
    X = values * unit
    mean, deviation = exact.mean(axis=(0, 1)), exact.std(axis=(0, 1))
    deviation[deviation == 0] = 1
    tolerance = 1.0 if unit == 5e-324 else 1e-12  # of which float64 holds whole multiples only
    for ours in (moments(regular(X), None), channel_moments(X, ImageInput((10, 12), 1), None)):
        np.testing.assert_allclose(ours[1], deviation.astype(float), rtol=tolerance)
        np.testing.assert_allclose(ours[0], mean.astype(float), atol=tolerance * unit)


def test_scaling_that_the_type_cannot_hold_is_refused():
    images = np.stack([IMAGES, IMAGES * 1e-60], axis=-1)
    network = CNNClassifier(max_iter=1, dtype="float32")
    with pytest.raises(ValueError, match="standard deviations of .* float32 cannot hold.*dtype"):
        network.fit(images, LABELS)
    with pytest.raises(ValueError, match="input_scaling=.0.*, 1e-60. has means"):
        network.set_params(input_scaling=(0, 1e-60)).fit(IMAGES, LABELS)


def test_overflow_inside_the_network_is_an_error_that_names_rows():
    bad = with_values(TABLE, 1e29)
    for network in (ModuleRegressor(Squares), ModuleClassifier(Squares)):
        network.set_params(dtype="float32", max_iter=1, random_state=0).fit(TABLE, LABELS)
        with pytest.raises(
            ValueError, match="X overflows float32 inside the network in rows 3, 17"
        ):
            network.predict(bad)
    network = MLPRegressor(loss="poisson", max_iter=60, random_state=0).fit(
        TABLE, np.exp(2 * TABLE[:, 0])
    )
    with pytest.raises(ValueError, match="X leads to predictions that are too large for float64"):
        network.predict(TABLE * 1e5)


def test_a_module_may_exclude_classes():
    network = ModuleClassifier(Masked, max_iter=1, random_state=0).fit(TABLE, np.arange(60) % 3)
    probabilities = network.predict_proba(TABLE)
    assert (probabilities[:, 2] == 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_a_minority_does_not_count_as_usual():
    values = np.ones(100)
    values[:10] = 1e300
    assert _sizes.usual_reach(values) == 1
    assert _sizes.usual_reach(values[:15]) == 1e300
    assert _sizes.usual_reach(values * 0) == 0
    assert _sizes.suits_single_precision(_sizes.usual_reach(values))
    assert not _sizes.suits_single_precision(_sizes.usual_reach(values * 1e-40))


@pytest.mark.parametrize(
    ("positions", "words"),
    [([4], "row 4"), ([1, 2], "rows 1, 2"), (list(range(9)), "rows 0, 1, 2, 3, 4 ... (9 in all)")],
)
def test_rows_are_named(positions, words):
    assert _sizes.name_rows(positions) == words


@pytest.mark.parametrize(
    ("column", "n_passes", "asks"),
    [
        ([255.0, 255.0], 2, False),
        ([-0.1, -0.1], 2, False),
        ([0.0, 0.0], 2, True),
        ([1.0, 2.0], 2, False),
        ([1e-200, 3e-200], 4, True),
        ([1e200, 3e200], 4, True),
    ],
    ids=["opaque", "constant", "zero", "usual", "tiny", "huge"],
)
def test_only_moments_that_lose_digits_are_formed_again(column, n_passes, asks):
    X, calls, asked = np.column_stack([column, [1.0, 4.0]]), [], []

    def average(function):
        calls.append(function)
        return function(X).mean(axis=0)

    def reach():
        asked.append(True)
        return np.abs(X).max(axis=0)

    mean, deviation = mean_and_deviation(average, reach)
    assert (len(calls), bool(asked)) == (n_passes, asks)
    spread = abs(column[1] - column[0]) / 2
    np.testing.assert_allclose(mean, [column[0] / 2 + column[1] / 2, 2.5])
    np.testing.assert_allclose(deviation, [spread or 1.0, 1.5])
