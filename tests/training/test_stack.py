"""Networks in a stack learn what each learns alone, and do not touch each other."""

from functools import partial

import joblib
import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, KFold

from sknets import MLPClassifier, MLPRegressor, modules, training
from sknets.training import _stack
from sknets.training._copies import beginning
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
    activation="tanh",
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


@pytest.mark.parametrize("name", VARIED)
def test_networks_differ_and_learn_what_each_learns_alone(name):
    assert_learns_the_same(VARIED[name])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", STOCHASTIC)
def test_solvers_and_losses(solver, loss):
    specs = [
        {"seed": seed, "n_rows": n, "rate": rate, "is_weighted": seed == 1}
        for seed, (n, rate) in enumerate([(62, 0.01), (55, 0.02), (50, 0.003)])
    ]
    assert_learns_the_same([spec | {"solver": solver, "loss": loss} for spec in specs])


@pytest.mark.parametrize("activation", [*modules.ACTIVATIONS, "rbf"])
def test_activations(activation):
    assert_learns_the_same(
        vary("n_rows", [62, 50, 55], activation=activation, dropout=0.2, hidden=(5, 1))
    )


def test_without_hidden_layers():
    assert_learns_the_same(vary("n_rows", [62, 50, 55], hidden=()))


def test_encodings_of_edges_of_their_own():
    specs = vary("n_rows", [62, 50, 55], embedding=ENCODINGS[0], dropout=0.2)
    specs.append(specs[0] | {"embedding": ENCODINGS[1], "seed": 7})  # as many bins in all
    assert_learns_the_same(specs)


@pytest.mark.parametrize("waved", [None, [0, 2]], ids=["all", "some"])
@pytest.mark.parametrize("solver", STOCHASTIC)
def test_periodic_layers(solver, waved):
    embedding = PERIODIC | {"waved": waved}
    specs = vary("n_rows", [62, 50, 55], embedding=embedding, solver=solver, dropout=0.2)
    specs[1] |= {"is_weighted": True}
    assert_learns_the_same([spec | {"penalty": training.Penalty(alpha=1.0)} for spec in specs])


@pytest.mark.parametrize("name", ["frozen", "early stopping", "growing batches", "one batch"])
def test_periodic_layers_in_networks_that_differ(name):
    assert_learns_the_same([spec | {"embedding": PERIODIC} for spec in VARIED[name]])


@pytest.mark.parametrize("most", [8 * 51, 0])
def test_encodings_of_many_rows_are_made_block_by_block(monkeypatch, most):
    monkeypatch.setattr("sknets.training._feed.MOST_ENCODED", most)
    monkeypatch.setattr("sknets.training._feed.BLOCK_VALUES", 2 * 16 * 8 * 2)
    specs = [
        spec | {"embedding": ENCODINGS[0], "method_params": {"shuffle": shuffle}}
        for shuffle in (True, False)
        for spec in vary("n_rows", [62, 50, 55])
    ]
    in_blocks = [*learn_together(specs[:3])[0], *learn_together(specs[3:])[0], *learn_alone(specs)]
    monkeypatch.undo()
    for net, other in zip(in_blocks, 2 * learn_alone(specs), strict=True):
        assert_same(net, other)


def test_steps_may_leave_the_cache(monkeypatch):
    monkeypatch.setattr(
        "sknets.training._feed.BLOCK_VALUES", 2 * 16 * 3 * 2
    )  # two batches of two networks
    assert_learns_the_same(vary("n_rows", [62, 50], dropout=0.3))


def test_a_stack_equals_autograd():
    from sknets.training._gradients import PlainAutograd

    specs = vary("n_rows", [62, 50, 55], dropout=0.3, penalty=training.Penalty(alpha=0.5))
    together, _ = learn_together(specs)
    for net, spec in zip(together, specs, strict=True):
        other, rows, epochs = make_member(**spec)
        other.gradient = PlainAutograd(other.learner, other.criterion_)
        assert not can_stack(other, rows)
        other.fit_loop(rows, epochs=epochs)
        np.testing.assert_allclose(net.flat.values, other.flat.values, rtol=0, atol=1e-10)


def test_a_member_goes_on_alone():
    specs = vary("n_rows", [62, 50, 55], average="exponential", dropout=0.2)
    alone, (together, _) = learn_alone(specs), learn_together(specs)
    for net, other, spec in zip(together, alone, specs, strict=True):
        _, rows, epochs = make_member(**spec)
        for one in (net, other):
            one.partial_fit(rows, epochs=epochs)
        assert_same(net, other)


# --- who leaves, and when -----------------------------------------------------------------------------


