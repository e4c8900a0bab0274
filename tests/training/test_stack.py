"""Networks in a stack learn what each learns alone, and do not touch each other."""

import joblib
import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, KFold

from sknets import MLPClassifier, MLPRegressor, modules, training
from sknets.training import _stack
from sknets.training._copies import beginning
from sknets.training._stack import can_stack, likeness
from tests.training.members import (
    ENCODINGS,
    LOSSES,
    NUMBERS,
    PERIODIC,
    STOCHASTIC,
    VARIED,
    WEIGHT,
    X,
    assert_learns_the_same,
    assert_same,
    learn_alone,
    learn_together,
    make_member,
    vary,
)


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
        original(stack, most)
        present = sorted(seeds[net.learner.generator.initial_seed()] for net in stack.nets)
        seen.extend([present] * len(stack.losses()[0]))

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
RELUS = {"activation": "relu"}


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


def test_who_is_not_in_machine_code_takes_it_from_nobody():
    pytest.importorskip("numba")
    assert likeness_of(**RELUS) != likeness_of(**RELUS, average="polyak")
    assert likeness_of(average="polyak") == likeness_of()  # on arrays as all others


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
