"""Time of an epoch on images, beside a plain Torch loop and skorch; memory of a prediction.

2,048 images of 28×28, convolutions of 3×3 with 32 and 64 channels, batches of 128, Adam, float32: every
side trains the same network, in one process, taking turns. Figures are the time of sknets as a share of
the other side's (below 1: faster). Keras joins in if it is installed, with its Torch backend.
"""

import argparse
import os
import resource
import subprocess
import sys
import warnings
from importlib.util import find_spec

import numpy as np
import skorch
import torch
from _measure import alternate, median_ratio, write_result
from torch import nn

from sknets import CNNClassifier

N_IMAGES, SIDE, BATCH, EPOCHS, N_CLASSES = 2048, 28, 128, 1, 10


def make_module():
    """Return the plain Torch network."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * (SIDE // 4) ** 2, N_CLASSES),
    )


def torch_loop(images, y):
    """Train as a Torch user writes it down, in Torch's default layout."""
    x, target = torch.from_numpy(images)[:, None], torch.from_numpy(y)
    x = (x - x.mean()) / x.std()
    module = make_module()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    loss_function = nn.CrossEntropyLoss()
    losses = []
    for _ in range(EPOCHS):
        total = 0.0
        for index in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            loss = loss_function(module(x[index]), target[index])
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total)
    return module


def skorch_fit(images, y):
    """Train with skorch as its documentation does."""
    net = skorch.NeuralNetClassifier(
        make_module(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=BATCH,
        max_epochs=EPOCHS,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    return net.fit((images[:, None] - images.mean()) / images.std(), y)


def keras_fit(images, y):
    """Train with Keras as its documentation does."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(N_CLASSES),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss)
    x = (images[..., None] - images.mean()) / images.std()
    return model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)


def sknets_fit(images, y):
    """Train with sknets."""
    network = CNNClassifier(
        (32, 64),
        3,
        normalization=None,
        hidden_layer_sizes=(),
        learning_rate="constant",
        learning_rate_init=1e-3,
        batch_size=BATCH,
        max_iter=EPOCHS,
        n_iter_no_change=np.inf,
    )
    return network.fit(images, y)


def measure_memory(n_images):
    """Print the growth of peak memory, in MB, while a network predicts uint8 images."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (512, SIDE, SIDE), dtype=np.uint8)
    network = CNNClassifier(max_iter=1, random_state=0).fit(images, np.arange(512) % N_CLASSES)
    many = rng.integers(0, 256, (n_images, SIDE, SIDE), dtype=np.uint8)
    network.predict(many[:1000])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    network.predict(many)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def main(n_rounds):
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    images = rng.standard_normal((N_IMAGES, SIDE, SIDE)).astype(np.float32)
    y = rng.integers(0, N_CLASSES, N_IMAGES)
    fits = {"sknets": sknets_fit, "torch loop": torch_loop, "skorch": skorch_fit}
    if find_spec("keras") is not None:
        os.environ.setdefault("KERAS_BACKEND", "torch")
        fits["keras"] = keras_fit
    seconds = alternate({name: lambda f=fit: f(images, y) for name, fit in fits.items()}, n_rounds)
    ours = seconds.pop("sknets")
    lines = [
        "Time of sknets / time of the other side, median of alternated rounds.",
        "",
        "| other side | ratio |",
        "|---|---|",
        *(f"| {name} | {median_ratio(ours, other):.2f} |" for name, other in seconds.items()),
        "",
        "Growth of peak memory while `predict` sees uint8 images of 28×28, in a process of its own.",
        "",
        "| images | MB of images | MB of growth |",
        "|---|---|---|",
    ]
    for n_images in (10_000, 100_000):
        run = subprocess.run(
            [sys.executable, __file__, "--memory", str(n_images)],
            capture_output=True,
            text=True,
            check=True,
        )
        size = n_images * SIDE**2 / 2**20
        lines.append(f"| {n_images:,} | {size:.0f} | {float(run.stdout):.0f} |")
    write_result("images", "Images: an epoch, and the memory of a prediction", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--memory", type=int, help="only measure the memory for so many images")
    arguments = parser.parse_args()
    if arguments.memory:
        measure_memory(arguments.memory)
    else:
        main(arguments.rounds)
