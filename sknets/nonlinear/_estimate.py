"""What is known at the minimum: covariance, what is not identified, the spread of a curve."""

from functools import cached_property

import numpy as np

from sknets._plain import kept

#: A ratio of singular values, columns scaled, below which parameters can replace each other.
_SINGULAR = 1e-11
#: The same ratio below which a fit may get stuck, and the part in that direction of those that are named.
_NEARLY = 1e-7
_TAKES_PART = 0.1
#: What is left of a parameter's effect, in parts of what it was and of the fitted values, if it is lost.
_NO_EFFECT = 1e-10
#: The part of an unidentified direction, columns scaled, from which a parameter belongs to it: however
#: little that is, its variance has no bound.
_BELONGS = 1e-6


@kept
class Estimate:
    """The parameters at the minimum.

    Parameters
    ----------
    point : ndarray of shape (n_parameters,)
        The parameters.
    local : LeastSquares
        The residuals and their Jacobian there.
    box : Box
        The bounds; parameters at one are taken as known.
    start : ndarray of shape (n_parameters,), default=None
        Where the fit began.
    first : LeastSquares, default=None
        As `local`, at the start: what effect each parameter had.

    Attributes
    ----------
    active : ndarray of shape (n_parameters,)
        -1 and 1 for parameters held by their lower and upper bound, else 0.
    rss : float
        Weighted sum of squares.
    is_exact : bool
        Whether the residuals are those of rounding.
    """

    def __init__(self, point, local, box, start=None, first=None):
        self.point = point
        free = box.free(point, local.gradient)
        self.active = np.zeros(len(point), dtype=int)
        if box.is_bounded:
            self.active[~free] = np.where(point <= box.lower, -1, 1)[~free]
        self._free = np.flatnonzero(free)
        self.rss = 2 * local.loss
        self._n_rows = len(local.residuals)
        self._jacobian = local.jacobian[:, self._free]
        self._scale = np.linalg.norm(self._jacobian, axis=0)
        self._lost = self._scale == 0
        if first is not None:
            was = np.linalg.norm(first.jacobian, axis=0)[self._free]
            size = np.maximum(np.abs(point), np.abs(start))[self._free]
            limit = _NO_EFFECT * local.rounding / np.finfo(float).eps
            self._lost |= (self._scale <= _NO_EFFECT * was) & (self._scale * size <= limit)
        self._d = np.where(self._lost, 1.0, self._scale)
        self.is_exact = self.rss <= np.square(4 * local.rounding)

    @property
    def dof(self):
        """Number of rows less that of what they determine."""
        _, _, is_zero = self._parts
        return self._n_rows - int(np.sum(~is_zero))

    @property
    def variance(self):
        """That of the error of a row of weight 1; NaN without degrees of freedom."""
        return self.rss / self.dof if self.dof > 0 else np.nan

    @cached_property
    def _parts(self):
        """Return singular values, right vectors as columns, and which of them are zero."""
        scaled = np.where(self._lost, 0.0, self._jacobian / self._d)
        _, sigma, vt = np.linalg.svd(scaled, full_matrices=False)
        return sigma, vt.T, sigma <= _SINGULAR * sigma.max(initial=0.0)

    @cached_property
    def unidentified(self):
        """The places of the parameters that the data do not determine."""
        _, v, is_zero = self._parts
        weight = np.abs(v[:, is_zero]).max(axis=1, initial=0.0)
        return self._free[self._lost | (weight > _BELONGS)]

    @property
    def nearly_unidentified(self):
        """The places of those that are determined, but so little that no step can tell them apart."""
        sigma, v, _ = self._parts
        if not len(sigma) or sigma[-1] > _NEARLY * sigma[0]:
            return self._free[:0]
        return self._free[np.abs(v[:, -1]) > _TAKES_PART]

    @property
    def without_effect(self):
        """The places of those that have none at all."""
        return self._free[self._lost]

    @cached_property
    def covariance(self):
        """The covariance: NaN for parameters at bounds, inf for those that are not determined."""
        full = np.full((len(self.point),) * 2, np.nan)
        root = self._root
        full[np.ix_(self._free, self._free)] = root @ root.T
        full[self.unidentified] = full[:, self.unidentified] = np.nan
        full[self.unidentified, self.unidentified] = np.inf
        return full

    @property
    def std(self):
        """The standard errors."""
        return np.sqrt(np.diag(self.covariance))

    @cached_property
    def _root(self):
        """Return R such that R R' is the covariance of the free parameters, where they are determined."""
        sigma, v, is_zero = self._parts
        scaled = v[:, ~is_zero] / sigma[~is_zero]
        return np.sqrt(self.variance) * scaled / self._d[:, None]

    def spread(self, jacobian):
        """Return the standard error of a curve by the delta method, inf where it is not determined.

        Parameters
        ----------
        jacobian : ndarray of shape (n_points, n_parameters)
            The derivatives of the curve at each point.
        """
        ours = jacobian[:, self._free]
        scaled = ours / self._d
        _, v, is_zero = self._parts
        is_open = np.linalg.norm(scaled @ v[:, is_zero], axis=1) > 1e-6 * np.linalg.norm(
            scaled, axis=1
        )
        return np.where(is_open, np.inf, np.linalg.norm(ours @ self._root, axis=1))
