"""Initial weights have the bounds and variances that their papers ask for."""

import numpy as np
import pytest
import torch

from sknets import modules
from sknets.modules._convolution import make_convolution
from sknets.modules._initialization import initialize

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


KERNELS = {"image": (7, 5), "signal": (1, 35), "volume": (7, 1, 5)}
C_IN, C_OUT, K = 24, 40, 35
CONV_FAN_IN, CONV_FAN_OUT = C_IN * K, C_OUT * K


def draw_kernels(kernel, scheme, activation, method="direct"):
    unit, none = (1,) * len(kernel), (0,) * len(kernel)
    layer = make_convolution(C_IN, C_OUT, kernel, unit, none, size=kernel, method=method)
    initialize(layer, scheme, activation, torch.Generator().manual_seed(0))
    weight, bias = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
    assert weight.shape == (C_OUT, C_IN, *kernel)
    return weight, bias


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize(
    ("scheme", "activation", "bound"),
    [
        ("glorot_uniform", "relu", np.sqrt(6 / (CONV_FAN_IN + CONV_FAN_OUT))),
        ("glorot_uniform", "logistic", np.sqrt(2 / (CONV_FAN_IN + CONV_FAN_OUT))),
        ("he_uniform", "relu", np.sqrt(6 / CONV_FAN_IN)),
        ("he_uniform", "tanh", np.sqrt(3 / CONV_FAN_IN)),
    ],
)
def test_bounds_of_kernels(scheme, activation, bound, kernel):
    weight, bias = draw_kernels(kernel, scheme, activation)
    assert 0.999 * bound < np.abs(weight).max() <= bound * (1 + 1e-6)
    assert weight.var() == pytest.approx(bound**2 / 3, rel=0.03)
    if scheme == "glorot_uniform":
        assert 0.8 * bound < np.abs(bias).max() <= bound * (1 + 1e-6)
    else:
        assert not bias.any()


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize(
    ("scheme", "activation", "variance"),
    [
        ("glorot_normal", "tanh", 2 / (CONV_FAN_IN + CONV_FAN_OUT)),
        ("he_normal", "relu", 2 / CONV_FAN_IN),
        ("he_normal", "tanh", 1 / CONV_FAN_IN),
        ("linear", "relu", 0.01 / CONV_FAN_IN),
    ],
)
def test_variances_of_kernels(scheme, activation, variance, kernel):
    weight, bias = draw_kernels(kernel, scheme, activation)
    assert weight.var() == pytest.approx(variance, rel=0.03)
    assert weight.mean() == pytest.approx(0, abs=4 * np.sqrt(variance / weight.size))
    assert not bias.any()


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize(("activation", "gain"), [("tanh", 1.0), ("relu", np.sqrt(2))])
def test_orthogonal_kernels(activation, gain, kernel):
    weight, bias = draw_kernels(kernel, "orthogonal", activation)
    rows = weight.reshape(C_OUT, -1)
    np.testing.assert_allclose(rows @ rows.T, gain**2 * np.eye(C_OUT), atol=1e-5)
    assert not bias.any()


@pytest.mark.parametrize("scheme", modules.INITIALIZERS)
def test_the_method_of_a_convolution_does_not_change_its_start(scheme):
    for direct, fft in zip(
        draw_kernels((7, 5), scheme, "relu"),
        draw_kernels((7, 5), scheme, "relu", "fft"),
        strict=True,
    ):
        assert np.array_equal(direct, fft)


def test_he_start_keeps_the_size_of_signals_in_deep_stacks_of_convolutions():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(8, 32, 12, 12, generator=generator)
    before = 2 * float(x.relu().square().mean())
    for _ in range(6):
        layer = make_convolution(32, 32, (3, 3), (1, 1), (0, 0), size=(14, 14))
        initialize(layer, "he_normal", "relu", generator)
        x = torch.nn.functional.pad(x.relu(), (1, 1, 1, 1), mode="circular")  # no border of zeros
        x = layer(x).detach()
    # with fan_in units of variance 2 / fan_in: E z² = 2 · E relu(z below)² = E (z below)²
    assert float(x.square().mean()) == pytest.approx(before, rel=0.5)
