"""Recorded gradients: what is recorded and when, by a stand-in for the device, and on a device itself.

The stand-in computes again at each replay, on the tensors of the recording, which is what a graph does.
"""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import skorch
import torch

from sknets import CNNClassifier, MLPClassifier, RNNClassifier, training
from sknets.modules import DenseStack
from sknets.training import _cuda_graph
from sknets.training._cuda_graph import GraphedGradient, with_graphs, without_graphs
from tests.training.nets import WEIGHT, make_net, make_rows


def stand_in(function, generator):
    """Record: compute nothing that lasts, and compute in each replay."""
    state = generator.get_state()
    outputs = function()
    generator.set_state(state)

    def replay():
        for place, value in zip(outputs, function(), strict=True):
            place.detach().copy_(value.detach())

    return replay, outputs


@pytest.fixture
def log(monkeypatch):
    """Let the CPU be a device that records, and note what it does."""
    done = []

    def noted(name, function):
        def wrapper(*args):
            done.append(name)
            return function(*args)

        return wrapper

    monkeypatch.setattr(_cuda_graph, "_WORTH_IT", 4)
    monkeypatch.setattr(_cuda_graph, "record", noted("record", stand_in))
    monkeypatch.setattr(_cuda_graph, "beside", noted("beside", lambda function, device: function()))
    monkeypatch.setattr(
        _cuda_graph, "at_once", noted("at once", lambda function, device: function())
    )
    return done


def make_dropout():
    generator = torch.Generator().manual_seed(0)
    return DenseStack([3, 8, 1], ["tanh"], [0.3], None, "glorot_uniform", generator).double()


def fitted(graphed, module=None, rows=None, **params):
    net = make_net(module=module and module(), **params).initialize()
    if graphed:
        net.gradient = GraphedGradient(net.gradient)
    net.partial_fit(make_rows(WEIGHT) if rows is None else rows)
    return net


@pytest.mark.parametrize("module", [None, make_dropout])
@pytest.mark.parametrize("rows", [make_rows(), make_rows(WEIGHT, mean_weight=2.0)])
def test_steps_are_the_same_to_the_last_bit(log, module, rows):
    params = {"max_epochs": 8, "penalty": training.Penalty(0.1, 0.1), "max_grad_norm": 0.5}
    usual, graphed = (fitted(g, module, rows, **params) for g in (False, True))
    assert torch.equal(graphed.flat.values, usual.flat.values)
    assert graphed.history[:, "train_loss"] == usual.history[:, "train_loss"]
    assert "record" in log


def test_two_kinds_of_batches_are_recorded_once_they_have_come_often(log):
    # 60 rows are three batches of 16 and one of 12
    net = fitted(True, max_epochs=3)
    assert log.count("record") == 1
    net.partial_fit(make_rows(WEIGHT), epochs=3)
    assert log.count("record") == 2
    n_eager = len(log) - 2
    assert n_eager == 2 * 4
    net.partial_fit(make_rows(WEIGHT), epochs=2)
    assert len(log) == n_eager + 2


def test_last_batches_before_a_recording_are_computed_beside(log):
    gradient = GraphedGradient(make_net().initialize().gradient)
    batch = make_rows().take(slice(16))
    for _ in range(7):
        gradient.fill(batch)
    assert log == ["at once", "beside", "beside", "beside", "record"]


def test_further_kinds_go_on_as_usual(log):
    net = make_net().initialize()
    usual, graphed = net.gradient, GraphedGradient(net.gradient)
    rows = make_rows(WEIGHT)
    for n in (5, 6, 7):
        for _ in range(6):
            loss, raw = graphed.fill(rows.take(slice(n)))
            grad = net.flat.grad.clone()
            expected, expected_raw = usual.fill(rows.take(slice(n)))
            assert torch.equal(loss, expected)
            assert torch.equal(raw, expected_raw)
            assert torch.equal(grad, net.flat.grad)
    assert log.count("record") == 2


def test_losses_of_batches_are_not_written_over(log):
    gradient = GraphedGradient(make_net().initialize().gradient)
    rows = make_rows()
    losses = [gradient.fill(rows.take(slice(n, n + 9)))[0] for n in range(12)]
    assert len({float(loss) for loss in losses}) == 12


def test_what_is_frozen_in_between_is_another_kind(log):
    net = make_net().initialize()
    gradient = GraphedGradient(net.gradient)
    batch = make_rows().take(slice(16))
    for _ in range(6):
        gradient.fill(batch)
    net.module_[0].requires_grad_(False)
    net.learner.begin_epoch(1.0)
    for _ in range(6):
        gradient.fill(batch)
        assert not net.flat.grad[net.learner.frozen[0]].any()
    assert log.count("record") == 2


def test_what_cannot_be_recorded_is_computed_as_usual(log, monkeypatch):
    def fails(function, generator):
        log.append("fails")
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(_cuda_graph, "record", fails)
    usual, graphed = (fitted(g, max_epochs=8) for g in (False, True))
    assert torch.equal(graphed.flat.values, usual.flat.values)
    assert log.count("fails") == 1


