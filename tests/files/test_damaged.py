"""Files that are damaged, foreign, newer, or made to do harm: each ends in an error that says so."""

import io
import json
import os
import struct
import zipfile

import joblib
import numpy as np
import pytest
import skops.io
import torch
from sklearn.preprocessing import FunctionTransformer

import sknets
from sknets import MLPRegressor, storage
from sknets.files._bounded import Bounded
from tests.files.kinds import SHORT, TABLE, TRUSTED, answers, fitted

HARM = []


def harm(*args, **kwargs):
    """Be what a hostile file would have run."""
    HARM.append(args)


class Harmful:
    """An object whose pickle runs a function."""

    def __reduce__(self):
        return harm, ("pickle",)


@pytest.fixture(autouse=True)
def nothing_is_run():
    HARM.clear()
    yield
    assert HARM == []


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """The bytes of a good file."""
    path = tmp_path_factory.mktemp("files") / "model.sknets"
    sknets.save(fitted("Pipeline")[0], path)
    return path.read_bytes()


@pytest.fixture
def load(tmp_path):
    """Load some bytes."""

    def load(data, **how):
        path = tmp_path / "model.sknets"
        path.write_bytes(data)
        return sknets.load(path, **how)

    return load


def parts_of(content):
    return storage.unpack(content, "format.json")


def sealed(content, **changes):
    """Return a file with other parts, whose checksum is right."""
    return storage.pack(parts_of(content) | {k.replace("__", "."): v for k, v in changes.items()})


def with_tree(content, change):
    """Return a file whose tree has been changed, whose checksum is right."""
    tree = json.loads(parts_of(content)["state.json"])
    tree = change(tree) or tree
    return sealed(content, state__json=json.dumps(tree).encode())


# --- damaged ------------------------------------------------------------------------------------------


def check_flips(content, load, n, seed):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        data = bytearray(content)
        for place in rng.integers(len(data), size=rng.integers(1, 4)):
            data[place] ^= 1 << rng.integers(8)
        if bytes(data) == content:
            continue
        with pytest.raises(ValueError, match="is damaged|is no file of sknets"):
            load(bytes(data))


def test_a_flipped_bit_is_found(content, load):
    check_flips(content, load, 60, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Pipeline", "CNNClassifier", "TabularClassifier", "Forecaster"])
def test_flipped_bits_are_found_in_every_kind(name, load, tmp_path):
    sknets.save(fitted(name)[0], tmp_path / "good.sknets")
    check_flips((tmp_path / "good.sknets").read_bytes(), load, 500, seed=1)


def test_every_bit_of_the_ends_is_watched(content, load):
    for place in [*range(64), *range(len(content) - 200, len(content))]:
        data = bytearray(content)
        data[place] ^= 1
        with pytest.raises(ValueError, match="is damaged|is no file of sknets"):
            load(bytes(data))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_part_of_a_file_is_refused(content, load, share):
    with pytest.raises(ValueError, match="is damaged|is no file of sknets"):
        load(content[: int(share * len(content))])


def test_more_than_a_file_is_refused(content, load):
    with pytest.raises(ValueError, match="is no file of sknets|is damaged"):
        load(content + b"\0")


# --- foreign, newer -----------------------------------------------------------------------------------


def test_a_pickle_is_no_file_of_sknets_and_is_not_run(load, tmp_path):
    joblib.dump(Harmful(), tmp_path / "model.joblib")
    with pytest.raises(ValueError, match="model.sknets is no file of sknets"):
        load((tmp_path / "model.joblib").read_bytes())


def test_a_file_of_skops_is_no_file_of_sknets(load):
    with pytest.raises(ValueError, match="is no file of sknets"):
        load(skops.io.dumps(fitted("Pipeline")[0]))


def test_a_packed_again_zip_is_refused(content, load):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in parts_of(content).items():
            archive.writestr(name, part)
    with pytest.raises(ValueError, match="is damaged"):
        load(buffer.getvalue())


def test_a_newer_format_names_the_version_to_install(content, load):
    said = json.loads(parts_of(content)["format.json"]) | {"version": 2, "sknets": "7.1"}
    with pytest.raises(ValueError, match=r"version 2 of the format.*pip install 'sknets>=7.1'"):
        load(sealed(content, format__json=json.dumps(said).encode()))


def test_a_network_laid_out_by_another_version_is_refused(load, tmp_path):
    sknets.save(fitted("MLPRegressor")[0], tmp_path / "good.sknets")

    def change(tree):
        tree["estimator"][2]["dict"]["_learned"]["dict"]["version"] = 3

    with pytest.raises(ValueError, match="by another version of sknets"):
        load(with_tree((tmp_path / "good.sknets").read_bytes(), change))


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        sknets.load(tmp_path / "none.sknets")


# --- hostile: the checksum is right ---------------------------------------------------------------------


def deep(content):
    return sealed(content, state__json=b"[" * 10**6 + b"]" * 10**6)


def deep_objects(content):
    return sealed(content, state__json=b'{"tuple":[' * 20_000 + b"]}" * 20_000)


def not_a_number(content):
    return sealed(content, state__json=b'{"dict":{"a":NaN}}')


def huge_number(content):
    return sealed(content, state__json=b"1" * 10**6)


def key_twice(content):
    return sealed(content, state__json=b'{"tuple":[],"tuple":[]}')


def not_utf8(content):
    return sealed(content, state__json=b'"\xff\xfe"')


def no_estimator(content):
    return sealed(content, state__json=b'{"tuple":[1,2]}')


def named_function(content):
    return sealed(content, state__json=b'{"named":"os.system"}')


def called_function(content):
    return sealed(
        content,
        state__json=b'{"partial":[{"named":"tests.files.test_damaged.harm"},[],{"dict":{}}]}',
    )


def foreign_class(content):
    return sealed(
        content, state__json=b'{"estimator":[0,"subprocess.Popen",{"dict":{"args":["ls"]}}]}'
    )


def unknown_kind(content):
    return sealed(content, state__json=b'{"__class__":"os.system"}')


def circle(content):
    return sealed(content, state__json=b'{"estimator":[0,"MLPRegressor",{"again":0}]}')


def pickled_arrays(content):
    import pickle

    return sealed(content, arrays__safetensors=pickle.dumps(Harmful()))


def arrays_beyond_their_file(content):
    header = json.dumps(
        {"array-0": {"dtype": "F64", "shape": [10**12], "data_offsets": [0, 8 * 10**12]}}
    ).encode()
    return sealed(content, arrays__safetensors=struct.pack("<Q", len(header)) + header)


def header_of_arrays_without_end(content):
    return sealed(content, arrays__safetensors=struct.pack("<Q", 2**63) + b"{}")


def array_pickled_within_skops(content):
    parts = parts_of(content)
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(parts["skops/0.skops"])) as there,
        zipfile.ZipFile(buffer, "w") as archive,
    ):
        for name in there.namelist():
            data = there.read(name)
            if name.endswith(".npy"):
                array = io.BytesIO()
                np.save(array, np.array([Harmful()], dtype=object), allow_pickle=True)
                data = array.getvalue()
            archive.writestr(name, data)
    return storage.pack(parts | {"skops/0.skops": buffer.getvalue()})


