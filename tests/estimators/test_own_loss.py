"""A loss of the user's own: like the built-in one where it says the same, and refused in words."""

import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import GridSearchCV
from torch import nn

from sknets import (
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from tests.estimators.estimators import (
    SMALL_CNN,
    SMALL_RNN,
    X_DIABETES,
    X_IRIS,
    Y_DIABETES,
    Y_IRIS,
    SmallModule,
)

FEW = {"max_iter": 5, "random_state": 0}
RNG = np.random.default_rng(0)
SERIES = RNG.standard_normal((30, 5, 2))
WEIGHT = RNG.uniform(0, 2, 150)
X, Y = X_DIABETES[:150], Y_DIABETES[:150]


def half_squared_error(raw, target):
    return 0.5 * ((raw - target) ** 2).sum(dim=1)


def cross_entropy(raw, target):
    if target.ndim == 1:
        return F.cross_entropy(raw, target, reduction="none")
    return F.binary_cross_entropy_with_logits(raw, target, reduction="none").sum(dim=1)


def pinball(raw, target):
    return torch.maximum(0.8 * (target - raw), 0.2 * (raw - target)).sum(dim=1)


def gaussian(raw, target):
    """Half the squared error less a constant, as a likelihood may be."""
    return half_squared_error(raw, target) - 1.5


class HalfSquaredError(torch.nn.Module):
    """The same as a module, which holds a buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("share", torch.tensor(0.5))

    def forward(self, raw, target):
        return (self.share * (raw - target) ** 2).sum(dim=1)


@pytest.mark.parametrize("loss", [half_squared_error, HalfSquaredError()])
@pytest.mark.parametrize(
    "network",
    [
        MLPRegressor(**FEW),
        MLPRegressor(solver="lbfgs", **FEW),
        MLPRegressor(early_stopping=True, **FEW),
        CNNRegressor(**SMALL_CNN | FEW),
        RNNRegressor(**SMALL_RNN | FEW),
        ModuleRegressor(SmallModule, **FEW),
    ],
    ids=str,
)
def test_the_squared_error_again_is_the_same_fit(network, loss):
    for y in (Y, np.c_[Y, Y[::-1]]):
        for weight in (None, WEIGHT):
            expected = clone(network).fit(X, y, weight).predict(X)
            actual = clone(network).set_params(loss=loss).fit(X, y, weight).predict(X)
            np.testing.assert_allclose(actual, expected, rtol=1e-10)


@pytest.mark.parametrize("output", ["timesteps", "sequence"])
def test_so_it_is_for_sequences(output):
    network = RNNRegressor(output=output, **SMALL_RNN | FEW)
    expected = clone(network).fit(SERIES, SERIES[:, :, 0], WEIGHT[:30]).predict(SERIES)
    own = clone(network).set_params(loss=half_squared_error)
    actual = own.fit(SERIES, SERIES[:, :, 0], WEIGHT[:30]).predict(SERIES)
    np.testing.assert_allclose(np.stack(list(actual)), np.stack(list(expected)), rtol=1e-10)


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kind", ["three classes", "two classes", "labels"])
def test_the_cross_entropy_again_is_the_same_fit(kind, solver, class_weight):
    y = {
        "three classes": Y_IRIS,
        "two classes": Y_IRIS == 2,
        "labels": np.c_[Y_IRIS == 1, Y_IRIS > 0].astype(int),
    }[kind]
    network = MLPClassifier(solver=solver, class_weight=class_weight, **FEW)
    expected = clone(network).fit(X_IRIS, y, WEIGHT).predict_proba(X_IRIS)
    own = clone(network).set_params(loss=cross_entropy).fit(X_IRIS, y, WEIGHT)
    np.testing.assert_allclose(own.predict_proba(X_IRIS), expected, rtol=1e-10)


@pytest.mark.parametrize("output", ["timesteps", "sequence"])
def test_so_it_is_for_sequences_of_classes(output):
    y = (SERIES[:, :, 0] > 0) + (SERIES[:, :, 1] > 0).astype(int)
    network = RNNClassifier(output=output, class_weight={0: 2, 1: 1, 2: 1}, **SMALL_RNN | FEW)
    networks = [clone(network).set_params(loss=loss) for loss in ("log_loss", cross_entropy)]
    expected, actual = (n.fit(SERIES, y).predict_proba(SERIES) for n in networks)
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_a_loss_that_is_not_built_in_is_minimised():
    network = MLPRegressor(pinball, (), solver="lbfgs", alpha=0, max_iter=1000, random_state=0)
    reference = QuantileRegressor(quantile=0.8, alpha=0).fit(X, Y)
    ours, theirs = (
        mean_pinball_loss(Y, fitted.predict(X), alpha=0.8)
        for fitted in (network.fit(X, Y), reference)
    )
    assert theirs <= ours < 1.02 * theirs


def test_a_search_finds_a_loss_and_its_winner_is_pickled():
    grid = {"loss": ["squared_error", half_squared_error]}
    search = GridSearchCV(MLPRegressor(**FEW), grid, cv=2).fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] == pytest.approx(scores[1], rel=1e-10)
    fitted = MLPRegressor(half_squared_error, **FEW).fit(X, Y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert again.partial_fit(X, Y).loss_ == fitted.partial_fit(X, Y).loss_


def test_a_lambda_is_fitted_and_refused_by_pickle():
    fitted = MLPRegressor(lambda raw, target: half_squared_error(raw, target), **FEW).fit(X, Y)
    with pytest.raises(
        (AttributeError, pickle.PicklingError), match="Can't (pickle|get) local|lambda"
    ):
        pickle.dumps(fitted)


def test_a_loss_may_be_negative():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        warnings.filterwarnings("ignore", "Stochastic Optimizer")
        network = MLPRegressor(gaussian, max_iter=50, random_state=0).fit(X, Y)
    assert network.loss_ < -1


def less_than_at_zero(raw, target):
    """Half the squared error, less what it is at a raw output of zero."""
    return half_squared_error(raw, target) - half_squared_error(0 * raw, target)


def uphill(raw, target):
    """The value of `gaussian`, with a gradient that points the other way."""
    loss = gaussian(raw, target)
    return 2 * loss.detach() - loss


def test_a_loss_of_zero_at_raw_outputs_of_zero_is_told_what_others_are():
    network = MLPRegressor(less_than_at_zero, max_iter=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="The training loss still falls"):
        network.fit(X, Y)


def test_a_loss_is_compared_with_raw_outputs_of_zero():
    network = MLPRegressor(uphill, learning_rate_init=0.05, max_iter=20, random_state=0)
    words = r"is above that of raw outputs of zero \(-1\)"
    with pytest.warns(ConvergenceWarning, match=words):
        network.fit(X, Y)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda raw, y: (raw - y) ** 2, r"of shape \(150,\) .*; it returned \(150, 1\)"),
        (lambda raw, y: ((raw - y) ** 2).mean(), r"it returned \(\)"),
        (lambda raw, y: 1.0, "it returned float"),
        (lambda raw, y: (raw - y).detach()[:, 0], "does not depend on the raw outputs"),
        (torch.nn.MSELoss, "loss=MSELoss is a class"),
        (torch.nn.MSELoss(reduction="none"), r"loss=MSELoss\(\) must return"),
        (torch.nn.Linear(1, 1), r"loss=Linear\(.*\) has parameters of its own"),
        (3, "The 'loss' parameter of"),
    ],
)
def test_what_is_no_loss_of_rows_is_refused(loss, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor(loss, batch_size=150, **FEW).fit(X, Y)


def test_an_option_of_the_cross_entropy_is_refused_beside_another_loss():
    with pytest.raises(ValueError, match=r"label_smoothing=0.1 is for loss='log_loss'"):
        MLPClassifier(loss=cross_entropy, label_smoothing=0.1, **FEW).fit(X_IRIS, Y_IRIS)


def test_a_failed_loss_leaves_the_estimator_as_it_was():
    network = MLPRegressor(**FEW).fit(X, Y)
    before = network.predict(X)
    with pytest.raises(ValueError, match="loss=.*takes 1 positional argument"):
        network.set_params(loss=lambda raw: raw).fit(X, Y)
    np.testing.assert_array_equal(network.predict(X), before)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda raw, target: torch.log(raw - target).sum(1), "returned NaN or infinity"),
        (lambda raw: raw, "is called as loss.raw, target."),
        (lambda raw, target: np.abs(raw - target).sum(1), "must use operations of Torch"),
        (nn.HuberLoss(reduction="none"), r"Add \.sum\(dim=1\)"),
    ],
    ids=["nan", "arguments", "numpy", "shape"],
)
def test_a_loss_that_fails_is_named(loss, words):
    with pytest.raises(ValueError, match=f"loss=.*{words}"):
        MLPRegressor(loss, max_iter=2, random_state=0).fit(X_DIABETES, Y_DIABETES)
