"""Compare the rates that `find_learning_rate` suggests with the best of a grid, by two judges.

By the training loss: the default network (200 epochs, a constant rate) is trained at each rate of a grid,
on three splits of each set. The best rate is that with the lowest training loss after the last epoch
(medians of the splits).

By rows that are held out (four tenths, which neither training nor early stopping sees): the loss after
the fit at the suggestion, at the cautious rate (a tenth of it) and at the default, divided by the lowest
of the grid, in three ways of training. Of a half, a third, a fifth and a tenth, the last was
the best on the first seven sets with a constant rate (splits of other seeds).
"""

import argparse
import warnings

import joblib
import numpy as np
import pandas as pd
from _measure import on_one_thread, write_result
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_circles,
    make_classification,
    make_friedman1,
    make_friedman2,
    make_friedman3,
    make_gaussian_quantiles,
    make_moons,
    make_sparse_uncorrelated,
)
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknets import MLPClassifier, MLPRegressor
from sknets.datasets import load_hitters
from sknets.inspection import find_learning_rate

GRID = np.geomspace(1e-4, 1.0, 9)
DEFAULT = 2  # place of 0.001 in it
N_SPLITS, FIRST_SEED = 3, 10
WAYS = {
    "constant": {"n_iter_no_change": np.inf},
    "cosine": {"learning_rate": "cosine"},
    "early stopping": {"early_stopping": True},
}
RATES = ("suggested", "cautious", "default")


def part_of_digits(rows):
    """Return some of the digits."""
    X, y = load_digits(return_X_y=True)
    return X[rows], y[rows]


def salaries():
    """Return the salaries of baseball players, with categories as columns."""
    players = load_hitters(as_frame=True)
    return pd.get_dummies(players.data).to_numpy(float), np.asarray(players.target, float)


def noisy_classes():
    """Return three classes, a tenth of whose labels are wrong."""
    return make_classification(
        800, 20, n_informative=8, n_redundant=4, n_classes=3, flip_y=0.1, random_state=1
    )


SETS = {
    "diabetes": (lambda: load_diabetes(return_X_y=True), MLPRegressor),
    "Friedman 1": (lambda: make_friedman1(800, noise=1.0, random_state=0), MLPRegressor),
    "Friedman 3": (lambda: make_friedman3(800, noise=0.1, random_state=0), MLPRegressor),
    "digits": (lambda: part_of_digits(slice(900)), MLPClassifier),
    "breast cancer": (lambda: load_breast_cancer(return_X_y=True), MLPClassifier),
    "moons": (lambda: make_moons(600, noise=0.2, random_state=0), MLPClassifier),
    "wine": (lambda: load_wine(return_X_y=True), MLPClassifier),
}
FURTHER_SETS = {
    "Hitters": (salaries, MLPRegressor),
    "Friedman 2": (lambda: make_friedman2(600, noise=50.0, random_state=1), MLPRegressor),
    "sparse": (lambda: make_sparse_uncorrelated(500, 10, random_state=1), MLPRegressor),
    "iris": (lambda: load_iris(return_X_y=True), MLPClassifier),
    "other digits": (lambda: part_of_digits(slice(900, None)), MLPClassifier),
    "circles": (
        lambda: make_circles(600, noise=0.15, factor=0.5, random_state=1),
        MLPClassifier,
    ),
    "noisy classes": (noisy_classes, MLPClassifier),
    "shells": (
        lambda: make_gaussian_quantiles(n_samples=800, n_features=6, n_classes=2, random_state=1),
        MLPClassifier,
    ),
}


def split(load, kind, seed):
    """Return scaled training and held-out rows, and their y."""
    X, y = load()
    strata = y if kind is MLPClassifier else None
    X_train, X_test, *ys = train_test_split(X, y, test_size=0.4, random_state=seed, stratify=strata)
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test), *ys


def losses_at(kind, rate, way, data, seed):
    """Return the training loss of the last epoch, and the loss of held-out rows after the fit."""
    X, X_test, y, y_test = data
    try:
        network = kind(learning_rate_init=rate, random_state=seed, **WAYS[way]).fit(X, y)
    except ValueError:  # it has diverged
        return np.inf, np.inf
    if kind is MLPClassifier:
        held = log_loss(y_test, network.predict_proba(X_test), labels=network.classes_)
    else:
        held = 0.5 * np.mean((network.predict(X_test) - y_test) ** 2) / np.var(y)
    return network.loss_, held


def try_set(load, kind):
    """Return the suggestions, and losses by way, of shape (n_splits, n_rates, 2).

    The rates are those of the grid, the suggestion and the cautious one.
    """
    suggested, losses = [], {way: [] for way in WAYS}
    for seed in range(FIRST_SEED, FIRST_SEED + N_SPLITS):
        data = split(load, kind, seed)
        found = find_learning_rate(kind(random_state=seed), data[0], data[2])
        suggested.append(found.learning_rate)
        rates = [*GRID, found.learning_rate, found.cautious_learning_rate]
        for way in WAYS:
            with joblib.parallel_config("sknets"):
                call = joblib.delayed(losses_at)
                tried = joblib.Parallel()(call(kind, rate, way, data, seed) for rate in rates)
            losses[way].append(tried)
    return suggested, {way: np.array(tried) for way, tried in losses.items()}


def factor(rate, other):
    """Return by which factor two rates differ."""
    return max(rate / other, other / rate)


def beside_the_best(losses):
    """Return held-out losses at the three rates, divided by the lowest of the grid (medians)."""
    held = np.median(losses, axis=0)[:, 1]
    return held[[len(GRID), len(GRID) + 1, DEFAULT]] / held[: len(GRID)].min()


def by_training_loss(name, suggested, losses):
    """Return a row of the first table."""
    best = GRID[np.median(losses, axis=0)[: len(GRID), 0].argmin()]
    rates = ", ".join(f"{rate:.2g}" for rate in sorted(suggested))
    return f"| {name} | {rates} | {best:.2g} | {factor(np.median(suggested), best):.1f} |"


def by_held_out_loss(tried):
    """Return the second table: held-out losses of each set, and their geometric means."""
    lines = [
        "| held-out loss / best of the grid | "
        + " | ".join(f"{way}: {', '.join(RATES)}" for way in WAYS)
        + " |",
        "|---" * (1 + len(WAYS)) + "|",
    ]
    ratios = {
        name: [beside_the_best(losses[way]) for way in WAYS] for name, (_, losses) in tried.items()
    }
    for name, row in ratios.items():
        lines.append(f"| {name} | {' | '.join(map(_numbers, row))} |")
    for what, names in (("first seven sets", SETS), ("other eight", FURTHER_SETS)):
        means = np.exp(np.mean([np.log(ratios[name]) for name in names], axis=0))
        lines.append(f"| **mean of the {what}** | {' | '.join(map(_numbers, means))} |")
    return lines


def _numbers(values):
    return ", ".join(f"{value:.2f}" for value in values)


def main():
    """Try all sets, write."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    warnings.simplefilter("ignore")
    with on_one_thread():
        tried = {name: try_set(*pair) for name, pair in (SETS | FURTHER_SETS).items()}
    lines = [
        "| set | suggested (3 splits) | best of the grid, training loss | factor |",
        "|---|---|---|---|",
    ]
    lines += [
        by_training_loss(name, suggested, losses["constant"])
        for name, (suggested, losses) in tried.items()
    ]
    write_result(
        "learning_rate", "The rate that is suggested", [*lines, "", *by_held_out_loss(tried)]
    )


if __name__ == "__main__":
    main()
