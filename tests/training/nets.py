"""Small data, modules, learners and nets that the tests of this folder share."""

import numpy as np
import torch
from torch import nn

from sknets import training

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
Y = X[:, :1] - 2 * X[:, 1:2]
WEIGHT = RNG.uniform(0.5, 2.0, 60)
WEIGHT /= WEIGHT.mean()


def make_rows(weight=None, **params):
    weight = None if weight is None else torch.from_numpy(weight)
    return training.Rows(torch.from_numpy(X), torch.from_numpy(Y), weight, **params)


def make_module():
    with training.Seeded(torch.Generator().manual_seed(0)):
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


def make_linear(n_inputs=3):
    with training.Seeded(torch.Generator().manual_seed(0)):
        return nn.Linear(n_inputs, 1).double()


def make_learner(module=None, *, solver="adam", schedule=None, stopping=None, **params):
    return training.Learner(
        module or make_module(),
        make_solver=training.make_method(solver).make_solver,
        schedule=schedule or training.Schedule("constant", 0.01, 5),
        stopping=stopping or training.Stopping(0.0, np.inf, "train_loss"),
        generator=training.make_generator(0),
        **params,
    )


def make_net(callbacks=(), *, module=None, method=None, solver="adam", max_epochs=5, **params):
    of_the_net = ("criterion", "valid_rows", "valid_score", "augment", "verbose")
    net_params = {name: params.pop(name) for name in of_the_net if name in params}
    return training.Net(
        make_learner(module, solver=solver, **params),
        method=method or training.make_method(solver),
        max_epochs=max_epochs,
        batch_size=16,
        callbacks=list(callbacks),
        **{"criterion": training.HalfSquaredError(), "verbose": 0} | net_params,
    )
