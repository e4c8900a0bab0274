"""
Why a network disappoints, and what to do
=========================================

One task, three ways to fail at it, and the recipe that mends them. The first question is always the
same: is the network poor on its own training rows, or only on others? `diagnose` asks it, looks for the
cause, and names the parameter to change.
"""

import argparse
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

from sknets import MLPRegressor
from sknets.inspection import LearningRateDisplay, diagnose

TRAIN, VALID, MENDED = "#1f5f8b", "#d1603d", "0.55"

# %%
# A task
# ------
# Friedman's function of five columns, and 25 columns of noise beside them.


def make_data():
    """Return X_train, X_val, y_train, y_val."""
    X, y = make_friedman1(1000, n_features=30, noise=1.0, random_state=0)
    return train_test_split(scale(X), y, train_size=600, random_state=0)


# %%
# Three ways to fail
# ------------------
# Steps that are far too short; a deep network of logistic units, through which no gradient comes; and a
# large one that has 100 of the 600 rows, and learns their noise by heart.

FAILURES = {
    "steps too short": (600, {"learning_rate_init": 1e-6}),
    "deep and logistic": (600, {"hidden_layer_sizes": (30,) * 8, "activation": "logistic"}),
    "large, few rows": (100, {"hidden_layer_sizes": (400, 400), "alpha": 0.0}),
}


def fit(network, data):
    """Fit, and record the validation loss; the warnings are what this is about."""
    X_train, X_val, y_train, y_val = data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(X_train, y_train, X_val=X_val, y_val=y_val)


def compare(data):
    """Return, for each failure, the network, its diagnosis, and the mended network."""
    X_all, X_val, y_all, y_val = data
    found = {}
    for name, (n_rows, options) in FAILURES.items():
        X_train, y_train = X_all[:n_rows], y_all[:n_rows]
        seen = X_train, X_val, y_train, y_val
        network = fit(MLPRegressor(random_state=0, **options), seen)
        diagnosis = diagnose(network, X_train, y_train, X_val, y_val)
        found[name] = network, diagnosis, fit(diagnosis.remedied(), seen)
    return found


# %%
# What the recipe says
# --------------------
# Each report begins with the answer to the first question, goes on with the skill of the network beside
# that of simple models, and ends with the findings and what to change.


def report(found, data):
    """Print the reports, and the scores before and after the first remedy."""
    _, X_val, _, y_val = data
    for name, (_, diagnosis, _) in found.items():
        print(f"--- {name}\n{diagnosis}\n")
    print(f"{'':24}{'found':24}{'R² before':>10}{'after':>8}")
    for name, (network, diagnosis, mended) in found.items():
        before, after = network.score(X_val, y_val), mended.score(X_val, y_val)
        print(f"{name:24}{diagnosis.findings[0].name:24}{before:10.2f}{after:8.2f}")


# %%
# The picture
# -----------
# Losses of the training rows and of others, of the network that fails and (grey and black, dashed) with
# the first remedy; the training loss counts the penalty, which is large at first. The deep network, once
# it learns, learns noise, too: asked again, the first question has the other answer. The last picture
# tries all rates: the loss falls where the rate is large enough, and explodes where it is too large.


def draw(found, data, path):
    """Draw losses before and after, and the sweep over rates."""
    figure, axes = plt.subplots(1, 4, figsize=(15, 4.2), layout="constrained")
    for ax, (name, (network, diagnosis, mended)) in zip(axes, found.items(), strict=False):
        for each, style in ((network, "-"), (mended, "--")):
            ink = (TRAIN, VALID) if each is network else (MENDED, "black")
            for curve, colour in zip(("loss", "validation_loss"), ink, strict=True):
                values = each.history_[curve]
                label = {"loss": "training", "validation_loss": "other rows"}[curve]
                label += "" if each is network else ", mended"
                ax.plot(np.arange(1, len(values) + 1), values, style, color=colour, label=label)
        change = ", ".join(f"{key}={value}" for key, value in diagnosis.findings[0].remedy.items())
        ax.set_title(f"{name}\n{diagnosis.findings[0].name}: {change}", fontsize=10)
        ax.set(xlabel="epoch", xlim=(0, 200), ylim=(0, 0.75))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("loss (a constant: 0.5)")
    axes[0].legend(frameon=False, fontsize=8, loc="center right")
    X_train, _, y_train, _ = data
    LearningRateDisplay.from_estimator(MLPRegressor(random_state=0), X_train, y_train, ax=axes[3])
    axes[3].legend(frameon=False, fontsize=8, loc="upper left")
    axes[3].set_title("all rates in 300 steps\nfind_learning_rate", fontsize=10)
    figure.savefig(path, dpi=110)


def main():
    """Fail, diagnose, mend, draw."""
    parser = argparse.ArgumentParser(description="Mend a network that disappoints.")
    parser.add_argument(
        "--output",
        default=Path("docs/images/diagnosis.png"),
        type=Path,
        help="the picture's file",
    )
    output = parser.parse_args().output

    data = make_data()
    found = compare(data)
    report(found, data)
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(found, data, output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
