"""Minimisers that know the curvature, against closed forms and SciPy."""

import numpy as np
import pytest
import scipy.optimize

from sknets.training._local_models import LeastSquares, Symmetric
from sknets.training._second_order import Box, Problem, minimize_along, minimize_damped

EPS = np.finfo(float).eps
RNG = np.random.default_rng(0)
X = np.c_[np.ones(40), RNG.normal(size=(40, 3))]
Y = X @ [1.0, -2.0, 0.5, 3.0] + RNG.normal(size=40)


class Quadratic(Symmetric):
    """A loss by its Hessian; a minimum is where the gradient vanishes."""

    @property
    def offset(self):
        return np.linalg.norm(self.gradient)

    @property
    def is_exact(self):
        return not self.gradient.any()


class Fit(Problem):
    """Least squares of a model that is given with its Jacobian."""

    def __init__(self, model, jacobian, y):
        self.model, self.jacobian, self.y = model, jacobian, y

    def residuals(self, point):
        return self.model(point) - self.y

    def loss(self, point):
        return 0.5 * np.sum(np.square(self.residuals(point)))

    def local(self, point):
        r = self.residuals(point)
        rounding = 4 * EPS * np.linalg.norm(self.y)
        return LeastSquares(r, self.jacobian(point), rounding=rounding)


class Valley(Problem):
    """Rosenbrock's function, by its Hessian, which is indefinite in places."""

    def loss(self, p):
        return scipy.optimize.rosen(p)

    def local(self, p):
        hessian = scipy.optimize.rosen_hess(p)
        return Quadratic(self.loss(p), scipy.optimize.rosen_der(p), hessian)


def line():
    return Fit(lambda p: X @ p, lambda p: X, Y)


def decay(y):
    x = np.linspace(0, 3, 12)
    return Fit(
        lambda p: p[0] * np.exp(-p[1] * x),
        lambda p: np.c_[np.exp(-p[1] * x), -p[0] * x * np.exp(-p[1] * x)],
        y(x),
    )


def ways():
    yield "damped", minimize_damped
    yield "gauss-newton", lambda *args, **kw: minimize_along(*args, way="model", **kw)
    yield "gradient", lambda *args, **kw: minimize_along(*args, way="gradient", **kw)


WAYS = dict(ways())


@pytest.mark.parametrize("way", WAYS)
def test_a_line_is_that_of_least_squares(way):
    end = WAYS[way](line(), np.zeros(4), max_iter=500, tol=1e-10)
    assert end.stop_reason == "converged"
    np.testing.assert_allclose(end.point, np.linalg.lstsq(X, Y)[0], rtol=1e-8)
    if way == "gauss-newton":
        assert end.n_iter == 1


