"""All ways to train, by the name that a user gives to `solver`."""

from functools import partial

from sknets.training import _solvers
from sknets.training._descent import Descent
from sknets.training._minimizers import LBFGS, Minimizer
from sknets.training._second_order_solvers import GaussNewton, LevenbergMarquardt, Newton

#: Classes of minimisers and solvers. Each says `takes_all_rows`, `is_incremental` and `decays_weights`;
#: its keyword-only parameters are parameters of the estimators.
SOLVERS = {
    kind.name: kind for kind in (LBFGS, LevenbergMarquardt, GaussNewton, Newton)
} | _solvers.SOLVERS


def make_method(solver, params=None, *, shuffle=True, batch_growth=1.0):
    """Make the method that trains with a solver.

    Parameters
    ----------
    solver : str
        A key of `SOLVERS`.
    params : dict, default=None
        Further parameters of the solver or minimiser.
    shuffle : bool, default=True
        Whether rows are shuffled in each epoch of a descent.
    batch_growth : float, default=1.0
        Factor by which the batch size of a descent grows with each epoch.

    Returns
    -------
    Method
    """
    kind, params = SOLVERS[solver], params or {}
    if issubclass(kind, Minimizer):
        return kind(**params)
    return Descent(partial(kind, **params), shuffle=shuffle, batch_growth=batch_growth)