def function_within_skops(content):
    data = skops.io.dumps(FunctionTransformer(harm))
    return storage.pack(
        parts_of(content) | {"state.json": b'{"skops":["skops/0.skops",[]]}', "skops/0.skops": data}
    )


def estimator_of_ours_within_skops(content):
    data = skops.io.dumps(fitted("MLPRegressor")[0])
    return storage.pack(
        parts_of(content) | {"state.json": b'{"skops":["skops/0.skops",[]]}', "skops/0.skops": data}
    )


def bomb(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b"0" * 10**7)
    return storage.pack(parts_of(content) | {"skops/0.skops": buffer.getvalue()})


def reseal(data):
    """Return a zip with the comment of ours."""
    import hashlib

    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"sknets sha256 " + b"0" * 64
    body = buffer.getvalue()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def compressed(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts_of(content).items():
            archive.writestr(name, part)
    return reseal(buffer.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def part_twice(content):
    import warnings

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, part in [*parts_of(content).items(), ("state.json", b"[]")]:
            archive.writestr(name, part)
    return reseal(buffer.getvalue())


def path_outside(content):
    return storage.pack({"../../format.json": b"{}", **parts_of(content)})


HOSTILE = [
    deep,
    deep_objects,
    not_a_number,
    huge_number,
    key_twice,
    not_utf8,
    no_estimator,
    named_function,
    called_function,
    foreign_class,
    unknown_kind,
    circle,
    pickled_arrays,
    arrays_beyond_their_file,
    header_of_arrays_without_end,
    array_pickled_within_skops,
    function_within_skops,
    estimator_of_ours_within_skops,
    bomb,
    compressed,
    part_twice,
    path_outside,
]


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_hostile_file_is_refused(make, content, load, tmp_path):
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(ValueError, match="model.sknets "):
        load(make(content))
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "model.sknets"])


# of a network alone: what it says of itself against the arrays that come with it


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "network.sknets"
    sknets.save(MLPRegressor(**SHORT).fit(TABLE, TABLE[:, 0]), path)
    return path.read_bytes()


def learned_of(tree):
    return tree["estimator"][2]["dict"]["_learned"]["dict"]


