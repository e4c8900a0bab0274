"""What the inputs of batches are taken from, and in which portions."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sknets import training
from sknets.training import _stores

X = np.arange(40.0).reshape(20, 2)
SIZES = [6, 6, 6, 2]
CPU = torch.device("cpu")


def stores():
    lengths = torch.full((20,), 2)
    return {
        "tensor": training.TensorStore(torch.from_numpy(X)),
        "sparse": training.SparseStore(sp.csr_array(X), torch.float64, CPU),
        "ragged": training.Ragged(torch.from_numpy(X.reshape(40, 1)), lengths),
    }


@pytest.mark.parametrize("name", stores())
@pytest.mark.parametrize("shuffled", [False, True])
def test_plan_takes_every_row_once_in_batches_of_the_sizes(name, shuffled):
    store = stores()[name]
    order = torch.randperm(20, generator=torch.Generator()) if shuffled else None
    rows, sizes = [], []
    for index, parts in store.plan(SIZES, order, torch.Generator()):
        rows += torch.arange(20)[index].tolist()
        assert sum(parts) == len(torch.arange(20)[index])
        sizes += parts
    assert sorted(rows) == list(range(20))
    assert sorted(sizes) == sorted(SIZES)
    if not shuffled:
        assert rows == list(range(20))


@pytest.mark.parametrize(("limit", "n_portions"), [(2**22, 1), (24, 2), (12, 4), (1, 4)])
def test_small_batches_are_gathered_together(monkeypatch, limit, n_portions):
    monkeypatch.setattr(_stores, "BLOCK_VALUES", limit)
    assert len(list(stores()["tensor"].plan(SIZES, None, None))) == n_portions


@pytest.mark.parametrize("name", stores())
def test_taken_rows_are_those_of_the_data(name):
    store = stores()[name]
    index = torch.tensor([3, 17, 4])
    taken = store.take(index)
    taken = taken.to_dense() if taken.is_sparse else taken
    np.testing.assert_array_equal(taken.reshape(3, 2), X[index])
    assert len(store) == store.shape[0] == 20


def test_pair_of_tensors_is_a_store_like_any_other():
    class Pair(training.Store):
        shape = property(lambda self: (20, 2))
        data = None

        def take(self, index):
            x = torch.from_numpy(X)
            return x[index, :1], x[index, 1:]

        def plan(self, sizes, order, generator):
            return training.batch_by_batch(sizes, order)

    class Sum(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1, 1, dtype=torch.float64))

        def forward(self, x):
            return (x[0] + x[1]) @ self.weight

    rows = training.Rows(Pair(), torch.from_numpy(X.sum(1, keepdims=True) * 2))
    method = training.make_method("gd", {})
    learner = training.Learner(
        Sum(),
        make_solver=method.make_solver,
        schedule=training.Schedule("constant", 1e-4, 300),
        stopping=training.Stopping(0.0, np.inf, "train_loss"),
        generator=training.make_generator(0),
    )
    net = training.Net(
        learner,
        criterion=training.HalfSquaredError(),
        method=method,
        max_epochs=300,
        batch_size=6,
        verbose=0,
    )
    net.fit(rows)
    assert learner.module.weight.item() == pytest.approx(2.0, abs=1e-3)
    raw = net.raw_outputs([Pair().take(slice(None))], 20)
    np.testing.assert_allclose(raw, 2 * X.sum(1, keepdims=True), rtol=1e-3)
