"""Several quantiles of one network: they do not cross, and hold what they promise on new rows."""

import pickle

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.base import clone
from sklearn.metrics import d2_pinball_score
from sklearn.model_selection import cross_val_score

from sknets import CNNRegressor, Forecaster, MLPRegressor, ModuleRegressor, RNNRegressor
from sknets.inspection import occlusion
from tests.estimators.estimators import SMALL_CNN, SMALL_RNN, SmallModule

LEVELS = [0.1, 0.5, 0.9]
FAST = {"learning_rate_init": 0.01, "max_iter": 10, "random_state": 0}
FAMILIES = [
    MLPRegressor(**FAST),
    CNNRegressor(**SMALL_CNN | FAST),
    RNNRegressor(**SMALL_RNN | FAST),
    ModuleRegressor(SmallModule, **FAST),
]


def make_rows(n_rows, seed):
    """Return X, a normal y whose spread depends on X, and its true quantiles."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n_rows, 2))
    centre, spread = 10 + 2 * X[:, 0], 0.5 + 0.4 * X[:, 1]
    truth = centre[:, None] + spread[:, None] * norm.ppf(LEVELS)
    return X, centre + spread * rng.standard_normal(n_rows), truth


X, Y, _ = make_rows(300, 0)
SERIES = np.random.default_rng(0).standard_normal((40, 6, 2))


def several(network, quantile=LEVELS, **params):
    return clone(network).set_params(loss="quantile", quantile=quantile, **params)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_held_out_rows_lie_below_them_as_often_as_they_say(solver):
    X, y, _ = make_rows(2000, 1)
    held, y_held, truth = make_rows(20_000, 2)
    network = several(MLPRegressor(hidden_layer_sizes=(20,), solver=solver, random_state=0))
    if solver == "adam":
        network.set_params(early_stopping=True, learning_rate_init=0.01)
    predictions = network.fit(X, y).predict(held)
    np.testing.assert_allclose(np.mean(y_held[:, None] <= predictions, axis=0), LEVELS, atol=0.03)
    for half in (held[:, 1] < 0, held[:, 1] > 0):  # each spread has its own
        below = np.mean(y_held[half, None] <= predictions[half], axis=0)
        np.testing.assert_allclose(below, LEVELS, atol=0.05)
    assert np.abs(predictions - truth).mean() < 0.1


@pytest.mark.parametrize(
    "quantile", [LEVELS, (0.01, 0.02, 0.98), np.linspace(0.05, 0.95, 19), [0.9]]
)
@pytest.mark.parametrize("network", FAMILIES, ids=lambda network: type(network).__name__)
def test_they_are_in_order_and_scored_by_their_loss(network, quantile):
    fitted = several(network, quantile, early_stopping=True, max_iter=3)
    fitted.fit(X, Y, X_val=X[:50], y_val=Y[:50])
    predictions = fitted.predict(X)
    assert predictions.shape == (300, len(quantile))
    assert (np.diff(predictions, axis=1) >= 0).all()
    far = fitted.predict(100 * X)  # where no row was
    assert (np.diff(far, axis=1) >= 0).all()
    expected = [
        d2_pinball_score(Y, p, alpha=q) for p, q in zip(predictions.T, quantile, strict=True)
    ]
    assert fitted.score(X, Y) == pytest.approx(np.mean(expected))


def test_one_quantile_is_scored_by_its_loss_too():
    network = MLPRegressor("quantile", quantile=0.9, **FAST).fit(X, Y)
    expected = d2_pinball_score(Y, network.predict(X), alpha=0.9, sample_weight=X[:, 0] + 1)
    assert network.score(X, Y, X[:, 0] + 1) == pytest.approx(expected)
    scores = cross_val_score(several(MLPRegressor(**FAST)), X, Y, cv=2)
    assert np.isfinite(scores).all()


def test_timesteps_have_quantiles():
    y = SERIES[:, :, 0]
    network = several(RNNRegressor(**SMALL_RNN | FAST), output="timesteps").fit(SERIES, y)
    predictions = np.stack(list(network.predict(SERIES)))
    assert predictions.shape == (40, 6, 3)
    assert (np.diff(predictions, axis=2) >= 0).all()
    assert np.isfinite(network.score(SERIES, y))


def test_weights_are_repetition():
    weight = np.random.default_rng(0).integers(0, 3, 300)
    network = several(MLPRegressor(solver="lbfgs", max_iter=10, random_state=0))
    weighted = clone(network).fit(X, Y, weight).predict(X)
    repeated = clone(network).fit(np.repeat(X, weight, 0), np.repeat(Y, weight)).predict(X)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-6)


def test_a_fit_goes_on_and_through_a_pickle():
    network = several(MLPRegressor(**FAST)).fit(X, Y)
    again = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(again.predict(X), network.predict(X))
    assert again.partial_fit(X, Y).loss_ == network.partial_fit(X, Y).loss_
    assert network.out_activation_ == "ordered"
    network.set_params(quantile=[0.1, 0.9])
    with pytest.raises(ValueError, match="number of entries in quantile from 3 to 2"):
        network.partial_fit(X, Y)


def test_a_constant_is_its_own_quantile():
    network = several(MLPRegressor(**FAST)).fit(X, np.full(300, 0.1))
    np.testing.assert_array_equal(network.predict(X), np.full((300, 3), 0.1))


@pytest.mark.parametrize(
    ("network", "y", "message"),
    [
        (several(FAMILIES[0], [0.5, 0.1]), Y, r"quantile=\[0.5, 0.1\] must be"),
        (several(FAMILIES[0], [0.5, 0.5]), Y, r"quantile=\[0.5, 0.5\] must be"),
        (several(FAMILIES[0], [0.0, 0.5]), Y, r"quantile=\[0.0, 0.5\] must be"),
        (several(FAMILIES[0], [0.1, np.nan]), Y, r"quantile=\[0.1, nan\] must be"),
        (several(FAMILIES[0], []), Y, r"quantile=\[\] must be"),
        (several(FAMILIES[0], [[0.1, 0.2]]), Y, r"quantile=\[\[0.1, 0.2\]\] must be"),
        (several(FAMILIES[0], ["low"]), Y, r"quantile=\['low'\] must be numbers"),
        (MLPRegressor(quantile=LEVELS), Y, r"quantile=\[.*\] needs loss='quantile'"),
        (several(FAMILIES[0]), np.c_[Y, Y], "several quantiles of one y, but y has 2 outputs"),
    ],
)
def test_what_cannot_be_is_refused_in_words(network, y, message):
    with pytest.raises(ValueError, match=message):
        network.fit(X, y)


def test_what_goes_on_from_a_prediction_needs_one():
    decoder = several(RNNRegressor(**SMALL_RNN | FAST), output="sequence")
    with pytest.raises(ValueError, match="Give one quantile"):
        decoder.fit(SERIES, SERIES[:, :, 0])
    network = several(RNNRegressor(**SMALL_RNN | FAST))
    with pytest.raises(ValueError, match="estimator"):
        Forecaster(network, window=5).fit(y=SERIES.ravel()).forecast(2)


def test_distances_between_quantiles_are_not_explained():
    network = several(CNNRegressor(**SMALL_CNN | FAST)).fit(X, Y)
    with pytest.raises(ValueError, match="fitted with a single quantile"):
        occlusion(network, X[:2], target=0)
