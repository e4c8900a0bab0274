"""How sure predictions are: deviations, intervals, sets and temperatures of all families."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from scipy.stats import norm
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from sknets import (
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from sknets.inspection import integrated_gradients
from sknets.uncertainty import quantile_of
from tests.estimators.estimators import (
    ALL,
    SMALL_CNN,
    SMALL_RNN,
    SmallModule,
    data_for,
    make_dropout_module,
)

FAST = {"learning_rate_init": 0.01, "max_iter": 10, "random_state": 0}
REGRESSORS = [estimator for estimator in ALL if not is_classifier(estimator)]
CLASSIFIERS = [estimator for estimator in ALL if is_classifier(estimator)]


def make_rows(n_rows, seed):
    """Return X, a normal y whose deviation depends on X, its mean and its deviation."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n_rows, 2))
    mean, deviation = 10 + 2 * X[:, 0], 0.5 + 0.4 * X[:, 1]
    return X, mean + deviation * rng.standard_normal(n_rows), mean, deviation


X, Y, _, _ = make_rows(400, 0)
HELD, Y_HELD, _, _ = make_rows(20_000, 1)


def covered(intervals, y):
    return (intervals[..., 0] <= y) & (y <= intervals[..., 1])


def name(estimator):
    return type(estimator).__name__


# Deviations


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_gaussian_loss_learns_mean_and_deviation(solver):
    X, y, _, _ = make_rows(3000, 2)
    held, _, mean, deviation = make_rows(1000, 3)
    network = MLPRegressor("gaussian", (20,), solver=solver, random_state=0)
    if solver == "adam":
        network.set_params(early_stopping=True, learning_rate_init=0.01)
    else:
        network.set_params(tol=1e-3)
    found, std = network.fit(X, y).predict(held, return_std=True)
    assert np.abs(found - mean).mean() < 0.06
    assert np.abs(std - deviation).mean() < 0.06
    np.testing.assert_array_equal(found, network.predict(held))
    interval = network.predict_interval(held, 0.8)
    np.testing.assert_allclose(interval[:, 1] - found, norm.ppf(0.9) * std, rtol=1e-10)
    assert network.score(held, mean) > 0.98  # R² of means


def test_gaussian_loss_of_rows_without_inputs_is_the_normal_fit():
    y = np.random.default_rng(0).gamma(2.0, size=200)
    network = MLPRegressor("gaussian", (), solver="lbfgs", alpha=0.0, tol=1e-10, max_iter=1000)
    mean, std = network.fit(np.zeros((200, 1)), y).predict([[0.0]], return_std=True)
    assert mean[0] == pytest.approx(y.mean(), rel=1e-6)
    assert std[0] == pytest.approx(y.std(), rel=1e-5)


@pytest.mark.parametrize("estimator", REGRESSORS, ids=name)
def test_every_family_has_deviations(estimator):
    X, y = data_for(estimator)
    network = clone(estimator).set_params(loss="gaussian", **FAST).fit(X, y)
    mean, std = network.predict(X, return_std=True)
    assert mean.shape == std.shape == y.shape
    assert (std > 0).all()
    assert network.n_outputs_ == 2
    assert network.out_activation_ == "gaussian"
    several = np.column_stack([y, -2 * y])
    network = clone(estimator).set_params(loss="gaussian", n_members=2, **FAST).fit(X, several)
    mean, std = network.predict(X, return_std=True)
    assert mean.shape == std.shape == several.shape
    of_members = [member.predict(X, return_std=True) for member in network.members_]
    means, stds = np.array(of_members).swapaxes(0, 1)
    np.testing.assert_allclose(mean, means.mean(0), rtol=1e-4)
    mixture = np.sqrt((stds**2).mean(0) + means.var(0))
    np.testing.assert_allclose(std, mixture, rtol=1e-4)
    assert network.predict_interval(X).shape == (*several.shape, 2)


def test_timesteps_have_deviations():
    series = np.random.default_rng(0).standard_normal((40, 6, 2))
    ragged = [rows[: 3 + k % 4] for k, rows in enumerate(series)]
    y = [rows[:, 0] for rows in ragged]
    network = RNNRegressor(**SMALL_RNN | FAST, loss="gaussian", output="timesteps").fit(ragged, y)
    mean, std = network.predict(ragged, return_std=True)
    ends = network.predict_interval(ragged, 0.5)
    for of_row, truth, deviations, interval in zip(y, mean, std, ends, strict=True):
        assert of_row.shape == truth.shape == deviations.shape
        np.testing.assert_allclose(
            interval, np.stack([truth, truth], 1) + norm.ppf(0.75) * deviations[:, None] * [-1, 1]
        )
    with pytest.raises(
        ValueError, match="writes one number for each y.*loss='gaussian' has a mean"
    ):
        clone(network).set_params(output="sequence").fit(series, series[:, :3, 0])


