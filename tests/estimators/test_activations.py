"""`activation` of a user's own: a function of a tensor, a module or its class."""

import copy
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from torch import nn

from sknets import CNNClassifier, MLPClassifier, RNNClassifier
from sknets.inspection import (
    grad_cam,
    integrated_gradients,
    layer_activations,
    layer_relevance,
)
from tests.drawn import drawn
from tests.estimators.estimators import X_IRIS, Y_IRIS

DIGITS = load_digits()
SERIES = [np.sin(np.arange(n) / (1 + n % 2)) for n in range(20, 60)]
DATA = {
    "mlp": (X_IRIS, Y_IRIS),
    "cnn": (DIGITS.images[:80], DIGITS.target[:80] % 3),
    "rnn": (SERIES, np.arange(40) % 2),
}
NETWORKS = {
    "mlp": MLPClassifier((8, 6), max_iter=3, random_state=0),
    "cnn": CNNClassifier((4, 5), hidden_layer_sizes=(6,), max_iter=2, random_state=0),
    "rnn": RNNClassifier(
        (5,), conv_channels=(4,), hidden_layer_sizes=(6,), max_iter=2, random_state=0
    ),
}
over_families = pytest.mark.parametrize("family", NETWORKS)


def fitted(family, **params):
    return clone(NETWORKS[family]).set_params(**params).fit(*DATA[family])


def probabilities(family, **params):
    return fitted(family, **params).predict_proba(DATA[family][0])


@over_families
@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("tanh", torch.tanh),
        ("logistic", torch.sigmoid),
        ("relu", F.relu),
        ("relu", nn.ReLU(inplace=True)),
        ("prelu", nn.PReLU),
        ("silu", nn.SiLU()),
        ("tanh", [torch.tanh, nn.Tanh, "tanh"]),
    ],
)
def test_own_is_as_the_named_one(family, name, own):
    if isinstance(own, list) and family != "cnn":
        own = own[:2]
    for weight_init in ("glorot_uniform", "he_normal"):
        np.testing.assert_allclose(
            probabilities(family, activation=own, weight_init=weight_init),
            probabilities(family, activation=name, weight_init=weight_init),
            rtol=0,
            atol=1e-12,
        )


@over_families
def test_unknown_function_counts_as_the_identity_in_initial_weights(family):
    own = probabilities(family, activation=lambda x: torch.relu(x), weight_init="he_normal")
    assert np.abs(own - probabilities(family, weight_init="he_normal")).max() > 1e-4


def test_maximum_is_pooled_after_a_function_that_may_fall():
    network = fitted("cnn", activation=lambda x: -x)
    names = [name for name, _ in network.net_.module_.base.named_children()]
    assert names.index("activation1") < names.index("pooling1")
    named = [name for name, _ in fitted("cnn").net_.module_.base.named_children()]
    assert named.index("pooling1") < named.index("activation1")
    x = torch.from_numpy(DIGITS.images[:4])[:, None].to(network.net_.flat.values.dtype)
    maps = network.net_.module_.base[:3](x)  # conv, activation, pooling
    torch.testing.assert_close(maps, F.max_pool2d(-network.net_.module_.base.conv1(x), 2))


class Scaled(nn.Module):
    """A slope for each unit, as a parameter of two dimensions."""

    def __init__(self, n=8):
        super().__init__()
        self.slope = nn.Parameter(torch.full((1, n), 0.5))

    def forward(self, x):
        return torch.where(x > 0, x, x * self.slope)


@pytest.mark.parametrize(
    "penalty",
    [
        {"alpha": 1e3, "solver": "gd"},
        {"alpha": 1e3, "solver": "adam"},
        {"alpha": 1e3, "solver": "adamw"},
        {"l1_alpha": 1e2, "solver": "sgd"},
    ],
)
def test_parameters_of_activations_learn_and_have_no_penalty(penalty):
    given = Scaled()

    def after_one_step(**penalty):
        params = {"max_iter": 1, "batch_size": 150, "learning_rate_init": 0.01, "random_state": 0}
        network = MLPClassifier((8,), activation=given, **{"alpha": 0.0, **params, **penalty})
        network.fit(X_IRIS, Y_IRIS)
        return network.coefs_[0], network.net_.module_[1].slope.detach().numpy()

    weights, slopes = after_one_step(**penalty)
    free_weights, free_slopes = after_one_step(solver=penalty["solver"])
    assert np.abs(weights - free_weights).max() > 1e-4
    np.testing.assert_allclose(slopes, free_slopes, rtol=0, atol=1e-12)
    assert np.abs(slopes - 0.5).max() > 1e-5
    assert (given.slope == 0.5).all()


def test_linear_module_as_activation_is_no_layer_of_weights():
    network = MLPClassifier((8,), activation=nn.Linear(8, 8), max_iter=2).fit(X_IRIS, Y_IRIS)
    assert [w.shape for w in network.coefs_] == [(4, 8), (8, 3)]
    assert network.n_layers_ == 3


@over_families
@pytest.mark.parametrize(
    "own", [torch.tanh, nn.PReLU(), nn.Mish], ids=["function", "module", "class"]
)
def test_copies_clones_grids(family, own):
    X, y = DATA[family]
    network = fitted(family, activation=own)
    expected = network.predict_proba(X)
    for copied in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        np.testing.assert_array_equal(copied.predict_proba(X), expected)
        copied.partial_fit(X, y)
    network.partial_fit(X, y)
    np.testing.assert_array_equal(copied.predict_proba(X), network.predict_proba(X))
    assert not hasattr(clone(network), "net_")
    search = GridSearchCV(clone(network), {"activation": ["relu", own]}, cv=2, error_score="raise")
    assert len(search.fit(X, y).cv_results_["params"]) == 2
    assert repr(network).startswith(type(network).__name__)
    assert network.summary()["parameters"].sum() == network.n_parameters_


