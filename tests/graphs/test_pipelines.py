"""Whole pipelines, tables and modules as graphs, and what skl2onnx knows."""

import importlib
import importlib.util
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import skl2onnx
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingRegressor, VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from torch import nn

from sknets import (
    Autoencoder,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    TabularClassifier,
    TabularRegressor,
    to_onnx,
)
from sknets.graphs import _registration
from sknets.tables import TableEncoder
from tests.graphs.served import check_close, check_served, open_session, run

RNG = np.random.default_rng(0)
X = 5 + 3 * RNG.normal(size=(150, 4))
X_NEW = 5 + 3 * RNG.normal(size=(1000, 4))
Y = np.sin(X[:, 0]) + 0.1 * X[:, 1]
FAST = {"max_iter": 3, "random_state": 0}


def make_frame(n, rng=RNG):
    frame = pd.DataFrame(
        {
            "size": rng.normal(50, 10, n),
            "rooms": rng.integers(1, 7, n),
            "city": rng.choice(["Bonn", "Lyon", "Turin", "Graz"], n, p=[0.5, 0.3, 0.18, 0.02]),
            "has_garden": rng.random(n) > 0.5,
        }
    )
    frame.loc[rng.random(n) < 0.1, "size"] = np.nan
    return frame


FRAME, FRAME_NEW = make_frame(200), make_frame(300)
PRICE = 3 * FRAME["size"].fillna(50) + 20 * FRAME["rooms"] + 30 * (FRAME["city"] == "Lyon")

NETWORKS = {"regressor": MLPRegressor(**FAST), "classifier": MLPClassifier(**FAST)}


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "steps",
    [
        [StandardScaler()],
        [MinMaxScaler(), PCA(3)],
        [FeatureUnion([("a", PCA(2)), ("b", StandardScaler())])],
        [StandardScaler(), Autoencoder(2, max_iter=3, random_state=0)],
        [TableEncoder()],
        [make_column_transformer((StandardScaler(), [0, 2]), ("passthrough", [1]))],
    ],
    ids=str,
)
def test_pipelines(kind, dtype, steps):
    pipeline = make_pipeline(*map(clone, steps), clone(NETWORKS[kind]))
    pipeline.fit(X, Y if kind == "regressor" else Y > 0)
    check_served(pipeline, X, X_NEW, dtype=dtype)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_frame_with_words_and_gaps(kind):
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["size", "rooms"]),
        (OneHotEncoder(handle_unknown="ignore"), ["city"]),
        (OneHotEncoder(handle_unknown="ignore"), ["rooms"]),
        ("passthrough", ["has_garden"]),
    )
    pipeline = make_pipeline(columns, clone(NETWORKS[kind]))
    pipeline.fit(FRAME, PRICE if kind == "regressor" else PRICE.mean() < PRICE)
    model = check_served(pipeline, FRAME, FRAME_NEW)
    inputs = {entry.name: entry.type for entry in open_session(model).get_inputs()}
    assert inputs == {
        "size": "tensor(float)",
        "rooms": "tensor(float)",
        "city": "tensor(string)",
        "has_garden": "tensor(float)",
    }


def test_a_frame_of_numbers_alone():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = MLPRegressor(**FAST).fit(frame, Y)
    check_served(model, frame, pd.DataFrame(X_NEW, columns=list("abcd")))


@pytest.mark.parametrize("wrap", [GridSearchCV, RandomizedSearchCV, FrozenEstimator])
def test_a_wrapper_is_opened(wrap):
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**FAST))
    if wrap is FrozenEstimator:
        model = FrozenEstimator(pipeline.fit(X, Y > 0))
    else:
        options = {"n_iter": 2} if wrap is RandomizedSearchCV else {}
        grid = {"mlpclassifier__alpha": [0.1, 0.01]}
        model = wrap(pipeline, grid, cv=2, **options).fit(X, Y > 0)
    check_served(model, X, X_NEW)


