"""Windows of a time series, and back; and the samples that forecast its next values."""

from numbers import Integral

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array, check_scalar
from sklearn.utils.validation import validate_data

from sknets._version import Versioned
from sknets.preprocessing._times import check_times

_FLOATS = (np.float64, np.float32)

#: The least value of each parameter.
_LEAST = {"window": 1, "horizon": 1, "step": 1, "gap": 0}


class SlidingWindows(Versioned, TransformerMixin, BaseEstimator):
    """Cut a time series into windows, and into samples that forecast it.

    A series has one row for each time, in order. `transform` cuts it into all complete windows, and
    `inverse_transform` puts windows together again. `make_samples` pairs each window with the values
    that follow it, which is what a recurrent or convolutional network learns from.

    Parameters
    ----------
    window : int
        Length of a window in rows.
    horizon : int, default=1
        Number of rows that a sample forecasts. Only for the samples.
    step : int, default=1
        Number of rows from the start of a window to the start of the next.
    gap : int, default=0
        Number of rows between the end of a window and the first row of its target: 0 forecasts the
        next. Only for the samples.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen in `fit`, 1 for a one-dimensional series.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where `fit` was given a DataFrame, or a Series with a name.

    See Also
    --------
    sklearn.model_selection.TimeSeriesSplit : Folds in which the past predicts the future.
    sknets.datasets.load_nyse : A series to forecast.

    Notes
    -----
    Where an index has times (dates, periods, durations, whole numbers), these must follow each other
    without a hole; days on which an exchange is closed are none. There are fewer windows than times.

    In a pipeline, y would not follow: make the samples first, and give the pipeline its X and y.

    Nothing is learned but the number and names of the features. All methods work without `fit`; after
    it, they refuse a series with other features.

    Examples
    --------
    >>> import numpy as np
    >>> from sknets.preprocessing import SlidingWindows
    >>> series = np.arange(6.0)
    >>> windows = SlidingWindows(window=3)
    >>> windows.fit_transform(series)[:, :, 0]
    array([[0., 1., 2.],
           [1., 2., 3.],
           [2., 3., 4.],
           [3., 4., 5.]])
    >>> X, y = windows.make_samples(series)
    >>> X.shape, y
    ((3, 3, 1), array([3., 4., 5.]))
    """

    _parameter_constraints: dict = {
        "window": [Integral],
        "horizon": [Integral],
        "step": [Integral],
        "gap": [Integral],
    }

    def __init__(self, window, *, horizon=1, step=1, gap=0):
        self.window = window
        self.horizon = horizon
        self.step = step
        self.gap = gap

    def fit(self, X, y=None):
        """Remember the number and the names of the features.

        Parameters
        ----------
        X : array-like of shape (n_times,) or (n_times, n_features)
            The series.
        y : None
            Ignored.

        Returns
        -------
        SlidingWindows
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is invalid, X is shorter than a window, or X contains NaN or infinity.
        """
        self._check_parameters()
        check_times(X=X)
        self._count_windows(len(self._read_series(X, "X", reset=True)), "X")
        return self

    def transform(self, X):
        """Cut a series into all complete windows.

        Parameters
        ----------
        X : array-like of shape (n_times,) or (n_times, n_features)
            The series.

        Returns
        -------
        ndarray of shape (n_windows, window, n_features)
            The windows, a copy: float32 if X is, else float64. Window i starts at time ``i * step``.

        Raises
        ------
        ValueError
            If X has other features than in `fit`, is shorter than a window, or contains NaN or infinity.
        """
        self._check_parameters()
        check_times(X=X)
        X = self._read_series(X, "X")
        return self._cut(X, self._count_windows(len(X), "X"))

    def inverse_transform(self, X):
        """Put windows together to the series they come from.

        Where windows overlap, the result is their mean, which need not be equal: windows may also be
        reconstructions of a network.

        Parameters
        ----------
        X : array-like of shape (n_windows, window, n_features)
            The windows, in order.

        Returns
        -------
        ndarray of shape (n_times, n_features)
            The series up to the end of the last window. Times between windows, which ``step > window``
            leaves, are NaN.

        Raises
        ------
        ValueError
            If X has another shape.

        Examples
        --------
        >>> from sknets.preprocessing import SlidingWindows
        >>> SlidingWindows(2).inverse_transform([[[0], [1]], [[3], [4]]])[:, 0]
        array([0., 2., 4.])
        """
        self._check_parameters()
        X = check_array(
            X,
            dtype=_FLOATS,
            allow_nd=True,
            ensure_2d=False,
            ensure_all_finite=False,
            estimator=self,
        )
        n_features = getattr(self, "n_features_in_", "n_features")
        if X.ndim != 3 or X.shape[1] != self.window or n_features not in ("n_features", X.shape[2]):
            raise ValueError(
                f"X has shape {X.shape}; it must hold windows of shape (n_windows, {self.window}, "
                f"{n_features})."
            )
        n_steps = (len(X) - 1) * self.step
        total = np.zeros((n_steps + self.window, X.shape[2]))
        n_added = np.zeros((len(total), 1))
        for position in range(self.window):
            times = slice(position, position + n_steps + 1, self.step)
            total[times] += X[:, position]
            n_added[times] += 1
        mean = np.full_like(total, np.nan)
        return np.divide(total, n_added, out=mean, where=n_added > 0).astype(X.dtype)

    def make_samples(self, series, target=None, known=None):
        """Pair each window with the values to forecast from it.

        The target of the window that starts at time s begins at ``s + window + gap`` and has `horizon`
        rows. Only windows with a complete target make a sample. Rows of the three arguments
        belong together by their position; times in their indices must be the same.

        Parameters
        ----------
        series : array-like of shape (n_times,) or (n_times, n_features)
            What the windows show.
        target : array-like of shape (n_times,) or (n_times, n_targets), default=None
            What is forecast: numbers or labels. None forecasts the series itself.
        known : array-like of shape (n_times,) or (n_times, n_known), default=None
            Features known in advance, such as the weekday. They join those of the window, shifted by
            ``gap + 1``: the last row of a window has them at the first time of the target.

        Returns
        -------
        X : ndarray of shape (n_samples, window, n_features + n_known)
            The windows: float32 if the series is, else float64.
        y : ndarray of shape (n_samples,), (n_samples, n_targets), (n_samples, horizon) or \
                (n_samples, horizon, n_targets)
            The targets, of the type of `target`. There is an axis for a `horizon` above 1, and one for
            several targets; ``y.reshape(len(y), -1)`` makes two axes of three.

        Raises
        ------
        ValueError
            If the arguments differ in length, are too short for one sample, or contain missing values
            or infinity; or the series has other features than in `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from sknets.preprocessing import SlidingWindows
        >>> series = np.arange(7.0)
        >>> X, y = SlidingWindows(3, horizon=2).make_samples(series, known=10 * series)
        >>> X[0]
        array([[ 0., 10.],
               [ 1., 20.],
               [ 2., 30.]])
        >>> y
        array([[3., 4.],
               [4., 5.],
               [5., 6.]])
        """
        self._check_parameters()
        check_times(series=series, target=target, known=known)
        series = self._read_series(series, "series")
        n_samples = self._count_windows(len(series), "series", n_ahead=self.gap + self.horizon)
        X = self._cut(series, n_samples)
        if known is not None:
            known = _read_beside(series, known, "known", series.dtype)
            X = np.concatenate([X, self._cut(known[self.gap + 1 :], n_samples)], axis=2)
        target = series if target is None else _read_beside(series, target, "target", None)
        y = target[self.target_times(len(series))]
        return X, y[..., 0] if target.shape[1] == 1 else y

    def target_times(self, n_times):
        """Return at which times the targets of the samples are.

        With them, samples can be split where the series is: ``train[windows.target_times(n_times)]``
        marks the samples whose target lies in the rows that `train` marks.

        Parameters
        ----------
        n_times : int
            Length of the series.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, horizon)
            Positions in the series; the second shape is that of a `horizon` above 1.

        Raises
        ------
        ValueError
            If the series is too short for one sample.

        Examples
        --------
        >>> from sknets.preprocessing import SlidingWindows
        >>> SlidingWindows(3, horizon=2).target_times(6)
        array([[3, 4],
               [4, 5]])
        """
        self._check_parameters()
        check_scalar(n_times, "n_times", Integral)
        n_samples = self._count_windows(n_times, "the series", n_ahead=self.gap + self.horizon)
        first = np.arange(n_samples) * self.step + self.window + self.gap
        return first if self.horizon == 1 else first[:, None] + np.arange(self.horizon)

    def _check_parameters(self):
        self._validate_params()
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)!r} must be at least {least}.")

    def _count_windows(self, n_times, name, n_ahead=0):
        """Return the number of windows that leave room for so many times after them."""
        least = self.window + n_ahead
        if n_times < least:
            params = f"window={self.window}"
            if n_ahead:
                params += f", gap={self.gap} and horizon={self.horizon}"
            raise ValueError(
                f"{params} need{'' if n_ahead else 's'} a series of at least {least} times, {name} has "
                f"{n_times}; shorten the window or take a longer series."
            )
        return (n_times - least) // self.step + 1

    def _cut(self, values, n_windows):
        """Return the first windows of an array (n_times, n_features), as a copy."""
        views = np.lib.stride_tricks.sliding_window_view(values, self.window, axis=0)
        return np.array(views[:: self.step][:n_windows].swapaxes(1, 2), order="C")

    def _read_series(self, X, name, reset=False):
        """Return a series as an array (n_times, n_features) with the features of `fit`."""
        X = as_columns(X, name)
        values = read_numbers(X, name, _FLOATS)
        if reset or hasattr(self, "n_features_in_"):
            validate_data(self, X, skip_check_array=True, reset=reset)
        check_missing(values, name)
        return values

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def as_columns(values, name, *, takes_numbers=True):
    """Return a one-dimensional series as one column, and anything else as it is.

    Texts are refused where numbers are wanted; the labels of a target may be texts.
    """
    if isinstance(values, pd.Series):
        return values.to_frame()
    if sp.issparse(values):
        raise TypeError(f"{name} is a sparse matrix, but must be dense: give {name}.toarray().")
    if not hasattr(values, "shape"):
        try:
            values = np.asarray(values)
        except ValueError as error:
            raise ValueError(
                f"{name} cannot be read: its rows differ in length; it must be (n_times,) or "
                "(n_times, n_columns)."
            ) from error
    if (
        takes_numbers
        and isinstance(values, np.ndarray)
        and values.dtype.kind in "SU"
        and values.size
    ):
        raise ValueError(
            f"{name} holds texts, {str(values.flat[0])!r} first, but must hold numbers: give columns "
            "themselves, such as frame[['month']], and not their names."
        )
    if len(values.shape) not in (1, 2):
        raise ValueError(
            f"{name} has shape {values.shape}; it must be (n_times,) or (n_times, n_columns)."
        )
    return np.reshape(values, (-1, 1)) if len(values.shape) == 1 else values