def test_gaussian_network_survives_a_pickle_and_goes_on():
    network = MLPRegressor("gaussian", **FAST).fit(X, Y)
    again = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(
        again.predict(X, return_std=True), network.predict(X, return_std=True)
    )
    assert again.partial_fit(X, Y).loss_ == network.partial_fit(X, Y).loss_
    with pytest.raises(ValueError, match="y .by loss."):
        network.set_params(loss="squared_error").partial_fit(X, Y)


def test_constant_y_has_no_deviation():
    network = MLPRegressor("gaussian", calibrate=True, **FAST).fit(X, np.full(400, 3.0))
    mean, std = network.predict(X, return_std=True)
    np.testing.assert_array_equal(mean, 3.0)
    np.testing.assert_array_equal(std, 0.0)
    np.testing.assert_array_equal(network.predict_interval(X), 3.0)


def test_noiseless_y_ends_at_the_least_deviation():
    network = MLPRegressor("gaussian", (), solver="lbfgs", alpha=0.0, max_iter=2000, tol=1e-8)
    y = 100 * X[:, 0]
    _, std = network.fit(X, y).predict(X, return_std=True)
    assert (std >= 1e-3 * y.std() * (1 - 1e-9)).all()
    assert std.max() < 0.02 * y.std()


def test_explained_are_the_means():
    network = MLPRegressor("gaussian", (), solver="lbfgs", alpha=0.0, max_iter=500).fit(X, Y)
    found = integrated_gradients(network, X[:5], baseline=np.zeros(2))
    np.testing.assert_allclose(found, X[:5] * network.coefs_[0][:, 0], rtol=1e-6)
    with pytest.raises(ValueError, match="not among"):
        integrated_gradients(network, X[:5], target=1)


# Monte Carlo dropout


@pytest.mark.parametrize(
    "network",
    [
        MLPRegressor(dropout=0.3, **FAST),
        CNNRegressor(**SMALL_CNN | FAST, spatial_dropout=0.3),
        RNNRegressor(**SMALL_RNN | FAST, recurrent_dropout=0.3),
        ModuleRegressor(make_dropout_module, **FAST),
    ],
    ids=name,
)
def test_draws_of_dropout_differ_and_nothing_else_changes(network):
    network = clone(network).fit(X, Y)
    before = network.predict(X)
    state, generator = torch.get_rng_state(), network._learned.generator.get_state()
    mean, std = network.predict(X, return_std=True, n_draws=20)
    assert (std > 0).all()
    np.testing.assert_array_equal(mean, before)
    np.testing.assert_array_equal(network.predict(X), before)
    np.testing.assert_array_equal(network.predict(X, return_std=True, n_draws=20)[1], std)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(network._learned.generator.get_state(), generator)


def test_deviation_of_dropout_is_that_of_the_closed_form():
    # one hidden layer of identities: y = Σ v_j m_j h_j with masks m_j of variance p / (1 - p)
    network = MLPRegressor(
        hidden_layer_sizes=(50,), activation="identity", dropout=0.2, **FAST
    ).fit(X, Y)
    hidden = X @ network.coefs_[0] + network.intercepts_[0]
    rate = 0.2 / 0.8
    expected = np.sqrt(rate * np.square(hidden * network.coefs_[1][:, 0]).sum(axis=1))
    _, std = network.predict(X, return_std=True, n_draws=4000)
    np.testing.assert_allclose(std, expected, rtol=0.06)


def test_draws_beside_members_and_deviations():
    network = MLPRegressor("gaussian", dropout=0.3, n_members=2, **FAST).fit(X, Y)
    _, without = network.predict(X, return_std=True)
    _, std = network.predict(X, return_std=True, n_draws=50)
    assert std.mean() > without.mean()
    rows = network._read(X)
    raws = network._raws_of_draws(rows, 50)
    assert len(raws) == 100
    target = network._learned.target
    means = np.array([target.predictions(raw) for raw in raws])
    stds = np.array([target.deviations(raw) for raw in raws])
    np.testing.assert_allclose(std, np.sqrt((stds**2).mean(0) + means.var(0)), rtol=1e-6)


