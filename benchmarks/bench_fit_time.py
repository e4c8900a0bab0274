"""Time of a fit, of a step of `partial_fit` and of a prediction, beside what a user would pick instead.

Every side does the same work: the same network, Adam, batches and epochs on the same data, on one thread
of one process, taking turns. Figures say how many times as fast as the other side sknets is (above 1:
faster), as the median of rounds and, in brackets, their quartiles. One side does nothing but the products
of matrices of all steps, the least that there is to do for large layers. ``OPENBLAS_CORETYPE`` in the
environment chooses for which processors OpenBLAS computes; its results have a file of their own.
"""

import argparse
import os
import warnings
from itertools import pairwise

import numpy as np
import skorch
import torch
from _measure import (
    QUICK,
    alternate,
    machine,
    on_numpy,
    on_one_thread,
    times_as_fast,
    write_result,
)
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from torch import nn

from sknets import MLPRegressor

# rows, features, hidden units, batch size, epochs, rounds; demanded beside scikit-learn and beside skorch
SIZES = {
    "176×19, 50 units, batch 32": (176, 19, (50,), 32, 200, 9, 5.0, 16.0),
    "2,000×20, 100 units, batch 200": (2_000, 20, (100,), 200, 100, 7, 3.5, 10.0),
    "20,000×50, 256×256, batch 256": (20_000, 50, (256, 256), 256, 5, 3, 1.8, 2.2),
    "50,000×200, 1024×1024, batch 1024": (50_000, 200, (1024, 1024), 1024, 1, 3, 1.15, 1.1),
}
IN_BF16 = "50,000×200, 1024×1024, batch 1024"
DEMANDED_IN_BF16 = 2.0

# rows of a prediction, predictions in a round
PREDICTIONS = {"a row": (1, 200), "1,000 rows": (1_000, 20), "100,000 rows": (100_000, 1)}
CALL_ROUNDS = 9


def make_data(n, p, dtype):
    """Return X and y of a type."""
    X = np.random.default_rng(0).standard_normal((n, p)).astype(dtype)
    return X, (X[:, 0] * X[:, 1] + np.sin(X[:, 2])).astype(dtype)


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


def products_alone(X, hidden, batch, epochs):
    """Multiply what all steps have to multiply: activations, gradients of weights, and deltas."""
    sizes = [X.shape[1], *hidden, 1]
    random = np.random.default_rng(0)
    a = [random.standard_normal((batch, size)).astype(X.dtype) for size in sizes]
    delta = [np.ones_like(of_layer) for of_layer in a]
    weights = [np.ones((n, m), X.dtype) / n for n, m in pairwise(sizes)]
    gradients = [np.empty_like(weight) for weight in weights]
    for n_rows in [min(batch, len(X) - start) for start in range(0, len(X), batch)] * epochs:
        rows = slice(n_rows)
        for i, weight in enumerate(weights):
            np.matmul(a[i][rows], weight, out=a[i + 1][rows])
        for i in reversed(range(len(weights))):
            np.matmul(a[i][rows].T, delta[i + 1][rows], out=gradients[i])
            if i:
                np.matmul(delta[i + 1][rows], weights[i].T, out=delta[i][rows])


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


def sides_of_fit(X, y, hidden, batch, epochs, *, in_bf16, early_stopping=False):
    """Return the fits to compare, by name."""
    common = {
        "hidden_layer_sizes": hidden,
        "batch_size": batch,
        "max_iter": epochs,
        "n_iter_no_change": np.inf,
        "tol": 0.0,
        "early_stopping": early_stopping,
    }
    work = (X, y, hidden, batch, epochs)

    def fit():
        MLPRegressor(**common, dtype=X.dtype.name).fit(X, y)

    sides = {
        "sknets": fit,
        "sknets on NumPy": on_numpy()(fit),
        "scikit-learn": lambda: SklearnMLPRegressor(**common).fit(X, y),
        "skorch": lambda: skorch_fit(*work),
        "skorch, fast iterator": lambda: skorch_fit(*work, iterator_train=FastIterator),
        "torch loop": lambda: torch_loop(*work),
        "products alone": lambda: products_alone(X, hidden, batch, epochs),
    }
    if in_bf16:
        sides["bf16"] = lambda: MLPRegressor(**common, dtype="float32", precision="bf16").fit(X, y)
    return sides


