"""L-BFGS on the flat parameter vector, by SciPy."""

import numpy as np
import scipy.optimize
import torch


def _ftol(tol):
    # SciPy's 2.2e-9 at scikit-learn's default of tol, and as the square of the gradient from there:
    # otherwise a small tol would never be reached
    return 2.2e-9 * min(1.0, tol / 1e-4) ** 2


def minimize_lbfgs(net, rows, *, max_iter, max_fun, tol, after_iteration):
    """Minimise the penalised loss over all rows.

    Parameters
    ----------
    net : Net
        The net to train; its parameters are those of the best point afterwards.
    rows : Rows
        The whole training data, one batch.
    max_iter, max_fun : int
        Largest number of iterations and of loss evaluations.
    tol : float
        Bound on the largest element of the gradient at the minimum.
    after_iteration : callable
        Called with the loss after each iteration; true stops.

    Returns
    -------
    scipy.optimize.OptimizeResult
    """
    flat = net.flat
    batch = rows.take(slice(None))

    def load(point):
        flat.values.copy_(torch.from_numpy(np.ascontiguousarray(point)))

    def objective(point):
        load(point)
        loss, _ = net.compute_gradient(batch)
        return float(loss), flat.grad.cpu().numpy().astype(np.float64)

    accepted = flat.values.clone()

    def callback(intermediate_result):
        load(intermediate_result.x)
        accepted.copy_(flat.values)
        if after_iteration(float(intermediate_result.fun)):
            raise StopIteration

    try:
        result = scipy.optimize.minimize(
            objective,
            flat.values.cpu().numpy().astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=callback,
            options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol, "ftol": _ftol(tol)},
        )
    except KeyboardInterrupt:
        flat.values.copy_(accepted)  # not a trial point of the line search
        raise
    load(result.x)
    return result


def why_it_ended(result, max_iter):
    """Return the `stop_reason` of a SciPy result."""
    if result.success:
        return "converged"
    if result.status == 1:
        return "max_fun" if result.nit < max_iter else "max_iter"
    return "line_search"
