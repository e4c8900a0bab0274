"""Minimisers that know the curvature: damped steps, steps with a line search, and their bounds."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
import scipy.optimize

from sknets._plain import kept

_MOST_DAMPING = 1e16  # beyond it steps have no length
_LEAST_DAMPING = 1e-15
#: The ratio of the decrease to the predicted one from which a step is taken.
_ENOUGH = 1e-4
#: The offset up to which a point is a minimum if rounding hides all that may be lower.
_OFFSET_WHERE_STUCK = 1e-6


class Problem(ABC):
    """A loss to be minimised."""

    @abstractmethod
    def loss(self, point):
        """Return the loss at a point; inf or NaN where it has none."""

    @abstractmethod
    def local(self, point):
        """Return a `LocalModel` at a point, or None where the loss or its derivatives are not finite."""


class Ending(NamedTuple):
    """Where a minimisation ended, and why.

    Attributes
    ----------
    point : ndarray of shape (n_parameters,)
        The last accepted point, whose loss is the lowest.
    local : LocalModel
        The model there.
    n_iter : int
        Accepted points after the start.
    n_evaluations : int
        How often the loss was computed.
    stop_reason : str
        "converged", "max_iter", "stopped" (by the callback), or "no_progress": no step lowers the loss.
    """

    point: np.ndarray
    local: object
    n_iter: int
    n_evaluations: int
    stop_reason: str


@kept
class Box:
    """Bounds on the parameters, or none.

    Parameters
    ----------
    lower, upper : ndarray of shape (n_parameters,), default=None
        The bounds, which may be infinite.
    """

    def __init__(self, lower=None, upper=None):
        self.lower, self.upper = lower, upper
        self.is_bounded = lower is not None

    def clip(self, point):
        """Return the nearest point inside."""
        return np.clip(point, self.lower, self.upper) if self.is_bounded else point

    def free(self, point, gradient):
        """Return which parameters may move downhill."""
        if not self.is_bounded:
            return np.ones(len(point), dtype=bool)
        is_held = ((point <= self.lower) & (gradient > 0)) | (
            (point >= self.upper) & (gradient < 0)
        )
        return ~(is_held | (self.lower == self.upper))

    def step(self, local, point, damping):
        """Return the step that minimises the damped model inside, or None where there is none."""
        step = local.step(damping)
        if step is None or not self.is_bounded:
            return step
        ahead = point + step
        if ((ahead >= self.lower) & (ahead <= self.upper)).all():
            return step
        root = local.root(damping)
        return (
            None if root is None else _bounded_step(*root, self.lower - point, self.upper - point)
        )


def _bounded_step(a, b, low, high):
    """Return what minimises |A s + b| within bounds; what is bounded by one number stays."""
    step = np.zeros(len(low))
    moves = np.flatnonzero(high > low)
    size = np.linalg.norm(a[:, moves], axis=0)
    size[size == 0] = 1.0
    bounds = low[moves] * size, high[moves] * size
    # BVLS, a method of active sets: its answer is exact
    found = scipy.optimize.lsq_linear(a[:, moves] / size, -b, bounds, method="bvls", tol=1e-14)
    step[moves] = found.x / size
    return np.clip(step, low, high)


class _Search:
    """What the minimisers share: the point, the count of evaluations, and when it is over."""

    def __init__(self, problem, start, max_iter, tol, accept, box):
        self.problem, self.max_iter, self.tol, self.accept = problem, max_iter, tol, accept
        self.box = box or Box()
        self.point = self.box.clip(np.array(start, dtype=float))
        self.n_iter, self.n_evaluations, self.reason = 0, 1, None
        self.local = problem.local(self.point)
        if self.local is None or not np.isfinite(self.local.loss):
            raise ValueError("The loss or its derivatives are not finite at the start.")

    def is_over(self):
        """Return whether the present point is the last."""
        if self.reason is None:
            here = self._free_local()
            if here.offset <= self.tol or here.is_exact:
                self.reason = "converged"
            elif self.n_iter >= self.max_iter:
                self.reason = "max_iter"
        return self.reason is not None

    def try_point(self, trial, predicted):
        """Return by what part of the prediction a point lowers the loss, and its model if it is taken."""
        if not predicted > 0:
            return -1.0, None
        local = self.local
        self.n_evaluations += 1
        decrease = local.loss - self.problem.loss(trial)
        if predicted > 10 * local.noise:
            ratio = decrease / predicted
            return ratio, self.problem.local(trial) if ratio > _ENOUGH else None
        # rounding hides by how much the loss falls; the derivatives still tell
        if decrease >= -10 * local.noise:
            after = self.problem.local(trial)
            if after is not None and after.offset < 0.9 * local.offset:
                return 1.0, after
        return -1.0, None

    def move(self, point, local):
        """Go to a point."""
        self.point, self.local = point, local
        self.n_iter += 1
        if self.accept is not None and self.accept(point, local.loss):
            self.reason = "stopped"

    def get_stuck(self):
        """End where no step lowers the loss: at the minimum as far as rounding lets one see, or not."""
        is_minimum = self._free_local().offset <= max(_OFFSET_WHERE_STUCK, self.tol)
        self.reason = "converged" if is_minimum else "no_progress"

    def ending(self):
        """Return how it ended."""
        return Ending(self.point, self.local, self.n_iter, self.n_evaluations, self.reason)

    def _free_local(self):
        free = self.box.free(self.point, self.local.gradient)
        return self.local if free.all() else self.local.of(free)


def minimize_damped(
    problem,
    start,
    *,
    max_iter,
    tol,
    accept=None,
    box=None,
    damping=1e-3,
    keeps_scale=True,
    bend=None,
):
    """Minimise by damped steps: Levenberg's and Marquardt's, or Newton's where the model is a Hessian's.

    Damping is in units of `LocalModel.scale`, and follows the ratio of the decrease to the predicted one
    [1]_. Where an indefinite matrix has no step, it grows until there is one.

    Parameters
    ----------
    problem : Problem
        What to minimise.
    start : array-like of shape (n_parameters,)
        Where to begin; what lies outside of the box is moved to its edge.
    max_iter : int
        Largest number of accepted points.
    tol : float
        Bound on `LocalModel.offset` of the parameters that may move.
    accept : callable, default=None
        Called after each accepted point as ``accept(point, loss)``; if that is true, it was the last.
    box : Box, default=None
        Bounds.
    damping : float, default=1e-3
        The damping at the start.
    keeps_scale : bool, default=True
        Whether a parameter's scale never shrinks [2]_; else it is that of the present point.
    bend : callable, default=None
        Called with each step as ``bend(point, local, step, damping)``: returns the step that follows the
        curve of the model [3]_, or None where that is too much of a curve and the step must be shorter.

    Returns
    -------
    Ending

    Raises
    ------
    ValueError
        If the loss or its derivatives are not finite at the start.

    References
    ----------
    .. [1] Nielsen (1999). Damping parameter in Marquardt's method. Technical University of Denmark.
    .. [2] Moré (1978). The Levenberg-Marquardt algorithm: implementation and theory. LNM 630.
    .. [3] Transtrum and Sethna (2012). Improvements to the Levenberg-Marquardt algorithm for nonlinear
       least-squares minimization. arXiv:1201.5885.
    """
    search = _Search(problem, start, max_iter, tol, accept, box)
    growth = 2.0
    while not search.is_over():
        local, point = search.local, search.point
        step = search.box.step(local, point, damping)
        ratio, after = -1.0, None
        ahead = step
        if bend is not None and step is not None:
            ahead = bend(point, local, step, damping)
            search.n_evaluations += 1
        if ahead is not None:
            trial = search.box.clip(point + ahead)
            if np.array_equal(trial, point):
                search.get_stuck()
                break
            straight = trial - point if bend is None else step
            ratio, after = search.try_point(trial, local.decrease(straight))
        if after is not None:
            if keeps_scale:
                after.scale = np.maximum(after.scale, local.scale)
            search.move(trial, after)
            damping *= max(1 / 3, 1 - (2 * min(ratio, 1.0) - 1) ** 3)
            growth = 2.0
        else:
            damping = max(damping, _LEAST_DAMPING) * growth
            growth *= 2.0
            if damping > _MOST_DAMPING:
                search.get_stuck()
                break
    return search.ending()


def minimize_along(problem, start, *, way, max_iter, tol, accept=None, box=None):
    """Minimise by steps along a direction, as long as the loss allows.

    From the length that the direction suggests, steps are shortened until they lower the loss (Armijo),
    to the minimum of the parabola through what is known.

    Parameters
    ----------
    problem : Problem
        What to minimise.
    start : array-like of shape (n_parameters,)
        Where to begin; what lies outside of the box is moved to its edge.
    way : {'gradient', 'model'}
        Along the negative gradient, first as far as the model falls and then by the rule of Barzilai and
        Borwein [1]_; or to the minimum of the model, Gauss's and Newton's way, without
        damping unless a ten-thousandth of such a step is still too long.
    max_iter, tol, accept, box
        As in `minimize_damped`.

    Returns
    -------
    Ending

    Raises
    ------
    ValueError
        If the loss or its derivatives are not finite at the start.

    References
    ----------
    .. [1] Barzilai and Borwein (1988). Two-point step size gradient methods. IMA Journal of Numerical
       Analysis 8, 141-148.
    """
    search = _Search(problem, start, max_iter, tol, accept, box)
    before = None
    while not search.is_over():
        point, local = search.point, search.local
        if way == "gradient":
            found = _walk(search, -_rate(local, point, before) * local.gradient)
        else:
            found = _walk_to_minimum(search)
        if found is None:
            search.get_stuck()
            break
        before = point, local.gradient
        search.move(*found)
    return search.ending()


def _rate(local, point, before):
    """Return a learning rate."""
    g = local.gradient
    if before is not None:
        moved, turned = point - before[0], g - before[1]
        if moved @ turned > 0:
            return (moved @ moved) / (moved @ turned)
    bend = local.curvature(g)
    return (g @ g) / bend if bend > 0 else 1.0


def _walk_to_minimum(search):
    """Walk to the model's minimum, or where that way is at right angles to the gradient, nearer to it."""
    for step, shortest in _ways_to_minimum(search):
        found = None if step is None else _walk(search, step, shortest)
        if found is not None:
            return found
    return None


def _ways_to_minimum(search):
    """Yield steps, and how far they may be shortened before the next one is tried."""
    local, box, point = search.local, search.box, search.point
    is_careful = local.is_careful and not box.is_bounded
    yield box.step(local, point, 0.0), 1.0 if is_careful else 1e-4
    if is_careful:
        yield local.careful_step(), 1e-4
    for damping in (1e-6, 1e-3):
        yield box.step(local, point, damping), 1e-4
    yield box.step(local, point, 1.0), 0.0


def _walk(search, direction, shortest=0.0):
    """Return the first point along a direction that lowers the loss, with its model, or None."""
    point, local, length = search.point, search.local, 1.0
    while length >= shortest:
        trial = search.box.clip(point + length * direction)
        if np.array_equal(trial, point):
            return None
        slope = -float(local.gradient @ (trial - point))
        ratio, after = search.try_point(trial, slope)
        if after is not None:
            return trial, after
        if slope <= 0:
            return None
        # the parabola through loss, slope and the loss ahead
        ahead = 0.5 / (1.0 - ratio) if np.isfinite(ratio) else 0.1
        length *= min(max(ahead, 0.1), 0.5)
    return None