@pytest.fixture
def members(monkeypatch):
    """Return the seeds of the members of each stack in each of its epochs."""
    seeds = {training.make_generator(seed).initial_seed(): seed for seed in range(4)}
    seen = []

    def spy(stack, most):
        losses = original(stack, most)
        present = sorted(seeds[net.learner.generator.initial_seed()] for net in stack.nets)
        seen.extend([present] * len(losses[0]))
        return losses

    original = _stack.Stack.run_epochs
    monkeypatch.setattr(_stack.Stack, "run_epochs", spy)
    return seen


def test_who_is_done_leaves(members):
    learn_together(vary("epochs", [3, 1, 3, 2]))
    assert members == [[0, 1, 2, 3], [0, 2, 3], [0, 2]]


def test_who_converges_leaves(members):
    together, _ = learn_together(
        [{"seed": 0, "epochs": 9}, {"seed": 1, "epochs": 9, "rate": 1e-9, "patience": 1}]
    )
    assert [net.n_epochs for net in together] == [9, 3]
    assert [net.stop_reason for net in together] == ["max_iter", "converged"]
    assert members == 3 * [[0, 1]] + 6 * [[0]]


def test_who_is_not_wanted_leaves(members):
    specs = vary("n_rows", [62, 55, 50])
    asked = []

    def is_wanted():
        asked.append(1)
        return len(asked) < 2

    together, errors = learn_together(specs, [lambda: True, is_wanted, lambda: True])
    assert errors == [None] * 3
    assert members == 2 * [[0, 1, 2]] + 4 * [[0, 2]]
    assert [net.n_epochs for net in together] == [6, 2, 6]
    alone = learn_alone(specs)
    for k in (0, 2):
        assert_same(together[k], alone[k])


def assert_others_learn_the_same(specs, number):
    """Compare all members but one with what they learn alone; return it, and what it has raised."""
    together, errors = learn_together(specs)
    for k, net in enumerate(together):
        if k != number:
            assert errors[k] is None
            assert_same(net, learn_alone([specs[k]])[0])
    return together[number], errors[number]


def test_a_score_that_raises(members):
    scores = []

    def fail(raw):
        scores.append(1.0)
        if len(scores) == 3:
            raise ZeroDivisionError
        return 1.0

    specs = vary("score", [None, fail, None], monitor="valid_loss")
    net, error = assert_others_learn_the_same(specs, 1)
    assert isinstance(error, ZeroDivisionError)
    assert net.n_epochs == 3
    assert net.flat.is_bound()
    assert members[:6] == 3 * [[0, 1, 2]] + 3 * [[0, 2]]  # then those that train alone


@pytest.mark.parametrize("epoch", [0, 2])
def test_a_rate_that_is_none(epoch):
    def nonsense(number):
        return 0.01 if number < epoch else "soon"

    specs = vary("schedule", ["constant", nonsense, "cosine"])
    net, error = assert_others_learn_the_same(specs, 1)
    with pytest.raises(ValueError, match="returned 'soon'"):
        raise error
    assert net.n_epochs == epoch


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_who_diverges(solver):
    specs = vary("rate", [0.01, 1e300, 0.02], solver=solver, activation="relu", n_rows=55)
    net, error = assert_others_learn_the_same(specs, 1)
    assert error is None
    assert_same_end(net, learn_alone([specs[1]])[0])


def assert_same_end(net, other):
    """Compare the ends of networks whose weights may be anything."""
    assert net.n_epochs == other.n_epochs
    assert net.stop_reason == other.stop_reason
    assert net.flat.is_finite() == other.flat.is_finite()


def test_a_large_rate_touches_no_other():
    specs = vary("rate", [1e3, 0.01], solver="sgd", activation="relu", epochs=40)
    net, error = assert_others_learn_the_same(specs, 0)
    assert error is None
    assert net.stop_reason == "diverged"


# --- who is alike -------------------------------------------------------------------------------------

