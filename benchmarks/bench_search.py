"""Time of a grid search: networks one after another, together, in processes, and scikit-learn's.

20 candidates in 5 folds on the baseball salaries: 100 networks of 50 units behind a scaler, of 200 epochs
each where nothing stops them. scikit-learn has two processes, and so has one side of ours. y is
standardised, so that both learn the same. Our candidates are `alpha`, the rate and dropout, half of them
with a dropout of 0.4, which is more work; those of scikit-learn, which has no dropout, are `alpha` and
the rate. Each side with processes has its own, which have fitted a network before they are timed. Those
of scikit-learn do without Torch, whose objects joblib would have them look through each second. It sends
them the filters of warnings, and Torch's own would bring Torch, so that this process has none of those.
"""

import argparse
import os
import sys
import time
import warnings
from functools import partial

import joblib
import numpy as np
from _measure import QUICK, alternate, machine, on_numpy, times_as_fast, write_result
from joblib.externals.loky import get_reusable_executor
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler, scale

from sknets import MLPRegressor
from sknets.datasets import load_hitters

ALPHAS = [1e-4, 1e-2, 1.0, 10.0, 100.0]
OURS = {
    "network__alpha": ALPHAS,
    "network__learning_rate_init": [0.001, 0.01],
    "network__dropout": [0.0, 0.4],
}
THEIRS = {
    "network__alpha": ALPHAS,
    "network__learning_rate_init": [0.001, 0.003, 0.01, 0.03],
}
N_FITS = 100

# batch size and early stopping: what was demanded beside scikit-learn, and beside ours alone as it was
# then, on NumPy
SETTINGS = {
    (32, False): (15.0, None, 6.0),
    ("auto", False): (4.0, None, 3.0),
    (32, True): (None, None, None),
    ("auto", True): (None, None, None),
}


def make_search(network, grid, *, n_jobs=None, **params):
    """Return a search of 20 candidates in 5 folds."""
    options = {"hidden_layer_sizes": (50,), "random_state": 0} | params
    model = Pipeline([("scale", StandardScaler()), ("network", network(**options))])
    return GridSearchCV(model, grid, cv=5, n_jobs=n_jobs, refit=False)


def params_of(batch_size, early_stopping):
    """Return parameters of both sides; without early stopping all epochs are done."""
    params = {"batch_size": batch_size, "early_stopping": early_stopping}
    return params if early_stopping else params | {"n_iter_no_change": np.inf, "tol": 0.0}


