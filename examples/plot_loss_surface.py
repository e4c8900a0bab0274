"""
What a loss surface looks like
==============================

A network has thousands of parameters; its loss, over a plane through the fitted ones, is a picture. Three
questions have an answer in it. Why are deep networks without skip connections hard to train? Which way
does a training take? Do two fits lie in the same valley?
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from torch import nn

from sknets import MLPClassifier, ModuleClassifier
from sknets.inspection import LossSurfaceDisplay, ParameterPath

N_SEEDS = 5
LEVELS = np.geomspace(1e-3, 1e3, 25)

# %%
# Deep, with and without skip connections
# ---------------------------------------
# A dense network of 32 units a layer reads handwritten digits. With a skip connection, a layer adds to
# what it was given.


def make_data():
    """Return X_train, X_test, y_train, y_test."""
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, train_size=800, random_state=0, stratify=y)


class Deep(nn.Module):
    """Layers of rectifiers, with or without skip connections."""

    def __init__(self, n_inputs, n_outputs, depth, skip, width=32):
        super().__init__()
        self.first = nn.Linear(n_inputs, width)
        self.hidden = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.last = nn.Linear(width, n_outputs)
        self.skip = skip

    def forward(self, x):
        """Return the logits of the classes."""
        x = torch.relu(self.first(x))
        for layer in self.hidden:
            change = torch.relu(layer(x))
            x = x + change if self.skip else change
        return self.last(x)


def fit_deep(data, depth, *, skip, seed=0):
    """Fit a deep network to the training rows."""
    network = ModuleClassifier(
        Deep,
        module_params={"depth": depth, "skip": skip},
        batch_size=50,
        max_iter=60,
        learning_rate="cosine",
        learning_rate_init=0.003,
        random_state=seed,
    )
    return network.fit(data[0], data[2])


# %%
# One network is an anecdote, so each is fitted from five seeds. Of each, the share of the plane (up to as
# far as the weights are long) counts where the loss is below 1.


def measure(data):
    """Print what five seeds of each network reach and how wide valleys are; return first fits."""
    X_train, X_test, y_train, y_test = data
    first = {}
    print(f"{'layers':>6}  {'skips':6}{'right, training':>18}{'right, others':>18}{'loss < 1':>16}")
    for depth in (10, 15):
        for skip in (False, True):
            found = []
            for seed in range(N_SEEDS):
                network = fit_deep(data, depth, skip=skip, seed=seed)
                first.setdefault((depth, skip), network)
                surface = LossSurfaceDisplay.from_estimator(
                    network, X_train, y_train, n_points=15, random_state=seed
                )
                plt.close(surface.figure_)
                scores = network.score(X_train, y_train), network.score(X_test, y_test)
                found.append([*scores, np.mean(surface.losses < 1)])
            ranges = "".join(
                f"{f'{min(column):.0%} to {max(column):.0%}':>{width}}"
                for column, width in zip(zip(*found, strict=True), (18, 18, 16), strict=True)
            )
            print(f"{depth:6}  {'yes' if skip else 'no':6}{ranges}")
    return first


# %%
# The way of a training, and two fits
# -----------------------------------
# A `ParameterPath` records the parameters after each epoch. Its two principal directions hold nearly all
# of the way, since the loss falls along few of them.


def fit_small(data, seed, callbacks=None, **options):
    """Fit a network of one hidden layer by plain gradient descent in batches."""
    options = {"batch_size": 20, "learning_rate_init": 0.05, "max_iter": 100} | options
    network = MLPClassifier(
        hidden_layer_sizes=50,
        solver="sgd",
        momentum=0.0,
        learning_rate="cosine",
        callbacks=callbacks,
        random_state=seed,
        **options,
    )
    return network.fit(data[0], data[2])


def draw_path(data, ax):
    """Draw the path of a training over the loss in its principal directions; return the fit."""
    path = ParameterPath()
    network = fit_small(data, 0, callbacks=[path])
    LossSurfaceDisplay.from_estimator(
        network, data[0], data[2], directions="principal", path=path, log=True, ax=ax
    )
    ax.set_title("The way of a training, an epoch a point", fontsize=10)
    ax.legend(loc="upper left", fontsize=8)
    return network


# %%
# On the straight way to the fit from another seed lies a ridge. The one to a fit with batches of all rows
# from the same start has none: both went down into one valley.


def draw_ways(data, network, ax_seed, ax_batch):
    """Draw the loss on the way to the fit of another seed, and to one with all rows in a batch."""
    X_train, X_test, y_train, y_test = data
    large = fit_small(data, 0, batch_size=len(X_train), learning_rate_init=1.0, max_iter=400)
    print("\nbatches        loss, training   loss, others")
    for name, each in (("20 rows", network), ("all rows", large)):
        losses = [
            log_loss(y, each.predict_proba(X)) for X, y in zip(data[:2], data[2:], strict=True)
        ]
        print(f"{name:10}{losses[0]:19.3f}{losses[1]:15.3f}")
    for ax, other in ((ax_seed, fit_small(data, 1)), (ax_batch, large)):
        for X, y, label in ((X_train, y_train, "training rows"), (X_test, y_test, "other rows")):
            LossSurfaceDisplay.from_estimator(
                network, X, y, directions=other, n_points=61, label=label, ax=ax
            )
    ax_seed.legend(loc="upper left", fontsize=8, frameon=False)
    ax_batch.legend(loc="upper right", fontsize=8, frameon=False)
    ax_seed.set_title("From one seed (0) to another (1)", fontsize=10)
    ax_batch.set_title("From batches of 20 (0) to all rows (1)", fontsize=10)


# %%
# The picture
# -----------
# Above: ten layers without skips still have a valley, a narrow one; fifteen are left on a plateau, where
# the loss is that of a guess, log 10 = 2.3, wherever one looks, so that there is no way down. With skips
# the same fifteen layers end in a wide bowl. A star is the fit. Below: the way of a training, and the
# ways between fits.


def draw(data, first, path):
    """Draw three surfaces, a path and two ways."""
    figure, axes = plt.subplots(2, 3, figsize=(14, 8), layout="constrained")
    for ax, (depth, skip) in zip(axes[0], ((10, False), (15, False), (15, True)), strict=True):
        LossSurfaceDisplay.from_estimator(
            first[depth, skip], data[0], data[2], random_state=0, log=True, levels=LEVELS, ax=ax
        )
        ax.set_title(f"{depth} layers, {'skip connections' if skip else 'plain'}", fontsize=10)
    axes[0, 1].text(0, 0.15, "2.3 everywhere", color="white", ha="center")
    network = draw_path(data, axes[1, 0])
    draw_ways(data, network, *axes[1, 1:])
    figure.savefig(path, dpi=110)


def main():
    """Fit, measure, draw."""
    parser = argparse.ArgumentParser(description="Look at the loss around fitted networks.")
    parser.add_argument(
        "--output",
        default=Path("docs/images/loss_surface.png"),
        type=Path,
        help="the picture's file",
    )
    output = parser.parse_args().output

    data = make_data()
    first = measure(data)
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(data, first, output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
