"""Baseball salaries."""

import json

from sklearn.utils import Bunch

from sknets.datasets._read import read_csv, read_text, select

_DESCR = """\
Hitters: salaries of major league baseball players
--------------------------------------------------

:Number of rows: 263 players whose salary is known (322 with ``dropna=False``)
:Number of features: 19, of which 16 are counts and 3 are categories with two values
:Target: Salary on opening day of 1987, in thousands of dollars

Performance of the season of 1986 (AtBat, Hits, HmRun, Runs, RBI, Walks, PutOuts, Assists,
Errors), of the whole career (Years, CAtBat, CHits, CHmRun, CRuns, CRBI, CWalks), and League (A or
N), Division (E or W) and NewLeague (A or N, at the beginning of 1987).

`test_rows` holds the positions of 87 rows that a textbook chapter holds out (R's ``set.seed(13)``;
``sample(1:263, 87)``). Least squares on the other 176 rows has a mean absolute error of 254.6687
there.

Source: StatLib, poster session of the ASA Section on Statistical Graphics, 1988; distributed with
James, Witten, Hastie and Tibshirani, An Introduction to Statistical Learning.
"""


def load_hitters(*, return_X_y=False, as_frame=False, dropna=True):
    """Load the baseball salaries (regression).

    ==============   ==============
    Samples total               263
    Dimensionality               19
    Features         real, category
    Targets          real 67.5-2460
    ==============   ==============

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether data is a DataFrame with League, Division and NewLeague as categories, and the target a
        Series. Otherwise data is an array of numbers, in which these three are 0 or 1 (1 for
        "N", "W" and "N").
    dropna : bool, default=True
        Whether the 59 players without a known salary are left out.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch` or tuple
        ``data`` of shape (263, 19), ``target`` of shape (263,), in thousands of dollars,
        ``feature_names``, ``test_rows`` (list of 87 int: the chapter's held-out rows; only with
        ``dropna=True``), ``frame`` (with ``as_frame=True``), ``DESCR`` and ``filename``.

    Examples
    --------
    >>> from sknets.datasets import load_hitters
    >>> hitters = load_hitters(as_frame=True)
    >>> hitters.data.shape, len(hitters.test_rows)
    ((263, 19), 87)
    """
    frame = read_csv("Hitters.csv")
    if dropna:
        frame = frame.dropna(subset="Salary").reset_index(drop=True)
    categories = ["League", "Division", "NewLeague"]
    frame[categories] = frame[categories].astype("category")
    order = [name for name in frame.columns if name != "Salary"]
    bunch = Bunch(
        feature_names=order,
        target_names=["Salary"],
        DESCR=_DESCR,
        filename="Hitters.csv",
        **select(frame, order, "Salary", as_frame),
    )
    if dropna:
        bunch.test_rows = json.loads(read_text("hitters_test_rows.json"))
    return (bunch.data, bunch.target) if return_X_y else bunch
