"""
Many networks: how much of a validation curve is luck?
======================================================

Which ``alpha`` is best for a table of 263 baseball players? A search answers with the best mean of five
folds, each fitted once. But a network also depends on the seed of its initial weights, and who fits each
candidate once may take what the seed adds for an effect of ``alpha``. So here each of eight candidates is
fitted with 20 seeds in five folds: 800 networks, in one ``GridSearchCV``, which trains them together.

On the left, the curve with its spread over the seeds. On the right, which ``alpha`` a search of one
network for each candidate and fold would have chosen: with one seed for all of them, as any
``random_state`` gives it, or with a seed for each, as ``random_state=None`` does.
"""

import argparse
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPRegressor
from sknets.datasets import load_hitters

ALPHAS = [0.03, 0.1, 0.3, 1, 2, 4, 8, 16]
N_SEEDS, N_FOLDS = 20, 5

# %%
# One search
# ----------
# The seed is one more parameter of the grid. All networks are of one shape, and all folds have as many
# batches, so they train as stacks. ``n_jobs`` says how many are under way at a time.


def search(X, y):
    """Return mean absolute errors, of shape (n_alphas, n_seeds, n_folds)."""
    network = MLPRegressor(
        hidden_layer_sizes=50, batch_size=32, learning_rate="cosine", max_iter=50
    )
    grid = {"mlpregressor__alpha": ALPHAS, "mlpregressor__random_state": range(N_SEEDS)}
    found = GridSearchCV(
        make_pipeline(StandardScaler(), network),
        grid,
        cv=KFold(N_FOLDS, shuffle=True, random_state=0),
        scoring="neg_mean_absolute_error",
        refit=False,
    )
    with joblib.parallel_config("sknets", n_jobs=100):
        found.fit(X, y)
    scores = [found.cv_results_[f"split{fold}_test_score"] for fold in range(N_FOLDS)]
    return -np.transpose(scores).reshape(len(ALPHAS), N_SEEDS, N_FOLDS)


# %%
# What the seed does
# ------------------


def choices(errors, seeds):
    """Return how often each candidate is the best, in percent.

    `seeds` of shape (n_alphas, n_searches, n_folds) says which seed each network of a search has.
    """
    best = np.take_along_axis(errors, seeds, axis=1).mean(axis=2).argmin(axis=0)
    return 100 * np.bincount(best, minlength=len(ALPHAS)) / seeds.shape[1]


def summarise(errors):
    """Return the table: means, their spread over folds and over seeds, and how often each is chosen."""
    one_seed = np.broadcast_to(np.arange(N_SEEDS)[:, None], errors.shape)
    a_seed_each = np.random.default_rng(0).integers(0, N_SEEDS, (len(ALPHAS), 10_000, N_FOLDS))
    of_seeds = errors.mean(axis=2)
    return pd.DataFrame(
        {
            "mean": of_seeds.mean(axis=1),
            "sd over folds": errors.mean(axis=1).std(axis=1, ddof=1),
            "sd over seeds": of_seeds.std(axis=1, ddof=1),
            "chosen, one seed": choices(errors, one_seed),
            "chosen, a seed each": choices(errors, a_seed_each),
        },
        index=[f"alpha={alpha:g}" for alpha in ALPHAS],
    )


def draw(errors, table, path):
    """Draw the curve with its spread, and the choices."""
    import matplotlib.pyplot as plt

    of_seeds = errors.mean(axis=2)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 4.2), layout="constrained", width_ratios=[3, 2]
    )
    left.plot(ALPHAS, of_seeds, color="0.8", lw=0.8)
    left.plot([], [], color="0.8", lw=0.8, label="a seed, mean of five folds")
    left.errorbar(
        ALPHAS,
        of_seeds.mean(axis=1),
        of_seeds.std(axis=1, ddof=1),
        color="#d1603d",
        marker="o",
        ms=4,
        capsize=3,
        label="mean of 20 seeds, and their standard deviation",
    )
    left.set_xscale("log")
    left.set_xticks(ALPHAS, [f"{alpha:g}" for alpha in ALPHAS])
    left.minorticks_off()
    left.set_xlabel("alpha")
    left.set_ylabel("mean absolute error, thousands of dollars")
    left.legend(fontsize=9)
    x = np.arange(len(ALPHAS))
    for shift, color, how in ((-0.2, "#6b7a86", "one seed"), (0.2, "#d1603d", "a seed each")):
        right.bar(x + shift, table[f"chosen, {how}"], 0.4, color=color, label=how)
    right.set_xticks(x, [f"{alpha:g}" for alpha in ALPHAS])
    right.set_xlabel("alpha")
    right.set_ylabel("percent")
    right.set_title("what a search would choose", fontsize=10)
    right.legend(fontsize=9)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main(path):
    """Search, print, draw."""
    X, y = load_hitters(return_X_y=True)
    started = time.perf_counter()
    errors = search(X, y)
    seconds = time.perf_counter() - started
    table = summarise(errors)
    print("Mean absolute error of salaries in five folds, in thousands of dollars\n")
    print(table.to_string(float_format="%.1f"))
    print(f"\n{errors.size} networks in {seconds:.1f} seconds. The picture is in {path}")
    draw(errors, table, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A validation curve of 800 networks.")
    parser.add_argument("--output", default="many.png", type=Path, help="the picture's file")
    main(parser.parse_args().output)
