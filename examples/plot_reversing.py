"""
Reversing and sorting: sequences that become sequences
======================================================

A string of 3 to 10 digits is to be written backwards, or in order. With ``output="sequence"``, a
recurrent network reads the string, then a decoder writes the answer, digit by digit, until it writes an
end. Before each digit it decides which part of the string to look at, and its weights can be drawn:
nobody told it that reversing means walking backwards. An answer counts only if it is right as a whole.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from sknets import RNNClassifier

N_TRAIN, N_TEST = 2000, 1000
LENGTHS, LONGER = range(3, 11), range(11, 13)

# %%
# The strings
# -----------
# Strings that are in the training data are not in the test.


def make_strings(n, lengths, seed, without=()):
    """Return strings of digits, none of which is in `without`."""
    rng = np.random.default_rng(seed)
    seen, strings = {tuple(string) for string in without}, []
    while len(strings) < n:
        string = rng.integers(0, 10, rng.integers(lengths.start, lengths.stop))
        if tuple(string) not in seen:
            strings.append(string)
    return strings


TASKS = {"reversing": lambda string: string[::-1], "sorting": np.sort}

# %%
# Three networks
# --------------
# In training, the decoder is told the true digit before, at a rate of `teacher_forcing`, which is 1 as it
# comes. At 0.5 it sees, half of the time, what it has written itself, as it will when it is used.

NETWORKS = {
    "reversing": {},
    "sorting": {},
    "sorting, teacher_forcing=0.5": {"teacher_forcing": 0.5},
}


def train(strings):
    """Return the fitted networks by name."""
    networks = {}
    for name, options in NETWORKS.items():
        network = RNNClassifier(
            output="sequence",
            vocabulary_size=10,
            max_output_length=LONGER[-1],  # room for strings longer than any in training
            batch_size=64,
            max_iter=40,
            random_state=0,
            **options,
        )
        answers = [task_of(name)(string) for string in strings]
        networks[name] = network.fit(strings, answers)
    return networks


def task_of(name):
    """Return the function that a network has to learn."""
    return TASKS[name.split(",")[0]]


# %%
# How many answers are right
# --------------------------
# Strings of 11 and 12 digits are longer than any in training: nothing says that the networks can do them.


def score_lengths(networks, strings, longer):
    """Return a table with the share of right answers, a row for each network."""
    table = {}
    for name, network in networks.items():
        task = task_of(name)
        row = {"all": network.score(strings, [task(string) for string in strings])}
        for length in (*LENGTHS, *LONGER):
            some = [string for string in (*strings, *longer) if len(string) == length]
            row[length] = network.score(some, [task(string) for string in some])
        table[name] = row
    return pd.DataFrame.from_dict(table, orient="index")


def measure_offsets(network, strings):
    """Return how far the largest weights are from the digits that have to be written."""
    offsets = []
    for string, weights in zip(strings, network.attention_weights(strings), strict=True):
        places = np.arange(len(string))[::-1]
        offsets.extend(weights[: len(string)].argmax(axis=1) - places)
    return np.array(offsets)


def report(networks, strings, longer):
    """Print shares of right answers and examples; return the shares."""
    table = score_lengths(networks, strings, longer)
    print(f"Share of right answers, of strings with {LENGTHS[0]} to {LENGTHS[-1]} digits")
    print(f"that are not among the {N_TRAIN} to learn from\n")
    for name, share in table["all"].items():
        print(f"{name:30} {share:.3f}")
    print("\nBy number of digits; there are none of 11 and 12 to learn from\n")
    print(table.drop(columns="all").round(2).to_string())
    offsets = measure_offsets(networks["reversing"], strings)
    print("\nWhere the decoder looks most while it reverses, from the digit that it writes\n")
    for offset in range(-1, 2):
        print(f"{offset:+d} timesteps   {np.mean(offsets == offset):.2f} of all digits")
    print("\nExamples\n")
    for name in TASKS:
        for string in (*strings[:3], longer[0]):
            written = networks[name].predict([string])[0]
            is_right = np.array_equal(written, TASKS[name](string))
            verdict = "right" if is_right else f"wrong, {join(TASKS[name](string))} is right"
            print(f"{name:10} {join(string):>12} → {join(written):12} {verdict}")
    return table


def join(digits):
    """Return digits as text."""
    return "".join(map(str, digits))


# %%
# One picture
# -----------
# A row of the weights tells where the decoder looks while it writes a digit; the last one writes the end.
# It may look at the digit, or one timestep later: the network has read on by then, but still remembers.


def draw(networks, table, strings, path):
    """Draw the weights of a string that is reversed and sorted, and right answers by length."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, 3, figsize=(12, 4.3), layout="constrained", width_ratios=[1, 1, 1.1]
    )
    # the digits of the string all differ, so that it is plain where each came from
    shown = next(string for string in strings if len(string) == 9 == len(set(string)))
    for ax, name in zip(axes, TASKS, strict=False):
        written = networks[name].predict([shown])[0]
        weights = networks[name].attention_weights([shown])[0, : len(written) + 1]
        image = ax.imshow(weights, cmap="Blues", vmin=0, vmax=1)
        for row, digit in enumerate(written):
            places = np.flatnonzero(shown == digit)
            ax.scatter(places, [row] * len(places), s=130, fc="none", ec="tab:orange", lw=1.6)
        ax.set_xticks(range(len(shown)), shown)
        ax.set_yticks(range(len(written) + 1), [*written, "end"])
        ax.set(
            xlabel="digits read", ylabel="digits written", title=f"{name}: where the decoder looks"
        )
    figure.colorbar(image, ax=axes[:2], label="weight (circle: the same digit)", pad=0.02)

    ax = axes[2]
    by_length = table.drop(columns="all")
    lengths = [*LENGTHS, *LONGER]
    for (name, shares), style in zip(by_length.iterrows(), ("o-", "s-", "^--"), strict=True):
        ax.plot(lengths, shares, style, label=name, ms=5)
    ax.axvspan(LENGTHS[-1] + 0.5, LONGER[-1] + 0.5, color="0.93", lw=0)
    ax.text(LENGTHS[-1] + 1.5, 0.93, "longer than\nin training", ha="center", fontsize=8)
    ax.set(xlabel="digits", ylabel="share of right answers", title="answers right as a whole")
    ax.set(xticks=lengths, ylim=(-0.03, 1.05), xlim=(2.5, LONGER[-1] + 0.5))
    ax.legend(frameon=False, loc="lower left")
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main():
    """Train, count, draw."""
    parser = argparse.ArgumentParser(description="Reverse and sort strings of digits.")
    parser.add_argument(
        "--output", default=Path("docs/images/reversing.png"), type=Path, help="the picture's file"
    )
    output = parser.parse_args().output

    learned = make_strings(N_TRAIN, LENGTHS, 0)
    strings = make_strings(N_TEST, LENGTHS, 1, without=learned)
    longer = make_strings(N_TEST // 4, LONGER, 2)
    networks = train(learned)
    table = report(networks, strings, longer)
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(networks, table, strings, output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
