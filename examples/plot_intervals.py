"""
Intervals of five kinds
=======================

How far may y be from its prediction? A network can say it in several ways, and they do not answer the
same question. Here the noise of a curve is known: it grows from left to right, and there are no rows
beyond -1 and 1.

- *Conformal* intervals lay the errors on rows that were held out around a prediction. They hold what they
  promise on average over all rows, and have one width.
- ``loss="gaussian"`` learns a standard deviation for each row, ``loss="quantile"`` the bounds themselves.
  Both follow the noise; held-out rows make them as wide as they have to be.
- Predictions in which units are dropped (*Monte Carlo dropout*) differ where the network is not known,
  and so do the *members* of an ensemble. That has nothing to do with noise: more rows would remove it,
  and it grows where there are no rows. Members that learn the noise, too, have both.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning

from sknets import MLPRegressor

COVERAGE = 0.9
DISTANCE = norm.ppf(0.5 + COVERAGE / 2)

# %%
# A curve whose noise grows
# -------------------------


def deviation(x):
    """Return the standard deviation of the noise."""
    return 0.1 + 0.25 * (x + 1)


def make_rows(n_rows, rng):
    """Return x in a column, and y."""
    x = rng.uniform(-1, 1, n_rows)
    return x[:, None], np.sin(3 * x) + deviation(x) * rng.standard_normal(n_rows)


# %%
# Five networks
# -------------


def fit(X, y):
    """Return functions of X to the middle and the ends of intervals."""
    settings = {"learning_rate_init": 0.01, "early_stopping": True, "random_state": 0}
    one_width = MLPRegressor(calibrate=True, **settings).fit(X, y)
    gaussian = MLPRegressor("gaussian", calibrate=True, **settings).fit(X, y)
    levels = [(1 - COVERAGE) / 2, 0.5, (1 + COVERAGE) / 2]
    quantiles = MLPRegressor("quantile", quantile=levels, calibrate=True, **settings).fit(X, y)
    members = MLPRegressor("gaussian", n_members=10, calibrate=True, **settings).fit(X, y)
    dropping = MLPRegressor(hidden_layer_sizes=(100, 100), dropout=0.1, **settings).fit(X, y)

    def of_quantiles(X):
        return quantiles.predict(X)[:, 1], quantiles.predict_interval(X, COVERAGE)

    def of_dropout(X):
        middle, std = dropping.predict(X, return_std=True, n_draws=1000)
        return middle, middle[:, None] + DISTANCE * std[:, None] * [-1, 1]

    return {
        "squared error, conformal": lambda X: one_width.predict(X, coverage=COVERAGE),
        "Gaussian loss, conformal": lambda X: gaussian.predict(X, coverage=COVERAGE),
        "quantiles, conformal": of_quantiles,
        "ten Gaussian members, conformal": lambda X: members.predict(X, coverage=COVERAGE),
        "dropout alone: nothing of the noise": of_dropout,
    }


# %%
# What they hold
# --------------


def summarise(predict, X, y):
    """Return the share of rows within, for each third of x, and the mean width."""
    _, ends = predict(X)
    is_in, third = (ends[:, 0] <= y) & (y <= ends[:, 1]), np.digitize(X[:, 0], [-1 / 3, 1 / 3])
    return [
        *(is_in[third == k].mean() for k in range(3)),
        is_in.mean(),
        np.ptp(ends, axis=1).mean(),
    ]


def draw(predictors, X, y, path):
    """Draw rows and intervals, and how wide these are."""
    import matplotlib.pyplot as plt

    x = np.linspace(-1.5, 1.5, 201)
    figure, axes = plt.subplots(2, 3, figsize=(12, 7), layout="constrained")
    *panels, widths = axes.flat
    for number, (ax, (name, predict)) in enumerate(zip(panels, predictors.items(), strict=True)):
        color = f"C{number}"
        middle, ends = predict(x[:, None])
        ax.scatter(X[:, 0], y, s=4, color="0.75", zorder=0)
        ax.fill_between(x, *ends.T, color=color, alpha=0.3, linewidth=0)
        ax.plot(x, middle, color=color)
        ax.plot(x, np.sin(3 * x), color="black", linestyle=":", linewidth=1)
        ax.set(title=name, ylim=(-3, 3), xlabel="x")
        widths.plot(x, np.ptp(ends, axis=1), color=color, label=name)
    inside = x[np.abs(x) <= 1]
    truth = 2 * DISTANCE * deviation(inside)
    widths.plot(inside, truth, color="black", linestyle=":", label="of the noise")
    widths.set(title="width of the intervals", ylim=(0, 3.5), xlabel="x")
    widths.legend(fontsize="x-small", loc="upper left")
    for ax in axes.flat:
        for start, stop in ((-1.5, -1), (1, 1.5)):
            ax.axvspan(start, stop, color="0.93", zorder=-1, linewidth=0)
        ax.set_xlim(-1.5, 1.5)
    axes[0, 0].set_ylabel("y")
    axes[1, 0].set_ylabel("y")
    panels[0].text(1.02, -2.85, "no rows", fontsize="small", color="0.4")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def main(path):
    """Fit, judge on 5,000 further rows, and draw."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    rng = np.random.default_rng(0)
    X, y = make_rows(900, rng)
    predictors = fit(X, y)
    held = make_rows(5_000, rng)
    rows = {name: summarise(predict, *held) for name, predict in predictors.items()}
    columns = ["left", "middle", "right", "all", "width"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    print("Share of held-out rows within 90% intervals, by thirds of x\n")
    print(table.to_string(float_format="%.3f"))
    draw(predictors, X, y, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Five kinds of intervals on one noisy curve.")
    parser.add_argument("--output", default="intervals.png", type=Path, help="the picture's file")
    main(parser.parse_args().output)
