"""
What networks for tables and series look at
===========================================

Two tasks of which the answer is known. A table has ten columns, five of which make y. A series has two
features, values and marks, and y is the sum of the two values that are marked. Integrated gradients say
what each column, or each timestep, adds to a prediction; for the table they can be compared with those of
the formula that made y.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPRegressor, RNNRegressor
from sknets.inspection import integrated_gradients

N_TRAIN, N_TEST, N_TIMESTEPS = 1000, 200, 24
INK, RED, BLUE = "0.25", "#b2182b", "#1f5f8b"


# %%
# A table
# -------
# y = 10 sin(π x1 x2) + 20 (x3 - 0.5)² + 10 x4 + 5 x5 and noise; x6 to x10 have no part in it.


def gradient(X):
    """Return the gradient of the formula that makes y."""
    wave = 10 * np.pi * np.cos(np.pi * X[:, 0] * X[:, 1])
    slopes = np.zeros_like(X)
    slopes[:, 0], slopes[:, 1] = wave * X[:, 1], wave * X[:, 0]
    slopes[:, 2] = 40 * (X[:, 2] - 0.5)
    slopes[:, 3], slopes[:, 4] = 10, 5
    return slopes


def true_attributions(X, origin, n_steps=200):
    """Return the integrated gradients of the formula."""
    middles = (np.arange(n_steps) + 0.5) / n_steps
    return (X - origin) * np.mean([gradient(origin + a * (X - origin)) for a in middles], axis=0)


def explain_table():
    """Fit an MLP; return its attributions of new rows and those of the formula."""
    X, y = make_friedman1(N_TRAIN + N_TEST, noise=1.0, random_state=0)
    network = MLPRegressor(early_stopping=True, max_iter=500, random_state=0)
    model = make_pipeline(StandardScaler(), network)
    model.fit(X[:N_TRAIN], y[:N_TRAIN])
    new = X[N_TRAIN:]
    found = integrated_gradients(model, new)  # from zero behind the scaler: the mean
    true = true_attributions(new, X[:N_TRAIN].mean(axis=0))
    print(f"MLP on the table, R² of {N_TEST} new rows: {model.score(new, y[N_TRAIN:]):.3f}\n")
    print("mean size      of the network  of the formula  correlation")
    for number in range(10):
        pair = found[:, number], true[:, number]
        r = f"{np.corrcoef(pair)[0, 1]:.3f}" if number < 5 else ""
        sizes = [f"{np.abs(part).mean():15.2f}" for part in pair]
        print(f"x{number + 1:<11}", *sizes, f"{r:>12}")
    return found, true


# %%
# Series
# ------
# Each has two marks, at any two timesteps.


def make_series(n, seed):
    """Return series of values and marks, the sum of the marked values, and where the marks are."""
    rng = np.random.default_rng(seed)
    X = np.zeros((n, N_TIMESTEPS, 2))
    X[:, :, 0] = rng.uniform(-1, 1, size=(n, N_TIMESTEPS))
    places = np.array([rng.choice(N_TIMESTEPS, 2, replace=False) for _ in range(n)])
    X[np.arange(n)[:, None], places, 1] = 1.0
    return X, (X[:, :, 0] * X[:, :, 1]).sum(axis=1), places


def explain_series():
    """Fit a recurrent network; return new series and the attributions of their values."""
    X, y, _ = make_series(2 * N_TRAIN, 0)
    network = RNNRegressor(
        cell="gru", recurrent_layer_sizes=32, alpha=1e-3, learning_rate_init=0.01, random_state=0
    )
    network.fit(X, y)
    new, truth, places = make_series(N_TEST, 1)
    # the baseline of a value is 0, and its mark stays: what is asked is which values count
    parts = np.array(
        [
            integrated_gradients(network, row[None], baseline=row * [0, 1])[0, :, 0]
            for row in new[:40]
        ]
    )
    is_marked = new[:40, :, 1] == 1
    share = np.abs(parts)[is_marked].sum() / np.abs(parts).sum()
    print(f"\nGRU on the series, R² of {N_TEST} new ones: {network.score(new, truth):.3f}")
    print(f"Share of the attributions on the two marked timesteps: {share:.2f}", end=" ")
    print(f"(even: {2 / N_TIMESTEPS:.2f})")
    return new, parts, places


def draw(table, series, path):
    """Draw the sizes by column, each attribution against its true one, and three series."""
    found, true = table
    figure = plt.figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.5, 1])
    bars, dots = left.subplots(1, 2)
    place = np.arange(10)
    bars.barh(place - 0.2, np.abs(found).mean(axis=0), 0.4, color=BLUE, label="network")
    bars.barh(place + 0.2, np.abs(true).mean(axis=0), 0.4, color="0.7", label="formula")
    bars.set(yticks=place, yticklabels=[f"x{n + 1}" for n in place], xlabel="mean size")
    bars.invert_yaxis()
    bars.legend(frameon=False)
    for number, colour in enumerate(plt.cm.viridis(np.linspace(0, 0.9, 5))):
        dots.plot(
            true[:, number], found[:, number], ".", ms=4, color=colour, label=f"x{number + 1}"
        )
    ends = [true.min(), true.max()]
    dots.plot(ends, ends, color=INK, linewidth=0.8)
    dots.set(xlabel="attribution by the formula", ylabel="by the network")
    dots.legend(frameon=False, markerscale=2, handletextpad=0.1)
    left.suptitle("An MLP on a table: what each column adds to y", fontsize=11)

    new, parts, places = series
    axes = right.subplots(3, 1, sharex=True, sharey=True)
    steps = np.arange(N_TIMESTEPS)
    for row, ax in enumerate(axes):
        ax.vlines(places[row], -1.1, 1.1, color="0.85", linewidth=7, zorder=0)
        ax.plot(steps, new[row, :, 0], ".", color=INK, label="value")
        ax.bar(steps, parts[row], 0.6, color=RED, alpha=0.9, label="attribution")
        ax.axhline(0, color=INK, linewidth=0.6)
        ax.set_ylim(-1.15, 1.15)
    axes[0].legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 0.95))
    axes[-1].set_xlabel("timestep (grey: marked)")
    right.suptitle("A GRU on series: which values it adds", fontsize=11)
    for ax in (bars, dots, *axes):
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main():
    """Fit both networks, explain them, draw."""
    parser = argparse.ArgumentParser(description="Ask networks what they look at.")
    parser.add_argument(
        "--output",
        default=Path("docs/images/attributions.png"),
        type=Path,
        help="the picture's file",
    )
    output = parser.parse_args().output
    table, series = explain_table(), explain_series()
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(table, series, output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
