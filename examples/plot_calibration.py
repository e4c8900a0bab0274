"""
Probabilities that mean what they say, and sets of classes
==========================================================

A network that has learned its rows by heart is too sure: of the predictions it gives 99%, far fewer are
right. ``calibrate=True`` holds rows out, and divides the logits by a temperature with which probabilities
fit these rows. Labels stay as they are. The same rows make *sets* of classes that contain the true one
with a probability of choice: one class where a digit is clear, several where it is not.

The data are scikit-learn's digits with so much noise that some cannot be told apart.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

from sknets import MLPClassifier

COVERAGE = 0.9

# %%
# Noisy digits
# ------------


def make_rows(rng):
    """Return X and y of 600 digits to learn from, and of all others."""
    X, y = load_digits(return_X_y=True)
    X = np.clip(X + 5.0 * rng.standard_normal(X.shape), 0, 16) / 16
    return train_test_split(X, y, train_size=600, stratify=y, random_state=0)


def reliability(shares, is_right, n_bins=10):
    """Return, for rows in order of how sure a prediction is, its mean probability and the share right."""
    order = np.argsort(shares)
    parts = np.array_split(order, n_bins)
    return np.array([(shares[part].mean(), is_right[part].mean()) for part in parts]).T


def calibration_error(shares, is_right):
    """Return the mean distance of both, over bins of equally many rows."""
    said, was = reliability(shares, is_right)
    return np.abs(said - was).mean()


# %%
# Before and after
# ----------------


def summarise(network, X, y):
    """Return accuracy, log-loss, calibration error and the share of rows whose set has the class."""
    shares = network.predict_proba(X)
    best = shares.argmax(axis=1)
    row = {
        "accuracy": accuracy_score(y, network.classes_[best]),
        "log-loss": log_loss(y, shares),
        "calibration error": calibration_error(shares.max(axis=1), network.classes_[best] == y),
    }
    if network.calibrate:
        sets = network.predict_set(X, COVERAGE)
        row |= {"in its set": sets[np.arange(len(y)), y].mean(), "classes": sets.sum(axis=1).mean()}
    return row


def draw(networks, X, y, path):
    """Draw what probabilities mean before and after, and digits of sets of several sizes."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.2])
    ax = left.subplots()
    for color, (name, network) in zip(["tab:red", "tab:blue"], networks.items(), strict=True):
        shares = network.predict_proba(X)
        best = shares.argmax(axis=1)
        said, was = reliability(shares.max(axis=1), network.classes_[best] == y)
        ax.plot(said, was, "o-", color=color, label=name)
    ax.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1, label="as promised")
    ax.set(
        xlabel="probability of the predicted class", ylabel="share that is right", aspect="equal"
    )
    ax.set(xlim=(0.2, 1.02), ylim=(0.2, 1.02), title="a tenth of the held-out rows each")
    ax.legend(loc="upper left", fontsize="small")

    sets = network.predict_set(X, COVERAGE)
    sizes = np.minimum(sets.sum(axis=1), 4)
    rows = np.concatenate([np.flatnonzero(sizes == size)[:4] for size in (1, 2, 3)])
    axes = right.subplots(3, 4)
    for ax, row in zip(axes.flat, rows, strict=True):
        ax.imshow(X[row].reshape(8, 8), cmap="gray_r")
        inside = sets[row, y[row]]
        names = ", ".join(map(str, np.flatnonzero(sets[row])))
        ax.set_title(f"{{{names}}}", fontsize="medium", color="black" if inside else "tab:red")
        ax.text(7.3, 7.2, y[row], fontsize="small", color="tab:blue", ha="right", weight="bold")
        ax.set_axis_off()
    right.suptitle(
        "sets of classes for 90% (blue: the true one; red: not in it)", fontsize="medium"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def main(path):
    """Fit twice, judge, and draw."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # which says that rows are known by heart
    X, held, y, y_held = make_rows(np.random.default_rng(0))
    networks = {
        "before": MLPClassifier(max_iter=300, random_state=0).fit(X, y),
        "calibrated": MLPClassifier(max_iter=300, calibrate=True, random_state=0).fit(X, y),
    }
    rows = {name: summarise(network, held, y_held) for name, network in networks.items()}
    print(f"{len(held)} digits held out; temperature {networks['calibrated'].temperature_:.2f}\n")
    print(pd.DataFrame.from_dict(rows, orient="index").to_string(float_format="%.3f", na_rep=""))
    draw(networks, held, y_held, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Probabilities before and after calibration.")
    parser.add_argument("--output", default="calibration.png", type=Path, help="the picture's file")
    main(parser.parse_args().output)
