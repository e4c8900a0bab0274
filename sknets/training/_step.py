"""What follows a gradient: penalties, shortening, the solver's step, the average."""

import numpy as np
import torch

from sknets.training._motion import Motion
from sknets.training._penalties import Pull


class Step:
    """The steps of K learners of one kind, all at once.

    Their parameters and gradients are the rows of two matrices; what is each one's own (rates, strengths
    of penalties, numbers of rows) is a column. One learner is a stack of one, whose numbers are floats.

    Parameters
    ----------
    learners : list of Learner
        One for each row.
    theta, grad : array of shape (K, P), or (P,) for one
        Parameters and gradients: NumPy arrays on a CPU, else tensors.
    buffers : list of array of the same shape, default=None
        The buffers of their solvers. None takes those of the one solver.

    Attributes
    ----------
    rate : {float, array of shape (K, 1)}
        The learning rates of the next step.
    frozen : list
        The parts of `theta` that stay as they are.
    averages : list of Learner
        Those that average their iterates.
    """

    #: What adds the penalties of one learner up, and shortens, in machine code. All else is operations on
    #: each parameter, and the same to the last bit.
    compiled = None

    def __init__(self, learners, theta, grad, buffers=None):
        self.learners = learners
        self.theta = theta
        self.grad = grad
        self.motion = Motion([learner.solver for learner in learners], theta, grad, buffers)
        self._xp = self.motion.xp
        self._n_weights = n = learners[0].flat.n_weights
        self._pull = Pull(
            [learner.penalty for learner in learners],
            theta[..., :n],
            grad[..., :n],
            self.motion.scratch[..., :n],
            self.column,
            self._xp,
        )
        norms = [learner.max_grad_norm for learner in learners]
        self._max_norm = None if norms[0] is None else self.column(norms)
        self.averages = [learner for learner in learners if learner.average is not None]
        self.begin_epoch()

    def column(self, values):
        """Return K numbers as they are multiplied with rows: one is a float."""
        if len(values) == 1:
            return float(values[0])
        if self._xp is torch:
            like = {"dtype": self.theta.dtype, "device": self.theta.device}
            return torch.tensor(values, **like)[:, None]
        return np.array(values, dtype=self.theta.dtype)[:, None]

    def begin_epoch(self):
        """Get ready for an epoch: rates may have changed, and parts been frozen or released."""
        self.rate = self.column([learner.solver.lr for learner in self.learners])
        is_one = len(self.learners) == 1
        self.frozen = [
            part if is_one else (k, part)
            for k, learner in enumerate(self.learners)
            for part in learner.frozen
        ]

    @property
    def _is_compiled(self):
        return self.compiled is not None and not self.frozen

    def plan(self, n):
        """Return what the solvers need in the next n steps."""
        return self.motion.plan(n)

    def add_penalty(self, weight_sum):
        """Complete the gradients of losses of rows; return the values of the penalties.

        Parameters
        ----------
        weight_sum : float or array of shape (K, 1)
            Sum of the weights of the rows.
        """
        if self._is_compiled:
            return self.compiled.add_penalty(weight_sum)
        value = self._pull.add_gradient(weight_sum)
        for part in self.frozen:
            self.grad[part] = 0.0
        return value

    def take(self, rates, weight_sum, move=None):
        """Step along the gradients.

        Parameters
        ----------
        rates : tuple
            An element of what `plan` returned.
        weight_sum : float or array of shape (K, 1)
            As `add_penalty` took it.
        move : callable, default=None
            What takes the solver's step in the place of the equation here.
        """
        self.move(rates, weight_sum, move)
        for learner in self.averages:
            learner.average.update(learner.flat.values)

    def move(self, rates, weight_sum, move=None):
        """Step along the gradients as `take` does, and leave the averages."""
        shortening = 1.0 if self._max_norm is None else self._shorten()
        kept = [self.theta[part] + 0.0 for part in self.frozen]
        self._pull.decay(self.rate, weight_sum)
        (move or self.motion.move)(rates)
        self._pull.eliminate(
            lambda: self.motion.step_sizes(self._n_weights, rates), weight_sum, shortening
        )
        for part, values in zip(self.frozen, kept, strict=True):
            self.theta[part] = values

    def _shorten(self):
        """Shorten long gradients; return the factors."""
        if self._is_compiled:
            return self.compiled.shorten()
        squares = self.motion.scratch
        self._xp.multiply(self.grad, self.grad, out=squares)
        norm = self._xp.sqrt(squares.sum(-1))[..., None]
        factor = self._xp.clip(self._max_norm / (norm + 1e-6), None, 1.0)  # as Torch has it
        self.grad *= factor
        return factor