def fit_and_wait(model, X, y):
    """Fit a model twice in a process, and leave the next ones to another process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y).fit(X, y)
    time.sleep(0.5)


def look_and_wait():
    """Return which process this is, and whether Torch is imported in it."""
    time.sleep(0.2)
    return os.getpid(), "torch" in sys.modules


class Searches:
    """The sides of a comparison, and the results of each."""

    def __init__(self, X, y, params):
        self.X, self.y, self.params = X, y, params
        self.results = {}

    def theirs(self):
        """scikit-learn, in two processes."""
        search = make_search(SklearnMLPRegressor, THEIRS, n_jobs=2, **self.params)
        self._keep("scikit-learn", search)

    def alone(self):
        """Networks one after another."""
        self._keep("alone", make_search(MLPRegressor, OURS, n_jobs=1, **self.params))

    def alone_on_numpy(self):
        """Networks one after another, without numba."""
        with on_numpy():
            self._keep("alone, on NumPy", make_search(MLPRegressor, OURS, n_jobs=1, **self.params))

    def in_processes(self):
        """Networks one after another in each of two processes."""
        self._keep("in processes", make_search(MLPRegressor, OURS, n_jobs=2, **self.params))

    def together(self):
        """All networks at once."""
        with joblib.parallel_config("sknets", n_jobs=N_FITS):
            self._keep("together", make_search(MLPRegressor, OURS, **self.params))

    def _keep(self, name, search):
        self.results[name] = search.fit(self.X, self.y).cv_results_

    def start_processes(self, network):
        """Start two new processes for the next search, each of which fits networks."""
        get_reusable_executor().shutdown(wait=True)
        model = make_search(network, {}, **self.params | {"max_iter": 2}).estimator
        joblib.Parallel(n_jobs=2)(
            joblib.delayed(fit_and_wait)(model, self.X, self.y) for _ in range(4)
        )

    def check_processes(self, has_torch):
        """Raise RuntimeError unless Torch is, or is not, imported in the processes of the last search."""
        seen = joblib.Parallel(n_jobs=2)(joblib.delayed(look_and_wait)() for _ in range(4))
        if len({pid for pid, _ in seen}) != 2 or any(is_there != has_torch for _, is_there in seen):
            raise RuntimeError(f"The two processes of this side were not its own: {seen}")

    def largest_difference(self):
        """Return the largest difference in any score between ours alone and together."""
        alone, together = self.results["alone"], self.results["together"]
        names = [name for name in alone if name.endswith("test_score") and "rank" not in name]
        return max(np.abs(alone[name] - together[name]).max() for name in names)

    def best(self, name):
        """Return the best mean score of a side."""
        return self.results[name]["mean_test_score"].max()


def main(quick):
    started = time.perf_counter()
    warnings.resetwarnings()
    warnings.simplefilter("ignore")
    print(machine(), flush=True)
    hitters = load_hitters()
    lines = [
        "How many times as fast as the other sides a search is whose networks train together: median of",
        "alternated rounds (quartiles), and behind the slash what was demanded; in the last column, how",
        "many times as fast as scikit-learn's the search of sknets with `n_jobs=2` is. Without early",
        'stopping all do 200 epochs. At `batch_size="auto"` sknets has one batch of about 210 rows in an',
        "epoch, where scikit-learn has one of 200 and one of 10.",
        *(QUICK if quick else []),
        "",
        "| batches | early stopping | dtype | together, s | scikit-learn, 2 processes | sknets alone "
        "| alone, on NumPy | largest difference of scores | best R²: scikit-learn, sknets "
        "| sknets beside scikit-learn, both in 2 processes |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (batch_size, early_stopping), demanded in SETTINGS.items():
        for dtype in ("float64", "float32"):
            X, y = hitters.data.astype(dtype), scale(hitters.target).astype(dtype)
            searches = Searches(X, y, params_of(batch_size, early_stopping))
            sides = {
                "scikit-learn": searches.theirs,
                "alone": searches.alone,
                "alone, on NumPy": searches.alone_on_numpy,
                "in processes": searches.in_processes,
                "together": searches.together,
            }
            before = {
                "scikit-learn": partial(searches.start_processes, SklearnMLPRegressor),
                "in processes": partial(searches.start_processes, MLPRegressor),
            }
            after = {
                "scikit-learn": partial(searches.check_processes, has_torch=False),
                "in processes": partial(searches.check_processes, has_torch=True),
            }
            seconds = alternate(sides, 1 if quick else 3, before, after)
            ratios = [
                times_as_fast(seconds["together"], seconds[name])
                + ("" if limit is None else f" / {limit:g}")
                for name, limit in zip(sides, demanded, strict=False)
            ]
            best = f"{searches.best('scikit-learn'):.3f}, {searches.best('together'):.3f}"
            lines.append(
                f"| {batch_size} | {'yes' if early_stopping else 'no'} | {dtype} "
                f"| {np.median(seconds['together']):.2f} | {' | '.join(ratios)} "
                f"| {searches.largest_difference():.0e} | {best} "
                f"| {times_as_fast(seconds['in processes'], seconds['scikit-learn'])} |"
            )
            print(lines[-1], f"({time.perf_counter() - started:.0f} s)", flush=True)
    write_result("search", "Time of a grid search", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of each")
    main(parser.parse_args().quick)
