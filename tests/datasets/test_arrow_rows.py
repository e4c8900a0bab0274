"""Parquet and Arrow data sets as rows."""

import sys

import numpy as np
import pytest

from sknets import MLPRegressor
from sknets.datasets import ArrowRows

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402

rng = np.random.default_rng(0)
X = np.c_[rng.normal(size=(900, 2)), rng.integers(0, 2, 900)]
NAMES = ["a", "b", "c"]
TABLE = pa.table(
    {
        "a": X[:, 0],
        "b": X[:, 1].astype(np.float32),
        "y": np.where(X[:, 0] > 0, "up", "down"),
        "c": X[:, 2].astype(bool),
    }
)
SEEN = np.c_[X[:, 0], X[:, 1].astype(np.float32), X[:, 2]]


@pytest.fixture
def folder(tmp_path):
    """Two files of several row groups each."""
    pq.write_table(TABLE[:500], tmp_path / "1.parquet", row_group_size=64)
    pq.write_table(TABLE[500:], tmp_path / "2.parquet", row_group_size=64)
    return tmp_path


def opened(folder):
    yield ArrowRows(folder, "y")
    yield ArrowRows([folder / "1.parquet", folder / "2.parquet"], target="y")
    yield ArrowRows(pa.dataset.dataset(folder), target="y", columns=NAMES)
    with (
        pa.OSFile(str(folder / "t.arrow"), "wb") as file,
        pa.ipc.new_file(file, TABLE.schema) as writer,
    ):
        writer.write_table(TABLE, max_chunksize=64)
    yield ArrowRows(folder / "t.arrow", "y", format="ipc")


def test_every_source_gives_the_table(folder):
    for rows in opened(folder):
        assert rows.columns == NAMES
        assert rows.dtype == np.float64
        np.testing.assert_array_equal(rows.read(), SEEN)
        np.testing.assert_array_equal(rows.read([700, 3, 499]), SEEN[[700, 3, 499]])
        assert (rows.target == TABLE["y"].to_numpy()).all()
        assert list(np.diff(rows.starts))[:7] == [64] * 7


def test_a_parquet_file_is_read_by_row_group(folder):
    rows = ArrowRows(pq.ParquetFile(folder / "1.parquet"), columns=["b", "c"])
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows.read(), SEEN[:500, 1:].astype(np.float32))
    with pytest.raises(ValueError, match="has no target"):
        _ = rows.target


def test_names_of_columns_are_those_of_the_fit(folder):
    rows = ArrowRows(folder, "y", memory=0.01)
    network = MLPRegressor(max_iter=1).fit(rows, SEEN[:, 0])
    assert list(network.feature_names_in_) == NAMES
    with pytest.raises(ValueError, match="feature names should match"):
        network.predict(ArrowRows(folder, columns=["b", "a", "c"], memory=0.01))


@pytest.mark.parametrize("memory", [0.01, 512])
def test_what_is_missing_is_named_by_row(folder, memory):
    column = pa.array([None if row == 321 else 1.0 for row in range(500)])
    pq.write_table(TABLE[:500].set_column(0, "a", column), folder / "1.parquet", row_group_size=64)
    network, rows = MLPRegressor(max_iter=1), ArrowRows(folder, "y", memory=memory)
    with pytest.raises(ValueError, match="NaN" if memory > 1 else "NaN in row 321"):
        network.fit(rows, SEEN[:, 0])
    assert not hasattr(network, "n_iter_")


def test_a_column_of_another_type_half_way_is_named_with_its_file(folder):
    words = pa.array(["much"] * 400)
    pq.write_table(TABLE[500:].set_column(0, "a", words), folder / "2.parquet")
    with pytest.raises(ValueError, match=r"column 'a' holds string in .*2\.parquet"):
        ArrowRows(folder, "y")
    pq.write_table(TABLE[500:].drop_columns("b"), folder / "2.parquet")
    with pytest.raises(ValueError, match=r"column 'b' is missing in .*2\.parquet"):
        ArrowRows(folder, "y")
    whole = pa.array(np.arange(400))
    pq.write_table(TABLE[500:].set_column(0, "a", whole), folder / "2.parquet")
    assert (ArrowRows(folder, "y").read(slice(500, None))[:, 0] == np.arange(400)).all()


def test_bad_sources_are_refused(folder):
    for options, words in [
        ({"target": "z"}, "target='z' is no column"),
        ({}, "column 'y' holds string"),
        ({"columns": "a"}, "must be a list"),
        ({"columns": ["a", "q"]}, "column 'q' is missing"),
        ({"target": "y", "format": "csv"}, "format='csv'"),
        ({"target": "y", "memory": 0.001}, "row_group_size of at most"),
    ]:
        with pytest.raises(ValueError, match=words):
            ArrowRows(folder, **options)
    with pytest.raises(ValueError, match="cannot be read as parquet"):
        ArrowRows(folder / "3.parquet")
    (folder / "3.parquet").write_bytes(b"no table")
    with pytest.raises(ValueError, match="cannot be read as parquet"):
        ArrowRows(folder / "3.parquet")
    whole = pa.dataset.dataset(folder / "1.parquet")
    with pytest.raises(ValueError, match="Remove the filtering"):
        ArrowRows(whole.filter(pa.dataset.field("a") > 0), "y")


def test_pyarrow_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"sknets\[arrow\]"):
        ArrowRows("table.parquet")
