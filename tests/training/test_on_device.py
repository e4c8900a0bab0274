"""Steps as launches of a device: the same as step by step. The CPU stands in for it (`recorder`)."""

import gc
import threading
from contextlib import contextmanager, nullcontext

import joblib
import numpy as np
import pytest
import skorch
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import CNNClassifier, MLPClassifier, MLPRegressor, RNNClassifier, training
from sknets.training import _cuda_graph, _on_device, _together
from sknets.training._stack import can_stack, likeness
from tests.training import recorder
from tests.training.members import (
    ENCODINGS,
    LOSSES,
    PERIODIC,
    VARIED,
    assert_learns_the_same,
    assert_same,
    learn_alone,
    learn_together,
    make_member,
    vary,
)
from tests.training.nets import make_net, make_rows

DIGITS, CLASSES = load_digits().images[:100], load_digits().target[:100]


@pytest.fixture
def log(monkeypatch):
    return recorder.install(monkeypatch)


@contextmanager
def step_by_step(monkeypatch):
    """Let Python take each step, as for networks that do not suit."""
    with monkeypatch.context() as patch:
        patch.setattr(_on_device, "serves", lambda net: False)
        yield


# --- the same as step by step ------------------------------------------------------------------------


@pytest.mark.parametrize("name", VARIED)
def test_a_network_alone(log, monkeypatch, name):
    specs = VARIED[name]
    there = learn_alone(specs)
    assert log
    with step_by_step(monkeypatch):
        expected = learn_alone(specs)
    for net, other in zip(there, expected, strict=True):
        assert_same(net, other)


@pytest.mark.parametrize("name", VARIED)
def test_stacks(log, name):
    assert_learns_the_same(VARIED[name])


@pytest.mark.parametrize("activation", ["relu", "tanh", "prelu", "rbf", "silu"])
@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "quantiles"])
def test_stacks_of_all_kinds(log, loss, activation):
    hidden = (5,) if activation == "rbf" else (5, 4)
    common = {"loss": loss, "activation": activation, "hidden": hidden}
    assert_learns_the_same(vary("rate", [0.01, 0.02, 0.005], dropout=0.2, **common))


@pytest.mark.parametrize("embedding", [PERIODIC, *ENCODINGS], ids=str)
def test_stacks_of_embeddings(log, embedding):
    assert_learns_the_same(vary("rate", [0.01, 0.02], embedding=embedding))


@pytest.mark.parametrize(
    ("estimator", "X", "y"),
    [
        (CNNClassifier((4, 6), spatial_dropout=0.2, normalization="batch"), DIGITS, CLASSES),
        (RNNClassifier((6,), "gru", dropout=0.2, recurrent_dropout=0.2), DIGITS, CLASSES),
        (MLPClassifier(normalization="layer", precision="bf16"), DIGITS.reshape(100, -1), CLASSES),
    ],
    ids=["convolutional", "recurrent", "bf16"],
)
@pytest.mark.filterwarnings("ignore:precision='bf16'")
def test_other_families(log, monkeypatch, estimator, X, y):
    estimator = clone(estimator).set_params(max_iter=4, batch_size=20, random_state=0)
    there = clone(estimator).fit(X, y)
    assert "record" in log
    with step_by_step(monkeypatch):
        expected = clone(estimator).fit(X, y)
    np.testing.assert_allclose(there.loss_curve_, expected.loss_curve_, rtol=1e-6)
    np.testing.assert_allclose(
        there.predict_proba(X), expected.predict_proba(X), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"batch_size": 32}], ids=str)
def test_a_search(log, monkeypatch, params):
    X, y = load_diabetes(return_X_y=True)
    sizes, train = [], _together.run_together
    monkeypatch.setattr(
        _together, "run_together", lambda nets, *a: sizes.append(len(nets)) or train(nets, *a)
    )
    network = MLPRegressor(hidden_layer_sizes=(9,), max_iter=9, random_state=0, **params)
    grid = {"alpha": [0.1, 1.0], "dropout": [0.1, 0.2], "max_iter": [5, 9], "activation": ["relu"]}
    search = GridSearchCV(
        make_pipeline(StandardScaler(), network),
        {f"mlpregressor__{name}": values for name, values in grid.items()},
        cv=3,
    )
    X, y = X[:150], y[:150] / 100
    alone = clone(search).fit(X, y).cv_results_
    sizes.clear()
    with joblib.parallel_config("sknets", n_jobs=40):
        together = clone(search).fit(X, y).cv_results_
    assert sizes == [4 * 3]  # those that differ in max_iter alone begin alike
    for k in range(3):
        name = f"split{k}_test_score"
        np.testing.assert_allclose(together[name], alone[name], rtol=1e-9)