def test_layers_of_torch_drop_and_normalisation_does_not():
    class Encoder(nn.Module):
        def __init__(self, n_inputs, n_outputs):
            super().__init__()
            self.norm = nn.BatchNorm1d(n_inputs)
            self.layer = nn.TransformerEncoderLayer(
                n_inputs, 1, dim_feedforward=8, dropout=0.4, batch_first=True
            )
            self.out = nn.Linear(n_inputs, n_outputs)

        def forward(self, x):
            return self.out(self.layer(self.norm(x)[:, None])[:, 0])

    network = ModuleRegressor(Encoder, **FAST).fit(X, Y)
    moments = (
        network.net_.module_.module.norm.running_mean
        if hasattr(network.net_.module_, "module")
        else network.net_.module_.norm.running_mean
    )
    before = moments.clone()
    _, std = network.predict(X[:10], return_std=True, n_draws=10)
    assert (std > 0).all()
    assert torch.equal(moments, before)


# Conformal intervals


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"loss": "gaussian"},
        {"loss": "huber"},
        {"loss": "absolute_error"},
        {"loss": "poisson"},
        {"loss": "quantile", "quantile": [0.05, 0.5, 0.95]},
        {"loss": "quantile", "quantile": 0.5},
        {"n_members": 3},
        {"loss": "gaussian", "n_members": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("calibrate", ["split", 5])
def test_intervals_cover_what_they_promise(calibrate, params):
    coverage = []
    for seed in range(4):
        X, y, _, _ = make_rows(500, seed)
        network = MLPRegressor(
            hidden_layer_sizes=(20,),
            calibrate=calibrate,
            validation_fraction=0.3,
            **FAST | {"max_iter": 30, "random_state": seed} | params,
        )
        intervals = network.fit(X, y).predict_interval(HELD, 0.8)
        assert (intervals[:, 0] <= intervals[:, 1]).all()
        coverage.append(covered(intervals, Y_HELD).mean())
    # of the mean of four splits, with a deviation of 0.033 for each 150 rows that are held out
    assert np.mean(coverage) == pytest.approx(0.8, abs=0.045)


def test_intervals_are_wide_where_y_varies():
    X, y, _, _ = make_rows(2000, 5)
    calm, wild = HELD[:, 1] < -0.5, HELD[:, 1] > 0.5
    for params in ({"loss": "gaussian"}, {"loss": "quantile", "quantile": [0.05, 0.95]}):
        network = MLPRegressor(calibrate=True, **FAST | {"max_iter": 40} | params).fit(X, y)
        intervals = network.predict_interval(HELD)
        widths = intervals[:, 1] - intervals[:, 0]
        assert widths[wild].mean() > 2 * widths[calm].mean()
        for part in (calm, wild):
            assert covered(intervals, Y_HELD)[part].mean() == pytest.approx(0.9, abs=0.08)


def test_deviations_are_as_large_as_held_out_rows_say():
    network = MLPRegressor("gaussian", calibrate=True, max_iter=300, random_state=0)
    network.set_params(learning_rate_init=0.02).fit(X[:60], Y[:60], X_val=X[200:], y_val=Y[200:])
    alone = clone(network).set_params(calibrate=False).fit(X[:60], Y[:60])
    mean, std = alone.predict(X[200:], return_std=True)
    factor = np.sqrt(np.mean(np.square((Y[200:] - mean) / std)))
    assert factor > 1.5  # learned by heart
    found, calibrated = network.predict(HELD, return_std=True)
    np.testing.assert_allclose(calibrated, factor * alone.predict(HELD, return_std=True)[1])
    scores = np.sort(np.abs(Y[200:] - mean) / std)
    reach = scores[int(np.ceil(0.9 * 201)) - 1] * calibrated / factor
    expected = np.stack([found - reach, found + reach], axis=1)
    np.testing.assert_allclose(network.predict_interval(HELD), expected)
    several = clone(network).fit(X, np.c_[Y, -3 * Y])
    assert several.predict(X, return_std=True)[1].shape == (400, 2)


def test_split_intervals_are_those_of_the_definition():
    network = MLPRegressor(calibrate="split", validation_fraction=0.25, **FAST)
    network.fit(X[:300], Y[:300], X_val=X[300:], y_val=Y[300:])
    np.testing.assert_array_equal(
        network.predict(X), MLPRegressor(**FAST).fit(X[:300], Y[:300]).predict(X)
    )
    errors = np.abs(Y[300:] - network.predict(X[300:]))
    reach = np.sort(errors)[int(np.ceil(0.9 * 101)) - 1]
    expected = network.predict(HELD[:9])[:, None] + [-reach, reach]
    np.testing.assert_allclose(network.predict_interval(HELD[:9]), expected)
    # the same with weights that repeat rows
    weight = np.random.default_rng(0).integers(0, 3, 100)
    kept = weight > 0
    network.fit(X[:300], Y[:300], X_val=X[300:], y_val=Y[300:], sample_weight_val=weight)
    reach = quantile_of(errors[kept], 0.9, weight[kept].astype(float))
    expected = network.predict(HELD[:9])[:, None] + [-reach, reach]
    np.testing.assert_allclose(network.predict_interval(HELD[:9]), expected)


def test_conformalised_quantiles_are_those_of_the_definition():
    network = MLPRegressor("quantile", quantile=[0.1, 0.5, 0.9], calibrate=True, **FAST)
    network.fit(X[:300], Y[:300], X_val=X[300:], y_val=Y[300:])
    low, _, high = network.predict(X[300:]).T
    scores = np.maximum(low - Y[300:], Y[300:] - high)
    reach = np.sort(scores)[int(np.ceil(0.8 * 101)) - 1]
    low, _, high = network.predict(HELD[:9]).T
    expected = np.stack([low - reach, high + reach], axis=1)
    np.testing.assert_allclose(network.predict_interval(HELD[:9], 0.8), expected, rtol=1e-6)
    plain = clone(network).set_params(calibrate=False).fit(X, Y)
    np.testing.assert_array_equal(plain.predict_interval(X, 0.8), plain.predict(X)[:, [0, 2]])
    with pytest.raises(ValueError, match=r"between the quantiles 0\.05 and 0\.95, but quantile=\["):
        plain.predict_interval(X, 0.9)


def test_folds_tell_errors_on_rows_that_were_held_out():
    network = MLPRegressor(calibrate=4, **FAST).fit(X, Y)
    np.testing.assert_array_equal(network.predict(X), MLPRegressor(**FAST).fit(X, Y).predict(X))
    held = network._calibration.held
    np.testing.assert_array_equal(np.sort(held.y[:, 0]), np.sort(Y))
    place = np.argsort(Y)[np.searchsorted(np.sort(Y), held.y[:, 0])]
    for fold in np.split(np.arange(400), 4):  # one after the other
        rows = place[fold]
        others = np.setdiff1d(np.arange(400), rows)
        seen = [
            MLPRegressor(**FAST | {"random_state": seed}).fit(X[others], Y[others]).predict(X[rows])
            for seed in range(3)
        ]
        correlation = np.corrcoef(np.mean(seen, axis=0), held.values[fold, 0])[0, 1]
        assert correlation > 0.97
    reach = np.sort(np.abs(held.y - held.values)[:, 0])[int(np.ceil(0.9 * 401)) - 1]
    expected = network.predict(HELD[:9])[:, None] + [-reach, reach]
    np.testing.assert_allclose(network.predict_interval(HELD[:9]), expected, rtol=1e-9)


def test_rows_of_folds_are_not_those_learned_from():
    # a forest of numbers without a rule: who has seen a row knows it by heart
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 30)), rng.standard_normal(60)
    network = MLPRegressor(calibrate=5, solver="lbfgs", alpha=0.0, max_iter=500, random_state=0)
    network.fit(X, y)
    assert np.abs(network.predict(X) - y).max() < 0.01
    held = network._calibration.held
    assert np.sqrt(np.mean((held.y - held.values) ** 2)) > 0.8


