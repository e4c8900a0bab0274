"""Members of stacks: networks that differ, what they learn alone and together, how it is compared."""

from functools import partial

import numpy as np
import pytest
import torch

from sknets import modules, training
from sknets.training._stack import can_stack, likeness, run_together
from tests.training.nets import RNG

X = RNG.standard_normal((62, 3))
NUMBERS = np.stack([X[:, 0] - X[:, 1], np.sin(X[:, 2])], axis=1)
WEIGHT = RNG.uniform(0.5, 2.0, 62)
X_VAL = RNG.standard_normal((20, 3))
Y_VAL = np.stack([X_VAL[:, 0] - X_VAL[:, 1], np.sin(X_VAL[:, 2])], axis=1)

#: The loss, and targets of two outputs.
LOSSES = {
    "squared_error": (training.HalfSquaredError, NUMBERS),
    "gaussian": (training.LOSSES["gaussian"], NUMBERS[:, :1]),
    "absolute_error": (training.LOSSES["absolute_error"], NUMBERS),
    "huber": (training.LOSSES["huber"], NUMBERS),
    "poisson": (training.LOSSES["poisson"], RNG.poisson(1.5, (62, 2)).astype(float)),
    "quantiles": (
        partial(training.OrderedPinball, modules.OrderedQuantiles([0.2, 0.9]), quantile=[0.2, 0.9]),
        NUMBERS[:, :1],
    ),
    "labels": (training.BinaryCrossEntropy, (NUMBERS > 0).astype(float)),
    "classes": (training.SoftmaxCrossEntropy, RNG.integers(0, 2, 62)),
}
PERIODIC = {"kind": "periodic", "n_columns": 3, "n_values": 3, "scale": 0.5}
ENCODINGS = [{"kind": "piecewise_linear", "n_bins": n_bins} for n_bins in ([4, 1, 3], [2, 4, 2])]
STOCHASTIC = [name for name, kind in training.SOLVERS.items() if kind.is_incremental]


def make_member(
    *,
    n_rows=60,
    seed=0,
    epochs=6,
    loss="squared_error",
    activation="gelu",  # of which there is no machine code, wherever numba is installed
    hidden=(5, 4),
    dropout=0.0,
    solver="adam",
    solver_params=None,
    rate=0.01,
    schedule="constant",
    penalty=None,
    average=None,
    is_weighted=False,
    mean_weight=1.0,
    monitor="train_loss",
    patience=np.inf,
    batch_size=16,
    score=None,
    callbacks=(),
    freezes=False,
    dtype=torch.float64,
    method_params=None,
    loss_params=None,
    embedding=None,
    **params,
):
    """Return an initialised net, its rows and its number of epochs."""
    module = modules.DenseStack(
        [3, *hidden, 2],
        [activation] * len(hidden),
        [dropout] * len(hidden),
        None,
        "glorot_uniform",
        torch.Generator().manual_seed(seed),
        embedding=embedding,
    ).to(dtype)
    if embedding in ENCODINGS:
        module.encoder.learn(X[seed : n_rows - 1])
    if freezes:
        next(module.parameters()).requires_grad_(False)
    method = training.make_method(solver, solver_params, **(method_params or {}))
    learner = training.Learner(
        module,
        make_solver=method.make_solver,
        schedule=training.Schedule(schedule, rate, epochs),
        stopping=training.Stopping(1e-4, patience, monitor),
        generator=training.make_generator(seed),
        penalty=penalty,
        average=None if average is None else training.Average(average, 0.9),
        **params,
    )
    kind, y = LOSSES[loss]
    x, weight = torch.from_numpy(X[:n_rows]).to(dtype), None
    if is_weighted:
        weight = torch.from_numpy(WEIGHT[:n_rows] / WEIGHT[:n_rows].mean())
    rows = training.Rows(x, torch.from_numpy(y[:n_rows]), weight, mean_weight=mean_weight)
    valid_rows = None
    if monitor != "train_loss":
        valid_rows = training.Rows(torch.from_numpy(X_VAL), torch.from_numpy(Y_VAL))
    net = training.Net(
        learner,
        criterion=kind(**(loss_params or {})),
        method=method,
        max_epochs=epochs,
        batch_size=n_rows if method.solver.func.takes_all_rows else batch_size,
        valid_rows=valid_rows,
        valid_score=score,
        callbacks=list(callbacks),
        verbose=0,
    )
    return net.initialize(), rows, epochs


def learn_alone(specs):
    nets = []
    for spec in specs:
        net, rows, epochs = make_member(**spec)
        nets.append(net.fit_loop(rows, epochs=epochs))
    return nets


def learn_together(specs, wanted=None):
    """Train nets as one stack; return them, and what each of them has raised."""
    nets, rows, epochs = zip(*(make_member(**spec) for spec in specs), strict=True)
    assert all(map(can_stack, nets, rows))
    for net, own, n in zip(nets, rows, epochs, strict=True):
        net.begin(own, n)
    errors = run_together(nets, rows, list(epochs), wanted)
    for net, own, error in zip(nets, rows, errors, strict=True):
        if error is None:
            net.settle(own)
    return nets, errors