# --- launches ----------------------------------------------------------------------------------------


def test_a_kind_of_batches_is_recorded_after_some_steps(log):
    learn_alone([{"epochs": 7}])  # three batches of 16 and one of 12
    n = _cuda_graph.WORTH_IT
    assert log.count("beside") == 2 * n
    assert log.count("record") == 2


@pytest.fixture
def epochs_at_once(monkeypatch):
    taken, run = [], _on_device.OnDevice.run_epochs

    def noted(self, sources, n, lrs):
        taken.append(n)
        run(self, sources, n, lrs)

    monkeypatch.setattr(_on_device.OnDevice, "run_epochs", noted)
    return taken


def test_epochs_that_nobody_looks_at_are_launched_at_once(log, epochs_at_once):
    learn_alone([{"epochs": 30}])
    assert max(epochs_at_once) > 1
    assert sum(epochs_at_once) == 30
    epochs_at_once.clear()
    learn_alone([{"epochs": 6, "monitor": "valid_loss"}, {"epochs": 4, "average": "polyak"}])
    assert epochs_at_once == [1] * 10


@pytest.mark.parametrize("rate", [1e10, 1e80, 1e154])
@pytest.mark.parametrize("n", [1, 3])
def test_what_explodes_ends_where_it_ends_step_by_step(log, monkeypatch, epochs_at_once, n, rate):
    specs = [
        {"rate": rate if k == 0 else 0.01, "seed": k, "epochs": 40, "solver": "sgd", "dropout": 0.2}
        | {"activation": "relu"}
        for k in range(n)
    ]
    together = learn_alone(specs) if n == 1 else learn_there(specs)
    with step_by_step(monkeypatch):
        expected = learn_alone(specs)
    for net, other in zip(together, expected, strict=True):
        assert net.stop_reason == other.stop_reason
        np.testing.assert_allclose(net.flat.values, other.flat.values, rtol=1e-9)
        assert net.n_epochs == other.n_epochs
        np.testing.assert_allclose(net.history[:, "train_loss"], other.history[:, "train_loss"])
        states = [n.learner.device_generator.get_state() for n in (net, other)]
        assert torch.equal(*states)


def learn_there(specs):
    nets, errors = learn_together(specs)
    assert errors == [None] * len(specs)
    return nets


def test_what_cannot_be_recorded_is_computed_as_usual(log, monkeypatch):
    specs = [{"dropout": 0.3, "epochs": 8}]
    expected = learn_alone(specs)

    def fails(function, generators):
        log.append("fails")
        for generator in generators:
            torch.rand(3, generator=generator)  # it has begun
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(_cuda_graph, "record", fails)
    assert_same(*learn_alone(specs), *expected)
    assert log.count("fails") == 1


def test_an_interrupt_ends_at_an_epoch(log, monkeypatch):
    calls, take = [], _on_device.OnDevice._take_step

    def interrupted(self, kind):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        take(self, kind)

    monkeypatch.setattr(_on_device.OnDevice, "_take_step", interrupted)
    (net,) = learn_alone([{"epochs": 9}])
    assert net.stop_reason == "interrupt"
    assert net.n_epochs == 0
    assert net.learner.solver.place["step"] == 2


# --- where there are launches ------------------------------------------------------------------------


class Looks(skorch.callbacks.Callback):
    def on_batch_end(self, net, **kwargs):
        pass