@pytest.mark.parametrize("estimator", REGRESSORS, ids=name)
def test_every_family_has_conformal_intervals(estimator):
    X, y = data_for(estimator)
    several = np.column_stack([y, 1e3 - 2 * y])
    for calibrate in ("split", 3):
        network = clone(estimator).set_params(
            calibrate=calibrate, validation_fraction=0.2, **FAST | {"max_iter": 3}
        )
        intervals = network.fit(X, several).predict_interval(X, 0.8)
        assert intervals.shape == (*several.shape, 2)
        assert (covered(intervals, several).mean(axis=0) > 0.6).all()
        again = pickle.loads(pickle.dumps(network))
        np.testing.assert_allclose(again.predict_interval(X, 0.8), intervals, rtol=1e-6)
        with pytest.raises(ValueError, match="partial_fit does not support calibrate"):
            network.partial_fit(X, several)
        np.testing.assert_allclose(network.predict_interval(X, 0.8), intervals, rtol=1e-6)


def test_few_rows_take_folds_and_many_are_split():
    few = MLPRegressor(calibrate=True, **FAST).fit(X, Y)
    assert len(few._calibration.held.y) == 400
    X_many, y_many, _, _ = make_rows(1000, 0)
    many = MLPRegressor(calibrate=True, **FAST).fit(X_many, y_many)
    assert len(many._calibration.held.y) == 100
    assert "validation_loss" not in many.history_
    early = MLPRegressor(calibrate=True, early_stopping=True, **FAST).fit(X_many, y_many)
    assert early.best_validation_score_ is not None
    assert len(early._calibration.held.y) == 100


