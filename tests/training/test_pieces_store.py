"""Batches of rows that are read in pieces."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sknets.training import Batches, PiecesStore, Rows

N = 1000


def rows_of(starts, rows_at_once, read=None):
    x = np.arange(N, dtype=np.float64)[:, None]
    return SimpleNamespace(
        shape=x.shape,
        starts=np.asarray(starts),
        rows_at_once=rows_at_once,
        read=read or (lambda i: x[i]),
    )


def batches(source, batch_size, *, shuffle, seed=0):
    store = PiecesStore(source, torch.float32, torch.device("cpu"))
    generator = torch.Generator().manual_seed(seed)
    rows = Rows(store, torch.arange(N))
    return Batches(rows, batch_size, shuffle=shuffle, generator=generator)


BLOCKS = {
    "rows": np.arange(N + 1),
    "equal": np.arange(0, N + 1, 40),
    "unequal": [0, 7, 300, 301, 900, N],
}


@pytest.mark.parametrize("starts", BLOCKS.values(), ids=BLOCKS)
@pytest.mark.parametrize("rows_at_once", [1, 64, 200, 5000])
@pytest.mark.parametrize("shuffle", [False, True])
def test_an_epoch_has_every_row_once_with_its_y(starts, rows_at_once, shuffle):
    seen = list(batches(rows_of(starts, rows_at_once), 32, shuffle=shuffle))
    x, y = (torch.cat([batch[part].reshape(-1) for batch in seen]) for part in (0, 1))
    assert [len(batch[1]) for batch in seen] == [32] * 31 + [8]
    assert torch.equal(x.long(), y)
    assert torch.equal(torch.sort(y).values, torch.arange(N))
    assert torch.equal(y, torch.arange(N)) is not shuffle


def test_single_rows_are_shuffled_as_those_of_a_tensor():
    in_pieces = batches(rows_of(BLOCKS["rows"], 64), 32, shuffle=True)
    tensor = Rows(torch.arange(N)[:, None], torch.arange(N))
    generator = torch.Generator().manual_seed(0)
    whole = Batches(tensor, 32, shuffle=True, generator=generator)
    for _ in range(2):
        for ours, theirs in zip(in_pieces, whole, strict=True):
            assert torch.equal(ours[1], theirs[1])


def test_blocks_are_drawn_and_their_rows_mixed():
    order = torch.cat([y for _, y, _ in batches(rows_of(BLOCKS["equal"], 200), 20, shuffle=True)])
    for first in range(0, N, 200):
        part = order[first : first + 200]
        blocks = torch.unique(part // 40)
        assert len(blocks) == 5  # whole blocks, from anywhere
        assert not torch.equal(torch.sort(part // 40).values, part // 40)
    again = torch.cat([y for _, y, _ in batches(rows_of(BLOCKS["equal"], 200), 20, shuffle=True)])
    assert torch.equal(order, again)


def test_no_more_is_read_at_once_than_is_allowed_and_none_twice():
    read = []

    def note(index):
        index = np.arange(N)[index]
        read.append(len(index))
        return index[:, None].astype(float)

    for _ in batches(rows_of(BLOCKS["equal"], 130, note), 32, shuffle=True):
        pass
    assert max(read) == 128
    assert sum(read) == N


def test_an_error_while_reading_ahead_comes_out():
    def fail(index):
        raise ValueError("the disk is gone")

    with pytest.raises(ValueError, match="the disk is gone"):
        next(iter(batches(rows_of(BLOCKS["equal"], 64, fail), 32, shuffle=True)))


def test_whole_numbers_stay_as_they_are():
    source = rows_of(BLOCKS["rows"], 64, lambda index: np.zeros((3, 2), np.uint8))
    store = PiecesStore(source, torch.float32, torch.device("cpu"))
    assert store.take(slice(3)).dtype == torch.uint8
