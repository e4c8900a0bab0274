"""Forecasts of a series by any regressor."""

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted, validate_data

from sknets._interrupts import interrupts_end_all
from sknets._version import Versioned
from sknets.estimators._sklearn import HasMethods, Interval, StrOptions
from sknets.estimators._transaction import transaction
from sknets.forecasting._ahead import count_steps, read_columns_ahead
from sknets.forecasting._backtest import backtest
from sknets.forecasting._clocks import Clocks
from sknets.forecasting._intervals import calibrate, check_errors, error_quantiles
from sknets.forecasting._memory import Memory
from sknets.forecasting._plan import ForecastPlan
from sknets.forecasting._regressor import fit_regressor, make_regressor, takes_sequences
from sknets.forecasting._series import find_columns, read_series
from sknets.preprocessing._sliding_windows import as_columns
from sknets.preprocessing._times import check_times, read_times


class Forecaster(Versioned, MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    """The future of a series, forecast by any regressor.

    `fit` is given a series y, with a row for each time in order, and may be given further columns X of
    the same times. `forecast` continues the series: several steps, each of which builds on those before
    ("recursive") or all at once ("direct"). Any regressor will do: a network, a ridge, boosted trees.

    Parameters
    ----------
    estimator : estimator or None, default=None
        Any regressor, a pipeline or search that ends in one. None is an `RNNRegressor` that starts at a
        ridge and stays there unless the last fifth of the samples speaks for a network, see below. With
        ``RNNRegressor(output='sequence')`` a decoder writes the steps of "direct".
    window : int, default=24
        Number of times that the regressor sees before the one it forecasts.
    horizon : int, default=1
        Number of steps of a forecast, unless it is asked for another; also the steps that
        `backtest` takes and for which there are intervals.
    strategy : {'recursive', 'direct'}, default='recursive'
        "recursive" learns one step, and is fed its own forecasts for the next. "direct" learns
        `horizon` steps as so many outputs, and is fed them for the steps beyond.
    known_columns : 'all', array-like of str, int or bool, or None, default=None
        Columns of X that are known in advance, such as the weekday, by name or position. Others are
        known up to the last time of the series only.
    difference : int, default=0
        Lag of the differences that the regressor works on: 1 forecasts changes, as a trend needs, and
        the length of a season changes from one season to the next. 0 is the series itself.
    calibration_fraction : float or None, default=None
        Share of the times, the last ones, on which the errors for `forecast_interval` are measured:
        those of a regressor that learns from the times before. None measures none.
    random_state : int, RandomState instance or None, default=None
        Seed of the regressor and of all in it; None leaves them their own.

    Attributes
    ----------
    estimator_ : estimator
        The fitted regressor.
    calibration_residuals_ : ndarray of shape (n_origins, horizon[, n_targets]) or None
        True value minus forecast, for each origin and step; None without `calibration_fraction`.
    n_features_in_ : int
        Number of columns of X in `fit`, 0 without any.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of these columns, where X had any.

    See Also
    --------
    RNNRegressor : The default regressor.
    sknets.preprocessing.SlidingWindows : The samples that a series makes.
    sklearn.multioutput.MultiOutputRegressor : Several outputs for regressors that have one.
    sklearn.model_selection.TimeSeriesSplit : Folds in which the past predicts the future.

    Notes
    -----
    To forecast time t, the regressor sees y and the columns that are not known in advance at the times
    ``t - window`` to ``t - 1``, and known columns one time later. "direct" adds to each of these times
    the known columns of all `horizon` times that follow. A regressor that says that it takes sequences
    (its tag ``input_tags.three_d_array``, or that of a step or estimator in it) is given windows of
    shape (n_samples, window, n_inputs). Every other is given them as a table with ``window * n_inputs``
    columns, the first time first.

    The default is ``RNNRegressor(linear_shortcut=True, early_stopping=True, validation_fraction=0.2,
    n_iter_no_change=math.inf, scoring="loss")``: the best of all epochs counts if its loss on the last
    samples is lower than that of the ridge by a standard error. With "recursive" and a `horizon` above
    1, what the layers add is dropped if it makes the forecasts of `horizon` steps from these samples
    worse. Then the linear part learns from all samples (`RNNRegressor.refit_shortcut`). So it is about
    as good as a ridge where a series is linear, and better where it is not.

    "direct", as well as several series, needs a regressor with several outputs; MultiOutputRegressor
    makes one of any. If a network has ``early_stopping=True`` and its `fit` takes `X_val`, the last
    samples are its validation data. A search inside should have ``cv=TimeSeriesSplit()``.

    `predict` forecasts the rows that follow those of `fit`, so that ``cross_val_score(forecaster, X, y,
    cv=TimeSeriesSplit())`` scores the forecast of each test block from its start. Without columns, X may
    be an array of shape (n_times, 0). A gap between training and test rows is seen where X or, for the
    default score, y has times in its index, and forecast through, unless there are known columns, which
    would be missing there. In arrays it cannot be seen, and must not be. With "direct" and known columns,
    test blocks must be whole horizons.

    Times in an index (dates, periods, durations, whole numbers) must follow each other, in `fit` and from
    there on; an index ``0, 1, 2 ...`` of further rows, or none, says nothing of them. Dates must not be
    texts: ``y.index = pd.to_datetime(y.index)``. Where there is none
    on some weekdays, as on weekends, single days may be missing too, as holidays are. To fill a hole,
    ``y.asfreq("D").interpolate()``; to leave the times out, ``y.reset_index(drop=True)``.

    Intervals add quantiles of the errors on the held-out times to a forecast, as split conformal
    prediction does [1]_; the final regressor learns from these times too. Their coverage holds as far as
    the errors stay what they were. Long recursive forecasts build on their own errors, direct ones on
    fewer samples [2]_.

    References
    ----------
    .. [1] Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018). Distribution-free predictive inference
       for regression. Journal of the American Statistical Association 113.
    .. [2] Ben Taieb, Bontempi, Atiya and Sorjamaa (2012). A review and comparison of strategies for
       multi-step ahead time series forecasting. Expert Systems with Applications 39.

    Examples
    --------
    The default continues a season with a trend:

    >>> import numpy as np
    >>> from sknets import Forecaster
    >>> months = np.arange(180)
    >>> y = np.sin(2 * np.pi * months / 12) + 0.01 * months
    >>> forecaster = Forecaster(horizon=12, strategy="direct", difference=1, random_state=0)
    >>> forecast = forecaster.fit(y=y[:168]).forecast()
    >>> bool(np.abs(forecast - y[168:]).max() < 0.01)
    True

    So does a ridge in its place, in a moment:

    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> forecaster.set_params(estimator=make_pipeline(StandardScaler(), Ridge()))
    Forecaster(...)
    >>> forecast = forecaster.fit(y=y[:168]).forecast()
    >>> bool(np.abs(forecast - y[168:]).max() < 0.01)
    True
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict", "get_params"]), None],
        "window": [Interval(Integral, 1, None, closed="left")],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "strategy": [StrOptions({"recursive", "direct"})],
        "known_columns": [str, "array-like", None],
        "difference": [Interval(Integral, 0, None, closed="left")],
        "calibration_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "random_state": ["random_state"],
    }

    _memory: Memory  # all that `fit` and `update` keep in private

    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        *,
        window: int = 24,
        horizon: int = 1,
        strategy: str = "recursive",
        known_columns: str | Sequence[str | int] | None = None,
        difference: int = 0,
        calibration_fraction: float | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.window = window
        self.horizon = horizon
        self.strategy = strategy
        self.known_columns = known_columns
        self.difference = difference
        self.calibration_fraction = calibration_fraction
        self.random_state = random_state

    def fit(self, X=None, y=None):
        """Learn to forecast a series.

        Parameters
        ----------
        X : array-like of shape (n_times, n_features), default=None
            Further columns of the same times.
        y : array-like of shape (n_times,) or (n_times, n_targets)
            The series to forecast: ``fit(y=series)`` where there is no X.

        Returns
        -------
        self : object
            The fitted forecaster.

        Raises
        ------
        ValueError
            If data or parameters are invalid, or times in an index do not follow each other; the
            forecaster is then as it was before the call. So it is after Ctrl-C, which leaves no network
            half trained here.
        """
        self._validate_params()  # and let the regressor validate its own
        with transaction(self), interrupts_end_all():
            found = check_times(y=y, X=X)
            is_flat = np.asarray(y).ndim == 1
            X, y = self._read(X, y, reset=True)
            plan = self._make_plan(X.shape[1])
            plan.check_reach(self.horizon)
            self.calibration_residuals_ = None
            if self.calibration_fraction is not None:
                errors = calibrate(plan, self._train, X, y, self.calibration_fraction)
                self.calibration_residuals_ = errors[..., 0] if is_flat else errors
            self.estimator_ = self._train(plan, X, y)
            self._memory = Memory.of(plan, is_flat, X, y, Clocks.of(found))
        return self

    def update(self, X=None, y=None):
        """Let the series go on, without learning from what is new.

        Parameters
        ----------
        X : array-like of shape (n_new_times, n_features), default=None
            The columns of the times that follow, where `fit` had any.
        y : array-like of shape (n_new_times,) or (n_new_times, n_targets)
            The values of the series at these times.

        Returns
        -------
        self : object
            The forecaster, whose next forecast begins after them.

        Raises
        ------
        ValueError
            If the data are not like those of `fit`, or their times do not go on with the series.
        """
        check_is_fitted(self)
        times = read_times(y=y, X=X)
        self._memory.check_follows(times)
        X, y = self._read(X, y, reset=False)
        self._memory = self._memory.after(X, y, times)
        return self

    def predict(self, X=None, *, return_std=False, coverage=None):
        """Forecast the rows that follow the series.

        Parameters
        ----------
        X : array-like of shape (n_steps, n_features), default=None
            Columns of these times. Only those known in advance are used. None takes `horizon` steps.
        return_std : bool, default=False
            Whether to return also how large the errors were as many steps ahead, on the times that
            `calibration_fraction` held back.
        coverage : float in (0, 1), default=None
            If given, intervals are returned, too, as `predict_interval` makes them.

        Returns
        -------
        y : ndarray of shape (n_steps,) or (n_steps, n_targets)
            The forecast.
        std : ndarray of the same shape
            Root mean square of the errors. Only if `return_std`.
        interval : ndarray of shape (n_steps, 2) or (n_steps, n_targets, 2)
            Lower and upper ends. Only with `coverage`.
        """
        answer = [self.forecast(X=X)]
        if return_std:
            errors = check_errors(self.calibration_residuals_)
            answer.append(np.sqrt(np.mean(errors**2, axis=0))[self._steps_of(None, X)])
        if coverage is not None:
            answer.append(self.predict_interval(X, coverage))
        return answer[0] if len(answer) == 1 else tuple(answer)

    def predict_interval(self, X=None, coverage=0.9):
        """Return intervals for the rows that follow the series, as all regressors do.

        Parameters
        ----------
        X : array-like of shape (n_steps, n_features), default=None
            As in `predict`.
        coverage : float in (0, 1), default=0.9
            Share of the true values that each interval is to hold.

        Returns
        -------
        ndarray of shape (n_steps, 2) or (n_steps, n_targets, 2)
            Lower and upper ends: those of `forecast_interval`.
        """
        return np.stack(self.forecast_interval(X=X, coverage=coverage), axis=-1)

    def forecast(self, n_steps=None, X=None):
        """Forecast the times that follow the series.

        If X has times in its index that begin later, these are forecast: through the gap, unless there
        are columns that are known in advance, which would be missing there.

        Parameters
        ----------
        n_steps : int, default=None
            Number of times; None is the length of X, or `horizon` without X.
        X : array-like of shape (n_steps, n_features) or (n_steps, n_known), default=None
            Columns of these times, or those of them that are known in advance. Only these are used;
            "direct" needs them for whole blocks of `horizon` times, which may be more than `n_steps`.

        Returns
        -------
        ndarray of shape (n_steps,) or (n_steps, n_targets)
            The forecast.

        Raises
        ------
        ValueError
            If known columns are missing, or others would be needed before they are observed; if times of
            X are known already, or do not follow each other.
        """
        return self._forecast(n_steps, X, read_times(X=X))

    def score(self, X=None, y=None, sample_weight=None):
        """Return R² of the forecast of the rows that follow the series.

        Parameters
        ----------
        X : array-like of shape (n_steps, n_features), default=None
            Columns of these times, as in `forecast`.
        y : array-like of shape (n_steps,) or (n_steps, n_targets)
            What the series was then.
        sample_weight : array-like of shape (n_steps,), default=None
            Weights of the times.

        Returns
        -------
        float
            The coefficient of determination, the mean over several series.
        """
        check_is_fitted(self)
        if y is None:
            raise ValueError("score needs y, the series at the times to forecast; it is None.")
        forecast = self._forecast(len(as_columns(y, "y")), X, read_times(y=y, X=X))
        return r2_score(y, forecast, sample_weight=sample_weight)

    def _forecast(self, n_steps, X, times):
        check_is_fitted(self)
        memory = self._memory
        n_steps = count_steps(n_steps, X, self._memory.plan.horizon)
        n_skipped = memory.count_skipped(times)
        n_all = n_skipped + n_steps
        memory.plan.check_reach(n_all)
        X = np.concatenate([memory.X, read_columns_ahead(self, memory, X, n_all)])
        origins = np.array([len(memory.y)])
        path = memory.plan.forecast(self.estimator_, memory.y, X, origins, n_all)[0][n_skipped:]
        return path[..., 0] if memory.is_flat else path

    def forecast_interval(self, n_steps=None, X=None, *, coverage=0.9):
        """Forecast intervals for the times that follow the series.

        Parameters
        ----------
        n_steps : int, default=None
            Number of times, at most `horizon`; None is the length of X, or `horizon` without X.
        X : array-like of shape (n_steps, n_features) or (n_steps, n_known), default=None
            As in `forecast`.
        coverage : float, default=0.9
            Share of the true values, between 0 and 1, that each interval is to hold.

        Returns
        -------
        lower : ndarray of shape (n_steps,) or (n_steps, n_targets)
            The lower bounds.
        upper : ndarray of shape (n_steps,) or (n_steps, n_targets)
            The upper bounds.

        Raises
        ------
        ValueError
            If `calibration_fraction` was None in `fit`, or has left too few errors.
        """
        check_is_fitted(self)
        below, above = error_quantiles(self.calibration_residuals_, coverage)
        steps = self._steps_of(n_steps, X)
        forecast = self.forecast(n_steps, X)
        return forecast + below[steps], forecast + above[steps]

    def _steps_of(self, n_steps, X):
        """Return, as a slice, how many steps ahead the times to forecast are."""
        n_steps = count_steps(n_steps, X, self._memory.plan.horizon)
        n_skipped = self._memory.count_skipped(read_times(X=X))
        if n_skipped + n_steps > self._memory.plan.horizon:
            raise ValueError(
                f"Intervals are there for horizon={self._memory.plan.horizon} steps, not for "
                f"{n_skipped + n_steps}; raise horizon."
            )
        return slice(n_skipped, n_skipped + n_steps)

    def backtest(self, X=None, y=None, *, cv=5, stride=1, coverage=None):
        """Forecast a known series from many of its times, as it would have been.

        For each fold, a clone learns from the training rows. It then forecasts `horizon` steps from the
        first test row, from the one `stride` rows on, and so forth; each forecast knows all that lies
        before it.

        Parameters
        ----------
        X : array-like of shape (n_times, n_features), default=None
            Further columns of the same times.
        y : array-like of shape (n_times,) or (n_times, n_targets)
            The series.
        cv : int, cross-validation generator or iterable, default=5
            Folds whose test rows follow their training rows at once; an int is
            ``TimeSeriesSplit(cv)``.
        stride : int, default=1
            Number of times from one forecast to the next.
        coverage : float, default=None
            Share of the true values that intervals are to hold, which need a `calibration_fraction`.
            None is 0.9.

        Returns
        -------
        DataFrame
            A row for each forecast value: the `fold`, the `origin` (last time that is known), the `step`
            ahead, the `time`, the `target` if there are several, its `truth`, the `forecast`, and with
            `calibration_fraction` `lower` and `upper`. Times are those of y's index, if it has one.

        Raises
        ------
        ValueError
            If test rows do not follow training rows, or are fewer than `horizon`; if there is a
            `coverage` without `calibration_fraction`.

        Examples
        --------
        >>> import numpy as np
        >>> from sknets import Forecaster
        >>> y = np.sin(np.arange(120) / 3)
        >>> table = Forecaster(horizon=2, random_state=0).backtest(y=y, cv=2, stride=40)
        >>> table[["fold", "origin", "step", "time"]]
           fold  origin  step  time
        0     0      39     1    40
        1     0      39     2    41
        2     1      79     1    80
        3     1      79     2    81
        """
        self._validate_params()
        return backtest(self, X, y, cv=cv, stride=stride, coverage=coverage)

    def _read(self, X, y, *, reset):
        """Return X and y as arrays of two axes and one type, checked against those of `fit`."""
        columns, values = read_series(X, y, None if reset else self._memory.y.dtype)
        if not reset and values.shape[1] != self._memory.y.shape[1]:
            raise ValueError(f"y has {values.shape[1]} series, {self._memory.y.shape[1]} in fit.")
        X = columns if X is None else as_columns(X, "X")
        validate_data(self, X, skip_check_array=True, reset=reset)
        return columns, values

    # --- the regressor -----------------------------------------------------------------------------

    def _make_plan(self, n_features):
        names = [str(name) for name in getattr(self, "feature_names_in_", ())]
        columns = find_columns(self.known_columns, names or list(range(n_features)))
        return ForecastPlan(
            window=self.window,
            horizon=self.horizon,
            n_ahead=1 if self.strategy == "recursive" else self.horizon,
            difference=self.difference,
            columns=columns,
            as_table=not takes_sequences(make_regressor(self.estimator, None)),
        )

    def _train(self, plan, X, y):
        """Return a new regressor, fitted to all samples of a series."""
        regressor = make_regressor(self.estimator, self.random_state)
        return fit_regressor(regressor, plan, y, X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
