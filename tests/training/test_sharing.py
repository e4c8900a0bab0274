"""A network that is trained in shares is the one that is trained at once."""

import threading

import numpy as np
import pytest
import scipy.sparse
import skorch
import torch
from sklearn.base import clone

from sknets import (
    Autoencoder,
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
    TabularRegressor,
    training,
)
from sknets.preprocessing import Augmentation
from sknets.training._compiled import machine_code
from tests.training.teams import Thread, fit_in_threads

pytestmark = pytest.mark.filterwarnings("ignore")

RNG = np.random.default_rng(0)
N = 67  # in batches of 16, of which the last has 3 rows for 3 processes, and with 4 there is one of none
X = RNG.normal(size=(N, 4))
Y = X[:, 0] - X[:, 1] ** 2
CLASSES = np.digitize(Y, [-1.0, 0.0])
WEIGHT = RNG.uniform(0.5, 2.0, N)
IMAGES = RNG.normal(size=(N, 6, 6))
SERIES = RNG.normal(size=(N, 7, 2))
RAGGED = [series[: 2 + number % 6] for number, series in enumerate(SERIES)]
STEPS = [part[:, 0] for part in RAGGED]
SMALL = {"max_iter": 3, "batch_size": 16, "random_state": 0, "dtype": "float64"}
NARROW = SMALL | {"hidden_layer_sizes": (6, 5)}


def _regressor(**params):
    return MLPRegressor(**NARROW | params)


def _conv(Estimator, **params):
    return Estimator(**SMALL | {"conv_channels": (3,), "hidden_layer_sizes": (4,)} | params)


CASES = {
    "plain": (_regressor(), X, Y),
    "one batch": (_regressor(batch_size=N), X, Y),
    "small batches": (_regressor(batch_size=2), X, Y),
    "in order": (_regressor(shuffle=False), X, Y),
    "dropout": (_regressor(dropout=0.3), X, Y),
    "penalties": (_regressor(alpha=1.0, l1_alpha=0.1), X, Y),
    "shortened": (_regressor(max_grad_norm=0.1, solver="sgd", momentum=0.5), X, Y),
    "schedule": (_regressor(learning_rate="cosine", solver="adamw"), X, Y),
    "growing batches": (_regressor(batch_growth=1.5, scale_learning_rate=True), X, Y),
    "average": (_regressor(average="polyak"), X, Y),
    "early stopping": (
        _regressor(early_stopping=True, max_iter=30, n_iter_no_change=2, learning_rate_init=0.05),
        X,
        Y,
    ),
    "quantiles": (_regressor(loss="quantile", quantile=(0.1, 0.5, 0.9)), X, Y),
    "gaussian": (_regressor(loss="gaussian"), X, Y),
    "poisson": (_regressor(loss="poisson"), X, Y**2),
    "huber": (_regressor(loss="huber"), X, Y),
    "absolute error": (_regressor(loss="absolute_error"), X, Y),
    "a loss of one's own": (_regressor(loss=lambda raw, y: (raw - y).pow(4).sum(1)), X, Y),
    "autograd": (_regressor(normalization="layer", dropout=0.2), X, Y),
    "classes": (MLPClassifier(**NARROW, class_weight="balanced"), X, CLASSES),
    "labels": (MLPClassifier(**NARROW, dropout=0.2), X, np.stack([Y > 0, Y > 1], 1).astype(int)),
    "sparse": (MLPClassifier(**NARROW, dropout=0.2), scipy.sparse.csr_array(X), CLASSES),
    "images": (_conv(CNNRegressor, dropout=0.2, spatial_dropout=0.2), IMAGES, Y),
    "augmented": (
        _conv(CNNClassifier, augment=Augmentation(shift=0.2, mixup=0.4)),
        IMAGES,
        CLASSES,
    ),
    "sequences": (
        RNNRegressor(**NARROW, cell="gru", dropout=0.2, recurrent_dropout=0.2),
        SERIES,
        Y,
    ),
    "unequal lengths": (RNNClassifier(**NARROW, cell="lstm"), RAGGED, CLASSES),
    "a y for each step": (RNNRegressor(**NARROW, output="timesteps"), RAGGED, STEPS),
    "a y of its own length": (
        RNNClassifier(**NARROW, output="sequence", teacher_forcing=0.5, dropout=0.1),
        RAGGED,
        [np.sign(part).astype(int) for part in STEPS[::-1]],
    ),
    "autoencoder": (
        Autoencoder(**SMALL, hidden_layer_sizes=(3,), noise="gaussian", noise_level=0.2),
        X,
        None,
    ),
}


