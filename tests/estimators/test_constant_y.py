"""A y without spread is predicted as it is, until one comes that has a spread."""

import numpy as np
import pytest
from sklearn.base import clone

from sknets import CNNRegressor, Forecaster, MLPRegressor, ModuleRegressor, RNNRegressor
from tests.estimators.estimators import SMALL_CNN, SMALL_RNN, X_DIABETES, Y_DIABETES, SmallModule

FEW = {"max_iter": 2, "random_state": 0}
FAMILIES = [
    MLPRegressor(**FEW),
    CNNRegressor(**SMALL_CNN | FEW),
    RNNRegressor(**SMALL_RNN | FEW),
    ModuleRegressor(SmallModule, **FEW),
]
X, Y = X_DIABETES[:40], Y_DIABETES[:40]


@pytest.mark.parametrize("network", FAMILIES, ids=lambda network: type(network).__name__)
@pytest.mark.parametrize("loss", ["squared_error", "huber", "quantile", "poisson"])
def test_a_constant_is_predicted_to_the_last_digit(network, loss, recwarn):
    for value in (0.0, 1e-6, 0.1, 5.0, 1e8, 1e300):
        for dtype in (np.float64, np.float32):
            y = np.full(40, min(value, 1e30), dtype)
            rows = X.astype(dtype)
            weight = np.linspace(0, 2, 40) if dtype is np.float64 else None
            fitted = clone(network).set_params(loss=loss).fit(rows, y, weight)
            np.testing.assert_array_equal(fitted.predict(rows), y)
            assert fitted.score(rows, y) == 1.0
    assert not recwarn  # nothing is left to converge


@pytest.mark.parametrize("value", [-1e6, 7.0, 0.1])
def test_so_is_one_of_several_outputs(value):
    y = np.c_[Y, np.full(40, value), -Y]
    network = MLPRegressor(max_iter=300, learning_rate_init=0.01, random_state=0).fit(X, y)
    predictions = network.predict(X)
    np.testing.assert_array_equal(predictions[:, 1], y[:, 1])
    assert network.score(X, y) > 0.9
    # as the weights say
    linear = MLPRegressor(hidden_layer_sizes=(), **FEW).fit(X, y)
    folded = X @ linear.coefs_[0] + linear.intercepts_[0]
    np.testing.assert_allclose(folded, linear.predict(X), rtol=1e-12)


@pytest.mark.parametrize("output", ["timesteps", "sequence"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e8])
def test_so_are_sequences(output, value):
    series = np.random.default_rng(0).standard_normal((20, 5, 2))
    y = np.full((20, 5), value)
    network = RNNRegressor(output=output, **SMALL_RNN | FEW).fit(series, y)
    np.testing.assert_array_equal(np.stack(list(network.predict(series))), y)


@pytest.mark.parametrize("value", [0.0, 1e-6, 0.1])
def test_so_is_a_series(value):
    network = RNNRegressor(**SMALL_RNN | FEW)
    forecast = Forecaster(network, window=5).fit(y=np.full(40, value)).forecast(4)
    np.testing.assert_allclose(forecast, value, rtol=1e-12, atol=0)


def test_poisson_of_nothing_is_nothing():
    network = MLPRegressor("poisson", hidden_layer_sizes=(), **FEW).fit(X, np.zeros(40))
    assert network.intercepts_[0] == -np.inf  # of which exp makes 0
    np.testing.assert_array_equal(network.coefs_[0], 0.0)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson"])
@pytest.mark.parametrize("how", ["partial_fit", "warm_start"])
def test_a_later_spread_is_learned(loss, how):
    network = MLPRegressor(loss, learning_rate_init=0.02, random_state=0, warm_start=True)
    if how == "partial_fit":
        with pytest.warns(UserWarning, match="y without spread, which is predicted as it is"):
            network.partial_fit(X, np.full(40, 3.0))
        assert set(network.predict(X)) == {3.0}
        for _ in range(200):
            network.partial_fit(X, Y)
    else:
        network.fit(X, np.full(40, 3.0)).fit(X, Y)
    assert network.score(X, Y) > 0.9


def test_another_constant_is_learned():
    network = MLPRegressor(learning_rate_init=0.01, random_state=0, warm_start=True)
    network.fit(X, np.full(40, 3.0)).fit(X, np.full(40, -4.0))
    np.testing.assert_allclose(network.predict(X), -4.0, atol=1.5)
    network.fit(X, np.full(40, 3.0))  # not a first y any more
    np.testing.assert_allclose(network.predict(X), 3.0, atol=1.5)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "quantile"])
def test_rounding_is_neither_a_spread_nor_another_constant(loss):
    y = 1.7e12 * (1 + 2e-16 * np.arange(-2, 3).repeat(8))
    assert len(set(y)) > 1
    network = MLPRegressor(loss, warm_start=True, **FEW).fit(X, y)
    for _ in range(2):
        np.testing.assert_allclose(network.predict(X), 1.7e12, rtol=1e-15)
        assert network.fit(X, y[::-1])._learned.target.is_constant


def test_validation_data_may_vary():
    network = MLPRegressor(early_stopping=True, max_iter=200, random_state=0)
    network.fit(X, np.full(40, 3.0), X_val=X, y_val=Y)
    assert set(network.predict(X)) == {3.0}
    assert network.n_iter_ < 200  # nothing to gain


def test_a_constant_goes_through_a_pickle():
    import pickle

    network = MLPRegressor(**FEW).fit(X, np.c_[Y, np.full(40, 0.1)])
    again = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(again.predict(X), network.predict(X))