@pytest.mark.parametrize("calibrate", ["split", 3])
def test_rows_of_weight_zero_do_not_calibrate(calibrate):
    weight = np.random.default_rng(0).integers(0, 2, 400)
    y = np.where(weight, Y, 1e6)
    network = MLPRegressor(calibrate=calibrate, **FAST).fit(X, y, weight)
    intervals = network.predict_interval(X)
    assert np.abs(intervals).max() < 100
    assert len(network._calibration.held.y) == (weight.sum() if calibrate == 3 else 23)


def test_sparse_and_ragged_rows_and_frames():
    sparse = sp.coo_matrix(np.where(np.random.default_rng(0).random((400, 2)) < 0.5, X, 0))
    ragged = [np.full((2 + k % 3, 1), row[0]) for k, row in enumerate(X)]
    frame = pd.DataFrame(X, columns=["a", "b"], index=np.arange(400) + 7)
    target = pd.Series(Y, index=frame.index, name="y")
    for network, rows, y in (
        (MLPRegressor(**FAST), sparse, Y),
        (MLPRegressor(**FAST), frame, target),
        (MLPRegressor(**FAST), X.tolist(), Y.tolist()),
        (RNNRegressor(**SMALL_RNN | FAST), ragged, Y),
    ):
        for calibrate in ("split", 3):
            fitted = clone(network).set_params(calibrate=calibrate).fit(rows, y)
            assert covered(fitted.predict_interval(rows, 0.8), Y).mean() > 0.65


def test_an_interval_of_counts_is_not_negative():
    y = np.random.default_rng(0).poisson(0.5, 400)
    network = MLPRegressor("poisson", calibrate=True, **FAST).fit(X, y)
    intervals = network.predict_interval(X)
    assert (intervals[:, 0] == 0).any()
    assert (intervals >= 0).all()


# Sets and temperatures


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=name)
@pytest.mark.parametrize("calibrate", ["split", 3])
def test_every_family_has_sets(estimator, calibrate):
    X, y = data_for(estimator)
    network = clone(estimator).set_params(
        calibrate=calibrate, validation_fraction=0.3, **FAST | {"max_iter": 3}
    )
    sets = network.fit(X, y).predict_set(X, 0.8)
    assert sets.shape == (len(X), 3)
    assert sets.dtype == bool
    assert sets[np.arange(len(X)), np.searchsorted(network.classes_, y)].mean() > 0.65
    shares = network.predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    again = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(again.predict_set(X, 0.8), sets)
    np.testing.assert_allclose(again.predict_proba(X), shares, rtol=1e-5)
    labels, in_pipelines = make_pipeline(network).predict(X, coverage=0.8)
    np.testing.assert_array_equal(in_pipelines, sets)
    np.testing.assert_array_equal(labels, network.predict(X))


def make_classes(n_rows, seed, n_classes=3):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, 5))
    logits = X[:, :n_classes] * 1.5
    y = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return X, np.array(["a", "b", "c"])[y]


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("calibrate", ["split", 5])
def test_sets_cover_and_temperatures_calibrate(calibrate, n_classes, n_members):
    held, y_held = make_classes(10_000, 99, n_classes)
    coverage, before, after = [], [], []
    for seed in range(3):
        X, y = make_classes(400, seed, n_classes)
        network = MLPClassifier(
            calibrate=calibrate,
            validation_fraction=0.4,
            n_members=n_members,
            max_iter=200,
            learning_rate_init=0.01,
            random_state=seed,
        ).fit(X, y)
        sets = network.predict_set(held, 0.8)
        coverage.append(
            sets[np.arange(len(held)), np.searchsorted(network.classes_, y_held)].mean()
        )
        after.append(log_loss(y_held, network.predict_proba(held)))
        raw = network._raw_predict(held)
        before.append(log_loss(y_held, network._learned.target.probabilities(raw)))
        assert network.temperature_ > 1.2  # learned by heart
        np.testing.assert_allclose(
            np.exp(network.predict_log_proba(held)), network.predict_proba(held), rtol=1e-6
        )
    # of three splits, with a deviation of 0.032 for each 160 rows that are held out
    assert np.mean(coverage) == pytest.approx(0.8, abs=0.05)
    assert np.mean(after) < 0.9 * np.mean(before)


def test_sets_are_those_of_the_definition():
    X, y = load_iris(return_X_y=True)
    network = MLPClassifier(calibrate=3, **FAST).fit(X, y)
    held = network._calibration.held

    def unlikely(logs):
        powers = np.exp(logs / network.temperature_)
        return 1 - powers / powers.sum(axis=1, keepdims=True)

    scores = unlikely(held.logs)[np.arange(150), held.y]
    most = np.sort(scores)[int(np.ceil(0.9 * 151)) - 1]
    expected = 1 - network.predict_proba(X) <= most
    np.testing.assert_array_equal(network.predict_set(X), expected)


