"""Objects as plain values, and back."""

import pickle

import numpy as np
import pandas as pd
import pytest

from sknets._plain import KEPT, from_plain, to_plain
from sknets.inputs import TableInput
from sknets.modules import Work
from sknets.targets import SINGLE
from sknets.uncertainty import HeldClasses

INDEXES = [
    pd.RangeIndex(3, 12, 3, name="n"),
    pd.date_range("2020-01-31", periods=4, freq="ME"),
    pd.date_range("2020", periods=4, freq="h", tz="Europe/Berlin", name="t"),
    pd.date_range("2020", periods=4, tz="UTC"),
    pd.DatetimeIndex(["2020-01-01", "2020-03-05", None]),
    pd.date_range("2020", periods=3, unit="s"),
    pd.period_range("2020Q1", periods=3, freq="Q"),
    pd.Index([3, 1, 2]),
    pd.Index([0.5, np.nan]),
    pd.Index(["a", "b"], name="words"),
    pd.Index(["a", 1, None], dtype=object),
]


@pytest.mark.parametrize("index", INDEXES, ids=lambda i: type(i).__name__)
def test_indexes_come_back(index):
    plain = to_plain(index)
    assert type(plain) is dict
    made = from_plain(plain)
    pd.testing.assert_index_equal(made, index, exact=True)
    assert getattr(made, "freq", None) == getattr(index, "freq", None)


@pytest.mark.parametrize("index", INDEXES, ids=lambda i: type(i).__name__)
def test_frames_come_back(index):
    frame = pd.DataFrame(
        {
            "numbers": np.arange(len(index)),
            "floats": np.nan,
            "words": ["a", None, "b", "c"][: len(index)],
            "mixed": pd.Series([[1, 2], (3,), None, "x"][: len(index)], dtype=object).to_numpy(),
            "whole": pd.array([1, None, 3, 4][: len(index)], dtype="Int64"),
        },
        index=index,
    )
    plain = to_plain(frame)
    assert type(plain) is dict
    pd.testing.assert_frame_equal(from_plain(plain), frame)


@pytest.mark.parametrize(
    "value",
    [
        pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]),
        pd.CategoricalIndex(["a", "b"]),
        pd.date_range(
            "2020", periods=3, freq=pd.offsets.CustomBusinessDay(holidays=["2020-01-02"])
        ),
    ],
)
def test_what_cannot_be_described_stays_as_it_is(value):
    assert to_plain(value) is value


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/localtime", "dateutil/x", "a//b", ""])
def test_time_zone_that_is_a_path_is_refused(zone):
    plain = to_plain(pd.date_range("2020", periods=2, tz="UTC")) | {"tz": zone}
    with pytest.raises(ValueError, match="is no time zone"):
        from_plain(plain)


ZONES = [
    "datetime64[ns, dateutil/{}]",
    "datetime64[ns, {}]",
    "timestamp[ns, tz=dateutil/{}][pyarrow]",
]


@pytest.mark.parametrize("dtype", ZONES)
def test_type_with_a_time_zone_that_is_a_path_opens_no_file(dtype, tmp_path, monkeypatch):
    path, opened = tmp_path / "zone", []
    path.write_bytes(b"TZif")
    monkeypatch.setattr("builtins.open", lambda name, *args, **how: opened.append(name))
    index = to_plain(pd.Index([1, 2])) | {"dtype": dtype.format(path)}
    frame = to_plain(pd.DataFrame({"a": [1, 2]}))
    frame["data"] = [(np.array([1, 2]), dtype.format(path))]
    for plain in (index, frame):
        with pytest.raises(ValueError, match="is no time zone"):
            from_plain(plain)
    assert opened == []


@pytest.mark.parametrize("dtype", ["datetime64[ns, Europe/Berlin]", "datetime64[s, UTC]"])
def test_columns_of_times_in_a_zone_come_back(dtype):
    frame = pd.DataFrame({"t": pd.Series(["2020-01-01", None], dtype=dtype)})
    pd.testing.assert_frame_equal(from_plain(to_plain(frame)), frame)


LONG = {"@": "range", "start": 0, "stop": 10**9, "step": 1, "name": None}
ROWS = LONG | {"stop": 10**6}


@pytest.mark.parametrize(
    "plain",
    [
        LONG,
        {"@": "index", "values": ROWS, "dtype": "float64", "name": None},
        {"@": "dates", "values": ROWS, "unit": "ns", "tz": None, "freq": None, "name": None},
        {"@": "periods", "values": ROWS, "freq": "D", "name": None},
        {"@": "frame", "columns": ROWS | {"stop": 1}, "index": ROWS, "data": [(0, "int64")]},
        {"@": "set", "items": range(10**9)},
        {"@": "dict", "items": range(10**9)},
    ],
    ids=lambda plain: plain["@"],
)
def test_few_words_do_not_grow(plain):
    with pytest.raises(ValueError, match="more than an index|in the place of"):
        from_plain(plain)


def test_an_object_in_two_places_is_one_object():
    held = HeldClasses(np.arange(3), None, np.zeros((3, 2)))
    one, other = from_plain(pickle.loads(pickle.dumps(to_plain([held, {"there": held}]))))
    assert one is other["there"]
    np.testing.assert_array_equal(one.y, held.y)


def test_tuples_with_names_come_back():
    work = Work(3, 4, 5)
    assert to_plain(tuple(work)) == (3, 4, 5)
    assert from_plain(to_plain(SINGLE)) == SINGLE


@pytest.mark.parametrize(
    "value", [{1: 2, "a": (3, [4])}, {"@": "TableInput"}, {1, 2}, frozenset({"a"}), {(1, 2): None}]
)
def test_containers_come_back(value):
    made = from_plain(to_plain(value))
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize("name", ["read", "__class__", "row shape", "store", "lambda", 3])
def test_names_that_are_no_attributes_are_refused(name):
    with pytest.raises(ValueError, match="has no attribute"):
        from_plain({"@": "TableInput", "#": 0, name: None})


@pytest.mark.parametrize("name", ["Popen", "system", "MLPRegressor", None, ["a"]])
def test_classes_that_are_not_kept_are_not_made(name):
    with pytest.raises((ValueError, TypeError)):
        from_plain({"@": name, "#": 0})


def test_dataclass_has_the_attributes_that_it_has():
    with pytest.raises(ValueError, match="HeldClasses"):
        from_plain({"@": "HeldClasses", "#": 0, "y": 1})


def test_kept_classes_are_found_by_their_names():
    assert KEPT["TableInput"] is TableInput
    assert all(name == cls.__name__ for name, cls in KEPT.items())
