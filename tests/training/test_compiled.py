"""Steps in machine code are those on arrays, whoever takes them together and however many at once."""

import builtins
import signal
import sys

import numpy as np
import pytest
import sklearn.base
import skorch
import torch

from sknets import MLPRegressor, modules, training
from sknets.training import _compiled, _stack
from sknets.training._compiled import Compiled, machine_code
from sknets.training._compiled_parts import behind_each_other
from sknets.training._recursion import Recursion
from tests.training.members import (
    ENCODINGS,
    LOSSES,
    PERIODIC,
    STOCHASTIC,
    VARIED,
    X,
    assert_same,
    learn_alone,
    learn_together,
    make_member,
    vary,
)

numba = pytest.importorskip("numba")
_jit = pytest.importorskip("sknets.training._jit")

#: What is left to arrays.
OTHERS = {
    "gelu": {"activation": "gelu"},
    "prelu": {"activation": "prelu", "hidden": (5,)},
    "radial": {"activation": "rbf"},
    "periodic": {"embedding": PERIODIC},
    "gaussian": {"loss": "gaussian"},
    "quantiles": {"loss": "quantiles"},
    "average": {"average": "polyak"},
    "half": {"dtype": torch.float16},
}


@pytest.fixture(autouse=True)
def is_compiled():
    """Let the code be there, which is compiled by a call."""
    for dtype in ("float32", "float64"):
        machine_code().compile_for(np.dtype(dtype))


@pytest.fixture
def calls(monkeypatch):
    """Return the steps of each call of the machine code."""
    code, seen = machine_code(), []

    def spy(*args):
        seen.append(len(args[12]))
        return descend(*args)

    descend = code.descend
    monkeypatch.setattr(code, "descend", spy)
    return seen


@pytest.fixture
def on_arrays(monkeypatch):
    """Return a function that lets all steps be taken on arrays from then on."""

    def switch():
        monkeypatch.setattr(_compiled, "machine_code", lambda: None)

    return switch


def of_relus(specs):
    return [{"activation": "relu"} | spec for spec in specs]


def compare(specs, calls, on_arrays):
    """Compare what networks learn in machine code, alone and together, with what they learn on arrays."""
    alone = learn_alone(specs)
    assert calls
    (together, errors) = learn_together(specs)
    assert errors == [None] * len(specs)
    calls.clear()
    on_arrays()
    for net, same, other in zip(alone, together, learn_alone(specs), strict=True):
        assert_same(net, other)
        assert torch.equal(net.flat.values, same.flat.values)
        losses = [[row["train_loss"] for row in each.history] for each in (net, same)]
        assert losses[0] == losses[1]
    assert not calls


@pytest.mark.parametrize(
    "name", sorted(VARIED.keys() - {"averages", "epochs, in any order", "frozen"})
)
def test_networks_that_differ(name, calls, on_arrays):
    compare(of_relus(VARIED[name]), calls, on_arrays)


@pytest.mark.parametrize("loss", sorted(LOSSES.keys() - {"gaussian", "quantiles"}))
@pytest.mark.parametrize("solver", STOCHASTIC)
def test_losses_and_solvers(solver, loss, calls, on_arrays):
    specs = vary("n_rows", [62, 50, 55], solver=solver, loss=loss)
    specs[1] |= {"is_weighted": True, "max_grad_norm": 0.1}
    penalty = training.Penalty(alpha=0.3, l1_alpha=0.1, decoupled=solver == "adamw")
    specs = [{"max_grad_norm": 9.0, "penalty": penalty} | spec for spec in specs]
    compare(of_relus(specs), calls, on_arrays)


@pytest.mark.parametrize("loss_params", [{"huber_delta": 0.3}, {"quantile": 0.8}], ids=str)
def test_parameters_of_losses(loss_params, calls, on_arrays, monkeypatch):
    (name,) = loss_params
    loss = {"huber_delta": "huber", "quantile": "quantile"}[name]
    monkeypatch.setitem(LOSSES, loss, (training.LOSSES[loss], LOSSES["squared_error"][1]))
    compare(
        of_relus(vary("n_rows", [62, 55], loss=loss, loss_params=loss_params)), calls, on_arrays
    )