def measure_fits(quick):
    """Return the lines about fits."""
    names = [
        "scikit-learn",
        "skorch",
        "skorch, fast iterator",
        "torch loop",
        "products alone",
        "sknets on NumPy",
    ]
    lines = [
        "Whole fits, with numba; the last column is what it brings. What was demanded stands behind the",
        'slash. "Products alone" multiplies what all steps have to, call by call with NumPy (in float32',
        "beside bf16): layers of 256 units or more, r times as fast as scikit-learn and s times as",
        "fast as that side, can be r / s times as fast at most. In small ones the calls take longer.",
        "",
        f"| data and network | dtype | {' | '.join(names)} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, (n, p, hidden, batch, epochs, rounds, *demanded) in SIZES.items():
        for dtype in ("float32", "float64"):
            X, y = make_data(n, p, dtype)
            in_bf16 = name == IN_BF16 and dtype == "float32"
            sides = sides_of_fit(X, y, hidden, batch, epochs, in_bf16=in_bf16)
            seconds = alternate(sides, 1 if quick else rounds)
            limits = {name: f" / {limit:g}" for name, limit in zip(names, demanded, strict=False)}
            lines.append(row(name, dtype, seconds, "sknets", names, limits))
            print(lines[-1], flush=True)
            if in_bf16:
                limits = {"scikit-learn": f" / {DEMANDED_IN_BF16:g}"}
                lines.append(row(name, 'precision="bf16"', seconds, "bf16", names, limits))
                print(lines[-1], flush=True)
    return lines


def row(name, dtype, seconds, ours, others, limits):
    """Return the row of a table: how many times as fast as the others one of our sides is."""
    cells = [
        f"{times_as_fast(seconds[ours], seconds[other])}{limits.get(other, '')}" for other in others
    ]
    return f"| {name} | {dtype} | {' | '.join(cells)} |"


def partial_fits(network, X, y):
    """Return a function that starts anew and goes on over 200 calls of 50 rows."""

    def run():
        fresh = network()
        for start in range(0, len(X), 50):
            fresh.partial_fit(X[start : start + 50], y[start : start + 50])

    return run


def predictions(network, X, n_calls):
    """Return a function that predicts the same rows so many times."""

    def run():
        for _ in range(n_calls):
            network.predict(X)

    return run


def measure_calls(quick):
    """Return the lines about calls of `partial_fit` and `predict`."""
    lines = [
        "Calls, for 20 columns and 100 units: microseconds of a call of sknets, and how many times as",
        "fast as scikit-learn it is.",
        "",
        "| call | dtype | sknets, µs | scikit-learn |",
        "|---|---|---|---|",
    ]
    for dtype in ("float32", "float64"):
        X, y = make_data(100_000, 20, dtype)
        makers = {"sknets": lambda: MLPRegressor(dtype="auto"), "scikit-learn": SklearnMLPRegressor}
        fitted = {name: make().fit(X[:1000], y[:1000]) for name, make in makers.items()}
        jobs = {
            "`partial_fit`, 50 rows": (
                200,
                {name: partial_fits(make, X[:10_000], y[:10_000]) for name, make in makers.items()},
            )
        }
        for name, (n_rows, n_calls) in PREDICTIONS.items():
            sides = {side: predictions(net, X[:n_rows], n_calls) for side, net in fitted.items()}
            jobs[f"`predict`, {name}"] = n_calls, sides
        for name, (n_calls, sides) in jobs.items():
            seconds = alternate(sides, 2 if quick else CALL_ROUNDS)
            ours = 1e6 * np.median(seconds["sknets"]) / n_calls
            ratio = times_as_fast(seconds["sknets"], seconds["scikit-learn"])
            lines.append(f"| {name} | {dtype} | {ours:,.0f} | {ratio} |")
            print(lines[-1], flush=True)
    return lines


def main(quick):
    warnings.simplefilter("ignore")
    print(machine(), flush=True)
    with on_one_thread():
        fits, calls = measure_fits(quick), measure_calls(quick)
    lines = [
        "How many times as fast as the other side sknets is, on one thread: median of alternated rounds "
        "(quartiles).",
        "scikit-learn and sknets have their L2 penalty, skorch and the plain Torch loop none.",
        *(QUICK if quick else []),
        "",
        *fits,
        "",
        *calls,
    ]
    kernels = os.environ.get("OPENBLAS_CORETYPE", "")
    write_result(f"fit_time_{kernels.lower()}".rstrip("_"), "Time of a fit", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of each")
    main(parser.parse_args().quick)