def test_a_class_of_one_row_is_unknown_to_who_has_not_seen_it():
    X, y = make_classes(60, 0)
    X, y = np.r_[X, X[:1] + 9], np.r_[y, ["once"]]
    network = MLPClassifier(calibrate=3, **FAST).fit(X, y)
    assert network.classes_.tolist() == ["a", "b", "c", "once"]
    assert np.isfinite(network.temperature_)
    assert network.predict_set(X).shape == (61, 4)


def test_labels_have_a_temperature_and_no_sets():
    X, y = make_classes(300, 0)
    labels = np.stack([y == "a", y != "b"], axis=1).astype(int)
    for target in (labels, sp.csr_matrix(labels)):
        network = MLPClassifier(
            calibrate="split", validation_fraction=0.4, max_iter=300, random_state=0
        )
        network.set_params(learning_rate_init=0.01).fit(X, target)
        assert network.temperature_ > 1.2
        raw = network._raw_predict(X)
        uncalibrated = network._learned.target.probabilities(raw)
        logits = np.log(uncalibrated / (1 - uncalibrated)) / network.temperature_
        np.testing.assert_allclose(
            network.predict_proba(X), 1 / (1 + np.exp(-logits)), rtol=1e-6, atol=1e-12
        )
        with pytest.raises(ValueError, match="predict_set is for one class per row"):
            network.predict_set(X)


def test_an_earlier_calibration_is_forgotten():
    X, y = make_classes(300, 0)
    network = MLPClassifier(calibrate=True, **FAST).fit(X, y)
    network.set_params(calibrate=False).fit(X, y)
    assert not hasattr(network, "temperature_")
    with pytest.raises(ValueError, match="fit with calibrate=True"):
        network.predict_set(X)
    with pytest.raises(AttributeError, match="no temperature_: it was fitted with calibrate=False"):
        _ = network.temperature_


# Inside scikit-learn


def test_intervals_inside_a_pipeline_and_a_search():
    network = MLPRegressor(calibrate=True, **FAST | {"max_iter": 40})
    pipeline = make_pipeline(StandardScaler(), network).fit(X, Y)
    y, interval = pipeline.predict(HELD, coverage=0.8)
    last = pipeline[-1].predict_interval(pipeline[:-1].transform(HELD), 0.8)
    np.testing.assert_array_equal(interval, last)
    search = GridSearchCV(pipeline, {"mlpregressor__loss": ["gaussian", "huber"]}, cv=2).fit(X, Y)
    _, interval = search.best_estimator_.predict(HELD, coverage=0.8)
    assert covered(interval, Y_HELD).mean() == pytest.approx(0.8, abs=0.08)
    pipeline.set_params(mlpregressor__loss="gaussian").fit(X, Y)
    y, std, interval = pipeline.predict(HELD, return_std=True, coverage=0.8)
    assert y.shape == std.shape == (20_000,)
    assert covered(interval, Y_HELD).mean() == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize("calibrate", [3, "split"])
def test_a_search_that_trains_together_finds_the_same(calibrate):
    network = MLPRegressor(calibrate=calibrate, **FAST | {"dtype": "float64"})
    search = GridSearchCV(network, {"alpha": [1e-4, 1.0], "n_members": [1, 2]}, cv=2)
    alone = clone(search).fit(X, Y)
    with joblib.parallel_config("sknets", n_jobs=8):
        together = clone(search).fit(X, Y)
    for key in ("split0_test_score", "split1_test_score"):
        np.testing.assert_allclose(together.cv_results_[key], alone.cv_results_[key], rtol=1e-9)
    found, expected = (s.best_estimator_.predict_interval(X) for s in (together, alone))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_validation_data_calibrate_behind_steps_that_saw_y():
    # of 500 columns of noise, the five that seem to tell of y: within the fit, all seem better than new
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((1600, 500)), rng.standard_normal(1600)
    network = MLPRegressor(
        hidden_layer_sizes=(5,),
        calibrate=True,
        solver="lbfgs",
        alpha=1.0,
        max_iter=50,
        random_state=0,
    )
    select = SelectKBest(f_regression, k=5).fit(X[:100], y[:100])
    train, held, new = (
        select.transform(X[rows]) for rows in (slice(100), slice(100, 400), slice(400, None))
    )
    leaky = clone(network).fit(train, y[:100]).predict_interval(new, 0.8)
    honest = (
        clone(network).fit(train, y[:100], X_val=held, y_val=y[100:400]).predict_interval(new, 0.8)
    )
    assert covered(leaky, y[400:]).mean() < 0.72
    assert covered(honest, y[400:]).mean() == pytest.approx(0.8, abs=0.06)


