"""The sum of squares of a model's residuals, as the minimisers take it."""

import numpy as np

from sknets.nonlinear._model import NoValue
from sknets.training import LeastSquares, Problem

_EPS = np.finfo(float).eps
#: The step of differences of first derivatives, in parts of a parameter.
_STEP = _EPS ** (1 / 3)
#: How far along a step its curve is measured, and its size, in steps, up to which it is followed.
_PROBE = 0.1
_MOST_BEND = 0.75


class SumOfSquares(Problem):
    """Half of the weighted sum of squares.

    Parameters
    ----------
    model : Model
        The model at the rows of the fit.
    y : ndarray of shape (n_rows,)
        The target.
    weight : ndarray of shape (n_rows,) or None
        Weights of the rows.
    knows_second : bool, default=False
        Whether local models have second derivatives: Newton's.
    """

    def __init__(self, model, y, weight, knows_second=False):
        self._model = model
        self._y = y
        self._root = np.ones(len(y)) if weight is None else np.sqrt(weight)
        self._knows_second = knows_second

    def loss(self, point):
        """Return half of the sum of squares."""
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                residuals = self._root * (self._model.values(point) - self._y)
                return 0.5 * float(residuals @ residuals)
        except NoValue:
            return np.inf

    def local(self, point):
        """Return the local model, or None where something is not finite or the model fails."""
        try:
            return self._local(point)
        except NoValue:
            return None

    def _local(self, point):
        with np.errstate(over="ignore", invalid="ignore"):
            values, jacobian = self._model.values(point), self._model.jacobian(point)
            residuals = self._root * (values - self._y)
            jacobian = self._root[:, None] * jacobian
            largest = np.linalg.norm(self._root * values) + np.linalg.norm(self._root * self._y)
            size = float(residuals @ residuals) + float(np.sum(np.square(jacobian)))
            second = (
                self._model.second(point, self._root * residuals) if self._knows_second else None
            )
        if not np.isfinite(size) or (second is not None and not np.isfinite(second).all()):
            return None
        return LeastSquares(residuals, jacobian, second, 2 * _EPS * largest, size=largest)

    def second(self, point):
        """Return the sum of residuals times second derivatives, by differences if Torch has none.

        None where the model fails.
        """
        try:
            return self._second(point)
        except NoValue:
            return None

    def _second(self, point):
        residuals = self._root * (self._model.values(point) - self._y)
        if self._model.has_second:
            return self._model.second(point, self._root * residuals)
        columns = []
        for k, h in enumerate(_STEP * np.where(point == 0, 1.0, np.abs(point))):
            ahead, behind = (self._slope(point, k, side * h, residuals) for side in (1, -1))
            columns.append((ahead - behind) / (2 * h))
        return 0.5 * (np.array(columns) + np.array(columns).T)

    def bend(self, point, local, step, damping):
        """Return a step with the acceleration of the geodesic, or None where that is the larger part."""
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                values = self._model.values(point + _PROBE * step)
            except NoValue:
                return None
            residuals = self._root * (values - self._y)
            along = (residuals - local.residuals) / _PROBE
            turn = 2 / _PROBE * (along - local.jacobian @ step)  # r'' along the step
        if not np.isfinite(turn).all():
            return None
        bent = LeastSquares(turn, local.jacobian)
        bent.scale = local.scale
        acceleration = bent.step(damping)
        sizes = [np.linalg.norm(local.scale * part) for part in (acceleration, step)]
        return step + acceleration / 2 if 2 * sizes[0] <= _MOST_BEND * sizes[1] else None

    def _slope(self, point, k, move, residuals):
        """Return J'r at a point beside this one, r that of this one."""
        beside = point.copy()
        beside[k] += move
        return self._model.jacobian(beside).T @ (self._root * residuals)


class Held(Problem):
    """A problem in which one parameter has a given value.

    Parameters
    ----------
    problem : Problem
        The problem with all parameters.
    place : int
        Which one is held.
    value : float
        Its value.
    """

    def __init__(self, problem, place, value):
        self._problem, self._place, self._value = problem, place, value

    def whole(self, rest):
        """Return all parameters."""
        return np.insert(rest, self._place, self._value)

    def loss(self, point):
        """Return the loss."""
        return self._problem.loss(self.whole(point))

    def local(self, point):
        """Return the local model of the others."""
        whole = self._problem.local(self.whole(point))
        is_other = np.arange(len(point) + 1) != self._place
        return None if whole is None else whole.of(is_other)
