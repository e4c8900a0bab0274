"""
Long memory: what the plain recurrent network forgets
=====================================================

The adding problem (Hochreiter and Schmidhuber, 1997): each timestep has a random number and a mark. Two
are marked, the first and the last of the sequence, and the answer is their sum. The last is no problem;
the first has to be kept while up to 10, 50 or 200 timesteps go by. A plain recurrent network, an LSTM
and a GRU try it with the same settings. Then the gradients that flow back through time say why one fails.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from sknets import RNNRegressor
from sknets.inspection import GradientFlowDisplay, gradient_flow

GAPS, CELLS, N_TRAIN, N_TEST, N_SEEDS = (10, 50, 200), ("rnn", "lstm", "gru"), 1500, 500, 2
COLOURS = {"rnn": "tab:red", "lstm": "tab:blue", "gru": "tab:green"}

# %%
# What a network can know
# -----------------------
# Both numbers are uniform on [0, 1], with variance 1/12. Who guesses has R² = 0. Who knows the last one
# only is left with the variance of the first, half of all. Who also keeps one bit of the first, whether
# it is above 1/2, is left with 1/48.

KNOWN = {"nothing": 0.0, "the last number": 0.5, "the last, one bit of the first": 0.875}


def make_sums(gaps, seed):
    """Return sequences with these gaps between their marks, and the sums of the marked numbers."""
    rng = np.random.default_rng(seed)
    sequences = []
    for gap in gaps:
        numbers, marks = rng.uniform(size=gap + 1), np.zeros(gap + 1)
        marks[[0, -1]] = 1
        sequences.append(np.column_stack([numbers, marks]).astype(np.float32))
    return sequences, np.array([X[[0, -1], 0].sum() for X in sequences])


# %%
# Three cells, one setting
# ------------------------
# ``conv_channels=()`` leaves out the convolutions that would shorten the way. Half the units, fewer
# epochs and smaller batches (more steps) than by default save time; all else is as it comes.
#
# In training, gaps go from 1 to the largest, short ones somewhat more often; the test has the largest
# only. Where training, too, has gaps of 200 only, no cell learns anything of the first number in this
# time (R² is 0.46 to 0.50), not even LSTM and GRU: before training, as the second table says, hardly any
# gradient comes through their gates either. At short gaps they learn to remember at all.


def make_network(cell, seed, **settings):
    """Return a recurrent network without convolutions."""
    return RNNRegressor(
        cell=cell,
        recurrent_layer_sizes=32,
        conv_channels=(),
        random_state=seed,
        **settings,
    )


def compare():
    """Return R² of shape (n_seeds, n_gaps) by cell, and the networks of the largest gap and seed 0."""
    scores = {cell: np.zeros((N_SEEDS, len(GAPS))) for cell in CELLS}
    networks = {}
    for i, gap in enumerate(GAPS):
        test = make_sums(np.full(N_TEST, gap), 1000)
        for seed in range(N_SEEDS):
            uniform = np.random.default_rng(seed).uniform(size=N_TRAIN)
            train = make_sums(np.ceil(gap * uniform**1.5).astype(int), 50 + seed)
            for cell in CELLS:
                network = make_network(cell, seed, max_iter=36, batch_size=64).fit(*train)
                scores[cell][seed, i] = network.score(*test)
                if seed == 0:
                    networks[cell] = network
    return scores, networks


def report(scores):
    """Print means and lowest values."""
    print(f"R² at a gap, mean (lowest) of {N_SEEDS} seeds\n")
    for name, value in KNOWN.items():
        print(f"who knows {name:32} {value:.3f}")
    print(f"\n{'cell':8}" + "".join(f"{gap:>18}" for gap in GAPS))
    for cell, values in scores.items():
        pairs = zip(values.mean(axis=0), values.min(axis=0), strict=True)
        print(f"{cell:8}" + "".join(f"{f'{mean:.3f} ({low:.3f})':>18}" for mean, low in pairs))


# %%
# How gradients flow
# ------------------
# The Jacobian of the last state with respect to an earlier one is a product with a factor for each
# timestep between. That of a plain network is at most σ^gap, with σ the largest singular value of its
# recurrent weights. But a plain network that holds something among all other inputs has to pull the
# state back to one of a few points at each timestep. This is one bit or so, and the pull makes gradients
# vanish (Bengio, Simard and Frasconi, 1994), even where σ is above 1 and the bound says nothing. Gates
# keep a number, and gradients reach the start.


def make_untrained(cell, X, **settings):
    """Return a network with its initial weights: steps of this length change nothing."""
    network = make_network(cell, 0, max_iter=1, learning_rate_init=1e-300, **settings)
    return network.fit(X, np.arange(len(X)))


def report_flow(networks, X):
    """Print the medians of the norms before and after training."""
    print("\nNorm of ∂h_T/∂s_t at a gap, before -> after training, median\n")
    print(f"{'cell':8}" + "".join(f"{gap:>22}" for gap in GAPS))
    for cell, network in networks.items():
        before, after = (
            np.median(gradient_flow(each, X).norms[:, GAPS], axis=0)
            for each in (make_untrained(cell, X), network)
        )
        pairs = zip(before, after, strict=True)
        print(f"{cell:8}" + "".join(f"{f'{b:.0e} -> {a:.0e}':>22}" for b, a in pairs))
    sigma = gradient_flow(networks["rnn"], X).largest_singular_value
    print(f"\nσ of the plain network after training: {sigma:.2f}")


# %%
# Vanishing and exploding by construction
# ---------------------------------------
# Initial recurrent weights are orthogonal: all singular values are 1. Scaled by σ, with inputs so tiny
# that tanh is a straight line, the norm is its bound. Inputs of the usual size reach where tanh is less
# steep: gradients vanish sooner, and those that would explode are held back.


def draw_by_construction(X, ax):
    """Draw the flow through plain networks with scaled weights."""
    X = np.asarray(X, dtype=np.float64)
    network = make_untrained("rnn", X, input_scaling=None)
    weight = network.net_.module_.stack.layers[0].recurrent_weight
    orthogonal = weight.detach().clone()
    for sigma, colour in ((1.3, "tab:orange"), (1.0, "tab:grey"), (0.9, "tab:purple")):
        with torch.no_grad():
            weight.copy_(sigma * orthogonal)
        ax.set_prop_cycle(color=[colour])
        label = f"σ = {sigma}, tiny inputs"
        tiny = GradientFlowDisplay.from_estimator(network, 1e-30 * X, label=label, ax=ax)
        tiny.line_.set(linewidth=6, alpha=0.35)
        tiny.bound_line_.set(color="black", label="_")
        usual = GradientFlowDisplay.from_estimator(network, X, label="_", show_bound=False, ax=ax)
        usual.line_.set(linewidth=1.5)
    ax.plot([], [], color="0.3", linewidth=1.5, label="usual inputs")
    ax.plot([], [], color="black", linewidth=1, linestyle="--", label=r"bound, $\sigma^{T-t}$")
    ax.legend(frameon=False, loc="upper left")


# %%
# The picture
# -----------


def draw(scores, networks, X, path):
    """Draw R² over the gap, what is remembered, and how gradients flow."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
    draw_scores(scores, axes[0, 0])
    draw_memories(networks, axes[0, 1])
    for cell, network in networks.items():
        axes[1, 0].set_prop_cycle(color=[COLOURS[cell]])
        GradientFlowDisplay.from_estimator(network, X, ax=axes[1, 0])
    axes[1, 0].set_title("How gradients flow through these networks")
    draw_by_construction(X, axes[1, 1])
    axes[1, 1].set_title("Vanishing and exploding by construction: a plain network")
    figure.savefig(path, dpi=110)


