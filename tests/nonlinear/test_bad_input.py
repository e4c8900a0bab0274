"""Bad input ends in an error that names the parameter and says what to do; the estimator is unharmed."""

import math
import re
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.optimize
import scipy.sparse as sp
import torch
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from sknets import NonlinearRegressor
from sknets.nonlinear._estimate import Estimate
from sknets.nonlinear._fitting import Path
from sknets.nonlinear._parameters import Parameters
from sknets.nonlinear._words import advise
from sknets.training import Box, LeastSquares
from sknets.training._second_order import Ending

RNG = np.random.default_rng(0)
X = np.linspace(0.5, 4, 20)[:, None]
Y = 3 * np.exp(-0.7 * X[:, 0]) + 0.01 * RNG.normal(size=20)
NAMED = {"height": 1.0, "rate": 1.0}


def decay(x, theta):
    return theta[0] * torch.exp(-theta[1] * x)


def named_decay(x, theta):
    return theta["height"] * torch.exp(-theta["rate"] * x)


def refuses(
    match,
    kind=ValueError,
    *,
    model=decay,
    theta0=(1.0, 1.0),
    X=X,
    y=Y,
    weight=None,
    quiet=True,
    **params,
):
    """Check that a fit is refused, and that the estimator is as it was before."""
    estimator = NonlinearRegressor(decay, [1.0, 1.0]).fit(globals()["X"], Y)
    before = dict(vars(estimator)) | {"model": model, "theta0": theta0} | params
    estimator.set_params(model=model, theta0=theta0, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("error" if quiet else "ignore")
        with pytest.raises(kind, match=match):
            estimator.fit(X, y, weight)
    assert all(vars(estimator)[name] is value for name, value in before.items())
    assert set(vars(estimator)) == set(before)


SHAPE = r"a tensor of shape \(20,\), got shape"


@pytest.mark.parametrize(
    ("match", "model"),
    [
        (SHAPE + r" \(20, 20\)", lambda x, t: decay(x, t)[:, None] + decay(x, t)),
        (SHAPE + r" \(\)", lambda x, t: decay(x, t).sum()),
        (SHAPE + r" \(19,\)", lambda x, t: decay(x, t)[1:]),
        ("model failed at theta0.*IndexError.*", lambda x, t: t[2] * x),
        ("model failed at theta0.*mat1|model failed at theta0", lambda x, t: x @ torch.ones(7)),
        (
            "model returned other values when it was called again",
            lambda x, t: x * torch.rand(1) * t[0],
        ),
        (
            r"model returns nan at theta0 for 20 of 20 rows.*Choose a theta0",
            lambda x, t: torch.log(-t[0] * x),
        ),
        (
            r"model returns inf at theta0 for 1 of 20 rows \(the first is 0\)",
            lambda x, t: t[0] / (x - 0.5) + t[1],
        ),
        (
            r"model is not differentiable at theta0 with respect to theta\[1\].*Move theta0",
            lambda x, t: t[0] * x + torch.sqrt(t[1] - 1),
        ),
    ],
)
def test_models_that_are_none(match, model):
    refuses(match, model=model)


@pytest.mark.parametrize(
    ("match", "model"),
    [
        ("model uses NumPy.*torch.exp, not numpy.exp", lambda x, t: t[0] * np.exp(-t[1] * x)),
        (
            "model must return a tensor, got ndarray.*Torch",
            lambda x, t: x.numpy() * t.detach().numpy()[0],
        ),
        ("model must return a tensor, got float", lambda x, t: 1.0),
        ("model must return float64.*got torch.float32", lambda x, t: decay(x, t).float()),
        ("model must return float64.*got torch.complex128", lambda x, t: decay(x, t) * 1j),
    ],
)
def test_models_of_another_kind(match, model):
    refuses(match, TypeError, model=model)


@pytest.mark.parametrize(
    "model",
    [
        lambda x, t: decay(x, [t[0], t[1].item()]),
        lambda x, t: t[0] * x + math.exp(t[1]),
        lambda x, t: t[0] * x ** float(t[1]),
        lambda x, t: decay(x, [t[0], t.detach()[1]]),
    ],
)
def test_cut_derivatives_are_named(model):
    refuses(r"model's derivative by theta\[1\] is cut .*[Uu]se operations of Torch", model=model)


@pytest.mark.parametrize(
    "bump",
    [lambda t: t**2, torch.cos, lambda t: t**3, torch.abs, torch.relu, torch.round],
)
def test_a_derivative_that_is_zero_at_the_start_is_not_cut(bump):
    fit = NonlinearRegressor(lambda x, t: t[0] + bump(t[1]) * x, [1.0, 0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit.fit(X, Y)


@pytest.mark.parametrize(
    ("match", "theta0"),
    [
        ("theta0 must have one axis and at least one number", []),
        ("theta0 must have one axis and at least one number", {}),
        ("theta0 must have one axis", [[1.0, 1.0]]),
        ("theta0 must be finite", [1.0, np.nan]),
        ("theta0 must be finite", {"height": np.inf, "rate": 1.0}),
        ("theta0 must be numbers", ["a", "b"]),
        ("theta0 has a name twice: a, a", pd.Series([1.0, 1.0], ["a", "a"])),
        ("n_samples=20 .* fewer than the 21 parameters", np.ones(21)),
    ],
)
def test_starts(match, theta0):
    refuses(match, theta0=theta0)


def test_starts_of_another_kind():
    refuses("theta0 must be a dict of names to numbers, got 'a'", TypeError, theta0={"a": [1.0]})
    refuses("theta0 must be a dict of names to numbers, got 3", TypeError, theta0={3: 1.0})
    refuses("'theta0' parameter of NonlinearRegressor must be an array-like", theta0=1.0)


@pytest.mark.parametrize(
    ("match", "bounds"),
    [
        (r"theta0 of theta\[0\] is 1.0, outside of its bounds 2.0 and 3.0", ([2, 0], [3, 9])),
        (
            r"bounds of theta\[1\] must be a lower and a larger upper one, got 5.0 and 5.0",
            ([0, 5], 5),
        ),
        (r"bounds of theta\[0\] must be a lower and a larger", (3.0, 1.0)),
        (r"bounds must be \(lower, upper\), each a number or 2 of them", ([0, 0, 0], None)),
        (r"bounds must be \(lower, upper\), got \(0,\)", (0,)),
        (r"theta0 of theta\[1\] is 1.0, outside of its bounds -inf and 0.5", (None, [None, 0.5])),
    ],
)
def test_bounds(match, bounds):
    refuses(match, bounds=bounds)


@pytest.mark.parametrize(
    ("match", "bounds"),
    [
        ("theta0 of 'rate' is 1.0, outside of its bounds 2.0 and inf", {"rate": (2, None)}),
        ("bounds of 'rate' must be a lower and a larger upper one", {"rate": (2, 2)}),
        (
            "bounds has 'speed', which is no parameter: theta0 has 'height', 'rate'",
            {"speed": (0, 1)},
        ),
        (r"bounds of 'rate' must be \(lower, upper\), got 3", {"rate": 3}),
        (r"bounds of 'rate' must be two numbers \(or None\), got \('a', 2\)", {"rate": ("a", 2)}),
        ("theta0 of 'rate' is 1.0, outside", scipy.optimize.Bounds([0, 2], [3, 3])),
    ],
)
def test_bounds_by_name(match, bounds):
    refuses(match, model=named_decay, theta0=NAMED, bounds=bounds)


def test_bounds_go_with_theta0():
    refuses("bounds must be a dict as theta0 is", TypeError, theta0=NAMED, bounds=(0, 1))
    refuses("bounds is a dict, but theta0 has no names", TypeError, bounds={"rate": (0, 1)})


def test_parameters():
    refuses("'solver' parameter of NonlinearRegressor must be a str among", solver="bfgs")
    refuses("'max_iter' parameter of NonlinearRegressor must be an int", max_iter=0)
    refuses("'tol' parameter of NonlinearRegressor must be a float", tol=0.0)
    refuses("'n_starts' parameter of NonlinearRegressor must be an int", n_starts=0)
    refuses("'model' parameter of NonlinearRegressor must be a callable", model="x")


def test_data():
    refuses("NaN", X=np.where(X > 3, np.nan, X))
    refuses("NaN", y=np.where(Y > 1, np.nan, Y))
    refuses("inconsistent numbers of samples", y=Y[1:])
    refuses("y should be a 1d array", y=np.c_[Y, Y])
    refuses("sample_weight", weight=np.ones(3))
    refuses("[Nn]egative", weight=-np.ones(20))
    refuses("n_samples=1 .*fewer than the 2 parameters", weight=np.eye(20)[0])
    refuses("Sparse data was passed|dense", TypeError, X=sp.csr_array(X))


def test_predictions():
    model = NonlinearRegressor(decay, [1.0, 1.0])
    for method in ("predict", "predict_interval"):
        with pytest.raises(NotFittedError):
            getattr(model, method)(X)
    with pytest.raises(NotFittedError):
        model.confidence_intervals()
    model.fit(X, Y)
    for method in ("predict", "predict_interval"):
        with pytest.raises(
            ValueError, match="X has 2 features, but NonlinearRegressor is expecting 1"
        ):
            getattr(model, method)(np.c_[X, X])
    with pytest.raises(ValueError, match="coverage must be between 0 and 1, got 90"):
        model.predict_interval(X, coverage=90)
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
        model.confidence_intervals(95)
    with pytest.raises(ValueError, match="method must be 'wald' or 'profile', got 'bootstrap'"):
        model.confidence_intervals(method="bootstrap")
    with pytest.raises(ValueError, match=r"parameter='rate' is none of theta\[0\], theta\[1\]"):
        model.profile("rate")
    with pytest.raises(ValueError, match="n_points must be a whole number"):
        model.profile(0, n_points=1)


def test_predictions_are_a_number_for_each_row():
    squeezed = NonlinearRegressor(lambda X, t: decay(X.squeeze(), t), [1.0, 1.0]).fit(X, Y)
    with pytest.raises(ValueError, match=r"of shape \(1,\), got shape \(\)"):
        squeezed.predict(X[:1])
    offset = torch.zeros(20, dtype=torch.float64)
    fixed = NonlinearRegressor(lambda x, t: decay(x, t)[:1] + offset * t[0], [1.0, 1.0]).fit(X, Y)
    with pytest.raises(ValueError, match=r"of shape \(2,\), got shape \(20,\)"):
        fixed.predict(X[:2])
    root = NonlinearRegressor(lambda x, t: t[0] * torch.sqrt(x), [1.0]).fit(X, Y)
    with pytest.raises(
        ValueError, match=r"model returns nan at theta_ for 2 of 4 rows of X \(the first is 1\)"
    ):
        root.predict([[1.0], [-1.0], [2.0], [-3.0]])


def test_values_are_checked_on_the_way_too():
    refuses(r"of shape \(20,\), got shape \(19,\)", model=lambda x, t: decay(x, t)[int(t[0] > 2) :])


def test_as_many_rows_as_parameters_leave_no_error():
    model = NonlinearRegressor(decay, [1.0, 1.0]).fit(X[:2], Y[:2])
    np.testing.assert_allclose(model.predict(X[:2]), Y[:2])
    assert np.isnan(model.residual_std_)
    for ask in (
        lambda: model.predict_interval(X),
        model.confidence_intervals,
        lambda: model.profile(0),
    ):
        with pytest.raises(ValueError, match="needs more rows than parameters: there were 2 rows"):
            ask()


def test_parameters_that_make_up_for_each_other_are_named():
    def model(x, theta):
        return theta["a"] * theta["b"] * torch.exp(-theta["c"] * x)

    fit = NonlinearRegressor(model, {"a": 1.0, "b": 1.0, "c": 1.0})
    with pytest.warns(ConvergenceWarning, match="determine 'a' and 'b' only together.*into model"):
        fit.fit(X, Y)
    assert not fit.converged_
    assert fit.stop_reason_ == "unidentified"
    assert np.isinf(fit.theta_std_["a"])
    # what the data determine is as in the model without the second name
    plain = NonlinearRegressor(decay, [1.0, 1.0]).fit(X, Y)
    assert fit.theta_["c"] == pytest.approx(plain.theta_[1], rel=1e-6)
    assert fit.theta_std_["c"] == pytest.approx(plain.theta_std_[1], rel=1e-5)
    values, std = fit.predict(X, return_std=True)
    expected, expected_std = plain.predict(X, return_std=True)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose(std, expected_std, rtol=1e-5)
    assert fit.confidence_intervals(method="profile")["a"].tolist() == [-np.inf, np.inf]


def test_a_small_part_of_what_is_open_is_open_too():
    def model(X, t):
        return t["a"] * X[:, 0] + t["b"] * (X[:, 0] + 0.04 * X[:, 1]) + t["c"] * X[:, 1]

    two = np.random.default_rng(1).normal(size=(60, 2))
    y = two @ [1.0, 2.0] + 0.1 * np.random.default_rng(2).normal(size=60)
    assert np.linalg.matrix_rank(two @ [[1, 1, 0], [0, 0.04, 1]]) == 2
    fit = NonlinearRegressor(model, {"a": 1.0, "b": 1.0, "c": 1.0})
    with pytest.warns(ConvergenceWarning, match="determine 'a', 'b' and 'c' only together"):
        fit.fit(two, y)
    assert np.isinf(list(fit.theta_std_.values())).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method in ("wald", "profile"):
            for ends in fit.confidence_intervals(method=method).values():
                assert ends.tolist() == [-np.inf, np.inf]
        fit.profile("c")


@pytest.mark.parametrize(
    ("apart", "match"),
    [
        (1e-8, r"determine theta\[0\] and theta\[1\] almost only together"),
        (1e-3, "a kink or a jump"),
    ],
)
def test_a_fit_that_gets_stuck_says_why(apart, match):
    jacobian = np.c_[X[:, 0], X[:, 0] + apart * X[:, 0] ** 2, np.cos(X[:, 0])]
    local = LeastSquares(Y, jacobian)
    estimate = Estimate(np.ones(3), local, Box())
    ending = Ending(np.ones(3), local, 5, 9, "no_progress")
    path = Path(ending, estimate, [], [])
    said = advise(path, Parameters([1.0, 1.0, 1.0], None), "lm", 1000)
    assert re.search(match, said)


def test_a_parameter_without_effect_is_named():
    fit = NonlinearRegressor(lambda x, t: decay(x, t) + 0 * t[2], [1.0, 1.0, 1.0])
    with pytest.warns(ConvergenceWarning, match=r"theta\[2\] has no effect"):
        fit.fit(X, Y)
    assert np.isinf(fit.theta_std_[2])


def test_a_fit_that_has_run_away_has_not_converged():
    # a rate so high that nothing is left of the exponential, whose derivative is 0 there
    fit = NonlinearRegressor(lambda x, t: t[0] + torch.exp(-t[1] * x), [0.5, 3000.0])
    with pytest.warns(ConvergenceWarning, match=r"theta\[1\] has no effect .*= 3e\+03"):
        fit.fit(X, Y)
    assert not fit.converged_


def test_a_constant_y_is_fitted():
    fit = NonlinearRegressor(lambda x, t: t[0] + t[1] * x**2, [1.0, 1.0]).fit(X, np.full(20, 5.0))
    np.testing.assert_allclose(fit.theta_, [5.0, 0.0], atol=1e-12)
    assert fit.converged_
    with pytest.warns(ConvergenceWarning, match="Not identified|ended at a relative offset"):
        NonlinearRegressor(decay, [1.0, 1.0], max_iter=50).fit(X, np.zeros(20))


def test_a_kink_is_survived():
    def model(x, theta):
        return theta[0] * torch.abs(x - theta[1])

    fit = NonlinearRegressor(model, [1.0, 1.5]).fit(
        X, 2 * np.abs(X[:, 0] - 2.3) + 0.01 * RNG.normal(size=20)
    )
    assert fit.theta_ == pytest.approx([2.0, 2.3], abs=0.02)


def test_max_iter_warns_at_the_line_of_the_user():
    with pytest.warns(
        ConvergenceWarning, match="max_iter=2 iterations.*Increase max_iter"
    ) as record:
        fit = NonlinearRegressor(decay, [1.0, 9.0], max_iter=2).fit(X, Y)
    assert record[0].filename == __file__
    assert not fit.converged_
    assert fit.n_iter_ == 2


def test_an_interrupt_leaves_the_estimator_as_it_was():
    calls = []

    def model(x, theta):
        calls.append(0)
        if len(calls) == 12:
            raise KeyboardInterrupt
        return decay(x, theta)

    fit = NonlinearRegressor(decay, [1.0, 1.0]).fit(X, Y)
    before = dict(vars(fit)) | {"model": model}
    with pytest.raises(KeyboardInterrupt):
        fit.set_params(model=model).fit(X, 2 * Y)
    assert all(vars(fit)[name] is value for name, value in before.items())


def test_a_model_that_loses_its_values_on_the_way_is_followed_round():
    # a logarithm whose argument a long step would make negative
    fit = NonlinearRegressor(lambda x, t: torch.log(t[0] * x + 1e-3), [50.0])
    fit.fit(X, np.log(0.01 * X[:, 0] + 1e-3))
    assert fit.theta_ == pytest.approx([0.01], rel=1e-6)
    assert fit.converged_


@pytest.mark.parametrize("solver", ["lm", "gauss-newton", "newton", "gd"])
@pytest.mark.parametrize("kind", [RuntimeError, ZeroDivisionError, torch.linalg.LinAlgError])
def test_a_model_that_fails_on_the_way_is_followed_round(solver, kind):
    raised = []

    def model(x, theta):
        if theta[0] <= 0:
            raised.append(0)
            raise kind("no such height")
        return torch.log(theta[0] * x + 1e-3)

    fit = NonlinearRegressor(model, [20.0], solver=solver, n_starts=2, random_state=0)
    fit.fit(X, np.log(0.01 * X[:, 0] + 1e-3))
    assert fit.theta_ == pytest.approx([0.01], rel=1e-6)
    assert raised or solver == "gd"
    with pytest.raises(ValueError, match=f"failed at theta0 .*{kind.__name__}: no such height"):
        NonlinearRegressor(model, [-1.0]).fit(X, Y)


def test_starts_and_rows_at_which_a_model_fails():
    def model(x, theta):
        if theta[0] > 1.5 or len(x) == 3:
            raise RuntimeError("too high")
        return decay(x, theta)

    fit = NonlinearRegressor(model, [1.0, 1.0], n_starts=5, random_state=0)
    fit.fit(X, Y / 3)
    assert np.isnan(fit.start_rss_).any()
    assert fit.theta_ == pytest.approx([1.0, 0.7], abs=0.05)
    with pytest.raises(ValueError, match="failed at theta_ .*RuntimeError: too high"):
        fit.predict(X[:3])
    refuses(
        "our own", model=lambda x, t: decay(x, t) if t[0] == 1 else _raise(ValueError("our own"))
    )


def _raise(error):
    raise error


class Once(torch.autograd.Function):
    """An exponential that NumPy derives."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.exp(-x)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return torch.from_numpy(-grad.numpy() * np.exp(-x.numpy()))


def once_decay(x, t):
    return t[0] * Once.apply(t[1] * x)


def test_what_can_be_derived_once_only_is_derived_row_by_row():
    fit = NonlinearRegressor(once_decay, [1.0, 1.0])
    with pytest.warns(UserWarning, match="whose derivative has no derivative in Torch.*row by row"):
        fit.fit(X, Y)
    plain = NonlinearRegressor(decay, [1.0, 1.0]).fit(X, Y)
    np.testing.assert_allclose(fit.theta_, plain.theta_)
    std, expected = (model.predict(X, return_std=True)[1] for model in (fit, plain))
    np.testing.assert_allclose(std, expected)


def test_guards_by_where_are_differentiable():
    # the branch that is not taken has the derivative inf
    def model(x, theta):
        return torch.where(x > 1.0, theta[0] * torch.sqrt(theta[1] * torch.relu(x - 1.0)), theta[0])

    assert NonlinearRegressor(model, [1.0, 1.0]).fit(X, 2 * np.sqrt(np.maximum(X[:, 0], 1))).n_iter_


def test_python_may_look_at_theta():
    def model(x, theta):
        return decay(x, theta) if theta[1].item() > 0 else theta[0] + 0 * x

    plain = NonlinearRegressor(decay, [1.0, 1.0]).fit(X, Y)
    np.testing.assert_allclose(NonlinearRegressor(model, [1.0, 1.0]).fit(X, Y).theta_, plain.theta_)


def test_newton_needs_second_derivatives():
    refuses(
        "needs second derivatives, but model has an operation",
        solver="newton",
        model=once_decay,
        quiet=False,
    )
    # whose second derivative at 0 is infinite
    refuses(
        "second derivatives, and those of model at theta0 are not finite",
        solver="newton",
        model=lambda x, t: t[0] * x + (t[1] - 1) ** 1.5,
    )


def test_sizes_whose_squares_are_no_numbers():
    refuses(
        "y is up to 2e[+]200, whose square float64 cannot hold. Give y in another unit", y=1e200 * Y
    )
    refuses("y is up to 2e-200", y=1e-200 * Y)
    refuses("not finite at theta0", theta0=(1e180, 1.0))
