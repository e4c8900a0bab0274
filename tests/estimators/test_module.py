"""What users put into modules of their own."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from sknets import ModuleRegressor
from tests.estimators.estimators import X_DIABETES, Y_DIABETES

X, Y = X_DIABETES[:150], Y_DIABETES[:150]


def in_place(n_inputs, n_outputs):
    return nn.Sequential(nn.ReLU(inplace=True), nn.Linear(n_inputs, n_outputs))


def test_in_place_layers_leave_the_users_data_alone():
    given = X.copy()
    network = ModuleRegressor(in_place, max_iter=3).fit(given, Y)
    network.predict(given)
    np.testing.assert_array_equal(given, X)


class RandomFeatures(nn.Module):
    """Draws that are no part of the state dict, and a layer named like a generator."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.projection = torch.randn(n_inputs, 30)
        self.generator = nn.Linear(30, n_outputs)

    def forward(self, x):
        return self.generator(torch.cos(x @ self.projection.to(x.dtype)))


def test_copies_predict_the_same_with_draws_outside_the_state():
    network = ModuleRegressor(RandomFeatures, max_iter=5, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(copy.deepcopy(network).predict(X), network.predict(X))


class Noisy(nn.Module):
    """Draws in every forward pass, also in prediction, and normalises batches."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_inputs, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, n_outputs)
        )

    def forward(self, x):
        return self.layers(x + 0.1 * torch.randn_like(x))


@pytest.mark.parametrize("average", [None, "polyak"])
def test_all_draws_follow_random_state_and_no_global_one(average):
    before = torch.get_rng_state()
    a, b = (
        ModuleRegressor(Noisy, max_iter=4, batch_size=32, average=average, random_state=0)
        .fit(X, Y, X_val=X[:40], y_val=Y[:40])
        .predict(X)
        for _ in range(2)
    )
    np.testing.assert_array_equal(a, b)
    assert torch.equal(before, torch.get_rng_state())