def test_lambda_works_but_in_a_pickle():
    network = fitted("mlp", activation=lambda x: x.clamp(-1, 1))
    np.testing.assert_array_equal(
        copy.deepcopy(network).predict_proba(X_IRIS), network.predict_proba(X_IRIS)
    )
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(network)


def test_draws_of_activations_follow_random_state():
    before = torch.get_rng_state()
    a, b, c = (probabilities("mlp", activation=nn.RReLU, random_state=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-6
    assert torch.equal(before, torch.get_rng_state())


@over_families
def test_list_of_wrong_length_or_kind(family):
    X, y = DATA[family]
    with pytest.raises(ValueError, match="activation=.* 4 values for"):
        clone(NETWORKS[family]).set_params(activation=[torch.tanh] * 4).fit(X, y)
    with pytest.raises(
        ValueError, match=r"activation=\[.*has the unknown \[3\].*function of a tensor"
    ):
        n_layers = 3 if family == "cnn" else 2
        clone(NETWORKS[family]).set_params(activation=[torch.tanh] * (n_layers - 1) + [3]).fit(X, y)


@over_families
def test_error_names_the_parameter_and_leaves_the_fit(family):
    X, y = DATA[family]
    network = fitted(family)
    before = network.predict_proba(X)
    network.set_params(activation=lambda x: x.flatten(1)[:, :1])
    with pytest.raises(ValueError, match="activation=<lambda> does not work"):
        network.fit(X, y)
    np.testing.assert_array_equal(network.predict_proba(X), before)


def test_padding_changes_nothing_whatever_the_activation():
    network = fitted("rnn", activation=lambda x: torch.cos(x) + 1)  # not zero at zero
    alone = np.concatenate([network.predict_proba([row]) for row in SERIES])
    np.testing.assert_allclose(network.predict_proba(SERIES), alone, rtol=1e-5)


@pytest.mark.parametrize(
    "own", [torch.tanh, nn.SiLU(), nn.Sequential(nn.ReLU(), nn.Tanh()), "composite"]
)
@pytest.mark.parametrize("residual", [False, True])
def test_inspection_looks_through_own_activations(own, residual):
    X, _ = DATA["cnn"]
    if own == "composite":
        own = ["relu", "relu", nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 6))]
    network = fitted("cnn", activation=own, residual=residual)
    relevance = layer_relevance(network, X[:3])
    raw = network.net_.raw_outputs([torch.from_numpy(X[:3])], 3).numpy()
    columns = network.predict_proba(X[:3]).argmax(1)
    np.testing.assert_allclose(
        relevance.sum(axis=(1, 2)), raw[np.arange(3), columns], rtol=1e-3, atol=1e-4
    )
    assert grad_cam(network, X[:3]).shape == (3, 8, 8)
    assert integrated_gradients(network, X[:3]).shape == (3, 8, 8)
    assert layer_activations(network, X[:3])
    assert network.net_.module_.base is not None  # and the network is as it was
    np.testing.assert_array_equal(network.predict_proba(X), network.predict_proba(X))


#: For each name, the same as a user's own.
OWN = {
    "identity": [nn.Identity, lambda x: x * 1.0],
    "logistic": [torch.sigmoid, nn.Sigmoid()],
    "tanh": [torch.tanh, nn.Tanh, F.tanh],
    "relu": [F.relu, torch.relu, nn.ReLU(inplace=True), nn.ReLU],
    "leaky_relu": [F.leaky_relu, nn.LeakyReLU()],
    "prelu": [nn.PReLU, nn.PReLU()],
    "elu": [F.elu, nn.ELU],
    "gelu": [F.gelu, nn.GELU()],
    "silu": [F.silu, nn.SiLU],
}


@st.composite
def pairs(draw):
    names = draw(st.lists(st.sampled_from(sorted(OWN)), min_size=1, max_size=3))
    own = [draw(st.sampled_from([name, *OWN[name]])) for name in names]
    return names, own


@pytest.mark.slow
@drawn(80)
@given(
    pair=pairs(),
    weight_init=st.sampled_from(["glorot_uniform", "he_normal", "orthogonal", "linear"]),
    normalization=st.sampled_from([None, "layer", "batch"]),
    dropout=st.sampled_from([0.0, 0.5]),
    solver=st.sampled_from(["adam", "lbfgs", "adamw"]),
)
def test_drawn_activations_are_as_the_named_ones(pair, weight_init, normalization, dropout, solver):
    if solver == "lbfgs":
        dropout = 0.0
    names, own = pair
    network = MLPClassifier((5,) * len(names), max_iter=2, random_state=0, solver=solver)
    network.set_params(weight_init=weight_init, normalization=normalization, dropout=dropout)
    named = clone(network).set_params(activation=names).fit(X_IRIS, Y_IRIS)
    fitted = clone(network).set_params(activation=own).fit(X_IRIS, Y_IRIS)
    np.testing.assert_allclose(
        fitted.predict_proba(X_IRIS), named.predict_proba(X_IRIS), rtol=0, atol=1e-12
    )
    assert fitted.net_.flat.n_weights == named.net_.flat.n_weights
    copied = copy.deepcopy(fitted)
    np.testing.assert_array_equal(copied.predict_proba(X_IRIS), fitted.predict_proba(X_IRIS))
