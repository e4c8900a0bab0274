"""Torch's data sets and loaders as rows."""

import numpy as np
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    SequentialSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from sknets.datasets import TorchRows

X = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
PAIRS = TensorDataset(X, X[:, 0] > 0)


@pytest.mark.parametrize(
    "source",
    [
        PAIRS,
        DataLoader(PAIRS),
        DataLoader(PAIRS, batch_size=7, shuffle=True),
        DataLoader(PAIRS, batch_size=50, num_workers=2),
    ],
    ids=["data set", "loader", "shuffled", "workers"],
)
def test_rows_are_those_of_the_data_set_in_its_order(source):
    torch.manual_seed(3)
    state = torch.random.get_rng_state()
    rows = TorchRows(source)
    np.testing.assert_array_equal(rows.read(), X.numpy())
    np.testing.assert_array_equal(rows.read([200, 5]), X[[200, 5]].numpy())
    assert (rows.target == (X[:, 0] > 0).numpy()).all()
    assert torch.equal(torch.random.get_rng_state(), state)  # the caller's seed is left alone


class Listed(Dataset):
    """A data set of what a list holds."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, position):
        return self.items[position]


def test_items_may_be_rows_alone():
    rows = TorchRows(Listed([np.full((2, 3), number) for number in range(5)]))
    assert rows.shape == (5, 2, 3)
    assert (rows.read([3]) == 3).all()
    with pytest.raises(ValueError, match="no target"):
        _ = rows.target


class Stream(IterableDataset):
    """Rows without places."""

    def __iter__(self):
        return iter(X)


def plain(items):
    return items


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: DataLoader(PAIRS, sampler=WeightedRandomSampler([1.0] * 300, 300)),
            "sample_weight",
        ),
        (lambda: DataLoader(PAIRS, drop_last=True, batch_size=7), "drop_last"),
        (lambda: DataLoader(PAIRS, collate_fn=plain), "collate_fn"),
        (
            lambda: DataLoader(
                PAIRS, batch_sampler=BatchSampler(SequentialSampler(PAIRS), 5, False)
            ),
            "batch_sampler",
        ),
        (lambda: DataLoader(Stream()), "an item for each position"),
        (lambda: Listed(["a", "b"]), "arrays of numbers"),
        (lambda: Listed([]), "has no rows"),
    ],
)
def test_what_would_have_no_effect_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        TorchRows(make())


def test_rows_of_several_shapes_are_refused():
    rows = TorchRows(Listed([np.zeros(3), np.zeros(4)]))
    with pytest.raises(ValueError, match="one shape"):
        rows.read()
