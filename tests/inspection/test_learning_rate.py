"""A sweep over learning rates: what it records, suggests, refuses and leaves alone."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknets import (
    Autoencoder,
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    ModuleRegressor,
    RNNRegressor,
)
from sknets.inspection import LearningRateDisplay, find_learning_rate
from sknets.inspection._learning_rate import smooth, suggest

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 5))
Y = X @ np.arange(5) + np.sin(3 * X[:, 0])


def test_first_losses_are_those_of_a_network_that_does_not_move():
    """With all rows in a batch, and tiny rates, each loss is that of the initial weights."""
    network = MLPRegressor(batch_size=300, random_state=0, alpha=0.0)
    found = find_learning_rate(network, X, Y, lowest=1e-12, highest=1.0, n_steps=40)
    still = MLPRegressor(
        batch_size=300, random_state=0, alpha=0.0, learning_rate_init=1e-300, max_iter=1
    )
    with pytest.warns(ConvergenceWarning):
        still.fit(X, Y)
    assert found.losses[0] == pytest.approx(still.loss_, rel=1e-5)
    assert found.losses[1] == pytest.approx(still.loss_, rel=1e-5)


def test_rates_grow_by_one_factor():
    found = find_learning_rate(MLPRegressor(random_state=0), X, Y, lowest=1e-4, highest=1e-1)
    assert found.rates[0] == pytest.approx(1e-4)
    assert found.rates[-1] == pytest.approx(1e-1)
    ratios = found.rates[1:] / found.rates[:-1]
    np.testing.assert_allclose(ratios, 1000 ** (1 / 299))
    assert len(found.rates) == len(found.losses) == len(found.smoothed_losses) == 300


def test_smoothed_losses_are_weighted_means():
    losses = np.array([3.0, 1.0, 2.0])
    weights = 0.95 ** np.arange(3)[::-1]
    expected = [
        3.0,
        np.average(losses[:2], weights=weights[1:]),
        np.average(losses, weights=weights),
    ]
    np.testing.assert_allclose(smooth(losses), expected)


def test_suggestion_is_twice_the_rate_of_three_quarters_of_the_fall():
    rates = np.geomspace(1e-5, 1, 101)
    losses = np.concatenate([np.full(21, 1.0), np.linspace(1.0, 0.0, 38), np.linspace(0, 5, 42)])
    at = np.flatnonzero(losses <= 0.25)[0]
    assert suggest(rates, losses) == pytest.approx(2 * rates[at])
    with pytest.raises(ValueError, match="falls at no rate"):
        suggest(rates, np.linspace(1, 2, 101))


def test_explosion_ends_the_sweep():
    found = find_learning_rate(
        MLPRegressor(solver="sgd", random_state=0), X, Y, lowest=1e-3, highest=1e6
    )
    assert len(found.losses) < 300
    assert found.learning_rate < found.rates[-1]
    assert np.isfinite(found.losses).all()


def test_suggested_rate_learns_better_than_a_hundredth_of_it():
    rate = find_learning_rate(MLPRegressor(random_state=0), X, Y).learning_rate
    losses = [
        MLPRegressor(learning_rate_init=r, max_iter=30, learning_rate="cosine", random_state=0)
        .fit(X, Y)
        .loss_
        for r in (rate, rate / 100)
    ]
    assert losses[0] < losses[1] / 2


def test_estimator_and_global_random_state_stay():
    network = MLPRegressor(max_iter=2, learning_rate="cosine", random_state=0).fit(X, Y)
    values, parameters = network.net_.flat.values.clone(), network.get_params()
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    find_learning_rate(network, X, Y, n_steps=50)
    assert torch.equal(network.net_.flat.values, values)
    assert network.get_params() == parameters
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])


def cnn():
    digits = load_digits()
    return CNNClassifier((4,), random_state=0), digits.images[:100], digits.target[:100]


def rnn():
    series = [RNG.normal(size=(n, 2)) for n in RNG.integers(5, 12, 60)]
    network = RNNRegressor(recurrent_layer_sizes=4, random_state=0)
    return network, series, np.array([row.mean() for row in series])


def own():
    def make(n_inputs, n_outputs):
        layers = torch.nn.Linear(n_inputs, 8), torch.nn.Tanh(), torch.nn.Linear(8, n_outputs)
        return torch.nn.Sequential(*layers)

    return ModuleRegressor(make, random_state=0), X, Y


def piped():
    columns, y = load_iris(return_X_y=True)
    network = MLPClassifier(early_stopping=True, n_members=2, average="polyak", random_state=0)
    return make_pipeline(StandardScaler(), network), columns, y


@pytest.mark.parametrize("make", [cnn, rnn, own, piped])
def test_every_family_gets_a_rate(make):
    network, X, y = make()
    found = find_learning_rate(network, X, y, n_steps=100)
    assert 1e-6 < found.learning_rate < 20


def test_autoencoders_need_no_y():
    found = find_learning_rate(Autoencoder(2, random_state=0), X, n_steps=100)
    assert found.cautious_learning_rate == pytest.approx(found.learning_rate / 10)
    display = LearningRateDisplay.from_estimator(Autoencoder(2, random_state=0), X, n_steps=100)
    assert display.learning_rate == found.learning_rate
    with pytest.raises(ValueError, match="y"):
        find_learning_rate(MLPRegressor(), X)


# --- what is refused ------------------------------------------------------------------------------


def test_solver_without_a_rate_is_refused():
    with pytest.raises(ValueError, match="solver='lbfgs'"):
        find_learning_rate(MLPRegressor(solver="lbfgs"), X, Y)


def test_what_is_no_axes_is_refused_before_the_rates_are_tried():
    with pytest.raises(TypeError, match="ax must be plain axes"):
        LearningRateDisplay.from_estimator(None, X, Y, ax=3)
    with pytest.raises(TypeError, match="ax must be plain axes"):
        LearningRateDisplay([1, 2], [1, 2], [1, 2]).plot(ax=3)


def test_no_network_is_refused():
    with pytest.raises(TypeError, match=r"a class; make one: MLPRegressor\(\)"):
        find_learning_rate(MLPRegressor, X, Y)
    with pytest.raises(TypeError, match="RandomForestRegressor"):
        find_learning_rate(RandomForestRegressor(), X, Y)


def test_network_is_found_in_what_is_wrapped_around_it():
    network = MLPRegressor(hidden_layer_sizes=5, random_state=0)
    inner = make_pipeline(MinMaxScaler(), FrozenEstimator(clone(network).fit(X, Y)))
    found = find_learning_rate(make_pipeline(StandardScaler(), inner), X, Y, n_steps=60)
    scaled = make_pipeline(StandardScaler(), MinMaxScaler()).fit_transform(X)
    assert (
        found.losses.tolist() == find_learning_rate(network, scaled, Y, n_steps=60).losses.tolist()
    )


def test_another_y_is_refused():
    with pytest.raises(TypeError, match="y as its transformer makes it"):
        find_learning_rate(TransformedTargetRegressor(MLPRegressor()), X, Y)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"lowest": 0}, "lowest"),
        ({"lowest": 1.0, "highest": 0.1}, "highest"),
        ({"highest": np.inf}, "highest"),
        ({"highest": np.nan}, "highest"),
        ({"lowest": np.nan}, "lowest"),
        ({"n_steps": 3}, "n_steps"),
    ],
)
def test_bad_limits_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        find_learning_rate(MLPRegressor(), X, Y, **options)


def test_bad_data_are_refused_as_in_a_fit():
    with pytest.raises(ValueError, match="NaN"):
        find_learning_rate(MLPRegressor(), np.full_like(X, np.nan), Y)


# --- the picture ----------------------------------------------------------------------------------


def test_picture_shows_the_losses_and_the_suggestion():
    import matplotlib.pyplot as plt

    found = find_learning_rate(MLPRegressor(random_state=0), X, Y)
    _, ax = plt.subplots()
    display = LearningRateDisplay.from_estimator(MLPRegressor(random_state=0), X, Y, ax=ax)
    assert display.ax_ is ax
    np.testing.assert_array_equal(display.line_.get_xdata(), found.rates)
    np.testing.assert_array_equal(display.line_.get_ydata(), found.smoothed_losses)
    np.testing.assert_array_equal(display.points_.get_ydata(), found.losses)
    assert display.suggestion_.get_xdata()[0] == found.learning_rate
    assert found.cautious_learning_rate == pytest.approx(found.learning_rate / 10)
    assert display.cautious_.get_xdata()[0] == found.cautious_learning_rate
    assert ax.get_xscale() == "log"
    bare = LearningRateDisplay([1, 2], [1, 0], [1, 0]).plot()
    assert bare.suggestion_ is None
    assert bare.cautious_ is None
