"""Drawn values of X and of weights: a result that can be vouched for, or an error that has a name."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from sknets import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from sknets.inputs._kind import Kind
from tests.drawn import drawn, result_or_words
from tests.estimators.estimators import SmallModule

TINY = {"max_iter": 2, "random_state": 0}
FAMILIES = {
    "table": (
        (5,),
        [MLPClassifier(hidden_layer_sizes=(4,)), MLPRegressor(hidden_layer_sizes=(4,))],
    ),
    "images": (
        (4, 4),
        [CNNClassifier(conv_channels=(3,)), CNNRegressor(conv_channels=(3,), global_pooling=None)],
    ),
    "signals": (
        (6, 2),
        [
            CNNClassifier(conv_channels=(3,), conv_dim=1),
            CNNRegressor(conv_channels=(3,), conv_dim=1, global_pooling=None),
        ],
    ),
    "module": ((5,), [ModuleClassifier(SmallModule), ModuleRegressor(SmallModule)]),
    "series": (
        (5, 2),
        [RNNClassifier(recurrent_layer_sizes=(3,)), RNNRegressor(recurrent_layer_sizes=(3,))],
    ),
}
TABLES = ("table", "module")
DTYPES = [np.float64, np.float32, np.float16, np.longdouble, np.int64, np.uint8, bool]
EXPONENTS = st.sampled_from(
    [-323, -310, -200, -45, -38, -20, -3, 0, 2, 10, 30, 37, 38, 40, 154, 200, 307]
)


@st.composite
def networks(draw):
    family = draw(st.sampled_from(list(FAMILIES)))
    shape, candidates = FAMILIES[family]
    network = candidates[draw(st.integers(0, 1))]
    params = {"dtype": draw(st.sampled_from(["auto", "float32", "float64"]))}
    if family not in TABLES:
        scaling = st.sampled_from(["standardize", None, (0.5, 2.0)])
        params["input_scaling"] = draw(scaling)
    return family, shape, network.set_params(**TINY, **params)


def values(draw, shape, n_rows):
    """Values of any type, unit and offset; a column may be constant, a row may stand out."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    X = rng.normal(size=(n_rows, *shape)) + draw(st.sampled_from([0.0, 1.0, -1e6]))
    if draw(st.booleans()):
        X[..., 0] = X[0].flat[0]
    with np.errstate(all="ignore"):
        X = X * 10.0 ** draw(EXPONENTS)
        if draw(st.integers(0, 3)) == 0:
            X[rng.integers(n_rows)] *= 10.0 ** draw(EXPONENTS)
        X = X.clip(-1.7e308, 1.7e308)
        dtype = draw(st.sampled_from(DTYPES))
        if np.dtype(dtype).kind in "iu":
            X = X.clip(np.iinfo(dtype).min // 2, np.iinfo(dtype).max // 2)
        return X.astype(dtype)


def are_ordinary(X):
    """Whether there is no reason to refuse values."""
    largest = np.abs(X.astype(np.float64)).max()
    return 1e-4 < largest < 1e9 or X.dtype.kind in "iub"


@pytest.mark.slow
@drawn(250)
@given(st.data())
def test_values_of_any_size_give_finite_outputs_or_words(data):
    family, shape, network = data.draw(networks())
    X, y = values(data.draw, shape, 12), np.arange(12) % 2
    form = data.draw(st.sampled_from(["as it is", "list", "sparse"]))

    def formed(X):
        if form == "sparse" and family in TABLES and X.dtype in (np.float64, np.float32):
            return sp.csr_array(X)
        return list(X) if form == "list" else X

    if result_or_words(lambda: network.fit(formed(X), y), network) is None:
        assert not are_ordinary(X)
        return
    for rows in (X, X[:1], values(data.draw, shape, 3)):
        predictions = result_or_words(lambda rows=rows: network.predict(formed(rows)), network)
        is_of_the_fit = len(rows) in (1, 12)
        assert predictions is not None or not (is_of_the_fit and are_ordinary(X))
        assert predictions is None or np.isfinite(predictions).all()
        if hasattr(network, "predict_proba"):
            probabilities = result_or_words(
                lambda rows=rows: network.predict_proba(formed(rows)), network
            )
            assert probabilities is None or np.isfinite(probabilities).all()
            assert (probabilities is None) == (predictions is None)


@pytest.mark.slow
@drawn(80)
@given(st.data())
def test_weights_of_any_size_give_the_same_fit(data):
    _, shape, network = data.draw(networks())
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    X, y = rng.normal(size=(14, *shape)), np.arange(14) % 2
    weight = 10.0 ** rng.uniform(-data.draw(st.sampled_from([0, 1, 4])), 0, 14)
    weight[:2] = data.draw(st.sampled_from([0.0, 1.0]))
    weight /= weight[weight > 0].mean()
    unit = 2.0 ** data.draw(st.sampled_from([-1000, -500, -40, 40, 500, 1000]))
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    expected = network.fit(X.astype(dtype), y, weight).predict(X)
    ours = result_or_words(lambda: network.fit(X.astype(dtype), y, weight * unit), network)
    np.testing.assert_allclose(ours.predict(X), expected, rtol=1e-3, atol=1e-3)
    score = result_or_words(lambda: ours.score(X, y, weight * unit), network)
    np.testing.assert_allclose(score, ours.score(X, y, weight), rtol=1e-9)


@st.composite
def pixels(draw):
    """Whole numbers up to some level, as their own type or as floats."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    level = draw(st.sampled_from([2, 3, 15, 16, 255, 1023, 65535]))
    X = np.floor(rng.uniform(size=(10, 4, 4)) ** draw(st.sampled_from([1, 4])) * level)
    X[np.arange(10), 0, 0] = level  # a bright point in each
    dtype = (
        np.uint8
        if level <= 255 and draw(st.booleans())
        else draw(st.sampled_from([float, np.float32]))
    )
    return X.astype(dtype), level


@drawn(120)
@given(pixels(), st.integers(0, 9), st.integers(1, 8))
def test_kinds_that_could_be_the_fits_pass_and_others_do_not(drawn_pixels, row, divisor):
    X, level = drawn_pixels
    scaled, plus_minus = X / level, X / (level / 2) - 1
    whole = Kind.of(X, is_series=False)
    one = X[row : row + 1]
    for rows in (X, one, one // divisor, one * 0, np.minimum(one, 1), (one > 0).astype(float)):
        whole.check(rows, "CNNClassifier")
    if ((scaled > 0) & (scaled < 1)).any():
        kinds = [scaled, scaled.astype(np.float32), plus_minus]
        for fractions in kinds[: 2 if level == 2 else 3]:  # 0, 1, 2 becomes -1, 0, 1
            with pytest.raises(ValueError, match="X holds fractions"):
                whole.check(fractions, "CNNClassifier")
            kind = Kind.of(fractions, is_series=False)
            for rows in (fractions, fractions[row : row + 1], one * 0, fractions * 1.7):
                kind.check(rows, "CNNClassifier")
            with pytest.raises(ValueError, match="X holds whole numbers up to"):
                kind.check(X, "CNNClassifier")


@pytest.mark.slow
@drawn(40)
@given(st.permutations(["a", "b", "c"]), st.booleans(), st.sampled_from(["ragged", "equal"]))
def test_columns_in_any_order_are_right_or_refused(order, as_series, lengths):
    rng = np.random.default_rng(0)
    sizes = [6] * 8 if lengths == "equal" else [4 + i % 3 for i in range(8)]
    frames = [pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"]) for n in sizes]
    network = RNNClassifier(recurrent_layer_sizes=(3,), **TINY).fit(frames, np.arange(8) % 2)
    given_frames = [frame[list(order)] for frame in frames]
    X = pd.Series(given_frames) if as_series else given_frames
    ours = result_or_words(lambda: network.predict_proba(X), network)
    if list(order) == ["a", "b", "c"]:
        np.testing.assert_array_equal(ours, network.predict_proba(frames))
    else:
        assert ours is None
