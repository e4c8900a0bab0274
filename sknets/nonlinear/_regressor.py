"""Nonlinear regression."""

import numbers

import numpy as np
import pandas as pd
import scipy.optimize
from scipy.stats import t as student
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sknets._plain_torch import in_plain_torch
from sknets._version import Versioned
from sknets._warn import warn_user
from sknets.datasets._opening import refuse_pieces
from sknets.estimators._sklearn import Interval, StrOptions, check_sample_weight, fit_context
from sknets.estimators._transaction import transaction
from sknets.nonlinear._fitting import SOLVERS, Fitter
from sknets.nonlinear._model import Model
from sknets.nonlinear._parameters import Parameters
from sknets.nonlinear._problem import SumOfSquares
from sknets.nonlinear._profile import Profile
from sknets.nonlinear._words import advise
from sknets.uncertainty import check_coverage


class NonlinearRegressor(Versioned, RegressorMixin, BaseEstimator):
    """Nonlinear least squares: the parameters of a formula, and how far the data determine them.

    The model is any function of Torch operations; its derivatives are exact. The sum of squares

        S(theta) = sum_i w_i (y_i - f(x_i, theta))^2

    is minimised by one of the textbook's four methods, theta <- theta - A grad S / 2: gradient descent
    (A = lr I), Gauss-Newton (A = (J'J)^-1), Levenberg-Marquardt (A = (J'J + lambda D)^-1) and Newton
    (A = H^-1). Each has a line search, or a damping that follows how well the last step was predicted.
    Where one ends at a saddle or a maximum, by the Hessian (up to 300 parameters), it steps down and goes
    on. Where Levenberg-Marquardt creeps along a bent valley, its steps follow the bend [3]_.

    Parameters
    ----------
    model : callable
        ``model(X, theta)``: a number for each row, a float64 tensor of shape (n_samples,). X is a float64
        tensor of shape (n_samples, n_features), or (n_samples,) if it has one column and the model needs
        it so. Theta is a tensor of shape (n_parameters,), or a dict of numbers if `theta0` is one.
    theta0 : array-like of shape (n_parameters,) or dict of str to float
        Where to begin. A dict (or a Series with an index of str) names the parameters, and all that is
        told of them are dicts then.
    solver : {'lm', 'gauss-newton', 'newton', 'gd'}, default='lm'
        How to minimise: Levenberg-Marquardt, Gauss-Newton, Newton with the exact Hessian, or gradient
        descent, which is there to compare and needs parameters of similar size.
    max_iter : int, default=1000
        Largest number of iterations: steps that were taken.
    tol : float, default=1e-10
        Bound on the relative offset [1]_, the part of the residuals that a change of the parameters could
        remove. Times the root of n_samples - n_parameters it is about the distance from the minimum in
        standard errors.
    bounds : tuple, dict, scipy.optimize.Bounds or None, default=None
        ``(lower, upper)``, each a number, an array like `theta0` or None; or a dict of such pairs by
        name, of some parameters or all. None, in an array too, is no bound.
    n_starts : int, default=1
        Number of starts. The lowest sum of squares of those that have converged counts; if none has, of
        those that ended by `max_iter`, else of all. Further ones are drawn: evenly between bounds, or
        `theta0` times exp(z), z standard normal (z itself for zeros).
    random_state : int, RandomState instance or None, default=None
        Seed of further starts.

    Attributes
    ----------
    theta_ : ndarray of shape (n_parameters,) or dict
        The parameters.
    theta_std_ : ndarray of shape (n_parameters,) or dict
        Standard errors, by the Jacobian at `theta_`. NaN for a parameter at a bound, on which those of
        the others are conditional; inf for one that the data do not determine.
    theta_cov_ : ndarray of shape (n_parameters, n_parameters) or DataFrame
        Covariance of the estimates.
    residual_std_ : float
        Standard deviation of the error of a row of weight 1: the root of ``rss_ / (n_samples -
        n_parameters)``. Parameters at bounds are not counted.
    rss_ : float
        The (weighted) sum of squares.
    converged_ : bool
        Whether a minimum was found: all parameters determined, the offset below `tol` or as low as
        rounding allows, and no direction along which the Hessian clearly bends down.
    stop_reason_ : str
        Why the fit ended: "converged", "max_iter", "no_progress", "saddle" or "unidentified".
    n_iter_ : int
        Steps taken from the start that counts.
    n_evaluations_ : int
        How often the sum of squares was computed from there.
    loss_curve_ : list of float
        The sum of squares at the start and after each step.
    theta_path_ : ndarray of shape (n_iter_ + 1, n_parameters)
        The parameters at the start and after each step.
    active_bounds_ : ndarray of int of shape (n_parameters,) or dict
        -1 for a parameter that its lower bound holds, 1 for its upper bound, else 0.
    start_rss_ : ndarray of shape (n_starts,)
        The sum of squares that each start has reached; NaN where the model has no value at the start.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where they had any.

    See Also
    --------
    MLPRegressor : A network, where no formula is known.
    sknets.inspection.NonlinearFitDisplay : The curve with its bands.
    sknets.inspection.ProfileDisplay : How far the parameters are determined.
    scipy.optimize.curve_fit : The same estimates, by differences of NumPy functions.

    Notes
    -----
    Weights are inverse variances up to a factor: a row of weight 2 moves the estimates as two rows would,
    but it is one observation with half of the variance, so that standard errors do not change where all
    weights are doubled. Rows of weight 0 are as if they were not there.

    The model must have values at `theta0`. Elsewhere it may have none: where it is not finite, or raises
    a RuntimeError or an ArithmeticError, the sum of squares counts as infinite.

    The fitted estimator keeps X and y of the fit, which profiles need.

    References
    ----------
    .. [1] Bates and Watts (1988). Nonlinear regression analysis and its applications. Wiley.
    .. [2] Seber and Wild (1989). Nonlinear regression. Wiley.
    .. [3] Transtrum and Sethna (2012). Improvements to the Levenberg-Marquardt algorithm for nonlinear
       least-squares minimization. arXiv:1201.5885.

    Examples
    --------
    The concentrations and rates of an enzyme [1]_:

    >>> import numpy as np
    >>> from sknets import NonlinearRegressor
    >>> X = np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.10], 2)[:, None]
    >>> y = np.array([76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200])
    >>> def rate(x, theta):
    ...     return theta["top"] * x / (theta["half"] + x)
    >>> fit = NonlinearRegressor(rate, {"top": 200.0, "half": 0.1}).fit(X, y)
    >>> {name: round(value, 4) for name, value in fit.theta_.items()}
    {'top': 212.6837, 'half': 0.0641}
    >>> fit.confidence_intervals(0.95, method="profile")["top"].round(1)
    array([197.3, 229.3])
    """

    _parameter_constraints = {
        "model": [callable],
        "theta0": ["array-like", dict],
        "solver": [StrOptions(set(SOLVERS))],
        "max_iter": [Interval(numbers.Integral, 1, None, closed="left")],
        "tol": [Interval(numbers.Real, 0, None, closed="neither")],
        "bounds": ["array-like", dict, scipy.optimize.Bounds, None],
        "n_starts": [Interval(numbers.Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        model,
        theta0,
        *,
        solver="lm",
        max_iter=1000,
        tol=1e-10,
        bounds=None,
        n_starts=1,
        random_state=None,
    ):
        self.model = model
        self.theta0 = theta0
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.bounds = bounds
        self.n_starts = n_starts
        self.random_state = random_state

    @fit_context
    @in_plain_torch
    def fit(self, X, y, sample_weight=None):
        """Find the parameters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, inverse variances up to a factor.

        Returns
        -------
        self : NonlinearRegressor

        Raises
        ------
        ValueError, TypeError
            If X, y, the model or a parameter cannot be used; the message says which, and what to do.
        """
        with transaction(self):
            self._fit(X, y, sample_weight)
        return self

    def _fit(self, X, y, sample_weight):
        refuse_pieces(X, type(self).__name__)
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        y = y.astype(np.float64)
        if sample_weight is not None:
            weight = check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
            X, y, sample_weight = X[weight > 0], y[weight > 0], weight[weight > 0]
        _check_size(y, sample_weight)
        parameters = Parameters(self.theta0, self.bounds)
        if len(y) < len(parameters):
            raise ValueError(
                f"n_samples={len(y)} (of a weight above 0) is fewer than the {len(parameters)} "
                "parameters of theta0. Take more rows, or a model with fewer parameters."
            )
        model = Model(self.model, parameters, X)
        fitter = Fitter(
            model, y, sample_weight, parameters.box, self.solver, self.max_iter, self.tol
        )
        rng = check_random_state(self.random_state)
        path, self.start_rss_ = fitter.fit_best(parameters.start, self.n_starts, rng)
        if path.stop_reason != "converged":
            warn_user(advise(path, parameters, self.solver, self.max_iter), ConvergenceWarning)
        self._parameters, self._estimate = parameters, path.estimate
        self._takes_column = model.takes_column
        self._rows = X.copy(), y, sample_weight  # X may be the user's own array
        self._settle(path)

    def _settle(self, path):
        parameters, estimate = self._parameters, path.estimate
        self.theta_ = parameters.as_given(estimate.point)
        self.theta_std_ = parameters.as_given(estimate.std)
        self.theta_cov_ = parameters.table_as_given(estimate.covariance)
        self.active_bounds_ = parameters.as_given(estimate.active)
        self.rss_ = float(estimate.rss)
        self.residual_std_ = float(np.sqrt(estimate.variance))
        self.stop_reason_ = path.stop_reason
        self.converged_ = path.stop_reason == "converged"
        self.n_iter_, self.n_evaluations_ = path.ending.n_iter, path.ending.n_evaluations
        self.loss_curve_ = [2 * loss for loss in path.losses]
        self.theta_path_ = np.array(path.points)

    @in_plain_torch
    def predict(self, X, *, return_std=False, coverage=None):
        """Predict.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        return_std : bool, default=False
            Whether to return also the standard error of the curve.
        coverage : float in (0, 1), default=None
            If given, intervals are returned, too, as `predict_interval` makes them: for pipelines, which
            have no such method.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The model at `theta_`.
        std : ndarray of shape (n_samples,)
            By how much the curve is uncertain since the parameters are, by the delta method: the root of
            g' cov g, g the derivatives by the parameters. Only if `return_std`.
        interval : ndarray of shape (n_samples, 2)
            Lower and upper ends. Only with `coverage`.

        Raises
        ------
        ValueError, TypeError
            If the model has no finite float64 number for each of these rows.
        """
        model = self._model_at(X)
        values = model.finite_values(self._estimate.point)
        if not return_std and coverage is None:
            return values
        std = self._estimate.spread(model.jacobian(self._estimate.point))
        answer = [values, std] if return_std else [values]
        if coverage is not None:
            answer.append(self._interval(values, std, coverage))
        return tuple(answer)

    def predict_interval(self, X, coverage=0.9):
        """Return intervals in which a new y lies with a given probability.

        They are those of Student's t for the error of a row of weight 1 and that of the curve, and hold
        for normal errors of one variance.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.
        coverage : float in (0, 1), default=0.9
            The probability.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            Lower and upper ends.

        Raises
        ------
        ValueError
            If there were no more rows than parameters, which leaves no error to measure.
        """
        return self._interval(*self.predict(X, return_std=True), coverage)

    def _interval(self, mean, std, coverage):
        check_coverage(coverage)
        self._check_dof("predict_interval")
        quantile = student.ppf(0.5 + coverage / 2, self._estimate.dof)
        half = quantile * np.sqrt(self._estimate.variance + np.square(std))
        return np.stack([mean - half, mean + half], axis=1)

    @in_plain_torch
    def confidence_intervals(self, level=0.95, *, method="wald"):
        """Return intervals of confidence of the parameters.

        Parameters
        ----------
        level : float in (0, 1), default=0.95
            The confidence.
        method : {'wald', 'profile'}, default='wald'
            "wald": `theta_` and multiples of `theta_std_`, by Student's t. "profile": where the
            sum of squares, with all other parameters at their best, is significantly larger. They are the
            same for a straight model; the more it bends, the better is the second, which also shows
            that a parameter has no end on one side (inf).

        Returns
        -------
        ndarray of shape (n_parameters, 2), or dict of ndarray of shape (2,)
            Lower and upper ends.

        Raises
        ------
        ValueError
            If there were no more rows than parameters, which leaves no error to measure.
        """
        check_is_fitted(self)
        _check_level(level)
        if method not in ("wald", "profile"):
            raise ValueError(f"method must be 'wald' or 'profile', got {method!r}.")
        self._check_dof("confidence_intervals")
        estimate = self._estimate
        if method == "wald":
            half = student.ppf(0.5 + level / 2, estimate.dof) * estimate.std
            ends = np.stack([estimate.point - half, estimate.point + half], axis=1)
        else:
            profiles = [self._profile(place) for place in range(len(self._parameters))]
            ends = np.array([profile.interval(level) for profile in profiles])
            self._warn_of(profiles)
        return self._parameters.rows_as_given(ends)

    @in_plain_torch
    def profile(self, parameter, *, level=0.99, n_points=25):
        """Return the profile of a parameter: the best fits in which it has other values.

        Parameters
        ----------
        parameter : str or int
            Its name or number.
        level : float in (0, 1), default=0.99
            The values reach over the profile interval of this confidence.
        n_points : int, default=25
            Number of values, to which `theta_` is added.

        Returns
        -------
        DataFrame of shape (n_points + 1, n_parameters + 2)
            For each value all parameters (columns of their names, or "theta[0]" and so on), `rss`, and
            `tau`, the signed root of (rss - rss_) / residual_std_^2. Along a straight model, tau is the
            distance from `theta_` in standard errors; its bend is that of the model.

        Raises
        ------
        ValueError
            If there is no such parameter, or no more rows than parameters.
        """
        check_is_fitted(self)
        _check_level(level)
        if not isinstance(n_points, numbers.Integral) or n_points < 2:
            raise ValueError(f"n_points must be a whole number of at least 2, got {n_points!r}.")
        self._check_dof("profile")
        profile = self._profile(self._parameters.find(parameter))
        _, tau, points = profile.trace(level, n_points)
        self._warn_of([profile])
        table = pd.DataFrame(points, columns=self._parameters.names)
        table["rss"] = self.rss_ + np.square(tau) * self._estimate.variance
        table["tau"] = tau
        return table

    def _profile(self, place):
        _, y, weight = self._rows
        problem = SumOfSquares(self._model_of_rows(), y, weight)
        return Profile(problem, self._parameters.box, self._estimate, place)

    def _warn_of(self, profiles):
        """Warn where a profile has not found minima, or a lower one than the fit."""
        for profile in profiles:
            if profile.unsure:
                near = min(profile.unsure, key=lambda value: abs(value - profile.best))
                warn_user(
                    f"The profile of {self._parameters.say([profile.place])} may be too high, and its "
                    f"interval too short: at {len(profile.unsure)} values (one is {near:.5g}) the fit of "
                    "the other parameters has not converged.",
                    ConvergenceWarning,
                )
        lower = [profile.lower_point for profile in profiles if profile.lower_point is not None]
        if lower:
            warn_user(
                "A profile has met a lower sum of squares than that of the fit, which is not the "
                f"minimum. Fit again with theta0={self._parameters.as_given(lower[0])}.",
                ConvergenceWarning,
            )

    def _model_at(self, X):
        check_is_fitted(self)
        return self._make_model(validate_data(self, X, dtype=np.float64, reset=False))

    def _model_of_rows(self):
        return self._make_model(self._rows[0])

    def _make_model(self, X):
        return Model(self.model, self._parameters, X, self._takes_column)

    def _check_dof(self, who):
        if self._estimate.dof <= 0:
            raise ValueError(
                f"{who} needs more rows than parameters: there were {len(self._rows[1])} rows, and "
                f"theta0 has {len(self._parameters)}."
            )


def _check_size(y, weight):
    """Raise ValueError where squares would be no numbers."""
    largest = np.abs(y if weight is None else np.sqrt(weight) * y).max(initial=0.0)
    if largest > 1e145 or 0 < largest < 1e-145:
        raise ValueError(
            f"y is up to {largest:.0e}"
            f"{'' if weight is None else ' (times roots of sample_weight)'}, whose square float64 cannot "
            "hold. Give y in another unit."
        )


def _check_level(level):
    if not isinstance(level, numbers.Real) or not 0.0 < level < 1.0:
        raise ValueError(f"level must be between 0 and 1, got {level!r}.")
