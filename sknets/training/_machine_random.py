"""Torch's random numbers in machine code, the same to the last bit: an epoch takes thousands of them.

Torch's generator on a CPU is the Mersenne twister MT19937 (Matsumoto and Nishimura, 1998), which makes
624 words of 32 bits at a time. As loops over these, it takes a fifth of the time, and does without
Python's lock. The generator stands afterwards where Torch would have left it.

How Torch lays out the state of a generator, and how it shuffles, is its own affair. So it is tried out in
each process (`draw_for`), and Torch draws where it has become another.
"""

import functools

import numpy as np
import torch

from sknets.training._jit import compile_by, compiled, compiled_once

#: Words of the twister, and how far the one lies ahead that each is made with.
_N, _AHEAD = 624, 397

#: Places in a state, in words of 64 bits: how many numbers are left, and one; the next; the first word.
_LEFT, _NEXT, _FIRST = 1, 2, 3

#: Bytes of a state, and rows up to which Torch shuffles with words of 32 bits.
_N_BYTES = 5056
_MOST_ROWS = 2**24


@compiled
def _twisted(word, following, ahead):
    """Return the word that takes the place of one."""
    mixed = (word & np.uint32(0x80000000)) | (following & np.uint32(0x7FFFFFFF))
    is_odd = np.uint32(0) - (following & np.uint32(1))  # all bits or none
    return np.uint32(ahead ^ (mixed >> np.uint32(1)) ^ (is_odd & np.uint32(0x9908B0DF)))


@compiled
def _twist(words, room):
    """Make the next 624 words in place; as two arrays, several are made at a time."""
    n = _N - _AHEAD
    for i in range(n):
        room[i] = _twisted(words[i], words[i + 1], words[i + _AHEAD])
    for i in range(n, _N - 1):
        room[i] = _twisted(words[i], words[i + 1], room[i - n])
    room[_N - 1] = _twisted(words[_N - 1], room[0], room[_AHEAD - 1])
    for i in range(_N):
        words[i] = room[i]


@compiled
def _temper(words, numbers):
    """Make numbers of words."""
    for i in range(_N):
        y = words[i]
        y ^= y >> np.uint32(11)
        y ^= (y << np.uint32(7)) & np.uint32(0x9D2C5680)
        y ^= (y << np.uint32(15)) & np.uint32(0xEFC60000)
        numbers[i] = y ^ (y >> np.uint32(18))


@compiled
def _refill(words, numbers):
    """Make the next 624 numbers; return the place of the first."""
    _twist(words, numbers)
    _temper(words, numbers)
    return 0


@compiled
def _shuffle(order, words, numbers, place):
    """Write a random order of rows; return the place of the next number."""
    n = len(order)
    for i in range(n):
        order[i] = i
    for i in range(n - 1):
        place = _refill(words, numbers) if place == _N else place
        other = i + np.int64(numbers[place] % np.uint32(n - i))
        place += 1
        order[i], order[other] = order[other], order[i]
    return place


@compiled
def _fill(out, words, numbers, place):
    """Fill words of 64 bits, of two numbers each; return the place of the next number."""
    start = 0
    while start < len(out):
        place = _refill(words, numbers) if place == _N else place
        if place == _N - 1:  # the one number that is left, and the first of those to come
            high = np.uint64(numbers[place]) << np.uint64(32)
            place = _refill(words, numbers)
            out[start] = high | np.uint64(numbers[place])
            start, place = start + 1, place + 1
            continue
        pairs = numbers[place:]
        part = out[start : start + len(pairs) // 2]
        for i in range(len(part)):
            part[i] = np.uint64(pairs[2 * i]) << np.uint64(32) | np.uint64(pairs[2 * i + 1])
        start, place = start + len(part), place + 2 * len(part)
    return place


@compiled_once
def _draw(state, orders, n_rows, bits, n_words):
    """Do what `draw` does, from a state of 632 words of 64 bits, which goes on."""
    words, numbers = np.empty(_N, np.uint32), np.empty(_N, np.uint32)
    for i in range(_N):
        words[i] = np.uint32(state[_FIRST + i])
    _temper(words, numbers)
    n_left = np.int64(state[_LEFT] & np.uint64(0xFFFFFFFF)) - 1
    place = np.int64(state[_NEXT]) if n_left else _N
    for epoch in range(len(orders)):
        place = _shuffle(orders[epoch, :n_rows], words, numbers, place)
        place = _fill(bits[epoch, :n_words], words, numbers, place)
    for i in range(_N):
        state[_FIRST + i] = words[i]
    is_seeded = state[_LEFT] >> np.uint64(32) << np.uint64(32)
    state[_LEFT] = is_seeded | np.uint64(_N - place + 1)
    state[_NEXT] = place


def draw(generator, orders, n_rows, bits, n_words):
    """Draw an order of rows and random bits behind it, for each of some epochs.

    Parameters
    ----------
    generator : torch.Generator
        Who draws, on the CPU.
    orders : ndarray of int64 of shape (n_epochs, n), contiguous
        To whose first columns orders are written, as `torch.randperm` draws them.
    n_rows : int
        How many columns; none where rows are not shuffled.
    bits : ndarray of int64 of shape (n_epochs, m), contiguous
        To whose first columns bits are written, as ``random_(-(2**63), None)`` draws them.
    n_words : int
        How many columns.
    """
    state = generator.get_state()
    _draw(state.numpy().view(np.uint64), orders, n_rows, bits.view(np.uint64), n_words)
    generator.set_state(state)


def draw_for(n_rows):
    """Return `draw`, or None where Torch would draw other orders of so many rows."""
    return draw if n_rows <= _MOST_ROWS and _is_torchs() else None


@functools.cache
def _is_torchs():
    """Try whether Torch draws the same; what draws is compiled, or read from disk, for that."""
    ours, its = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    if len(its.get_state()) != _N_BYTES:
        return False
    orders, bits = np.empty((3, 100), np.int64), np.empty((3, 1_001), np.int64)
    compile_by(lambda: draw(torch.Generator(), orders[:0], 0, bits[:0], 0))
    draw(ours, orders, 100, bits, 1_001)
    for order, of_epoch in zip(orders, bits, strict=True):
        drawn = torch.empty(len(of_epoch), dtype=torch.int64)
        is_same = np.array_equal(order, torch.randperm(len(order), generator=its))
        drawn.random_(-(2**63), None, generator=its)
        if not (is_same and np.array_equal(of_epoch, drawn)):
            return False
    return torch.equal(ours.get_state(), its.get_state())