def hooked():
    net = make_net().initialize()
    net.module_[0].register_forward_hook(lambda *args: None)
    return net


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: make_net(), True),
        (lambda: make_net([Looks()]), False),
        (lambda: make_net(draws_unseeded=True), False),
        (lambda: make_net(criterion=training.CallableLoss(lambda raw, y: raw[:, 0])), False),
        (
            lambda: make_net(criterion=training.SequenceLoss(training.HalfSquaredError(), 1)),
            False,
        ),
        (hooked, False),
    ],
    ids=["plain", "watched", "own module", "own loss", "sequences", "hooked"],
)
def test_where_steps_are_launches(log, make, expected):
    net = make()
    if not net.initialized_:
        net.initialize()
    assert can_stack(net, make_rows()) == expected


def test_not_on_a_cpu():
    assert not can_stack(make_net().initialize(), make_rows())


def test_who_is_alike(log):
    def of(**spec):
        net, rows, _ = make_member(**spec)
        return likeness(net, rows)

    assert of() == of(seed=1, rate=0.1)
    assert of() != of(hidden=(5, 5))
    assert of() != of(precision="bf16", dtype=torch.float32)
    mixed = {"precision": "bf16", "dtype": torch.float32}
    assert of(**mixed) != of(**mixed)  # alone


# --- Torch's side of it ------------------------------------------------------------------------------


class Device:
    """What Torch says of a device that is not there: which stream is the present one, and who waits."""

    def __init__(self, monkeypatch):
        self.said, self.present = [], Stream(self, "usual")
        monkeypatch.setattr(_cuda_graph, "_here", threading.local())
        monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
        monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream(self, "own"))
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: self.present)
        monkeypatch.setattr(torch.cuda, "stream", lambda stream: OnStream(self, stream))
        monkeypatch.setattr(torch.cuda, "synchronize", lambda: self.said.append("synchronize"))
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: Graph(self))
        monkeypatch.setattr(torch._C, "_host_emptyCache", lambda: None, raising=False)


class Stream:
    def __init__(self, device, name):
        self.device, self.name = device, name

    def wait_stream(self, other):
        self.device.said.append(f"{self.name} waits for {other.name}")


class OnStream:
    def __init__(self, device, stream):
        self.device, self.stream = device, stream

    def __enter__(self):
        self.before, self.device.present = self.device.present, self.stream

    def __exit__(self, *exc):
        self.device.present = self.before


class Graph:
    def __init__(self, device):
        self.device = device

    def register_generator_state(self, generator):
        self.device.said.append("register")

    def capture_begin(self, *args, capture_error_mode, **kwargs):
        assert capture_error_mode == "thread_local"
        assert not gc.isenabled()
        self.device.said.append(f"begin on {self.device.present.name}")

    def capture_end(self):
        self.device.said.append("end")
        if self.fails:
            raise RuntimeError("operation failed due to a previous error during capture")

    def replay(self):
        self.device.said.append("replay")

    fails = False


def test_recording_speaks_to_torch_in_its_order(monkeypatch):
    device = Device(monkeypatch)
    replay = _cuda_graph.record(lambda: device.said.append("compute"), [torch.Generator()])
    replay()
    assert device.said == [
        "register",
        "synchronize",
        "begin on own",
        "compute",
        "end",
        "usual waits for own",
        "replay",
    ]
    assert gc.isenabled()


def test_a_recording_that_fails_leaves_the_usual_stream(monkeypatch):
    device = Device(monkeypatch)
    monkeypatch.setattr(Graph, "fails", True)
    with pytest.raises(RuntimeError, match="previous error"):
        _cuda_graph.record(lambda: None, [torch.Generator()])
    assert device.present.name == "usual"
    assert device.said[-1] == "usual waits for own"
    assert gc.isenabled()


def test_streams_wait_for_each_other(monkeypatch):
    device = Device(monkeypatch)
    _cuda_graph.beside(lambda: device.said.append(f"compute on {device.present.name}"), "cuda:1")
    assert device.said == ["own waits for usual", "compute on own", "usual waits for own"]
    streams = set()
    monkeypatch.setattr(torch.cuda, "stream", lambda s: streams.add(s) or nullcontext())
    _cuda_graph.beside(lambda: None, "cuda:1")
    _cuda_graph.beside(lambda: None, "cuda:1")
    assert len(streams) == 1  # and so no memory for each