def test_ensembles_of_scikit_learn():
    networks = [("net", MLPClassifier(**FAST)), ("line", LogisticRegression())]
    voting = VotingClassifier(networks, voting="soft").fit(X, Y > 0)
    check_served(voting, X, X_NEW)
    assert voting.flatten_transform
    networks = [("net", MLPRegressor(**FAST)), ("line", Ridge())]
    check_served(VotingRegressor(networks).fit(X, Y), X, X_NEW)
    check_served(StackingRegressor(networks, MLPRegressor(**FAST), cv=2).fit(X, Y), X, X_NEW)


# --- tables ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def regressor():
    return TabularRegressor(n_candidates=6, cv=3, max_iter=4, random_state=0).fit(FRAME, PRICE)


@pytest.fixture(scope="module")
def classifier():
    y = np.where(PRICE.mean() < PRICE, "dear", "cheap")
    return TabularClassifier(n_candidates=6, cv=3, max_iter=4, random_state=0).fit(FRAME, y)


def with_gaps(frame):
    """Return a frame in which words are missing or new."""
    frame = frame.copy()
    frame["city"] = frame["city"].astype(object)
    frame.loc[:20, "city"] = None
    frame.loc[20:30, "city"] = "Oslo"
    return frame


def test_a_population_of_a_table(regressor, classifier):
    assert min(len(each._candidates) for each in (regressor, classifier)) == 6
    for model in (regressor, classifier):
        check_served(model, FRAME, with_gaps(FRAME_NEW))


def test_categories_of_every_kind():
    frame = with_gaps(make_frame(200, np.random.default_rng(1)))
    frame["city"] = frame["city"].astype("category")
    frame["rooms"] = frame["rooms"].astype("Int64")
    frame.loc[50:60, "rooms"] = pd.NA
    encoder = TableEncoder(["rooms", "city", "has_garden"]).fit(frame)
    assert encoder.n_outputs_ > 10
    check_served(encoder, frame, with_gaps(FRAME_NEW))
    far = frame.assign(size=frame["size"] * 1e8)
    check_close(run(to_onnx(encoder, frame), far)["variable"], encoder.transform(far))


@pytest.mark.parametrize("loss", ["poisson", "absolute_error"])
def test_losses_of_a_table(loss):
    model = TabularRegressor(loss=loss, n_candidates=2, cv=2, max_iter=3, random_state=0)
    check_served(model.fit(FRAME, PRICE.round()), FRAME, FRAME_NEW)


def test_classes_that_some_folds_have_not_seen():
    y = np.array(["a", "b"] * 100, dtype=object)
    y[0] = "rare"
    model = TabularClassifier(n_candidates=2, cv=2, max_iter=3, random_state=0).fit(FRAME, y)
    known = {len(member.classes_) for member in model.members_[0]}
    assert known == {2, 3}
    check_served(model, FRAME, FRAME_NEW)


def test_words_beside_numbers_are_refused_by_column():
    frame = FRAME.assign(city=[7, *FRAME["city"][1:]])
    encoder = TableEncoder().fit(frame)
    with pytest.raises((TypeError, ValueError), match="'city'.*(words|numbers)"):
        to_onnx(encoder, frame)


# --- modules --------------------------------------------------------------------------------------


def make_module(n_inputs, n_outputs):
    return nn.Sequential(nn.Linear(n_inputs, 6), nn.Mish(), nn.Linear(6, n_outputs))


