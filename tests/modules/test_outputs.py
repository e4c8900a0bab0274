"""Output activations against SciPy."""

import numpy as np
import pytest
import scipy.special
import torch

from sknets import modules

RAW = np.random.default_rng(0).standard_normal((6, 3)) * 3
TENSOR = torch.from_numpy(RAW)


def test_outputs_equal_scipy():
    shift, scale = np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 0.5])
    for output, expected in [
        (modules.IdentityOutput(shift, scale), RAW * scale + shift),
        (modules.ExpOutput(0 * shift, scale), np.exp(RAW) * scale),
        (modules.LogisticOutput(), scipy.special.expit(RAW)),
        (modules.SoftmaxOutput(), scipy.special.softmax(RAW, axis=1)),
    ]:
        np.testing.assert_allclose(output(TENSOR).numpy(), expected, rtol=1e-14)


def test_log_probabilities_equal_scipy_and_stay_finite():
    far = torch.tensor([[-2000.0, 2000.0]], dtype=torch.float64)
    np.testing.assert_allclose(
        modules.LogisticOutput().log_probabilities(TENSOR), scipy.special.log_expit(RAW)
    )
    np.testing.assert_allclose(
        modules.SoftmaxOutput().log_probabilities(TENSOR), scipy.special.log_softmax(RAW, axis=1)
    )
    assert modules.LogisticOutput().log_probabilities(far).tolist() == [[-2000.0, 0.0]]
    assert modules.SoftmaxOutput().log_probabilities(far).tolist() == [[-4000.0, 0.0]]


def test_large_units_lose_no_digits_in_single_precision():
    output = modules.IdentityOutput([1e9], [1e-2])
    raw = torch.tensor([[1.5]], dtype=torch.float32)
    assert output(raw).item() == 1e9 + 0.015


LEVELS = [0.01, 0.2, 0.6, 0.95]
FOUR = torch.from_numpy(np.random.default_rng(0).standard_normal((50, 4)) * 5)


def test_ordered_quantiles_begin_at_those_of_the_normal_distribution():
    ordered = modules.OrderedQuantiles(LEVELS)(torch.zeros(1, 4, dtype=torch.float64))
    np.testing.assert_allclose(ordered[0], scipy.special.ndtri(LEVELS), rtol=1e-12)


def test_ordered_quantiles_are_a_first_one_and_distances():
    ordered = modules.OrderedQuantiles(LEVELS)(FOUR).numpy()
    normal = scipy.special.ndtri(LEVELS)
    np.testing.assert_allclose(ordered[:, 2], FOUR[:, 2] + normal[2])  # the nearest to the median
    for low, high, place in ((0, 1, 0), (1, 2, 1), (2, 3, 3)):
        gap = normal[high] - normal[low]
        expected = np.log1p(np.exp(FOUR[:, place].numpy()) * np.expm1(gap))
        np.testing.assert_allclose(ordered[:, high] - ordered[:, low], expected, rtol=1e-9)


@pytest.mark.parametrize("levels", [LEVELS, [0.9], [0.1, 0.2], [0.6, 0.7, 0.8], [0.01, 0.3, 0.5]])
def test_ordered_quantiles_of_arrays_are_those_of_tensors(levels):
    ordered, rng = modules.OrderedQuantiles(levels), np.random.default_rng(0)
    raw = 3 * rng.standard_normal((2, 5, len(levels)))
    tensor = torch.tensor(raw, requires_grad=True)
    expected = torch.stack([ordered(part) for part in tensor])
    found, pull_back = ordered.on_arrays(raw)
    np.testing.assert_allclose(found, expected.detach(), rtol=1e-12)
    delta = rng.standard_normal(raw.shape)
    expected.backward(torch.from_numpy(delta.copy()))
    pull_back(delta)
    np.testing.assert_allclose(delta, tensor.grad, rtol=1e-12, atol=1e-14)


def test_quantiles_output_is_in_units_of_y():
    ordered = modules.OrderedQuantiles(LEVELS)(FOUR)
    output = modules.QuantilesOutput([3.0], [10.0], LEVELS)
    torch.testing.assert_close(output(FOUR), ordered * 10 + 3)


def test_gaussian_output_has_means_and_deviations_in_units_of_y():
    output = modules.GaussianOutput([3.0, 0.0], [10.0, 2.0], 1e-3)
    np.testing.assert_allclose(output(FOUR), FOUR[:, :2].numpy() * [10.0, 2.0] + [3.0, 0.0])
    expected = (np.log1p(np.exp(FOUR[:, 2:].numpy()) * (np.e - 1)) + 1e-3) * [10.0, 2.0]
    np.testing.assert_allclose(output.std(FOUR), expected)
    weight, bias = output.fold(torch.ones(5, 4), torch.ones(4))
    np.testing.assert_array_equal(weight, [[10.0, 2.0, 1.0, 1.0]] * 5)
    np.testing.assert_array_equal(bias, [13.0, 2.0, 1.0, 1.0])


def test_pool_of_normal_distributions_has_the_moments_of_their_mixture():
    output = modules.GaussianOutput([3.0], [10.0], 1e-3)
    raws = torch.tensor([[[0.0, -1.0]], [[2.0, 0.5]], [[0.3, -30.0]]], dtype=torch.float64)
    pooled, draws = output.pool(raws), []
    for raw in raws:
        mean, deviation = output(raw).item(), output.std(raw).item()
        draws.append(np.random.default_rng(0).normal(mean, deviation, 400_000))
    assert output(pooled).item() == pytest.approx(np.mean(draws), abs=0.02)
    assert output.std(pooled).item() == pytest.approx(np.std(draws), rel=0.003)
    same = output.pool(raws[:1].repeat(3, 1, 1))
    np.testing.assert_allclose(output.std(same), output.std(raws[0]), rtol=1e-12)


def test_a_scale_of_zero_makes_a_constant_of_whatever_is_raw():
    raw = torch.tensor([[np.inf, 1.0], [-3.0, 2.0]])
    identity = modules.IdentityOutput([0.1, 5.0], [0.0, 2.0])
    np.testing.assert_array_equal(identity(raw), [[0.1, 7.0], [0.1, 9.0]])
    weight, bias = identity.fold(torch.ones(3, 2), torch.ones(2))
    np.testing.assert_array_equal(weight, [[0.0, 2.0]] * 3)
    np.testing.assert_array_equal(bias, [0.1, 7.0])
    positive = modules.ExpOutput([0.1, 0.0, 0.0], [0.0, 0.0, 2.0])
    raw = torch.zeros(1, 3)
    np.testing.assert_array_equal(positive(raw), [[0.1, 0.0, 2.0]])
    _, bias = positive.fold(torch.ones(3, 3), torch.zeros(3))
    np.testing.assert_allclose(bias.exp().numpy(), [0.1, 0.0, 2.0])
