"""How solvers of one kind move their parameters, those of a network or of all in a stack.

A solver says what its step is (`rates`, `move`); here it is taken: block by block, so that the arrays of
a step stay in the cache, and with rates that are worked out for many steps at once.
"""

import numpy as np
import torch

#: Values of a row, or of all rows of a stack, that are moved at once: a few arrays of so many stay in the
#: cache from one operation to the next.
BLOCK_VALUES = 2**15

#: Steps for which rates are worked out at once.
_STEPS_AHEAD = 64


def silent():
    """Return a context in which NumPy does not warn of overflow, for which training looks itself."""
    return np.errstate(all="ignore")


def as_arrays(*vectors):
    """Return vectors as arrays that share memory with them, on a CPU; else as they are."""
    return [v.numpy() for v in vectors] if vectors[0].device.type == "cpu" else vectors


class Motion:
    """How several solvers of one kind move their parameters, all at once.

    Parameters
    ----------
    solvers : list of Solver
        One for each row.
    theta, grad : array of shape (K, P), or (P,) for one
        Parameters and gradients.
    buffers : list of array of the same shape, default=None
        The solvers' buffers. None takes those of the one solver.
    """

    def __init__(self, solvers, theta, grad, buffers=None):
        (solver, *_) = self.solvers = solvers
        self.vectors = [solver.place[name] for name in solver.buffers]  # of the first
        self.xp = np if isinstance(theta, np.ndarray) else torch
        if buffers is None:
            buffers = [as_arrays(solver.place[name])[0] for name in solver.buffers]
        self.buffers = buffers
        self.scratch = self.xp.empty_like(theta)
        self._move, self._step_sizes = solver.move, solver.step_sizes
        n = theta.shape[-1]
        width = (
            max(1, BLOCK_VALUES // len(solvers)) if self.xp is np else n
        )  # of a device, no cache
        cuts = [(..., slice(start, start + width)) for start in range(0, n, width)]
        self._blocks = [
            (theta[c], grad[c], [buffer[c] for buffer in buffers], self.scratch[c]) for c in cuts
        ]
        self._ahead = np.empty((0, len(solvers), 0))
        self._n_ahead, self._planned_for, self._units = 1, None, None

    def plan(self, n):
        """Return the rates of the next n steps, as `move` takes them."""
        rates = self.look_ahead(n)
        if len(self.solvers) == 1:
            return list(zip(*rates[:, 0].tolist(), strict=True))
        rates = rates.astype(self.scratch.dtype)
        return [tuple(rates[:, :, j, None]) for j in range(n)]

    def look_ahead(self, n, lrs=None):
        """Return the rates of the next n steps, of shape (n_rates, K, n), which are then behind.

        They are worked out for more and more steps, and kept, as long as learning rates stay. `lrs`, of
        shape (K, n), has those of each step for each solver, of which the first is the present one.
        """
        present = [(s.lr, s.place["step"], s.parameters, s.units) for s in self.solvers]
        self._keep_units(present)
        if lrs is not None and not (lrs[:, :1] == lrs).all():
            self._planned_for = None
            return self._work_out(n, lrs)
        if present != self._planned_for:
            self._ahead, self._n_ahead = self._ahead[..., :0], 1
        if self._ahead.shape[-1] < n:
            of_now = [solver.lr for solver in self.solvers]
            self._ahead = self._work_out(max(n, self._n_ahead), of_now)
            self._n_ahead = min(2 * self._n_ahead, _STEPS_AHEAD)
        found, self._ahead = self._ahead[..., :n], self._ahead[..., n:]
        self._planned_for = [(lr, step + n, *others) for lr, step, *others in present]
        return found

    def _keep_units(self, present):
        """Convert buffers whose unit a callback has changed, with a parameter of the solver."""
        units = [units for *_, units in present]
        if self._units != units:
            for k, (before, now) in enumerate(zip(self._units or units, units, strict=True)):
                for buffer, old, new in zip(self.buffers, before, now, strict=True):
                    row = buffer if len(units) == 1 else buffer[k]
                    row *= old / new
            self._units = units

    def _work_out(self, n, lrs):
        of_each = [solver.rates(n, lr) for solver, lr in zip(self.solvers, lrs, strict=True)]
        found = np.empty((len(of_each[0]), len(of_each), n))
        for k, rates in enumerate(of_each):
            for number, rate in enumerate(rates):
                found[number, k] = rate
        return found

    def move(self, rates):
        """Take a step with some rates."""
        xp, move = self.xp, self._move
        for block in self._blocks:
            move(xp, *block, *rates)

    def step_sizes(self, n, rates):
        """Return what the first n parameters move per unit of a steady gradient."""
        buffers = [buffer[..., :n] for buffer in self.buffers]
        return self._step_sizes(self.xp, buffers, self.scratch[..., :n], *rates)
