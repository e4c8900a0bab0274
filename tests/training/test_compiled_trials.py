"""Validation in machine code says what it says epoch by epoch, whoever looks on."""

import time

import numpy as np
import pytest
import scipy.sparse as sp
import skorch
import torch

from sknets import Autoencoder, MLPClassifier, MLPRegressor
from sknets.training import _compiled, _compiled_trials
from sknets.training._compiled import machine_code

pytest.importorskip("numba")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((150, 4))
NUMBERS = X[:, 0] - 0.5 * X[:, 1] ** 2 + 0.3 * RNG.standard_normal(150)
CLASSES = np.array(["low", "middle", "high"])[np.digitize(NUMBERS, [-0.5, 0.5])]
LABELS = np.column_stack([NUMBERS > 0, NUMBERS > 1]).astype(int)
WEIGHT = RNG.uniform(0.5, 2.0, 150)

CASES = {
    "numbers": (MLPRegressor, NUMBERS, {}),
    "absolute": (MLPRegressor, NUMBERS, {"loss": "absolute_error", "activation": "tanh"}),
    "huber": (MLPRegressor, NUMBERS, {"loss": "huber", "scoring": "r2"}),
    "counts": (MLPRegressor, np.floor(np.exp(NUMBERS)), {"loss": "poisson", "activation": "elu"}),
    "quantile": (MLPRegressor, NUMBERS, {"loss": "quantile", "quantile": 0.8}),
    "several numbers": (MLPRegressor, LABELS - NUMBERS[:, None], {"dropout": 0.2}),
    "far from zero": (MLPRegressor, 1e9 + NUMBERS, {}),
    "huge": (MLPRegressor, 1e250 * NUMBERS, {}),
    "error": (MLPRegressor, NUMBERS, {"scoring": "neg_mean_absolute_error"}),
    "by its loss": (MLPRegressor, NUMBERS, {"scoring": "loss", "solver": "sgd"}),
    "two classes": (MLPClassifier, CLASSES == "low", {"activation": "silu"}),
    "classes": (MLPClassifier, CLASSES, {"label_smoothing": 0.1, "dropout": 0.3}),
    "rare classes": (MLPClassifier, CLASSES, {"class_weight": "balanced"}),
    "probabilities": (MLPClassifier, CLASSES, {"scoring": "neg_log_loss"}),
    "labels": (MLPClassifier, LABELS, {}),
    "planned rates": (MLPRegressor, NUMBERS, {"learning_rate": "one_cycle"}),
    "sparse labels": (MLPClassifier, sp.csr_array(LABELS), {}),
    "images": (Autoencoder, None, {}),
}


class Looks(skorch.callbacks.Callback):
    """A callback that looks at each epoch, and at no step."""

    watches_steps = False

    def on_epoch_end(self, net, **kwargs):
        pass


class Steps(skorch.callbacks.Callback):
    """A callback that looks at each step."""

    def on_grad_computed(self, net, named_parameters, **kwargs):
        pass


@pytest.fixture(autouse=True)
def is_compiled():
    """Let the code be there, which is compiled by a call."""
    for dtype in ("float32", "float64"):
        machine_code().compile_for(np.dtype(dtype))


@pytest.fixture
def lengths(monkeypatch):
    """Return in how many epochs the steps of each call of the machine code lie."""
    code, seen = machine_code(), []

    def spy(*args):
        seen.append(len(np.unique(args[14])))
        return descend(*args)

    descend = code.descend
    monkeypatch.setattr(code, "descend", spy)
    return seen


def fit(kind, y, params, validation=None, **further):
    """Fit with validation data of the user's own, or without."""
    options = {"hidden_layer_sizes": (9,), "max_iter": 30, "n_iter_no_change": 4, "batch_size": 40}
    options |= {"learning_rate_init": 0.02, "random_state": 0, "dtype": "float64"}
    network = kind(**options | {"early_stopping": True} | params | further)
    if y is None:
        return network.fit(X)
    if validation is None:
        return network.fit(X, y)
    y = y.tocsr() if sp.issparse(y) else y
    return network.fit(X[50:], y[50:], X_val=X[:50], y_val=y[:50], sample_weight_val=validation)


