"""What columns are, and what is said where they are neither numbers nor categories."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from sknets.tables import TableEncoder
from sknets.tables._columns import learn_columns, read_table
from tests.tables.frames import FRAME


def kinds(X, categorical_features="from_dtype"):
    return [c.is_category for c in learn_columns(TableEncoder(), X, categorical_features)]


def read(X, categorical_features="from_dtype"):
    encoder = TableEncoder()
    return read_table(encoder, X, learn_columns(encoder, X, categorical_features))


def test_dtypes_say_what_columns_are():
    assert kinds(FRAME) == [False, False, True, True, False, False]
    assert kinds(FRAME.astype({"city": "string"})) == [False, False, True, True, False, False]


def test_numbers_of_objects_are_numbers():
    X = np.array([[1, "a"], [2.5, "b"], [None, None]], dtype=object)
    assert kinds(X) == [False, True]
    table = read(X)
    np.testing.assert_array_equal(table.numbers[:, 0], [1.0, 2.5, np.nan])
    assert table.categories[0].tolist() == ["a", "b", None]


@pytest.mark.parametrize(
    "chosen",
    [["rooms", "city", "kind"], [2, 3, 5], [2, 3, -1], [False, False, True, True, False, True]],
)
def test_columns_may_be_named(chosen):
    assert kinds(FRAME, chosen) == [False, False, True, True, False, True]


def test_missing_values_of_all_kinds():
    X = pd.DataFrame(
        {
            "float": [1.0, np.nan],
            "Int64": pd.array([1, pd.NA], dtype="Int64"),
            "boolean": pd.array([True, pd.NA], dtype="boolean"),
            "object": [None, "a"],
            "category": pd.Categorical([np.nan, "a"]),
        }
    )
    table = read(X)
    np.testing.assert_array_equal(table.numbers, [[1, 1, 1], [np.nan] * 3])
    assert [c.tolist() for c in table.categories] == [[None, "a"], [None, "a"]]


def test_polars_is_read_as_pandas():
    polars = pytest.importorskip("polars")
    X = polars.DataFrame({"a": [1, None, 3], "b": ["x", None, "y"], "c": [True, False, None]})
    table = read(X)
    np.testing.assert_array_equal(table.numbers, [[1, 1], [np.nan, 0], [3, np.nan]])
    assert table.categories[0].tolist() == ["x", None, "y"]


TEXTS = [f"this is a review of some length, and it is number {k}" for k in range(40)]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pd.date_range("2024", periods=40), "holds times.*TableVectorizer"),
        ([datetime.date(2024, 1, 1)] * 40, "holds times.*TableVectorizer"),
        (pd.timedelta_range("1h", periods=40), "holds times.*TableVectorizer"),
        (TEXTS, "holds long texts .*TableVectorizer"),
        ([{"a": 1}] * 40, "holds dict"),
        ([1.0] * 39 + [np.inf], "contains infinity .row 39."),
    ],
)
def test_other_columns_are_named_and_the_remedy(column, words):
    X = pd.DataFrame({"good": range(40), "odd": column})
    with pytest.raises((ValueError, TypeError), match=f"Column 'odd'.*{words}"):
        read(X)


def test_words_that_are_said_to_be_numbers():
    with pytest.raises(ValueError, match=r"Column 'city' holds words.*categorical_features"):
        kinds(FRAME, ["kind"])


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (["town"], r"categorical_features=\['town'\]"),
        ([7], r"categorical_features=\[7\]"),
        ([True], "mask of 1"),
    ],
)
def test_columns_that_are_not_there(chosen, words):
    with pytest.raises(ValueError, match=words):
        kinds(FRAME, chosen)


def test_sparse_arrays_are_no_tables():
    with pytest.raises(TypeError, match="toarray"):
        read(sp.eye(3, format="csr"))


def test_column_of_another_kind_at_predict():
    encoder = TableEncoder().fit(FRAME)
    with pytest.raises(
        TypeError, match="Column 'price' held numbers at the fit; now there is 'dear'"
    ):
        encoder.transform(FRAME.assign(price="dear"))


@pytest.mark.parametrize("change", [lambda X: X.drop(columns="city"), lambda X: X.assign(more=1)])
def test_columns_that_are_missing_or_new(change):
    encoder = TableEncoder().fit(FRAME)
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(change(FRAME))


def test_columns_in_another_order():
    with pytest.raises(ValueError, match="same order"):
        TableEncoder().fit(FRAME).transform(FRAME[FRAME.columns[::-1]])


def test_lists_of_rows_are_read_value_by_value():
    rows = [[1.5, "a", True], [2.5, "b", None]] * 20
    assert kinds(rows) == kinds(np.array(rows, dtype=object)) == [False, True, False]
    np.testing.assert_array_equal(read(rows).numbers[:2], [[1.5, 1.0], [2.5, np.nan]])


def test_numbers_that_numpy_has_made_words_of():
    X = np.array([["1.5", "a"], ["2.5", "b"]])
    with pytest.raises(ValueError, match="Column '0' holds numbers as texts.*dtype object"):
        read(X)
    assert kinds(X, [0, 1]) == [True, True]


def test_numbers_of_other_kinds_are_numbers():
    X = pd.DataFrame(
        {
            "decimal": [decimal.Decimal("1.5"), decimal.Decimal("NaN"), None],
            "bool": np.array([np.True_, np.False_, None], dtype=object),
        }
    )
    np.testing.assert_array_equal(read(X).numbers, [[1.5, 1.0], [np.nan, 0.0], [np.nan, np.nan]])


def test_categories_of_another_kind_at_predict():
    encoder = TableEncoder().fit(pd.DataFrame({"code": ["1", "2"] * 10}))
    with pytest.raises(
        TypeError, match=r"Column 'code' held categories that are words.*now numbers"
    ):
        encoder.transform(pd.DataFrame({"code": [1, 2]}))


def test_columns_of_one_name():
    X = pd.DataFrame(np.zeros((3, 2)), columns=["a", "a"])
    with pytest.raises(ValueError, match="several columns of one name: a"):
        read(X)


def test_whole_numbers_beyond_floats():
    with pytest.raises(ValueError, match="Column '0'.*beyond 1e308"):
        read([[10**400], [1]])