def read_numbers(values, name, dtype):
    """Return what `as_columns` returns as an array of this type, with an error that names it."""
    for kind in values.dtypes if hasattr(values, "dtypes") else [values.dtype]:
        if getattr(kind, "kind", "") in ("m", "M"):
            raise ValueError(f"{name} must be numbers, not times ({kind}); times may be its index.")
    try:
        return check_array(values, dtype=dtype, ensure_all_finite=False)
    except (TypeError, ValueError, OverflowError) as error:
        # scikit-learn names few of its arguments
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name} cannot be read: {error}{_advise_texts(values)}") from error


def _advise_texts(values):
    """Return which column of a frame holds texts, and what to do; nothing if none does."""
    for place, column in enumerate(values if isinstance(values, pd.DataFrame) else ()):
        entries = values.iloc[:, place].astype(object).dropna()
        texts = [entry for entry in entries if isinstance(entry, str)]
        if texts and pd.to_numeric(entries, errors="coerce").isna().any():
            return (
                f". Column {column!r} holds texts, such as {texts[0]!r}; encode it first, as "
                "pd.get_dummies or OneHotEncoder(sparse_output=False) does."
            )
    return ""


def _read_beside(series, values, name, dtype):
    """Return what belongs to the times of a series, as an array (n_times, n_columns)."""
    columns = as_columns(values, name, takes_numbers=dtype is not None)
    values = read_numbers(columns, name, dtype)
    if len(values) != len(series):
        raise ValueError(
            f"{name} has {len(values)} times, series has {len(series)}; both need the same times."
        )
    check_missing(values, name)
    return values


def check_missing(values, name):
    """Raise an error that names the first missing or infinite value."""
    is_bad = ~np.isfinite(values) if values.dtype.kind == "f" else pd.isna(values)
    if is_bad.any():
        row, column = (int(place) for place in np.argwhere(is_bad)[0])
        what = "NaN" if pd.isna(values[row, column]) else "infinity"
        raise ValueError(
            f"{name} contains {what} in row {row}, column {column} (the first of {is_bad.sum()}); fill "
            "such values in, or leave out the rows before or after them."
        )
