"""The penalised loss of all rows with its first two derivatives, as minimisers of second order see it.

With residuals r = raw - y, weights w and their derivatives J, the loss is ``Σ w r² / 2n``, its gradient
``Jᵀ w r / n``, and ``Jᵀ w J / n`` is the part of its Hessian that needs no second derivatives (Gauss and
Newton). Rows go through in blocks, which bounds the memory: a matrix of all residuals is never there.

Points are vectors of the parameters that learn, in double precision whatever the network computes in.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from scipy.linalg.blas import dsyrk

from sknets.training._motion import silent
from sknets.training._recursion import Recursion

#: Derivatives of residuals that are there at once.
_BLOCK_VALUES = 2**20

#: Of the last place, by which a loss may be wrong.
_UNITS = 8.0


class Curvature(ABC):
    """Loss, gradient and curvature.

    Parameters
    ----------
    net : Net
        The net that trains.
    rows : Rows
        Training data.

    Attributes
    ----------
    start : ndarray of shape (n_free,)
        The parameters that learn, at the beginning.
    free : ndarray of int or None
        Where they are among all parameters; None if all learn.
    rounding : float
        By what part of itself the loss may be wrong.
    """

    def __init__(self, net, rows):
        self.net, self.rows = net, rows
        learner = net.learner
        self._all = learner.flat.values.cpu().numpy().astype(np.float64)
        is_free = np.ones(len(self._all), dtype=bool)
        for part in learner.frozen:
            is_free[part] = False
        self.free = None if is_free.all() else np.flatnonzero(is_free)
        self.start = self._of_free(self._all).copy()
        strength = np.zeros(len(self._all))
        strength[: learner.flat.n_weights] = learner.penalty.alpha
        self.rounding = _UNITS * torch.finfo(learner.flat.values.dtype).eps
        #: What the L2 penalty adds to the diagonal.
        self._pull = self._of_free(strength) / (len(rows) * learner.mean_weight)

    def whole(self, point):
        """Return all parameters at a point."""
        self._all[slice(None) if self.free is None else self.free] = point
        return self._all

    def _of_free(self, values):
        """Return those of all parameters that learn, on the last axis."""
        return values if self.free is None else values[..., self.free]

    def loss(self, point):
        """Return the penalised loss at a point."""
        with silent():
            return float(self._loss(point) + 0.5 * (self._pull * point) @ point)

    def expand(self, point):
        """Return loss, gradient and the symmetric matrix of the curvature at a point."""
        with silent():
            loss, gradient, matrix = self._expand(point)
            pull = self._pull * point
            matrix[np.diag_indices_from(matrix)] += self._pull
            return float(loss + 0.5 * pull @ point), gradient + pull, matrix

    @abstractmethod
    def _loss(self, point):
        """Return the loss of the rows alone."""

    @abstractmethod
    def _expand(self, point):
        """Return loss, gradient and matrix of the rows alone."""


class SquaredErrors(Curvature):
    """The squared error, and the curvature that the residuals' first derivatives tell.

    A subclass differentiates residuals.

    Parameters
    ----------
    net, rows
        As in `Curvature`.
    block_rows : int
        Rows that go through at once.
    """

    def __init__(self, net, rows, block_rows):
        super().__init__(net, rows)
        self._block_rows = block_rows
        weight = None if rows.weight is None else rows.weight.cpu().numpy().astype(np.float64)
        #: Square roots of the weights of the rows, as a column.
        self._root = None if weight is None else np.sqrt(weight)[:, None]

    @abstractmethod
    def _residuals(self, point, block):
        """Return the residuals of a slice of the rows, of shape (n, n_outputs)."""

    @abstractmethod
    def _derivatives(self, point, block):
        """Yield residuals (n,), their derivatives (n, P), and the roots of their weights or None."""

    def _blocks(self):
        size = self._block_rows
        if size >= len(self.rows):
            return [slice(None)]
        return [slice(start, start + size) for start in range(0, len(self.rows), size)]

    def _loss(self, point):
        total = 0.0
        for block in self._blocks():
            residual = self._residuals(point, block)
            if self._root is not None:
                residual = residual * self._root[block]
            total += np.vdot(residual, residual)
        return 0.5 * total / len(self.rows)

    def _expand(self, point):
        n, size = len(self.rows), len(point)
        total, gradient = 0.0, np.zeros(size)
        matrix = np.zeros((size, size), order="F")
        for block in self._blocks():
            for residual, derivatives, root in self._derivatives(point, block):
                if root is not None:
                    residual = residual * root
                    derivatives *= root[:, None]
                total += residual @ residual
                gradient += residual @ derivatives
                # of the rows of J as columns, the lower half of J Jᵀ
                dsyrk(1.0 / n, derivatives.T, beta=1.0, c=matrix, lower=1, overwrite_c=1)
        matrix += np.tril(matrix, -1).T
        return 0.5 * total / n, gradient / n, matrix


class DenseSquaredErrors(SquaredErrors):
    """That of dense layers, by the recursion row by row, in double precision throughout."""

    def __init__(self, net, rows):
        self._gradient = net.gradient
        flat = net.learner.flat
        size = flat.values.numel()
        block_rows = max(1, min(len(rows), _BLOCK_VALUES // size))
        super().__init__(net, rows, block_rows)
        self.rounding = _UNITS * np.finfo(np.float64).eps
        self._theta, self._room = np.empty(size), np.empty((block_rows, size))
        self._recursion = Recursion(
            [self._gradient.plan],
            flat.places(),
            self._theta,
            np.empty(size),
            self._gradient.criterion,
        )
        self._y = rows.y.numpy().astype(np.float64, copy=False)
        self._x = self._read(slice(None)) if block_rows == len(rows) else None

    def _read(self, block):
        x, *_ = self.rows.take(block)
        x = x.to_dense() if x.is_sparse else x
        return self._gradient.encode(x).astype(np.float64, copy=False)

    def _inputs(self, block):
        return self._read(block) if self._x is None else self._x

    def _residuals(self, point, block):
        self._theta[:] = self.whole(point)
        return self._recursion.forward(self._inputs(block)) - self._y[block]

    def _derivatives(self, point, block):
        self._theta[:] = self.whole(point)
        x, y = self._inputs(block), self._y[block]
        derivatives = self._room[: len(x)]
        root = None if self._root is None else self._root[block, 0]
        for output in range(y.shape[1]):
            raw = self._recursion.differentiate_rows(x, output, derivatives)
            yield raw[:, output] - y[:, output], self._of_free(derivatives), root
