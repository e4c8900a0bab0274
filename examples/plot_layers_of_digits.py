"""
What each layer makes of the digits
===================================

A network turns what it is given, layer by layer, into something that a linear model can read: its last
layer is one. How far each layer has come shows by a probe: a linear classifier, trained on what the layer
puts out and scored on new rows (Alain and Bengio, 2016). The network is not changed by it.

Digits that stand in the middle of their image are nearly linear as they are. So here each stands
somewhere in a larger one. That is easy to see and hard for a linear model, which has a weight for each
pixel. Three networks read them: a dense one, the same before it has learned anything, and a
convolutional one.

Reference: Alain and Bengio (2016), Understanding intermediate layers using linear classifier probes,
arXiv:1610.01644.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import CNNClassifier, MLPClassifier
from sknets.inspection import layer_activations

SIZE, N_PLACES = 12, 4
INKS = {"dense": "#1f5f8b", "dense, untrained": "0.55", "convolutional": "#d1603d"}

# %%
# Digits in any place
# -------------------


def place(images, n_places, rng):
    """Return each image in so many places of a larger one."""
    images = np.repeat(images, n_places, axis=0)
    placed = np.zeros((len(images), SIZE, SIZE))
    corners = rng.integers(0, SIZE - 7, size=(len(images), 2))
    for target, image, (row, column) in zip(placed, images, corners, strict=True):
        target[row : row + 8, column : column + 8] = image / 16
    return placed


def make_data():
    """Return training and new images, and their labels. No digit is in both."""
    digits, rng = load_digits(), np.random.default_rng(0)
    images, new, y, new_y = train_test_split(
        digits.images, digits.target, test_size=0.4, stratify=digits.target, random_state=0
    )
    return place(images, N_PLACES, rng), place(new, 1, rng), np.repeat(y, N_PLACES), new_y


# %%
# Three networks
# --------------
# The untrained one takes a single epoch at a rate of 1e-12, which leaves its weights as they were drawn.


def flat(images):
    """Return images as rows of pixels."""
    return images.reshape(len(images), -1)


def fit_all(images, y):
    """Return the networks, each with how it takes images."""
    settings = {"learning_rate": "cosine", "batch_size": 64, "random_state": 0}
    dense = MLPClassifier((64, 64, 64), learning_rate_init=0.003, max_iter=40, **settings)
    untrained = MLPClassifier((64, 64, 64), learning_rate_init=1e-12, random_state=0)
    convolutional = CNNClassifier((8, 16, 32), learning_rate_init=0.005, max_iter=15, **settings)
    return {
        "dense": (dense.fit(flat(images), y), flat),
        "dense, untrained": (untrained.partial_fit(flat(images), y, classes=range(10)), flat),
        "convolutional": (convolutional.fit(images, y), np.asarray),
    }


def layers(network, as_taken, images):
    """Return the pixels, and what each layer makes of them, as rows of numbers."""
    found = layer_activations(network, as_taken(images))
    ends = [name for name in found if name.startswith(("hidden", "activation"))]
    return {"pixels": flat(images)} | {
        f"layer {number}": flat(found[name]) for number, name in enumerate(ends, start=1)
    }


# %%
# Probes
# ------


def probe(seen, y, new, new_y):
    """Return the accuracy on new rows of a linear model and of the nearest neighbours."""
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    neighbours = KNeighborsClassifier(5)
    return [model.fit(seen, y).score(new, new_y) for model in (linear, neighbours)]


def probe_all(networks, images, y, new, new_y):
    """Return a table of probes, and where the layers put the new images on a plane."""
    rows, planes = {}, {}
    for name, (network, as_taken) in networks.items():
        seen, of_new = (layers(network, as_taken, each) for each in (images, new))
        for layer in seen:
            accuracy = probe(seen[layer], y, of_new[layer], new_y)
            rows[name, layer] = [seen[layer].shape[1], *accuracy]
            plane = LinearDiscriminantAnalysis(n_components=2).fit(seen[layer], y)
            planes[name, layer] = plane.transform(of_new[layer])
    table = pd.DataFrame.from_dict(
        rows, orient="index", columns=["numbers", "linear", "neighbours"]
    )
    table.index = pd.MultiIndex.from_tuples(table.index, names=["network", "layer"])
    return table, planes


# %%
# The picture
# -----------
# New digits, in colours, on the plane of each layer that tells the training digits best apart: the first
# two directions of a linear discriminant analysis. From layer to layer, the trained networks pull the
# kinds apart, and the linear probe rises, most of all in the first layer. Random layers do not: from the
# second on, each is harder to read than the one before. That nearest neighbours read the pixels well
# shows what a dense layer does: it adds nothing to what is there, but turns it so that straight lines can
# cut it. Convolutional layers share their weights over all places, and from the second one on are read
# better than pixels by the neighbours, too.


def draw_map(ax, points, y):
    """Draw points of a plane, each kind named where most of it lies."""
    ax.scatter(*points.T, c=y, cmap="tab10", s=8, alpha=0.6, linewidths=0)
    for label in np.unique(y):
        ax.text(
            *np.median(points[y == label], axis=0),
            str(label),
            ha="center",
            va="center",
            fontsize=8,
            weight="bold",
            bbox={
                "boxstyle": "circle,pad=0.15",
                "facecolor": "white",
                "alpha": 0.8,
                "linewidth": 0.4,
            },
        )
    low, high = np.quantile(points, [0.005, 0.995], axis=0)  # a few lie far out
    margin = 0.12 * (high - low)
    limits = list(zip(low - margin, high + margin, strict=True))
    ax.set(xticks=[], yticks=[], xlim=limits[0], ylim=limits[1])
    ax.spines[:].set_color("0.85")


def draw_probes(ax, table, kind, title):
    """Draw accuracies by layer."""
    for name, ink in INKS.items():
        of_layers = table.loc[name, kind]
        ax.plot(range(len(of_layers)), of_layers, "o-", color=ink, label=name)
    ax.set_xticks(range(len(of_layers)), of_layers.index)
    ax.set(ylim=(0.25, 1), ylabel="accuracy on new digits")
    ax.set_title(title, fontsize=11)
    ax.grid(axis="y", color="0.92")
    ax.spines[["top", "right"]].set_visible(False)


def draw(table, planes, new, new_y, path):
    """Draw some images, maps of all layers, and the probes."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(14, 8.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[2.3, 1], wspace=0.03)
    mosaic = [
        ["images" if row else "pixels", *(f"{row}{k}" for k in (1, 2, 3))] for row in range(3)
    ]
    axes = left.subplot_mosaic(mosaic)
    tiles = new[:32].reshape(8, 4, SIZE, SIZE)
    tiles = np.pad(tiles, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=0.25)
    axes["images"].imshow(np.block([list(row) for row in tiles]), cmap="gray_r", vmin=0, vmax=1)
    axes["images"].set_title("some of the new digits", fontsize=9)
    axes["images"].set_axis_off()
    for (name, layer), points in planes.items():
        row, is_pixels = list(INKS).index(name), layer == "pixels"
        if is_pixels and row:
            continue  # the same for all networks
        ax = axes["pixels" if is_pixels else f"{row}{layer[-1]}"]
        draw_map(ax, points, new_y)
        size, linear = table.loc[(name, layer), ["numbers", "linear"]]
        ax.set_title(f"{layer}: {size:.0f} numbers, probe {linear:.0%}", fontsize=9)
        if layer == "layer 1":
            ax.set_ylabel(name, fontsize=11, color=INKS[name])
    above, below = right.subplots(2, 1)
    draw_probes(above, table, "linear", "a linear probe of each layer")
    draw_probes(below, table, "neighbours", "five nearest neighbours")
    above.legend(frameon=False, loc="center right", bbox_to_anchor=(1, 0.42))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def main(path):
    """Fit, probe, draw."""
    images, new, y, new_y = make_data()
    networks = fit_all(images, y)
    print(f"{len(images)} images to learn from, {len(new)} new ones of {SIZE} x {SIZE} pixels\n")
    for name, (network, as_taken) in networks.items():
        print(f"{name:18}  reads {network.score(as_taken(new), new_y):.3f} of the new ones")
    table, planes = probe_all(networks, images, y, new, new_y)
    for (name, layer), row in table.iterrows():
        print(f"{name}, {layer}  linear {row.linear:.3f}, neighbours {row.neighbours:.3f}")
    draw(table, planes, new, new_y, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Probes of the layers of networks that read digits."
    )
    parser.add_argument(
        "--output", default="layers_of_digits.png", type=Path, help="the picture's file"
    )
    main(parser.parse_args().output)
