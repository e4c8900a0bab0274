"""Averages of the iterates against NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from sknets.training import Average

PATH = np.random.default_rng(0).standard_normal((9, 4)).cumsum(axis=0)


def follow(kind, decay=0.8):
    average = Average(kind, decay)
    for theta in PATH:
        average.update(torch.from_numpy(theta))
    return average


def test_polyak_is_the_mean_of_all_iterates():
    np.testing.assert_allclose(follow("polyak").values.numpy(), PATH.mean(axis=0), atol=1e-14)


def test_exponential_follows_its_recursion():
    expected = PATH[0]
    for theta in PATH[1:]:
        expected = 0.8 * expected + 0.2 * theta
    np.testing.assert_allclose(follow("exponential").values.numpy(), expected, atol=1e-14)


def test_swap_ends_with_the_iterate_even_after_an_error():
    average = follow("polyak")
    theta = torch.from_numpy(PATH[-1].copy())
    with pytest.raises(RuntimeError, match="stop"), average.swapped_in(theta, nn.Identity(), []):
        np.testing.assert_allclose(theta.numpy(), PATH.mean(axis=0))
        raise RuntimeError("stop")
    np.testing.assert_array_equal(theta.numpy(), PATH[-1])


def test_resume_goes_on_from_the_last_iterate():
    average = follow("polyak")
    theta = torch.from_numpy(PATH[-1].copy())
    average.settle(theta, nn.Identity(), [])
    np.testing.assert_allclose(theta.numpy(), PATH.mean(axis=0))
    copied = Average("polyak", 0.8)
    copied.load_extra_state(average.extra_state(), like=theta)
    copied.resume(theta)
    np.testing.assert_array_equal(theta.numpy(), PATH[-1])
