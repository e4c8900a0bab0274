"""What comes out of a file is what went in."""

import copy
import io
import warnings
import zipfile

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknets
from sknets import CNNClassifier, MLPClassifier, MLPRegressor
from sknets.files import trusted_types
from tests.files.kinds import (
    IMAGES,
    KINDS,
    NUMBERS,
    SHORT,
    TABLE,
    TRUSTED,
    WORDS,
    answers,
    fitted,
)

over_kinds = pytest.mark.parametrize("name", KINDS)


def through_a_file(estimator, tmp_path, **how):
    path = tmp_path / "model.sknets"
    sknets.save(estimator, path)
    return sknets.load(path, **{"trusted": TRUSTED} | how)


def through_skops(estimator):
    return skops.io.loads(skops.io.dumps(estimator), trusted=[*trusted_types(), *TRUSTED])


@pytest.fixture(params=["file", "skops"])
def way(request, tmp_path):
    if request.param == "skops":
        return through_skops
    return lambda estimator: through_a_file(estimator, tmp_path)


@over_kinds
def test_predictions_are_the_same_to_the_last_bit(name, way):
    estimator, X, _ = fitted(name)
    np.testing.assert_array_equal(answers(way(estimator), X), answers(estimator, X))


@over_kinds
def test_parameters_are_the_same(name, way):
    estimator, _, _ = fitted(name)
    copied = way(estimator)
    assert type(copied) is type(estimator)
    assert repr(copied.get_params()) == repr(estimator.get_params())
    assert {type(v) for v in copied.get_params(deep=False).values()} == {
        type(v) for v in estimator.get_params(deep=False).values()
    }


@over_kinds
def test_an_estimator_that_is_not_fitted_is_kept_too(name, way):
    estimator = clone(KINDS[name][0])
    copied = way(estimator)
    assert repr(copied.get_params()) == repr(estimator.get_params())
    assert vars(copied).keys() == vars(estimator).keys()


LEARNS_ON = [
    "MLPRegressor",
    "MLPClassifier-labels",
    "CNNRegressor",
    "CNNClassifier",
    "RNNClassifier",
    "ModuleClassifier",
    "Autoencoder",
    "CNNAutoencoder",
    "RNNAutoencoder",
]


@pytest.mark.parametrize("name", LEARNS_ON)
def test_a_copy_learns_on_to_the_last_bit(name, way):
    estimator, X, y = fitted(name)
    data = (X,) if y is None else (X, y)
    original = copy.deepcopy(estimator).partial_fit(*data)
    once = way(estimator).partial_fit(*data)
    twice = way(once).partial_fit(*data)
    np.testing.assert_array_equal(answers(once, X), answers(original, X))
    np.testing.assert_array_equal(answers(twice, X), answers(original.partial_fit(*data), X))


