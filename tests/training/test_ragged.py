"""Rows of unequal length: cut, padded and put into batches; losses of sequences against a loop."""

import numpy as np
import pytest
import torch

from sknets.training import Batches, HalfSquaredError, Ragged, Rows, SequenceLoss, _stores
from sknets.training import SoftmaxCrossEntropy as CrossEntropy
from sknets.training._batches import collect

RNG = np.random.default_rng(0)
LENGTHS = [3, 1, 5, 2, 5, 4]


def make_ragged(lengths=LENGTHS, n_features=2):
    """Return sequences in which each number is another, and a list of them."""
    starts = np.cumsum([0, *lengths])
    shape = (starts[-1],) if n_features is None else (starts[-1], n_features)
    values = np.arange(np.prod(shape)).reshape(shape)
    values = values if n_features is None else values.astype(float)
    sequences = np.split(values, starts[1:-1])
    return Ragged(torch.from_numpy(values), torch.tensor(lengths)), sequences


def pad(sequences, padding):
    longest = max(len(s) for s in sequences)
    whole = np.full((len(sequences), longest, *sequences[0].shape[1:]), padding)
    for row, sequence in zip(whole, sequences, strict=True):
        row[: len(sequence)] = sequence
    return whole


# --- rows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_features", [None, 2], ids=["tokens", "series"])
@pytest.mark.parametrize(
    "index", [slice(None), slice(0, 2), [5], [1, 3], [4, 0, 0], [5, 4, 3, 2, 1, 0]], ids=str
)
def test_part_is_padded_to_the_longest_in_it(index, n_features):
    ragged, sequences = make_ragged(n_features=n_features)
    chosen = [sequences[i] for i in np.arange(6)[index]]
    part = ragged[index if isinstance(index, slice) else torch.tensor(index)]
    expected = pad(chosen, -1 if n_features is None else np.nan)
    np.testing.assert_array_equal(part, expected)
    assert part.dtype == (torch.int64 if n_features is None else torch.float64)


def test_shape_is_that_of_the_padded_whole():
    ragged, _ = make_ragged()
    assert ragged.shape == (6, 5, 2)
    assert len(ragged) == 6


# --- batches -----------------------------------------------------------------------------------------


def make_rows(n, low=10, high=200):
    lengths = RNG.integers(low, high + 1, n)
    ragged = Ragged(torch.arange(lengths.sum()).double(), torch.from_numpy(lengths))
    y = torch.from_numpy(np.cumsum(lengths) - lengths)  # the first number of each sequence
    return Rows(ragged, y, y * 2.0), lengths


@pytest.mark.parametrize("batch_size", [32, 64])
def test_epoch_visits_every_sequence_once_with_little_padding(batch_size):
    rows, lengths = make_rows(1024)
    batches = Batches(rows, batch_size, shuffle=True, generator=torch.Generator())
    orders = []
    for _ in range(3):
        seen, n_values = [], 0
        for x, y, weight in batches:
            assert len(x) == batch_size
            np.testing.assert_array_equal(x[:, 0], y)
            np.testing.assert_array_equal(weight, 2.0 * y)
            seen += y.tolist()
            n_values += x.numel()
        assert sorted(seen) == rows.y.tolist()
        assert n_values < lengths.sum() / 0.9
        orders.append(seen)
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_random_batches_would_be_padding_by_a_third():
    rows, lengths = make_rows(1024)
    n_values = sum(rows.take(index)[0].numel() for index in torch.randperm(1024).split(32))
    assert n_values > lengths.sum() / 0.67


def test_batches_of_all_lengths_come_in_random_order():
    rows, _ = make_rows(1024)
    batches = Batches(rows, 32, shuffle=True, generator=torch.Generator())
    longest = [x.shape[1] for x, _, _ in batches]
    assert abs(np.corrcoef(longest, np.arange(32))[0, 1]) < 0.5
    other = [x.shape[1] for x, _, _ in batches]
    assert longest != other


def test_rows_of_equal_length_meet_others_in_each_epoch():
    rows = Rows(Ragged(torch.zeros(100), torch.tensor([2, 3] * 20)), torch.arange(40))
    batches = Batches(rows, 10, shuffle=True, generator=torch.Generator())
    first, second = ({frozenset(y.tolist()) for _, y, _ in batches} for _ in range(2))
    assert first != second


