"""What is drawn in machine code is what Torch draws, and leaves generators where Torch leaves them."""

import numpy as np
import pytest
import torch

from sknets.training._compiled import Compiled
from tests.training.members import assert_same, make_member

pytest.importorskip("numba")
random = pytest.importorskip("sknets.training._machine_random")


def torchs(generator, n_epochs, n_rows, n_words):
    """Return orders and bits as Torch draws them."""
    orders, bits = torch.empty(n_epochs, n_rows, dtype=torch.int64), []
    for order in orders:
        torch.randperm(n_rows, generator=generator, out=order)
        bits.append(torch.empty(n_words, dtype=torch.int64))
        bits[-1].random_(-(2**63), None, generator=generator)
    return orders.numpy(), torch.stack(bits).numpy()


@pytest.mark.parametrize("n_before", [0, 1, 623, 624, 1_000])
@pytest.mark.parametrize(
    ("n_rows", "n_words"),
    [(0, 1), (1, 0), (2, 0), (2, 312), (3, 311), (50, 1), (211, 2_638), (625, 0), (100_000, 3)],
)
def test_numbers_and_what_follows_are_torchs(n_before, n_rows, n_words):
    ours, its = (torch.Generator().manual_seed(n_rows) for _ in range(2))
    for generator in (ours, its):
        torch.randint(2, (n_before,), generator=generator)
    orders, bits = np.zeros((3, n_rows + 2), np.int64), np.zeros((3, n_words + 1), np.int64)
    random.draw_for(n_rows)(ours, orders, n_rows, bits, n_words)
    wanted = torchs(its, 3, n_rows, n_words)
    np.testing.assert_array_equal(orders[:, :n_rows], wanted[0])
    np.testing.assert_array_equal(bits[:, :n_words], wanted[1])
    assert not orders[:, n_rows:].any()  # what is not asked for stays
    assert not bits[:, n_words:].any()
    for draw in (torch.randn, torch.rand):
        assert torch.equal(draw(700, generator=ours), draw(700, generator=its))


def test_a_number_drawn_from_a_pair_is_kept():
    # Torch makes normal numbers in pairs, and a generator remembers the second
    ours, its = (torch.Generator().manual_seed(0) for _ in range(2))
    for generator in (ours, its):
        torch.randn(1, generator=generator)
    orders, bits = np.empty((1, 9), np.int64), np.empty((1, 0), np.int64)
    random.draw_for(9)(ours, orders, 9, bits, 0)
    torchs(its, 1, 9, 0)
    assert torch.equal(ours.get_state(), its.get_state())


def make():
    return make_member(activation="relu", hidden=(5, 4), dropout=0.3, epochs=7)


def fit():
    net, rows, epochs = make()
    net.fit_loop(rows, epochs=epochs)
    return net


@pytest.fixture
def drawn(monkeypatch):
    """Note who has drawn in machine code."""
    draw, generators = random.draw, []

    def note(generator, *args):
        generators.append(generator)
        draw(generator, *args)

    monkeypatch.setattr(random, "draw", note)
    return generators


def test_torch_draws_where_it_has_become_another(drawn, monkeypatch):
    net = fit()
    assert drawn == [net.learner.generator]
    random._is_torchs.cache_clear()
    monkeypatch.setattr(random, "_N_BYTES", 1)
    other = fit()
    monkeypatch.undo()
    random._is_torchs.cache_clear()
    assert len(drawn) == 1
    assert_same(net, other)
    assert torch.equal(net.learner.generator.get_state(), other.learner.generator.get_state())


def test_layers_with_a_generator_of_their_own_are_left_to_arrays():
    net, *_ = make()
    assert Compiled.serves(net.gradient)
    net.gradient.plan[1].dropout.generator = torch.Generator().manual_seed(3)
    assert not Compiled.serves(net.gradient)


def test_another_order_of_numbers_is_noticed(monkeypatch):
    def shifted(generator, orders, n_rows, bits, n_words):
        draw(generator, orders, n_rows, bits, n_words)
        bits += 1

    draw = random.draw
    monkeypatch.setattr(random, "draw", shifted)
    assert not random._is_torchs.__wrapped__()
    monkeypatch.undo()
    assert random._is_torchs.__wrapped__()
