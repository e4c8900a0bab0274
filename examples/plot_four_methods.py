"""
Four ways down one surface
==========================

Nonlinear least squares is a walk down the sum of squares S, theta <- theta - A grad S / 2. What tells
the textbook's four methods apart is A: lr I for gradient descent, (J'J)^-1 for Gauss-Newton,
(J'J + lambda D)^-1 for Levenberg-Marquardt, H^-1 for Newton. Here are all four on one surface, from one
start: a curve that saturates, y = top (1 - exp(-rate x)), whose valley is narrow and bent, since a lower
top and a higher rate look much the same. ``theta_path_`` has the points of each.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sknets import NonlinearRegressor

NAMES = {
    "gd": "gradient descent",
    "gauss-newton": "Gauss-Newton",
    "lm": "Levenberg-Marquardt",
    "newton": "Newton",
}
INKS = {"gd": "#e0a030", "gauss-newton": "#d1603d", "lm": "#1f5f8b", "newton": "#3f8f5f"}
TRUTH, START = (4.0, 0.35), (1.0, 2.6)

# %%
# Data and model
# --------------


def saturation(x, theta):
    """Return the curve."""
    return theta[0] * (1 - torch.exp(-theta[1] * x))


def make_rows():
    """Return 25 rows with a known curve."""
    x = np.linspace(0.2, 6, 25)
    rng = np.random.default_rng(0)
    return x[:, None], TRUTH[0] * (1 - np.exp(-TRUTH[1] * x)) + 0.1 * rng.standard_normal(25)


# %%
# Four fits
# ---------


def fit_all(X, y):
    """Return a fit by each method, and the milliseconds it takes."""
    fits, milliseconds = {}, {}
    for solver in NAMES:
        fits[solver] = NonlinearRegressor(saturation, START, solver=solver, tol=1e-8).fit(X, y)
        begin = time.perf_counter()
        fits[solver].fit(X, y)
        milliseconds[solver] = 1000 * (time.perf_counter() - begin)
    return fits, milliseconds


def summarise(fits, milliseconds):
    """Return what each method needed, and what it found."""
    rows = {
        NAMES[solver]: [
            fit.n_iter_,
            fit.n_evaluations_,
            milliseconds[solver],
            fit.rss_,
            *fit.theta_,
        ]
        for solver, fit in fits.items()
    }
    columns = ["steps", "evaluations of S", "ms", "S", "top", "rate"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


# %%
# The picture
# -----------
# Above: the surface and the four paths. Below: how far S is above its minimum after each step. Gradient
# descent goes straight down the wall, and then needs many short steps along the floor, which no single
# learning rate fits. Gauss-Newton believes its straight model and has to shorten its first steps;
# Levenberg-Marquardt turns them towards the gradient instead; Newton sees the bend. Once they are near
# the minimum, each step of these three brings several digits.


def draw(fits, X, y, path):
    """Draw surface, paths and loss curves."""
    import matplotlib.pyplot as plt

    top, rate = np.meshgrid(np.linspace(0.2, 5.6, 240), np.linspace(0.05, 3.0, 240))
    curves = top[..., None] * (1 - np.exp(-rate[..., None] * X[:, 0]))
    surface = np.log10(np.square(curves - y).sum(axis=-1))
    figure, axes = plt.subplot_mosaic(
        [["gd", "gauss-newton", "lm", "newton"], ["loss"] * 4],
        figsize=(12, 7),
        height_ratios=[1.25, 1],
        layout="constrained",
    )
    lowest = min(fit.rss_ for fit in fits.values())
    for solver, fit in fits.items():
        ax, points = axes[solver], fit.theta_path_
        levels = np.linspace(np.log10(lowest), surface.max(), 22)
        ax.contourf(top, rate, surface, levels=levels, cmap="Blues_r", alpha=0.85)
        ax.contour(top, rate, surface, levels=levels, colors="white", linewidths=0.4)
        ax.plot(*points.T, color=INKS[solver], linewidth=1.8)
        ax.plot(
            *points.T,
            "o",
            color=INKS[solver],
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.6,
        )
        ax.plot(*START, "s", color="black", markersize=6)
        ax.plot(*fit.theta_, "*", color="white", markeredgecolor="black", markersize=14)
        ax.set(xlim=(0.2, 5.6), ylim=(0.05, 3.0), xlabel="top")
        ax.set_title(f"{NAMES[solver]}: {fit.n_iter_} steps", fontsize=11)
        if solver != "gd":
            ax.set_yticklabels([])
        above = np.maximum(np.array(fit.loss_curve_) - lowest, 1e-17)
        axes["loss"].plot(
            np.arange(len(above)),
            above,
            "o-",
            color=INKS[solver],
            markersize=4,
            label=NAMES[solver],
        )
    axes["gd"].set_ylabel("rate")
    loss = axes["loss"]
    loss.set(yscale="log", xlabel="step", ylabel="S above its minimum")
    loss.set_ylim(1e-15, None)
    loss.legend(frameon=False)
    loss.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main(path):
    """Fit, print, draw."""
    X, y = make_rows()
    fits, milliseconds = fit_all(X, y)
    print(f"From top = {START[0]}, rate = {START[1]} to a relative offset of 1e-8\n")
    print(summarise(fits, milliseconds).round(4).to_string())
    draw(fits, X, y, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The four methods of nonlinear least squares.")
    parser.add_argument(
        "--output", default="four_methods.png", type=Path, help="the picture's file"
    )
    main(parser.parse_args().output)
