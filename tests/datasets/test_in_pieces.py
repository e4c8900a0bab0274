"""Rows that are read in pieces: what they hand out, whatever they lie in."""

import pickle

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from sknets.datasets import ArrayRows, RowsInPieces
from sknets.datasets._opening import open_rows

X = np.random.default_rng(0).normal(size=(1000, 7)).astype(np.float32)


@pytest.fixture
def mapped(tmp_path):
    """The table as a memory map with a header, a slice of a larger one."""
    np.save(tmp_path / "X.npy", np.concatenate([np.zeros((3, 7), np.float32), X]))
    return np.load(tmp_path / "X.npy", mmap_mode="r")[3:]


INDICES = [
    slice(None),
    slice(10, 900, 7),
    slice(None, None, -1),
    [5, 2, 2, 999, -1],
    np.arange(1000) % 3 == 0,
    np.random.default_rng(1).permutation(1000),
    [],
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_any_index_reads_what_numpy_reads(mapped, index):
    rows = ArrayRows(mapped, memory=0.001)
    index = np.asarray(index, dtype=int) if isinstance(index, list) else index
    np.testing.assert_array_equal(rows.read(index), X[index])
    if len(X[index]):
        np.testing.assert_array_equal(rows[index].read(), X[index])
    else:
        with pytest.raises(ValueError, match="has no rows"):
            rows[index]


def test_rows_of_rows_are_those_of_numpy(mapped):
    rows = ArrayRows(mapped, memory=0.001)
    np.testing.assert_array_equal(rows[100:900][::3][[4, 1]].read(), X[100:900][::3][[4, 1]])
    np.testing.assert_array_equal(rows[-2], X[-2])
    with pytest.raises(IndexError, match="row 1000 of 1000"):
        rows[1000]
    with pytest.raises(IndexError, match="position 1000"):
        rows.read([0, 1000])
    with pytest.raises(IndexError, match="a mask of 3 rows"):
        rows.read(np.ones(3, dtype=bool))


def test_blocks_are_a_quarter_of_memory_and_all_rows(mapped):
    rows = ArrayRows(mapped, memory=4 * 100 * 28 / 2**20)  # 28 bytes a row
    blocks = list(rows.blocks())
    assert max(map(len, blocks)) == rows.rows_at_once == 100
    np.testing.assert_array_equal(np.concatenate(blocks), X)


def test_a_scaler_learned_block_by_block_is_applied_as_rows_are_read(mapped):
    rows, scaler = ArrayRows(mapped, memory=0.01), StandardScaler()
    for block in rows.blocks():
        scaler.partial_fit(block)
    expected = (X - X.mean(axis=0, dtype=float)) / X.std(axis=0, dtype=float)
    np.testing.assert_allclose(rows.map(scaler).read(), expected, rtol=1e-4, atol=1e-5)
    assert rows.map(PCA(2).fit(X)).shape == (1000, 2)
    with pytest.raises(ValueError, match="number of rows"):
        rows.map(lambda values: values.ravel())
    with pytest.raises(ValueError, match="must have a method transform"):
        rows.map(3)


def test_who_asks_for_all_rows_at_once_is_told_what_to_do(mapped):
    with pytest.raises(TypeError, match=r"rows\.map\(scaler\)"):
        StandardScaler().fit(ArrayRows(mapped))


class Stored:
    """What h5py and zarr have: a shape, a type, and rows by slices and whole numbers alone."""

    shape, dtype = X.shape, X.dtype

    def __getitem__(self, index):
        assert isinstance(index, slice | int)
        return X[index]


def test_arrays_of_other_packages_need_slices_alone():
    rows = ArrayRows(Stored(), memory=0.001)
    np.testing.assert_array_equal(rows.read(), X)
    for index in ([3, 900, 5], np.arange(1000) % 2 == 0):
        np.testing.assert_array_equal(rows.read(index), X[index])


def test_a_copy_in_another_process_maps_the_file_again(mapped):
    rows = pickle.loads(pickle.dumps(ArrayRows(mapped, memory=2)))
    assert rows.memory == 2
    np.testing.assert_array_equal(rows.read(), X)
    assert len(pickle.dumps(ArrayRows(mapped))) < 1000
    with pytest.raises(TypeError, match="cannot be sent"):
        pickle.dumps(ArrayRows(mapped[:, ::2]))


def test_what_was_written_into_a_private_map_is_kept(tmp_path):
    np.save(tmp_path / "X.npy", X)
    private = np.load(tmp_path / "X.npy", mmap_mode="c")
    private[0] = 7
    rows = ArrayRows(private)
    rows.read()
    assert (rows.read([0]) == 7).all()


def test_bad_arrays_are_refused():
    for array in (np.zeros(3), np.array([["a"]]), [[1.0]]):
        with pytest.raises(ValueError, match="array must be"):
            ArrayRows(array)
    with pytest.raises(ValueError, match="has no rows"):
        ArrayRows(X[:0])
    for memory in (0, -1, "much"):
        with pytest.raises(ValueError, match="memory="):
            ArrayRows(X, memory=memory)


def test_a_small_memory_map_is_an_array(mapped):
    assert open_rows(mapped) is None
    assert open_rows(X) is None


def test_a_large_memory_map_is_read_in_pieces(tmp_path):
    path = tmp_path / "hole"
    path.touch()
    with path.open("r+b") as file:
        file.truncate(600 * 2**20)  # a hole takes no room on disk
    rows = open_rows(np.memmap(path, np.float32, "r", shape=(600 * 2**18 // 64, 64)))
    assert isinstance(rows, RowsInPieces)
    assert not rows.fits
    assert (rows.read([5, 600_000]) == 0).all()