@pytest.mark.parametrize("n", [31, 33, 35, 40, 64])
def test_sizes_are_those_of_other_rows(n):
    rows, _ = make_rows(n)
    batches = Batches(rows, 16, shuffle=True, generator=torch.Generator())
    assert sorted(len(y) for _, y, _ in batches) == sorted(batches.sizes())


def test_order_is_the_same_for_the_same_generator():
    rows, _ = make_rows(100)

    def order(seed):
        generator = torch.Generator().manual_seed(seed)
        batches = Batches(rows, 8, shuffle=True, generator=generator)
        return [y.tolist() for _, y, _ in batches]

    assert order(0) == order(0) != order(1)


@pytest.mark.parametrize("block", [8, 2**22], ids=["small blocks", "one block"])
def test_order_stays_without_shuffling(monkeypatch, block):
    monkeypatch.setattr(_stores, "BLOCK_VALUES", block)
    ragged, sequences = make_ragged(LENGTHS * 3)
    rows = Rows(ragged, torch.arange(18))
    batches = list(Batches(rows, 4))
    assert [len(y) for _, y, _ in batches] == [4, 4, 4, 4, 2]
    for x, y, weight in batches:
        np.testing.assert_array_equal(x, pad([sequences[i] for i in y], np.nan))
        assert weight is None
    assert torch.cat([y for _, y, _ in batches]).tolist() == list(range(18))


def test_one_batch_holds_all():
    ragged, sequences = make_ragged()
    [(x, y, _)] = Batches(Rows(ragged, torch.arange(6)), 100, shuffle=True)
    np.testing.assert_array_equal(x, pad(sequences, np.nan))
    assert y.tolist() == list(range(6))


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 3), (3, 3)],
        [(2, 3), (3, 5), (1, 4)],
        [(2, 5), (3, 3)],
    ],
    ids=str,
)
@pytest.mark.parametrize("rest", [(), (2,)], ids=["values", "vectors"])
def test_parts_with_other_time_axes_are_collected_with_zeros(shapes, rest):
    parts = [torch.from_numpy(RNG.normal(size=(*shape, *rest))) for shape in shapes]
    n_rows = sum(n for n, _ in shapes)
    expected = np.zeros((n_rows, max(t for _, t in shapes), *rest))
    start = 0
    for part in parts:
        expected[start : start + len(part), : part.shape[1]] = part
        start += len(part)
    np.testing.assert_array_equal(collect(iter(parts), n_rows), expected)


# --- the loss ----------------------------------------------------------------------------------------


def cross_entropy(raw, code):
    return np.log(np.exp(raw).sum()) - raw[code]


def squared_error(raw, target):
    return 0.5 * ((raw - target) ** 2).sum()


def make_targets(kind, lengths=LENGTHS):
    """Return raw outputs, padded targets, and the loss of a step by hand."""
    longest, n_outputs = max(lengths), 3
    raw = RNG.normal(size=(len(lengths), longest, n_outputs))
    if kind == "classes":
        targets = [RNG.integers(0, 3, n) for n in lengths]
        return raw, targets, pad(targets, -1), CrossEntropy(), cross_entropy
    targets = [RNG.normal(size=(n, n_outputs)) for n in lengths]
    return raw, targets, pad(targets, np.nan), HalfSquaredError(), squared_error


