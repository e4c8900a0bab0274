"""The displays of a nonlinear regression draw the numbers of the fit."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import t as student
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sknets import MLPRegressor, NonlinearRegressor
from sknets.inspection import NonlinearFitDisplay, ProfileDisplay, ResidualsDisplay

DISPLAYS = (NonlinearFitDisplay, ResidualsDisplay, ProfileDisplay)
X = np.linspace(0.1, 4, 20)[:, None]
Y = 3 * np.exp(-0.7 * X[:, 0]) + 0.1 * np.random.default_rng(0).normal(size=20)


def decay(x, theta):
    return theta["height"] * torch.exp(-theta["rate"] * x)


def make(**params):
    return NonlinearRegressor(decay, {"height": 1.0, "rate": 1.0}, **params)


@pytest.fixture(scope="module")
def model():
    return make().fit(X, Y)


def test_the_curve_and_its_bands(model):
    display = NonlinearFitDisplay.from_estimator(model, coverage=0.8, grid=[1.0, 2.0])
    mean, std = model.predict([[1.0], [2.0]], return_std=True)
    np.testing.assert_array_equal(display.line_.get_ydata(), mean)
    half = student.ppf(0.9, 18) * std
    np.testing.assert_allclose(display.band, np.c_[mean - half, mean + half])
    np.testing.assert_array_equal(display.wide_band, model.predict_interval([[1.0], [2.0]], 0.8))
    np.testing.assert_array_equal(display.points_.get_offsets(), np.c_[X, Y])
    assert len(display.bands_) == 2


def test_names_and_a_logarithmic_axis():
    model = make().fit(pd.DataFrame({"hours": X[:, 0]}), Y)
    display = NonlinearFitDisplay.from_estimator(model, log=True)
    assert display.ax_.get_xlabel() == "hours"
    assert display.ax_.get_xscale() == "log"


def test_residuals_are_in_units_of_their_deviation(model):
    display = ResidualsDisplay.from_estimator(model)
    fitted = model.predict(X)
    left, right = (points.get_offsets() for points in display.points_)
    np.testing.assert_allclose(left, np.c_[fitted, (Y - fitted) / model.residual_std_])
    np.testing.assert_allclose(right[:, 1], np.sort(left[:, 1]))
    weight = np.linspace(1, 4, 20)
    weighted = make().fit(X, Y, weight)
    drawn = ResidualsDisplay.from_estimator(weighted).residuals
    assert np.sum(np.square(drawn)) == pytest.approx(18)


def test_profiles_are_those_of_the_estimator(model):
    display = ProfileDisplay.from_estimator(model, parameters=["rate"], levels=(0.9,))
    (line,) = display.lines_
    table = model.profile("rate", level=0.975)
    np.testing.assert_allclose(line.get_xydata(), table[["rate", "tau"]])
    assert display.heights == {0.9: pytest.approx(student.ppf(0.95, 18))}
    assert len(ProfileDisplay.from_estimator(model).lines_) == 2


@pytest.mark.parametrize("display", DISPLAYS)
def test_pipelines_are_opened_and_axes_taken(display):
    pipe = make_pipeline(make()).fit(X, Y)
    _, axes = plt.subplots(1, 2)
    where = {"ax": axes[0]} if display is NonlinearFitDisplay else {"axes": axes}
    shown = display.from_estimator(pipe, **where)
    assert shown.figure_ is axes[0].figure


@pytest.mark.parametrize("display", DISPLAYS)
def test_what_is_no_regression_of_a_formula_is_named(display):
    with pytest.raises(TypeError, match="NonlinearRegressor.* got MLPRegressor"):
        display.from_estimator(MLPRegressor())
    with pytest.raises(NotFittedError):
        display.from_estimator(make())


def test_curves_have_one_column():
    model = NonlinearRegressor(lambda X, t: t[0] * X[:, 0] + t[1] * X[:, 1], [1.0, 1.0])
    model.fit(np.c_[X, X**2], Y)
    with pytest.raises(ValueError, match="one column; X had 2"):
        NonlinearFitDisplay.from_estimator(model)


def test_without_degrees_of_freedom_the_curve_is_drawn_without_bands():
    model = make().fit(X[:2], Y[:2])
    display = NonlinearFitDisplay.from_estimator(model)
    assert display.bands_ == []
    assert np.isfinite(display.line_.get_ydata()).all()
    assert np.isfinite(ResidualsDisplay.from_estimator(model).residuals).all()
    with pytest.raises(ValueError, match="needs more rows than parameters"):
        ProfileDisplay.from_estimator(model)


def test_a_logarithmic_axis_needs_places_above_zero(model):
    below = make().fit(X - 9, Y)
    with pytest.raises(ValueError, match="log=True draws what is above 0, and the largest x is -5"):
        NonlinearFitDisplay.from_estimator(below, log=True)
    with pytest.raises(ValueError, match="log=True .* grid has nothing there"):
        NonlinearFitDisplay.from_estimator(model, log=True, grid=[-1.0, 0.0])
    with pytest.raises(ValueError, match="coverage must be between 0 and 1, got 95"):
        NonlinearFitDisplay.from_estimator(model, coverage=95)


@pytest.mark.parametrize("levels", [(95,), (0,), (0.5, 1.0), ()])
def test_levels_are_between_0_and_1(model, levels):
    with pytest.raises(ValueError, match="levels must be numbers between 0 and 1, got"):
        ProfileDisplay.from_estimator(model, levels=levels)


def test_parameters_may_be_one_but_not_none(model):
    for parameters in ("rate", 1, -1, np.array([1])):
        shown = ProfileDisplay.from_estimator(model, parameters=parameters, levels=(0.5,))
        assert list(shown.tables) == ["rate"]
    with pytest.raises(ValueError, match=r"parameters=\[\] names none of height, rate"):
        ProfileDisplay.from_estimator(model, parameters=[])
    with pytest.raises(ValueError, match="parameter='speed' is none of height, rate"):
        ProfileDisplay.from_estimator(model, parameters="speed")
