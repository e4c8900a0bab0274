"""Calls of partial_fit one after the other: a net goes on by itself only where the same would be made.

A pickled copy builds its net again, so what it learns is the reference.
"""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import is_classifier

from sknets import MLPClassifier, MLPRegressor
from sknets.training import AVERAGES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X[:, 0] - X[:, 1] * X[:, 2]


def started(kind=MLPRegressor, *, n_calls=2, **params):
    """Return a network after some calls."""
    params = {"hidden_layer_sizes": (5, 4), "learning_rate_init": 0.01, "batch_size": 16} | params
    network = kind(random_state=0, **params)
    for _ in range(n_calls):
        learn(network)
    return network


def learn(network, X=X, Y=Y):
    y = Y
    if is_classifier(network):
        y = (Y > 0).astype(int)
    return network.partial_fit(X, y)


def started_classifier(**params):
    network = MLPClassifier(hidden_layer_sizes=(5,), random_state=0, **params)
    return learn(network.partial_fit(X, Y > 0, classes=[0, 1]))


def again(network):
    return pickle.loads(pickle.dumps(network))


def seen(network):
    """Return all that a pickle would hold, but for times."""
    state = network.__getstate__()["_learned"]
    state["net_state"]["history"] = [
        {name: value for name, value in row.items() if name != "dur"}
        for row in state["net_state"]["history"]
    ]
    return state