class Looks(skorch.callbacks.Callback):
    """A callback that looks at each epoch, and at no step."""

    watches_steps = False

    def __init__(self):
        self.losses = []

    def on_epoch_end(self, net, **kwargs):
        self.losses.append(net.history[-1]["train_loss"])


class Changes(Looks):
    """A callback that changes the loss after an epoch."""

    def on_epoch_end(self, net, **kwargs):
        net.criterion_.huber_delta = 0.1


@pytest.mark.parametrize("looks", [Changes, Looks])
def test_a_parameter_of_the_loss_may_change(looks, on_arrays, monkeypatch):
    monkeypatch.setitem(LOSSES, "huber", (training.LOSSES["huber"], LOSSES["squared_error"][1]))
    (spec,) = of_relus([{"loss": "huber", "loss_params": {"huber_delta": 1.0}}])
    (net,) = learn_alone([spec | {"callbacks": [looks()]}])
    on_arrays()
    (other,) = learn_alone([spec | {"callbacks": [looks()]}])
    assert net.criterion_.huber_delta == (0.1 if looks is Changes else 1.0)
    assert_same(net, other)


@pytest.mark.parametrize("loss", ["labels", "classes"])
def test_smoothed_classes(loss, calls, on_arrays):
    params = {"loss": loss, "loss_params": {"label_smoothing": 0.2}}
    compare(of_relus(vary("n_rows", [62, 55], **params)), calls, on_arrays)


@pytest.mark.parametrize("hidden", [(), (1,), (1, 4), (6, 5, 4)], ids=str)
@pytest.mark.parametrize("activation", machine_code().ACTIVATIONS)
def test_activations_and_depths(activation, hidden, calls, on_arrays):
    specs = vary("n_rows", [62, 50], activation=activation, hidden=hidden, dropout=0.3)
    compare(specs, calls, on_arrays)


def test_exponentials_have_all_their_digits():
    x = np.linspace(-707.0, 708.0, 20_001)
    found = np.array([machine_code()._exp(value) for value in x])
    np.testing.assert_allclose(found, np.exp(x), rtol=4.5e-16)  # two units in the last place
    assert machine_code()._exp(-1e300) < 1e-307
    assert machine_code()._exp(1e300) > 1e307
    assert np.isnan(machine_code()._exp(np.nan))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", machine_code().ACTIVATIONS)
def test_activations_and_slopes_are_those_of_torch(activation, dtype):
    z = torch.cat([torch.linspace(-30, 30, 4001), torch.tensor([-1e4, 1e4, 0.0])])
    z = z.to(getattr(torch, dtype)).requires_grad_()
    wanted = modules.ACTIVATIONS[activation]()(z[:, None])
    wanted.sum().backward()
    code, a = machine_code(), z.detach().numpy()[:, None].copy()
    slope, delta = np.full_like(a, np.nan), np.ones_like(a)
    code._activate(a, np.zeros(1, dtype), code.ACTIVATIONS[activation], slope)
    if activation == "identity":
        slope[:] = 1.0
    code._chain(delta, code.ACTIVATIONS[activation], a, slope, delta.dtype.type(1.0))
    precision = np.finfo(dtype).eps
    np.testing.assert_allclose(a, wanted.detach(), rtol=4 * precision, atol=2 * precision)
    np.testing.assert_allclose(delta[:, 0], z.grad, rtol=8 * precision, atol=4 * precision)


@pytest.mark.parametrize("n", [1, 23, 24, 30, 700])  # copies of weights pay from some rows on
def test_products_of_any_number_of_rows(n, calls, on_arrays):
    rng = np.random.default_rng(0)
    rows, y = rng.normal(size=(n, 50)), rng.normal(size=n)
    network = MLPRegressor(hidden_layer_sizes=(40, 3), batch_size=n, max_iter=2, random_state=0)
    network.fit(rows, y, X_val=rows, y_val=y)
    assert calls
    on_arrays()
    other = sklearn.base.clone(network).fit(rows, y, X_val=rows, y_val=y)
    np.testing.assert_allclose(network.predict(rows), other.predict(rows), rtol=1e-11, atol=1e-12)
    for name in ("loss", "validation_loss"):
        of_both = network.history_[name], other.history_[name]
        np.testing.assert_allclose(*of_both, rtol=1e-12, atol=1e-14)


