"""
Quantiles: how far off may a prediction be?
===========================================

A mean alone does not say how sure it is. With ``quantile=[0.1, 0.5, 0.9]`` one network predicts the
median and the bounds between which four of five values lie, wherever the spread follows from X. The three
cannot cross. Here the spread grows from left to right, and the true quantiles are known, those of a
normal distribution. A network with the squared error, whose bounds are one spread for all rows, stands
beside it. Rows that no network has seen tell how often the bounds hold.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from sknets import MLPRegressor

QUANTILES = [0.1, 0.5, 0.9]

# %%
# Data with a known spread
# ------------------------


def make_rows(n_rows, rng):
    """Return x, y and the true quantiles of y."""
    x = rng.uniform(-1, 1, n_rows)
    centre, spread = np.sin(3 * x), 0.1 + 0.5 * (x + 1) / 2
    y = centre + spread * rng.standard_normal(n_rows)
    return x[:, None], y, centre[:, None] + spread[:, None] * norm.ppf(QUANTILES)


# %%
# Two networks
# ------------


def fit(X, y):
    """Return functions of X to bounds and middle: three quantiles, and a mean with one spread."""
    settings = {"early_stopping": True, "learning_rate_init": 0.01, "random_state": 0}
    quantiles = MLPRegressor("quantile", quantile=QUANTILES, **settings).fit(X, y)
    mean = MLPRegressor(**settings).fit(X, y)
    offsets = np.quantile(y - mean.predict(X), QUANTILES)
    return {
        "three quantiles": quantiles.predict,
        "mean, one spread": lambda X: mean.predict(X)[:, None] + offsets,
    }


def summarise(predict, X, y, truth):
    """Return coverage on the left and the right half, and the distance from the true quantiles."""
    low, _, high = predict(X).T
    is_held, is_left = (low <= y) & (y <= high), X[:, 0] < 0
    error = np.abs(predict(X) - truth).mean()
    return [is_held[is_left].mean(), is_held[~is_left].mean(), error]


def draw(predictors, X, y, path):
    """Draw rows, true and predicted quantiles."""
    import matplotlib.pyplot as plt

    x = np.linspace(-1, 1, 200)
    spread = 0.1 + 0.5 * (x + 1) / 2
    truth = np.sin(3 * x)[:, None] + spread[:, None] * norm.ppf(QUANTILES)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for ax, (name, predict) in zip(axes, predictors.items(), strict=True):
        low, middle, high = predict(x[:, None]).T
        ax.scatter(X[:, 0], y, s=4, color="0.7", label="training rows")
        ax.fill_between(x, low, high, color="tab:blue", alpha=0.25, label="10% to 90%")
        ax.plot(x, middle, color="tab:blue", label="middle")
        ax.plot(x, truth, color="black", linestyle=":", linewidth=1.2)
        ax.plot([], [], color="black", linestyle=":", label="true quantiles")
        ax.set_title(name)
        ax.set_xlabel("x")
    axes[0].set_ylabel("y")
    axes[0].legend(loc="upper left", fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main(path):
    """Fit, judge on 20,000 further rows, and draw."""
    rng = np.random.default_rng(0)
    X, y, _ = make_rows(2000, rng)
    predictors = fit(X, y)
    held = make_rows(20_000, rng)
    rows = {name: summarise(predict, *held) for name, predict in predictors.items()}
    columns = ["held, x < 0", "held, x > 0", "distance from truth"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    print("Share of held-out rows between the outer quantiles (80% would be right)\n")
    print(table.to_string(float_format="%.3f"))
    draw(predictors, X[:600], y[:600], path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Quantiles that cannot cross, beside the truth.")
    parser.add_argument("--output", default="quantiles.png", type=Path, help="the picture's file")
    main(parser.parse_args().output)
