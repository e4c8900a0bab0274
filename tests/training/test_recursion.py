"""The recursion of deltas against difference quotients, Torch's autograd and its own promises."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
import torch

from sknets import modules, training
from sknets.training import _compiled
from sknets.training._gradients import ClosedForm, PlainAutograd
from sknets.training._recursion import Recursion
from tests.training.nets import make_learner

RNG = np.random.default_rng(0)
N = 24
X = RNG.standard_normal((N, 3))
NUMBERS = np.stack([X[:, 0] - X[:, 1], np.sin(X[:, 2])], axis=1)
WEIGHT = RNG.uniform(0.5, 2.0, N)
# where there is no noise, deviations shrink until rounding decides on a step
NOISY = NUMBERS[:, :1] + np.random.default_rng(1).standard_normal((N, 1))

ACTIVATIONS = [*modules.ACTIVATIONS, "rbf"]
LOSSES = {
    "squared_error": (training.HalfSquaredError(), NUMBERS),
    "gaussian": (training.LOSSES["gaussian"](), NOISY),
    "absolute_error": (training.LOSSES["absolute_error"](), NUMBERS),
    "huber": (training.LOSSES["huber"](huber_delta=0.4), NUMBERS),
    "poisson": (training.LOSSES["poisson"](), RNG.poisson(1.5, (N, 2)).astype(float)),
    "quantile": (training.LOSSES["quantile"](quantile=0.8), NUMBERS),
    "quantiles": (
        training.OrderedPinball(modules.OrderedQuantiles([0.2, 0.9]), quantile=[0.2, 0.9]),
        NUMBERS[:, :1],
    ),
    "labels": (training.BinaryCrossEntropy(label_smoothing=0.1), (NUMBERS > 0).astype(float)),
    "classes": (training.SoftmaxCrossEntropy(label_smoothing=0.1), RNG.integers(0, 2, N)),
}
STOCHASTIC = [name for name, kind in training.SOLVERS.items() if kind.is_incremental]


EMBEDDINGS = {
    "piecewise_linear": {"kind": "piecewise_linear", "n_bins": [4, 1, 3]},
    "periodic": {"kind": "periodic", "n_columns": 3, "n_values": 4, "scale": 0.5},
    "some_periodic": {
        "kind": "periodic",
        "n_columns": 3,
        "n_values": 4,
        "scale": 0.5,
        "waved": [0, 2],
    },
}


def make_stack(activation, seed=0, dropout=0.0, embedding=None):
    stack = modules.DenseStack(
        [3, 5, 4, 2],
        [activation] * 2,
        [dropout] * 2,
        None,
        "glorot_uniform",
        torch.Generator().manual_seed(seed),
        embedding=EMBEDDINGS.get(embedding),
    ).double()
    if stack.encoder is not None:
        stack.encoder.learn(X)
    return stack


def make_net(
    gradient, loss, activation="tanh", solver="adam", dropout=0.0, embedding=None, **params
):
    """Return an initialised net whose gradient is of one class."""
    stack = make_stack(activation, dropout=dropout, embedding=embedding)
    learner = make_learner(stack, solver=solver, **params)
    net = training.Net(
        learner,
        criterion=loss,
        method=training.make_method(solver),
        max_epochs=5,
        batch_size=10,
    ).initialize()
    assert isinstance(net.gradient, ClosedForm)
    net.gradient = gradient(learner, loss)
    return net


def rows_of(y):
    return training.Rows(
        torch.from_numpy(X), torch.from_numpy(y), torch.from_numpy(WEIGHT / WEIGHT.mean())
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_is_the_limit_of_difference_quotients(activation, loss):
    compare_with_quotients(*LOSSES[loss], activation=activation)


@pytest.mark.parametrize("activation", ["tanh", "rbf"])
@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_gradient_behind_an_embedding(embedding, activation):
    criterion, y = LOSSES["squared_error"]
    compare_with_quotients(criterion, y, activation=activation, embedding=embedding)


def compare_with_quotients(criterion, y, **params):
    net = make_net(ClosedForm, criterion, **params)
    flat, batch = net.flat, rows_of(y).take(slice(None))
    net.learner.begin(mean_weight=1.0)
    net.gradient.fill(batch)
    found, h = flat.grad.numpy().copy(), 1e-6
    for place in range(0, len(found), 3 if "embedding" not in params else 1):
        losses = []
        for step in (h, -2 * h, h):
            flat.values[place] += step
            losses.append(criterion(net.module_(batch[0]), *batch[1:], N).item())
        quotient = (losses[0] - losses[1]) / (2 * h)
        assert found[place] == pytest.approx(quotient, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("way", ["machine code", "arrays"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_steps_equal_those_of_autograd(activation, loss, way, monkeypatch):
    if way == "arrays":
        monkeypatch.setattr(_compiled, "machine_code", lambda: None)
    compare_with_autograd(activation, loss, "adam", 10, l1_alpha=0.01)


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_steps_behind_an_embedding_equal_those_of_autograd(embedding, solver):
    compare_with_autograd("tanh", "squared_error", solver, 10, 0.01, embedding=embedding)


@pytest.mark.slow
@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_200_epochs_equal_those_of_autograd(activation, loss, solver):
    compare_with_autograd(activation, loss, solver, 200)


def compare_with_autograd(activation, loss, solver, n_epochs, l1_alpha=0.0, **params):
    """Compare weights and losses after some epochs with dropout, weights and penalties.

    In hundreds of epochs, weights that are nearly eliminated would make rounding visible. So would steps
    of RMSProp along gradients that vanish, quotients of roundings: to these, `epsilon` is large.
    """
    criterion, y = LOSSES[loss]
    params |= {
        "dropout": 0.2,
        "max_grad_norm": 5.0,
        "schedule": training.Schedule("constant", 0.003, n_epochs),
    }
    nets = []
    for gradient in (ClosedForm, PlainAutograd):
        penalty = training.Penalty(alpha=0.1, l1_alpha=l1_alpha)
        net = make_net(gradient, criterion, activation, solver, penalty=penalty, **params)
        if solver == "rmsprop":
            net.learner.solver.epsilon = 1e-5
        nets.append(net.fit_loop(rows_of(y), epochs=n_epochs))
    ours, theirs = nets
    np.testing.assert_allclose(ours.flat.values, theirs.flat.values, rtol=0, atol=1e-8)
    for row, wanted in zip(ours.history, theirs.history, strict=True):
        assert row["train_loss"] == pytest.approx(wanted["train_loss"], abs=1e-8)
    x = torch.from_numpy(X)
    np.testing.assert_allclose(ours.gradient.predict(x), ours.module_(x).detach(), atol=1e-12)


def test_several_networks_have_the_gradients_of_each():
    criterion, y = LOSSES["squared_error"]
    nets = [make_net(ClosedForm, criterion) for _ in range(3)]
    for k, net in enumerate(nets):
        net.flat.values += 0.1 * k
    sizes = [10, 9, 7]
    expected = []
    for net, n in zip(nets, sizes, strict=True):
        loss, _ = net.gradient._fill_rows(torch.from_numpy(X[:n]), torch.from_numpy(y[:n]), None)
        expected.append((float(loss), net.flat.grad.numpy().copy()))
    theta = np.stack([net.flat.values.numpy() for net in nets])
    grad = np.full_like(theta, 7.0)  # whatever was there
    plans = [net.gradient.plan for net in nets]
    recursion = Recursion(plans, nets[0].flat.places(), theta, grad, criterion)
    x, y = (np.stack([a[:10]] * 3) for a in (X, y))
    missing = [(k, slice(n, None)) for k, n in enumerate(sizes) if n < 10]
    losses, raw = recursion.fill(x, y, None, np.array(sizes, float)[:, None], missing)
    assert raw.shape == (3, 10, 2)
    for k, (loss, gradient) in enumerate(expected):
        assert losses[k] == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(grad[k], gradient, atol=1e-14)


@pytest.mark.parametrize("n_rows", [1_023, 1_024, 1_025, 2_048, 3_000])
def test_many_rows_are_predicted_as_few(n_rows):
    criterion, _ = LOSSES["squared_error"]
    nets = [make_net(ClosedForm, criterion) for _ in range(2)]
    nets[1].flat.values += 0.1
    x = np.random.default_rng(0).standard_normal((n_rows, 3))
    theta = np.stack([net.flat.values.numpy() for net in nets])
    plans = [net.gradient.plan for net in nets]
    stack = Recursion(plans, nets[0].flat.places(), theta, theta.copy(), criterion)
    raws = stack.forward(np.stack([x, x[::-1]]))
    assert raws.shape == (2, n_rows, 2)
    for net, rows, raw in zip(nets, (x, x[::-1]), raws, strict=True):
        few = [net.gradient.recursion.forward(rows[i : i + 7]) for i in range(0, n_rows, 7)]
        np.testing.assert_allclose(net.gradient.recursion.forward(rows), raw, atol=1e-13)
        np.testing.assert_allclose(np.concatenate(few), raw, atol=1e-13)


def test_many_rows_are_predicted_in_little_memory():
    criterion, _ = LOSSES["squared_error"]
    recursion = make_net(ClosedForm, criterion).gradient.recursion
    x = np.zeros((100_000, 3))
    tracemalloc.start()
    recursion.forward(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000 * 8 * (2 + 1)  # the raw outputs, and less than a unit of all rows


@pytest.mark.parametrize("embedding", [None, "periodic", "some_periodic"])
def test_a_step_allocates_nothing_large(embedding):
    criterion, y = LOSSES["squared_error"]
    penalty = training.Penalty(alpha=0.1)
    net = make_net(ClosedForm, criterion, "relu", penalty=penalty, embedding=embedding)
    net.learner.begin(mean_weight=1.0)
    repeat = 2000
    x, y = np.tile(X, (repeat, 1)), np.tile(y, (repeat, 1))
    recursion, step = net.gradient.recursion, net.learner.as_step
    plan = step.plan(3)

    def take(rates):
        recursion.fill(x, y, None, float(len(x)))
        step.add_penalty(float(len(x)))
        step.take(rates, float(len(x)))

    take(plan[0])
    tracemalloc.start()
    try:
        take(plan[1])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000  # what NumPy needs to multiply numbers with bool; a layer has 2 MB


@pytest.mark.parametrize("has_moved", [False, True])
def test_arrays_of_batches_are_let_go_and_vectors_of_before(has_moved):
    criterion, y = LOSSES["squared_error"]
    net, inputs = make_net(ClosedForm, criterion), X.copy()
    net.learner.begin(mean_weight=1.0)
    net.gradient.fill((torch.from_numpy(inputs), torch.from_numpy(y), None))
    recursion, vector = net.gradient.recursion, net.flat.values
    watched = weakref.ref(inputs), weakref.ref(vector)
    if has_moved:  # as out of a stack
        net.learner.move_to(*torch.zeros(4, len(vector), dtype=vector.dtype))
    net.release_data()
    assert has_moved or net.gradient.recursion is recursion
    del inputs, vector, recursion
    gc.collect()
    assert watched[0]() is None
    assert (watched[1]() is None) == has_moved


@pytest.mark.parametrize("embedding", [None, *EMBEDDINGS])
def test_what_somebody_has_changed_is_left_to_torch(embedding):
    criterion, y = LOSSES["squared_error"]
    batch = rows_of(y).take(slice(None))
    for change in (hook, replace, move):
        net = make_net(ClosedForm, criterion, embedding=embedding)
        before = net.gradient.predict(batch[0])
        seen = change(net.module_)
        raw = net.gradient.predict(batch[0])
        torch.testing.assert_close(raw, net.module_(batch[0]))
        assert seen or not torch.allclose(raw, before)


def hook(module):
    seen = []
    module[0].register_forward_hook(lambda *args: seen.append(args))
    module(torch.from_numpy(X))
    return seen


def replace(module):
    module[len(module) - 2] = torch.nn.ReLU()


def move(module):
    module[-1].weight.data = module[-1].weight.data * 2