@pytest.mark.parametrize("kind", ["classes", "numbers"])
@pytest.mark.parametrize("weighted", [False, True])
def test_loss_is_the_mean_over_the_steps(kind, weighted):
    raw, targets, padded, loss, by_hand = make_targets(kind)
    weight = RNG.uniform(0.5, 2, len(LENGTHS)) if weighted else np.ones(len(LENGTHS))
    total, weights = 0.0, 0.0
    for row, sequence in enumerate(targets):
        for step, target in enumerate(sequence):
            total += weight[row] * by_hand(raw[row, step], target)
            weights += weight[row]
    result = SequenceLoss(loss, mean_length=17.0)(
        torch.from_numpy(raw),
        torch.from_numpy(padded),
        torch.from_numpy(weight) if weighted else None,
    )
    assert float(result) == pytest.approx(total / weights, rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "by_class"), [("numbers", False), ("classes", False), ("classes", True)]
)
def test_losses_of_batches_add_up_to_the_mean_over_all(kind, by_class):
    raw, targets, padded, loss, by_hand = make_targets(kind)
    weight = RNG.uniform(0.5, 2, len(LENGTHS))
    class_weight = np.array([0.3, 1.0, 2.5]) if by_class else None
    losses, weights = [], []
    for row, sequence in enumerate(targets):
        factors = weight[row] * (class_weight[sequence] if by_class else np.ones(len(sequence)))
        steps = [by_hand(raw[row, step], target) for step, target in enumerate(sequence)]
        losses.append(factors @ steps)
        weights.append(factors.sum())
    expected = sum(losses) / sum(weights)

    # as an estimator has it: weights relative to their mean, and the weighted mean of the lengths
    mean_length = sum(weights) / weight.sum()
    criterion = SequenceLoss(loss, mean_length, class_weight)
    raw, padded = torch.from_numpy(raw), torch.from_numpy(padded)
    relative = torch.from_numpy(weight / weight.mean())
    whole = criterion(raw, padded, relative)
    assert float(whole) == pytest.approx(expected, rel=1e-12)
    n = len(LENGTHS)
    for batches in ([[0, 1, 2, 3, 4, 5]], [[0, 1], [2, 3, 4, 5]], [[5, 1, 0], [2], [3, 4]]):
        parts = []
        for index in batches:
            longest = max(LENGTHS[i] for i in index)  # as a batch is padded
            part = criterion(
                raw[index, :longest], padded[index, :longest], relative[index], len(index)
            )
            parts.append(float(part) * len(index) / n)
        assert sum(parts) == pytest.approx(expected, rel=1e-12)


def test_class_weights_are_those_of_the_steps():
    raw, targets, padded, loss, by_hand = make_targets("classes")
    class_weight = np.array([0.0, 1.0, 3.0])
    steps = [
        (class_weight[code], by_hand(raw[row, step], code))
        for row, sequence in enumerate(targets)
        for step, code in enumerate(sequence)
    ]
    weights, losses = map(np.array, zip(*steps, strict=True))
    result = SequenceLoss(loss, 1.0, class_weight)(torch.from_numpy(raw), torch.from_numpy(padded))
    assert float(result) == pytest.approx(weights @ losses / weights.sum(), rel=1e-12)


def test_steps_that_are_missing_count_as_zeros():
    raw, targets, padded, loss, by_hand = make_targets("classes")
    short = raw[:, :2]  # a decoder whose rows have all ended after two steps
    filled = np.concatenate([short, np.zeros((len(raw), 3, 3))], axis=1)
    expected = np.mean(
        [
            by_hand(filled[row, step], code)
            for row, sequence in enumerate(targets)
            for step, code in enumerate(sequence)
        ]
    )
    criterion, padded = SequenceLoss(loss, 1.0), torch.from_numpy(padded)
    assert float(criterion(torch.from_numpy(short), padded)) == pytest.approx(expected)
    # what a decoder writes behind the longest target, and padding behind it, count nothing
    longer = np.concatenate([raw, RNG.normal(size=(len(raw), 4, 3))], axis=1)
    wide = torch.nn.functional.pad(padded, (0, 3), value=-1)
    plain = float(criterion(torch.from_numpy(raw), padded))
    for ours, theirs in ((longer, padded), (raw, wide), (longer, wide)):
        assert float(criterion(torch.from_numpy(ours), theirs)) == pytest.approx(plain)


def test_gradient_is_zero_in_the_padding():
    raw, _, padded, loss, _ = make_targets("numbers")
    raw = torch.from_numpy(raw).requires_grad_()
    SequenceLoss(loss, 1.0)(raw, torch.from_numpy(padded)).backward()
    is_padding = np.isnan(padded[:, :, 0])
    np.testing.assert_array_equal((raw.grad == 0).all(2), is_padding)
    assert torch.isfinite(raw.grad).all()


def test_neutral_outputs_are_the_same_for_each_step():
    padded = torch.tensor([[0, 1], [2, -1]])
    neutral = SequenceLoss(CrossEntropy(), 1.0).neutral(padded, 4, torch.float32)
    shares = [1 / 3, 1 / 3, 1 / 3, 1e-6]
    np.testing.assert_allclose(neutral, np.broadcast_to(np.log(shares), (2, 2, 4)), rtol=1e-6)
    assert neutral.dtype == torch.float32
    weighted = SequenceLoss(CrossEntropy(), 1.0).neutral(
        padded, 4, torch.float32, torch.tensor([1.0, 2.0])
    )
    np.testing.assert_allclose(weighted[0, 0, :3].exp(), [0.25, 0.25, 0.5], rtol=1e-6)
