"""Whatever the caller has changed in Torch, fits and predictions are the same to the last bit."""

import copy
import pickle
from contextlib import ExitStack

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from torch import nn

from sknets import (
    CNNClassifier,
    CNNFeatures,
    Forecaster,
    MLPRegressor,
    RNNClassifier,
    RNNFeatures,
    RNNRegressor,
)
from tests.drawn import drawn
from tests.estimators.estimators import ALL, X_DIABETES, Y_DIABETES, data_for, outputs
from tests.torch_modes import MODES, modes

IMAGES, LABELS = load_digits().images[:60].astype("float32"), load_digits().target[:60]

each_mode = pytest.mark.parametrize("mode", MODES)
each_family = pytest.mark.parametrize(
    "estimator", [*ALL, MLPRegressor(solver="lbfgs")], ids=lambda e: type(e).__name__ + e.solver
)


def small(estimator, **params):
    return clone(estimator).set_params(max_iter=2, random_state=0, **params)


def under(mode, call):
    """Return what a call returns under a mode, which is the same afterwards."""
    with MODES[mode]():
        before = modes()
        result = call()
        assert modes() == before
    return result


@each_mode
@each_family
def test_fit_and_predict(mode, estimator):
    X, y = data_for(estimator)
    X = X.astype("float32")  # autocast leaves float64 alone
    expected = small(estimator, early_stopping=True).fit(X, y)
    fitted = under(mode, lambda: small(estimator, early_stopping=True).fit(X, y))
    np.testing.assert_array_equal(outputs(fitted, X), outputs(expected, X))
    np.testing.assert_array_equal(under(mode, lambda: outputs(expected, X)), outputs(expected, X))
    assert fitted.history_["validation_score"] == expected.history_["validation_score"]
    np.testing.assert_array_equal(
        under(mode, lambda: fitted.summary()), expected.summary().to_numpy()
    )
    if is_classifier(estimator):
        np.testing.assert_array_equal(
            under(mode, lambda: fitted.predict_log_proba(X)), expected.predict_log_proba(X)
        )


@each_mode
@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_going_on(mode, estimator):
    X, y = data_for(estimator)
    more = {"classes": np.unique(y)} if is_classifier(estimator) else {}
    expected = small(estimator, average="polyak").partial_fit(X, y, **more).partial_fit(X, y)
    fitted = under(mode, lambda: small(estimator, average="polyak").partial_fit(X, y, **more))
    loaded = under(mode, lambda: pickle.loads(pickle.dumps(fitted)))
    copied = under(mode, lambda: copy.deepcopy(fitted))
    for went_on in (
        under(mode, lambda: fitted.partial_fit(X, y)),
        loaded.partial_fit(X, y),
        copied.partial_fit(X, y),
    ):
        np.testing.assert_array_equal(outputs(went_on, X), outputs(expected, X))


@each_mode
def test_what_is_read_off_first_under_a_mode_is_right_later(mode):
    network = MLPRegressor(max_iter=2, random_state=0).fit(X_DIABETES, Y_DIABETES)
    expected = network.predict(X_DIABETES), network.coefs_[-1]
    loaded = pickle.loads(pickle.dumps(network))
    assert under(mode, lambda: loaded.out_activation_) == "identity"
    np.testing.assert_array_equal(under(mode, lambda: loaded.coefs_[-1]), expected[1])
    np.testing.assert_array_equal(loaded.predict(X_DIABETES), expected[0])


@each_mode
def test_backbone_that_was_made_under_a_mode(mode):
    def make():
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())

    def fit(backbone):
        tuned = {"fine_tune_layers": "all", "fine_tune_iter": 2}
        return CNNClassifier(backbone=backbone, **tuned, max_iter=2, random_state=0).fit(
            IMAGES, LABELS
        )

    expected = outputs(fit(make), IMAGES)
    np.testing.assert_array_equal(outputs(under(mode, lambda: fit(make)), IMAGES), expected)
    torch.manual_seed(0)
    base = make()
    expected = outputs(fit(base), IMAGES)
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(0)
        base = make()  # of inference tensors, which no gradient may touch
    np.testing.assert_array_equal(outputs(under(mode, lambda: fit(base)), IMAGES), expected)


@each_mode
def test_features_attention_and_sequences(mode):
    features = CNNFeatures(CNNClassifier((4,), max_iter=2, random_state=0))
    expected = features.fit(IMAGES, LABELS).transform(IMAGES)
    found = under(mode, lambda: clone(features).fit(IMAGES, LABELS).transform(IMAGES))
    np.testing.assert_array_equal(found, expected)

    reading = RNNFeatures(RNNClassifier((4,), max_iter=2, random_state=0))
    expected = reading.fit(IMAGES, LABELS).transform(IMAGES)
    found = under(mode, lambda: clone(reading).fit(IMAGES, LABELS).transform(IMAGES))
    np.testing.assert_array_equal(found, expected)

    reader = RNNRegressor(recurrent_layer_sizes=(4,), pool="attention", max_iter=2, random_state=0)
    expected = reader.fit(IMAGES, LABELS).attention_weights(IMAGES)
    found = under(mode, lambda: clone(reader).fit(IMAGES, LABELS).attention_weights(IMAGES))
    np.testing.assert_array_equal(found, expected)

    tagger = RNNClassifier((4,), output="timesteps", max_iter=2, random_state=0)
    steps = (IMAGES.sum(axis=2) > 30).astype(int)
    expected = tagger.fit(IMAGES, steps).score(IMAGES, steps)
    assert under(mode, lambda: clone(tagger).fit(IMAGES, steps).score(IMAGES, steps)) == expected


@each_mode
def test_forecasts(mode):
    series = np.sin(np.arange(80.0))

    def make():
        reader = RNNRegressor(recurrent_layer_sizes=(4,), max_iter=2, random_state=0)
        return Forecaster(reader, window=8, horizon=3)

    expected = make().fit(y=series).predict()
    np.testing.assert_array_equal(under(mode, lambda: make().fit(y=series).predict()), expected)


@pytest.mark.slow
@drawn(100)
@given(
    st.sampled_from(ALL),
    st.lists(st.sampled_from([*MODES]), min_size=1, max_size=4),
    st.fixed_dictionaries(
        {
            "solver": st.sampled_from(["adam", "adamw", "sgd", "rmsprop", "gd"]),
            "early_stopping": st.booleans(),
            "average": st.sampled_from([None, "polyak", "exponential"]),
            "learning_rate": st.sampled_from(["constant", "adaptive", "one_cycle"]),
            "max_grad_norm": st.sampled_from([None, 1.0]),
            "dtype": st.sampled_from(["auto", "float32", "float64"]),
        }
    ),
    st.sampled_from(["float16", "float32", "float64", "int64", "uint8"]),
)
def test_any_modes_around_any_fit(estimator, names, params, dtype):
    X, y = data_for(estimator)
    X = (10 * np.abs(X[::3])).astype(dtype)
    expected = small(estimator, **params).fit(X, y[::3])
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(MODES[name]())
        before = modes()
        found = pickle.loads(pickle.dumps(small(estimator, **params).fit(X, y[::3])))
        predicted = outputs(found, X)
        assert modes() == before
    np.testing.assert_array_equal(predicted, outputs(expected, X))