def members(content):
    """Yield name and content of each file in a zip, and in the zips in it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.endswith(".skops"):
                yield from members(archive.read(name))
            else:
                yield name, archive.read(name)


@over_kinds
def test_nothing_is_a_pickle(name, tmp_path):
    estimator, _, _ = fitted(name)
    sknets.save(estimator, tmp_path / "model.sknets")
    for member, content in members((tmp_path / "model.sknets").read_bytes()):
        assert member.endswith((".json", ".safetensors", ".npy", ".npz")), member
        assert not content.startswith(b"\x80"), member  # as pickles do


def test_fitted_attributes_are_the_same(tmp_path):
    estimator, _, _ = fitted("TabularClassifier")
    copied = through_a_file(estimator, tmp_path)
    assert copied.leaderboard_.equals(estimator.leaderboard_)
    np.testing.assert_array_equal(copied.oof_prediction_, estimator.oof_prediction_)
    np.testing.assert_array_equal(copied.feature_names_in_, estimator.feature_names_in_)
    estimator, _, _ = fitted("MLPClassifier-members")
    copied = through_a_file(estimator, tmp_path)
    assert copied.history_ == estimator.history_
    assert copied.net_ is copied.members_[0].net_
    np.testing.assert_array_equal(
        copied.predict_set(TABLE, coverage=0.9), estimator.predict_set(TABLE, coverage=0.9)
    )


def test_a_copy_is_looked_into_as_the_original(tmp_path):
    from sknets.inspection import layer_activations

    estimator, X, _ = fitted("CNNClassifier")
    copied = through_a_file(estimator, tmp_path)
    for a, b in zip(
        layer_activations(copied, X[:2]).values(),
        layer_activations(estimator, X[:2]).values(),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_forecasts_go_on_after_the_series(tmp_path):
    estimator, _, y = fitted("Forecaster")
    copied = through_a_file(estimator, tmp_path)
    later = y.shift(2, freq="D").iloc[-2:]
    original = copy.deepcopy(estimator)
    np.testing.assert_array_equal(
        copied.update(y=later).predict(), original.update(y=later).predict()
    )
    with pytest.raises(ValueError, match="only times after it can follow"):
        copied.update(y=later)


def test_a_search_is_kept_with_its_results(tmp_path):
    model = make_pipeline(StandardScaler(), MLPRegressor(**SHORT))
    search = GridSearchCV(model, {"mlpregressor__alpha": [0.0, 0.1]}, cv=2).fit(TABLE, NUMBERS)
    sknets.save(search, tmp_path / "search.sknets")
    with pytest.raises(
        ValueError, match="_PassthroughScorer, sklearn.model_selection._split.KFold"
    ):
        sknets.load(tmp_path / "search.sknets")
    trusted = [KFold, "sklearn.metrics._scorer._PassthroughScorer"]
    copied = sknets.load(tmp_path / "search.sknets", trusted=trusted)
    np.testing.assert_array_equal(copied.predict(TABLE), search.predict(TABLE))
    np.testing.assert_array_equal(
        copied.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )


def test_a_backbone_of_ours_comes_along(tmp_path):
    base, X, _ = fitted("CNNRegressor")
    network = CNNClassifier(backbone=base, **SHORT).fit(X, WORDS)
    copied = through_a_file(network, tmp_path)
    np.testing.assert_array_equal(answers(copied, X), answers(network, X))
    np.testing.assert_array_equal(copied.backbone.predict(X), base.predict(X))
    again = through_a_file(copied, tmp_path)
    np.testing.assert_array_equal(
        answers(again.partial_fit(X, WORDS), X), answers(network.partial_fit(X, WORDS), X)
    )


def test_a_backbone_of_a_users_own_is_handed_in(tmp_path):
    from torch import nn

    base = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    network = CNNClassifier(backbone=base, **SHORT).fit(IMAGES, WORDS)
    sknets.save(network, tmp_path / "model.sknets")
    with pytest.raises(ValueError, match=r"trusted=\{'CNNClassifier.backbone': ...\}"):
        sknets.load(tmp_path / "model.sknets")
    other = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))  # with weights of its own
    copied = sknets.load(tmp_path / "model.sknets", trusted={"CNNClassifier.backbone": other})
    np.testing.assert_array_equal(answers(copied, IMAGES), answers(network, IMAGES))


def test_same_estimator_is_the_same_file(tmp_path):
    estimator, _, _ = fitted("MLPRegressor")
    for name in ("a", "b"):
        sknets.save(estimator, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_file_says_what_it_is(tmp_path):
    import json
    import zipfile

    estimator, _, _ = fitted("Pipeline")
    sknets.save(estimator, tmp_path / "model.sknets")
    with zipfile.ZipFile(tmp_path / "model.sknets") as archive:
        names = archive.namelist()
        said = json.loads(archive.read("format.json"))
    assert names == ["format.json", "state.json", "arrays.safetensors", "skops/0.skops"]
    assert said["format"] == "sknets"
    assert said["version"] == 1
    assert said["sknets"] == sknets.__version__
    assert said["class"] == "Pipeline"


def test_arrays_are_safetensors_that_others_can_read(tmp_path):
    import io
    import zipfile

    import safetensors.numpy

    estimator, _, _ = fitted("MLPRegressor-lbfgs")
    sknets.save(estimator, tmp_path / "model.sknets")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "model.sknets").read_bytes())) as archive:
        arrays = safetensors.numpy.load(archive.read("arrays.safetensors"))
    weights = [w.detach().numpy() for w in estimator.net_.module_.parameters()]
    for weight in weights:
        assert any(np.array_equal(weight, array) for array in arrays.values())


def test_state_of_pickles_and_skops_names_no_private_class():
    for name in KINDS:
        estimator, _, _ = fitted(name)
        named = skops.io.get_untrusted_types(data=skops.io.dumps(estimator))
        ours = {cls.__name__ for cls in trusted_types()}
        for full_name in named:
            assert full_name.rpartition(".")[2] in ours | {"Small", "line"}, (name, full_name)


def test_load_says_nothing(tmp_path):
    estimator, _, _ = fitted("Pipeline")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        through_a_file(estimator, tmp_path)


def test_device_becomes_the_parameter(tmp_path):
    estimator, X, _ = fitted("MLPClassifier-members")
    copied = through_a_file(estimator, tmp_path, device="cpu")
    assert copied.device == "cpu"
    assert [member.device for member in copied.members_] == ["cpu", "cpu"]
    np.testing.assert_array_equal(answers(copied, X), answers(estimator, X))
    with pytest.raises(ValueError, match="device='nowhere' cannot be used"):
        through_a_file(estimator, tmp_path, device="nowhere")


def test_network_of_an_absent_device_comes_to_the_cpu(tmp_path, monkeypatch):
    estimator, X, _ = fitted("MLPRegressor-lbfgs")
    state = estimator.__getstate__()
    state["_learned"]["net_state"]["device"] = "cuda:7"
    monkeypatch.setattr(MLPRegressor, "__getstate__", lambda self: state)
    copied = through_a_file(estimator, tmp_path)
    assert copied.net_.device.type == "cpu"
    np.testing.assert_array_equal(answers(copied, X), answers(estimator, X))


def test_weights_may_be_strided_and_of_any_order(tmp_path):
    network = MLPClassifier(class_weight={"low": 2.0, "high": 1.0}, **SHORT).fit(
        np.asfortranarray(TABLE), WORDS
    )
    copied = through_a_file(network, tmp_path)
    assert copied.class_weight == {"low": 2.0, "high": 1.0}
    np.testing.assert_array_equal(answers(copied, TABLE), answers(network, TABLE))


@pytest.mark.parametrize("name", ["MLPClassifier-members", "TabularRegressor", "RNNAutoencoder"])
def test_arrays_that_a_pickle_maps_are_kept(name, tmp_path):
    estimator, X, _ = fitted(name)
    joblib.dump(estimator, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    copied = through_a_file(mapped, tmp_path)
    np.testing.assert_array_equal(answers(copied, X), answers(estimator, X))