@pytest.mark.parametrize("way", ["damped", "gauss-newton"])
def test_a_decay_is_that_of_scipy(way):
    problem = decay(lambda x: 5 * np.exp(-1.3 * x) + 0.1 * np.sin(9 * x))
    end = WAYS[way](problem, [1.0, 0.1], max_iter=100, tol=1e-10)
    theirs = scipy.optimize.least_squares(
        problem.residuals, [1.0, 0.1], problem.jacobian, xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    assert end.stop_reason == "converged"
    np.testing.assert_allclose(end.point, theirs.x, rtol=1e-7)


@pytest.mark.parametrize("way", ["damped", "gauss-newton"])
def test_an_exact_fit_converges(way):
    problem = decay(lambda x: 5 * np.exp(-1.3 * x))
    end = WAYS[way](problem, [1.0, 0.1], max_iter=100, tol=1e-10)
    assert end.stop_reason == "converged"
    np.testing.assert_allclose(end.point, [5.0, 1.3], rtol=1e-12)


def test_a_bend_that_is_too_much_shortens_the_step():
    problem = decay(lambda x: 5 * np.exp(-1.3 * x))
    asked = []

    def bend(point, local, step, damping):
        asked.append(damping)
        return step if damping > 1 else None

    end = minimize_damped(problem, [1.0, 0.1], max_iter=3, tol=1e-10, bend=bend)
    assert end.n_iter == 3
    assert asked[0] == 1e-3
    assert max(asked) > 1


def test_newton_leaves_where_the_hessian_is_indefinite():
    start = np.array([0.0, 1.0, 0.5])
    assert np.linalg.eigvalsh(scipy.optimize.rosen_hess(start)).min() < 0
    end = minimize_damped(Valley(), start, max_iter=200, tol=1e-8)
    assert end.stop_reason == "converged"
    np.testing.assert_allclose(end.point, 1.0, rtol=1e-6)


@pytest.mark.parametrize("way", WAYS)
def test_each_point_is_lower_and_the_callback_stops(way):
    losses = []

    def accept(point, loss):
        losses.append(loss)
        return len(losses) == 2

    problem = decay(lambda x: 5 * np.exp(-1.3 * x) + np.sin(9 * x))
    end = WAYS[way](problem, [1.0, 0.1], max_iter=100, tol=1e-10, accept=accept)
    assert end.stop_reason == "stopped"
    assert end.n_iter == 2
    assert problem.loss(np.array([1.0, 0.1])) > losses[0] > losses[1] == end.local.loss


def test_max_iter_is_said():
    problem = decay(lambda x: 5 * np.exp(-1.3 * x) + np.sin(9 * x))
    end = minimize_damped(problem, [1.0, 0.1], max_iter=1, tol=1e-10)
    assert (end.stop_reason, end.n_iter) == ("max_iter", 1)


@pytest.mark.parametrize("way", WAYS)
def test_bounds_are_those_of_bounded_least_squares(way):
    lower, upper = np.array([-np.inf, -1.0, 0.0, -np.inf]), np.array([0.5, np.inf, np.inf, 2.0])
    end = WAYS[way](line(), np.zeros(4), max_iter=2000, tol=1e-9, box=Box(lower, upper))
    theirs = scipy.optimize.lsq_linear(X, Y, (lower, upper), method="bvls", tol=1e-14)
    assert end.stop_reason == "converged"
    np.testing.assert_allclose(end.point, theirs.x, rtol=1e-6, atol=1e-8)


def test_all_parameters_may_be_held():
    box = Box(np.array([2.0, 1.0]), np.array([2.0, 1.0]))
    end = minimize_damped(decay(np.cos), [2.0, 1.0], max_iter=10, tol=1e-10, box=box)
    assert (end.stop_reason, end.n_iter) == ("converged", 0)


def test_a_step_into_nothing_is_shortened():
    x = np.linspace(1, 2, 9)
    problem = Fit(
        lambda p: np.log(p[0] * x) if p[0] > 0 else np.full(9, np.nan),
        lambda p: np.full((9, 1), 1 / p[0]),
        np.log(1e-3 * x),
    )
    for way in ("damped", "gauss-newton"):
        end = WAYS[way](problem, [5.0], max_iter=200, tol=1e-10)
        assert end.stop_reason == "converged"
        assert end.point[0] == pytest.approx(1e-3, rel=1e-10)


def test_a_start_without_a_loss_is_refused():
    with pytest.raises(ValueError, match="start"):
        minimize_damped(Fit(np.sqrt, np.diag, np.ones(1)), [np.nan], max_iter=9, tol=1e-10)


def test_where_no_step_helps_no_minimum_is_claimed():
    # a Jacobian of the wrong sign
    problem = Fit(lambda p: X @ p, lambda p: -X, Y)
    for way in ("damped", "gauss-newton"):
        assert WAYS[way](problem, np.zeros(4), max_iter=99, tol=1e-10).stop_reason == "no_progress"


def test_least_squares_keeps_the_digits_that_a_square_loses():
    J = np.c_[np.ones(30), 1 + 1e-9 * RNG.normal(size=30)]
    r = -J @ [1.0, 2.0]
    np.testing.assert_allclose(LeastSquares(r, J).step(0.0), [1.0, 2.0], rtol=1e-5)
    with pytest.raises(AssertionError):
        step = Quadratic(0.5 * r @ r, J.T @ r, J.T @ J).step(0.0)
        np.testing.assert_allclose(np.zeros(2) if step is None else step, [1.0, 2.0], rtol=1e-5)


@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_models_agree_on_steps_and_decreases(damping):
    J, r = RNG.normal(size=(20, 4)), RNG.normal(size=20)
    S = RNG.normal(size=(4, 4))
    S = S + S.T
    tall = LeastSquares(r, J, S)
    square = Quadratic(0.5 * r @ r, J.T @ r, J.T @ J + S)
    square.scale = tall.scale
    H = J.T @ J + S + damping * np.diag(np.sum(J**2, axis=0))
    step = -np.linalg.solve(H, J.T @ r)
    for model in (tall, square):
        np.testing.assert_allclose(model.step(damping), step, rtol=1e-10)
        a, b = model.root(damping)
        np.testing.assert_allclose(np.linalg.lstsq(a, -b)[0], step, rtol=1e-8)
        gain = -(J.T @ r) @ step - 0.5 * step @ (J.T @ J + S) @ step
        assert model.decrease(step) == pytest.approx(gain)


def test_offset_is_that_of_bates_and_watts():
    J, r = RNG.normal(size=(20, 4)), RNG.normal(size=20)
    q, _ = np.linalg.qr(J)
    assert LeastSquares(r, J).offset == pytest.approx(np.linalg.norm(q.T @ r) / np.linalg.norm(r))


def test_without_degrees_of_freedom_the_offset_is_the_size_of_the_residuals():
    J, r = RNG.normal(size=(4, 4)), RNG.normal(size=4)
    assert LeastSquares(r, J).offset == pytest.approx(1.0)
    whole = LeastSquares(r, J, size=100.0)
    assert whole.offset == pytest.approx(np.linalg.norm(r) / 100)
    free = np.arange(4) < 2
    assert whole.of(free).offset == pytest.approx(LeastSquares(r, J[:, free]).offset)


def test_a_saddle_is_no_minimum():
    # (p^2 - 1)^2 / 2 at 0: no slope, and the second derivative of r = p^2 - 1 makes H negative
    saddle = LeastSquares(np.array([-1.0]), np.zeros((1, 1)), np.array([[-2.0]]))
    assert saddle.offset == np.inf
    assert not saddle.is_exact
    assert LeastSquares(np.array([-1.0]), np.zeros((1, 1))).offset == 0.0
