"""Tables as numbers: against scikit-learn, and what they must not depend on."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, RobustScaler

from sknets.tables import TableEncoder
from tests.tables.frames import FRAME

RNG = np.random.default_rng(0)


def test_numbers_are_scaled_by_quartiles_and_drawn_in():
    X = np.exp(RNG.normal(size=(50, 3)))
    scaled = RobustScaler(unit_variance=True).fit_transform(X)
    # quartiles of a normal distribution are 1.349 apart
    np.testing.assert_allclose(
        TableEncoder().fit_transform(X), scaled / np.sqrt(1 + (scaled / 10) ** 2), rtol=1e-3
    )


def test_categories_are_those_of_one_hot():
    X = FRAME[["city", "kind"]]
    expected = OneHotEncoder(sparse_output=False).fit_transform(X.astype(object).fillna("~"))
    ours = TableEncoder().fit_transform(X)
    assert ours.shape == expected.shape
    assert {tuple(c) for c in ours.T} == {tuple(c) for c in expected.T}


def test_rare_and_new_categories_share_a_column():
    words = ["a"] * 60 + ["b"] * 58 + ["rare", "seldom"]
    encoder = TableEncoder().fit(pd.DataFrame({"w": words}))
    new = encoder.transform(pd.DataFrame({"w": ["a", "b", "rare", "seldom", "never seen", None]}))
    np.testing.assert_array_equal(
        new, [[0, 1, 0], [0, 0, 1], [1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]]
    )


def test_most_frequent_categories_are_kept():
    words = [f"w{k}" for k in range(1000) for _ in range(1 + (k < 20))]
    encoder = TableEncoder(min_frequency=1, max_categories=20).fit(pd.DataFrame({"w": words}))
    assert encoder.n_outputs_ == 21
    assert encoder.transform(pd.DataFrame({"w": [f"w{k}" for k in range(20)]}))[:, 0].sum() == 0


def test_missing_numbers_are_medians_and_are_told():
    X = np.array([[1.0], [2.0], [3.0], [4.0], [np.nan]])
    encoded = TableEncoder().fit_transform(X)
    np.testing.assert_array_equal(encoded[:, 1], [0, 0, 0, 0, 1])
    assert encoded[4, 0] == 0.0
    np.testing.assert_allclose(encoded[[0, 1, 2, 3], 0].sum(), 0.0, atol=1e-12)


@pytest.mark.parametrize("values", [[5.0] * 6, [np.nan] * 6, ["a"] * 6, [None] * 6, [True] * 6])
def test_columns_without_difference_are_left_out(values):
    X = pd.DataFrame({"same": pd.Series(values, dtype=object), "other": range(6)})
    if values != ["a"] * 6:
        X["same"] = X["same"].astype(float)
    assert TableEncoder().fit(X).n_outputs_ == 1
    alone = TableEncoder().fit_transform(X[["same"]])
    np.testing.assert_array_equal(alone, np.zeros((6, 1)))


def test_few_values_beside_a_constant():
    X = np.array([[0.0]] * 99 + [[100.0]])
    encoded = TableEncoder().fit_transform(X)
    assert encoded[0, 0] == 0.0
    assert 1.0 < encoded[-1, 0] < 10.0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=False, width=64), min_size=2, max_size=30),
    st.floats(allow_nan=False, allow_infinity=False, width=64),
)
def test_whatever_the_numbers_are_none_is_beyond_ten(values, later):
    encoder = TableEncoder().fit(np.array(values)[:, None])
    for X in (np.array(values)[:, None], np.array([[later]])):
        encoded = encoder.transform(X)
        assert np.isfinite(encoded).all()
        assert np.abs(encoded).max() <= 10.0


@settings(max_examples=50, deadline=None)
@given(st.integers(-20, 20), st.integers(-100, 100))
def test_units_do_not_matter(exponent, shift):
    X = np.random.default_rng(0).normal(size=(30, 2))
    moved = (X + shift) * 2.0**exponent
    np.testing.assert_allclose(
        TableEncoder().fit_transform(moved), TableEncoder().fit_transform(X), atol=1e-10
    )


def test_names_of_what_it_makes():
    encoder = TableEncoder().set_output(transform="pandas").fit(FRAME)
    made = encoder.transform(FRAME)
    assert made.shape[1] == encoder.n_outputs_
    np.testing.assert_array_equal(made["city_Lyon"], FRAME["city"] == "Lyon")
    np.testing.assert_array_equal(made["city_missing"], FRAME["city"].isna())
    np.testing.assert_array_equal(made["size_missing"], FRAME["size"].isna())
    assert list(TableEncoder().fit([[1.0], [1.0]]).get_feature_names_out()) == ["constant"]
