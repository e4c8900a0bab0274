"""In which unit X is: what cannot be of the fit's kind is refused, and nothing else."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from torch import nn

from sknets import (
    CNNClassifier,
    CNNFeatures,
    CNNRegressor,
    Forecaster,
    MLPRegressor,
    ModuleClassifier,
    RNNClassifier,
    RNNRegressor,
)
from sknets.inputs import regular
from sknets.inputs._kind import Kind

DIGITS = load_digits()
Y = DIGITS.target[:120]
SIXTEEN = DIGITS.images[:120]  # whole numbers as floats
BYTES = (SIXTEEN * 15.9).astype(np.uint8)
UNIT = BYTES / 255
BRIGHT = np.where(BYTES.max(axis=(1, 2), keepdims=True) == BYTES, 255, BYTES).astype(np.uint8)
PLUS_MINUS = BYTES / 127.5 - 1
STANDARD = (BYTES - BYTES.mean()) / BYTES.std()
SMALL = {"conv_channels": (4,), "max_iter": 1, "random_state": 0}


class LastStep(nn.Module):
    """A linear map of the last step of series."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.linear = nn.Linear(n_inputs[-1], n_outputs)

    def forward(self, x):
        return self.linear(x[:, -1])


OTHER_KINDS = {
    "bytes, then /255": (BYTES, UNIT),
    "bytes, then float32 /255": (BYTES, UNIT.astype(np.float32)),
    "bytes, then in [-1, 1]": (BYTES, PLUS_MINUS),
    "bytes, then standardised": (BYTES, STANDARD),
    "0..16, then /16": (SIXTEEN, SIXTEEN / 16),
    "16 bits, then in [-1, 1]": (BYTES.astype(np.int16) * 100 - 12000, PLUS_MINUS),
    "/255, then bytes": (UNIT, BYTES),
    "/255, then bytes as floats": (UNIT, BYTES.astype(float)),
    "[-1, 1], then bytes": (PLUS_MINUS, BYTES),
    "standardised, then bytes": (STANDARD, BYTES),
    "/16, then 0..16": (SIXTEEN / 16, SIXTEEN),
}


@pytest.mark.parametrize("name", OTHER_KINDS)
@pytest.mark.parametrize("is_flat", [False, True], ids=["images", "table"])
def test_other_kinds_of_images_are_refused(name, is_flat):
    seen, other = OTHER_KINDS[name]
    shape = {}
    if is_flat:
        shape = {"input_shape": (8, 8)}
        seen, other = seen.reshape(120, -1), other.reshape(120, -1)
    network = CNNClassifier(**SMALL, **shape).fit(seen, Y)
    before = network.predict_proba(seen)
    further = CNNFeatures(FrozenEstimator(network))
    calls = [
        lambda: network.predict(other),
        lambda: network.predict_proba(other[:1]),
        lambda: network.score(other, Y),
        lambda: network.partial_fit(other, Y),
        lambda: further.fit(other),
        lambda: further.fit(seen).transform(other),
        lambda: CNNClassifier(**SMALL, **shape).fit(seen, Y, X_val=other, y_val=Y),
        lambda: CNNClassifier(max_iter=1, backbone=network, **shape).fit(other, Y),
    ]
    for call in calls:
        with pytest.raises(
            ValueError, match="X holds .* but (CNNClassifier|backbone) was fitted to"
        ):
            call()
    np.testing.assert_array_equal(network.predict_proba(seen), before)


def images(values, dtype=float):
    return np.broadcast_to(np.asarray(values, dtype), (2, 8, 8))


