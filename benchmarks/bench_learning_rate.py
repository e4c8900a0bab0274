"""Compare the rate that `find_learning_rate` suggests with the best of a grid.

The default network (200 epochs, a constant rate) is trained at each rate of a grid, on three splits of
each set, other ones than those by which the rule was chosen. The best rate is that with the lowest
training loss after the last epoch (medians of the splits): this is what a rate is for. Beside it stand
losses on held-out rows, at the best of all epochs.
"""

import argparse
import warnings

import numpy as np
from _measure import on_one_thread, write_result
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_friedman1,
    make_friedman3,
    make_moons,
)
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknets import MLPClassifier, MLPRegressor
from sknets.inspection import find_learning_rate

GRID = np.geomspace(1e-4, 1.0, 9)
N_SPLITS, FIRST_SEED = 3, 10


def some_digits():
    """Return 900 of the digits."""
    X, y = load_digits(return_X_y=True)
    return X[:900], y[:900]


SETS = {
    "diabetes": (lambda: load_diabetes(return_X_y=True), MLPRegressor),
    "Friedman 1": (lambda: make_friedman1(800, noise=1.0, random_state=0), MLPRegressor),
    "Friedman 3": (lambda: make_friedman3(800, noise=0.1, random_state=0), MLPRegressor),
    "digits": (some_digits, MLPClassifier),
    "breast cancer": (lambda: load_breast_cancer(return_X_y=True), MLPClassifier),
    "moons": (lambda: make_moons(600, noise=0.2, random_state=0), MLPClassifier),
    "wine": (lambda: load_wine(return_X_y=True), MLPClassifier),
}


def losses_at(kind, rate, data, seed):
    """Return the training loss of the last epoch, and the lowest held-out loss of all epochs."""
    X, X_val, y, y_val = data
    network = kind(learning_rate_init=rate, n_iter_no_change=np.inf, random_state=seed)
    try:
        network.fit(X, y, X_val=X_val, y_val=y_val)
    except ValueError:  # it has diverged
        return np.inf, np.inf
    return network.loss_, float(np.nanmin(network.history_["validation_loss"]))


def try_set(load, kind):
    """Return losses of shape (n_splits, n_rates, 2), and at the suggestions, and these."""
    X, y = load()
    losses, ours, rates = [], [], []
    for seed in range(FIRST_SEED, FIRST_SEED + N_SPLITS):
        strata = y if kind is MLPClassifier else None
        X_train, X_val, *ys = train_test_split(
            X, y, test_size=0.3, random_state=seed, stratify=strata
        )
        scaler = StandardScaler().fit(X_train)
        data = scaler.transform(X_train), scaler.transform(X_val), *ys
        rates.append(find_learning_rate(kind(random_state=seed), data[0], ys[0]).learning_rate)
        ours.append(losses_at(kind, rates[-1], data, seed))
        losses.append([losses_at(kind, rate, data, seed) for rate in GRID])
    return np.array(losses), np.array(ours), rates


def factor(rate, other):
    """Return by which factor two rates differ."""
    return max(rate / other, other / rate)


def main():
    """Try all sets, write."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    warnings.simplefilter("ignore")
    lines = [
        "| set | suggested (3 splits) | best of the grid | factor | held-out loss: suggested | "
        "default, 0.001 | best of the grid |",
        "|---|---|---|---|---|---|---|",
    ]
    with on_one_thread():
        for name, (load, kind) in SETS.items():
            losses, ours, rates = try_set(load, kind)
            training, held = np.moveaxis(np.median(losses, axis=0), -1, 0)
            best = GRID[training.argmin()]
            lines.append(
                f"| {name} | {', '.join(f'{rate:.2g}' for rate in sorted(rates))} | {best:.2g} | "
                f"{factor(np.median(rates), best):.1f} | {np.median(ours[:, 1]):.3f} | {held[2]:.3f} | "
                f"{held.min():.3f} (at {GRID[held.argmin()]:.2g}) |"
            )
    write_result("learning_rate", "The rate that is suggested", lines)


if __name__ == "__main__":
    main()
