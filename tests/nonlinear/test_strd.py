"""NIST's certified values, from both starts."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sknets import NonlinearRegressor
from tests.nonlinear import strd

RUNS = [(name, start) for name in strd.MODELS for start in (0, 1)]


def fit(name, start, **params):
    ref = strd.load(name)
    model = NonlinearRegressor(ref.model, ref.starts[start], **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(ref.X, ref.y), ref


def test_the_certified_values_have_their_sum_of_squares():
    for name in strd.MODELS:
        ref = strd.load(name)
        model = fit(name, 1)[0]
        assert model.rss_ == pytest.approx(ref.rss, rel=1e-7)
        assert model.residual_std_ == pytest.approx(ref.residual_std, rel=1e-7)


@pytest.mark.parametrize(("name", "start"), RUNS)
def test_levenberg_marquardt_at_its_defaults(name, start):
    model, ref = fit(name, start)
    assert model.converged_
    assert strd.digits(model.theta_, ref.theta).min() >= 7
    assert strd.digits(model.theta_std_, ref.std).min() >= 7


@pytest.mark.parametrize("solver", ["gauss-newton", "newton"])
def test_others_from_the_nearer_start(solver):
    for name in strd.MODELS:
        model, ref = fit(name, 1, solver=solver)
        assert model.converged_, name
        assert strd.digits(model.theta_, ref.theta).min() >= 7, name
        assert strd.digits(model.theta_std_, ref.std).min() >= 7, name


@pytest.mark.parametrize("solver", ["lm", "gauss-newton", "gd"])
def test_what_has_not_converged_says_so(solver):
    for name, start in RUNS:
        model, ref = fit(name, start, solver=solver, max_iter=50)
        if model.converged_:
            assert strd.digits(model.theta_, ref.theta).min() >= 6, (name, start)


def test_the_minimum_at_infinity_is_none():
    ref = strd.load("MGH17")
    with pytest.warns(ConvergenceWarning, match="Not identified"):
        model = NonlinearRegressor(ref.model, ref.starts[0], solver="gauss-newton").fit(
            ref.X, ref.y
        )
    assert not model.converged_


def test_gauss_newton_turns_where_its_way_is_at_right_angles_to_the_gradient():
    model, ref = fit("MGH09", 0, solver="gauss-newton")
    assert model.converged_
    assert strd.digits(model.theta_, ref.theta).min() >= 7


def test_digits_are_those_of_nist():
    np.testing.assert_allclose(
        strd.digits([1.0001, np.nan, 2.0, 9.0], [1, 1, 2, 1]), [4, 0, 11, 0], atol=1e-9
    )
