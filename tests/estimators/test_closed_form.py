"""What users and callbacks do to a network that learns in closed form counts as it does with autograd."""

import copy
import pickle

import joblib
import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, Checkpoint, EpochScoring
from torch import nn
from torch.nn.utils import parametrize

from sknets import MLPClassifier, MLPRegressor
from sknets.training._gradients import ClosedForm

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
Y = X[:, 0] + 0.1 * RNG.normal(size=200)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def make(**params):
    given = {"hidden_layer_sizes": (6,), "max_iter": 6, "random_state": 0, "batch_size": 50}
    return MLPRegressor(**given | {"dtype": "float64"} | params)


def by_autograd(monkeypatch, make_model):
    """Return what a function fits, with autograd in the place of the closed form."""
    with monkeypatch.context() as patch:
        patch.setattr(ClosedForm, "serves", classmethod(lambda *args: False))
        return make_model()


class At(Callback):
    """Calls a function at the beginning of an epoch."""

    def __init__(self, epoch, function):
        self.epoch = epoch
        self.function = function

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            self.function(net)


def reset(net):
    state = net.optimizer_.state_dict()
    for value in state["state"][0].values():
        if torch.is_tensor(value):
            value.zero_()
    net.optimizer_.load_state_dict(copy.deepcopy(state))


def forget(net):
    place = net.optimizer_.place
    place["velocity"] = torch.zeros_like(place["velocity"])


def slow_down(net):
    net.optimizer_.momentum = 0.0


def drop_less(net):
    net.module_[2].p = 0.1


def stop_gradient(net):
    net.module_[0].weight.register_hook(lambda g: g * 0)


@pytest.mark.parametrize("function", [reset, forget, slow_down, drop_less, stop_gradient])
def test_callbacks_reach_what_learns(monkeypatch, function):
    def fit():
        params = {"solver": "sgd", "callbacks": [At(3, function)]}
        if function is drop_less:
            params["dropout"] = 0.8
        return make(**params).fit(X, Y)

    ours, theirs = fit(), by_autograd(monkeypatch, fit)
    assert isinstance(ours.net_.gradient, ClosedForm)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-10)
    undisturbed = make(solver="sgd", dropout=0.8 if function is drop_less else 0.0).fit(X, Y)
    assert np.abs(ours.predict(X) - undisturbed.predict(X)).max() > 1e-4


def test_raw_outputs_that_callbacks_keep_stay_as_they_are(monkeypatch):
    def fit():
        scoring = EpochScoring("r2", on_train=True, name="on_training")
        return make(shuffle=False, callbacks=[scoring]).fit(X, Y)

    ours, theirs = fit(), by_autograd(monkeypatch, fit)
    for row, wanted in zip(ours.net_.history, theirs.net_.history, strict=True):
        assert row["on_training"] == pytest.approx(wanted["on_training"], abs=1e-9)


def put_zeros(module):
    module[0].weight = nn.Parameter(torch.zeros_like(module[0].weight))


def load_by_assigning(module):
    state = {name: value * 2 for name, value in module.state_dict().items()}
    module.load_state_dict(state, assign=True)


def add_a_layer(module):
    module.append(nn.Sigmoid())


def compute_otherwise(module):
    module[1].forward = torch.tanh


def parametrise(module):
    parametrize.register_parametrization(module[0], "weight", nn.Tanh())


def change_a_slope(module):
    module[1].negative_slope = 0.5


