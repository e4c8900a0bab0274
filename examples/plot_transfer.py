"""
Transfer: what reading 0 to 4 teaches about 5 to 9
==================================================

A network that reads the digits 0 to 4 has learned what strokes, bends and loops look like. Does that
help with the digits 5 to 9, of which there are only ten examples each? Four ways are compared, on ten
random draws of the examples; all other digits from 5 to 9 are the test:

- from scratch: a new network;
- feature extraction: the convolutions of the old network stay as they are, a new head is trained;
- fine-tuning: then the convolutions learn too, at a small rate;
- logistic regression on what the old network sees, in a ``Pipeline``.

All networks have the same convolutions and 100 epochs. The settings of each, the learning rate of the
first included, were chosen on four other draws. Augmentation is the rival remedy for few examples, and
the old network had it, so all networks are trained with it too.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from tqdm import tqdm

from sknets import CNNClassifier, CNNFeatures
from sknets.preprocessing import Augmentation

# %%
# The old network
# ---------------
# Five classes can be told apart by little, and a network learns no more than it needs: trained on them as
# they are, its features are worth less to the new digits than a fresh start. So it is given more to
# tell apart, without any new data: each digit turned by quarters and mirrored is a class of its own.

AUGMENT = Augmentation(shift=0.12, rotate=15, scale=0.15)


def turn_and_mirror(images, y):
    """Return the images in all eight positions, with a label for each digit in each position."""
    positions = [
        np.rot90(side, quarters, axes=(1, 2))
        for side in (images, images[:, :, ::-1])
        for quarters in range(4)
    ]
    labels = [y + 10 * number for number in range(len(positions))]
    return np.concatenate(positions), np.concatenate(labels)


def train_old(images, y):
    """Return a network that reads digits in eight positions."""
    # without global pooling, a feature says what is seen, and where
    network = CNNClassifier(global_pooling=None, augment=AUGMENT, max_iter=15, random_state=0)
    return network.fit(*turn_and_mirror(images, y))


# %%
# Four ways to the new digits
# ---------------------------
# So few examples make one batch: an epoch is a step, and the head of a frozen network needs a larger
# rate than a whole network does.

N_EPOCHS = 100
N_DRAWS = 10
SCRATCH_RATE = 0.005  # of 0.001, 0.002, 0.005 and 0.02


def make_network(seed, augment, rate, **options):
    """Make a new network, which trains through all its epochs."""
    epochs = {"max_iter": N_EPOCHS, "n_iter_no_change": np.inf}
    return CNNClassifier(
        augment=augment, learning_rate_init=rate, random_state=seed, **(epochs | options)
    )


def make_models(old, seed, augment):
    """Return the models of a draw by name."""
    transfer = {"backbone": old, "global_pooling": None}
    tune = {
        "max_iter": N_EPOCHS // 2,
        "fine_tune_iter": N_EPOCHS // 2,
        "fine_tune_layers": "all",
        "fine_tune_learning_rate": 0.001,
    }
    models = {
        "from scratch": make_network(seed, augment, SCRATCH_RATE),
        "feature extraction": make_network(seed, augment, 0.01, **transfer),
        "fine-tuning": make_network(seed, augment, 0.01, **transfer, **tune),
    }
    if augment is None:
        models["features + logistic regression"] = make_pipeline(
            CNNFeatures(FrozenEstimator(old)), LogisticRegression(max_iter=2000)
        )
    return models


def compare(old, images, y):
    """Return the accuracies on the draws, by training ("as they are" or "augmented") and model."""
    accuracy = {"as they are": {}, "augmented": {}}
    for draw in tqdm(range(10, 10 + N_DRAWS), desc="draws"):
        train, test = train_test_split(
            np.arange(len(y)), train_size=10 * 5, stratify=y, random_state=draw
        )
        for training, augment in zip(accuracy, (None, AUGMENT), strict=True):
            for name, model in make_models(old, draw, augment).items():
                score = model.fit(images[train], y[train]).score(images[test], y[test])
                accuracy[training].setdefault(name, []).append(score)
    return {
        training: {name: np.array(scores) for name, scores in models.items()}
        for training, models in accuracy.items()
    }


def mean_and_error(values):
    """Return the mean and its standard error."""
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


def summarise(accuracy):
    """Return the table: means and standard errors, and draws won against the network from scratch."""
    table = {}
    for training, models in accuracy.items():
        for name, values in models.items():
            mean, error = mean_and_error(values)
            row = table.setdefault(name, {})
            row[training] = f"{mean:.4f} ± {error:.4f}"
            if name != "from scratch":
                wins = (values > models["from scratch"]).sum()
                row[f"wins, {training}"] = f"{wins} of {len(values)}"
    return pd.DataFrame.from_dict(table, orient="index").fillna("")


# %%
# One picture
# -----------


def draw_picture(accuracy, path):
    """Draw a dot per draw, and the mean with its standard error."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(9.5, 4.4), layout="constrained")
    names = list(accuracy["as they are"])[::-1]
    jitter = np.random.default_rng(0)
    for (training, models), color, offset in zip(
        accuracy.items(), ("#2f6690", "#d1603d"), (0.18, -0.18), strict=True
    ):
        for name, values in models.items():
            place = names.index(name) + offset
            spread = place + jitter.uniform(-0.08, 0.08, len(values))
            ax.scatter(values, spread, s=16, alpha=0.45, color=color, lw=0)
        means, errors = np.transpose([mean_and_error(values) for values in models.values()])
        places = np.array([names.index(name) for name in models]) + offset
        label = f"new digits {training}"
        ax.errorbar(
            means,
            places,
            xerr=errors,
            fmt="D",
            ms=6,
            mec="white",
            capsize=5,
            color=color,
            label=label,
        )
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(-0.5, len(names) - 0.5)
    ax.set_xlabel("accuracy on the digits 5 to 9 that are not in training")
    ax.set_title("dot: a draw of ten examples per digit   ◆: mean ± standard error", fontsize=10)
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="lower left")
    figure.savefig(path, dpi=110)


def main():
    """Train the old network, compare, print, draw."""
    parser = argparse.ArgumentParser(description="Transfer from the digits 0-4 to 5-9.")
    parser.add_argument(
        "--output", default=Path("docs/images/transfer.png"), type=Path, help="the picture's file"
    )
    output = parser.parse_args().output
    # the number of epochs is a choice here, not a failure to converge
    warnings.simplefilter("ignore", ConvergenceWarning)

    digits = load_digits()
    is_old = digits.target < 5
    old = train_old(digits.images[is_old], digits.target[is_old])
    accuracy = compare(old, digits.images[~is_old], digits.target[~is_old])
    print("\nAccuracy on digits 5 to 9, of ten examples each\n")
    print(summarise(accuracy).to_string())
    output.parent.mkdir(parents=True, exist_ok=True)
    draw_picture(accuracy, output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
