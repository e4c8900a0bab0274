"""How files are written, and what is handed in where they are read."""

import ast
import errno
import os
import pickle
import re
import stat
import sys
import threading

import numpy as np
import pytest
import sklearn
import skops.io
import torch
from sklearn.base import clone
from sklearn.ensemble import VotingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import sknets
from sknets import MLPRegressor, storage
from sknets.files import trusted_types
from tests.files.kinds import NUMBERS, SHORT, TABLE, Small, answers, fitted


@pytest.fixture
def full_disk():
    """Let no file grow beyond 4 kB, as on a disk that is full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, request):
    path = tmp_path / "model.sknets"
    sknets.save(fitted("MLPRegressor")[0], path)
    old = path.read_bytes()
    request.getfixturevalue("full_disk")
    with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        sknets.save(fitted("CNNClassifier")[0], path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["model.sknets"]


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_whatever_fails_leaves_the_old_file(tmp_path, monkeypatch, name):
    path = tmp_path / "model.sknets"
    path.write_bytes(b"old")

    def fail(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, name, fail)
    with pytest.raises(OSError, match="No space left"):
        sknets.save(fitted("MLPRegressor")[0], path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.sknets"]


def test_interrupt_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.sknets"
    path.write_bytes(b"old")

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        sknets.save(fitted("MLPRegressor")[0], path)
    assert os.listdir(tmp_path) == ["model.sknets"]


def test_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "model.sknets")
    sknets.save(fitted("MLPRegressor")[0], tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert sknets.load(tmp_path / "model.sknets").max_iter == 3


def test_permissions_are_those_of_new_files(tmp_path):
    sknets.save(LinearRegression(), tmp_path / "model.sknets")
    (tmp_path / "other").write_bytes(b"")
    modes = {stat.S_IMODE(os.stat(tmp_path / n).st_mode) for n in ("model.sknets", "other")}
    assert len(modes) == 1


def test_folder_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        sknets.save(fitted("MLPRegressor")[0], tmp_path / "none" / "model.sknets")


def test_two_threads_write_one_file_after_the_other(tmp_path):
    path = tmp_path / "model.sknets"
    models = [fitted("MLPRegressor")[0], fitted("MLPRegressor-lbfgs")[0]]
    threads = [threading.Thread(target=sknets.save, args=(m, path)) for m in models * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sknets.load(path).solver in ("adam", "lbfgs")
    assert os.listdir(tmp_path) == ["model.sknets"]


@pytest.mark.parametrize("wrong", [MLPRegressor, "model", None, Small(2, 1), np.zeros(3)])
def test_only_estimators_are_saved(tmp_path, wrong):
    with pytest.raises(TypeError, match="estimator must be an estimator of sknets or scikit-learn"):
        sknets.save(wrong, tmp_path / "model.sknets")
    assert os.listdir(tmp_path) == []


def test_estimators_of_scikit_learn_alone_are_saved_too(tmp_path):
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(TABLE, NUMBERS)
    sknets.save(model, tmp_path / "model.sknets")
    copied = sknets.load(tmp_path / "model.sknets")
    np.testing.assert_array_equal(copied.predict(TABLE), model.predict(TABLE))


# --- what is handed in ----------------------------------------------------------------------------------


@pytest.fixture
def own_module(tmp_path):
    sknets.save(fitted("ModuleRegressor")[0], tmp_path / "model.sknets")
    return tmp_path / "model.sknets"


def test_module_is_asked_for_by_name(own_module):
    words = r"names what is neither .*: tests.files.kinds.Small. .*load\(path, trusted=\[Small\]\)"
    with pytest.raises(ValueError, match=words):
        sknets.load(own_module)


@pytest.mark.parametrize(
    "trusted", [[Small], (Small,), {Small}, {"tests.files.kinds.Small": Small}]
)
def test_module_is_handed_in(own_module, trusted):
    estimator, X, _ = fitted("ModuleRegressor")
    copied = sknets.load(own_module, trusted=trusted)
    np.testing.assert_array_equal(answers(copied, X), answers(estimator, X))


def test_name_alone_is_not_enough_for_a_module(own_module):
    with pytest.raises(ValueError, match="hand it in"):
        sknets.load(own_module, trusted=["tests.files.kinds.Small"])


class Wider(torch.nn.Sequential):
    """Another module than the one that was fitted."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(torch.nn.Linear(n_inputs, 9), torch.nn.Linear(9, n_outputs))


def test_another_module_is_refused(own_module):
    with pytest.raises(ValueError, match="cannot be built again as it was"):
        sknets.load(own_module, trusted={"tests.files.kinds.Small": Wider})


@pytest.mark.parametrize("wrong", [Small, "Small", 3])
def test_trusted_must_be_a_list(own_module, wrong):
    with pytest.raises(TypeError, match="trusted must be a list"):
        sknets.load(own_module, trusted=wrong)


def test_objects_are_handed_in_by_name(own_module):
    with pytest.raises(TypeError, match="has no name of its own"):
        sknets.load(own_module, trusted=[3])


def double(X):
    """Function of a user's own within a pipeline."""
    return 2.0 * X