def assert_same(net, other):
    """Compare all that is left of a training."""
    np.testing.assert_allclose(net.flat.values, other.flat.values, rtol=0, atol=1e-10)
    assert net.flat.is_bound()
    assert net.n_epochs == other.n_epochs
    assert net.n_seen == other.n_seen
    assert net.stop_reason == other.stop_reason
    assert len(net.history) == len(other.history)
    for row, wanted in zip(net.history, other.history, strict=True):
        assert row.keys() == wanted.keys()
        for name in row.keys() - {"dur", "batches"}:
            assert row[name] == pytest.approx(wanted[name], rel=1e-9, abs=1e-10), name
    assert net.learner.solver.lr == other.learner.solver.lr
    ours, theirs = (n.learner.solver.extra_state() for n in (net, other))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], rtol=1e-9, atol=1e-10)
    state, expected = (n.learner.generator.get_state() for n in (net, other))
    assert torch.equal(state, expected)
    assert net.stopping.place == pytest.approx(other.stopping.place, rel=1e-9)
    if net.learner.average is not None:
        ours, theirs = (n.learner.average for n in (net, other))
        assert ours.n_steps == theirs.n_steps
        np.testing.assert_allclose(ours.values, theirs.values, rtol=0, atol=1e-10)


def assert_learns_the_same(specs):
    """Compare a stack with its members alone; the networks are those of one likeness."""
    made = [make_member(**spec) for spec in specs]
    assert len({likeness(net, rows) for net, rows, _ in made}) == 1
    alone, (together, errors) = learn_alone(specs), learn_together(specs)
    assert errors == [None] * len(specs)
    for net, other in zip(together, alone, strict=True):
        assert_same(net, other)
    values = [net.flat.values for net in together]  # else nothing would be compared
    assert not torch.allclose(values[0], values[1])
    return together


def penalties(**strengths):
    """Return a penalty for each of some values."""
    rows = zip(*strengths.values(), strict=True)
    return [training.Penalty(**dict(zip(strengths, of_one, strict=True))) for of_one in rows]


def vary(name, values, **common):
    """Return members that differ in a parameter, and in their seeds."""
    return [{name: value, "seed": seed} | common for seed, value in enumerate(values)]


VARIED = {
    "seeds": vary("rate", [0.01] * 4),
    "numbers of rows": vary("n_rows", [62, 55, 50, 60, 61]),
    "numbers of rows, folded": vary("n_rows", [49, 40, 48, 36]),
    "one batch": vary("n_rows", [62, 31, 3, 50], batch_size=100),
    "not shuffled": vary("n_rows", [62, 55, 50], method_params={"shuffle": False}),
    "alpha": vary("penalty", penalties(alpha=[0.01, 1.0, 100.0])),
    "l1_alpha": vary("penalty", penalties(l1_alpha=[0.01, 0.3, 10.0])),
    "both": vary("penalty", penalties(alpha=[0.1, 10.0], l1_alpha=[1.0, 0.1])),
    "decay": vary(
        "penalty", penalties(alpha=[0.1, 1.0, 10.0], decoupled=[True] * 3), solver="adamw"
    ),
    "rates": vary("rate", [1e-4, 1e-2, 0.1]),
    "schedules": vary(
        "schedule",
        [*training.SCHEDULES, lambda epoch: 0.01 * 0.9**epoch],
        patience=1,
    ),
    "adaptive": vary("rate", [1e-5, 0.3, 0.01], schedule="adaptive", patience=1, epochs=15),
    "dropout": vary("dropout", [0.1, 0.5, 0.8]),
    "dropout and rows": [
        {"dropout": rate, "n_rows": n, "seed": n}
        for rate, n in zip([0.1, 0.5, 0.2], [62, 50, 55], strict=True)
    ],
    "momentum": vary("solver_params", [{"momentum": m} for m in (0.0, 0.5, 0.9)], solver="sgd"),
    "plain momentum": vary(
        "solver_params",
        [{"momentum": m, "nesterovs_momentum": False} for m in (0.5, 0.9)],
        solver="sgd",
        penalty=training.Penalty(l1_alpha=0.1),
    ),
    "moments": vary(
        "solver_params", [{"beta_1": 0.5}, {"beta_2": 0.9}, {"epsilon": 1e-3}, {}], solver="adam"
    ),
    "averages": vary("average", ["polyak", "exponential", None, "polyak"]),
    "norms": vary("max_grad_norm", [0.01, 1.0, 100.0]),
    "weights": [
        {"is_weighted": is_weighted, "mean_weight": mean, "n_rows": n, "seed": n}
        | {"penalty": training.Penalty(alpha=1.0, l1_alpha=0.1)}
        for is_weighted, mean, n in [(True, 1.3, 62), (False, 1.0, 55), (True, 0.2, 50)]
    ],
    "early stopping": vary(
        "patience", [0, 1, 3, np.inf], monitor="valid_loss", epochs=20, rate=0.1
    ),
    "epochs": vary("epochs", [1, 7, 3, 7]),
    "epochs, in any order": [
        {"epochs": n, "seed": seed, "n_rows": rows, "dropout": 0.2, "average": "exponential"}
        for seed, (n, rows) in enumerate(
            zip([2, 6, 1, 3, 2, 8, 4, 4], [62, 50, 51, 55, 60, 52, 61, 59], strict=True)
        )
    ],
    "classes, one batch": vary("n_rows", [62, 40, 50], loss="classes", batch_size=100),
    "classes, not shuffled": vary(
        "n_rows", [62, 55], loss="classes", method_params={"shuffle": False}
    ),
    "growing batches": vary(
        "rate",
        [0.01, 0.02],
        method_params={"batch_growth": 1.3},
        scale_learning_rate=True,
        epochs=9,
    ),
    "frozen": vary("freezes", [False, True, False]),
}
