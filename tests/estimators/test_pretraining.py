"""What the hidden layers of an MLP learn of X before they learn y."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from sknets import Autoencoder, MLPClassifier, MLPRegressor
from tests.estimators.estimators import X_DIABETES, X_IRIS, Y_DIABETES, Y_IRIS

DIGITS, LABELS = load_digits(return_X_y=True)
SMALL = {
    "hidden_layer_sizes": (12, 6),
    "activation": "logistic",
    "max_iter": 3,
    "pretrain_iter": 5,
    "random_state": 0,
}
WAYS = pytest.mark.parametrize("way", ["autoencoder", "rbm"])
# so small a rate that the network stays where it begins
STILL = {"learning_rate_init": 1e-12, "max_iter": 1}


def logistic(z):
    return 1 / (1 + np.exp(-z))


@WAYS
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_network_begins_elsewhere_and_the_same_each_time(kind, way):
    X, y = (X_IRIS, Y_IRIS) if kind is MLPClassifier else (X_DIABETES, Y_DIABETES)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    network = kind(pretrain=way, **SMALL).fit(X, y)
    assert torch.equal(torch.get_rng_state(), state)
    again = clone(network).fit(X, y)
    np.testing.assert_array_equal(network.predict(X), again.predict(X))
    plain = kind(**SMALL).fit(X, y)
    assert np.abs(plain.coefs_[0] - network.coefs_[0]).max() > 0.01
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copied.predict(X), network.predict(X))


def test_layers_of_straight_lines_begin_at_the_components():
    X = DIGITS[:600, 10:40]
    network = MLPRegressor(
        hidden_layer_sizes=(4,),
        activation="identity",
        pretrain="autoencoder",
        pretrain_iter=300,
        random_state=0,
        **STILL,
    ).fit(X, LABELS[:600])
    (first, *_), components = network.coefs_, PCA(4).fit(X).components_
    centred = X - X.mean(axis=0)
    codes = centred @ first
    # what straight lines make of four codes is nearly as near as what they make of four components
    left = centred - codes @ np.linalg.lstsq(codes, centred, rcond=None)[0]
    best = centred - centred @ components.T @ components
    assert (left**2).sum() < 1.05 * (best**2).sum()


def test_first_layer_is_that_of_the_autoencoder_for_X_as_it_comes():
    coder = Autoencoder(
        6, (12,), activation="logistic", code_activation="logistic", random_state=0, max_iter=20
    ).fit(DIGITS)
    network = MLPClassifier(pretrain=FrozenEstimator(coder), **SMALL | STILL)
    network.fit(DIGITS[:100], LABELS[:100])
    hidden = DIGITS
    for weight, bias in list(zip(network.coefs_, network.intercepts_, strict=True))[:2]:
        hidden = logistic(hidden @ weight + bias)
    np.testing.assert_allclose(hidden, coder.transform(DIGITS), atol=1e-5)
    assert clone(network).get_params()["pretrain"].estimator is coder


@WAYS
def test_units_tell_rows_apart_where_drawn_ones_saturate_or_sleep(way):
    params = {**SMALL, **STILL, "hidden_layer_sizes": (20,), "pretrain_iter": 50}
    network = MLPClassifier(pretrain=way, **params).fit(DIGITS[:500] / 16, LABELS[:500])
    plain = MLPClassifier(**params).fit(DIGITS[:500] / 16, LABELS[:500])

    def spread(fitted):
        units = logistic(DIGITS[:500] / 16 @ fitted.coefs_[0] + fitted.intercepts_[0])
        return units.std(axis=0).mean()

    assert spread(network) > 1.5 * spread(plain)


@WAYS
def test_X_of_another_unit_makes_the_same_network(way):
    # outside [0, 1], visible units are normal, of standardised columns
    first = MLPClassifier(pretrain=way, **SMALL | STILL).fit(X_IRIS, Y_IRIS)
    X = 100 * X_IRIS + 7
    second = MLPClassifier(pretrain=way, **SMALL | STILL).fit(X, Y_IRIS)
    one = X_IRIS @ first.coefs_[0] + first.intercepts_[0]
    other = X @ second.coefs_[0] + second.intercepts_[0]
    np.testing.assert_allclose(one, other, atol=1e-6)


@WAYS
def test_fits_that_go_on_keep_their_weights(way):
    network = MLPClassifier(pretrain=way, **SMALL, warm_start=True).fit(X_IRIS, Y_IRIS)
    before = network.coefs_[0]
    network.set_params(**STILL).fit(X_IRIS, Y_IRIS)
    np.testing.assert_allclose(network.coefs_[0], before, atol=1e-8)
    parts = MLPClassifier(pretrain=way, **SMALL | STILL)
    parts.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    before = parts.coefs_[0]
    np.testing.assert_allclose(parts.partial_fit(X_IRIS, Y_IRIS).coefs_[0], before, atol=1e-8)


@WAYS
def test_constant_columns_members_and_searches(way):
    X = np.column_stack([X_IRIS, np.full(len(X_IRIS), 3.0)])
    network = MLPClassifier(pretrain=way, **SMALL, n_members=2).fit(X, Y_IRIS)
    assert np.isfinite(network.predict_proba(X)).all()
    one, other = (member.coefs_[0] for member in network.members_)
    assert np.abs(one - other).max() > 1e-3
    search = GridSearchCV(MLPClassifier(**SMALL), {"pretrain": [None, way]}, cv=2)
    assert len(search.fit(X_IRIS, Y_IRIS).cv_results_["params"]) == 2


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"pretrain": "pca"}, "'pretrain'"),
        ({"pretrain": "rbm", "activation": "relu"}, "set activation='logistic'"),
        ({"pretrain": "autoencoder", "activation": "rbf"}, "no place .* activation='rbf'"),
        ({"pretrain": "autoencoder", "hidden_layer_sizes": ()}, "no place .* hidden_layer_sizes"),
        ({"pretrain": "autoencoder", "normalization": "layer"}, "no place .* normalization"),
        ({"pretrain": "rbm", "numeric_embedding": "periodic"}, "no place .* numeric_embedding"),
        ({"pretrain": "rbm", "pretrain_iter": 0}, "'pretrain_iter'"),
        ({"pretrain": FrozenEstimator(PCA())}, "must hold an Autoencoder"),
    ],
)
def test_bad_parameters_are_refused(params, words):
    with pytest.raises(ValueError, match=words):
        MLPClassifier(**SMALL | params).fit(X_IRIS, Y_IRIS)


def test_other_encoders_are_refused():
    with pytest.raises(NotFittedError):
        MLPClassifier(pretrain=FrozenEstimator(Autoencoder()), **SMALL).fit(X_IRIS, Y_IRIS)
    coder = Autoencoder(6, (12,), code_activation="logistic", max_iter=1).fit(X_IRIS)
    with pytest.raises(ValueError, match=r"activation=\['silu', 'logistic'\]"):
        MLPClassifier(pretrain=FrozenEstimator(coder), **SMALL).fit(X_IRIS, Y_IRIS)
    coder.set_params(activation="logistic", n_components=5).fit(X_IRIS)
    with pytest.raises(ValueError, match=r"hidden_layer_sizes=\[12, 5\]"):
        MLPClassifier(pretrain=FrozenEstimator(coder), **SMALL).fit(X_IRIS, Y_IRIS)
    coder.set_params(n_components=6).fit(X_IRIS)
    with pytest.raises(ValueError, match="X has 3 features, but the autoencoder"):
        MLPClassifier(pretrain=FrozenEstimator(coder), **SMALL).fit(X_IRIS[:, :3], Y_IRIS)


@WAYS
def test_rows_of_weight_zero_are_not_seen(way):
    weight = np.where(np.arange(len(X_IRIS)) % 3 == 0, 0.0, 1.0)
    kept = weight > 0
    without = MLPClassifier(pretrain=way, **SMALL).fit(X_IRIS[kept], Y_IRIS[kept])
    weighted = MLPClassifier(pretrain=way, **SMALL).fit(X_IRIS, Y_IRIS, sample_weight=weight)
    np.testing.assert_allclose(
        weighted.predict_proba(X_IRIS), without.predict_proba(X_IRIS), atol=1e-6
    )


@WAYS
def test_sparse_rows_and_missing_values_are_refused(way):
    with pytest.raises(
        ValueError, match=rf"pretrain='{way}' .* X.toarray\(\), or set pretrain=None"
    ):
        MLPClassifier(pretrain=way, **SMALL).fit(sp.csr_array(X_IRIS), Y_IRIS)
    with pytest.raises(ValueError, match="NaN"):
        MLPClassifier(pretrain=way, **SMALL).fit(np.where(X_IRIS > 2, np.nan, X_IRIS), Y_IRIS)
