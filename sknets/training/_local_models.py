"""What a loss looks like around a point: its gradient, its curvature, and the steps that follow."""

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
import scipy.linalg

_EPS = np.finfo(float).eps
#: Eigenvalues of a matrix with ones on its diagonal that are zero but for rounding; and those along which
#: a quadratic model of a network tells little, since steps lead out of the region where it holds.
_ROUNDING = 1e-14
_CAREFUL = 1e-6


class LocalModel(ABC):
    """A quadratic model of a loss around a point, loss + g's + s'Hs/2.

    Attributes
    ----------
    loss : float
        The loss at the point.
    gradient : ndarray of shape (n_parameters,)
        g.
    scale : ndarray of shape (n_parameters,)
        D, the size of the loss's response to each parameter. Damping adds ``damping |D s|^2 / 2``. It
        may be set until the first step is asked for.
    noise : float
        By how much a loss may be wrong through rounding: smaller differences tell nothing.
    is_careful : bool
        Whether there is a `careful_step`, to be taken where the undamped one is too long.
    """

    is_careful = False

    @abstractmethod
    def step(self, damping):
        """Return what minimises the damped model, or None where it has no minimum."""

    @abstractmethod
    def curvature(self, step):
        """Return s'Hs."""

    @abstractmethod
    def root(self, damping):
        """Return A and b such that |A s + b|^2 / 2 is the damped model but for a constant, or None."""

    @abstractmethod
    def of(self, free):
        """Return the model of some of the parameters, all others held."""

    @property
    @abstractmethod
    def offset(self):
        """How far the point is from the minimum of the model, free of all units; 0 at a minimum."""

    @property
    @abstractmethod
    def is_exact(self):
        """Whether what is left to gain is below the rounding of the loss."""

    def decrease(self, step):
        """Return by how much the loss falls in the model (without damping)."""
        return -float(self.gradient @ step) - 0.5 * self.curvature(step)


class LeastSquares(LocalModel):
    """|r|^2 / 2 around a point, by the singular values of the Jacobian.

    Nothing is squared, so that steps keep the digits which J'J would lose.

    Parameters
    ----------
    residuals : ndarray of shape (n_rows,)
        r.
    jacobian : ndarray of shape (n_rows, n_parameters)
        J, the derivatives of r.
    second : ndarray of shape (n_parameters, n_parameters), default=None
        The sum of r_i times the second derivatives of r_i: with it steps are Newton's, without it
        those of Gauss and Newton.
    rounding : float, default=0.0
        The norm of what r may be wrong by.
    size : float, default=None
        What |r| is small beside, if rows are no more than parameters and can be fitted exactly.
    """

    def __init__(self, residuals, jacobian, second=None, rounding=0.0, size=None):
        self.residuals = residuals
        self.jacobian = jacobian
        self.second = second
        self.rounding = rounding
        self.size = size
        self.norm = float(np.linalg.norm(residuals))
        self.loss = 0.5 * self.norm**2
        self.gradient = jacobian.T @ residuals
        self.scale = np.linalg.norm(jacobian, axis=0)
        self.noise = self.norm * rounding + rounding**2

    @cached_property
    def _parts(self):
        """Return singular values, right vectors as columns, u'r and D of J / D."""
        d = np.where(self.scale > 0, self.scale, 1.0)
        scaled, r = self.jacobian / d, self.residuals
        if len(scaled) > 2 * scaled.shape[1]:  # a small square matrix is all that counts
            q, scaled = np.linalg.qr(scaled)
            r = q.T @ r
        u, sigma, vt = np.linalg.svd(scaled, full_matrices=False)
        return sigma, vt.T, u.T @ r, d

    @cached_property
    def _twisted(self):
        """Return the second-order term in the coordinates of the singular vectors."""
        _, v, _, d = self._parts
        return None if self.second is None else v.T @ (self.second / np.outer(d, d)) @ v

    @property
    def _counts(self):
        """Return which singular values are not zero but for rounding."""
        sigma = self._parts[0]
        return sigma > max(self.jacobian.shape) * _EPS * sigma.max(initial=0.0)

    def step(self, damping):
        """Return the step; without damping the shortest in units of D. None where H is indefinite."""
        sigma, v, projected, d = self._parts
        size = (
            np.sqrt(np.square(sigma) + damping)
            if damping
            else np.where(self._counts, sigma, np.inf)
        )
        z = sigma / size * projected
        if self._twisted is not None:
            matrix = np.eye(len(sigma)) + self._twisted / np.outer(size, size)
            try:
                z = scipy.linalg.cho_solve(scipy.linalg.cho_factor(matrix), z)
            except np.linalg.LinAlgError:
                return None
        return -(v @ (z / size)) / d

    def curvature(self, step):
        """Return |J s|^2, and what the second derivatives add."""
        along = self.jacobian @ step
        extra = 0.0 if self.second is None else float(step @ self.second @ step)
        return float(along @ along) + extra

    def root(self, damping):
        """Return J and r, with rows for the damping."""
        d = np.where(self.scale > 0, self.scale, 1.0)
        if self.second is None:
            a = np.vstack([self.jacobian, np.sqrt(damping) * np.diag(d)])
            return a, np.concatenate([self.residuals, np.zeros(len(d))])
        h = self.jacobian.T @ self.jacobian + self.second + damping * np.diag(d**2)
        return _cholesky_root(h, self.gradient)

    def of(self, free):
        """Return the model of some of the parameters."""
        second = None if self.second is None else self.second[np.ix_(free, free)]
        part = LeastSquares(
            self.residuals, self.jacobian[:, free], second, self.rounding, self.size
        )
        part.scale = self.scale[free]
        return part

    @property
    def offset(self):
        """The relative offset of Bates and Watts: the part of r that lies along the columns of J.

        Where they span all of r, that is 1 however near the minimum, and the offset is |r| / `size`.
        """
        if self.second is not None and len(self.scale) and self._is_saddle:
            return np.inf
        n_rows, n_parameters = self.jacobian.shape
        whole = self.norm if self.size is None or n_rows > n_parameters else self.size
        return self._along / whole if whole else 0.0

    @property
    def is_exact(self):
        """Whether that part is below the rounding of r, and H, if it is known, has no way down."""
        return self._along <= self.rounding and np.isfinite(self.offset)

    @cached_property
    def _is_saddle(self):
        d = self._parts[3]
        scaled = self.jacobian / d
        bends = np.linalg.eigvalsh(scaled.T @ scaled + self.second / np.outer(d, d))
        return self.step(0.0) is None or bends[0] < -1e-8 * np.abs(bends).max()

    @cached_property
    def _along(self):
        return float(np.linalg.norm(self._parts[2][self._counts]))