ODD_BUT_POSSIBLE = {
    "black of bytes": (BYTES, images(0, np.uint8)),
    "black as floats": (BYTES, images(0.0)),
    "ones of bytes": (BYTES, np.eye(8)[None]),
    "resized bytes": (BYTES, BYTES[:5] * 0.37),
    "blurred bytes with overshoot": (BYTES, BYTES[:5] * 0.9 - 3.3),
    "one dark bright enough": (BYTES, images(1.5)),
    "signed as floats": (BYTES, BYTES.astype(np.int64)),
    "fractions over the end": (UNIT, UNIT * 3.3),
    "white of fractions": (UNIT, images(1.0)),
    "a mask of fractions": (UNIT, np.eye(8, dtype=bool)[None]),
    "whole by chance": (STANDARD, images(2.0)),
    "black and white, then grey levels of few": (BYTES > 100, BYTES // 64),
    "bright bytes, then one that is dark": (BRIGHT, np.eye(8)[None]),
    "bright bytes, then dark ones": (BRIGHT, (BYTES > 100) * 2.0),
    "bytes that are not all bright, then masks": (BYTES, (BYTES > 100) * 1.0),
    "binary, then fractions": ((BYTES > 100).astype(np.uint8), UNIT),
    "temperatures, then whole ones": (UNIT * 40, np.round(UNIT * 90)),
}


@pytest.mark.parametrize("name", ODD_BUT_POSSIBLE)
def test_what_could_be_of_the_kind_passes(name):
    seen, other = ODD_BUT_POSSIBLE[name]
    network = CNNClassifier(**SMALL).fit(seen, Y)
    assert np.isfinite(network.predict_proba(other)).all()


MASKS = BRIGHT > 100


@pytest.mark.parametrize(
    ("seen", "other"),
    [
        (MASKS, MASKS * np.uint8(255)),
        (MASKS.astype(np.uint8), MASKS * 255.0),
        (MASKS * 1.0, BRIGHT),
        (MASKS * np.uint8(255), MASKS * 1.0),
        (MASKS * 255.0, MASKS),
        (BRIGHT, MASKS.astype(np.uint8)),
    ],
)
def test_levels_of_black_and_white_images_warn_in_another_unit(seen, other):
    network = CNNClassifier(**SMALL).fit(seen, Y)
    network.predict(seen)
    with pytest.warns(UserWarning, match="X holds whole numbers up to .* all that CNNClassifier"):
        network.predict(other)


def test_every_single_row_of_the_fit_passes():
    for seen in (BYTES, SIXTEEN, UNIT, STANDARD, PLUS_MINUS):
        kind = Kind.of(seen, is_series=False)
        for row in range(120):
            kind.check(seen[row : row + 1], "CNNClassifier")
            kind.check((seen[row : row + 1] * 0.1).astype(seen.dtype), "CNNClassifier")


def test_series_of_whole_numbers_warn_and_those_of_fractions_refuse():
    network = RNNClassifier(max_iter=1, random_state=0).fit(SIXTEEN, Y)
    with pytest.warns(UserWarning, match="fitted to whole numbers from 0 to 16") as caught:
        network.predict(SIXTEEN / 16)
    assert caught[0].filename == __file__
    network.fit(SIXTEEN / 16, Y)
    with pytest.raises(ValueError, match="X holds whole numbers up to 16, but RNNClassifier"):
        network.predict(SIXTEEN)
    with pytest.raises(ValueError, match="X holds whole numbers up to 16"):
        network.predict([x[: 3 + i % 5] for i, x in enumerate(SIXTEEN)])


@pytest.mark.parametrize("rate", [0.7, 5])
@pytest.mark.parametrize("difference", [0, 1])
@pytest.mark.parametrize(
    "network",
    [
        RNNRegressor(max_iter=2, recurrent_layer_sizes=(4,), random_state=0),
        MLPRegressor(max_iter=2, hidden_layer_sizes=(4,), random_state=0),
        CNNRegressor(**SMALL),
        CNNRegressor(**SMALL, conv_dim=1),
    ],
    ids=["RNN", "MLP", "CNN", "CNN of signals"],
)
def test_forecasts_of_counts_may_become_fractions(network, rate, difference):
    counts = np.random.default_rng(0).poisson(rate, 200).astype(float)
    forecaster = Forecaster(network, window=8, difference=difference).fit(y=counts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(forecaster.forecast(40)).all()


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (CNNClassifier(**SMALL, conv_dim=1), (24, 1)),
        (CNNClassifier(**SMALL), (24,)),
        (CNNClassifier(**SMALL), (24, 1)),
        (ModuleClassifier(LastStep, max_iter=1), (24, 1)),
    ],
    ids=["signals", "table of signals", "images", "module"],
)
def test_series_warn_whatever_reads_them(network, shape):
    rng = np.random.default_rng(0)
    warm = rng.integers(8, 32, (40, 24)).astype(float)
    frosty = rng.normal(0.4, 0.2, (1, 24)).clip(0, 1)
    network.fit(warm.reshape(-1, *shape), np.arange(40) % 2)
    is_image = isinstance(network, CNNClassifier) and len(shape) == 2 and network.conv_dim != 1
    words = "X holds fractions between"
    refused, warned = pytest.raises(ValueError, match=words), pytest.warns(UserWarning, match=words)
    with refused if is_image else warned:
        network.predict(frosty.reshape(-1, *shape))