def test_scikit_learns_calibration_wraps_ours():
    X, y = make_classes(600, 0)
    held, y_held = make_classes(2000, 1)
    network = MLPClassifier(max_iter=300, learning_rate_init=0.01, random_state=0)
    plain = clone(network).fit(X, y)
    wrapped = CalibratedClassifierCV(network, method="temperature", cv=3).fit(X, y)
    loss = log_loss(y_held, wrapped.predict_proba(held))
    assert loss < 0.9 * log_loss(y_held, plain.predict_proba(held))
    ours = clone(network).set_params(calibrate=3).fit(X, y)
    assert log_loss(y_held, ours.predict_proba(held)) < 0.9 * log_loss(
        y_held, plain.predict_proba(held)
    )


# What cannot be had


@pytest.mark.parametrize("coverage", [0, 1, -0.5, 1.5, "0.9", True])
def test_coverage_is_a_probability(coverage):
    network = MLPRegressor(calibrate=True, **FAST).fit(X, Y)
    for ask in (
        network.predict_interval,
        lambda X, coverage: network.predict(X, coverage=coverage),
    ):
        with pytest.raises(ValueError, match="coverage must be between 0 and 1, got"):
            ask(X, coverage)
    classifier = MLPClassifier(calibrate=True, **FAST).fit(X, Y > 10)
    with pytest.raises(ValueError, match="coverage must be between 0 and 1, got"):
        classifier.predict_set(X, coverage)


def test_too_few_rows_to_calibrate():
    network = MLPRegressor(calibrate=True, **FAST)
    network.fit(X[:20], Y[:20], X_val=X[20:21], y_val=Y[20:21])
    with pytest.raises(
        ValueError, match=r"coverage=0\.9 needs at least 9 rows .*there is 1: lower"
    ):
        network.predict_interval(X)
    assert network.predict_interval(X, 0.5).shape == (400, 2)
    with pytest.raises(ValueError, match="calibrate=True holds rows out .* X has 1 sample"):
        network.fit(X[:1], Y[:1])
    assert network.predict_interval(X, 0.5).shape == (400, 2)  # as it was before
    with pytest.raises(ValueError, match="validation set is too small"):
        network.set_params(calibrate="split").fit(X[:5], Y[:5])


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (MLPRegressor(calibrate=1, **FAST), "'calibrate' parameter"),
        (MLPRegressor(calibrate="cross", **FAST), "'calibrate' parameter"),
        (MLPRegressor(calibrate=True, warm_start=True, **FAST), "needs rows that no earlier fit"),
        (
            RNNClassifier(calibrate=True, output="timesteps", **FAST),
            "is for one output of each row",
        ),
    ],
)
def test_calibrations_that_cannot_be_are_refused(network, message):
    with pytest.raises(ValueError, match=message):
        network.fit(X, Y)


def test_validation_data_without_x_are_no_validation_data():
    with pytest.raises(ValueError, match="y_val and sample_weight_val need X_val"):
        MLPRegressor(calibrate=True, **FAST).fit(X, Y, y_val=Y)
    with pytest.raises(ValueError, match="X_val needs y_val"):
        MLPRegressor(calibrate=True, **FAST).fit(X, Y, X_val=X)


@pytest.mark.parametrize("calibrate", [3, "split"])
@pytest.mark.parametrize(
    ("rows", "y", "message"),
    [
        (None, Y, "Expected 2D array, got scalar|None"),
        (X[:0], Y[:0], "0 sample"),
        (X, [[1, 2], [3]] * 200, "sequence for each row|inhomogeneous"),
        (X, Y[:-1], "inconsistent numbers of samples"),
        (X, None, "requires y to be passed"),
        (np.full_like(X, np.nan), Y, "NaN"),
    ],
)
def test_data_are_refused_in_the_words_of_a_fit(calibrate, rows, y, message):
    with pytest.raises(ValueError, match=message) as plain:
        MLPRegressor(**FAST).fit(rows, y)
    with pytest.raises(ValueError, match=message) as calibrated:
        MLPRegressor(calibrate=calibrate, **FAST).fit(rows, y)
    assert str(calibrated.value) == str(plain.value)


def test_a_subclass_with_a_constructor_of_its_own():
    class Mine(MLPRegressor):
        """A network with one parameter."""

        def __init__(self, alpha=1e-4):
            super().__init__(calibrate=3, n_members=2, alpha=alpha, **FAST)

    network = Mine(0.1).fit(X, Y)
    assert network.predict_interval(X).shape == (400, 2)
    assert [member.alpha for member in network.members_] == [0.1, 0.1]