class MeanOfSums(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layer = nn.Linear(n_inputs[-1], n_outputs)

    def forward(self, x, lengths):
        steps = x.cumsum(1).flatten(2)
        return self.layer(steps[:, -1] / lengths[:, None])


class Tokens(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.embedding = nn.Embedding(10, 3)
        self.layer = nn.Linear(3, n_outputs)

    def forward(self, x):
        return self.layer(self.embedding(x).mean(1))


def test_a_module_goes_through_torchs_exporter():
    network = ModuleClassifier(make_module, **FAST).fit(X, np.digitize(Y, [-0.5, 0.5]))
    check_served(make_pipeline(FrozenEstimator(network)), X, X_NEW)


@pytest.mark.slow
def test_modules_of_sequences_and_of_tokens():
    sequences = [RNG.normal(size=(n, 2)) for n in RNG.integers(2, 9, 40)]
    network = ModuleRegressor(MeanOfSums, **FAST).fit(sequences, np.arange(40.0))
    check_served(network, sequences, sequences[::-1])
    tokens = RNG.integers(0, 10, (40, 5))
    network = ModuleRegressor(Tokens, **FAST).fit(tokens, np.arange(40.0))
    check_served(network, tokens, tokens[::-1])


class Looping(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layer = nn.Linear(n_inputs, n_outputs)

    def forward(self, x):
        total = self.layer(x)
        for _ in range(int(x.abs().sum()) % 3 + 1):
            total = total + self.layer(x)
        return total


def test_a_module_that_torch_cannot_follow_is_refused_by_name():
    network = ModuleRegressor(Looping, **FAST).fit(X, Y)
    with pytest.raises(ValueError, match="module: Torch's exporter cannot write Looping"):
        to_onnx(network, X)


# --- skl2onnx -------------------------------------------------------------------------------------


def test_the_watch_registers_once_its_package_is_loaded(monkeypatch, tmp_path):
    (tmp_path / "some_package.py").write_text("value = 3")
    seen = []
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(_registration, "_NAME", "some_package")
    monkeypatch.setattr(
        _registration, "_register", lambda: seen.append(sys.modules["some_package"].value)
    )
    before = list(sys.meta_path)
    _registration.register_when_imported()
    assert len(sys.meta_path) == len(before) + 1
    assert importlib.util.find_spec("some_package").origin == str(tmp_path / "some_package.py")
    assert seen == []  # who only asks whether it is there ends no watch
    import some_package

    assert seen == [3]
    assert sys.meta_path == before
    assert type(some_package.__spec__.loader).__name__ == "SourceFileLoader"
    assert importlib.reload(some_package).value == 3
    _registration.register_when_imported()
    assert seen == [3, 3]


@pytest.mark.slow
@pytest.mark.parametrize("first", ["sknets", "skl2onnx"])
def test_skl2onnx_knows_our_estimators_whoever_is_imported_first(first):
    second = "skl2onnx" if first == "sknets" else "sknets"
    code = f"""
import sys, {first}
assert {first != "sknets"} or "skl2onnx" not in sys.modules and "onnx" not in sys.modules
import {second}
from skl2onnx._supported_operators import sklearn_operator_name_map as known
assert {{cls.__name__ for cls in known if cls.__module__.startswith("sknets")}} >= {{
    "MLPClassifier", "CNNRegressor", "RNNClassifier", "ModuleRegressor", "TabularClassifier"}}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("zipmap", [True, False, "columns"])
def test_skl2onnx_writes_pipelines_with_its_own_options(zipmap):
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**FAST)).fit(
        X, np.where(Y > 0, "a", "b")
    )
    model = skl2onnx.to_onnx(
        pipeline, X[:1].astype(np.float32), options={"zipmap": zipmap}, target_opset=18
    )
    session = open_session(model)
    label, *shares = session.run(None, {"X": X_NEW.astype(np.float32)})
    assert (label == pipeline.predict(X_NEW)).mean() > 0.99
    if zipmap is True:
        shares = [[row[name] for row in shares[0]] for name in "ab"]
    elif zipmap is False:
        shares = shares[0].T
    check_close(np.array(shares).reshape(2, -1).T, pipeline.predict_proba(X_NEW))


def test_subclasses_are_written_as_what_they_are():
    class Mine(MLPRegressor):
        def __init__(self, alpha=0.1):
            super().__init__(alpha=alpha, **FAST)

    check_served(Mine().fit(X, Y), X, X_NEW)