def assert_same(network, other):
    """Compare all that was learned and recorded, to the last bit."""
    rows, others = ([dict(row) for row in each.net_.history] for each in (network, other))
    assert len(rows) == len(others)
    for row, of_other in zip(rows, others, strict=True):
        for name in row.keys() - {"dur", "batches"}:
            assert row[name] == of_other[name] or np.isnan([row[name], of_other[name]]).all()
    assert torch.equal(network.net_.flat.values, other.net_.flat.values)
    assert network.n_iter_ == other.n_iter_
    assert network.net_.stop_reason == other.net_.stop_reason
    stopping, of_other = network.net_.stopping, other.net_.stopping
    assert stopping.place == of_other.place
    learners = network.net_.learner, other.net_.learner
    assert len({learner.solver.place["step"] for learner in learners}) == 1
    assert torch.equal(*(learner.generator.get_state() for learner in learners))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CASES)
def test_many_epochs_at_once_are_those_one_by_one(name, lengths):
    network = fit(*CASES[name])
    assert max(lengths) == 5  # patience can run out in so many at the earliest
    assert len(lengths) < network.n_iter_
    lengths.clear()
    assert_same(network, fit(*CASES[name], callbacks=[Looks()]))
    assert set(lengths) == {1}
    lengths.clear()
    assert_same(network, fit(*CASES[name], callbacks=[Steps()]))
    assert not lengths


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", sorted(CASES.keys() - {"images"}))
def test_validation_data_of_the_users_own(name, lengths):
    for early_stopping in (True, False):
        case = *CASES[name], WEIGHT[:50]
        lengths.clear()
        network = fit(*case, early_stopping=early_stopping)
        is_planned = name == "planned rates" and not early_stopping
        assert max(lengths) == (30 if is_planned else 5)  # by plan, all are done
        assert_same(network, fit(*case, early_stopping=early_stopping, callbacks=[Steps()]))
        assert "valid_loss" in network.net_.history[-1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CASES)
def test_trials_are_those_on_arrays(name, monkeypatch):
    network = fit(*CASES[name], n_iter_no_change=30)
    monkeypatch.setattr(_compiled, "machine_code", lambda: None)
    other = fit(*CASES[name], n_iter_no_change=30)
    for loss in ("valid_loss", "train_loss"):
        columns = network.net_.history[:, loss], other.net_.history[:, loss]
        np.testing.assert_allclose(*columns, rtol=1e-7, err_msg=loss)
    if CASES[name][2].get("scoring") != "loss":
        columns = network.net_.history[:, "valid_score"], other.net_.history[:, "valid_score"]
        np.testing.assert_allclose(*columns, rtol=1e-7)
    np.testing.assert_allclose(network.net_.flat.values, other.net_.flat.values, atol=1e-7)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_losses_and_scores_are_those_of_scikit_learn():
    network = fit(MLPRegressor, NUMBERS, {}, WEIGHT[:50], early_stopping=False)
    row = network.net_.history[-1]
    assert row["valid_score"] == pytest.approx(network.score(X[:50], NUMBERS[:50], WEIGHT[:50]))
    scale = NUMBERS[50:].std()
    errors = ((NUMBERS[:50] - network.predict(X[:50])) / scale) ** 2 / 2
    assert row["valid_loss"] == pytest.approx(np.average(errors, weights=WEIGHT[:50]))


def test_the_best_epoch_of_a_call_is_put_back(lengths):
    network = fit(MLPRegressor, NUMBERS, {"learning_rate_init": 0.2}, n_iter_no_change=8)
    scores = network.net_.history[:, "valid_score"]
    best = int(np.argmax(scores))
    assert best < len(scores) - 1
    again = fit(MLPRegressor, NUMBERS, {"learning_rate_init": 0.2}, max_iter=best + 1)
    assert torch.equal(network.net_.flat.values, again.net_.flat.values)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_interrupt_leaves_all_that_was_tried(lengths, monkeypatch):
    wanted = fit(MLPRegressor, NUMBERS, {}, n_iter_no_change=9)
    n_told = lengths[0] + lengths[1]
    code, calls = machine_code(), []

    def interrupt(*args):
        descend(*args)
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt

    descend = code.descend
    monkeypatch.setattr(code, "descend", interrupt)
    network = MLPRegressor(
        hidden_layer_sizes=(9,), max_iter=30, n_iter_no_change=9, batch_size=40, random_state=0,
        learning_rate_init=0.02, dtype="float64", early_stopping=True,
    ).fit(X, NUMBERS)  # fmt: skip
    assert network.n_iter_ == n_told
    assert network.net_.stop_reason == "interrupt"
    for name in ("valid_loss", "valid_score", "train_loss"):
        assert network.net_.history[:, name] == wanted.net_.history[:n_told, name]
    best = int(np.argmax(network.net_.history[:, "valid_score"])) + 1
    again = fit(MLPRegressor, NUMBERS, {}, max_iter=best)
    assert torch.equal(network.net_.flat.values, again.net_.flat.values)


