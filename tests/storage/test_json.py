"""Values that go through JSON come back as they were."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sknets.storage import (
    Arrays,
    ContentError,
    TreeReader,
    TreeWriter,
    arrays_from_bytes,
    dump_json,
    parse_json,
)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def through(value):
    arrays = Arrays()
    data = dump_json(TreeWriter(arrays).write(value, "value"))
    return TreeReader(arrays_from_bytes(arrays.to_bytes())).read(parse_json(data))


@settings(max_examples=100, deadline=None)
@given(plain)
def test_plain_values_come_back(value):
    assert repr(through(value)) == repr(value)


ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.arange(6, dtype="f4")[::2],
    np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.array(3.5),
    np.zeros((0, 3), dtype="u1"),
    np.array([True, False]),
    np.arange(3, dtype=">i4"),
    np.array(["a", "bcd", ""]),
    np.array([], dtype="U7"),
    np.array([["a", None], [1, math.inf]], dtype=object),
    np.array([(1, 2), [3]], dtype=object),
    np.array(["2020-01-01", "NaT"], dtype="M8[D]"),
    np.array([5, 7], dtype="m8[ns]"),
    np.array([np.nan, -0.0, np.inf]),
    np.arange(4, dtype="f2"),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_arrays_come_back(array):
    made = through({"a": [array]})["a"][0]
    assert made.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(made, array)
    assert made.shape == array.shape
    if array.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(made), np.signbit(array))
    assert made.flags.writeable


def test_scalars_dtypes_and_random_states_come_back():
    for value in (np.float32(0.1), np.int64(2**60), np.bool_(True), np.str_("a")):
        made = through(value)
        assert type(made) is type(value)
        assert made == value
    assert through(np.dtype("f4")) == np.dtype("f4")
    random = np.random.RandomState(3)
    random.normal()  # which keeps a second number
    assert through(random).normal(size=5).tolist() == random.normal(size=5).tolist()


def test_an_array_that_comes_twice_is_written_once():
    array, arrays = np.zeros(100), Arrays()
    TreeWriter(arrays).write([array, array], "value")
    assert len(arrays.named) == 1


@pytest.mark.parametrize(
    "value", [object(), {1: 2}, 1j, np.zeros(2, complex), np.zeros(2, "i4,f4")]
)
def test_other_values_are_refused_with_their_place(value):
    with pytest.raises(TypeError, match=r"model.part\[1\] is an? .*cannot be written to a file"):
        TreeWriter(Arrays()).write({"part": [0, value]}, "model")


@pytest.mark.parametrize(
    "tree",
    [
        {"tuple": [1], "list": []},
        {},
        {"function": "os.system"},
        {"tuple": {}},
        {"dict": []},
        {"dtype": "O8,O8"},
        {"random": ["PCG64", {"array": "a"}, 0, 0, 0.0]},
        {"texts": ["<U100000000", [2], ["a", "b"]]},
        {"texts": ["<U1", [1], [{}]]},
    ],
)
def test_trees_of_other_hands_are_refused(tree):
    with pytest.raises((ContentError, TypeError, KeyError)):
        TreeReader({"a": np.zeros(3)}).read(tree)


@pytest.mark.parametrize(
    "tree",
    [
        [{"times": ["<M8[s]", "a"]}] * 1000,
        [{"array": "a"}] * 1000,
        [{"texts": ["<U1000000", [1], ["a"]]}] * 1000,
    ],
    ids=lambda tree: next(iter(tree[0])),
)
def test_values_that_are_copied_again_and_again_are_refused(tree):
    with pytest.raises(ContentError, match="take far more room than its arrays"):
        TreeReader({"a": np.zeros(2**17, "i8")}).read(tree)
