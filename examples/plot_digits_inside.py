"""
Handwritten digits: what does a convolutional network look at?
==============================================================

A convolutional network reads 8 × 8 pixels and names the digit. This example first asks whether it reads
better than two good models without convolutions, on the same split. Then it opens the network: which
patterns its first layer looks for, what that layer makes of one digit, and which pixels a prediction is
made of, right or wrong.

The pictures of relevance can be trusted as book-keeping: the raw output of a class is handed down, layer
by layer, to the pixels, and nothing is lost on the way. The largest loss is printed.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sknets import CNNClassifier
from sknets.inspection import (
    ActivationsDisplay,
    FiltersDisplay,
    HeatmapDisplay,
    layer_relevance,
)

# %%
# Three models
# ------------
# The network takes images as they are; the others take rows of 64 pixels.


def compare(images, y, train, test):
    """Print the accuracy of three models; return the network."""
    rows = images.reshape(len(images), -1)
    rivals = {
        "scikit-learn SVC": SVC(),
        "scikit-learn MLPClassifier": make_pipeline(
            StandardScaler(), MLPClassifier(max_iter=400, random_state=0)
        ),
    }
    network = CNNClassifier(random_state=0).fit(images[train], y[train])
    scores = {"sknets CNNClassifier": network.score(images[test], y[test])}
    for name, model in rivals.items():
        scores[name] = model.fit(rows[train], y[train]).score(rows[test], y[test])
    print(f"Accuracy on {len(test)} digits that no model has seen\n")
    for name, score in scores.items():
        print(f"{name:28} {score:.4f}   {round((1 - score) * len(test)):3d} wrong")
    return network


# %%
# Book-keeping
# ------------
# The relevance of all pixels together should be the raw output of a class: the logarithm of its
# probability, up to a constant that all classes share. In the difference of two classes the constant
# is gone.


def largest_loss(network, images):
    """Return the largest relative difference between summed relevance and what it explains."""
    logs = network.predict_log_proba(images)
    ranks = np.argsort(logs, axis=1)
    best, worst = ranks[:, -1], ranks[:, 0]
    each = np.arange(len(images))
    explained = logs[each, best] - logs[each, worst]
    sums = [
        layer_relevance(network, images, target=network.classes_[which]).sum(axis=(1, 2))
        for which in (best, worst)
    ]
    return np.max(np.abs(sums[0] - sums[1] - explained) / explained)


# %%
# One picture
# -----------
# Above, the kernels of the first layer and the maps they make of one digit. Below, digits that are
# read rightly and wrongly: where the maps of the last convolution speak for the answer (Grad-CAM), and
# how much each pixel contributes to it (red) or takes away (blue).


def draw(network, images, y, path, n_shown=8):
    """Draw kernels, maps and heat maps."""
    import matplotlib.pyplot as plt

    is_right = network.predict(images) == y
    wrong = np.flatnonzero(~is_right)[: n_shown // 2]
    # the hardest of the right ones
    confidence = network.predict_proba(images).max(axis=1)
    right = np.flatnonzero(is_right)
    hardest = right[np.argsort(confidence[right])]
    shown = np.r_[hardest[: n_shown - len(wrong)], wrong]

    figure = plt.figure(figsize=(11, 8.6), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[3.9, 5.1], hspace=0.05)
    left, right = above.subfigures(1, 2, wspace=0.04)
    left.suptitle("What the first layer looks for", fontsize=11)
    FiltersDisplay.from_estimator(network, ax=left.subplots())
    right.suptitle("What it makes of the first digit below", fontsize=11)
    ActivationsDisplay.from_estimator(
        network, images[shown[0]], layer="conv1", max_maps=32, ax=right.subplots()
    )
    below.suptitle("What predictions are made of", fontsize=11)
    HeatmapDisplay.from_estimator(
        network,
        images[shown],
        y[shown],
        method=["grad_cam", "relevance"],
        ax=below.subplots(),
    )
    figure.savefig(path, dpi=110)


def main():
    """Compare, check the books, draw."""
    parser = argparse.ArgumentParser(description="Look inside a network that reads digits.")
    parser.add_argument(
        "--output",
        default=Path("docs/images/digits_inside.png"),
        type=Path,
        help="the picture's file",
    )
    output = parser.parse_args().output

    digits = load_digits()
    train, test = train_test_split(
        np.arange(len(digits.target)), test_size=0.25, stratify=digits.target, random_state=0
    )
    network = compare(digits.images, digits.target, train, test)
    loss = largest_loss(network, digits.images[test])
    print(f"\nLargest loss of relevance on the way to the pixels: {loss:.1e} of the output")
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(network, digits.images[test], digits.target[test], output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