def larger_layers(tree):
    learned_of(tree)["architecture"]["dict"]["spec"]["dict"]["layer_sizes"] = [5, 10**6, 10**6, 1]


def many_layers(tree):
    learned_of(tree)["architecture"]["dict"]["spec"]["dict"]["layer_sizes"] = [1] * 10**5


def negative_layers(tree):
    learned_of(tree)["architecture"]["dict"]["spec"]["dict"]["layer_sizes"] = [5, -1, 1]


def other_rows(tree):
    learned_of(tree)["input"]["dict"]["row_shape"] = {"tuple": [7]}


def huge_rows(tree):
    learned_of(tree)["input"]["dict"]["row_shape"] = {"tuple": [10**12]}


def other_activation(tree):
    learned_of(tree)["architecture"]["dict"]["spec"]["dict"]["activations"] = ["__import__"]


def method_in_its_place(tree):
    tree["estimator"][2]["dict"]["predict"] = "nothing"


def method_of_a_part(tree):
    learned_of(tree)["input"]["dict"]["read"] = "nothing"


def dunder(tree):
    tree["estimator"][2]["dict"]["__class__"] = "nothing"


def other_part(tree):
    learned_of(tree)["input"] = learned_of(tree)["target"]


def no_parameter(tree):
    del tree["estimator"][2]["dict"]["alpha"]


def other_arrays(tree):
    weights = learned_of(tree)["net_state"]["dict"]["module"]["dict"]
    first, *_, last = weights
    weights[first], weights[last] = weights[last], weights[first]


def endless_index(tree):
    rows = {"@": "range", "start": 0, "stop": 10**9, "step": 1, "name": None}
    content = {"@": "index", "values": {"dict": rows}, "dtype": "float64", "name": None}
    tree["estimator"][2]["dict"]["note"] = {"dict": content}


def zone_that_is_a_file(tree):
    dtype = "datetime64[ns, dateutil//dev/zero]"
    array = next(iter(learned_of(tree)["net_state"]["dict"]["module"]["dict"].values()))
    content = {"@": "index", "values": array, "dtype": dtype, "name": None}
    tree["estimator"][2]["dict"]["note"] = {"dict": content}


def other_type(tree):
    learned_of(tree)["net_state"]["dict"]["dtype"] = "load"


NETWORKS = [
    larger_layers,
    many_layers,
    negative_layers,
    other_rows,
    huge_rows,
    other_activation,
    method_in_its_place,
    method_of_a_part,
    dunder,
    other_part,
    no_parameter,
    other_arrays,
    endless_index,
    zone_that_is_a_file,
    other_type,
]


@pytest.mark.parametrize("change", NETWORKS, ids=lambda change: change.__name__)
def test_network_that_is_none_is_refused(change, network, load):
    with pytest.raises(ValueError, match="model.sknets "):
        load(with_tree(network, change))


def places_in(tree, place=()):
    """Yield the places of all values in a tree."""
    yield place
    if isinstance(tree, dict | list):
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            yield from places_in(tree[key], (*place, key))


ODD = [
    None,
    True,
    -1,
    0,
    10**9,
    2**70,
    1.5,
    "",
    "x",
    [],
    {"dict": {}},
    {"float": "nan"},
    {"tuple": [1]},
]


def check_odd_values(data, load, n, seed):
    """Any value of a good file may be another one: an error, or an estimator that can be asked."""
    rng = np.random.default_rng(seed)
    places = list(places_in(json.loads(parts_of(data)["state.json"])))[1:]
    for _ in range(n):
        place, odd = places[rng.integers(len(places))], ODD[rng.integers(len(ODD))]

        def change(tree, place=place, odd=odd):
            for key in place[:-1]:
                tree = tree[key]
            tree[place[-1]] = odd

        try:
            load(with_tree(data, change), trusted=TRUSTED)
        except ValueError as error:
            assert "model.sknets " in str(error), (place, odd)


def test_odd_values_end_in_an_error_or_in_an_estimator(network, load):
    check_odd_values(network, load, 150, seed=0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", ["CNNClassifier", "RNNClassifier", "TabularClassifier", "Forecaster"]
)
def test_odd_values_in_every_kind(name, load, tmp_path):
    sknets.save(fitted(name)[0], tmp_path / "good.sknets")
    check_odd_values((tmp_path / "good.sknets").read_bytes(), load, 300, seed=1)


def test_good_file_is_read_after_all_this(content, load):
    estimator, X, _ = fitted("Pipeline")
    np.testing.assert_array_equal(answers(load(content), X), answers(estimator, X))


def test_the_range_of_a_random_number_is_no_size():
    with Bounded({}):
        torch.randint(2**31 - 1, (1,))
        with pytest.raises(ValueError, match="larger than the arrays"):
            torch.randint(10, (2**40,))
