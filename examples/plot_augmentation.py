"""
Augmentation: more from few examples
====================================

A digit that is moved, turned or resized a little is the same digit. Telling a network so, by changing
its images anew in every epoch, is worth examples: this example measures how many. Networks learn from
5, 10 and 20 digits of each class, with and without augmentation, and are tested on all others.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from sknets import CNNClassifier
from sknets.preprocessing import Augmentation

SIZES, N_SEEDS = (5, 10, 20), 5

# %%
# What leaves a digit what it is
# ------------------------------
# Shares are of the side: 0.13 of 8 pixels is one pixel. A digit turned by 10 degrees is the same one;
# turned by 180 degrees, a 6 would be a 9. Look at samples before you believe your own declaration.

AUGMENT = Augmentation(shift=0.13, rotate=10, scale=0.1)


def make_models(seed):
    """Return the three models by name."""
    return {
        "SVC": SVC(gamma=0.001, C=10),
        "CNNClassifier": CNNClassifier(max_iter=100, random_state=seed),
        "CNNClassifier, augmented": CNNClassifier(max_iter=100, augment=AUGMENT, random_state=seed),
    }


def compare(images, y):
    """Return accuracies of shape (n_sizes, n_seeds) by model."""
    rows = images.reshape(len(images), -1)
    scores = {}
    for i, size in enumerate(SIZES):
        for seed in range(N_SEEDS):
            rng = np.random.default_rng(seed)
            train = np.concatenate(
                [rng.choice(np.flatnonzero(y == c), size, replace=False) for c in range(10)]
            )
            test = np.setdiff1d(np.arange(len(y)), train)
            for name, model in make_models(seed).items():
                X = rows if name == "SVC" else images
                score = model.fit(X[train], y[train]).score(X[test], y[test])
                scores.setdefault(name, np.zeros((len(SIZES), N_SEEDS)))[i, seed] = score
    return scores


def report(scores):
    """Print means and standard errors."""
    print(f"Accuracy (standard error) by digits of each class to learn from, {N_SEEDS} seeds\n")
    print(f"{'':26}" + "".join(f"{size:>18}" for size in SIZES))
    for name, values in scores.items():
        errors = values.std(axis=1, ddof=1) / np.sqrt(N_SEEDS)
        cells = (f"{m:.4f} ({e:.4f})" for m, e in zip(values.mean(axis=1), errors, strict=True))
        print(f"{name:26}" + "".join(f"{cell:>18}" for cell in cells))


# %%
# The picture
# -----------


def draw(scores, images, path):
    """Draw samples of the augmentation, and accuracy over the number of examples."""
    figure = plt.figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.1, 1])
    axes = left.subplots(4, 6)
    for row, image in zip(axes, images[[1, 4, 13, 8]], strict=True):
        samples = AUGMENT.sample(np.repeat(image[None], 5, axis=0), random_state=0)
        for ax, shown in zip(row, [image, *samples], strict=True):
            ax.imshow(shown, cmap="gray_r", vmin=0, vmax=16)
            ax.set(xticks=[], yticks=[])
        row[0].spines[:].set(color="tab:blue", linewidth=2.5)
    axes[0, 0].set_title("original", fontsize=10, color="tab:blue")
    axes[0, 3].set_title("as the network sees it", fontsize=10)

    ax = right.subplots()
    for (name, values), colour in zip(
        scores.items(), ["0.45", "tab:orange", "tab:red"], strict=True
    ):
        errors = values.std(axis=1, ddof=1) / np.sqrt(N_SEEDS)
        ax.errorbar(
            SIZES, values.mean(axis=1), errors, marker="o", capsize=3, label=name, color=colour
        )
    ax.set_xscale("log")
    ax.set_xticks(SIZES, SIZES)
    ax.minorticks_off()
    ax.set_xlabel("digits of each class to learn from")
    ax.set_ylabel("accuracy on all others")
    ax.legend(frameon=False, loc="lower right")
    ax.grid(axis="y", color="0.9")
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main():
    """Compare and draw."""
    parser = argparse.ArgumentParser(description="Augmentation with few digits.")
    parser.add_argument(
        "--output",
        default=Path("docs/images/augmentation.png"),
        type=Path,
        help="the picture's file",
    )
    output = parser.parse_args().output

    digits = load_digits()
    scores = compare(digits.images, digits.target)
    report(scores)
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(scores, digits.images, output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
