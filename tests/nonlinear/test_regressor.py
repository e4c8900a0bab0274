"""Estimates, their errors and intervals, against closed forms, SciPy and published numbers."""

import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.optimize
import torch
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import NonlinearRegressor
from sknets.nonlinear import _profile
from sknets.nonlinear._fitting import Path
from sknets.training import minimize_damped
from sknets.training._second_order import Ending
from tests.nonlinear import strd

RNG = np.random.default_rng(0)
X = np.c_[np.ones(30), RNG.normal(size=(30, 2))]
Y = X @ [1.0, 2.0, -1.0] + RNG.normal(size=30)
W = RNG.uniform(0.5, 2.0, size=30)

# Puromycin, Bates and Watts (1988), table A1.3
CONC = np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.10], 2)
RATE = np.array([76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200.0])


def line(X, theta):
    return X @ theta


def rate(x, theta):
    return theta[0] * x / (theta[1] + x)


def named_rate(x, theta):
    return theta["top"] * x / (theta["half"] + x)


def enzyme(**params):
    return NonlinearRegressor(rate, [205.0, 0.08], **params).fit(CONC[:, None], RATE)


@pytest.mark.parametrize("solver", ["lm", "gauss-newton", "newton", "gd"])
@pytest.mark.parametrize("weight", [None, W], ids=["equal", "weighted"])
def test_a_line_has_the_estimates_and_errors_of_least_squares(solver, weight):
    model = NonlinearRegressor(line, np.zeros(3), solver=solver).fit(X, Y, weight)
    w = np.ones(30) if weight is None else weight
    inverse = np.linalg.inv(X.T @ (w[:, None] * X))
    beta = inverse @ X.T @ (w * Y)
    variance = w @ np.square(Y - X @ beta) / 27
    np.testing.assert_allclose(model.theta_, beta, rtol=1e-8)
    np.testing.assert_allclose(model.theta_cov_, variance * inverse, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(model.theta_std_, np.sqrt(variance * np.diag(inverse)), rtol=1e-7)
    assert model.residual_std_ == pytest.approx(np.sqrt(variance))
    half = student.ppf(0.975, 27) * np.sqrt(variance * np.diag(inverse))
    for method in ("wald", "profile"):
        ends = model.confidence_intervals(0.95, method=method)
        np.testing.assert_allclose(ends, np.c_[beta - half, beta + half], rtol=1e-5)
    mean, std = model.predict(X[:5], return_std=True)
    spread = np.einsum("ij,jk,ik->i", X[:5], variance * inverse, X[:5])
    np.testing.assert_allclose(mean, X[:5] @ beta)
    np.testing.assert_allclose(std, np.sqrt(spread), rtol=1e-7)
    reach = student.ppf(0.95, 27) * np.sqrt(variance + spread)
    interval = model.predict_interval(X[:5])
    np.testing.assert_allclose(interval, np.c_[mean - reach, mean + reach], rtol=1e-7)
    in_pipelines = make_pipeline(model).predict(X[:5], return_std=True, coverage=0.9)
    for found, expected in zip(in_pipelines, (mean, std, interval), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_published_estimates_and_intervals_of_an_enzyme():
    model = enzyme()
    # Bates and Watts (1988): estimates and errors; the intervals are those of R's confint(nls)
    np.testing.assert_allclose(model.theta_, [212.684, 0.06412], rtol=1e-4)
    np.testing.assert_allclose(model.theta_std_, [6.947, 0.008281], rtol=1e-4)
    assert model.residual_std_ == pytest.approx(10.93, abs=0.005)
    profile = model.confidence_intervals(method="profile")
    # which interpolates between values of the profile
    np.testing.assert_allclose(profile, [[197.3021, 229.2901], [0.046925, 0.086160]], rtol=2e-4)


def test_the_profile_is_that_of_the_sum_of_squares_by_hand():
    model = enzyme()
    for k, (low, high) in enumerate(model.confidence_intervals(0.9, method="profile")):
        for end in (low, high):

            def residuals(other, k=k, end=end):
                theta = np.insert(other, k, end)
                return theta[0] * CONC / (theta[1] + CONC) - RATE

            best = scipy.optimize.least_squares(
                residuals, model.theta_[1 - k], x_scale="jac", xtol=1e-14, ftol=1e-14, gtol=1e-14
            )
            height = (2 * best.cost - model.rss_) / model.residual_std_**2
            assert height == pytest.approx(student.ppf(0.95, 10) ** 2, rel=1e-5)


def test_covariance_is_that_of_curve_fit():
    theta, cov = scipy.optimize.curve_fit(
        lambda x, a, b: a * x / (b + x), CONC, RATE, [205, 0.08], ftol=1e-14, xtol=1e-14
    )
    model = enzyme()
    np.testing.assert_allclose(model.theta_, theta, rtol=1e-6)
    np.testing.assert_allclose(model.theta_cov_, cov, rtol=1e-4)


def test_profile_table():
    model = enzyme()
    table = model.profile(1, level=0.95, n_points=11)
    assert list(table) == ["theta[0]", "theta[1]", "rss", "tau"]
    assert (np.diff(table["theta[1]"]) > 0).all()
    assert (np.diff(table["tau"]) > 0).all()
    t = student.ppf(0.975, 10)
    np.testing.assert_allclose(table["tau"].iloc[[0, -1]], [-t, t], rtol=1e-5)
    best = table[table["tau"] == 0].iloc[0]
    np.testing.assert_allclose(best[["theta[0]", "theta[1]"]], model.theta_)
    for _, row in table.iterrows():
        residuals = RATE - row["theta[0]"] * CONC / (row["theta[1]"] + CONC)
        assert row["rss"] == pytest.approx(residuals @ residuals, rel=1e-9)


def test_a_dict_in_and_dicts_out():
    model = NonlinearRegressor(named_rate, {"top": 205.0, "half": 0.08}).fit(CONC[:, None], RATE)
    plain = enzyme()
    assert list(model.theta_) == ["top", "half"]
    np.testing.assert_allclose(list(model.theta_.values()), plain.theta_)
    np.testing.assert_allclose(list(model.theta_std_.values()), plain.theta_std_)
    assert model.theta_cov_.loc["top", "half"] == pytest.approx(plain.theta_cov_[0, 1])
    for method in ("wald", "profile"):
        ends = model.confidence_intervals(method=method)
        assert list(ends) == ["top", "half"]
        np.testing.assert_allclose(list(ends.values()), plain.confidence_intervals(method=method))
    assert model.active_bounds_ == {"top": 0, "half": 0}
    assert list(model.profile("half")) == ["top", "half", "rss", "tau"]


def test_weights_move_estimates_as_rows_do():
    weight = RNG.integers(0, 4, size=12)
    weighted = NonlinearRegressor(rate, [205.0, 0.08]).fit(CONC[:, None], RATE, weight)
    rows = np.repeat(np.arange(12), weight)
    repeated = NonlinearRegressor(rate, [205.0, 0.08]).fit(CONC[rows, None], RATE[rows])
    np.testing.assert_allclose(weighted.theta_, repeated.theta_, rtol=1e-9)
    assert weighted.rss_ == pytest.approx(repeated.rss_)
    doubled = NonlinearRegressor(rate, [205.0, 0.08]).fit(CONC[:, None], RATE, 2 * weight)
    np.testing.assert_allclose(doubled.theta_std_, weighted.theta_std_, rtol=1e-7)


@pytest.mark.parametrize("solver", ["lm", "gauss-newton", "newton", "gd"])
def test_a_bound_that_holds_is_said(solver):
    bounds = ([-np.inf, -np.inf, -0.5], None)
    model = NonlinearRegressor(line, np.zeros(3), bounds=bounds, solver=solver).fit(X, Y)
    assert model.converged_
    assert model.active_bounds_.tolist() == [0, 0, -1]
    # the others are as if it was known
    part, *_ = np.linalg.lstsq(X[:, :2], Y + 0.5 * X[:, 2])
    np.testing.assert_allclose(model.theta_, [*part, -0.5], rtol=1e-7)
    assert np.isnan(model.theta_std_[2])
    variance = model.rss_ / 28
    expected = np.sqrt(variance * np.diag(np.linalg.inv(X[:, :2].T @ X[:, :2])))
    np.testing.assert_allclose(model.theta_std_[:2], expected, rtol=1e-7)
    low, high = model.confidence_intervals(method="profile")[2]
    assert low == -0.5 < high


def test_bounds_by_name_and_on_one_side():
    model = NonlinearRegressor(
        named_rate, {"top": 150.0, "half": 0.08}, bounds={"top": (None, 200)}
    ).fit(CONC[:, None], RATE)
    assert model.theta_["top"] == 200
    assert model.active_bounds_ == {"top": 1, "half": 0}
    wide = NonlinearRegressor(rate, [150.0, 0.08], bounds=(0, 1000)).fit(CONC[:, None], RATE)
    np.testing.assert_allclose(wide.theta_, enzyme().theta_, rtol=1e-8)


def test_bounds_in_all_their_forms():
    expected = enzyme(bounds=([200, -np.inf], [210, np.inf])).theta_
    for bounds in (
        ([200, None], [210, None]),
        scipy.optimize.Bounds([200, -np.inf], [210, np.inf]),
    ):
        np.testing.assert_allclose(enzyme(bounds=bounds).theta_, expected)
    theta0 = pd.Series([205.0, 0.08], ["top", "half"])
    for bounds in (
        {"top": (200, 210), "half": None},
        scipy.optimize.Bounds([200, -np.inf], [210, np.inf]),
    ):
        fit = NonlinearRegressor(named_rate, theta0, bounds=bounds).fit(CONC[:, None], RATE)
        assert fit.theta_ == pytest.approx(dict(zip(("top", "half"), expected, strict=True)))


def test_further_starts_find_the_lower_minimum():
    x = np.linspace(0, 10, 60)[:, None]
    y = np.sin(2.0 * x[:, 0]) + 0.05 * RNG.normal(size=60)

    def wave(x, theta):
        return torch.sin(theta[0] * x)

    one = NonlinearRegressor(wave, [0.9]).fit(x, y)
    assert one.rss_ > 10
    many = NonlinearRegressor(wave, [0.9], n_starts=20, random_state=0).fit(x, y)
    assert many.theta_ == pytest.approx([2.0], abs=0.01)
    assert many.start_rss_[0] == pytest.approx(one.rss_)
    assert many.start_rss_.min() == pytest.approx(many.rss_)
    again = clone(many).fit(x, y)
    np.testing.assert_array_equal(again.start_rss_, many.start_rss_)
    bounded = NonlinearRegressor(wave, [0.9], bounds=(0, 3), n_starts=20, random_state=0).fit(x, y)
    assert bounded.theta_ == pytest.approx([2.0], abs=0.01)


@pytest.mark.parametrize("solver", ["lm", "gauss-newton", "newton", "gd"])
def test_a_maximum_between_two_minima_is_left(solver):
    # two bumps and a model of one: between them the slope is zero
    grid = np.linspace(-4, 4, 81)
    bumps = np.exp(-np.square(grid - 1.5)) + np.exp(-np.square(grid + 1.5))

    def rss(at):
        return np.sum(np.square(np.exp(-np.square(grid - at)) - bumps))

    expected = scipy.optimize.minimize_scalar(rss, bounds=(1, 2), method="bounded")
    for theta0 in ([0.0], [1e-13]):
        fit = NonlinearRegressor(lambda x, t: torch.exp(-((x - t[0]) ** 2)), theta0, solver=solver)
        fit.fit(grid[:, None], bumps)
        assert fit.converged_
        assert abs(fit.theta_[0]) == pytest.approx(expected.x, abs=1e-4)
        assert fit.rss_ == pytest.approx(expected.fun)
        assert len(fit.theta_path_) == len(fit.loss_curve_) == fit.n_iter_ + 1
        assert (np.diff(fit.loss_curve_) < 1e-12).all()


def test_a_maximum_that_bounds_hold_is_no_saddle():
    grid = np.linspace(-4, 4, 81)
    bumps = np.exp(-np.square(grid - 1.5)) + np.exp(-np.square(grid + 1.5))
    fit = NonlinearRegressor(
        lambda x, t: torch.exp(-((x - t[0]) ** 2)), [0.2], bounds=([0.1], [0.5])
    ).fit(grid[:, None], bumps)
    assert fit.converged_
    assert fit.active_bounds_.tolist() == [1]


def test_a_maximum_at_a_bound_is_left_to_the_other_side():
    grid = np.linspace(-4, 4, 81)
    bumps = np.exp(-np.square(grid - 1.5)) + np.exp(-np.square(grid + 1.5))
    for bounds, side in ((([-9], [0]), -1), (([0], [9]), 1)):
        fit = NonlinearRegressor(lambda x, t: torch.exp(-((x - t[0]) ** 2)), [0.0], bounds=bounds)
        assert fit.fit(grid[:, None], bumps).theta_[0] == pytest.approx(side * 1.463, abs=1e-3)


def test_max_iter_counts_the_step_from_a_saddle():
    grid = np.linspace(-4, 4, 81)
    bumps = np.exp(-np.square(grid - 1.5)) + np.exp(-np.square(grid + 1.5))
    fit = NonlinearRegressor(lambda x, t: torch.exp(-((x - t[0]) ** 2)), [0.0], max_iter=1)
    with pytest.warns(ConvergenceWarning, match="max_iter=1 iterations"):
        fit.fit(grid[:, None], bumps)
    assert fit.n_iter_ == 1


def test_a_square_at_zero_is_left():
    fit = NonlinearRegressor(lambda x, t: t[0] ** 2 * x, [0.0]).fit(X[:, [1]], 4 * X[:, 1])
    assert abs(fit.theta_[0]) == pytest.approx(2.0)


def test_a_valley_that_bends_is_followed_and_max_iter_bounds_all_steps():
    ref = strd.load("MGH10")
    fit = NonlinearRegressor(ref.model, ref.starts[0]).fit(ref.X, ref.y)
    assert fit.converged_
    assert 100 < fit.n_iter_ <= 1000
    assert len(fit.theta_path_) == len(fit.loss_curve_) == fit.n_iter_ + 1
    with pytest.warns(ConvergenceWarning, match="max_iter=150 iterations"):
        fit.set_params(max_iter=150).fit(ref.X, ref.y)
    assert fit.n_iter_ == 150


def test_what_happens_to_the_data_later_does_not_change_the_fit():
    x, y, weight = CONC[:, None].copy(), RATE.copy(), np.ones(12)
    fit = NonlinearRegressor(rate, [205.0, 0.08]).fit(x, y, weight)
    plain = NonlinearRegressor(rate, [205.0, 0.08]).fit(x, y)
    expected = fit.confidence_intervals(method="profile")
    for data in (x, y, weight):
        data *= 10
    for model in (fit, plain):
        np.testing.assert_allclose(model.confidence_intervals(method="profile"), expected)


def test_a_start_that_has_converged_counts_before_one_that_has_not():
    def path(reason, loss):
        ending = Ending(np.zeros(1), None, 1, 1, reason)
        return Path(ending, SimpleNamespace(unidentified=[]), [], [loss])

    paths = [path("no_progress", 0.5), path("max_iter", 1.0), path("converged", 3.0)]
    paths.append(path("converged", 2.0))
    found = [paths.pop(paths.index(min(paths, key=lambda path: path.rank))) for _ in range(4)]
    assert [path.losses[-1] for path in found] == [2.0, 3.0, 1.0, 0.5]


@pytest.mark.parametrize("solver", ["lm", "gauss-newton", "newton", "gd"])
def test_as_many_rows_as_parameters_are_fitted_exactly(solver):
    fit = NonlinearRegressor(lambda x, t: t[0] * torch.exp(-t[1] * x), [5.0, 1.0], solver=solver)
    fit.fit([[0.5], [3.0]], 2 * np.exp([-0.25, -1.5]))
    assert fit.converged_
    np.testing.assert_allclose(fit.theta_, [2.0, 0.5], rtol=1e-8)


def test_an_exact_fit_has_no_error():
    x = np.linspace(0, 1, 12)[:, None]
    model = NonlinearRegressor(rate, [1.0, 1.0]).fit(x, 3 * x[:, 0] / (0.5 + x[:, 0]))
    np.testing.assert_allclose(model.theta_, [3.0, 0.5], rtol=1e-12)
    assert model.converged_
    assert model.rss_ < 1e-25
    np.testing.assert_allclose(model.confidence_intervals(method="profile"), [[3, 3], [0.5, 0.5]])


def test_a_profile_may_have_no_end():
    # few rows on the straight part of the curve: no upper limit of where it bends
    x = np.linspace(0.01, 0.1, 8)[:, None]
    y = 100 * x[:, 0] / (0.3 + x[:, 0]) + np.tile([2.0, -2.0], 4)
    model = NonlinearRegressor(rate, [100.0, 0.3]).fit(x, y)
    low, high = model.confidence_intervals(method="profile")[1]
    assert 0 < low < model.theta_[1]
    assert high == np.inf


def test_the_path_is_kept():
    model = enzyme()
    assert model.theta_path_.shape == (model.n_iter_ + 1, 2)
    np.testing.assert_array_equal(model.theta_path_[0], [205.0, 0.08])
    np.testing.assert_array_equal(model.theta_path_[-1], model.theta_)
    assert len(model.loss_curve_) == model.n_iter_ + 1
    assert model.loss_curve_[-1] == model.rss_
    residuals = RATE - 205 * CONC / (0.08 + CONC)
    assert model.loss_curve_[0] == pytest.approx(residuals @ residuals)


def test_columns_and_vectors():
    def by_columns(X, theta):
        return theta[0] * X[:, 0] / (theta[1] + X[:, 0])

    model = NonlinearRegressor(by_columns, [205.0, 0.08]).fit(CONC[:, None], RATE)
    np.testing.assert_array_equal(model.theta_, enzyme().theta_)
    frame = pd.DataFrame({"conc": CONC})
    model.fit(frame, RATE)
    assert list(model.feature_names_in_) == ["conc"]
    np.testing.assert_array_equal(model.predict(frame), model.predict(frame))


def test_stands_in_pipelines_and_searches():
    def curve(X, theta):
        return theta[0] * torch.exp(theta[1] * X[:, 1]) + theta[2] * X[:, 2]

    pipe = make_pipeline(StandardScaler(), NonlinearRegressor(curve, np.ones(3)))
    grid = {
        "nonlinearregressor__theta0": [[1, 1, 1], [2, 0.5, 0]],
        "nonlinearregressor__solver": ["lm", "newton"],
    }
    search = GridSearchCV(pipe, grid, cv=3).fit(X, np.exp(0.5 * X[:, 1]) + X[:, 2])
    assert search.best_score_ > 0.99


def test_pickles_and_clones():
    model = enzyme()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(CONC[:, None]), model.predict(CONC[:, None]))
    np.testing.assert_array_equal(
        again.confidence_intervals(method="profile"), model.confidence_intervals(method="profile")
    )
    assert clone(model).theta0 == [205.0, 0.08]


def test_modes_of_torch_and_data_are_left_alone():
    before = CONC.copy()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            theta = enzyme().theta_
            assert not torch.is_grad_enabled()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(theta, enzyme().theta_)
    np.testing.assert_array_equal(CONC, before)


def test_a_profile_that_finds_a_lower_sum_says_so():
    x = np.linspace(0, 10, 60)[:, None]
    y = np.sin(2.0 * x[:, 0]) + 0.5 * RNG.normal(size=60)
    model = NonlinearRegressor(lambda x, t: t[0] * torch.sin(t[1] * x), [0.5, 1.2]).fit(x, y)
    assert model.theta_[1] < 1.7
    with pytest.warns(UserWarning, match="lower sum of squares.*theta0="):
        model.profile(1, level=0.9999)


@pytest.mark.parametrize("n_short", [1, 3])
def test_a_profile_whose_fits_do_not_converge_tries_again_and_says_so(monkeypatch, n_short):
    fit = NonlinearRegressor(named_rate, {"top": 205.0, "half": 0.08}).fit(CONC[:, None], RATE)
    expected = fit.confidence_intervals(method="profile")["half"]
    tries = []

    def minimize(problem, start, **options):
        tries.append(problem._value)
        if tries.count(problem._value) <= n_short:
            options["max_iter"] = 0
        return minimize_damped(problem, start, **options)

    monkeypatch.setattr(_profile, "minimize_damped", minimize)
    if n_short == 1:
        ends = fit.confidence_intervals(method="profile")["half"]
        np.testing.assert_allclose(ends, expected, rtol=1e-5)
    else:
        with pytest.warns(ConvergenceWarning, match="profile of 'half' may be too high.*converged"):
            fit.profile("half")


def test_a_fit_imports_no_compiler():
    code = (
        "import sys, numpy as np, torch, sknets\n"
        "before = set(sys.modules)\n"
        "model = sknets.NonlinearRegressor(lambda x, t: t[0] * torch.exp(t[1] * x), [1.0, 0.1])\n"
        "model.fit(np.arange(6.0)[:, None], np.arange(6.0)).predict([[1.0]], return_std=True)\n"
        "print(len([n for n in set(sys.modules) - before if n.startswith(('torch', 'sympy'))]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 20
