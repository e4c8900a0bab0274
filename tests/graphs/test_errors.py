"""What cannot be exported says so by name, and why; parameters are checked."""

import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler

import sknets
from sknets import Forecaster, MLPClassifier, MLPRegressor, RNNClassifier, to_onnx
from sknets.graphs import make_feed
from sknets.preprocessing import TokenSequences
from sknets.tables import TableEncoder
from tests.graphs.served import open_session

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X[:, 0] ** 2
FAST = {"max_iter": 2, "random_state": 0}


@pytest.fixture(scope="module")
def network():
    return MLPRegressor(**FAST).fit(X, Y)


def double(values):
    return 2 * values


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: make_pipeline(FunctionTransformer(double), MLPRegressor(**FAST)),
            r"'functiontransformer' \(FunctionTransformer\).*function of Python.*before the graph",
        ),
        (
            lambda: make_pipeline(SplineTransformer(), MLPRegressor(**FAST)),
            r"'splinetransformer' \(SplineTransformer\).*skl2onnx .* has no converter.*Replace",
        ),
        (
            lambda: make_pipeline(
                make_column_transformer((SplineTransformer(), [0])), MLPRegressor(**FAST)
            ),
            r"'splinetransformer' \(SplineTransformer\)",
        ),
        (
            lambda: TransformedTargetRegressor(
                MLPRegressor(**FAST), func=double, inverse_func=double
            ),
            "TransformedTargetRegressor cannot.*scale y by themselves",
        ),
    ],
)
def test_steps_without_a_graph_are_named(make, words):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the two functions are no inverses
        model = make().fit(X, Y)
    with pytest.raises(TypeError, match=words):
        to_onnx(model, X)


def test_a_forecaster_and_texts_are_named():
    forecaster = Forecaster(MLPRegressor(**FAST)).fit(y=np.sin(np.arange(60.0)))
    with pytest.raises(TypeError, match="Forecaster cannot.*estimator_"):
        to_onnx(forecaster, X)
    texts = ["a good film", "not a good film"] * 5
    model = make_pipeline(TokenSequences(), RNNClassifier(vocabulary_size="auto", **FAST))
    model.fit(texts, [1, 0] * 5)
    with pytest.raises(TypeError, match=r"'tokensequences' \(TokenSequences\).*token ids"):
        to_onnx(model, texts)
    sknets_graph = to_onnx(model[-1], model[0].transform(texts))
    assert open_session(sknets_graph).get_inputs()[0].type == "tensor(int64)"


def test_an_unfitted_estimator(network):
    with pytest.raises(NotFittedError):
        to_onnx(MLPRegressor(), X)
    with pytest.raises(NotFittedError):
        to_onnx(make_pipeline(StandardScaler(), MLPRegressor()), X)
    search = GridSearchCV(MLPRegressor(**FAST), {"alpha": [0.1]}, cv=2, refit=False).fit(X, Y)
    with pytest.raises((ValueError, NotFittedError), match="refit"):
        to_onnx(search, X)


def test_x_of_another_width_is_refused_before_anything_is_written(network, tmp_path):
    with pytest.raises(ValueError, match="2 features.*expecting 3"):
        to_onnx(network, X[:, :2], tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"dtype": "float16"}, ValueError, "dtype='float16' must be 'float32' or 'float64'"),
        ({"target_opset": 11}, ValueError, "target_opset=11 must be a whole number from 18 to"),
        ({"target_opset": 99}, ValueError, "target_opset=99"),
        ({"target_opset": "18"}, ValueError, "target_opset='18'"),
        ({"path": "nowhere/model.onnx"}, OSError, "nowhere"),
        ({"path": "."}, OSError, "is a folder"),
        ({"path": 3}, TypeError, "path=3 must be a str, path-like or None"),
        ({"coverage": 0.9}, ValueError, "coverage=0.9 needs rows that were held out"),
        ({"coverage": 2}, ValueError, "coverage"),
        ({"return_std": True}, ValueError, "return_std=True.*n_members"),
    ],
)
def test_parameters_are_checked(network, options, error, words):
    with pytest.raises(error, match=words):
        to_onnx(network, X, **options)