def test_encoded_inputs(calls, on_arrays):
    compare(of_relus(vary("n_rows", [62, 50], embedding=ENCODINGS[0])), calls, on_arrays)


def test_single_precision(calls, on_arrays):
    specs = of_relus(vary("n_rows", [62, 50], dtype=torch.float32, dropout=0.2))
    alone = learn_alone(specs)
    assert calls
    on_arrays()
    for net, other in zip(alone, learn_alone(specs), strict=True):
        torch.testing.assert_close(net.flat.values, other.flat.values, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("limit", "n"),
    [(f"_MOST_{what}", 1) for what in ("ADDS", "STEPS", "WORDS", "ROWS")]
    + [("_MOST_ADDS", 10_000), ("_MOST_STEPS", 9), ("_MOST_WORDS", 300), ("_MOST_ROWS", 150)]
    + [("_ADDS_OF_VALUE", 2**40)],
)
def test_calls_of_any_length_take_the_same_steps(limit, n, calls, monkeypatch):
    specs = of_relus(vary("n_rows", [62, 40], dropout=0.3))
    wanted, lengths = learn_alone(specs), [*calls]
    assert lengths == [6 * 4, 6 * 3]
    calls.clear()
    monkeypatch.setattr(_compiled, limit, n)
    for net, other in zip(learn_alone(specs), wanted, strict=True):
        assert torch.equal(net.flat.values, other.flat.values)
        assert_same(net, other)
    assert sum(calls) == sum(lengths)
    assert max(calls) < 6 * 4


class Steps(skorch.callbacks.Callback):
    """A callback that looks at each step."""

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.has_seen = True


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_steps_that_somebody_looks_at_are_the_same_to_the_last_bit(dtype, solver, calls):
    decoupled = solver == "adamw"
    (spec,) = of_relus(
        [
            {"n_rows": 62, "is_weighted": dtype == torch.float64, "dropout": 0.3, "dtype": dtype}
            | {"mean_weight": 1.3, "solver": solver, "max_grad_norm": 0.7, "activation": "silu"}
            | {"penalty": training.Penalty(alpha=0.3, l1_alpha=0.1, decoupled=decoupled)}
        ]
    )
    (wanted,) = learn_alone([spec])
    assert calls
    calls.clear()
    looks = Steps()
    (net,) = learn_alone([spec | {"callbacks": [looks]}])
    assert looks.has_seen
    assert not calls
    assert torch.equal(net.flat.values, wanted.flat.values)
    assert net.history[:, "train_loss"] == wanted.history[:, "train_loss"]


def test_who_is_looked_at_takes_one_epoch_at_a_time(calls):
    (spec,) = of_relus([{"n_rows": 62, "dropout": 0.3}])
    (wanted,) = learn_alone([spec])
    assert calls == [24]
    looks = Looks()
    (net,) = learn_alone([spec | {"callbacks": [looks]}])
    assert calls[1:] == [4] * 6
    assert torch.equal(net.flat.values, wanted.flat.values)
    assert looks.losses == [row["train_loss"] for row in wanted.history]


@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("schedule", [*training.SCHEDULES, lambda epoch: 0.1 / (epoch + 1)])
def test_rates_of_epochs_taken_at_once(schedule, solver, calls, on_arrays):
    decoupled = solver == "adamw"
    penalty = training.Penalty(alpha=0.3, l1_alpha=0.1, decoupled=decoupled)
    specs = [
        {"solver": solver, "schedule": schedule, "rate": rate, "epochs": epochs, "penalty": penalty}
        for rate, epochs in [(0.01, 12), (0.02, 9)]
    ]
    specs = of_relus(specs)
    (wanted,) = learn_alone(specs[:1])
    is_known = schedule in training.SCHEDULES and schedule != "adaptive"
    n_batches = 1 if solver == "gd" else 4
    assert calls == ([12 * n_batches] if is_known else [n_batches] * 12)
    (net,) = learn_alone([specs[0] | {"callbacks": [Looks()]}])
    assert torch.equal(net.flat.values, wanted.flat.values)
    assert net.history[:, ("lr", "train_loss")] == wanted.history[:, ("lr", "train_loss")]
    assert net.learner.solver.lr == wanted.learner.solver.lr
    if solver == "sgd":
        assert net.learner.solver.place["rate_sum"] == wanted.learner.solver.place["rate_sum"]
    compare(specs, calls, on_arrays)


