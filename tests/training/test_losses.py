"""Losses against scikit-learn's and finite differences."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy, norm
from sklearn.metrics import (
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)

from sknets import modules, training
from sknets.training._cross_entropies import BinaryCrossEntropy, SoftmaxCrossEntropy
from sknets.training._losses import HalfSquaredError, mixed_loss

RNG = np.random.default_rng(0)
RAW = RNG.standard_normal((12, 1))
WEIGHT = RNG.uniform(0.5, 2.0, 12)
REAL = RNG.standard_normal((12, 1)) * 2
COUNT = RNG.poisson(2.0, (12, 1)).astype(float)


#: Means beside logarithms of deviations.
NORMAL = np.hstack([RAW, RNG.standard_normal((12, 1))])


def value(loss, raw, target, weight=None):
    weight = None if weight is None else torch.from_numpy(weight)
    return float(loss(torch.from_numpy(raw), torch.from_numpy(target), weight))


def huber(target, raw, sample_weight):
    r = np.abs(target - raw).ravel()
    return np.average(np.where(r < 0.8, r**2 / 2, 0.8 * (r - 0.4)), weights=sample_weight)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(
    ("loss", "target", "reference"),
    [
        (
            training.HalfSquaredError(),
            REAL,
            lambda y, raw, sample_weight: (
                mean_squared_error(y, raw, sample_weight=sample_weight) / 2
            ),
        ),
        (training.AbsoluteError(), REAL, mean_absolute_error),
        (training.Huber(huber_delta=0.8), REAL, huber),
        (
            training.Pinball(quantile=0.3),
            REAL,
            lambda y, raw, sample_weight: mean_pinball_loss(
                y, raw, sample_weight=sample_weight, alpha=0.3
            ),
        ),
        (
            training.HalfPoissonDeviance(),
            COUNT,
            lambda y, raw, sample_weight: (
                mean_poisson_deviance(y, np.exp(raw), sample_weight=sample_weight) / 2
            ),
        ),
    ],
    ids=["squared_error", "absolute_error", "huber", "quantile", "poisson"],
)
def test_regression_loss_equals_reference(loss, target, reference, weight):
    expected = reference(target, RAW, sample_weight=weight)
    assert value(loss, RAW, target, weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_gaussian_loss_is_the_likelihood_of_normal_numbers(weight):
    raw, target = RNG.standard_normal((12, 4)), RNG.standard_normal((12, 2))
    raw[0, 2:] = -20.0  # below the least deviation
    deviation = np.log1p(np.exp(raw[:, 2:]) * (np.e - 1)) + 1e-3
    logs = norm.logpdf(target, raw[:, :2], deviation) + np.log(2 * np.pi) / 2
    expected = np.average(-logs.sum(axis=1), weights=weight)
    actual = value(training.GaussianNLL(), raw, target, weight)
    assert actual == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_binary_cross_entropy_equals_log_loss(weight):
    target = (REAL > 0).astype(float)
    expected = log_loss(target.ravel(), 1 / (1 + np.exp(-RAW.ravel())), sample_weight=weight)
    actual = value(training.BinaryCrossEntropy(), RAW, target, weight)
    assert actual == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_softmax_cross_entropy_equals_log_loss(weight):
    raw = RNG.standard_normal((12, 4))
    target = np.arange(12) % 4
    p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    expected = log_loss(target, p, sample_weight=weight)
    actual = value(training.SoftmaxCrossEntropy(), raw, target, weight)
    assert actual == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_loss_of_several_quantiles_is_the_mean_of_theirs(weight):
    raw, levels = RNG.standard_normal((12, 3)), [0.1, 0.5, 0.9]
    loss = training.OrderedPinball(lambda raw: raw.cumsum(dim=1), quantile=levels)
    expected = [
        mean_pinball_loss(REAL, column, sample_weight=weight, alpha=level)
        for column, level in zip(raw.cumsum(axis=1).T, levels, strict=True)
    ]
    assert value(loss, raw, REAL, weight) == pytest.approx(np.mean(expected), rel=1e-12)


def test_label_smoothing_spreads_the_target():
    raw = RNG.standard_normal((6, 3))
    target = np.arange(6) % 3
    smooth = np.full((6, 3), 0.3 / 3)
    smooth[np.arange(6), target] += 0.7
    log_p = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    actual = value(training.SoftmaxCrossEntropy(label_smoothing=0.3), raw, target)
    assert actual == pytest.approx(-(smooth * log_p).sum(axis=1).mean(), rel=1e-12)

    # with two classes, one logistic output is a softmax over (0, raw)
    binary = (target[:, None] > 0).astype(float)
    two = np.hstack([np.zeros((6, 1)), raw[:, :1]])
    assert value(
        training.BinaryCrossEntropy(label_smoothing=0.3), raw[:, :1], binary
    ) == pytest.approx(
        value(training.SoftmaxCrossEntropy(label_smoothing=0.3), two, binary.ravel().astype(int)),
        rel=1e-12,
    )


CANONICAL = {
    "softmax": (
        training.SoftmaxCrossEntropy(),
        modules.SoftmaxOutput(),
        RNG.standard_normal((7, 4)),
        np.arange(7) % 4,
    ),
    "logistic": (
        training.BinaryCrossEntropy(),
        modules.LogisticOutput(),
        RNG.standard_normal((7, 3)),
        RNG.integers(0, 2, (7, 3)).astype(float),
    ),
    "identity": (
        training.HalfSquaredError(),
        modules.IdentityOutput([0.0, 0.0], [1.0, 1.0]),
        RNG.standard_normal((7, 2)),
        RNG.standard_normal((7, 2)),
    ),
    "exp": (
        training.HalfPoissonDeviance(),
        modules.ExpOutput([0.0, 0.0], [1.0, 1.0]),
        RNG.standard_normal((7, 2)),
        RNG.poisson(2.0, (7, 2)).astype(float),
    ),
}


@pytest.mark.parametrize("name", CANONICAL)
def test_gradient_is_prediction_minus_target(name):
    loss, output, raw, target = CANONICAL[name]
    n = len(raw)
    observed = np.eye(raw.shape[1])[target] if name == "softmax" else target
    expected = (output(torch.from_numpy(raw)).numpy() - observed) / n

    x = torch.from_numpy(raw).requires_grad_()
    loss(x, torch.from_numpy(target)).backward()
    np.testing.assert_allclose(x.grad.numpy(), expected, atol=1e-14)

    numeric = np.empty_like(raw)
    step = 1e-5
    for index in np.ndindex(raw.shape):
        up, down = raw.copy(), raw.copy()
        up[index] += step
        down[index] -= step
        numeric[index] = (value(loss, up, target) - value(loss, down, target)) / (2 * step)
    np.testing.assert_allclose(numeric, expected, atol=1e-8)


@pytest.mark.parametrize(
    ("loss", "raw", "target"),
    [
        (training.AbsoluteError(), RAW, REAL),
        (training.Huber(huber_delta=0.8), RAW, REAL),
        (training.Pinball(quantile=0.2), RAW, REAL),
        (training.GaussianNLL(), NORMAL, REAL),
    ],
)
def test_gradient_equals_finite_differences(loss, raw, target):
    x = torch.from_numpy(raw).requires_grad_()
    loss(x, torch.from_numpy(target), torch.from_numpy(WEIGHT)).backward()
    step = 1e-6
    for index in np.ndindex(raw.shape):
        up, down = raw.copy(), raw.copy()
        up[index] += step
        down[index] -= step
        numeric = (value(loss, up, target, WEIGHT) - value(loss, down, target, WEIGHT)) / (2 * step)
        assert float(x.grad[index]) == pytest.approx(numeric, rel=1e-6, abs=1e-8)


LABEL = (REAL > 0).astype(float)
CLASSES = np.arange(12) % 3
SCORES = RNG.standard_normal((12, 3))
PARTNER = RNG.permutation(12)
SHARE = 0.3
ALL_LOSSES = {
    "squared_error": (training.HalfSquaredError(), RAW, REAL),
    "absolute_error": (training.AbsoluteError(), RAW, REAL),
    "huber": (training.Huber(huber_delta=0.8), RAW, REAL),
    "gaussian": (training.GaussianNLL(), NORMAL, REAL),
    "quantile": (training.Pinball(quantile=0.3), RAW, REAL),
    "poisson": (training.HalfPoissonDeviance(), RAW, COUNT),
    "logistic": (training.BinaryCrossEntropy(), RAW, LABEL),
    "logistic, smoothed": (training.BinaryCrossEntropy(label_smoothing=0.2), RAW, LABEL),
    "softmax": (training.SoftmaxCrossEntropy(), SCORES, CLASSES),
    "softmax, smoothed": (training.SoftmaxCrossEntropy(label_smoothing=0.2), SCORES, CLASSES),
    "quantiles": (
        training.OrderedPinball(lambda raw: raw.cumsum(dim=1), quantile=[0.1, 0.5, 0.9]),
        SCORES,
        REAL,
    ),
    "of the user": (training.CallableLoss(lambda raw, y: (raw - y).pow(4).sum(dim=1)), RAW, REAL),
    "several outputs": (training.HalfSquaredError(), SCORES, RNG.standard_normal((12, 3))),
}


def mixed_value(name, weight, mix):
    loss, raw, target = ALL_LOSSES[name]
    x = torch.from_numpy(raw).requires_grad_()
    weight = None if weight is None else torch.from_numpy(weight)
    total = mixed_loss(loss, x, torch.from_numpy(target), weight, mix)
    total.backward()
    return float(total.detach()), x.grad.numpy()


def row_losses(name, target):
    """Return the loss of each row, one by one."""
    loss, raw, _ = ALL_LOSSES[name]
    return np.array([value(loss, raw[i : i + 1], target[i : i + 1]) for i in range(12)])


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("name", ALL_LOSSES)
def test_mixed_loss_is_the_share_of_both_losses(name, weight):
    target = ALL_LOSSES[name][2]
    w = np.ones(12) if weight is None else weight
    expected = SHARE * np.mean(w * row_losses(name, target))
    expected += (1 - SHARE) * np.mean(w[PARTNER] * row_losses(name, target[PARTNER]))
    actual, _ = mixed_value(name, weight, (torch.from_numpy(PARTNER), SHARE))
    assert actual == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("name", ALL_LOSSES)
def test_unmixed_rows_have_the_plain_loss(name, weight):
    w = np.ones(12) if weight is None else weight
    expected = np.mean(w * row_losses(name, ALL_LOSSES[name][2]))
    itself = (torch.arange(12), SHARE)
    own = (torch.from_numpy(PARTNER), 1.0)
    for mix in (None, itself, own):
        assert mixed_value(name, weight, mix)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(
    ("name", "predict"),
    [
        ("squared_error", lambda raw: raw),
        ("several outputs", lambda raw: raw),
        ("poisson", np.exp),
        ("logistic", lambda raw: 1 / (1 + np.exp(-raw))),
        ("softmax", lambda raw: np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)),
    ],
)
def test_gradient_of_a_mixed_loss_is_that_of_mixed_targets(name, predict, weight):
    _, raw, target = ALL_LOSSES[name]
    target = np.eye(3)[target] if name == "softmax" else target
    # each target counts with the weight of the row that it is of
    own = SHARE * (np.ones(12) if weight is None else weight)
    other = (1 - SHARE) * (np.ones(12) if weight is None else weight[PARTNER])
    total = (own + other)[:, None]
    mixed = (own[:, None] * target + other[:, None] * target[PARTNER]) / total
    _, gradient = mixed_value(name, weight, (torch.from_numpy(PARTNER), SHARE))
    np.testing.assert_allclose(gradient, total * (predict(raw) - mixed) / 12, atol=1e-14)


def test_mixed_loss_is_tested_with_every_loss():
    tested = {type(loss) for loss, _, _ in ALL_LOSSES.values()}
    ours = {c for c in training.Loss.__subclasses__() if c.__module__.startswith("sknets")}
    assert tested == ours


@pytest.mark.parametrize("is_weighted", [False, True])
def test_neutral_outputs_are_the_best_constant(is_weighted):
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.1, 2, 50)
    classes, labels = rng.choice(3, 50, p=[0.7, 0.2, 0.1]), (rng.random((50, 2)) < [0.1, 0.6])
    given = torch.from_numpy(weight) if is_weighted else None
    weight = weight if is_weighted else np.ones(50)

    raw = SoftmaxCrossEntropy().neutral(torch.from_numpy(classes), 4, torch.float64, given)
    shares = np.bincount(classes, weight, minlength=3) / weight.sum()
    loss = SoftmaxCrossEntropy()(raw, torch.from_numpy(classes), given)
    np.testing.assert_allclose(loss, entropy(shares), rtol=1e-4)

    target = torch.from_numpy(labels.astype(float))
    raw = BinaryCrossEntropy().neutral(target, 2, torch.float64, given)
    shares = np.average(labels, axis=0, weights=weight)
    loss = BinaryCrossEntropy()(raw, target, given)
    np.testing.assert_allclose(loss, sum(entropy([p, 1 - p]) for p in shares))

    assert (HalfSquaredError().neutral(target, 2, torch.float64, given) == 0).all()


def test_a_constant_prediction_of_one_class_is_finite():
    target = torch.zeros(5, dtype=torch.int64)
    raw = SoftmaxCrossEntropy().neutral(target, 3, torch.float32)
    assert 0 <= float(SoftmaxCrossEntropy(label_smoothing=0.1)(raw, target)) < 2
    loss = BinaryCrossEntropy()
    assert float(loss(loss.neutral(torch.ones(5, 1), 1, torch.float32), torch.ones(5, 1))) < 1e-5
