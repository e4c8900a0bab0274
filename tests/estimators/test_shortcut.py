"""The linear shortcut: the ridge at which a network starts, what training adds, and who has none."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

from sknets import RNNClassifier, RNNRegressor

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(90, 6, 2)) * [1.0, 30.0] + [0.0, 5.0]
LINEAR = X.reshape(90, -1) @ _RNG.normal(size=(12, 2))
Y = LINEAR + 20 * _RNG.normal(size=(90, 2))
WEIGHT = _RNG.integers(1, 4, 90)


def network(**params):
    """Return a small network with a shortcut."""
    small = {"recurrent_layer_sizes": 4, "max_iter": 5, "random_state": 0}
    return RNNRegressor(**small | {"linear_shortcut": True} | params)


def at_start(**params):
    """Return one that stays at its start: no epoch is better than what cannot be compared."""
    return network(**{"early_stopping": True, "scoring": "loss"} | params)


def ridge(X, y, weight=None):
    """Return the predictions of a ridge with the best leave-one-out error, made by scikit-learn."""
    X = X.reshape(len(X), -1)
    columns = StandardScaler()
    scaled = columns.fit_transform(X, sample_weight=weight)
    model = RidgeCV(np.logspace(-3, 5, 17), alpha_per_target=True).fit(scaled, y, weight)
    return lambda X: model.predict(columns.transform(X.reshape(len(X), -1)))


@pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=["two", "one"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("scaling", ["standardize", None, (3.0, 7.0)])
def test_network_starts_at_the_ridge(y, weight, scaling):
    one = {"X_val": X[:1], "y_val": y[:1]}  # one row has no standard error: the start stays
    fitted = at_start(input_scaling=scaling).fit(X, y, weight, **one)
    np.testing.assert_allclose(fitted.predict(X), ridge(X, y, weight)(X), rtol=1e-8, atol=1e-8)


def test_float32_starts_there_too():
    one = {"X_val": X[:1].astype(np.float32), "y_val": Y[:1]}
    fitted = at_start().fit(X.astype(np.float32), Y, **one)
    np.testing.assert_allclose(fitted.predict(X), ridge(X, Y)(X), rtol=1e-3, atol=1e-3)


def test_layers_learn_what_the_ridge_leaves():
    y = LINEAR[:, 0] + 40 * np.abs(X[:, -1, 0])
    fitted = network(max_iter=200).fit(X, y)
    left = np.var(y - ridge(X, y)(X))
    assert np.var(y - fitted.predict(X)) < 0.3 * left


@pytest.mark.parametrize("scoring", [None, "loss", "neg_mean_absolute_error"])
def test_epoch_has_to_beat_the_start(scoring):
    network = at_start(max_iter=3, scoring=scoring, learning_rate_init=1e-9)
    parts = np.arange(60), np.arange(60, 90)
    for rows, held in (parts, parts[::-1]):  # the second fit begins anew
        data = {"X_val": X[held], "y_val": Y[held]}
        start = network.set_params(max_iter=1).fit(X[rows], Y[rows], **data)
        np.testing.assert_allclose(start.predict(X), ridge(X[rows], Y[rows])(X), atol=1e-3)
    noise = np.random.default_rng(5).normal(size=90)
    data = {"X_val": X[60:], "y_val": noise[60:]}
    worse = network.set_params(max_iter=1, learning_rate_init=5.0).fit(X[:60], noise[:60], **data)
    np.testing.assert_allclose(worse.predict(X), ridge(X[:60], noise[:60])(X), atol=1e-10)


def test_epoch_has_to_beat_the_start_by_a_standard_error():
    noise = _RNG.normal(size=90)
    fitted = at_start(max_iter=50).fit(X[:60], noise[:60], X_val=X[60:], y_val=noise[60:])
    np.testing.assert_allclose(fitted.predict(X), ridge(X[:60], noise[:60])(X), atol=1e-10)
    many = _RNG.normal(size=(400, 3))
    curved = many.sum(axis=1) + 3 * np.abs(many[:, -1])
    data = {"X_val": many[300:], "y_val": curved[300:]}
    fitted = at_start(max_iter=60, n_iter_no_change=np.inf, learning_rate_init=0.02)
    ours = (fitted.fit(many[:300], curved[:300], **data).predict(many[300:]) - curved[300:]) ** 2
    errors = (ridge(many[:300], curved[:300])(many[300:]) - curved[300:]) ** 2
    assert ours.mean() < errors.mean() - errors.std(ddof=1) / np.sqrt(100)


def test_refit_learns_what_the_layers_leave_of_all_rows():
    half = network().fit(X[:45], Y[:45])
    one = {"X_val": X[:1], "y_val": Y[:1]}
    start = at_start().fit(X[:45], Y[:45], **one)
    start.refit_shortcut(X, Y, WEIGHT)
    np.testing.assert_allclose(start.predict(X), ridge(X, Y, WEIGHT)(X), atol=1e-8)
    linear = half.net_.module_.shortcut
    layers = half.predict(X) - half.net_.module_.input(
        half._learned.input.batch(half._read(X), half.net_.flat.values.dtype, "cpu")
    )[0].flatten(1).double().numpy() @ (linear.weight.double().numpy().T * Y[:45].std(axis=0))
    half.refit_shortcut(X, Y)
    np.testing.assert_allclose(half.predict(X), layers + ridge(X, Y - layers)(X), atol=1e-8)


def test_refit_without_layers_is_the_ridge():
    fitted = network(max_iter=20, learning_rate_init=0.1).fit(X[:45], Y[:45])
    assert np.abs(fitted.predict(X) - ridge(X[:45], Y[:45])(X)).max() > 0.1
    fitted.refit_shortcut(X, Y, WEIGHT, layers=False)
    np.testing.assert_allclose(fitted.predict(X), ridge(X, Y, WEIGHT)(X), atol=1e-8)
    fitted.refit_shortcut(X[:45], Y[:45])  # the layers stay silent
    np.testing.assert_allclose(fitted.predict(X), ridge(X[:45], Y[:45])(X), atol=1e-8)


def test_refit_of_bad_data_leaves_the_network_as_it_was():
    fitted = network().fit(X, Y)
    expected = fitted.predict(X)
    for bad in ((X, Y[:5]), (X[:, :4], Y), (X, Y[:, 0]), (X, Y * np.nan)):
        with pytest.raises(ValueError, match="inconsistent|timesteps|outputs|NaN"):
            fitted.refit_shortcut(*bad)
        np.testing.assert_array_equal(fitted.predict(X), expected)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 4])
def test_few_rows_have_a_start(n_rows):
    predictions = network().fit(X[:n_rows], Y[:n_rows]).predict(X)
    assert np.isfinite(predictions).all()


@pytest.mark.parametrize("constant", [0.0, 1e-6, 1e9])
def test_constant_is_exact(constant):
    fitted = network().fit(X, np.full(90, constant))
    np.testing.assert_allclose(fitted.predict(X), constant, rtol=1e-12, atol=0)


def test_pickles_and_further_calls_go_on():
    fitted = network(warm_start=True).fit(X, Y)
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict(X), fitted.predict(X))
    weight = fitted.net_.module_.shortcut.weight.clone()
    for model in (fitted, copy):
        model.fit(X[:50], Y[:50])
        model.partial_fit(X[50:], Y[50:])
    np.testing.assert_array_equal(copy.predict(X), fitted.predict(X))
    assert (fitted.net_.module_.shortcut.weight == weight).all()  # that of the first call
    penalties = [model.net_.learner.penalty.alpha for model in (fitted, copy)]
    assert penalties[0] == penalties[1] < 0.1
    partial = network().partial_fit(X, Y)
    np.testing.assert_allclose(partial.predict(X), ridge(X, Y)(X), atol=20)
    with pytest.raises(ValueError, match="n_shortcut|linear_shortcut"):
        fitted.set_params(linear_shortcut=False).fit(X, Y)
    assert "shortcut" in clone(network()).fit(X, Y).summary().index


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"output": "timesteps"}, "linear_shortcut=True has no place .* output='timesteps'"),
        ({"output": "sequence"}, "linear_shortcut=True has no place .* output='sequence'"),
        ({"loss": "poisson"}, "linear_shortcut=True has no place .* loss='poisson'"),
        ({"loss": "absolute_error"}, "linear_shortcut=True has no place .* loss='absolute_error'"),
        ({"loss": "huber"}, "linear_shortcut=True has no place .* loss='huber'.* squared errors"),
        ({"loss": "quantile", "quantile": 0.9}, "linear_shortcut=True .* loss='quantile'"),
        ({"loss": lambda raw, y: (raw - y).square().mean(1)}, "linear_shortcut=True .* loss=<fun"),
        ({"vocabulary_size": 9}, "linear_shortcut=True has no place .* vocabulary_size=9"),
        ({"linear_shortcut": "yes"}, "'linear_shortcut' parameter"),
    ],
)
def test_networks_that_cannot_have_one_refuse_it(params, message):
    with pytest.raises(ValueError, match=message):
        y = np.abs(X[:, :, 0]) if "output" in params else np.abs(Y[:, 0])
        network().set_params(**params).fit(np.abs(X[:, :, 0]).astype(int), y)


def test_sequences_of_other_lengths_are_refused():
    with pytest.raises(
        ValueError, match="linear_shortcut=True needs sequences of one length: X has .* 6 .* 4"
    ):
        network().fit([X[0], X[1, :4], X[2]], Y[:3])
    fitted = network().fit(X, Y)
    padded = X.copy()
    padded[3, 4:] = np.nan
    for bad in (X[:, :5], padded, [X[0], X[1, :5]]):
        with pytest.raises(
            ValueError, match="X has sequences of [45] timesteps; .* must have 6, as in fit"
        ):
            fitted.predict(bad)
    with pytest.raises(ValueError, match="validation data .* must have 6"):
        network().fit(X, Y, X_val=X[:, :5], y_val=Y)


def test_only_networks_with_a_shortcut_can_refit_it():
    assert not hasattr(RNNRegressor(), "refit_shortcut")
    assert not hasattr(RNNClassifier(), "refit_shortcut")
    assert hasattr(network(), "refit_shortcut")
    without = network(linear_shortcut=False).fit(X, Y).set_params(linear_shortcut=True)
    with pytest.raises(ValueError, match="fitted with linear_shortcut=False; fit it anew"):
        without.refit_shortcut(X, Y)
