"""Training in bfloat16 beside training in full: time of an epoch, and accuracy on other rows.

Both sides are the same network with the same seed, in one process, taking turns, on one thread. Images
are scikit-learn's digits, brought to 28×28 and moved at random: 4,000 of three quarters of them to train
on, and the other digits to test on. The table is drawn (`make_classification`). A last table takes single
layers apart, forward and backward, which says why a network gains more or less.
"""

import argparse
import warnings
from functools import partial
from statistics import mean, median

import numpy as np
import torch
from _measure import alternate, median_ratio, write_result
from scipy.ndimage import shift, zoom
from sklearn.datasets import load_digits, make_classification
from sklearn.model_selection import train_test_split
from torch import nn

from sknets import CNNClassifier, MLPClassifier, RNNClassifier

EPOCHS, SIDE = 3, 28
PRECISIONS = ("full", "bf16")


def moved_digits(images, labels, n, seed):
    """Return n images of 28×28, each a digit moved by up to three pixels."""
    rng = np.random.default_rng(seed)
    large = zoom(images, (1, SIDE / 8, SIDE / 8), order=1).astype(np.float32)
    chosen = np.arange(n) % len(images)
    offsets = rng.integers(-3, 4, (n, 2))
    moved = [shift(large[i], offset, order=0) for i, offset in zip(chosen, offsets, strict=True)]
    return np.stack(moved), labels[chosen]


def load_images():
    """Return images and labels to train on, and those to test on."""
    digits = load_digits()
    parts = train_test_split(digits.images, digits.target, stratify=digits.target, random_state=0)
    train, test, train_labels, test_labels = parts
    return (
        *moved_digits(train, train_labels, 4000, 0),
        *moved_digits(test, test_labels, 1000, 1),
    )


def load_table():
    """Return a table of 200 columns: rows and classes to train on, and those to test on."""
    X, y = make_classification(
        12_240, 200, n_informative=60, n_classes=10, class_sep=2.0, random_state=0
    )
    X, X_test, y, y_test = train_test_split(X.astype(np.float32), y, test_size=2000, random_state=0)
    return X, y, X_test, y_test


NETWORKS = {
    "CNN, its defaults (3 convolutions)": ("images", CNNClassifier),
    "CNN, two convolutions of 64 and 128": (
        "images",
        partial(CNNClassifier, conv_channels=(64, 128)),
    ),
    "MLP 1024×1024, batches of 1,024": (
        "table",
        partial(MLPClassifier, hidden_layer_sizes=(1024, 1024), batch_size=1024),
    ),
    "MLP, its defaults (100 units)": ("table", MLPClassifier),
    "LSTM of 128 units, 28 timesteps": (
        "images",
        partial(RNNClassifier, recurrent_layer_sizes=(128,)),
    ),
    "GRU of 64 units, 28 timesteps": ("images", partial(RNNClassifier, cell="gru")),
    "plain cell of 64 units, 28 timesteps": ("images", partial(RNNClassifier, cell="rnn")),
}


def measure_network(make, data, n_rounds):
    """Return the time of an epoch in bf16 as a share of that in full, and both accuracies."""
    X, y, X_test, y_test = data
    seconds, scores = {p: [] for p in PRECISIONS}, {p: [] for p in PRECISIONS}
    for seed in range(n_rounds + 1):
        for precision in PRECISIONS:
            network = make(precision=precision, max_iter=EPOCHS, random_state=seed).fit(X, y)
            if seed:
                seconds[precision].append(median(network.history_["seconds"]))
                scores[precision].append(network.score(X_test, y_test))
    ratio = median_ratio(seconds["bf16"], seconds["full"])
    return ratio, mean(scores["full"]), mean(scores["bf16"])


def layers():
    """Yield the name, the layer and the shape of its input, for layers of the networks above."""
    yield "linear 1,024 → 1,024, 1,024 rows", nn.Linear(1024, 1024), (1024, 1024)
    yield "linear 200 → 100, 200 rows", nn.Linear(200, 100), (200, 200)
    yield "convolution 1 → 32 channels, 28×28, 128 images", conv(1, 32), (128, 1, 28, 28)
    yield "convolution 32 → 64 channels, 14×14", conv(32, 64), (128, 32, 14, 14)
    yield "convolution 64 → 128 channels, 7×7", conv(64, 128), (128, 64, 7, 7)
    yield "maximum of windows, 32 channels, 28×28", nn.MaxPool2d(2), (128, 32, 28, 28)
    yield "group normalisation, 32 channels, 14×14", nn.GroupNorm(8, 32), (128, 32, 14, 14)


def conv(n_inputs, n_outputs):
    """Return a convolution as the networks have them."""
    return nn.Conv2d(n_inputs, n_outputs, 3, padding=1).to(memory_format=torch.channels_last)


def measure_layer(layer, shape, n_rounds):
    """Return the time of a layer in bf16 as a share of that in float32, forward and backward."""
    x = torch.randn(shape)
    if x.ndim == 4:
        x = x.contiguous(memory_format=torch.channels_last)
    rows = {"full": x.requires_grad_(), "bf16": x.detach().bfloat16().requires_grad_()}

    def run(precision):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            y = layer(rows[precision])
        y.backward(torch.ones_like(y))

    seconds = alternate({p: partial(run, p) for p in PRECISIONS}, n_rounds)
    return median_ratio(seconds["bf16"], seconds["full"])


def main(n_rounds):
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    data = {"images": load_images(), "table": load_table()}
    lines = [
        "An epoch in bf16 / an epoch in full, median of alternated rounds on one thread; accuracy on",
        f"other rows after {EPOCHS} epochs, mean of {n_rounds} seeds.",
        "",
        "| network | time | accuracy in full | in bf16 |",
        "|---|---|---|---|",
    ]
    for name, (kind, make) in NETWORKS.items():
        ratio, full, half = measure_network(make, data[kind], n_rounds)
        lines.append(f"| {name} | {ratio:.2f} | {full:.3f} | {half:.3f} |")
    lines += [
        "",
        "Single layers, forward and backward, given values of the type in which they compute. (The group",
        "normalisation of the networks computes in float32 in either case.)",
        "",
        "| layer | time |",
        "|---|---|",
        *(f"| {name} | {measure_layer(layer, shape, 15):.2f} |" for name, layer, shape in layers()),
    ]
    write_result("precision", "Training in bfloat16, on a processor with units for it", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    main(parser.parse_args().rounds)