def _fit(network, X, y, **params):
    return clone(network).fit(X, **params) if y is None else clone(network).fit(X, y, **params)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_shares_make_the_same_network(monkeypatch, name, n):
    network, X, y = CASES[name]
    alone = _fit(network, X, y)
    shared, team = fit_in_threads(monkeypatch, lambda rank: _fit(network, X, y), n)
    for each in shared:
        theta = each.net_.flat.values
        np.testing.assert_allclose(theta, alone.net_.flat.values, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(each.loss_curve_, alone.loss_curve_, rtol=1e-10)
        assert each.n_iter_ == alone.n_iter_
        assert torch.equal(theta, shared[0].net_.flat.values)
    assert all(member.n_messages > alone.n_iter_ for member in team)


def test_weights_of_rows_are_exact(monkeypatch):
    alone = _regressor().fit(X, Y, sample_weight=WEIGHT)
    shared, _ = fit_in_threads(
        monkeypatch, lambda rank: _regressor().fit(X, Y, sample_weight=WEIGHT)
    )
    np.testing.assert_allclose(shared[0].net_.flat.values, alone.net_.flat.values, atol=1e-12)


def test_a_fit_in_shares_goes_on_alone(monkeypatch):
    """Nothing of the team is left in the network: it draws for all of its rows again."""
    network = _regressor(dropout=0.3, warm_start=True)
    alone = clone(network).fit(X, Y).fit(X, Y)
    shared, _ = fit_in_threads(monkeypatch, lambda rank: clone(network).fit(X, Y))
    monkeypatch.undo()
    np.testing.assert_allclose(shared[0].fit(X, Y).coefs_[0], alone.coefs_[0], atol=1e-12)


def test_partial_fits_are_shared(monkeypatch):
    def fit(rank=None):
        network = _regressor(dropout=0.3)
        for _ in range(3):
            network.partial_fit(X, Y)
        return network

    shared, _ = fit_in_threads(monkeypatch, fit)
    np.testing.assert_allclose(shared[1].coefs_[0], fit().coefs_[0], atol=1e-12)


def test_machine_code_is_there_before_the_first_step(monkeypatch):
    pytest.importorskip("numba")
    code, compiled = machine_code(), []
    monkeypatch.setattr(code, "compile_for", lambda dtype: compiled.append(str(dtype)))
    fit_in_threads(monkeypatch, lambda rank: _regressor().fit(X, Y), 2)
    assert compiled == ["float64", "float64"]


def test_single_precision_is_near(monkeypatch):
    alone = _regressor(dtype="float32").fit(X, Y)
    shared, _ = fit_in_threads(monkeypatch, lambda rank: _regressor(dtype="float32").fit(X, Y))
    np.testing.assert_allclose(shared[0].coefs_[0], alone.coefs_[0], atol=1e-6)


class Noisy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.units = torch.nn.Linear(4, 1)

    def forward(self, x):
        return self.units(torch.nn.functional.dropout(x, 0.5, self.training))


REFUSED = {
    "solver='lbfgs'": _regressor(solver="lbfgs"),
    "solver='lm'": _regressor(solver="lm"),
    "normalization='batch'": _regressor(normalization="batch"),
    "callbacks": _regressor(callbacks=[skorch.callbacks.EpochTimer()]),
    "several processes train it": _regressor(checkpoint="never-made"),
    "draws random numbers": ModuleRegressor(Noisy, max_iter=3, random_state=0),
    "side by side": _regressor(n_members=2),
    "no population": TabularRegressor(n_candidates=1, random_state=0),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_shared_is_refused_by_name(words):
    network = REFUSED[words]
    alone = Thread(0, [None], threading.Barrier(1))
    with training.trained_by(alone), pytest.raises(ValueError, match=words):
        network.fit(X, Y)
    assert not hasattr(network, "n_features_in_")


@pytest.mark.parametrize(
    ("words", "params", "X_of", "y_of"),
    [
        ("random_state", {"random_state": None}, lambda rank: X, lambda rank: Y),
        ("X", {}, lambda rank: X + rank, lambda rank: Y),
        ("y", {}, lambda rank: X, lambda rank: np.roll(Y, rank)),
        ("max_iter", {}, lambda rank: X, lambda rank: Y),
    ],
)
def test_processes_with_other_data_are_told(monkeypatch, words, params, X_of, y_of):
    def fit(rank):
        further = {"max_iter": 3 + rank} if words == "max_iter" else {}
        return _regressor(**params | further).fit(X_of(rank), y_of(rank))

    with pytest.raises(ValueError, match=f"^{words}"):
        fit_in_threads(monkeypatch, fit)


def test_rows_of_a_sparse_tensor_are_cut():
    from sknets.training._sharing import cut

    dense = torch.tensor([[0.0, 1.0], [2.0, 0.0], [0.0, 3.0]])
    assert torch.equal(cut(dense.to_sparse(), slice(1, 3)).to_dense(), dense[1:])


def test_shares_are_all_rows_once():
    team = [object.__new__(training.Team) for _ in range(4)]
    for rank, member in enumerate(team):
        member.rank, member.size = rank, 4
    for n_rows in range(1, 12):
        rows = [row for member in team for row in range(n_rows)[member.share(n_rows)]]
        assert rows == list(range(n_rows))
