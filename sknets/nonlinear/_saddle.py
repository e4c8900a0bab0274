"""Saddles: whether a place without slope is a minimum, and the way down from one that is none."""

from typing import NamedTuple

import numpy as np

#: Eigenvalues of the Hessian, in units of the largest, below which it bends down and not by rounding.
_CLEARLY = -1e-7
#: Beyond as many parameters the Hessian costs too much.
_MOST_PARAMETERS = 300
_MOST_HALVINGS = 40
#: The part of the predicted fall from which a step is taken.
_ENOUGH = 0.1


class WayDown(NamedTuple):
    """A step along which the sum of squares falls from a saddle.

    Attributes
    ----------
    point : ndarray of shape (n_parameters,) or None
        Where it leads; None if no step lowers the loss.
    loss : float or None
        The loss there.
    n_evaluations : int
        How often the loss was computed.
    """

    point: np.ndarray | None
    loss: float | None
    n_evaluations: int


def way_down(problem, point, box):
    """Return the way down from a point, or None where no direction clearly bends down.

    Parameters
    ----------
    problem : SumOfSquares
        The sum of squares.
    point : ndarray of shape (n_parameters,)
        A point at which its gradient is zero, or may be.
    box : Box
        The bounds; a parameter that one of them holds stays.

    Returns
    -------
    WayDown or None
        None also where there are no second derivatives, or too many.
    """
    local = problem.local(point)
    # at a bound, a slope that is but rounding holds nothing
    is_slope = np.abs(local.gradient) > 4 * local.rounding * local.scale
    free = np.flatnonzero(box.free(point, np.where(is_slope, local.gradient, 0.0)))
    if not 0 < len(free) <= _MOST_PARAMETERS:
        return None
    second = problem.second(point)
    if second is None or not np.isfinite(second).all():
        return None
    squares = (local.jacobian.T @ local.jacobian)[np.ix_(free, free)]
    second = second[np.ix_(free, free)]
    size = np.sqrt(np.diag(squares) + np.abs(np.diag(second)))
    size[size == 0] = 1.0
    bends, directions = np.linalg.eigh((squares + second) / np.outer(size, size))
    if not bends[0] < _CLEARLY * np.abs(bends).max():
        return None
    direction = np.zeros(len(point))
    direction[free] = directions[:, 0] / size
    return _walk(problem, point, local, box, direction, -bends[0])


def _walk(problem, point, local, box, direction, bend):
    """Return the first of ever shorter steps, to either side, that lowers the loss as predicted."""
    n_evaluations, length = 0, local.norm
    for _ in range(_MOST_HALVINGS):
        fall = 0.5 * bend * length**2
        if fall <= 10 * local.noise:
            break
        trials = [box.clip(point + side * length * direction) for side in (-1, 1)]
        losses = [problem.loss(trial) for trial in trials]
        n_evaluations += 2
        best = int(np.nanargmin([*losses, np.inf]))
        is_lower = best < 2 and losses[best] < local.loss - _ENOUGH * fall
        if is_lower and problem.local(trials[best]) is not None:
            return WayDown(trials[best], losses[best], n_evaluations)
        length /= 2
    return WayDown(None, None, n_evaluations)