# --- where there are graphs --------------------------------------------------------------------------


class Looks(skorch.callbacks.Callback):
    def on_batch_end(self, net, **kwargs):
        pass


def on_cuda(net):
    """Return what stands for the net's gradient if its parameters were on a CUDA device."""
    learner = net.learner
    values = SimpleNamespace(device=torch.device("cuda"))
    there = SimpleNamespace(
        flat=SimpleNamespace(values=values), draws_unseeded=learner.draws_unseeded
    )
    net.gradient.learner = there
    return net.gradient


def made(**params):
    return on_cuda(make_net(**params).initialize())


@pytest.mark.parametrize(
    ("gradient", "is_watched", "expected"),
    [
        (lambda: made(), False, True),
        (lambda: made(), True, False),
        (lambda: made(draws_unseeded=True), False, False),
        (lambda: made(criterion=training.CallableLoss(lambda raw, y: raw[:, 0])), False, False),
        (
            lambda: made(criterion=training.SequenceLoss(training.HalfSquaredError(), 1)),
            False,
            False,
        ),
        (lambda: make_net().initialize().gradient, False, False),  # on a CPU
    ],
    ids=["plain", "watched", "own module", "own loss", "sequences", "cpu"],
)
def test_where_it_is_possible(gradient, is_watched, expected):
    gradient = gradient()
    chosen = with_graphs(gradient, is_watched=is_watched)
    assert isinstance(chosen, GraphedGradient) == expected
    assert without_graphs(chosen) is gradient


def test_net_tells_whether_batches_are_watched(monkeypatch):
    told = []
    monkeypatch.setattr(
        "sknets.training._net.with_graphs",
        lambda gradient, *, is_watched: told.append(is_watched) or gradient,
    )
    make_net().initialize()
    make_net([Looks()]).initialize()
    assert told == [False, True]


def test_graphs_are_let_go_after_training(log):
    net = fitted(True)
    net.release_data()
    assert not isinstance(net.gradient, GraphedGradient)


# --- Torch's side of it ------------------------------------------------------------------------------


def test_recording_speaks_to_torch_in_its_order(monkeypatch):
    said = []

    class Graph:
        def register_generator_state(self, generator):
            said.append(("register", generator))

        def replay(self):
            said.append("replay")

    @contextmanager
    def recording(graph, stream, capture_error_mode):
        said.append(("begin", stream, capture_error_mode))
        yield
        said.append("end")

    @contextmanager
    def on(device):
        said.append(device)
        yield

    monkeypatch.setattr(torch.cuda, "device", on)
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: f"stream of {device}")
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", recording)
    generator = torch.Generator()
    replay, outputs = _cuda_graph.record(lambda: said.append("compute") or 7, generator)
    replay()
    assert outputs == 7
    begin = ("begin", "stream of cpu", "thread_local")
    where = torch.device("cpu")
    assert said == [("register", generator), where, begin, "compute", "end", "replay"]


def test_streams_wait_for_each_other(monkeypatch):
    said = []

    class Stream:
        def __init__(self, device, name="beside"):
            assert device == "cuda:1"
            self.name = name

        def wait_stream(self, other):
            said.append(f"{self.name} waits for {other.name}")

    @contextmanager
    def on(stream):
        said.append(f"on {stream.name}")
        yield

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream(device, "usual"))
    monkeypatch.setattr(torch.cuda, "stream", on)
    assert _cuda_graph.beside(lambda: said.append("compute") or 7, "cuda:1") == 7
    assert said == [
        "beside waits for usual",
        "on beside",
        "compute",
        "usual waits for beside",
    ]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    ("estimator", "shape", "tolerance"),
    [
        (MLPClassifier(), (20,), 1e-3),
        (MLPClassifier(dropout=0.2), (20,), 0.2),
        (CNNClassifier(), (8, 8), 1e-2),
        (RNNClassifier(), (10, 2), 1e-2),
    ],
    ids=["dense", "dropout", "convolutional", "recurrent"],
)
def test_a_device_learns_the_same_from_a_recording(monkeypatch, estimator, shape, tolerance):
    recorded, record = [], _cuda_graph.record
    monkeypatch.setattr(
        _cuda_graph, "record", lambda *args: recorded.append(record(*args)) or recorded[-1]
    )
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, *shape)).astype(np.float32), np.arange(500) % 3
    params = {"device": "cuda", "batch_size": 64, "max_iter": 20, "random_state": 0}
    curves = []
    for worth_it in (10**9, 3):
        assert not recorded
        monkeypatch.setattr(_cuda_graph, "_WORTH_IT", worth_it)
        curves.append(estimator.set_params(**params).fit(X, y).loss_curve_)
    assert len(recorded) == 2
    np.testing.assert_allclose(*curves, rtol=tolerance)
