"""Time of a prediction of one row, of a thousand and of a hundred thousand, beside scikit-learn's.

Both networks are the same, and take turns in one process with one thread. What a call costs beside its
computation decides for few rows, so the shortest time of many calls is kept: nothing else runs in it.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before NumPy is imported

import time
import warnings

import numpy as np
from _measure import write_result
from sklearn import neural_network

import sknets

N_CALLS = {1: 3000, 1000: 500, 100_000: 10}


def shortest_times(methods, rows, n_calls):
    """Return the shortest time of a call of each method, in seconds, of calls in turn."""
    shortest = [np.inf] * len(methods)
    for _ in range(n_calls):
        for side, method in enumerate(methods):
            started = time.perf_counter()
            method(rows)
            shortest[side] = min(shortest[side], time.perf_counter() - started)
    return shortest


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 20)).astype(np.float32)
    y = X[:, 0] + rng.standard_normal(1000).astype(np.float32)
    targets = {
        "MLPRegressor": (y, ["predict"]),
        "MLPClassifier, 2 classes": ((y > 0).astype(int), ["predict", "predict_proba"]),
        "MLPClassifier, 3 classes": (np.digitize(y, [-0.5, 0.5]), ["predict", "predict_proba"]),
    }
    lines = [
        "20 features in float32, 100 hidden units, one thread: microseconds, the shortest of many calls.",
        "",
        "| network | method | rows | sknets | scikit-learn | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for name, (target, methods) in targets.items():
        sides = [
            getattr(module, name.partition(",")[0])(max_iter=2, random_state=0).fit(X, target)
            for module in (sknets, neural_network)
        ]
        for method in methods:
            for n_rows, n_calls in N_CALLS.items():
                rows = np.resize(X, (n_rows, 20))
                calls = [getattr(side, method) for side in sides]
                ours, theirs = shortest_times(calls, rows, n_calls)
                figures = f"{1e6 * ours:,.0f} | {1e6 * theirs:,.0f} | {ours / theirs:.2f}"
                lines.append(f"| {name} | `{method}` | {n_rows:,} | {figures} |")
    write_result("predict", "Time of a prediction", lines)


if __name__ == "__main__":
    main()
