"""Mini-batches: every row once, in the sizes that were asked for."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sknets import training
from sknets.training import Batches, Rows, _stores


def make_rows(n, weight=False, sparse=False):
    x = np.arange(2.0 * n).reshape(n, 2) + 1
    y = torch.arange(float(n))[:, None]
    if sparse:
        x = training.SparseStore(sp.csr_array(x), torch.float64, torch.device("cpu"))
    else:
        x = training.TensorStore(torch.from_numpy(x))
    return Rows(x, y, torch.arange(1.0, n + 1) if weight else None)


@pytest.mark.parametrize(
    ("n", "size", "expected"),
    [
        (10, 5, [5, 5]),
        (10, 4, [4, 4, 2]),
        (9, 4, [4, 5]),  # a batch of one row is folded into the one before
        (33, 16, [16, 17]),
        (35, 16, [16, 16, 3]),
        (3, 1, [1, 1, 1]),
        (3, 200, [3]),
        (1, 200, [1]),
    ],
)
def test_sizes_fold_a_tiny_rest(n, size, expected):
    assert Batches(make_rows(n), size).sizes() == expected
    assert [len(y) for _, y, _ in Batches(make_rows(n), size)] == expected


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("block", [8, 2**22], ids=["small blocks", "one block"])
def test_epoch_visits_every_row_once_with_its_target(monkeypatch, sparse, block):
    monkeypatch.setattr(_stores, "BLOCK_VALUES", block)
    batches = Batches(
        make_rows(23, weight=True, sparse=sparse), 4, shuffle=True, generator=torch.Generator()
    )
    orders = []
    for _ in range(2):
        seen = []
        for x, y, weight in batches:
            x = x.to_dense() if x.is_sparse else x
            np.testing.assert_array_equal(x[:, 0], 2 * y[:, 0] + 1)
            np.testing.assert_array_equal(weight, y[:, 0] + 1)
            seen += y[:, 0].tolist()
        assert sorted(seen) == list(range(23))
        orders.append(seen)
    assert orders[0] != orders[1]


def test_order_stays_without_shuffling():
    seen = torch.cat([y for _, y, _ in Batches(make_rows(23), 4)])
    assert seen[:, 0].tolist() == list(range(23))


def test_order_is_the_same_for_the_same_generator():
    def order(seed):
        generator = torch.Generator().manual_seed(seed)
        batches = Batches(make_rows(23), 4, shuffle=True, generator=generator)
        return [y[:, 0].tolist() for _, y, _ in batches]

    assert order(0) == order(0) != order(1)


def test_linear_layer_takes_sparse_batches_with_exact_gradients():
    x = sp.random_array((30, 8), density=0.3, rng=np.random.default_rng(0), format="csr")
    layer = torch.nn.Linear(8, 3).double()
    sparse = training.sparse_tensor(x, torch.float64, "cpu")
    layer(sparse).square().sum().backward()
    gradient, layer.weight.grad = layer.weight.grad, None
    layer(torch.from_numpy(x.toarray())).square().sum().backward()
    torch.testing.assert_close(gradient, layer.weight.grad)
