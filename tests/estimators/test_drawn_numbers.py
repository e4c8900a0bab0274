"""Drawn y of regression: any magnitude, type, outlier and constant is learned, or refused in words."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.base import clone

from sknets import CNNRegressor, MLPRegressor, RNNRegressor, training
from sknets.targets import Raw, Regression
from tests.drawn import drawn, result_or_words
from tests.estimators.estimators import SMALL_CNN, SMALL_RNN

LOSSES = sorted(training.LOSSES)
ROBUST = ["absolute_error", "huber", "quantile"]
FEW = {"max_iter": 2, "random_state": 0}
MAGNITUDES = st.one_of(
    st.integers(-320, 308).map(lambda power: 10.0**power),
    st.sampled_from([1e-3, 1.0, 1e9, 1.7e12, 3e38]),
)


ROWS = st.integers(1, 60)


@st.composite
def numbers(draw, n_rows=ROWS):
    """Draw a y: shifted, scaled, with rows that are equal, outliers, several outputs, a type."""
    n, rng = draw(n_rows), np.random.default_rng(draw(st.integers(0, 2**16)))
    y = rng.standard_normal((n, draw(st.integers(1, 2))))
    shift, scale = draw(st.one_of(st.just(0.0), MAGNITUDES)), draw(MAGNITUDES)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        y = y * scale + draw(st.sampled_from([-1, 1])) * shift
        if draw(st.booleans()):  # equal rows, up to all of them
            y[: draw(st.integers(0, n))] = draw(st.sampled_from([0.0, 1.0, 0.1])) * scale + shift
        if draw(st.booleans()):
            y[draw(st.integers(0, n - 1)), 0] = draw(MAGNITUDES) * draw(st.sampled_from([-1, 1]))
        if draw(st.booleans()):
            y = np.abs(y)
        y = y[:, 0] if y.shape[1] == 1 else y
        y = y.astype(draw(st.sampled_from(["float64", "float32"])))
        assume(np.isfinite(np.abs(y).sum(dtype=y.dtype)))  # which scikit-learn's own check sums
    return y


def weights(n):
    whole = st.lists(st.integers(0, 3), min_size=n, max_size=n).filter(any)
    return st.one_of(st.none(), whole.map(lambda w: np.array(w, dtype=float)))


@drawn(200)
@given(st.data())
def test_a_target_puts_back_what_it_has_scaled(data):
    y, loss = data.draw(numbers()), data.draw(st.sampled_from(LOSSES))
    weight = data.draw(weights(len(y)))
    if weight is not None:
        y, weight = y[weight > 0], weight[weight > 0]
    task = Regression(loss, dict(training.declared(training.LOSSES[loss])))
    target = result_or_words(lambda: task.learn(y, weight, None), MLPRegressor())
    if target is None:
        return
    encoded = target.encode(y)
    assert np.isfinite(encoded).all()
    y = y.reshape(len(y), -1).astype(np.float64)
    expected, constant = y, target.scaling.is_constant
    if loss in ROBUST:  # outliers count as nearer than they are
        limit = target.task.furthest * target.scaling.scale
        shift = target.scaling.shift
        with np.errstate(over="ignore"):
            expected = np.clip(y, shift - limit, shift + limit)
    raw = np.log(np.maximum(encoded, 1e-300)) if loss == "poisson" else encoded
    if loss == "gaussian":  # beside deviations
        raw = np.hstack([raw, np.zeros_like(raw)])
    decoded = target.predictions(Raw(torch.from_numpy(raw), None, np.dtype("float32")))
    decoded = decoded.reshape(expected.shape)
    size = np.abs(expected) / 2 + np.abs(target.scaling.shift) / 2 + target.scaling.scale / 2
    digits = 1e-12 if decoded.dtype == np.float64 else 1e-5
    assert (np.abs(decoded / size - expected / size)[:, ~constant] <= digits).all()
    np.testing.assert_allclose(decoded[:, constant], expected[:, constant], rtol=1e-14)


@pytest.mark.slow
@drawn(150)
@given(st.data())
def test_any_y_is_learned_or_refused_in_words(data):
    y = data.draw(numbers(st.integers(2, 40)))
    X = np.random.default_rng(0).standard_normal((len(y), 3))
    X = X.astype(data.draw(st.sampled_from(["float64", "float32"])))
    network = MLPRegressor(
        data.draw(st.sampled_from(LOSSES)),
        hidden_layer_sizes=(4,),
        solver=data.draw(st.sampled_from(["adam", "sgd", "lbfgs"])),
        early_stopping=data.draw(st.booleans()),
        **FEW,
    )
    further = {}
    if data.draw(st.booleans()):
        y_val = data.draw(numbers(st.just(5)))
        if y_val.ndim != y.ndim:
            y_val = y_val[:, 0] if y.ndim == 1 else np.c_[y_val, y_val]
        further = {"X_val": X[:1].repeat(5, axis=0), "y_val": y_val}
    weight = data.draw(weights(len(y)))
    fit = result_or_words(lambda: clone(network).fit(X, y, weight, **further), network)
    if fit is None:
        return
    kept = slice(None) if weight is None else weight > 0
    predictions = fit.predict(X)
    assert np.isfinite(predictions).all()
    learned, shown = (part.reshape(len(part), -1) for part in (y[kept], predictions))
    for column, values in zip(learned.T, shown.T, strict=True):
        if (column == column[0]).all():
            np.testing.assert_array_equal(values, column[0])
    score = result_or_words(lambda: fit.score(X, y, weight), network)
    assert score is None or score <= 1 or np.isnan(score)


@pytest.mark.slow
@drawn(50)
@given(st.data())
def test_how_far_an_outlier_lies_makes_no_difference(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    X, scale = rng.standard_normal((40, 3)), 10.0 ** data.draw(st.integers(-250, 250))
    rows = rng.choice(40, data.draw(st.integers(1, 4)), replace=False)
    sign = data.draw(st.sampled_from([-1, 1]))
    network = MLPRegressor(
        data.draw(st.sampled_from(ROBUST)),
        hidden_layer_sizes=(4,),
        solver=data.draw(st.sampled_from(["adam", "sgd"])),
        max_iter=5,
        random_state=0,
    )
    y = X[:, 0] * scale
    predictions = []
    for far in (100.0, 10.0 ** data.draw(st.integers(3, 50))):
        bad = y.copy()
        bad[rows] = sign * far * scale
        fit = result_or_words(lambda bad=bad: clone(network).fit(X, bad), network)
        predictions.append(fit.predict(X) / scale)
    np.testing.assert_allclose(*predictions, rtol=1e-6, atol=1e-8)


@pytest.mark.slow
@drawn(40)
@given(st.data())
def test_any_constant_is_predicted_by_any_family(data):
    network = data.draw(
        st.sampled_from([MLPRegressor(), CNNRegressor(**SMALL_CNN), RNNRegressor(**SMALL_RNN)])
    )
    network = clone(network).set_params(**FEW, loss=data.draw(st.sampled_from(LOSSES)))
    dtype = data.draw(st.sampled_from(["float64", "float32"]))
    with np.errstate(over="ignore", under="ignore"):
        value = np.array(data.draw(MAGNITUDES)).astype(dtype)
    X = np.random.default_rng(0).standard_normal((9, 4)).astype(dtype)
    fit = result_or_words(lambda: network.fit(X, np.full(9, value)), network)
    assert (fit is None) == (not np.isfinite(value))
    if fit is not None:
        np.testing.assert_array_equal(fit.predict(X), value)


@pytest.mark.slow
@drawn(60)
@given(st.data())
def test_any_levels_are_in_order_or_refused_in_words(data):
    level = st.floats(1e-6, 1 - 1e-6)
    good = st.lists(level, min_size=1, max_size=12, unique=True).map(sorted)
    wrong = st.lists(st.one_of(level, st.sampled_from([0.0, 0.5, 1.0, np.nan, -1.0])), max_size=4)
    levels = data.draw(st.one_of(good, good, wrong))
    y = data.draw(numbers(st.integers(2, 30)))
    X = np.random.default_rng(0).standard_normal((len(y), 2))
    network = MLPRegressor("quantile", (3,), quantile=levels, **FEW)
    network.set_params(solver=data.draw(st.sampled_from(["adam", "lbfgs"])))
    fit = result_or_words(lambda: network.fit(X, y), network)
    is_right = bool(levels) and (np.diff([0.0, *levels, 1.0]) > 0).all()
    if not is_right or y.ndim > 1:
        assert fit is None
    if fit is not None:
        predictions = fit.predict(1000 * X)
        assert predictions.shape == (len(y), len(levels))
        assert (np.diff(predictions, axis=1) >= 0).all()
