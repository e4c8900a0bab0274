"""Timing two or more things fairly: alternated, as median ratios, with the machine named."""

import datetime
import os
import platform
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy
import sklearn
import skorch
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from sknets.training import _compiled

RESULTS = Path(__file__).parent / "results"

#: What a result says that was measured in passing.
QUICK = ["", "**In passing** (`--quick`): a round or two of each, perhaps on a busy machine."]


def alternate(sides, n_rounds, before=None, after=None):
    """Run every side once a round, in turn, after one round that does not count.

    Parameters
    ----------
    sides : dict of str to callable
        What is timed.
    n_rounds : int
        Rounds that count.
    before, after : dict of str to callable, default=None
        What is run before and after some of the sides, and not timed.

    Returns
    -------
    dict of str to list of float
        Seconds of each round.
    """
    seconds = {name: [] for name in sides}
    for turn in range(n_rounds + 1):
        for name, run in sides.items():
            _run(before, name)
            start = time.perf_counter()
            run()
            taken = time.perf_counter() - start
            _run(after, name)
            if turn:
                seconds[name].append(taken)
    return seconds


def _run(functions, name):
    if functions is not None and name in functions:
        functions[name]()


def median_ratio(ours, theirs):
    """Return the median over rounds of ours / theirs."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def times_as_fast(ours, theirs):
    """Return the median over rounds of theirs / ours, with its quartiles, as text."""
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    low, middle, high = numpy.percentile(ratios, [25, 50, 75])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


@contextmanager
def on_one_thread():
    """Let NumPy, SciPy and Torch compute on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def on_numpy():
    """Let steps be taken on NumPy alone, as where numba is not installed."""
    found, _compiled.machine_code = _compiled.machine_code, lambda: None
    try:
        yield
    finally:
        _compiled.machine_code = found


def machine():
    """Return a line that says where and with what a result was measured."""
    return (
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"scikit-learn {sklearn.__version__}, skorch {skorch.__version__}, "
        f"numpy {numpy.__version__}, {_numba()}, OpenBLAS for {'/'.join(_blas())}"
    )


def write_result(name, title, lines):
    """Print a table and keep it in `results/`."""
    text = "\n".join([f"# {title}", "", machine(), "", *lines, ""])
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text)


def _numba():
    try:
        import numba
    except ImportError:
        return "no numba"
    return f"numba {numba.__version__}"


def _blas():
    """Return for which processors the loaded OpenBLAS libraries compute."""
    found = {library.get("architecture") for library in threadpool_info()}
    return sorted(filter(None, found)) or ["no processor"]
