"""Random numbers of a fit: reproducible, and nobody else's."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from sknets import training


def global_states():
    return torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()


@pytest.fixture
def untouched():
    before = global_states()
    yield
    after = global_states()
    assert torch.equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])
    assert before[2] == after[2]


def draw(generator):
    return torch.rand(3, generator=generator).tolist()


def test_int_draws_what_scikit_learn_would_draw_from_it():
    for seed in (7, np.int64(7), 7):
        drawn = np.random.RandomState(7).randint(2**31 - 1)
        assert training.make_generator(seed).initial_seed() == drawn
    with pytest.raises(ValueError, match="Seed must be between 0"):
        training.make_generator(-1)


@pytest.mark.usefixtures("untouched")
def test_int_seeds_and_none_does_not():
    assert draw(training.make_generator(3)) == draw(training.make_generator(3))
    assert draw(training.make_generator(3)) != draw(training.make_generator(4))
    assert draw(training.make_generator(None)) != draw(training.make_generator(None))


def test_random_state_instance_moves_on():
    state = np.random.RandomState(0)
    assert draw(training.make_generator(state)) != draw(training.make_generator(state))


def test_generator_goes_on_from_an_array():
    generator = training.make_generator(0)
    draw(generator)
    copied = training.generator_from_array(training.generator_to_array(generator))
    assert draw(generator) == draw(copied)


def layers():
    return nn.Sequential(
        nn.Linear(4, 6), nn.Dropout(0.5), nn.RReLU(), nn.AlphaDropout(0.2), nn.Linear(6, 2)
    )


@pytest.mark.usefixtures("untouched")
def test_seeded_redirects_initialisers_and_random_layers():
    def run(seed):
        with training.Seeded(torch.Generator().manual_seed(seed)) as seeded:
            module = layers()
            nn.init.orthogonal_(module[0].weight)
            out = module(torch.ones(5, 4, requires_grad=True))
            out.sum().backward()
            extra = torch.randn(2), torch.randperm(9), torch.rand(2).bernoulli()
        assert seeded.was_used
        return [out, module[0].weight.grad, *extra]

    for a, b in zip(run(0), run(0), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(run(0)[0], run(1)[0])


@pytest.mark.usefixtures("untouched")
def test_seeded_knows_when_nothing_was_drawn():
    with training.Seeded(torch.Generator()) as seeded:
        torch.ones(3).add(1)
    assert not seeded.was_used


def test_fused_dropout_is_redirected_too():
    x = torch.ones(1000)
    with training.Seeded(torch.Generator().manual_seed(0)):
        kept, mask = torch.native_dropout(x, 0.25, True)
    assert torch.equal(kept > 0, mask)
    assert kept.max() == pytest.approx(1 / 0.75)
    assert 0.68 < mask.float().mean() < 0.82


@pytest.mark.parametrize("is_inference", [False, True])
@pytest.mark.parametrize(
    "draw",
    [
        lambda x: nn.functional.dropout(x, 0.5, training=True),
        lambda x: torch.feature_dropout(x, 0.5, True),
        lambda x: nn.functional.alpha_dropout(x, 0.5, training=True),
        torch.rand_like,
        torch.bernoulli,
    ],
    ids=["dropout", "feature_dropout", "alpha_dropout", "rand_like", "bernoulli"],
)
def test_draws_follow_the_generator_in_inference_too(draw, is_inference):
    x = torch.full((4, 5, 6), 0.5)
    state = torch.get_rng_state()
    with torch.inference_mode(is_inference):
        results = []
        for _ in range(2):
            with training.Seeded(torch.Generator().manual_seed(0)):
                results.append(draw(x))
    assert torch.equal(*results)
    assert torch.equal(torch.get_rng_state(), state)
