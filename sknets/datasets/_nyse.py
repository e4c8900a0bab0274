"""Trading on the New York Stock Exchange."""

import pandas as pd
from sklearn.utils import Bunch

from sknets.datasets._read import read_csv, select

_DESCR = """\
NYSE: 6,051 trading days on the New York Stock Exchange
-------------------------------------------------------

:Number of rows: 6,051 days, in order, 3 December 1962 to 31 December 1986
:Number of features: 3
:Target: log_volume, the logarithm of the turnover relative to its mean of the last 100 days

DJ_return is the difference of the logarithm of the Dow Jones index between two days,
log_volatility the logarithm of an exponentially weighted mean of its squares, and day_of_week the
weekday (mon to fri). The values of the days before, log_volume among them, predict that of today:
build lags before you fit. `train` marks the days before 2 January 1980.

Source: LeBaron and Weigend (1998), A bootstrap evaluation of the effect of data splitting on financial
time series; distributed with James, Witten, Hastie and Tibshirani, An Introduction to Statistical
Learning, chapter 10.
"""

_DAYS = ["mon", "tues", "wed", "thur", "fri"]


def load_nyse(*, return_X_y=False, as_frame=False):
    """Load the trading days of the New York Stock Exchange (a series to forecast).

    ==============   ==================
    Samples total                  6051
    Dimensionality                    3
    Features             real, category
    Targets          real -1.32 to 1.04
    ==============   ==================

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether data is a DataFrame indexed by date with day_of_week as a category, and the target
        a Series. Otherwise data is an array of numbers, in which the weekday is 0 (mon) to 4 (fri).

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch` or tuple
        ``data`` of shape (6051, 3) with day_of_week, DJ_return and log_volatility of each day;
        ``target`` of shape (6051,), the log_volume of the same day; ``train`` (bool array of shape
        (6051,)), ``dates``, ``feature_names``, ``frame`` (with ``as_frame=True``), ``DESCR`` and
        ``filename``.

    Examples
    --------
    >>> from sknets.datasets import load_nyse
    >>> nyse = load_nyse()
    >>> nyse.data.shape, int(nyse.train.sum())
    ((6051, 3), 4281)
    """
    frame = read_csv("NYSE.csv")
    frame["day_of_week"] = pd.Categorical(frame["day_of_week"], _DAYS)
    frame = frame.set_index(pd.to_datetime(frame.pop("date")))
    train = frame.pop("train").to_numpy(dtype=bool)
    features = ["day_of_week", "DJ_return", "log_volatility"]
    bunch = Bunch(
        train=train,
        dates=frame.index.to_numpy(),
        feature_names=features,
        target_names=["log_volume"],
        DESCR=_DESCR,
        filename="NYSE.csv",
        **select(frame, features, "log_volume", as_frame),
    )
    return (bunch.data, bunch.target) if return_X_y else bunch
