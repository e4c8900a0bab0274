"""Time of an epoch of recurrent networks, beside a plain Torch loop, skorch and Keras; of ragged data.

1,024 series of 100 timesteps and 8 features, 64 units, batches of 64, Adam, float32, two classes from
the last state. Every side trains the same network, in one process, taking turns. Figures are the
time of sknets as a share of the other side's (below 1: faster). A Torch loop runs with the threads that
Torch takes by itself, and once more with one, which is what sknets takes for a step of this size.
Keras, which takes many times as long, joins in if it is asked for, with its Torch backend.
"""

import argparse
import os
import warnings

import numpy as np
import skorch
import torch
from _measure import alternate, median_ratio, write_result
from torch import nn

from sknets import RNNClassifier

N_SERIES, LENGTH, N_FEATURES, N_UNITS, BATCH = 1024, 100, 8, 64, 64


class StepLoop(nn.Module):
    """A GRU that resets before the product, or a recurrent attention unit, as a Torch user writes it."""

    def __init__(self, attends):
        super().__init__()
        self.attends = attends
        self.x_gates = nn.Linear(N_FEATURES, 2 * N_UNITS)
        self.h_gates = nn.Linear(N_UNITS, 2 * N_UNITS, bias=False)
        self.x_new = nn.Linear(N_FEATURES, N_UNITS)
        self.h_new = nn.Linear(N_UNITS, N_UNITS, bias=False)
        if attends:
            self.x_attention = nn.Linear(N_FEATURES, 2 * N_UNITS)
            self.h_attention = nn.Linear(N_UNITS, 2 * N_UNITS, bias=False)

    def forward(self, x):
        """Return the last state."""
        h = x.new_zeros(len(x), N_UNITS)
        for t in range(x.shape[1]):
            r, z = torch.sigmoid(self.x_gates(x[:, t]) + self.h_gates(h)).chunk(2, 1)
            n = torch.tanh(self.x_new(x[:, t]) + self.h_new(r * h))
            new = (1 - z) * n + z * h
            if self.attends:
                scores, values = (self.x_attention(x[:, t]) + self.h_attention(h)).chunk(2, 1)
                new = new + torch.softmax(scores, 1) * torch.relu(values)
            h = new
        return h


class Reader(nn.Module):
    """One of Torch's recurrent layers or a `StepLoop`, and a linear layer on its last state."""

    def __init__(self, cell):
        super().__init__()
        makers = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
        self.is_fused = cell in makers
        if self.is_fused:
            self.layer = makers[cell](N_FEATURES, N_UNITS, batch_first=True)
        else:
            self.layer = StepLoop(cell == "rau")
        self.head = nn.Linear(N_UNITS, 1)

    def forward(self, x):
        """Return one raw output for each series."""
        if self.is_fused:
            return self.head(self.layer(x)[0][:, -1])
        return self.head(self.layer(x))


CELLS = ("rnn", "lstm", "gru", "gru_reset_before", "rau")


def torch_loop(cell, series, y):
    """Train as a Torch user writes it down."""
    x, target = torch.from_numpy(series), torch.from_numpy(y).float()[:, None]
    x = (x - x.mean((0, 1))) / x.std((0, 1))
    module = Reader(cell)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    loss_function = nn.BCEWithLogitsLoss()
    total = 0.0
    for index in torch.randperm(len(x)).split(BATCH):
        optimizer.zero_grad()
        loss = loss_function(module(x[index]), target[index])
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    return module


def torch_loop_on_one_thread(cell, series, y):
    """Do the same on one thread."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return torch_loop(cell, series, y)
    finally:
        torch.set_num_threads(n_threads)


def skorch_fit(cell, series, y):
    """Train with skorch as its documentation does."""
    net = skorch.NeuralNet(
        Reader(cell),
        criterion=nn.BCEWithLogitsLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=BATCH,
        max_epochs=1,
        train_split=None,
        iterator_train__shuffle=True,
        callbacks=[skorch.callbacks.GradientNormClipping(1.0)],
        verbose=0,
    )
    x = (series - series.mean((0, 1))) / series.std((0, 1))
    return net.fit(x, y.astype(np.float32)[:, None])


def keras_fit(cell, series, y):
    """Train with Keras as its documentation does."""
    import keras
    from keras import layers

    makers = {"rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}
    model = keras.Sequential(
        [keras.Input((LENGTH, N_FEATURES)), makers[cell](N_UNITS), layers.Dense(1)]
    )
    model.compile(
        keras.optimizers.Adam(1e-3, clipnorm=1.0), keras.losses.BinaryCrossentropy(from_logits=True)
    )
    x = (series - series.mean((0, 1))) / series.std((0, 1))
    return model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)


def sknets_fit(cell, series, y):
    """Train with sknets."""
    network = RNNClassifier(
        N_UNITS,
        cell,
        pool="last",
        conv_channels=(),
        learning_rate="constant",
        learning_rate_init=1e-3,
        batch_size=BATCH,
        max_iter=1,
        n_iter_no_change=np.inf,
        dtype="float32",
    )
    return network.fit(series, y)


def make_ragged(rng):
    """Return series of 20 to 200 timesteps, and the same filled up with zeros to one length."""
    lengths = rng.integers(20, 201, N_SERIES)
    series = [rng.standard_normal((n, N_FEATURES)).astype(np.float32) for n in lengths]
    padded = np.stack([np.pad(s, ((0, 200 - len(s)), (0, 0))) for s in series])
    return series, padded


def main(n_rounds, with_keras):
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    series = rng.standard_normal((N_SERIES, LENGTH, N_FEATURES)).astype(np.float32)
    y = rng.integers(0, 2, N_SERIES)
    sides = {
        "sknets": sknets_fit,
        "torch loop": torch_loop,
        "torch loop, one thread": torch_loop_on_one_thread,
        "skorch": skorch_fit,
    }
    if with_keras:
        os.environ.setdefault("KERAS_BACKEND", "torch")
        sides["keras"] = keras_fit
    lines = [
        "Time of sknets / time of the other side, median of alternated rounds.",
        "",
        f"| cell | {' | '.join(list(sides)[1:])} |",
        f"|---|{'---|' * (len(sides) - 1)}",
    ]
    for cell in CELLS:
        fused = cell in ("rnn", "lstm", "gru")
        fits = {name: fit for name, fit in sides.items() if fused or name != "keras"}
        seconds = alternate(
            {name: lambda f=fit, c=cell: f(c, series, y) for name, fit in fits.items()}, n_rounds
        )
        ratios = [
            f"{median_ratio(seconds['sknets'], seconds[name]):.2f}" if name in seconds else ""
            for name in list(sides)[1:]
        ]
        lines.append(f"| {cell} | {' | '.join(ratios)} |")
    ragged, padded = make_ragged(rng)
    seconds = alternate(
        {
            "ragged": lambda: sknets_fit("gru", ragged, y),
            "padded": lambda: sknets_fit("gru", padded, y),
        },
        n_rounds,
    )
    ratio = median_ratio(seconds["ragged"], seconds["padded"])
    lines += [
        "",
        "Series of 20 to 200 timesteps: as a list, whose batches hold sequences of about one length,",
        f"against the same series filled up with zeros to one length: {ratio:.2f}.",
    ]
    write_result("recurrent", "Recurrent networks: an epoch, and ragged data", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--keras", action="store_true", help="time Keras, too")
    arguments = parser.parse_args()
    main(arguments.rounds, arguments.keras)
