"""Curvature by Torch: derivatives of residuals, and of gradients, for whatever a module computes."""

import math

import numpy as np
import torch
from torch.func import functional_call

from sknets.training._curvature import Curvature, SquaredErrors

#: Rows whose outputs are differentiated at once, each with respect to all of them.
_MOST_ROWS = 32

#: Of the largest raw output: what rounding may change where other rows stand beside.
_ROUNDING = 1e-4


class _Differentiator:
    """A module as a function of the parameters that learn, and derivatives of what is made of them.

    Parameters
    ----------
    learner : Learner
        Whose module it is.
    free : ndarray of int or None
        Which parameters learn; None means all.
    """

    def __init__(self, learner, free):
        self.learner = learner
        values = learner.flat.values
        self._free = None if free is None else torch.from_numpy(free).to(values.device)
        self._held = None if free is None else values.clone()
        self._takes_targets = getattr(self.learner.module, "takes_targets", False)
        self._is_vectorised = True

    def vector(self, point, *, learns):
        """Return a point as a vector of Torch's."""
        values = self.learner.flat.values
        return torch.from_numpy(point).to(values, copy=True).requires_grad_(learns)

    def raw(self, vector, x, y):
        """Return the raw outputs of rows."""
        module, theta = self.learner.module, vector
        if self._free is not None:
            theta = self._held.index_copy(0, self._free, vector)
        parameters = self.learner.flat.parameters_of(module, theta)
        inputs = (x, y) if self._takes_targets else (x,)
        return self.learner.compute(functional_call, module, parameters, inputs)

    def derivatives(self, outputs, vector, n_at_once):
        """Yield slices of a vector and the derivatives of these elements, of shape (n, n_free)."""
        n = len(outputs)
        for start in range(0, n, n_at_once):
            chosen = slice(start, min(n, start + n_at_once))
            yield chosen, as_doubles(self._differentiate(outputs, vector, chosen))

    def _differentiate(self, outputs, vector, chosen):
        if not outputs.requires_grad:
            return vector.new_zeros(chosen.stop - chosen.start, len(vector))
        options = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
        if self._is_vectorised:
            units = torch.eye(len(outputs), dtype=outputs.dtype, device=outputs.device)[chosen]
            try:
                (rows,) = torch.autograd.grad(
                    outputs, vector, units, is_grads_batched=True, **options
                )
                return rows
            except (RuntimeError, NotImplementedError):  # an operation knows no batches
                self._is_vectorised = False
        numbers = range(chosen.start, chosen.stop)
        return torch.stack([torch.autograd.grad(outputs[i], vector, **options)[0] for i in numbers])


def as_doubles(tensor):
    """Return a tensor as an array in double precision."""
    return tensor.detach().cpu().numpy().astype(np.float64, copy=False)


class TorchSquaredErrors(SquaredErrors):
    """That of any module: small blocks of rows, in all outputs of all of them.

    Where what the module makes of a row depends on the others (batch normalisation), all rows are one
    block, of whose outputs a few are differentiated at once.
    """

    def __init__(self, net, rows):
        n, at_once = len(rows), net.rows_at_once
        n_outputs = rows.y.shape[1]
        size = max(1, min(n, _MOST_ROWS, math.isqrt(at_once // n_outputs)))
        super().__init__(net, rows, size)
        self._torch = _Differentiator(net.learner, self.free)
        self._n_at_once = max(1, at_once // size)
        if size < n and not self._are_rows_apart():
            self._block_rows, self._n_at_once = n, max(1, at_once // n)

    def _are_rows_apart(self):
        whole = self._raw(self.start, slice(None), learns=False)[1].detach()
        parts = [self._raw(self.start, block, learns=False)[1].detach() for block in self._blocks()]
        slack = _ROUNDING * float(whole.abs().max())
        return torch.allclose(torch.cat(parts), whole, rtol=_ROUNDING, atol=slack)

    def _raw(self, point, block, *, learns):
        x, y, _ = self.rows.take(block)
        with torch.set_grad_enabled(learns):
            vector = self._torch.vector(point, learns=learns)
            return vector, self._torch.raw(vector, x, y), y

    def _residuals(self, point, block):
        _, raw, y = self._raw(point, block, learns=False)
        return as_doubles(raw) - as_doubles(y)

    def _derivatives(self, point, block):
        vector, raw, y = self._raw(point, block, learns=True)
        n_outputs = y.shape[1]
        residual = (as_doubles(raw) - as_doubles(y)).ravel()
        root = None
        if self._root is not None:
            root = np.repeat(self._root[block, 0], n_outputs)
        for chosen, derivatives in self._torch.derivatives(
            raw.reshape(-1), vector, self._n_at_once
        ):
            yield residual[chosen], derivatives, None if root is None else root[chosen]


class Hessian(Curvature):
    """The loss itself, whatever it is, and all of its second derivatives."""

    def __init__(self, net, rows):
        super().__init__(net, rows)
        self._torch = _Differentiator(net.learner, self.free)
        self._n_at_once = max(1, net.rows_at_once // len(rows))
        self._batch = rows.take(slice(None))

    def _graph(self, point, *, learns):
        x, y, weight = self._batch
        with torch.set_grad_enabled(learns):
            vector = self._torch.vector(point, learns=learns)
            raw = self._torch.raw(vector, x, y)
            return vector, self.net.gradient.criterion(raw, y, weight, len(y))

    def _loss(self, point):
        return float(self._graph(point, learns=False)[1])

    def _expand(self, point):
        vector, loss = self._graph(point, learns=True)
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(loss, vector, create_graph=True)
        matrix = np.empty((len(point), len(point)))
        for chosen, derivatives in self._torch.derivatives(gradient, vector, self._n_at_once):
            matrix[chosen] = derivatives
        return loss.item(), as_doubles(gradient), 0.5 * (matrix + matrix.T)