class Symmetric(LocalModel):
    """A loss around a point by its gradient and a symmetric matrix, factorised by Cholesky.

    A subclass says when the minimum is reached.

    Parameters
    ----------
    loss : float
        The loss.
    gradient : ndarray of shape (n_parameters,)
        Its gradient.
    matrix : ndarray of shape (n_parameters, n_parameters)
        H: the Hessian, or J'J and the curvature of penalties.
    noise : float, default=None
        By how much the loss may be wrong through rounding; None: a few units of its last place.
    """

    def __init__(self, loss, gradient, matrix, noise=None):
        self.loss = float(loss)
        self.gradient = gradient
        self.matrix = matrix
        self.noise = 8 * _EPS * abs(self.loss) if noise is None else noise
        self.scale = np.sqrt(np.abs(np.diag(matrix)))

    @property
    def _d(self):
        return np.where(self.scale > 0, self.scale, 1.0)

    def _scaled(self, damping):
        d = self._d
        scaled = self.matrix / d / d[:, None]
        scaled.flat[:: len(d) + 1] += damping
        return scaled

    def step(self, damping):
        """Return the step by one Cholesky factorisation, or None where the matrix is indefinite.

        Without damping, a matrix that is singular has the shortest of all steps in units of D.
        """
        d = self._d
        try:
            factor = scipy.linalg.cho_factor(
                self._scaled(damping), overwrite_a=True, check_finite=False
            )
        except np.linalg.LinAlgError:
            return None if damping else self._step_by_eigenvalues(_ROUNDING, d)
        if not damping and np.square(np.diag(factor[0])).min() <= _ROUNDING:
            return self._step_by_eigenvalues(_ROUNDING, d)
        step = -scipy.linalg.cho_solve(factor, self.gradient / d, check_finite=False) / d
        return step if np.isfinite(step).all() else None

    def careful_step(self):
        """Return the undamped step along the directions of larger eigenvalues alone.

        They are those of the matrix itself: a unit that is nearly dead counts for little.
        """
        return self._step_by_eigenvalues(_CAREFUL, np.ones(len(self.gradient)))

    def _step_by_eigenvalues(self, least, d):
        """Return the step along eigenvectors whose eigenvalues are not below a part of the largest."""
        try:
            values, vectors = np.linalg.eigh(self.matrix / d / d[:, None])
        except np.linalg.LinAlgError:
            return None
        tiny = least * values[-1]
        if values[0] < -tiny:
            return None
        counts = values > tiny
        projected = (vectors.T @ (self.gradient / d))[counts]
        return -(vectors[:, counts] @ (projected / values[counts])) / d

    def curvature(self, step):
        """Return s'Hs."""
        return float(step @ (self.matrix @ step))

    def root(self, damping):
        """Return the Cholesky factor and what belongs to it, or None where H is indefinite."""
        d = self._d
        found = _cholesky_root(self._scaled(damping), self.gradient / d)
        return None if found is None else (found[0] * d, found[1])

    def of(self, free):
        """Return the model of some of the parameters."""
        part = type(self)(
            self.loss, self.gradient[free], self.matrix[np.ix_(free, free)], self.noise
        )
        part.scale = self.scale[free]
        return part


def _cholesky_root(matrix, gradient):
    try:
        upper = np.linalg.cholesky(matrix).T
    except np.linalg.LinAlgError:
        return None
    return upper, scipy.linalg.solve_triangular(upper, gradient, trans=1)
