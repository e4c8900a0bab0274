"""
Early stopping: what it brings, and what it costs
=================================================

A network of 100 units can learn 210 baseball players by heart. Two ways to keep it from that: few
epochs by plan (``learning_rate="one_cycle"``), or many of which ``early_stopping`` keeps the best, by a
tenth of the rows that are set aside. On the left, the errors on new players of 20 networks in each of
five folds. Twenty rows choose the best epoch by luck, and nothing is learned from them: here the plan
is better, and steadier.

A network that stops early is scored after each epoch, which with small data takes about as long as to
learn. sknets does it in the same call of machine code as the epochs themselves (where numba is
installed). On the right, how long a fit takes, also by scikit-learn, for tables of several lengths.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPRegressor
from sknets.datasets import load_hitters

WAYS = {
    "500 epochs": {"max_iter": 500, "n_iter_no_change": np.inf},
    "the best of 500": {"max_iter": 500, "n_iter_no_change": 500, "early_stopping": True},
    "50 by plan": {"max_iter": 50, "learning_rate": "one_cycle", "learning_rate_init": 0.01},
}
N_SEEDS, N_FOLDS = 20, 5
N_ROWS, N_EPOCHS = [50, 100, 200, 500, 1000, 2000], 100


# %%
# What it brings
# --------------


def errors_of(params, X, y):
    """Return errors on new players, of shape (n_seeds, n_folds), and how long a fit takes."""
    network = MLPRegressor(hidden_layer_sizes=100, batch_size=32, **params)
    model, errors, seconds = make_pipeline(StandardScaler(), network), [], 0.0
    for fold, (train, test) in enumerate(KFold(N_FOLDS, shuffle=True, random_state=0).split(X)):
        for seed in range(N_SEEDS):
            one = clone(model).set_params(mlpregressor__random_state=N_SEEDS * fold + seed)
            started = time.perf_counter()
            one.fit(X[train], y[train])
            seconds += time.perf_counter() - started
            errors.append(np.abs(one.predict(X[test]) - y[test]).mean())
    return np.reshape(errors, (N_FOLDS, N_SEEDS)).T, seconds / len(errors)


# %%
# What it costs
# -------------
# The same work on both sides: 100 epochs of batches of 32 rows, with and without a tenth set aside.


def milliseconds(kind, n_rows, *, early_stopping):
    """Return how long a fit takes, the median of nine."""
    X, y = make_friedman1(n_rows, random_state=0)
    network = kind(
        batch_size=32, max_iter=N_EPOCHS, n_iter_no_change=N_EPOCHS, early_stopping=early_stopping
    )
    taken = []
    for seed in range(10):
        one = clone(network).set_params(random_state=seed)
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            one.fit(X, y)
        taken.append(1000 * (time.perf_counter() - started))
    return np.median(taken[1:])  # the first one may compile


def measure():
    """Return a table of milliseconds."""
    table = {}
    for name, kind in (("scikit-learn", SklearnMLPRegressor), ("sknets", MLPRegressor)):
        for what, stops in (("", False), (", early stopping", True)):
            table[name + what] = [milliseconds(kind, n, early_stopping=stops) for n in N_ROWS]
    return pd.DataFrame(table, index=pd.Index(N_ROWS, name="rows")).T


def draw(errors, costs, path):
    """Draw both."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for number, of_way in enumerate(errors.values()):
        means, shift = of_way.mean(axis=1), np.linspace(-0.15, 0.15, N_SEEDS)
        left.scatter(number + shift, means, s=14, color="0.7")
        left.hlines(means.mean(), number - 0.25, number + 0.25, color="#d1603d", lw=2)
    left.set_xticks(range(len(errors)), errors)
    left.set_ylabel("mean absolute error, thousands of dollars")
    left.set_title("new players, 20 networks in five folds each", fontsize=10)
    for name, row in costs.iterrows():
        color = "#d1603d" if name.startswith("sknets") else "#6b7a86"
        style = "--" if "stopping" in name else "-"
        right.plot(N_ROWS, row, style, color=color, marker="o", ms=3, label=name)
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xticks(N_ROWS, N_ROWS)
    right.minorticks_off()
    right.set_xlabel("rows")
    right.set_ylabel("milliseconds of a fit")
    right.set_title(f"{N_EPOCHS} epochs", fontsize=10)
    right.legend(fontsize=8)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main(path):
    """Fit, print, draw."""
    X, y = load_hitters(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = {name: errors_of(params, X, y) for name, params in WAYS.items()}
    table = pd.DataFrame(
        {
            name: (errors.mean(), errors.mean(axis=1).std(ddof=1), 1000 * seconds)
            for name, (errors, seconds) in found.items()
        },
        index=["error", "sd over seeds", "ms of a fit"],
    ).T
    print("Mean absolute error of salaries in five folds, in thousands of dollars\n")
    print(table.to_string(float_format="%.1f"))
    costs = measure()
    print(f"\nMilliseconds of a fit of {N_EPOCHS} epochs, by rows\n")
    print(costs.to_string(float_format="%.1f"))
    draw({name: errors for name, (errors, _) in found.items()}, costs, path)
    print(f"\nThe picture is in {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What early stopping brings, and what it costs.")
    parser.add_argument(
        "--output", default="early_stopping.png", type=Path, help="the picture's file"
    )
    main(parser.parse_args().output)