def test_a_scorer_of_the_users_own_sees_each_epoch(lengths):
    seen = []

    def scorer(estimator, X, y):
        seen.append(estimator.net_.flat.values.clone())
        return estimator.score(X, y)

    network = fit(MLPRegressor, NUMBERS, {"scoring": scorer})
    assert set(lengths) == {1}
    assert len(seen) == network.n_iter_
    assert not any(torch.equal(*pair) for pair in zip(seen[1:], seen, strict=False))
    assert_same(network, fit(MLPRegressor, NUMBERS, {}))


@pytest.mark.parametrize("limit", ["rows", "left"])
def test_large_data_are_tried_elsewhere_or_leave_less(limit, lengths, monkeypatch):
    wanted = fit(MLPRegressor, NUMBERS, {})
    lengths.clear()
    if limit == "rows":
        monkeypatch.setattr(_compiled_trials, "_MOST_VALUES", 100)
    else:
        monkeypatch.setattr(_compiled, "_MOST_TRIED", 2 * 80)
    network = fit(MLPRegressor, NUMBERS, {})
    assert max(lengths) == (1 if limit == "rows" else 2)
    assert network.n_iter_ == wanted.n_iter_
    np.testing.assert_allclose(network.net_.flat.values, wanted.net_.flat.values, atol=1e-9)


def test_what_explodes_has_no_score(lengths):
    params = {"solver": "sgd", "learning_rate_init": 1e6, "max_grad_norm": None}
    for callbacks in (None, [Looks()]):
        with pytest.raises(ValueError, match="learning_rate_init"):
            fit(MLPRegressor, NUMBERS, params, callbacks=callbacks)
    assert max(lengths) == 5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("early_stopping", "rate"), [(False, 5e18), (True, 7e18)])
def test_who_goes_on_behind_a_loss_that_is_no_number(early_stopping, rate, lengths):
    params = {"learning_rate": "exponential", "learning_rate_init": rate, "decay_rate": 1e-30}
    params |= {"decay_epochs": 2.0, "dtype": "float32", "alpha": 0.0, "hidden_layer_sizes": ()}
    params |= {"n_iter_no_change": 50, "max_iter": 6, "early_stopping": early_stopping}
    params |= {"batch_size": 20, "tol": 0.0, "max_grad_norm": None}
    network = fit(MLPRegressor, NUMBERS, params)
    assert lengths[0] == 6
    assert np.isinf(network.net_.history[0]["train_loss"])
    assert network.n_iter_ == 6
    assert_same(network, fit(MLPRegressor, NUMBERS, params, callbacks=[Looks()]))


def test_what_diverges_has_drawn_no_more_and_taken_no_step(lengths):
    params = {"solver": "sgd", "learning_rate_init": 300.0, "max_grad_norm": None, "dropout": 0.2}
    params |= {"learning_rate": "one_cycle"}
    network = fit(MLPRegressor, NUMBERS, params)
    assert network.net_.stop_reason == "diverged"
    assert network.n_iter_ < lengths[0]
    assert_same(network, fit(MLPRegressor, NUMBERS, params, callbacks=[Looks()]))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_interrupt_waits_for_few_scores(lengths):
    fit(MLPRegressor, NUMBERS, {"n_iter_no_change": np.inf}, max_iter=200)
    assert lengths == [64, 64, 64, 8]


def test_the_time_of_epochs_is_that_of_the_call(lengths):
    started = time.perf_counter()
    network = fit(MLPRegressor, NUMBERS, {}, n_iter_no_change=60, max_iter=60)
    seconds = time.perf_counter() - started
    assert len(lengths) == 1
    assert sum(network.net_.history[:, "dur"]) < seconds


@pytest.mark.parametrize("y", [NUMBERS, NUMBERS * 1e-300, np.column_stack([NUMBERS, NUMBERS])])
def test_several_scores_at_once(y):
    network = MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, early_stopping=True)
    seen = []

    class Keeps(Looks):
        def on_epoch_end(self, net, **kwargs):
            score = net.valid_score
            raws = [
                torch.from_numpy(
                    RNG.standard_normal((len(net.valid_rows), net.valid_rows.y.shape[1]))
                )
                for _ in range(5)
            ]
            seen.append((score.of_several(raws), list(map(score, raws))))
            raws[2][0] = np.inf
            seen.append((score.of_several(raws), list(map(score, raws))))

    network.set_params(callbacks=[Keeps()])
    network.fit(X, y)
    for at_once, one_by_one in seen:
        np.testing.assert_array_equal(at_once, one_by_one)
    assert np.isnan(seen[1][0][2])