CHANGES = (
    put_zeros,
    load_by_assigning,
    add_a_layer,
    compute_otherwise,
    parametrise,
    change_a_slope,
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_module_that_was_changed_predicts_as_it_is(change):
    network = make(activation="leaky_relu").fit(X, Y)
    before = network.predict(X)
    change(network.net_.module_)
    with torch.no_grad():
        raw = network.net_.module_(torch.from_numpy(X))
    found = network.net_.gradient.predict(torch.from_numpy(X))
    torch.testing.assert_close(found, raw)
    assert np.abs(network.predict(X) - before).max() > 1e-6


@pytest.mark.parametrize(
    ("params", "changed"),
    [
        ({"solver": "rmsprop", "rho": 0.9}, {"rho": 0.99}),
        ({"beta_1": 0.99}, {"beta_1": 0.5}),
        ({"beta_2": 0.999}, {"beta_2": 0.9}),
    ],
)
def test_parameters_of_a_solver_may_change_between_calls(params, changed):
    network = make(batch_size=200, alpha=0, **params)
    for _ in range(20):
        network.partial_fit(X, Y)
    solver, theta = network.net_.optimizer_, network.net_.flat.values.clone()
    state = {n: v.clone() * u for (n, v), u in zip(_buffers(solver), solver.units, strict=True)}
    network.set_params(**changed).partial_fit(X, Y)
    solver, t = network.net_.optimizer_, 21
    gradient = network.net_.flat.grad
    if "rho" in changed:
        r = 0.99 * state["square_sum"] + 0.01 * gradient**2
        expected = theta - 0.001 * gradient / (r.sqrt() + 1e-8)
    else:
        beta_1, beta_2 = solver.beta_1, solver.beta_2
        s = beta_1 * state["mean"] + (1 - beta_1) * gradient
        r = beta_2 * state["square"] + (1 - beta_2) * gradient**2
        s, r = s / (1 - beta_1**t), r / (1 - beta_2**t)
        expected = theta - 0.001 * s / (r.sqrt() + 1e-8)
    torch.testing.assert_close(network.net_.flat.values, expected, rtol=0, atol=1e-12)


def _buffers(solver):
    return [(name, solver.place[name]) for name in solver.buffers]


def test_a_net_can_be_copied_and_pickled(tmp_path):
    checkpoint = Checkpoint(dirname=tmp_path, f_pickle="net.pkl", monitor="train_loss_best")
    network = make(callbacks=[checkpoint]).fit(X, Y)
    x = torch.from_numpy(X)
    expected = network.net_.raw_outputs([x], len(x))
    for other in (copy.deepcopy(network.net_), pickle.loads(pickle.dumps(network.net_))):
        torch.testing.assert_close(other.raw_outputs([x], len(x)), expected)
        with torch.no_grad():
            other.module_[0].weight.zero_()
        assert not torch.allclose(other.raw_outputs([x], len(x)), expected)
    torch.testing.assert_close(network.net_.raw_outputs([x], len(x)), expected)


def test_a_fitted_network_keeps_no_arrays_of_its_training():
    models = [make(early_stopping=True, random_state=k) for k in range(4)]
    with joblib.parallel_config("sknets", n_jobs=4):
        models = joblib.Parallel()(joblib.delayed(m.fit)(X, Y) for m in models)
    for network in (*models, make().fit(X, Y)):
        own = network.net_.gradient._own
        assert own is None or not own[1]._rooms
        assert network.net_.learner._step is None
        assert network.net_.optimizer_._own is None
        network.predict(X)
        assert not network.net_.gradient.recursion._rooms


@pytest.mark.parametrize("rate", [1e-7, 1 - 1e-6])
def test_rates_of_dropout_at_the_ends_of_their_range(rate):
    network = make(dropout=rate).fit(X, Y)
    assert np.isfinite(network.predict(X)).all()
    assert 0 < network.net_.module_[2].keep < 1


class Shifted(MLPClassifier):
    """Predicts with a threshold of its own."""

    shift = 0.0

    def predict(self, X):
        return (self.predict_proba(X)[:, 1] > 0.5 + self.shift).astype(int)


def test_networks_that_predict_otherwise_are_not_taken_for_equal():
    def fit(shift, max_iter):
        network = Shifted(
            hidden_layer_sizes=(4,),
            max_iter=max_iter,
            random_state=0,
            early_stopping=True,
            learning_rate_init=0.01,
        )
        network.shift = shift
        return network.fit(X, (X[:, 0] > 0.8).astype(int)).validation_scores_

    cases = [(0.0, 8), (-0.49, 8), (0.49, 9)]
    with joblib.parallel_config("sknets", n_jobs=4):
        together = joblib.Parallel()(joblib.delayed(fit)(*case) for case in cases)
    for case, found in zip(cases, together, strict=True):
        assert found == pytest.approx(fit(*case))
    assert together[0][0] != together[2][0]


def test_small_arrays_stay_between_partial_fits_and_no_data():
    on_arrays = {"activation": "gelu"}  # of which there is no machine code
    network = make(**on_arrays).partial_fit(X, Y).partial_fit(X, Y)
    rooms = network.net_.gradient.recursion._rooms
    assert rooms
    assert all(room.x is None for of_size, _ in rooms.values() for room in of_size)
    step = network.net_.learner._step
    assert network.partial_fit(X, Y).net_.learner._step is step
    wide = make(hidden_layer_sizes=5_000, **on_arrays).partial_fit(X, Y)
    assert not wide.net_.gradient.recursion._rooms
    assert wide.net_.learner._step is None