def test_global_random_state_is_not_touched():
    before = np.random.get_state()[1].copy()
    for params in ({"calibrate": 3}, {"calibrate": "split"}, {"n_members": 2}):
        MLPRegressor(**FAST | {"random_state": None, "max_iter": 1} | params).fit(X, Y)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_a_warm_start_that_fails_late_is_undone(monkeypatch):
    network = MLPRegressor(solver="sgd", calibrate=True, warm_start=True, **FAST)
    network.fit(X, Y, X_val=X[:50], y_val=Y[:50])
    before = network.predict(X)

    def fail(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("sknets.estimators._calibration._finish", fail)
    with pytest.raises(KeyboardInterrupt):
        network.fit(X, Y, X_val=X[:50], y_val=Y[:50])
    np.testing.assert_array_equal(network.predict(X), before)


@pytest.mark.parametrize("is_ragged", [False, True])
def test_intervals_of_timesteps(is_ragged):
    series = list(np.random.default_rng(0).standard_normal((40, 6, 2)))
    if is_ragged:
        series = [rows[: 3 + k % 4] for k, rows in enumerate(series)]
    y = [rows[:, 0] for rows in series]
    network = RNNRegressor(
        **SMALL_RNN | FAST, loss="quantile", quantile=[0.1, 0.5, 0.9], output="timesteps"
    ).fit(series, y)
    for values, ends in zip(
        network.predict(series), network.predict_interval(series, 0.8), strict=True
    ):
        np.testing.assert_array_equal(ends, values[:, [0, 2]])
    network.set_params(loss="squared_error", quantile=0.5).fit(series, y)
    with pytest.raises(ValueError, match="output='timesteps' has a sequence .*loss='gaussian'"):
        network.predict_interval(series)


def test_folds_and_validation_data_are_two_ways():
    with pytest.raises(ValueError, match="makes folds of the training data, but X_val is given"):
        MLPRegressor(calibrate=5, **FAST).fit(X, Y, X_val=X, y_val=Y)


def test_without_anything_to_tell():
    network = MLPRegressor(**FAST).fit(X, Y)
    with pytest.raises(ValueError, match="return_std=True needs loss='gaussian', several networks"):
        network.predict(X, return_std=True)
    with pytest.raises(ValueError, match="predict_interval needs rows .* calibrate=True"):
        network.predict_interval(X)
    with pytest.raises(ValueError, match="n_draws needs a network with dropout"):
        network.predict(X, return_std=True, n_draws=10)
    with pytest.raises(ValueError, match="set return_std=True"):
        network.predict(X, n_draws=10)
    dropping = MLPRegressor(dropout=0.2, **FAST).fit(X, Y)
    with pytest.raises(ValueError, match="n_draws == 1"):
        dropping.predict(X, return_std=True, n_draws=1)
    assert dropping.predict(X, return_std=True, n_draws=np.int64(3))[1].shape == (400,)
    with pytest.raises(TypeError, match="n_draws must be an instance of"):
        dropping.predict(X, return_std=True, n_draws=2.5)
    module = ModuleRegressor(SmallModule, **FAST).fit(X, Y)
    with pytest.raises(ValueError, match="return_std=True needs"):
        module.predict(X, return_std=True)


def test_a_failing_fold_leaves_all_as_it_was():
    network = MLPRegressor(calibrate=3, **FAST).fit(X, Y)
    before = network.predict_interval(X)
    calls = []

    def loss(raw, target):
        calls.append(len(raw))
        scale = float("nan") if len(calls) > 25 else 1.0  # in a fold
        return (raw - target).square().sum(dim=1) * scale

    with pytest.raises(ValueError, match="NaN"):
        network.set_params(loss=loss).fit(X, Y)
    network.set_params(loss="squared_error")
    np.testing.assert_array_equal(network.predict_interval(X), before)


#: Calibrated fits have no partial fits, and those that set rows aside do so by chance.
NO_PARTIAL_FIT = dict.fromkeys(
    (
        "check_fit_score_takes_y",
        "check_n_features_in_after_fitting",
        "check_estimators_partial_fit_n_features",
    ),
    "calls partial_fit",
)
BY_CHANCE = dict.fromkeys(
    (
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ),
    "rows are set aside by chance",
)
UNMET = {False: {}, 3: NO_PARTIAL_FIT, "split": NO_PARTIAL_FIT | BY_CHANCE}


@parametrize_with_checks(
    [
        MLPRegressor("gaussian"),
        MLPRegressor(calibrate=3, max_iter=30),
        MLPClassifier(
            calibrate="split", validation_fraction=0.3, learning_rate_init=0.005, max_iter=30
        ),
    ],
    expected_failed_checks=lambda estimator: UNMET[estimator.calibrate],
)
def test_estimator_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)
