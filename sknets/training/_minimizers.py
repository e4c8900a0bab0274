"""Minimisers of the loss of all rows."""

from abc import abstractmethod
from typing import NamedTuple

import numpy as np
import scipy.optimize
import torch

from sknets.training._averaging import recalibrate
from sknets.training._method import Method
from sknets.training._solvers import Solver


class Resting(Solver):
    """The solver of a learner that a minimiser moves: it only holds the rate that callbacks look for."""

    def rates(self, n, lr):
        return [lr]

    @staticmethod
    def move(xp, theta, g, buffers, scratch, lr):
        pass


class Minimum(NamedTuple):
    """What a minimiser has reached.

    Attributes
    ----------
    loss : float
        Penalised loss of all rows.
    n_iter : int
        Iterations done.
    stop_reason : str
        Why it ended: "converged", "max_iter", or a key of the minimiser's `advice`.
    """

    loss: float
    n_iter: int
    stop_reason: str


class Objective:
    """The penalised loss of all rows as a function of the parameters; accepted points end an epoch.

    Parameters
    ----------
    net : Net
        The net to train.
    rows : Rows
        Training data, one batch.

    Attributes
    ----------
    start : ndarray of shape (n_parameters,)
        The parameters at the beginning.
    """

    def __init__(self, net, rows):
        self.net = net
        self.rows = rows
        self._flat = net.learner.flat
        self._batch = rows.take(slice(None))
        self._begin_epoch()
        self.start = self._flat.values.cpu().numpy().astype(np.float64)
        self._accepted = self._flat.values.clone()

    def __call__(self, point):
        """Return loss and gradient at a point."""
        self.load(point)
        loss, _ = self.net.gradient.fill(self._batch)
        return float(loss), self._flat.grad.cpu().numpy().astype(np.float64)

    def load(self, point):
        """Put a point into the parameters."""
        self._flat.values.copy_(torch.from_numpy(np.ascontiguousarray(point)))

    def accept(self, point, loss):
        """Go to a point, which ends an iteration; return whether it was the last."""
        self.load(point)
        self._accepted.copy_(self._flat.values)
        if self.net.valid_rows is not None:
            # running statistics stem from trial points
            recalibrate(self.net.learner.module, [self._batch])
        should_stop = self.end_epoch(loss)
        if not should_stop:
            self._begin_epoch()
        return should_stop

    def go_back(self):
        """Go back from a trial point to the last one that was accepted."""
        self._flat.values.copy_(self._accepted)

    def _begin_epoch(self):
        self._started = self.net.begin_epoch(self.rows)
        self.net.learner.module.train()

    def end_epoch(self, loss):
        """End an iteration as an epoch of the net; return whether to stop."""
        return self.net.end_epoch(self.rows, loss, self._started)


class Minimizer(Method):
    """Base of all minimisers. An iteration is an epoch, and takes all rows as one batch.

    A subclass writes `minimize`; its constructor's keyword-only parameters are parameters of the
    estimators.

    Attributes
    ----------
    name : str
        Its key in `SOLVERS`.
    takes_all_rows, is_incremental, decays_weights : bool
        As in `Solver`. That it is not incremental also means that another iteration, and so another
        epoch, has begun when the last one is over: a minimiser learns only then that it was the last.
    needs_squares, needs_second_derivatives : bool
        Whether the loss must be the squared error, and whether its slope must not jump.
    """

    name: str
    takes_all_rows = True
    is_incremental = False
    decays_weights = False
    needs_squares = needs_second_derivatives = False

    counts_rows = False  # as in scikit-learn, whose t_ stays 0 for L-BFGS
    watches_train_loss = False
    shuffle = False

    def make_solver(self, theta, lr):
        """Make a solver that rests."""
        return Resting(theta, lr)

    def run(self, net, rows, epochs):
        """Minimise the penalised loss of all rows.

        Raises
        ------
        ValueError
            If the loss is another each time, because the module draws random numbers.
        """
        learner = net.learner
        objective = Objective(net, rows)
        with learner.seeded() as seeded:
            try:
                minimum = self.minimize(objective, max_iter=epochs, tol=learner.stopping.tol)
            except KeyboardInterrupt:
                objective.go_back()
                raise
        if seeded is not None and seeded.was_used:
            raise ValueError(
                f"solver={self.name!r} needs the same loss at the same weights, but the module draws "
                "random numbers in training (dropout?); choose another solver, such as 'adam'."
            )
        if minimum.n_iter == 0:  # the start was as good as it gets
            objective.end_epoch(minimum.loss)
        if not learner.is_stopped:  # else the end of an epoch has said why
            learner.stop_reason = minimum.stop_reason

    @abstractmethod
    def minimize(self, objective, *, max_iter, tol):
        """Minimise; leave the parameters at the best point.

        Parameters
        ----------
        objective : Objective
            ``objective(point)`` is loss and gradient. Each iteration ends with
            ``objective.accept(point, loss)``; if that is true, so does the minimisation.
        max_iter : int
            Largest number of iterations.
        tol : float
            Bound on the largest element of the gradient at the minimum.

        Returns
        -------
        Minimum
        """

    def settle(self, net, rows):
        """Take the running statistics of the minimum; those there are stem from trial points."""
        recalibrate(net.learner.module, [rows.take(slice(None))])


def least_fall(tol):
    """Return the fall of the loss, relative to it or to 1, that is the least worth an iteration.

    It is SciPy's 2.2e-9 at scikit-learn's default of tol, and goes as the square of the gradient from
    there: otherwise a small tol would never be reached.
    """
    return 2.2e-9 * min(1.0, tol / 1e-4) ** 2


class LBFGS(Minimizer):
    """The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno, by SciPy.

    Parameters
    ----------
    max_fun : int, default=15000
        Largest number of evaluations of the loss.

    References
    ----------
    Liu and Nocedal (1989), "On the limited memory BFGS method for large scale optimization",
    Mathematical Programming 45, 503-528.
    """

    name = "lbfgs"
    advice = {
        "max_iter": "increase max_iter (now {max_iter}).",
        "max_fun": "increase max_fun (now {max_fun}).",
        "line_search": "the line search found no lower loss. Increase tol (now {tol}), or scale X.",
    }

    def __init__(self, *, max_fun=15000):
        self.max_fun = max_fun

    def minimize(self, objective, *, max_iter, tol):
        """Minimise with SciPy's L-BFGS-B, without bounds."""

        def callback(intermediate_result):
            if objective.accept(intermediate_result.x, float(intermediate_result.fun)):
                raise StopIteration

        ftol = least_fall(tol)
        result = scipy.optimize.minimize(
            objective,
            objective.start,
            method="L-BFGS-B",
            jac=True,
            callback=callback,
            options={"maxiter": max_iter, "maxfun": self.max_fun, "gtol": tol, "ftol": ftol},
        )
        objective.load(result.x)
        return Minimum(float(result.fun), result.nit, _why_it_ended(result, max_iter))


def _why_it_ended(result, max_iter):
    if result.success:
        return "converged"
    if result.status == 1:
        return "max_fun" if result.nit < max_iter else "max_iter"
    return "line_search"
