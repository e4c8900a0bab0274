"""The four methods by name, and what is tried where the first way leads nowhere."""

from typing import NamedTuple

import numpy as np

from sknets.nonlinear._estimate import Estimate
from sknets.nonlinear._problem import SumOfSquares
from sknets.nonlinear._saddle import way_down
from sknets.training import minimize_along, minimize_damped

#: The damping with which Levenberg-Marquardt begins; the second one, short steps, is for a second try
#: where the first has run to where a parameter has no effect any more.
_DAMPINGS = (1e-3, 1e4)
#: After so many steps, and with an offset above this, Levenberg-Marquardt is in a bent valley, along
#: which straight steps are short: from there on steps follow the bend.
_PATIENCE = 100
_FAR = 0.5
#: What counts more than the loss, where several paths are compared: minima, then what was on its way.
_RANKS = {"converged": 0, "max_iter": 1}


def _gradient_descent(*args, **options):
    return minimize_along(*args, way="gradient", **options)


def _gauss_newton(*args, **options):
    return minimize_along(*args, way="model", **options)


SOLVERS = {
    "gd": _gradient_descent,
    "gauss-newton": _gauss_newton,
    "lm": minimize_damped,
    "newton": minimize_damped,
}


class Path(NamedTuple):
    """How a minimisation went.

    Attributes
    ----------
    ending : Ending
        Where it ended.
    estimate : Estimate
        What is known there.
    points : list of ndarray
        The start and each accepted point.
    losses : list of float
        The loss at each.
    """

    ending: object
    estimate: Estimate
    points: list
    losses: list

    @property
    def stop_reason(self):
        """Why it ended; where a parameter has no effect, there is no minimum to converge to."""
        if self.ending.stop_reason != "saddle" and len(self.estimate.unidentified):
            return "unidentified"
        return self.ending.stop_reason

    def then(self, other):
        """Return this path and one that goes on from its end."""
        ending = other.ending._replace(
            n_iter=self.ending.n_iter + other.ending.n_iter,
            n_evaluations=self.ending.n_evaluations + other.ending.n_evaluations,
        )
        points, losses = self.points + other.points[1:], self.losses + other.losses[1:]
        return Path(ending, other.estimate, points, losses)

    def after(self, other):
        """Return this path, with the evaluations of another that was tried before."""
        n = self.ending.n_evaluations + other.ending.n_evaluations
        return self._replace(ending=self.ending._replace(n_evaluations=n))

    @property
    def rank(self):
        """What a better path has less of: its reason to end by `_RANKS`, then the loss."""
        return _RANKS.get(self.stop_reason, len(_RANKS)), self.losses[-1]


class Fitter:
    """Minimises from any start.

    Parameters
    ----------
    model : Model
        The model.
    y, weight : ndarray of shape (n_rows,)
        Target and weights (or None).
    box : Box
        Bounds.
    solver : str
        A key of `SOLVERS`.
    max_iter : int
        Largest number of accepted points.
    tol : float
        Bound on the relative offset.
    """

    def __init__(self, model, y, weight, box, solver, max_iter, tol):
        self.problem = SumOfSquares(model, y, weight)
        self._minimised = SumOfSquares(model, y, weight, solver == "newton")
        self._box, self._solver = box, solver
        self._max_iter, self._tol = max_iter, tol

    def fit(self, start):
        """Return the path from a start."""
        if self._solver != "lm":
            return self._go(start)
        path = self._go(start, damping=_DAMPINGS[0], pauses=True)
        if path.ending.stop_reason == "stopped":
            path = self._go_on_bent(start, path)
        if path.stop_reason in ("unidentified", "no_progress", "saddle"):
            path = min(path, self._go(start, damping=_DAMPINGS[1]), key=lambda path: path.rank)
        return path

    def _go_on_bent(self, start, path):
        """Return the path along the valley, or if that has led nowhere, the straight one, as it was."""
        rest = self._max_iter - path.ending.n_iter
        bent = self._go(path.ending.point, max_iter=rest, keeps_scale=False, bend=self.problem.bend)
        whole = path.then(bent)
        if bent.stop_reason == "converged":
            return whole
        most = self._max_iter - bent.ending.n_iter
        straight = self._go(start, damping=_DAMPINGS[0], max_iter=most).after(bent)
        return min(whole, straight, key=lambda path: path.rank)

    def fit_best(self, start, n_starts, rng):
        """Return the best path from several starts, and the sum of squares that each has reached."""
        paths = [self.fit(start)]
        reached = [2 * paths[0].losses[-1]]
        while len(reached) < n_starts:
            try:
                paths.append(self.fit(self._draw(start, rng)))
                reached.append(2 * paths[-1].losses[-1])
            except ValueError:  # the model has no value there
                reached.append(np.nan)
        return min(paths, key=lambda path: path.rank), np.array(reached)

    def _go(self, start, *, max_iter=None, pauses=False, **options):
        points, losses = [], []
        max_iter = self._max_iter if max_iter is None else max_iter

        def accept(point, loss):
            points.append(point.copy())
            losses.append(loss)
            if pauses and len(points) == _PATIENCE < max_iter:
                return self.problem.local(point).offset > _FAR
            return False

        first = self._look_at_start(start)
        point, n_evaluations = start, 0
        while True:
            ending = SOLVERS[self._solver](
                self._minimised,
                point,
                max_iter=max_iter - len(points),
                tol=self._tol,
                box=self._box,
                accept=accept,
                **options,
            )
            n_evaluations += ending.n_evaluations
            last = self.problem.local(ending.point)
            estimate = Estimate(ending.point, last, self._box, start, first)
            down = self._leave_saddle(ending, estimate)
            if down is None:
                break
            n_evaluations += down.n_evaluations
            if down.point is None or len(points) == max_iter:
                reason = "saddle" if down.point is None else "max_iter"
                ending = ending._replace(stop_reason=reason)
                break
            accept(down.point, down.loss)
            point = down.point
        ending = ending._replace(n_iter=len(points), n_evaluations=n_evaluations)
        return Path(ending, estimate, [start, *points], [first.loss, *losses])

    def _look_at_start(self, start):
        """Return the local model at a start; raise ValueError where there is none to begin with."""
        first = self.problem.local(start)
        if first is None:
            raise ValueError(
                "The sum of squares or its derivatives are not finite at theta0. Choose one at which the "
                "model is of y's size."
            )
        if self._solver == "newton" and self._minimised.local(start) is None:
            raise ValueError(
                "solver='newton' needs second derivatives, and those of model at theta0 are not finite. "
                "Move theta0, or choose solver='lm'."
            )
        return first

    def _leave_saddle(self, ending, estimate):
        """Return the way down where a minimisation has ended without being at a minimum, or None."""
        if ending.stop_reason in ("max_iter", "stopped"):
            return None
        # a parameter may have run to where next to nothing is left of its effect
        if ending.local.jacobian[:, estimate.without_effect].any():
            return None
        return way_down(self.problem, ending.point, self._box)

    def _draw(self, start, rng):
        z = rng.standard_normal(len(start))
        drawn = np.where(start == 0, z, start * np.exp(z))
        if not self._box.is_bounded:
            return drawn
        low, high = self._box.lower, self._box.upper
        is_finite = np.isfinite(low) & np.isfinite(high)
        inside = rng.uniform(np.where(is_finite, low, 0), np.where(is_finite, high, 1))
        return self._box.clip(np.where(is_finite, inside, drawn))