@pytest.mark.parametrize("patience", [1, 3])
def test_a_plan_ends_where_it_does_whatever_patience_says(patience, calls):
    spec = {"schedule": "cosine", "patience": patience, "epochs": 12, "activation": "relu"}
    (net,) = learn_alone([spec | {"rate": 1.0}])
    assert calls == [48]
    assert net.n_epochs == 12
    assert net.stop_reason == "max_iter"


@pytest.mark.parametrize("patience", [0, 2, 5])
def test_patience_runs_out_where_it_does_epoch_by_epoch(patience, calls):
    spec = {"rate": 0.3, "patience": patience, "epochs": 60, "activation": "relu"}
    (net,) = learn_alone([spec])
    assert calls[0] == 4 * (patience + 1)
    (wanted,) = learn_alone([spec | {"callbacks": [Looks()]}])
    assert net.stop_reason == "converged"
    assert net.n_epochs < 60
    assert_same(net, wanted)


def test_who_diverges_stops_at_the_end_of_its_epoch(calls):
    spec = {"activation": "relu", "solver": "sgd", "rate": 1e200, "epochs": 50}
    (net,) = learn_alone([spec])
    (wanted,) = learn_alone([spec | {"callbacks": [Looks()]}])
    assert net.stop_reason == wanted.stop_reason == "diverged"
    assert net.n_epochs == wanted.n_epochs < 5
    assert not np.isfinite(net.history[-1]["train_loss"])
    assert all("train_loss" in row for row in net.history)


@pytest.mark.parametrize("call", [1, 2])
def test_an_interrupt_leaves_all_epochs_that_were_taken(call, monkeypatch):
    code, lengths = machine_code(), []

    def interrupt(*args):
        descend(*args)
        lengths.append(len(args[12]))
        if len(lengths) == call:
            raise KeyboardInterrupt

    spec = {"activation": "relu", "patience": 3, "epochs": 40}
    descend = code.descend
    monkeypatch.setattr(code, "descend", interrupt)
    (net,) = learn_alone([spec])
    monkeypatch.undo()
    n_epochs = sum(lengths) // 4
    assert net.stop_reason == "interrupt"
    assert net.n_epochs == len(net.history) == n_epochs > 3
    assert net.learner.solver.place["step"] == 4 * n_epochs
    (wanted,) = learn_alone([spec | {"epochs": n_epochs}])
    assert torch.equal(net.flat.values, wanted.flat.values)
    assert net.history[:, "train_loss"] == wanted.history[:, "train_loss"]


