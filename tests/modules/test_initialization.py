"""Initial weights have the bounds and variances that their papers ask for."""

import numpy as np
import pytest
import torch

from sknets import modules

FAN_IN, FAN_OUT = 300, 200


def draw(scheme, activation="relu"):
    stack = modules.DenseStack(
        [FAN_IN, FAN_OUT, 1], [activation], [0.0], None, scheme, torch.Generator().manual_seed(0)
    )
    return stack[0].weight.detach().double().numpy(), stack[0].bias.detach().double().numpy()


@pytest.mark.parametrize(("activation", "factor"), [("relu", 6), ("tanh", 6), ("logistic", 2)])
def test_glorot_uniform_is_scikit_learns(activation, factor):
    weight, bias = draw("glorot_uniform", activation)
    bound = np.sqrt(factor / (FAN_IN + FAN_OUT))
    assert 0.99 * bound < np.abs(weight).max() <= bound * (1 + 1e-6)
    assert 0.9 * bound < np.abs(bias).max() <= bound * (1 + 1e-6)
    assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)


@pytest.mark.parametrize(
    ("scheme", "activation", "variance"),
    [
        ("glorot_normal", "tanh", 2 / (FAN_IN + FAN_OUT)),
        ("he_normal", "relu", 2 / FAN_IN),
        ("he_uniform", "relu", 2 / FAN_IN),
        ("he_normal", "tanh", 1 / FAN_IN),
        ("linear", "tanh", 0.01 / FAN_IN),
    ],
)
def test_variance(scheme, activation, variance):
    weight, bias = draw(scheme, activation)
    assert weight.var() == pytest.approx(variance, rel=0.03)
    assert weight.mean() == pytest.approx(0, abs=4 * np.sqrt(variance / weight.size))
    assert not bias.any()


@pytest.mark.parametrize(("activation", "gain"), [("tanh", 1.0), ("relu", np.sqrt(2))])
def test_orthogonal(activation, gain):
    weight, _ = draw("orthogonal", activation)
    np.testing.assert_allclose(weight @ weight.T, gain**2 * np.eye(FAN_OUT), atol=1e-5)


def test_linear_start_keeps_units_in_the_linear_part():
    weight, bias = draw("linear", "tanh")
    z = np.random.default_rng(0).standard_normal((500, FAN_IN)) @ weight.T + bias
    assert np.abs(np.tanh(z) - z).max() < 0.1 * np.abs(z).max()


def test_every_scheme_is_tested():
    assert set(modules.INITIALIZERS) == {
        "glorot_uniform",
        "glorot_normal",
        "he_uniform",
        "he_normal",
        "orthogonal",
        "linear",
    }
