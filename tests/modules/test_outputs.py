"""Output activations against SciPy."""

import numpy as np
import scipy.special
import torch

from sknets import modules

RAW = np.random.default_rng(0).standard_normal((6, 3)) * 3
TENSOR = torch.from_numpy(RAW)


def test_outputs_equal_scipy():
    shift, scale = np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 0.5])
    for output, expected in [
        (modules.IdentityOutput(shift, scale), RAW * scale + shift),
        (modules.ExpOutput(scale), np.exp(RAW) * scale),
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