@pytest.mark.parametrize("name", ["_lay_out", "_trials_of", "_make_room", "_cut"])
def test_an_interrupt_leaves_no_room_that_is_too_small(name, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    rows = np.random.default_rng(0).normal(size=(200, 5))
    network = MLPRegressor(
        hidden_layer_sizes=5, solver="gd", learning_rate_init=0.1, random_state=0
    )
    other = sklearn.base.clone(network)
    for each in (network, other):
        each.partial_fit(rows[:20], rows[:20, 0])
    compiled = network.net_.gradient._compiled
    monkeypatch.setattr(Compiled, name, interrupt)
    with pytest.warns(UserWarning, match="interrupted"):
        network.partial_fit(rows, rows[:, 0])
    monkeypatch.undo()
    for each in (network, other):
        each.partial_fit(rows, rows[:, 0])
    assert network.net_.gradient._compiled is compiled
    assert compiled._room.size >= 200 * compiled._n_values
    np.testing.assert_array_equal(network.predict(rows), other.predict(rows))


def test_an_interrupt_in_the_first_epoch_on_arrays(on_arrays, monkeypatch):
    def interrupt(*args):
        fills.append(args)
        if len(fills) == 2:
            raise KeyboardInterrupt
        return fill(*args)

    fills, fill = [], Recursion.fill
    on_arrays()
    monkeypatch.setattr(Recursion, "fill", interrupt)
    (net,) = learn_alone([{"activation": "relu"}])
    assert len(fills) == 2
    assert net.stop_reason == "interrupt"
    assert net.n_epochs == len(net.history) == 0


def test_an_interrupt_within_an_epoch_leaves_no_half_row(monkeypatch):
    monkeypatch.setattr(_compiled, "_MOST_ADDS", 1)  # a call for each step
    calls = []

    def interrupt(*args):
        descend(*args)
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt

    code = machine_code()
    descend = code.descend
    monkeypatch.setattr(code, "descend", interrupt)
    (net,) = learn_alone([{"activation": "relu"}])
    assert net.stop_reason == "interrupt"
    assert net.n_epochs == len(net.history) == 1
    assert net.learner.solver.place["step"] == 6


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("before", [1, 2, 3])
def test_an_interrupt_between_epochs_counts_none_twice(before, is_there, on_arrays, monkeypatch):
    made = []

    def interrupt(*args):
        made.append(args)
        if len(made) == before:
            raise KeyboardInterrupt
        return sources(*args)

    if not is_there:
        on_arrays()
    sources = _stack.ArraySources
    monkeypatch.setattr(_stack, "ArraySources", interrupt)  # made anew for batches of another size
    net, rows, _ = make_member(activation="relu", method_params={"batch_growth": 2.0})
    net.fit_loop(rows, epochs=6)
    assert net.stop_reason == "interrupt"
    assert net.n_epochs == len(net.history) == before - 1
    assert net.learner.solver.place["step"] == [0, 4, 6][before - 1]


def test_an_interrupt_waits_until_epochs_that_were_taken_are_told_of(monkeypatch):
    (spec,) = of_relus([{"epochs": 40}])
    net, rows, _ = make_member(**spec)
    update_all = net.stopping.update_all

    def interrupt(*args):
        signal.raise_signal(signal.SIGINT)
        return update_all(*args)

    monkeypatch.setattr(net.stopping, "update_all", interrupt)
    net.fit_loop(rows, epochs=40)
    assert net.stop_reason == "interrupt"
    assert net.n_epochs == len(net.history) > 3
    assert net.learner.solver.place["step"] == 4 * net.n_epochs
    (wanted,) = learn_alone([spec | {"epochs": net.n_epochs}])
    assert torch.equal(net.flat.values, wanted.flat.values)


def test_history_of_epochs_taken_at_once(on_arrays):
    (spec,) = of_relus([{"n_rows": 62}])
    (net,) = learn_alone([spec])
    on_arrays()
    (other,) = learn_alone([spec])
    for row, wanted in zip(net.history, other.history, strict=True):
        assert row.keys() == wanted.keys()
        assert row["epoch"] == wanted["epoch"]
        assert row["dur"] > 0
        assert not row["batches"]
    assert net.history[:, "train_loss"] == pytest.approx(other.history[:, "train_loss"], rel=1e-12)


@pytest.mark.parametrize("name", OTHERS)
def test_all_else_is_left_to_arrays(name):
    net, _, _ = make_member(**{"activation": "relu"} | OTHERS[name])
    assert not Compiled.serves(net.gradient)


def test_a_subclass_may_compute_something_else():
    class Loss(training.HalfSquaredError):
        pass

    net, _, _ = make_member(activation="relu")
    assert Compiled.serves(net.gradient)
    net.gradient.criterion = Loss()
    assert not Compiled.serves(net.gradient)


@pytest.mark.parametrize("why", ["frozen", "encoded late", "too much to copy"])
def test_what_shows_in_an_epoch_leaves_it_to_arrays(why, calls, monkeypatch):
    common = {"frozen": {"freezes": True}, "encoded late": {"embedding": ENCODINGS[0]}}
    if why == "encoded late":
        monkeypatch.setattr("sknets.training._feed.MOST_ENCODED", 0)
    else:
        monkeypatch.setattr(_compiled, "_MOST_COPIED", 10)
    learn_together(of_relus(vary("n_rows", [62, 50], **common.get(why, {}))))
    assert not calls


def test_rows_of_any_layout_and_shared_ones_give_the_same(calls):
    specs = of_relus([{"rate": rate} for rate in (0.01, 0.02, 0.03)])
    wanted = learn_alone(specs)
    made = [make_member(**spec) for spec in specs]
    nets, rows, epochs = zip(*made, strict=True)
    by_column = torch.from_numpy(np.asfortranarray(X[:60]))
    shared = training.Rows(by_column, rows[0].y)
    weighted = training.Rows(by_column, rows[0].y, torch.ones(60))  # single, beside others without
    for net in nets:
        net.begin(shared, 6)
    calls.clear()
    errors = _stack.run_together(list(nets), [shared, weighted, shared], list(epochs))
    assert errors == [None] * 3
    assert calls
    for net, other in zip(nets, wanted, strict=True):
        assert torch.equal(net.flat.values, other.flat.values)


def test_what_several_share_is_there_once():
    x, others = np.ones((3, 2)), np.zeros((4, 2))
    arrays, nothing = [x, x, others, x], [np.empty((len(a), 0)) for a in (x, x, others, x)]
    (found, empty), starts = behind_each_other(arrays, nothing)
    assert starts == [0, 0, 3, 0]
    np.testing.assert_array_equal(found, np.concatenate([x, others]))
    assert empty.shape == (7, 0)
    (found, _), starts = behind_each_other(arrays[:2], nothing[:2])
    assert found is x
    assert starts == [0, 0]


def test_epochs_pause_where_somebody_looks(calls):
    net, rows, _ = make_member(activation="relu", epochs=20)
    net.begin(rows, 20)
    seen = []
    (error,) = _stack.run_together(
        [net], [rows], [20], pauses=[[3, 4, 11]], on_pause=lambda k: seen.append(net.n_epochs)
    )
    assert error is None
    assert seen == [3, 4, 11]
    assert calls == [4 * n for n in (3, 1, 7, 9)]


def test_parts_of_a_training_need_no_new_room(calls):
    network = MLPRegressor(hidden_layer_sizes=5, random_state=0)
    network.partial_fit(X, X[:, 0])
    network.partial_fit(X, X[:, 0])
    compiled = network.net_.gradient._compiled
    assert compiled._rows is None  # the data is let go
    room = compiled._room
    network.partial_fit(X, X[:, 0])
    assert compiled._room is room
    network.partial_fit(X[:40], X[:40, 0])
    assert network.net_.gradient._compiled is compiled
    assert compiled._room is not room
    assert len(calls) == 4
    network.fit(X, X[:, 0])
    assert network.net_.gradient._compiled is None


# --- whether there is machine code ---------------------------------------------------------------------


def test_a_full_disk_keeps_no_code_and_hinders_no_fit(monkeypatch):
    code, failures = machine_code(), []

    def fail(dtype):
        failures.append(dtype)
        if len(failures) <= 4:
            raise OSError("No space left on device")

    monkeypatch.setattr(code, "_take_a_step", fail)
    code.compile_for.__wrapped__(np.dtype("float64"))
    assert len(failures) == 5
    failures.clear()
    monkeypatch.setattr(_jit, "_N_KEPT", 1)
    with pytest.raises(OSError, match="No space"):
        code.compile_for.__wrapped__(np.dtype("float64"))


@pytest.fixture
def fresh(monkeypatch):
    """Forget whether there is machine code, before and after."""
    machine_code.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    machine_code.cache_clear()


def test_without_numba_all_steps_are_taken_on_arrays(fresh):
    fresh.setattr("importlib.util.find_spec", lambda name: None)
    assert machine_code() is None
    net, _, _ = make_member(activation="relu")
    assert not Compiled.serves(net.gradient)


def test_numbas_own_switch_is_heeded(fresh):
    fresh.setattr(numba.config, "DISABLE_JIT", 1)
    assert machine_code() is None


def test_numba_that_cannot_be_imported_is_told_of(fresh):
    def refuse(name, *args, **kwargs):
        if name == "numba":
            raise ImportError("Numba needs NumPy 1.0 or less")
        return original(name, *args, **kwargs)

    original = builtins.__import__
    fresh.delitem(sys.modules, "numba")
    fresh.setattr(builtins, "__import__", refuse)
    with pytest.warns(
        RuntimeWarning, match="cannot be used, so networks train on NumPy: Numba needs"
    ):
        assert machine_code() is None


def test_code_is_compiled_without_a_place_to_keep_it(monkeypatch):
    def refuse(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return original(*args, **options)

    original = numba.njit
    monkeypatch.setattr(numba, "njit", refuse)
    assert _jit.compiled_once(lambda x: x + 1)(2) == 3