def test_tokens_have_no_kind():
    tokens = SIXTEEN[:, 0].astype(int)
    network = RNNClassifier(vocabulary_size=17, max_iter=1, random_state=0).fit(tokens, Y)
    assert network.predict(tokens.clip(0, 1)).shape == (120,)
    with pytest.raises(ValueError, match="X must hold token ids, whole numbers"):
        network.predict(tokens / 16)


def test_kind_is_what_numpy_finds():
    series = regular(np.array([[[0.0], [3.0]], [[-5.0], [1.0]]]))
    assert Kind.of(series, is_series=True) == Kind(True, -5.0, 3.0, 3.0, is_series=True)
    below = SIXTEEN[:1] - 20.0
    assert Kind.of(below, is_series=False).dimmest == -below.min()
    assert Kind.of(PLUS_MINUS[:1], is_series=False).dimmest == 0
    column_major = np.asfortranarray(np.full((40000, 2, 2), 7.0))
    assert Kind.of(column_major, is_series=False).is_whole
    column_major[-1, -1, -1] = 7.5
    assert not Kind.of(column_major, is_series=False).is_whole


def test_floats_of_which_all_are_whole_tell_nothing():
    network = CNNClassifier(**SMALL).fit(STANDARD, Y)
    assert np.isfinite(network.predict_proba(STANDARD * 1e20)).all()
    assert not Kind.of(STANDARD * 1e20, is_series=False).is_whole
    assert Kind.of(BYTES.astype(np.int64) << 55, is_series=False).is_whole


IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


@pytest.mark.parametrize(
    ("scaling", "in_bytes", "is_doubtful"),
    [
        (IMAGENET, True, True),
        (IMAGENET, False, False),
        ((123.7, 58.4), False, True),
        ((123.7, 58.4), True, False),
        ((0.5, 0.5), True, True),
        ((0, 255), True, False),
        ((0, 1), True, False),
        (None, True, False),
    ],
)
@pytest.mark.parametrize("network", [CNNClassifier(**SMALL), RNNClassifier(max_iter=1)])
def test_scaling_in_another_unit_than_x_is_warned_of(network, scaling, in_bytes, is_doubtful):
    if isinstance(network, CNNClassifier):
        X = np.stack([BYTES] * 3, axis=-1)
    else:
        X = np.stack([BYTES.reshape(120, -1)[:, :20]] * 3, axis=-1)
    X = X if in_bytes else X / 255
    network.set_params(input_scaling=scaling, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        network.fit(X, Y)
    words = [str(w.message) for w in caught if str(w.message).startswith("input_scaling")]
    assert len(words) == is_doubtful
    assert all("in units of X, whose values lie between 0 and" in w for w in words)
