"""
Signals: a short pattern at an unknown place
============================================

Each signal is noise of length 128 with one of three short patterns somewhere in it; the class is the
pattern. To a dense network each place is another feature, so it would have to see every pattern at every
place. A convolution looks for a pattern wherever it is. The example compares accuracies, then asks the
network where it looked.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.svm import SVC

from sknets import CNNClassifier, MLPClassifier
from sknets.inspection import grad_cam

LENGTH, WIDTH, N_TRAIN, N_TEST = 128, 12, 800, 400
TIME = np.arange(WIDTH) / WIDTH
PATTERNS = {
    "two waves": np.sin(4 * np.pi * TIME),
    "bump": np.sin(np.pi * TIME) ** 2 * 1.5 - 0.4,
    "steps": np.sign(np.sin(2 * np.pi * TIME)) * 0.8,
}


# %%
# The signals
# -----------


def make_signals(n, seed):
    """Return signals, the names of their patterns, and where these begin."""
    rng = np.random.default_rng(seed)
    signals = rng.normal(scale=0.6, size=(n, LENGTH))
    names = rng.choice(list(PATTERNS), n)
    starts = rng.integers(0, LENGTH - WIDTH, n)
    for signal, name, start in zip(signals, names, starts, strict=True):
        signal[start : start + WIDTH] += 1.7 * PATTERNS[name]
    return signals, names, starts


# %%
# Four models, as they come
# -------------------------
# A row of X is a signal, so nothing has to be said about convolutions.


def compare(train, test):
    """Print accuracies; return them by model, and the convolutional network."""
    models = {
        "SVC": SVC(),
        "scikit-learn MLPClassifier": SklearnMLPClassifier(max_iter=500, random_state=0),
        "sknets MLPClassifier": MLPClassifier(random_state=0),
        "sknets CNNClassifier": CNNClassifier(random_state=0),
    }
    print(f"Accuracy on {N_TEST} signals (chance: 0.333)\n")
    scores = {}
    for name, model in models.items():
        scores[name] = model.fit(*train[:2]).score(*test[:2])
        print(f"{name:28} {scores[name]:.3f}")
    return scores, models["sknets CNNClassifier"]


# %%
# Where the network looked
# ------------------------
# Grad-CAM gives a map as long as the signal. Were it spread evenly, a window of the pattern's width
# would hold 9% of it.


def share_on_the_pattern(network, signals, starts):
    """Return the share of each heat map that lies on the pattern, and the maps."""
    maps = grad_cam(network, signals)
    place = np.arange(LENGTH)
    is_on = (place >= starts[:, None]) & (place < starts[:, None] + WIDTH)
    total = maps.sum(axis=1)
    shares = (maps * is_on).sum(axis=1)[total > 0] / total[total > 0]
    return shares, maps


def draw(scores, network, test, maps, path):
    """Draw three signals with their heat, and the accuracies."""
    signals, names, starts = test
    predicted = network.predict(signals)
    figure = plt.figure(figsize=(11, 5.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.7, 1])
    axes = left.subplots(len(PATTERNS), 1, sharex=True, sharey=True)
    for ax, name in zip(axes, PATTERNS, strict=True):
        row = np.flatnonzero((names == name) & (predicted == name))[0]
        heat = maps[row] / maps[row].max()
        low, high = -3.2, 3.6
        ax.imshow(
            heat[None],
            aspect="auto",
            extent=(-0.5, LENGTH - 0.5, low, high),
            cmap="Reds",
            alpha=0.8,
        )
        ax.plot(signals[row], color="0.15", linewidth=1)
        for edge in (starts[row], starts[row] + WIDTH - 1):
            ax.axvline(edge, color="tab:blue", linestyle="--", linewidth=1.2)
        ax.set_ylim(low, high)
        ax.set_title(name, loc="left", fontsize=10)
    axes[-1].set_xlabel("time")
    left.suptitle("Heat (Grad-CAM), and where the pattern is (dashed)", fontsize=11)

    ax = right.subplots()
    labels = [name.replace(" ", "\n", 1) for name in scores]
    colours = ["0.7", "0.7", "tab:orange", "tab:red"]
    bars = ax.bar(labels, list(scores.values()), color=colours)
    ax.bar_label(bars, fmt="%.2f", fontsize=11)
    ax.axhline(1 / 3, color="0.4", linestyle=":", linewidth=1)
    ax.annotate("chance", (3.5, 1 / 3), xytext=(3, 0), textcoords="offset points", va="center")
    ax.set_ylim(0, 1.08)
    ax.tick_params(axis="x", labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    right.suptitle(f"Accuracy, {N_TRAIN} signals to learn from", fontsize=11)
    figure.savefig(path, dpi=110)


def main():
    """Compare, look inside, draw."""
    parser = argparse.ArgumentParser(description="Find short patterns in signals.")
    parser.add_argument(
        "--output", default=Path("docs/images/signals.png"), type=Path, help="the picture's file"
    )
    output = parser.parse_args().output

    train, test = make_signals(N_TRAIN, 0), make_signals(N_TEST, 1)
    scores, network = compare(train, test)
    shares, maps = share_on_the_pattern(network, test[0], test[2])
    print(f"\nShare of the heat on the pattern: {np.mean(shares):.2f} (even: {WIDTH / LENGTH:.2f})")
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(scores, network, test, maps, output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
