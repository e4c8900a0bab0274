"""Profiles of the likelihood: the sum of squares along one parameter, all others at their best."""

import numpy as np
from scipy.stats import t as student

from sknets.nonlinear._problem import Held
from sknets.training import Box, minimize_damped

_MOST_STEPS = 60
_TOL = 1e-8


class Profile:
    """The profile of one parameter.

    Its height is tau, the signed root of (S(value) - S) / s^2, which for a straight model is the distance
    from the estimate in standard errors.

    Parameters
    ----------
    problem : SumOfSquares
        The sum of squares.
    box : Box
        The bounds.
    estimate : Estimate
        The minimum.
    place : int
        The parameter.

    Attributes
    ----------
    place : int
        The parameter.
    best : float
        Its estimate.
    lower_point : ndarray or None
        Parameters of a lower sum of squares than that of the fit, if any has been met.
    unsure : list of float
        Values at which the fit of the others has not converged.
    """

    def __init__(self, problem, box, estimate, place):
        self._problem, self._estimate, self.place = problem, estimate, place
        self.best = float(estimate.point[place])
        is_other = np.arange(len(estimate.point)) != place
        self._is_other = is_other
        self._rest_box = Box(box.lower[is_other], box.upper[is_other]) if box.is_bounded else box
        self._ends = (box.lower[place], box.upper[place]) if box.is_bounded else (-np.inf, np.inf)
        self._known = {self.best: (0.0, estimate.point[is_other])}
        self.lower_point, self.unsure = None, []
        std = estimate.std[place]
        if not np.isfinite(std) or not std > 0:
            # what it would be if all others were known
            size = np.linalg.norm(problem.local(estimate.point).jacobian[:, place])
            std = np.sqrt(estimate.variance) / size if size > 0 else np.inf
        self._std = std

    def tau(self, value):
        """Return tau at a value of the parameter and the others' best values, or inf and None."""
        if value in self._known:
            return self._known[value]
        nearest = min(self._known, key=lambda known: abs(known - value))
        problem = Held(self._problem, self.place, value)
        best, is_sure = None, False
        for start, damping in self._tries(nearest):
            try:
                end = minimize_damped(
                    problem, start, max_iter=200, tol=_TOL, box=self._rest_box, damping=damping
                )
            except ValueError:  # no value of the model there
                continue
            if best is None or end.local.loss < best.local.loss:
                best = end
            is_sure = best.stop_reason == "converged" or self._is_near(best)
            if is_sure:
                break
        if best is None:
            return np.sign(value - self.best) * np.inf, None
        if not is_sure:
            self.unsure.append(value)
        rise = 2 * best.local.loss - self._estimate.rss
        if rise < -1e-6 * self._estimate.rss and not len(self._estimate.unidentified):
            self.lower_point = problem.whole(best.point)
        tau = np.sign(value - self.best) * np.sqrt(max(rise, 0.0) / self._estimate.variance)
        self._known[value] = float(tau), best.point
        return self._known[value]

    def _tries(self, nearest):
        """Return starts and dampings: from the nearest known point, from the best, by short steps."""
        near, best = self._known[nearest][1], self._known[self.best][1]
        return (near, 1e-3), (best, 1e-3), (near, 1e4)

    def _is_near(self, end):
        """Return whether what is left to gain changes tau by little."""
        # the sum of squares has (offset^2 rss) to fall, tau^2 that in units of the variance
        return np.square(end.local.offset) * 2 * end.local.loss <= 1e-4 * self._estimate.variance

    def interval(self, level):
        """Return where the profile has the height of a level of confidence."""
        if self.place in self._estimate.unidentified:
            return self._ends
        if self._estimate.is_exact:
            return self.best, self.best
        height = student.ppf(0.5 + level / 2, self._estimate.dof)
        return self._end(-1, height), self._end(1, height)

    def trace(self, level, n_points):
        """Return values of the parameter across an interval, tau and all parameters at each."""
        low, high = self.interval(level)
        reach = 4 * self._std if np.isfinite(self._std) else abs(self.best) or 1.0
        low = low if np.isfinite(low) else self.best - reach
        high = high if np.isfinite(high) else self.best + reach
        values = np.union1d(np.linspace(low, high, n_points), self.best)
        values = values[np.argsort(np.abs(values - self.best), kind="stable")]  # from the best on
        found = {value: self.tau(value) for value in values}
        values = np.sort([value for value, (_, rest) in found.items() if rest is not None])
        tau = np.array([found[value][0] for value in values])
        points = [np.insert(found[value][1], self.place, value) for value in values]
        return values, tau, np.array(points)

    def _end(self, side, height):
        """Return the value on one side at which |tau| has a height, inf if there is none."""
        end = self._ends[side > 0]
        if self.best == end:
            return end
        inner, outer = (self.best, 0.0), None
        step = height * self._std
        for _ in range(_MOST_STEPS):
            value = self.best + side * step
            if not np.isfinite(value):
                return side * np.inf
            value = min(value, end) if side > 0 else max(value, end)
            tau = abs(self.tau(value)[0])
            if tau >= height:
                outer = value, tau
                break
            if value == end:
                return end
            inner = value, tau
            step *= min(max(1.2 * height / tau, 1.2), 4.0) if tau > 0 else 4.0
        return side * np.inf if outer is None else self._between(inner, outer, height)

    def _between(self, inner, outer, height):
        """Return the value between two at which |tau| has a height."""
        for turn in range(_MOST_STEPS):
            (a, low), (b, high) = inner, outer
            if high - height < 1e-7 * height or abs(b - a) <= 1e-12 * abs(b):
                return b
            # along the chord, every third time to the middle
            share = (height - low) / (high - low) if np.isfinite(high) and turn % 3 < 2 else 0.5
            value = a + share * (b - a)
            tau = abs(self.tau(value)[0])
            if abs(tau - height) < 1e-7 * height:
                return value
            inner, outer = ((value, tau), outer) if tau < height else (inner, (value, tau))
        return outer[0]
