"""
Codes of images and of series
=============================

A spot somewhere in an image is two numbers, its place; a wave is two numbers, its frequency and its
phase. Neither is a straight line in the space of pixels or timesteps, so a PCA needs many more. An
autoencoder that knows what its rows are finds two: with convolutions, which see neighbours, for images;
with recurrent layers, which read step by step, for series, which here have unequal lengths, too.

The maps show the codes of images and series that the networks have not seen. Nothing told the networks of
places, frequencies and phases; the colours do afterwards.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA

from sknets import CNNAutoencoder, RNNAutoencoder

SIDE, STEPS = 16, 40

# %%
# Spots
# -----


def make_spots(n, rng):
    """Return images with a spot each, and its places (row, column)."""
    places = rng.uniform(2.5, SIDE - 3.5, (n, 2))
    row, column = np.mgrid[:SIDE, :SIDE]
    squares = (row - places[:, :1, None]) ** 2 + (column - places[:, 1:, None]) ** 2
    return np.exp(-squares / 6) + 0.05 * rng.normal(size=squares.shape), places


def fit_spots(rng):
    """Return new spots, their places, a PCA and a convolutional autoencoder of two numbers."""
    X, _ = make_spots(500, rng)
    new, places = make_spots(300, rng)
    network = CNNAutoencoder(2, hidden_layer_sizes=(64,), random_state=0)
    return new, places, PCA(2).fit(X.reshape(len(X), -1)), network.fit(X)


# %%
# Waves
# -----


def make_waves(n, rng):
    """Return noisy waves of 20 to 40 steps, and their speeds and phases."""
    speed, phase = rng.uniform(0.15, 0.45, n), rng.uniform(0, 2 * np.pi, n)
    waves = [
        np.sin(v * np.arange(m) + p) + 0.1 * rng.normal(size=m)
        for v, p, m in zip(speed, phase, rng.integers(20, STEPS + 1, n), strict=True)
    ]
    return waves, speed, phase


def as_table(waves, means):
    """Return waves as a table, with means of the timesteps where one has ended."""
    table = np.tile(means, (len(waves), 1))
    for row, wave in zip(table, waves, strict=True):
        row[: len(wave)] = wave
    return table


def fit_waves(rng):
    """Return new waves, speeds and phases, a PCA of the table and a recurrent autoencoder."""
    waves, *_ = make_waves(300, rng)
    means = [np.mean([wave[t] for wave in waves if len(wave) > t]) for t in range(STEPS)]
    network = RNNAutoencoder(2, learning_rate_init=0.01, random_state=0).fit(waves)
    return *make_waves(300, rng), PCA(2).fit(as_table(waves, means)), means, network


# %%
# Pictures
# --------


def draw_spots(axes, map_ax, new, places, pca, network):
    """Draw spots, what two numbers make of them, and the map of codes."""
    shown = [
        np.argmin(((places - at) ** 2).sum(axis=1)) for at in ((3, 3), (4, 11), (8, 8), (12, 5))
    ]
    flat = new[shown].reshape(len(shown), -1)
    rows = {
        "as it was": new[shown],
        "PCA, 2": pca.inverse_transform(pca.transform(flat)).reshape(-1, SIDE, SIDE),
        "convolutional, 2": network.inverse_transform(network.transform(new[shown])),
    }
    for row_axes, (name, images) in zip(axes, rows.items(), strict=True):
        for ax, image in zip(row_axes, images, strict=True):
            ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_color("0.8")
        row_axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
    map_ax.scatter(*network.transform(new).T, c=colours(places), s=14, alpha=0.8, linewidths=0)
    map_ax.set(title="their codes", xticks=[], yticks=[])
    legend = map_ax.inset_axes([0.82, 0.02, 0.16, 0.2])
    grid = np.moveaxis(np.mgrid[:20, :20], 0, -1).reshape(-1, 2)
    legend.imshow(colours(grid).reshape(20, 20, 3))
    legend.set_title("by place", fontsize="small")
    legend.set(xticks=[], yticks=[])


def colours(places):
    """Return a colour for each place: redder further down, bluer further right."""
    scaled = (places - places.min(axis=0)) / np.ptp(places, axis=0)
    return np.column_stack([scaled[:, 0], np.full(len(scaled), 0.45), scaled[:, 1]])


def draw_waves(axes, map_ax, waves, speed, phase, pca, means, network):
    """Draw waves with what two numbers make of them, and the map of codes."""
    lengths = [len(wave) for wave in waves]
    again = network.inverse_transform(network.transform(waves), lengths=lengths)
    by_pca = pca.inverse_transform(pca.transform(as_table(waves, means)))
    for ax, number in zip(axes.flat, np.argsort(speed)[[20, 110, 200, 280]], strict=True):
        n = lengths[number]
        ax.plot(waves[number], ".", color="0.45", markersize=4, label="as it was")
        ax.plot(by_pca[number, :n], color="tab:orange", label="PCA, 2")
        ax.plot(again[number], color="tab:blue", label="recurrent, 2")
        ax.set(xlim=(-1, STEPS), ylim=(-1.5, 1.5), yticks=[-1, 0, 1])
        ax.label_outer()
    axes.flat[0].legend(fontsize="small", ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    for ax in axes[-1]:
        ax.set_xlabel("timestep")
    points = map_ax.scatter(
        *network.transform(waves).T,
        c=phase,
        s=80 * speed,
        cmap="twilight",
        vmin=0,
        vmax=2 * np.pi,
        edgecolors="0.4",
        linewidths=0.4,
    )
    map_ax.set(title="their codes", xticks=[], yticks=[], xlabel="larger: faster")
    bar = map_ax.figure.colorbar(points, ax=map_ax, label="phase", ticks=[0, np.pi, 2 * np.pi])
    bar.ax.set_yticklabels(["0", "π", "2π"])


def kept(new, again):
    """Return the share of variance that is kept."""
    return 1 - ((new - again) ** 2).sum() / ((new - new.mean(axis=0)) ** 2).sum()


def main(path):
    """Fit both, compare and draw."""
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(0)
    new, places, pca, network = fit_spots(rng)
    flat = new.reshape(len(new), -1)
    print("share of new spots that two numbers keep")
    print(f"PCA            {kept(flat, pca.inverse_transform(pca.transform(flat))):.3f}")
    print(f"convolutional  {network.score(new):.3f}")
    waves, speed, phase, wave_pca, means, wave_network = fit_waves(rng)
    table = as_table(waves, means)
    again = wave_pca.inverse_transform(wave_pca.transform(table))
    ends = np.arange(STEPS) < np.array([[len(wave)] for wave in waves])
    print("\nshare of new waves that two numbers keep")
    print(f"PCA            {kept(np.where(ends, table, means), np.where(ends, again, means)):.3f}")
    print(f"recurrent      {wave_network.score(waves):.3f}")

    figure = plt.figure(figsize=(12, 8), layout="constrained")
    top, bottom = figure.subfigures(2, 1)
    left, right = top.subfigures(1, 2, width_ratios=[1.6, 1])
    draw_spots(left.subplots(3, 4), right.subplots(), new, places, pca, network)
    left.suptitle("a spot in an image")
    left, right = bottom.subfigures(1, 2, width_ratios=[1.6, 1])
    axes = left.subplots(2, 2, sharex=True, sharey=True)
    draw_waves(axes, right.subplots(), waves, speed, phase, wave_pca, means, wave_network)
    left.suptitle("waves of unequal length")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Codes of two numbers of images and of series.")
    parser.add_argument(
        "--output", default="image_series_codes.png", type=Path, help="the picture's file"
    )
    main(parser.parse_args().output)
