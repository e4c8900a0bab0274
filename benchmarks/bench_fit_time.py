"""Time of a fit, beside what a user would pick instead.

Every side does the same work: the same network, Adam, batches and epochs on the same data, in one
process, taking turns. Figures are the time of sknets as a share of the other side's (below 1: faster).
"""

import argparse
import warnings

import numpy as np
import skorch
import torch
from _measure import alternate, median_ratio, write_result
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from torch import nn

from sknets import MLPRegressor

# rows, features, hidden units, batch size, epochs, rounds
SIZES = {
    "200×10, 50 units, batch 32": (200, 10, (50,), 32, 60, 9),
    "2,000×20, 100 units, batch 200": (2_000, 20, (100,), 200, 40, 9),
    "20,000×50, 256×256, batch 256": (20_000, 50, (256, 256), 256, 2, 5),
    "50,000×200, 1024×1024, batch 1024": (50_000, 200, (1024, 1024), 1024, 1, 3),
}


def make_module(n_inputs, hidden):
    """Return the plain Torch network."""
    layers = []
    for size in hidden:
        layers += [nn.Linear(n_inputs, size), nn.ReLU()]
        n_inputs = size
    return nn.Sequential(*layers, nn.Linear(n_inputs, 1))


def torch_loop(X, y, hidden, batch, epochs):
    """Train as a Torch user writes it down."""
    x, target = torch.from_numpy(X), torch.from_numpy(y)[:, None]
    module = make_module(X.shape[1], hidden).to(x.dtype)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    loss_function = nn.MSELoss()
    losses = []
    for _ in range(epochs):
        total = 0.0
        for index in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss = loss_function(module(x[index]), target[index])
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total)
    return module


class FastIterator:
    """Whole-tensor batches for skorch: the remedy its users know."""

    def __init__(self, dataset, batch_size, shuffle=False, **kwargs):
        self.x, self.y = (torch.from_numpy(a) for a in (dataset.X, dataset.y))
        self.batch_size, self.shuffle = batch_size, shuffle

    def __iter__(self):
        n = len(self.x)
        order = torch.randperm(n) if self.shuffle else torch.arange(n)
        for index in order.split(self.batch_size):
            yield self.x[index], self.y[index]


def skorch_fit(X, y, hidden, batch, epochs, **options):
    """Train with skorch as its documentation does."""
    net = skorch.NeuralNetRegressor(
        make_module(X.shape[1], hidden).to(getattr(torch, X.dtype.name)),
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=batch,
        max_epochs=epochs,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
        **options,
    )
    return net.fit(X, y[:, None])


def sides(X, y, hidden, batch, epochs):
    """Return the fits to compare, by name."""
    common = {
        "hidden_layer_sizes": hidden,
        "batch_size": batch,
        "max_iter": epochs,
        "n_iter_no_change": np.inf,
    }
    work = (X, y, hidden, batch, epochs)
    return {
        "sknets": lambda: MLPRegressor(**common, dtype=X.dtype.name).fit(X, y),
        "torch loop": lambda: torch_loop(*work),
        "scikit-learn": lambda: SklearnMLPRegressor(**common).fit(X, y),
        "skorch": lambda: skorch_fit(*work),
        "skorch, fast iterator": lambda: skorch_fit(*work, iterator_train=FastIterator),
    }


def main(quick):
    warnings.simplefilter("ignore")
    lines = [
        "Time of sknets / time of the other side, median of alternated rounds.",
        "",
        "| data and network | dtype | torch loop | scikit-learn | skorch | skorch, fast iterator |",
        "|---|---|---|---|---|---|",
    ]
    for name, (n, p, hidden, batch, epochs, rounds) in SIZES.items():
        for dtype in ("float32", "float64"):
            rng = np.random.default_rng(0)
            X = rng.standard_normal((n, p)).astype(dtype)
            y = (X[:, 0] * X[:, 1] + np.sin(X[:, 2])).astype(dtype)
            seconds = alternate(sides(X, y, hidden, batch, epochs), 1 if quick else rounds)
            ours = seconds.pop("sknets")
            ratios = " | ".join(f"{median_ratio(ours, other):.2f}" for other in seconds.values())
            lines.append(f"| {name} | {dtype} | {ratios} |")
            print(lines[-1], flush=True)
    write_result("fit_time", "Time of a fit", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of each")
    main(parser.parse_args().quick)
