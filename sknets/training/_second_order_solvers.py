"""Minimisers of second order: damped least squares, Gauss and Newton, and Newton."""

from abc import abstractmethod

import numpy as np

from sknets.training._curvature import DenseSquaredErrors
from sknets.training._gradients import ClosedForm
from sknets.training._local_models import Symmetric
from sknets.training._minimizers import Minimizer, Minimum, least_fall
from sknets.training._second_order import Problem, minimize_along, minimize_damped
from sknets.training._torch_curvature import Hessian, TorchSquaredErrors


class Around(Symmetric):
    """The loss of a network around a point. Its offset is the largest element of the gradient."""

    is_careful = True

    @property
    def offset(self):
        """The largest element of the gradient, as L-BFGS has it."""
        return float(np.abs(self.gradient).max(initial=0.0))

    @property
    def is_exact(self):
        """Whether the gradient is zero."""
        return not self.gradient.any()


class _Loss(Problem):
    """The loss of a network as the engine sees it."""

    def __init__(self, curvature):
        self.curvature = curvature

    def loss(self, point):
        return self.curvature.loss(point)

    def local(self, point):
        loss, gradient, matrix = self.curvature.expand(point)
        if not (np.isfinite(loss) and np.isfinite(gradient).all() and np.isfinite(matrix).all()):
            return None
        return Around(loss, gradient, matrix, self.curvature.rounding * abs(loss))


class SecondOrder(Minimizer):
    """Base of the minimisers that solve a system of all parameters in each iteration.

    It ends where no element of the gradient is above `tol`, or where the loss falls no more, by the rule
    of L-BFGS. A subclass makes the curvature and says how steps are found.

    Attributes
    ----------
    most_parameters : int
        Most that may learn: the memory of an iteration grows with their square, its time with their cube.
    """

    most_parameters: int
    advice = {
        "max_iter": "increase max_iter (now {max_iter}).",
        "no_progress": "no step lowers the loss. Increase tol (now {tol}), or scale X.",
    }

    def minimize(self, objective, *, max_iter, tol):
        """Minimise from one local model to the next."""
        self._check_size(objective.net.learner)
        curvature = self._make_curvature(objective.net, objective.rows)
        least, before, is_flat = least_fall(tol), [curvature.loss(curvature.start)], False
        if not np.isfinite(before[0]):
            return Minimum(before[0], 0, "diverged")

        def accept(point, loss):
            nonlocal is_flat
            is_flat = before[-1] - loss <= least * max(abs(before[-1]), abs(loss), 1.0)
            before[-1] = loss
            return objective.accept(curvature.whole(point), loss) or is_flat

        ending = self._search(
            _Loss(curvature), curvature.start, max_iter=max_iter, tol=tol, accept=accept
        )
        objective.load(curvature.whole(ending.point))
        reason = "converged" if is_flat else ending.stop_reason
        return Minimum(ending.local.loss, ending.n_iter, reason)

    def _check_size(self, learner):
        frozen = sum(part.stop - part.start for part in learner.frozen)
        n = learner.flat.values.numel() - frozen
        if n > self.most_parameters:
            raise ValueError(
                f"solver={self.name!r} solves a system of all {n:,} parameters in each iteration, which "
                f"makes sense up to {self.most_parameters:,}; choose solver='lbfgs' or 'adam', or fewer "
                "units."
            )

    @abstractmethod
    def _make_curvature(self, net, rows):
        """Make the `Curvature` of a net's loss."""

    @abstractmethod
    def _search(self, problem, start, **options):
        """Search for the minimum; return an `Ending`."""


class LeastSquaresSolver(SecondOrder):
    """Base of those that take the squared error apart into residuals."""

    most_parameters = 4000
    needs_squares = True

    def _make_curvature(self, net, rows):
        gradient = net.gradient
        if isinstance(gradient, ClosedForm) and gradient.is_untouched:
            return DenseSquaredErrors(net, rows)
        return TorchSquaredErrors(net, rows)


class LevenbergMarquardt(LeastSquaresSolver):
    """Damped steps of least squares, between Gauss's and Newton's and those along the gradient.

    References
    ----------
    Levenberg (1944), "A method for the solution of certain non-linear problems in least squares",
    Quarterly of Applied Mathematics 2, 164-168.
    Marquardt (1963), "An algorithm for least-squares estimation of nonlinear parameters", Journal of
    the Society for Industrial and Applied Mathematics 11, 431-441.
    Hagan and Menhaj (1994), "Training feedforward networks with the Marquardt algorithm", IEEE
    Transactions on Neural Networks 5, 989-993.
    """

    name = "lm"

    def _search(self, problem, start, **options):
        return minimize_damped(problem, start, **options)


class GaussNewton(LeastSquaresSolver):
    """Steps to the minimum of linearised residuals, shortened until the loss falls.

    References
    ----------
    Nocedal and Wright (2006), "Numerical optimization", section 10.3.
    """

    name = "gauss-newton"
    advice = SecondOrder.advice | {
        "max_iter": "increase max_iter (now {max_iter}), or use solver='lm', whose steps are damped.",
        "no_progress": "no step lowers the loss. Use solver='lm', whose steps are damped.",
    }

    def _search(self, problem, start, **options):
        return minimize_along(problem, start, way="model", **options)


class Newton(SecondOrder):
    """Damped steps by all second derivatives of the loss, which Torch computes.

    References
    ----------
    Nocedal and Wright (2006), "Numerical optimization", section 3.4.
    """

    name = "newton"
    most_parameters = 1000
    needs_second_derivatives = True

    def _make_curvature(self, net, rows):
        return Hessian(net, rows)

    def _search(self, problem, start, **options):
        return minimize_damped(problem, start, **options)
