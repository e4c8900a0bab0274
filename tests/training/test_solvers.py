"""Solvers against the textbook's equations in NumPy, over 50 steps on a small network."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from sknets import training

N_STEPS = 50
RATE = 0.05
RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 3))
Y = np.sin(X[:, :1]) + X[:, 1:2] ** 2
START = [
    RNG.standard_normal((3, 4)) * 0.5,
    RNG.standard_normal(4) * 0.1,
    RNG.standard_normal((4, 1)) * 0.5,
    RNG.standard_normal(1) * 0.1,
]


def gradients(parameters):
    """Backpropagation of half the mean squared error, by hand."""
    w1, b1, w2, b2 = parameters
    hidden = np.tanh(X @ w1 + b1)
    delta = (hidden @ w2 + b2 - Y) / len(X)
    below = (delta @ w2.T) * (1 - hidden**2)
    return [X.T @ below, below.sum(axis=0), hidden.T @ delta, delta.sum(axis=0)]


def gd(state, g, t):
    return -RATE * g


def momentum(state, g, t):
    state["v"] = 0.9 * state.get("v", 0) - RATE * g
    return state["v"]


def nesterov(state, g, t):
    state["v"] = 0.9 * state.get("v", 0) - RATE * g
    return 0.9 * state["v"] - RATE * g


def adagrad(state, g, t):
    state["r"] = state.get("r", 0) + g**2
    return -RATE * g / (np.sqrt(state["r"]) + 1e-7)


def rmsprop(state, g, t):
    state["r"] = 0.8 * state.get("r", 0) + 0.2 * g**2
    return -RATE * g / (np.sqrt(state["r"]) + 1e-7)


def adam(state, g, t):
    state["s"] = 0.8 * state.get("s", 0) + 0.2 * g
    state["r"] = 0.95 * state.get("r", 0) + 0.05 * g**2
    s_hat = state["s"] / (1 - 0.8**t)
    r_hat = state["r"] / (1 - 0.95**t)
    return -RATE * s_hat / (np.sqrt(r_hat) + 1e-7)


ADAM = {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-7}
CASES = {
    "gd": ("gd", {}, gd),
    "momentum": ("sgd", {"momentum": 0.9, "nesterovs_momentum": False}, momentum),
    "plain sgd": ("sgd", {"momentum": 0.0, "nesterovs_momentum": False}, gd),
    "nesterov": ("sgd", {"momentum": 0.9, "nesterovs_momentum": True}, nesterov),
    "adagrad": ("adagrad", {"epsilon": 1e-7}, adagrad),
    "rmsprop": ("rmsprop", {"rho": 0.8, "epsilon": 1e-7}, rmsprop),
    "adam": ("adam", ADAM, adam),
}
TORCH = {
    "gd": (torch.optim.SGD, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "plain sgd": (torch.optim.SGD, {}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adagrad": (torch.optim.Adagrad, {"eps": 1e-7}),
    "rmsprop": (torch.optim.RMSprop, {"alpha": 0.8, "eps": 1e-7}),
    "adam": (torch.optim.Adam, {"betas": (0.8, 0.95), "eps": 1e-7}),
}


def make_network():
    w1, b1, w2, b2 = (torch.from_numpy(a) for a in START)
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    with torch.no_grad():
        network[0].weight.copy_(w1.T)
        network[0].bias.copy_(b1)
        network[2].weight.copy_(w2.T)
        network[2].bias.copy_(b2)
    return network


def train(network, step, zero):
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    loss = training.HalfSquaredError()
    for _ in range(N_STEPS):
        zero()
        loss(network(x), y).backward()
        step()
    return [network[0].weight.T, network[0].bias, network[2].weight.T, network[2].bias]


def train_sknets(name, params):
    network = make_network()
    flat = training.FlatParameters(network)
    solver = training.SOLVERS[name](flat.theta, RATE, **params)
    return train(network, solver.update, flat.grad.zero_)


@pytest.mark.parametrize("case", CASES)
def test_trajectory_equals_numpy(case):
    name, params, equation = CASES[case]
    expected = [p.copy() for p in START]
    states = [{} for _ in expected]
    for t in range(1, N_STEPS + 1):
        g = gradients(expected)
        expected = [p + equation(s, gi, t) for p, s, gi in zip(expected, states, g, strict=True)]
    for actual, wanted in zip(train_sknets(name, params), expected, strict=True):
        np.testing.assert_allclose(actual.detach().numpy(), wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("case", TORCH)
def test_trajectory_equals_torch_optim(case):
    name, params, _ = CASES[case]
    network = make_network()
    optimizer_class, options = TORCH[case]
    optimizer = optimizer_class(network.parameters(), lr=RATE, **options)
    expected = train(network, optimizer.step, optimizer.zero_grad)
    for actual, wanted in zip(train_sknets(name, params), expected, strict=True):
        torch.testing.assert_close(actual, wanted, rtol=0, atol=1e-10)


def test_adamw_equals_torch_optim():
    network = make_network()
    weights = [network[0].weight, network[2].weight]
    biases = [network[0].bias, network[2].bias]
    optimizer = torch.optim.AdamW(
        [{"params": weights, "weight_decay": 0.1}, {"params": biases, "weight_decay": 0.0}],
        lr=RATE,
        betas=(0.8, 0.95),
        eps=1e-7,
    )
    expected = train(network, optimizer.step, optimizer.zero_grad)

    network = make_network()
    learner = training.Learner(
        network,
        make_solver=training.make_method("adamw", ADAM).make_solver,
        schedule=training.Schedule("constant", RATE, N_STEPS),
        stopping=training.Stopping(0.0, np.inf, "train_loss"),
        generator=training.make_generator(0),
        penalty=training.Penalty(alpha=0.1 * len(X), decoupled=True),
    )
    actual = train(network, lambda: learner.step(0.0, len(X)), learner.flat.grad.zero_)
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def test_step_follows_torchs_interface():
    network = make_network()
    flat = training.FlatParameters(network)
    solver = training.SOLVERS["adam"](flat.theta, RATE)
    x, y = torch.from_numpy(X), torch.from_numpy(Y)

    def closure():
        flat.grad.zero_()
        loss = training.HalfSquaredError()(network(x), y)
        loss.backward()
        return loss.detach()

    first = float(solver.step(closure))
    for _ in range(20):
        last = float(solver.step(closure))
    assert last < first
    assert solver.param_groups[0]["lr"] == RATE
    assert set(solver.state_dict()) == {"state", "param_groups"}


def test_first_fits_do_not_import_torchs_compiler():
    # it takes longer than a small fit, in every process of a grid search
    script = (
        "import sys, numpy as np, sknets\n"
        "X = np.random.default_rng(0).standard_normal((30, 8))\n"
        "sknets.MLPRegressor(learning_rate='cosine', max_iter=2).fit(X, X[:, 0]).predict(X)\n"
        "sknets.RNNRegressor(recurrent_layer_sizes=2, max_iter=2).fit(X, X[:, 0]).predict(X)\n"
        "sknets.CNNRegressor(conv_channels=2, max_iter=2).fit(X, X[:, 0]).predict(X)\n"
        "sknets.CNNAutoencoder(1, 2, max_iter=2).fit_transform(X)\n"
        "sknets.RNNAutoencoder(1, 2, max_iter=2).fit_transform(X)\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("name", [n for n, s in training.SOLVERS.items() if s.is_incremental])
def test_extra_state_continues_to_the_last_bit(name):
    def steps(flat, solver, n, seed):
        generator = torch.Generator().manual_seed(seed)
        for _ in range(n):
            flat.grad.copy_(torch.randn(len(flat.grad), generator=generator, dtype=torch.float64))
            solver.update()

    flat = training.FlatParameters(make_network())
    solver = training.SOLVERS[name](flat.theta, RATE)
    steps(flat, solver, 5, seed=0)
    other = training.FlatParameters(make_network())
    other.values.copy_(flat.values)
    resumed = training.SOLVERS[name](other.theta, RATE)
    resumed.load_extra_state(solver.extra_state())
    steps(flat, solver, 5, seed=1)
    steps(other, resumed, 5, seed=1)
    assert torch.equal(flat.values, other.values)
