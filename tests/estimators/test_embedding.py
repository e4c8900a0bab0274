"""Embeddings of numbers in the networks for tables."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknets import MLPClassifier, MLPRegressor, modules
from sknets.inspection import integrated_gradients, layer_activations, layer_relevance
from sknets.training._gradients import ClosedForm
from tests.estimators.estimators import MLPS, X_DIABETES, Y_DIABETES, data_for, outputs

KINDS = list(modules.EMBEDDINGS)
SOLVERS = ["lbfgs", "gd", "sgd", "adam", "adamw", "adagrad", "rmsprop"]


@parametrize_with_checks(
    [Network(numeric_embedding=kind, max_iter=100) for Network in MLPS for kind in KINDS]
)
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def make(kind, Network=MLPRegressor, **params):
    given = {"hidden_layer_sizes": (8,), "max_iter": 8, "batch_size": 32, "random_state": 0}
    return Network(numeric_embedding=kind, **given | params)


# --- what they are for ----------------------------------------------------------------------------------


def test_bins_learn_jumps():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1.7, 1.7, size=(1200, 3))
    levels = rng.normal(size=12)[np.digitize(X[:, 0], np.linspace(-1.7, 1.7, 13)[1:-1])]
    y = levels + X[:, 1] + 0.1 * rng.normal(size=1200)
    errors = {}
    for kind in (None, "piecewise_linear"):
        network = MLPRegressor(
            numeric_embedding=kind,
            embedding_bins=32,
            learning_rate="cosine",
            max_iter=100,
            random_state=0,
        )
        errors[kind] = 1 - network.fit(X[:800], y[:800]).score(X[800:], y[800:])
    assert errors["piecewise_linear"] < 0.5 * errors[None]


def test_waves_learn_a_rhythm():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 3))
    y = np.sin(8 * X[:, 0]) + X[:, 1] + 0.1 * rng.normal(size=1200)
    errors = {}
    for kind in (None, "periodic"):
        network = MLPRegressor(
            numeric_embedding=kind,
            frequency_scale=1.0,
            learning_rate="cosine",
            learning_rate_init=0.01,
            max_iter=100,
            random_state=0,
        )
        errors[kind] = 1 - network.fit(X[:800], y[:800]).score(X[800:], y[800:])
    assert errors["periodic"] < 0.5 * errors[None]


def test_bins_make_units_of_columns_no_matter():
    X, y = make_friedman1(300, random_state=0)
    network = make("piecewise_linear", max_iter=30, learning_rate_init=0.01)
    plain = network.fit(X, y).predict(X)
    in_other_units = X * 2.0 ** np.arange(0, 20, 2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        others = network.fit(in_other_units, y).predict(in_other_units)
    assert not any("Scale X" in str(warning.message) for warning in caught)
    np.testing.assert_allclose(others, plain, rtol=1e-9)


def test_a_linear_network_of_bins_is_a_ridge_of_them():
    network = MLPRegressor(
        hidden_layer_sizes=(),
        numeric_embedding="piecewise_linear",
        embedding_bins=4,
        solver="lbfgs",
        alpha=1.0,
        tol=1e-10,
        max_iter=5000,
    )
    network.fit(X_DIABETES, Y_DIABETES)
    encoded = network.net_.module_.encoder.encode(X_DIABETES)
    ridge = Ridge(alpha=1.0).fit(encoded, Y_DIABETES)
    np.testing.assert_allclose(network.predict(X_DIABETES), ridge.predict(encoded), rtol=1e-5)


# --- training ----------------------------------------------------------------------------------------


def by_autograd(monkeypatch, network, X, y):
    with monkeypatch.context() as patch:
        patch.setattr(ClosedForm, "serves", classmethod(lambda *args: False))
        return clone(network).fit(X, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("Network", MLPS)
def test_closed_form_equals_autograd(monkeypatch, Network, kind, solver, dtype):
    X, y = data_for(Network)
    network = make(kind, Network, solver=solver, dtype=dtype, alpha=0.1)
    ours = clone(network).fit(X, y)
    assert isinstance(ours.net_.gradient, ClosedForm)
    theirs = by_autograd(monkeypatch, network, X, y)
    tolerance = 1e-8 if dtype == "float64" else 2e-3
    np.testing.assert_allclose(outputs(ours, X), outputs(theirs, X), rtol=tolerance, atol=tolerance)
    assert ours.loss_curve_ == pytest.approx(theirs.loss_curve_, rel=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_layers_that_autograd_computes(kind):
    for params in ({"normalization": "batch"}, {"activation": torch.sin}, {"precision": "bf16"}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = make(kind, max_iter=60, learning_rate_init=0.01, **params)
            assert network.fit(X_DIABETES, Y_DIABETES).score(X_DIABETES, Y_DIABETES) > 0.25


@pytest.mark.parametrize("params", [{}, {"dropout": 0.3, "early_stopping": True}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_numbers_of_rows(kind, params):
    X, y = X_DIABETES[:60], Y_DIABETES[:60]
    weight = np.random.default_rng(0).integers(0, 4, 60)
    network = make(kind, solver="gd", learning_rate_init=0.1, batch_size="auto")
    weighted = clone(network).fit(X, y, sample_weight=weight).predict(X)
    repeated = clone(network).fit(np.repeat(X, weight, 0), np.repeat(y, weight)).predict(X)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-9)
    clone(network).set_params(**params, solver="adam").fit(X, y, sample_weight=weight)


def test_edges_are_those_of_the_training_rows():
    network = make("piecewise_linear", early_stopping=True, embedding_bins=400)
    network.fit(X_DIABETES, Y_DIABETES)
    whole = make("piecewise_linear", embedding_bins=400).fit(X_DIABETES, Y_DIABETES)
    n_edges, n_distinct = (
        np.array([len(edges) for edges in each.net_.module_.encoder.edges])
        for each in (network, whole)
    )
    np.testing.assert_array_equal(n_distinct, [len(np.unique(column)) for column in X_DIABETES.T])
    assert (n_edges <= n_distinct).all()
    assert n_edges.sum() < n_distinct.sum()


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_that_goes_on_keeps_what_it_has_learned_of_columns(kind):
    further = 3 * X_DIABETES + 1
    for network in (make(kind, warm_start=True), make(kind)):
        is_partial = not network.warm_start
        go_on = network.partial_fit if is_partial else network.fit
        go_on(X_DIABETES, Y_DIABETES)
        before = {name: buffer.clone() for name, buffer in network.net_.module_.named_buffers()}
        first = network.loss_
        go_on(further, Y_DIABETES)
        after = dict(network.net_.module_.named_buffers())
        assert all(torch.equal(after[name], buffer) for name, buffer in before.items())
        go_on(X_DIABETES, Y_DIABETES)
        assert network.loss_ < first


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"numeric_embedding": None}, "numeric_embedding from piecewise_linear to None"),
        ({"embedding_bins": 5}, "embedding_bins from 8 to 5"),
    ],
    ids=str,
)
def test_a_fit_that_goes_on_needs_the_same_embedding(params, words):
    network = make("piecewise_linear", warm_start=True).fit(X_DIABETES, Y_DIABETES)
    predicted = network.predict(X_DIABETES)
    with pytest.raises(ValueError, match=words):
        network.set_params(**params).fit(X_DIABETES, Y_DIABETES)
    np.testing.assert_array_equal(network.predict(X_DIABETES), predicted)
    plain = make(None, warm_start=True).fit(X_DIABETES, Y_DIABETES)
    with pytest.raises(ValueError, match="numeric_embedding from None to piecewise_linear"):
        plain.set_params(numeric_embedding="piecewise_linear").fit(X_DIABETES, Y_DIABETES)


def test_columns_of_two_values_have_no_waves():
    X = np.column_stack([X_DIABETES[:, 2:4], X_DIABETES[:, 0] > 0, np.ones(len(X_DIABETES))])
    network = make("periodic").fit(X, Y_DIABETES)
    assert network.net_.module_[0].waved == (0, 1)
    assert np.isfinite(network.predict(X)).all()
    flags = make("periodic").fit(X[:, 2:], Y_DIABETES)
    assert flags.net_.module_[0].waved == (0, 1)  # where none would be left


@pytest.mark.parametrize("params", [{"embedding_size": 2}, {"frequency_scale": 1.0}], ids=str)
def test_options_of_waves(params):
    network = make("periodic").fit(X_DIABETES, Y_DIABETES)
    other = make("periodic", **params).fit(X_DIABETES, Y_DIABETES)
    assert not np.allclose(network.predict(X_DIABETES), other.predict(X_DIABETES), rtol=1e-3)


def test_alpha_pulls_the_sums_but_no_wave():
    network = make("periodic", alpha=1e6, solver="adamw", max_iter=30)
    network.set_params(learning_rate_init=1e-5).fit(X_DIABETES, Y_DIABETES)
    layer, free = network.net_.module_[0], clone(network).set_params(alpha=0, max_iter=1)
    begun = free.fit(X_DIABETES, Y_DIABETES).net_.module_[0]
    assert layer.weight.abs().max() < 0.1 * begun.weight.abs().max()
    torch.testing.assert_close(layer.frequency, begun.frequency, atol=0.01, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_sparse_x_is_refused_by_the_name_of_the_parameter(kind):
    assert not get_tags(make(kind)).input_tags.sparse
    assert get_tags(make(None)).input_tags.sparse
    network, X = make(kind), sp.csr_array(X_DIABETES)
    with pytest.raises(ValueError, match=f"numeric_embedding='{kind}' .* sparse X"):
        network.fit(X, Y_DIABETES)
    network.fit(X_DIABETES, Y_DIABETES)
    with pytest.raises(ValueError, match="sparse X"):
        network.predict(X)


# --- afterwards --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("Network", MLPS)
def test_pickles_predict_and_go_on_alike(Network, kind, dropout):
    X, y = data_for(Network)
    network = make(kind, Network, dropout=dropout, warm_start=True).fit(X, y)
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(outputs(copied, X), outputs(network, X))
    for one in (network, copied):
        one.fit(X, y)
    np.testing.assert_array_equal(outputs(copied, X), outputs(network, X))


@pytest.mark.parametrize("kind", KINDS)
def test_module_and_summary(kind):
    network = make(kind).fit(X_DIABETES, Y_DIABETES)
    net, table = network.net_, network.summary()
    raw = net.module_(torch.from_numpy(X_DIABETES)).detach().numpy()
    scaled = (network.predict(X_DIABETES) - Y_DIABETES.mean()) / Y_DIABETES.std()
    np.testing.assert_allclose(raw[:, 0], scaled, rtol=1e-9, atol=1e-9)
    assert table["parameters"].sum() == network.n_parameters_
    assert table["kind"].iloc[0] == modules.EMBEDDINGS[kind].__name__
    assert table["output_shape"].iloc[0] == (network.coefs_[0].shape[0],)
    assert network.n_layers_ == 3


@pytest.mark.parametrize("kind", KINDS)
def test_what_x_tells_is_in_columns_of_x(kind):
    X = pd.DataFrame(X_DIABETES).rename(columns=str)
    network = make(kind, hidden_layer_sizes=(8, 5)).fit(X, Y_DIABETES)
    parts = integrated_gradients(network, X, n_steps=1000)
    change = network.predict(X) - network.predict(X * 0)[:1]
    np.testing.assert_allclose(parts.sum(axis=1), change, atol=0.02 * Y_DIABETES.std())
    relevance = layer_relevance(network, X)
    assert parts.shape == relevance.shape == X.shape
    scaled = (network.predict(X) - Y_DIABETES.mean()) / Y_DIABETES.std()
    np.testing.assert_allclose(relevance.sum(axis=1), scaled, rtol=0.02, atol=1e-6)
    assert list(layer_activations(network, X)) == ["hidden1", "hidden2", "output"]


def test_relevance_stays_with_the_column():
    X = StandardScaler().fit_transform(np.random.default_rng(0).normal(size=(300, 3)))
    network = make("piecewise_linear", hidden_layer_sizes=(), solver="lbfgs").fit(X, X[:, 1] ** 2)
    encoder, coef = network.net_.module_.encoder, network.net_.module_[1].weight.detach().numpy()[0]
    parts = encoder.encode(X) * coef
    relevance = layer_relevance(network, X)
    for c in range(3):
        own = parts[:, encoder.column.numpy() == c].sum(axis=1)
        share = own / parts.sum(axis=1) * relevance.sum(axis=1)
        np.testing.assert_allclose(relevance[:, c], share, rtol=1e-6)


def test_bins_of_a_classifier_with_class_weights():
    X, y = data_for(MLPClassifier)
    network = make("piecewise_linear", MLPClassifier, class_weight={"setosa": 5.0})
    weight = np.where(y == "setosa", 5.0, 1.0)
    plain = clone(network).set_params(class_weight=None).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(network.fit(X, y).predict_proba(X), plain.predict_proba(X))