def test_function_within_a_pipeline_is_asked_for(tmp_path):
    model = make_pipeline(FunctionTransformer(double), MLPRegressor(**SHORT)).fit(TABLE, NUMBERS)
    sknets.save(model, tmp_path / "model.sknets")
    with pytest.raises(ValueError, match=r"test_save.double.*trusted=\[double\]"):
        sknets.load(tmp_path / "model.sknets")
    copied = sknets.load(tmp_path / "model.sknets", trusted=[double])
    np.testing.assert_array_equal(copied.predict(TABLE), model.predict(TABLE))


class Own(MLPRegressor):
    """A subclass of a user's own."""


def test_subclass_is_handed_in(tmp_path):
    model = make_pipeline(StandardScaler(), Own(**SHORT)).fit(TABLE, NUMBERS)
    sknets.save(model, tmp_path / "model.sknets")
    with pytest.raises(ValueError, match=r"trusted=\[Own\]"):
        sknets.load(tmp_path / "model.sknets")
    copied = sknets.load(tmp_path / "model.sknets", trusted=[Own])
    assert type(copied[-1]) is Own
    np.testing.assert_array_equal(copied.predict(TABLE), model.predict(TABLE))


def test_class_that_is_no_estimator_of_ours_is_not_made(tmp_path):
    sknets.save(Own(**SHORT), tmp_path / "model.sknets")
    with pytest.raises(ValueError, match="none of sknets"):
        sknets.load(tmp_path / "model.sknets", trusted={f"{__name__}.Own": LinearRegression})


def test_two_functions_of_one_name_are_refused(tmp_path):
    activations = [lambda x: x.tanh(), lambda x: x.relu()]
    model = MLPRegressor((4, 4), activations, **SHORT)
    with pytest.raises(TypeError, match="give it a name of its own"):
        sknets.save(model, tmp_path / "model.sknets")


def test_functions_of_torch_are_handed_in_like_others(tmp_path):
    model = MLPRegressor(activation=torch.sin, **SHORT).fit(TABLE, NUMBERS)
    sknets.save(model, tmp_path / "model.sknets")
    with pytest.raises(ValueError, match="sin"):
        sknets.load(tmp_path / "model.sknets")
    copied = sknets.load(tmp_path / "model.sknets", trusted=[torch.sin])
    np.testing.assert_array_equal(copied.predict(TABLE), model.predict(TABLE))


# --- what is missing ------------------------------------------------------------------------------------


def test_missing_safetensors_is_named(tmp_path, monkeypatch):
    sknets.save(fitted("MLPRegressor")[0], tmp_path / "model.sknets")
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for call in (
        lambda: sknets.save(fitted("MLPRegressor")[0], tmp_path / "other.sknets"),
        lambda: sknets.load(tmp_path / "model.sknets"),
    ):
        with pytest.raises(ImportError, match=r"needs safetensors.*pip install 'sknets\[files\]'"):
            call()


def test_missing_skops_is_named_where_it_is_needed(tmp_path, monkeypatch):
    sknets.save(fitted("Pipeline")[0], tmp_path / "model.sknets")
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ImportError, match=r"needs skops.*pip install 'sknets\[files\]'"):
        sknets.load(tmp_path / "model.sknets")
    with pytest.raises(ImportError, match="needs.*skops"):
        sknets.save(fitted("Pipeline")[0], tmp_path / "other.sknets")
    sknets.save(fitted("MLPRegressor")[0], tmp_path / "network.sknets")
    sknets.load(tmp_path / "network.sknets")


def test_parts_are_stored_as_they_are():
    parts = {"first": b"a" * 1000, "second": b""}
    packed = storage.pack(parts)
    assert len(packed) < 1500
    assert storage.unpack(packed, "first") == parts


def test_types_of_scikit_learn_are_asked_for_as_they_can_be_handed_in(tmp_path):
    model = VotingRegressor([("net", MLPRegressor(**SHORT))]).fit(TABLE, NUMBERS)
    sknets.save(model, tmp_path / "model.sknets")
    with pytest.raises(ValueError, match="trusted=") as caught:
        sknets.load(tmp_path / "model.sknets")
    (said,) = re.findall(r"trusted=(\[.*?\])", str(caught.value))
    copied = sknets.load(tmp_path / "model.sknets", trusted=ast.literal_eval(said))
    np.testing.assert_array_equal(copied.predict(TABLE), model.predict(TABLE))


def test_requests_of_metadata_are_kept(tmp_path):
    with sklearn.config_context(enable_metadata_routing=True):
        network = MLPRegressor(**SHORT).set_fit_request(sample_weight="w")
        network.set_score_request(sample_weight=False)
        said = str(network.get_metadata_routing())
        model = make_pipeline(StandardScaler(), network)
        sknets.save(model, tmp_path / "model.sknets")
        copies = [sknets.load(tmp_path / "model.sknets")[-1], pickle.loads(pickle.dumps(network))]
        copies.append(skops.io.loads(skops.io.dumps(network), trusted=trusted_types()))
        for copied in copies:
            assert str(copied.get_metadata_routing()) == said
            assert str(clone(copied).get_metadata_routing()) == said
        copied.set_fit_request(sample_weight=True)
        assert str(network.get_metadata_routing()) == said


def test_request_of_a_step_of_scikit_learn_is_named(tmp_path):
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        with pytest.raises(TypeError, match="after set_fit_request"):
            sknets.save(make_pipeline(scaler, MLPRegressor()), tmp_path / "model.sknets")