def draw_scores(scores, ax):
    """Draw R² of each seed over the gap, and the means."""
    place = np.arange(len(GAPS))
    for shift, (cell, values) in zip((0, -0.03, 0.03), scores.items(), strict=True):
        ax.plot(place, values.mean(axis=0), label=cell, color=COLOURS[cell])
        ax.plot(place + shift, values.T, "o", color=COLOURS[cell], alpha=0.7)
    for name, value in list(KNOWN.items())[1:]:
        ax.axhline(value, color="0.6", linestyle=":", zorder=0)
        ax.text(-0.2, value - 0.008, f"knows {name}", va="top", fontsize=9, color="0.35")
    ax.set_xticks(place, GAPS)
    ax.set(xlim=(-0.25, 2.25), ylim=(0.45, 1.02), xlabel="gap (timesteps)", ylabel="R² of the sum")
    ax.set_title("What the networks remember")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(0, 0.4))
    ax.spines[["top", "right"]].set_visible(False)


def draw_memories(networks, ax):
    """Draw the first number as it comes out of the sum at the largest gap."""
    sequences, _ = make_sums(np.full(N_TEST, GAPS[-1]), 1000)
    first, last = np.array([X[[0, -1], 0] for X in sequences]).T
    for cell, network in networks.items():
        remembered = network.predict(sequences) - last
        ax.scatter(first, remembered, s=8, alpha=0.7, label=cell, color=COLOURS[cell])
    ax.axline((0, 0), slope=1, color="0.6", linestyle=":", zorder=0)
    ax.set(xlabel="first number", ylabel="predicted sum − last number")
    ax.set_title(f"The first number, {GAPS[-1]} timesteps later")
    ax.legend(frameon=False, loc="upper left", markerscale=2)
    ax.spines[["top", "right"]].set_visible(False)


def main():
    """Compare, look at the gradients, draw."""
    parser = argparse.ArgumentParser(description="Remember a number over long gaps.")
    parser.add_argument(
        "--output",
        default=Path("docs/images/long_memory.png"),
        type=Path,
        help="the picture's file",
    )
    output = parser.parse_args().output

    scores, networks = compare()
    report(scores)
    X, _ = make_sums(np.full(40, GAPS[-1]), 2000)
    report_flow(networks, X)
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(scores, networks, X, output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
