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
    """A module as a function of a flat vector, and derivatives of what is made of it.

    Parameters
    ----------
    net : Net
        The net whose module it is.
    """

    def __init__(self, net):
        self.learner = net.learner
        self._takes_targets = getattr(self.learner.module, "takes_targets", False)
        self._is_vectorised = True

    def vector(self, theta, *, learns):
        """Return parameters as a vector of Torch's."""
        values = self.learner.flat.values
        return torch.from_numpy(theta).to(values, copy=True).requires_grad_(learns)

    def raw(self, theta, x, y):
        """Return the raw outputs of rows."""
        module = self.learner.module
        parameters = self.learner.flat.parameters_of(module, theta)
        inputs = (x, y) if self._takes_targets else (x,)
        return self.learner.compute(functional_call, module, parameters, inputs)

    def derivatives(self, outputs, theta, n_at_once):
        """Yield slices of a vector and the derivatives of these elements, as arrays of shape (n, P)."""
        n = len(outputs)
        for start in range(0, n, n_at_once):
            chosen = slice(start, min(n, start + n_at_once))
            yield chosen, as_doubles(self._differentiate(outputs, theta, chosen))

    def _differentiate(self, outputs, theta, chosen):
        if not outputs.requires_grad:
            return theta.new_zeros(chosen.stop - chosen.start, len(theta))
        options = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
        if self._is_vectorised:
            units = torch.eye(len(outputs), dtype=outputs.dtype, device=outputs.device)[chosen]
            try:
                return torch.autograd.grad(
                    outputs, theta, units, is_grads_batched=True, **options
                )[0]
            except (RuntimeError, NotImplementedError):  # an operation knows no batches
                self._is_vectorised = False
        numbers = range(chosen.start, chosen.stop)
        return torch.stack([torch.autograd.grad(outputs[i], theta, **options)[0] for i in numbers])


def as_doubles(tensor):
    """Return a tensor as an array in double precision."""
    return tensor.detach().cpu().numpy().astype(np.float64, copy=False)


class TorchSquaredErrors(SquaredErrors):
    """That of any module: small blocks of rows, in all outputs of all of them.

    Where what the module makes of a row depends on the others (batch normalisation), all rows are one
    block, of whose outputs a few are differentiated at once.
    """

    def __init__(self, net, rows):
        self._torch = _Differentiator(net)
        n, at_once = len(rows), net.rows_at_once
        n_outputs = rows.y.shape[1]
        size = max(1, min(n, _MOST_ROWS, math.isqrt(at_once // n_outputs)))
        super().__init__(net, rows, size)
        self._n_at_once = max(1, at_once // size)
        if size < n and not self._are_rows_apart():
            self._block_rows, self._n_at_once = n, max(1, at_once // n)

    def _are_rows_apart(self):
        whole = self._raw(self._all, slice(None), learns=False)[1].detach()
        parts = [self._raw(self._all, block, learns=False)[1].detach() for block in self._blocks()]
        slack = _ROUNDING * float(whole.abs().max())
        return torch.allclose(torch.cat(parts), whole, rtol=_ROUNDING, atol=slack)

    def _raw(self, theta, block, *, learns):
        x, y, _ = self.rows.take(block)
        with torch.set_grad_enabled(learns):
            theta = self._torch.vector(theta, learns=learns)
            return theta, self._torch.raw(theta, x, y), y

    def _residuals(self, theta, block):
        _, raw, y = self._raw(theta, block, learns=False)
        return as_doubles(raw) - as_doubles(y)

    def _derivatives(self, theta, block):
        vector, raw, y = self._raw(theta, block, learns=True)
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
        self._torch = _Differentiator(net)
        self._n_at_once = max(1, net.rows_at_once // len(rows))
        self._batch = rows.take(slice(None))

    def _graph(self, theta, *, learns):
        x, y, weight = self._batch
        with torch.set_grad_enabled(learns):
            theta = self._torch.vector(theta, learns=learns)
            raw = self._torch.raw(theta, x, y)
            return theta, self.net.gradient.criterion(raw, y, weight, len(y))

    def _loss(self, theta):
        return float(self._graph(theta, learns=False)[1])

    def _expand(self, theta):
        vector, loss = self._graph(theta, learns=True)
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(loss, vector, create_graph=True)
        matrix = np.empty((len(theta), len(theta)))
        for chosen, derivatives in self._torch.derivatives(gradient, vector, self._n_at_once):
            matrix[chosen] = derivatives
        return float(loss), as_doubles(gradient), 0.5 * (matrix + matrix.T)