def assert_same(one, other):
    """Compare states to the last bit."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same(one[name], other[name])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for parts in zip(one, other, strict=True):
            assert_same(*parts)
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, str | int | float | None):
        assert one == other or one != one


def test_net_goes_on_while_nothing_has_changed():
    network = started()
    net = network.net_
    for rows in (slice(None), slice(30), slice(20)):  # numbers of rows may differ
        learn(network, X[rows], Y[rows])
        assert network.net_ is net
    assert len(network.loss_curve_) == network.net_.n_epochs == 5
    assert network.t_ == 3 * 40 + 30 + 20
    net = learn(network.set_params(alpha=1.0)).net_
    assert learn(network).net_ is net  # with the new parameters


@pytest.mark.parametrize("average", [None, *AVERAGES])
@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd", "gd", "adagrad", "rmsprop"])
@pytest.mark.parametrize("learning_rate", ["adaptive", "invscaling", "cosine"])
def test_net_that_goes_on_is_one_that_is_made_again(solver, average, learning_rate):
    params = {"solver": solver, "average": average, "learning_rate": learning_rate}
    network = started(dropout=0.2, n_iter_no_change=1, tol=1.0, **params)
    if solver != "gd":
        network.set_params(batch_growth=1.2, scale_learning_rate=True)
    other = again(network)
    for n_rows in (40, 40, 30, 40):
        learn(network, X[:n_rows], Y[:n_rows])
        other = learn(again(other), X[:n_rows], Y[:n_rows])
    assert_same(seen(network), seen(other))


CHANGES = [
    {"alpha": 10.0},
    {"l1_alpha": 0.1},
    {"learning_rate_init": 0.1},
    {"learning_rate": "invscaling"},
    {"learning_rate": lambda epoch: 0.1},
    {"solver": "sgd"},
    {"solver": "adamw", "alpha": 1.0},
    {"beta_1": 0.5},
    {"epsilon": 0.1},
    {"batch_size": 8},
    {"batch_growth": 1.5},
    {"shuffle": False},
    {"max_grad_norm": 0.1},
    {"average": "polyak"},
    {"loss": "huber"},
    {"dtype": "float32"},
    {"precision": "bf16", "dtype": "float32"},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "-".join(change))
def test_changed_parameters_count(change):
    base = started(loss="absolute_error")
    as_before, other = learn(again(base)), again(base)
    learn(base.set_params(**change))
    learn(other.set_params(**change))
    assert_same(seen(base), seen(other))
    assert not np.array_equal(base.coefs_[0], as_before.coefs_[0])
    assert_same(seen(learn(base)), seen(learn(other)))


def test_changed_label_smoothing_counts():
    network = started_classifier()
    other = again(network)
    learn(network.set_params(label_smoothing=0.2))
    assert_same(seen(network), seen(learn(other.set_params(label_smoothing=0.2))))


def test_what_only_prints_and_ends_counts(capsys):
    network = started()
    learn(network.set_params(verbose=True))
    assert "Iteration 3, loss" in capsys.readouterr().out
    learn(network.set_params(max_iter=7))
    assert network.net_.max_epochs == 7


def test_list_that_is_changed_in_place_is_seen():
    network = started(hidden_layer_sizes=[5, 4])
    net = network.net_
    assert learn(network).net_ is net
    network.hidden_layer_sizes[0] = 6
    with pytest.raises(ValueError, match="architecture has changed"):
        learn(network)


def test_class_weight_of_now_counts():
    network = started_classifier(class_weight={0: 1.0, 1: 1.0})
    other = again(network)
    network.class_weight[1] = other.class_weight[1] = 5.0
    assert_same(seen(learn(network)), seen(learn(other)))


def hook(network):
    network.net_.module_[0].register_forward_hook(lambda module, args, out: 2.0 * out)


def replace_layer(network):
    network.net_.module_[0] = copy.deepcopy(network.net_.module_[0])


def move(network):
    network.net_.module_.float()


def freeze(network):
    network.net_.module_[0].weight.requires_grad_(False)


def write(network):
    with torch.no_grad():
        network.net_.module_[0].weight.mul_(0.5)


def let_go_of_gradients(network):
    network.net_.module_.zero_grad(set_to_none=True)


def draw_elsewhere(network):
    for layer in network.net_.module_:
        if hasattr(layer, "generator"):
            layer.generator = torch.Generator()


def quicken(network):
    network.net_.optimizer_.param_groups[0]["lr"] = 0.5


@pytest.mark.parametrize(
    "change",
    [hook, replace_layer, move, freeze, write, let_go_of_gradients, draw_elsewhere, quicken],
    ids=lambda change: change.__name__,
)
@pytest.mark.parametrize("is_sparse", [False, True])  # Torch takes the gradient of sparse rows
def test_what_was_done_to_the_network_counts(change, is_sparse):
    network = started(dropout=0.2)
    other = again(network)
    change(network), change(other)
    rows = sp.csr_array(X) if is_sparse else X
    for _ in range(2):
        learn(network, rows), learn(other, rows)
    assert_same(seen(network), seen(other))


def test_network_that_is_frozen_as_a_whole_has_nothing_to_fit():
    network = started()
    network.net_.module_.requires_grad_(False)
    with pytest.raises(ValueError, match="no trainable parameter"):
        learn(network)


class Rate:
    """A schedule that fails, or leads away, when it is told to."""

    value = 0.01

    def __call__(self, epoch):
        if self.value is None:
            raise RuntimeError("not now")
        return self.value


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("value", [None, 1e300])
@pytest.mark.parametrize("average", [None, "polyak"])
def test_call_that_fails_leaves_no_trace(solver, value, average):
    rate = Rate()
    network = started(solver=solver, learning_rate=rate, average=average)
    before, net = seen(network), network.net_
    expected = seen(learn(again(network)))
    rate.value = value
    with pytest.raises((RuntimeError, ValueError), match=r"not now|non-finite"):
        learn(network, X[:30], Y[:30])
    assert network.net_ is net
    assert_same(seen(network), before)
    rate.value = 0.01
    assert_same(seen(learn(network)), expected)


def test_data_that_are_refused_leave_no_trace():
    network = started()
    before = seen(network)
    with pytest.raises(ValueError, match="NaN"):
        learn(network, X * np.nan)
    assert_same(seen(network), before)


def test_callbacks_and_fits_have_nets_of_their_own():
    network = started()
    net = network.net_
    assert network.fit(X, Y).net_ is not net
    assert network.set_params(warm_start=True).fit(X, Y).net_ is not net
    assert network.set_params(callbacks=[]).partial_fit(X, Y).net_.callbacks_ == []


def test_networks_that_share_a_net_have_their_own_from_the_next_call():
    network = started()
    copied, net = copy.copy(network), network.net_
    assert learn(network).net_ is not net
    assert copied.net_ is net
    assert net.n_epochs == copied.net_.optimizer_.place["step"] // 3 == 2
    assert learn(copied).net_ is not net


def test_data_are_let_go():
    network = started()
    rows = X.copy()
    watched = weakref.ref(rows)
    learn(network, rows)
    del rows
    gc.collect()
    assert watched() is None
