"""
Two numbers for a digit: an autoencoder beside a PCA
====================================================

An autoencoder is a network that returns what it was given by way of a few numbers, the code. With
straight lines it is a principal component analysis; with hidden layers, codes lie on a curved surface in
the space of the rows. Two numbers are enough to see the difference: how ten digits spread over a map,
and what is made again of two, eight and thirty-two numbers.

A spiral is one number for an autoencoder; a PCA has a straight line for it. (Nothing promises that codes
follow the curve in order: where the ends of a spiral come near each other, an autoencoder often cuts it,
and keeps as much.)
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from sknets import Autoencoder

DIMENSIONS = (2, 8, 32)

# %%
# Digits
# ------


def fit_digits(X):
    """Return a PCA and an autoencoder for each number of dimensions."""
    # a bounded code spreads more evenly over a map
    deep = {"hidden_layer_sizes": (128, 64), "code_activation": "tanh", "random_state": 0}
    deep["activation"] = "tanh"
    return {
        "PCA": [PCA(k, random_state=0).fit(X) for k in DIMENSIONS],
        "autoencoder": [Autoencoder(k, **deep).fit(X) for k in DIMENSIONS],
    }


def compare(coders, X, y, new, new_y):
    """Return what is kept of new digits, and how many have neighbours of their kind on the map."""
    rows = {}
    for name, of_each in coders.items():
        row = {}
        for k, coder in zip(DIMENSIONS, of_each, strict=True):
            left = new - coder.inverse_transform(coder.transform(new))
            row[f"kept by {k}"] = 1 - (left**2).sum() / ((new - new.mean(axis=0)) ** 2).sum()
        neighbours = KNeighborsClassifier(5).fit(of_each[0].transform(X), y)
        row["neighbours on the map"] = neighbours.score(of_each[0].transform(new), new_y)
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")


# %%
# A spiral
# --------


def fit_spiral():
    """Return points along a spiral, and a PCA and an autoencoder of one number."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0.7 * np.pi, 2.4 * np.pi, 600)
    X = angle[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    X += 0.25 * rng.normal(size=X.shape)
    network = Autoencoder(1, (64, 64), activation="tanh", max_iter=500, random_state=0)
    return X, {"PCA": PCA(1).fit(X), "autoencoder": network.fit(X)}


# %%
# Pictures
# --------


def draw_map(ax, codes, y, title):
    """Draw codes of digits as a map in colours, each kind named where most of it lies."""
    ax.scatter(*codes.T, c=y, cmap="tab10", s=7, alpha=0.55, linewidths=0)
    for label in np.unique(y):
        where = np.median(codes[y == label], axis=0)
        ax.text(
            *where,
            str(label),
            ha="center",
            va="center",
            weight="bold",
            bbox={
                "boxstyle": "circle,pad=0.2",
                "facecolor": "white",
                "alpha": 0.85,
                "linewidth": 0.5,
            },
        )
    ax.set(title=title, xticks=[], yticks=[])


def draw_again(axes, digit, coders):
    """Draw digits and what is made of them: a row of pictures for each way and number."""
    names = ["as it was"] + [f"{name}, {k}" for k in DIMENSIONS for name in coders]
    rows = [digit] + [
        of_each[place].inverse_transform(of_each[place].transform(digit))
        for place in range(len(DIMENSIONS))
        for of_each in coders.values()
    ]
    for row_axes, name, images in zip(axes, names, rows, strict=True):
        for ax, image in zip(row_axes, images, strict=True):
            ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_color("0.8")
        row_axes[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize="small")


def draw(coders, new, new_y, spiral, path):
    """Draw maps, digits made again, and the curves of one number."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(13, 8), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.7, 1])
    top, bottom = left.subfigures(2, 1, height_ratios=[1.1, 1])
    for ax, (name, of_each) in zip(top.subplots(1, 2), coders.items(), strict=True):
        draw_map(ax, of_each[0].transform(new), new_y, f"new digits, two numbers by {name}")

    X, of_spiral = spiral
    for ax, (name, coder) in zip(bottom.subplots(1, 2), of_spiral.items(), strict=True):
        code = coder.transform(X)
        ax.scatter(*X.T, c=code[:, 0].argsort().argsort(), cmap="viridis", s=9, alpha=0.7)
        line = coder.inverse_transform(np.linspace(code.min(), code.max(), 400)[:, None])
        ax.plot(*line.T, color="tab:red", linewidth=2)
        ax.set(title=f"a spiral, one number by {name}", xticks=[], yticks=[], aspect="equal")

    first = [np.flatnonzero(new_y == label)[1] for label in (0, 2, 3, 5, 7)]
    axes = right.subplots(1 + 2 * len(DIMENSIONS), len(first))
    draw_again(axes, new[first], coders)
    right.suptitle("made again of so many numbers", fontsize="large")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def main(path):
    """Fit both, compare and draw."""
    X, y = load_digits(return_X_y=True)
    X, new, y, new_y = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
    coders, spiral = fit_digits(X), fit_spiral()
    print(f"{len(X)} digits to learn from, {len(new)} new ones\n")
    print(compare(coders, X, y, new, new_y).to_string(float_format="%.3f"))
    points, of_spiral = spiral
    print("\nshare of the spiral that one number keeps")
    for name, coder in of_spiral.items():
        left = points - coder.inverse_transform(coder.transform(points))
        print(f"{name}  {1 - (left**2).sum() / ((points - points.mean(axis=0)) ** 2).sum():.3f}")
    draw(coders, new, new_y, spiral, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Codes of an autoencoder beside those of a PCA.")
    parser.add_argument("--output", default="autoencoder.png", type=Path, help="the picture's file")
    main(parser.parse_args().output)
