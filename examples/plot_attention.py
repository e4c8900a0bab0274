"""
Attention: what comes after the marker?
=======================================

Each sequence has 20 to 60 signs: letters, with one exclamation mark among them. Its class is the letter
that follows the mark. All else is distraction, and nothing tells the network so: it sees sequences and
classes. With ``pool="attention"`` a recurrent network weighs the timesteps, and the weights can be read.
This example asks whether they point at the place of the answer, and compares four ways of pooling.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from sknets import RNNClassifier

SIGNS = "!ABCDEFGH"
N_TRAIN, N_TEST = 500, 500

# %%
# The sequences
# -------------
# Tokens are integers: 0 is the mark, 1 to 8 are the letters.


def make_sequences(n, seed):
    """Return sequences of tokens, the letters after the mark, and where those stand."""
    rng = np.random.default_rng(seed)
    sequences = [rng.integers(1, len(SIGNS), length) for length in rng.integers(20, 61, n)]
    places = np.array([rng.integers(1, len(sequence)) for sequence in sequences])
    for sequence, place in zip(sequences, places, strict=True):
        sequence[place - 1] = 0
    letters = [SIGNS[s[place]] for s, place in zip(sequences, places, strict=True)]
    return sequences, np.array(letters), places


# %%
# Five networks
# -------------
# They differ in what the head sees of all timesteps, and in the direction of reading.

NETWORKS = {
    "attention": {"pool": "attention"},
    "attention, bidirectional": {"pool": "attention", "bidirectional": True},
    "maximum": {"pool": "max"},
    "last state": {"pool": "last"},
    "mean": {"pool": "mean"},
}


def train(sequences, letters):
    """Return the fitted networks by name."""
    return {
        name: RNNClassifier(vocabulary_size=len(SIGNS), max_iter=60, random_state=0, **options).fit(
            sequences, letters
        )
        for name, options in NETWORKS.items()
    }


# %%
# Where the networks look
# -----------------------
# Chance is a weight spread evenly, and a largest weight that is anywhere, which give the same figures.


def measure_weights(weights, places):
    """Return how far the largest weights are from the places, and a row of figures."""
    offsets = np.array([row.argmax() for row in weights]) - places
    at = np.array([row[place] for row, place in zip(weights, places, strict=True)])
    near = [row[place - 1 : place + 2].sum() for row, place in zip(weights, places, strict=True)]
    return offsets, {
        "largest at place": np.mean(offsets == 0),
        "largest within ±1": np.mean(np.abs(offsets) <= 1),
        "weight at place": np.mean(at),
        "weight within ±1": np.mean(near),
    }


def report(networks, sequences, letters, places):
    """Print accuracies and what the weights point at; return weights and offsets by network."""
    print(f"Accuracy on {N_TEST} sequences (chance: {1 / (len(SIGNS) - 1):.3f})\n")
    for name, network in networks.items():
        print(f"{name:28} {network.score(sequences, letters):.3f}")
    even = [np.full(len(sequence), 1 / len(sequence)) for sequence in sequences]
    chance = measure_weights(even, places)[1]
    for where in ("at place", "within ±1"):
        chance[f"largest {where}"] = chance[f"weight {where}"]
    found, rows = {}, {}
    for name, network in networks.items():
        if network.pool == "attention":
            weights = network.attention_weights(sequences)
            offsets, rows[name] = measure_weights(weights, places)
            found[name] = weights, offsets
    print("\nThe weights, and the place of the letter that is asked for\n")
    print(pd.DataFrame.from_dict(rows | {"chance": chance}, orient="index").round(3).to_string())
    return found


# %%
# One picture
# -----------
# The network that reads from one end knows the answer one letter after the mark, and looks there. The
# other network reads from both ends: its state at the mark knows what follows, so it may look there too.


def draw(found, sequences, places, path, n_shown=12):
    """Draw weights of some sequences, and how far the largest are from the answers."""
    import matplotlib.pyplot as plt

    weights, _ = found["attention"]
    lengths = np.array([len(sequence) for sequence in sequences])
    rows = np.argsort(lengths[:n_shown], kind="stable")
    longest = lengths[rows].max()
    grid = np.full((n_shown, longest), np.nan)
    for line, row in enumerate(rows):
        grid[line, : lengths[row]] = weights[row]

    figure = plt.figure(figsize=(12, 4.9), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[2.7, 1])
    left.suptitle('Weights of pool="attention"; boxes: the letters that are asked for', fontsize=11)
    ax = left.subplots()
    image = ax.imshow(grid, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for line, row in enumerate(rows):
        for time, token in enumerate(sequences[row]):
            is_dark = grid[line, time] > 0.6
            style = {"color": "white", "weight": "bold"} if is_dark else {"color": "0.45"}
            if token == 0:
                style = {"color": "tab:red", "weight": "bold"}
            ax.text(time, line, SIGNS[token], ha="center", va="center", fontsize=7.5, **style)
        corner = (places[row] - 0.5, line - 0.5)
        ax.add_patch(plt.Rectangle(corner, 1, 1, fill=False, edgecolor="tab:orange", linewidth=1.8))
    ax.set(xlabel="timestep", ylabel="sequence", yticks=[])
    ax.spines[:].set_visible(False)
    left.colorbar(image, ax=ax, label="weight", pad=0.01, fraction=0.04)

    right.suptitle("Largest weight", fontsize=11)
    bins = np.arange(-4, 5)
    panels = right.subplots(len(found), 1, sharex=True, sharey=True)
    for ax, (name, (_, offsets)), colour in zip(
        panels, found.items(), ("tab:blue", "tab:green"), strict=True
    ):
        shares = [np.mean(np.clip(offsets, -4, 4) == offset) for offset in bins]
        bars = ax.bar(bins, shares, color=colour, width=0.8)
        ax.bar_label(bars, [f"{share:.2f}" if share else "" for share in shares], fontsize=9)
        ax.set(title=name, ylim=(0, 1.15), ylabel="share of sequences")
        ax.title.set_fontsize(10)
        ax.spines[["top", "right"]].set_visible(False)
    ticks = [f"{offset:+d}".replace("-", "−") if offset else "0" for offset in bins]
    panels[-1].set_xticks(bins, ["≤−4", *ticks[1:-1], "≥4"], fontsize=9)
    panels[-1].set_xlabel("timesteps after the letter")
    figure.savefig(path, dpi=110)


def main():
    """Train, ask where the networks look, draw."""
    parser = argparse.ArgumentParser(description="Read the attention of a recurrent network.")
    parser.add_argument(
        "--output", default=Path("docs/images/attention.png"), type=Path, help="the picture's file"
    )
    output = parser.parse_args().output

    networks = train(*make_sequences(N_TRAIN, 0)[:2])
    sequences, letters, places = make_sequences(N_TEST, 1)
    found = report(networks, sequences, letters, places)
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(found, sequences, places, output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