def test_options_of_another_step(network):
    pipeline = make_pipeline(StandardScaler()).fit(X)
    with pytest.raises(ValueError, match="coverage: the last step is StandardScaler"):
        to_onnx(pipeline, X, coverage=0.9)
    classifier = MLPClassifier(**FAST).fit(X, Y > 0.5)
    with pytest.raises(ValueError, match="return_std=True is for regressors"):
        to_onnx(classifier, X, return_std=True)
    with pytest.raises(ValueError, match="coverage=0.9 asks for sets.*calibrate=True"):
        to_onnx(classifier, X, coverage=0.9)


def test_the_file_is_the_graph(network, tmp_path):
    path = tmp_path / "model.onnx"
    model = to_onnx(network, X, str(path))
    assert path.read_bytes() == model.SerializeToString()
    assert [entry.value for entry in model.metadata_props] == [sknets.__version__]
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize("opset", [18, 20, 22])
def test_every_opset_from_18_on(network, opset):
    model = to_onnx(network, X, target_opset=opset)
    assert {entry.version for entry in model.opset_import if entry.domain == ""} == {opset}
    assert max(entry.version for entry in model.opset_import if entry.domain) <= 3


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "skl2onnx", "onnxscript"])
def test_a_missing_package_is_named(network, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"to_onnx needs {package}\. .*sknets\[onnx\]"):
        to_onnx(network, X)


def test_digits_that_float32_has_not_are_noticed():
    far = 1e6 + X
    model = make_pipeline(StandardScaler(), MLPRegressor(**FAST)).fit(far, Y)
    with pytest.raises(ValueError, match="'variable' differs.*dtype='float64'"):
        to_onnx(model, far)
    to_onnx(model, far, dtype="float64")


def test_x_that_no_graph_takes(network):
    with pytest.raises(TypeError, match="X is None"):
        to_onnx(network, None)
    with pytest.raises(TypeError, match=r"X is sparse.*toarray"):
        to_onnx(network, sp.csr_array(X))
    mixed = np.array([[1, "a"], [2, "b"]] * 20, dtype=object)
    with pytest.raises(TypeError, match="array of object.*give a frame"):
        to_onnx(TableEncoder().fit(mixed), mixed)
    with pytest.raises(TypeError, match="names that are strings"):
        to_onnx(network, pd.DataFrame(X))


def test_a_feed_says_what_is_wrong(network):
    frame = pd.DataFrame(X, columns=list("abc"))
    session = open_session(to_onnx(MLPRegressor(**FAST).fit(frame, Y), frame))
    with pytest.raises(ValueError, match=r"lacks the columns \['b'\]"):
        make_feed(frame[["a", "c"]], session)
    with pytest.raises(ValueError, match="cannot be the input 'b' of float32.*'word'"):
        make_feed(frame.assign(b="word"), session)


def test_a_feed_of_another_kind_is_refused(network):
    frame = pd.DataFrame(X, columns=list("abc"))
    of_frame = open_session(to_onnx(MLPRegressor(**FAST).fit(frame, Y), frame))
    graph = to_onnx(network, X)
    of_array = open_session(graph)
    with pytest.raises(TypeError, match=r"give a frame with the columns \['a', 'b', 'c'\]"):
        make_feed(X, of_frame)
    with pytest.raises(TypeError, match=r"takes one array: give X.to_numpy\(\)"):
        make_feed(frame, of_array)
    for wrong in (None, sp.csr_array(X)):
        with pytest.raises(TypeError, match="X is (None|sparse)"):
            make_feed(wrong, of_array)
    with pytest.raises(
        TypeError, match="session must be an onnxruntime.InferenceSession, got Model"
    ):
        make_feed(X, graph)


def test_a_network_is_as_it_was_after_an_export(network):
    before = network.predict(X)
    dtype = next(network.net_.module_.parameters()).dtype
    to_onnx(network, X)
    assert next(network.net_.module_.parameters()).dtype == dtype
    assert np.array_equal(network.predict(X), before)