LIKE = {
    "seed": {"seed": 7},
    "rows": {"n_rows": 50},
    "rate": {"rate": 0.3},
    "schedule": {"schedule": "cosine"},
    "alpha": {"penalty": training.Penalty(alpha=3.0)},
    "epochs": {"epochs": 2},
    "patience": {"patience": 1},
    "moments": {"solver_params": {"beta_1": 0.5}},
}
UNLIKE = {
    "activation": {"activation": "relu"},
    "radial units": {"activation": "rbf"},
    "units": {"hidden": (5, 3)},
    "layers": {"hidden": (5,)},
    "dropout or none": {"dropout": 0.1},
    "solver": {"solver": "rmsprop"},
    "loss": {"loss": "absolute_error"},
    "parameter of the loss": {"loss": "huber", "loss_params": {"huber_delta": 0.7}},
    "number of batches": {"n_rows": 49},
    "batch size": {"batch_size": 17},
    "digits": {"dtype": torch.float32},
    "order": {"method_params": {"shuffle": False}},
    "units of an embedding": {"embedding": ENCODINGS[0]},
    "a periodic layer": {"embedding": PERIODIC},
    "values of a periodic layer": {"embedding": PERIODIC | {"n_values": 4}},
    "growth": {"method_params": {"batch_growth": 1.1}},
    "L1 or none": {"penalty": training.Penalty(alpha=1.0, l1_alpha=1.0)},
    "shortening or none": {"max_grad_norm": 1.0},
}


def likeness_of(**spec):
    net, rows, _ = make_member(**{"penalty": training.Penalty(alpha=1.0)} | spec)
    return likeness(net, rows)


@pytest.mark.parametrize("name", LIKE)
def test_networks_that_are_alike(name):
    assert likeness_of() == likeness_of(**LIKE[name])


@pytest.mark.parametrize("name", UNLIKE)
def test_networks_that_are_not_alike(name):
    base = {"loss": "huber"} if UNLIKE[name].get("loss") == "huber" else {}
    assert likeness_of(**base) != likeness_of(**UNLIKE[name])


def test_networks_with_waves_of_other_columns_are_not_alike():
    first, other = ({"embedding": PERIODIC | {"waved": waved}} for waved in ([0, 1], [0, 2]))
    assert likeness_of(**first) == likeness_of(**first)
    assert likeness_of(**first) != likeness_of(**other)


def test_other_edges_are_another_beginning():
    (net, rows, _), (other, others, _) = (make_member(embedding=ENCODINGS[0]) for _ in range(2))
    assert beginning(net, rows) == beginning(other, others) is not None
    other.module_.encoder.low[0] -= 1.0
    assert likeness(net, rows) == likeness(other, others)
    assert beginning(net, rows) != beginning(other, others)


def test_edges_that_change_are_seen():
    net, rows, epochs = make_member(embedding=ENCODINGS[0], method_params={"shuffle": False})
    net.fit_loop(rows, epochs=epochs)
    before = net.gradient.encode(rows.x.data)
    assert net.gradient.encode(rows.x.data) is before
    net.module_.encoder.low[0] -= 1.0
    assert not np.array_equal(net.gradient.encode(rows.x.data), before)


# --- in searches --------------------------------------------------------------------------------------

GRIDS = {
    "penalties and rates": {"alpha": [1e-3, 10.0], "learning_rate_init": [0.001, 0.05]},
    "L1": {"l1_alpha": [0.0, 1.0, 10.0]},
    "schedules": {"learning_rate": ["constant", "adaptive", "cosine"]},
    "dropout": {"dropout": [0.0, 0.2, 0.5]},
    "solvers": {"solver": STOCHASTIC},
    "activations": {"activation": ["relu", "tanh", "rbf"]},
    "layers": {"hidden_layer_sizes": [(), (6,), (6, 4)]},
    "batches": {"batch_size": [8, "auto"], "shuffle": [True, False]},
    "ends": {"max_iter": [2, 9], "early_stopping": [False, True]},
    "ends of averages": {"max_iter": [2, 5, 9], "average": ["polyak"], "dropout": [0.0, 0.3]},
    "norms": {"max_grad_norm": [None, 0.1, 1.0]},
    "averages": {"average": [None, "polyak", "exponential"]},
    "embeddings": {"numeric_embedding": [None, *modules.EMBEDDINGS], "embedding_bins": [3, 5]},
}


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
def test_searches_find_the_same(kind, grid):
    network = kind(hidden_layer_sizes=6, max_iter=4, batch_size=16, random_state=0)
    params = {}
    y = NUMBERS
    if kind is MLPClassifier:
        y = np.digitize(X[:, 0], [-0.5, 0.5])
        network.set_params(class_weight="balanced")
        params = {"sample_weight": WEIGHT}
    search = GridSearchCV(network, GRIDS[grid], cv=KFold(2), error_score="raise")
    found = []
    for n_jobs in (1, 64):
        with joblib.parallel_config("sknets", n_jobs=n_jobs):
            found.append(search.fit(X, y, **params).cv_results_)
    alone, together = found
    for name in alone:
        if name.endswith("test_score"):
            np.testing.assert_allclose(together[name], alone[name], rtol=1e-9, atol=1e-9)
