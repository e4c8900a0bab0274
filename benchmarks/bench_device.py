"""Steps on a CUDA device, beside the same on the CPU, a plain Torch loop and skorch on the device.

Each side fits twice, with few and with many epochs; the difference, divided by its steps, is what a step
takes once all is running. Sides take turns. Then networks side by side: what a step takes for each of K.
"""

import argparse
import time
import warnings
from statistics import median

import joblib
import numpy as np
import skorch
import torch
from _measure import QUICK, on_one_thread, write_result
from bench_fit_time import make_data, make_module
from sklearn.base import clone

from sknets import CNNClassifier, MLPRegressor, RNNClassifier

# rows, columns, units, batch size, epochs more
SIZES = {
    "20-100-1, 200 rows": (4_000, 20, (100,), 200, 40),
    "50-256-256-1, 256 rows": (20_480, 50, (256, 256), 256, 10),
    "200-1024-1024-1, 1,024 rows": (40_960, 200, (1024, 1024), 1024, 3),
    "200-4096-4096-1, 4,096 rows": (40_960, 200, (4096, 4096), 4096, 5),
}
SHAPES = {
    "CNN, 28×28, 128 images": (CNNClassifier(batch_size=128), (2_560, 28, 28), 3),
    "LSTM, 50×3, 128 series": (RNNClassifier(batch_size=128), (2_560, 50, 3), 3),
}
MEMBERS = (1, 8, 64)


def network(hidden, batch, **params):
    """Return a network that trains to the last epoch."""
    common = {"n_iter_no_change": np.inf, "tol": 0.0, "dtype": "float32", "random_state": 0}
    return MLPRegressor(hidden_layer_sizes=hidden, batch_size=batch, **common | params)


def ours(estimator, X, y):
    """Return a function that fits for some epochs."""
    return lambda epochs: clone(estimator).set_params(max_iter=epochs).fit(X, y)


def torch_loop(X, y, hidden, batch):
    """Return a function that trains on the device as a Torch user writes it down."""

    def run(epochs):
        x, target = torch.from_numpy(X).cuda(), torch.from_numpy(y)[:, None].cuda()
        module = make_module(X.shape[1], hidden).cuda()
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
        loss_function = torch.nn.MSELoss()
        for _ in range(epochs):
            total = 0.0
            for index in torch.randperm(len(x), device="cuda").split(batch):
                optimizer.zero_grad()
                loss = loss_function(module(x[index]), target[index])
                loss.backward()
                optimizer.step()
                total += loss.item()

    return run


def skorch_fit(X, y, hidden, batch):
    """Return a function that trains on the device with skorch."""

    def run(epochs):
        skorch.NeuralNetRegressor(
            make_module(X.shape[1], hidden),
            optimizer=torch.optim.Adam,
            lr=1e-3,
            batch_size=batch,
            max_epochs=epochs,
            train_split=None,
            iterator_train__shuffle=True,
            device="cuda",
            verbose=0,
        ).fit(X, y[:, None])

    return run


def time_steps(sides, few, many, n_batches, n_rounds):
    """Return the microseconds of a step of each side, the median of rounds."""
    found = {name: [] for name in sides}
    for _, run in sides.items():
        run(few)
    for _ in range(n_rounds):
        for name, run in sides.items():
            start = time.perf_counter()
            run(few)
            middle = time.perf_counter()
            run(many)
            seconds = (time.perf_counter() - middle) - (middle - start)
            found[name].append(1e6 * seconds / ((many - few) * n_batches))
    return {name: median(values) for name, values in found.items()}


def measure_steps(n_rounds):
    """Return the lines about steps of one network."""
    names = ["device", "device, bf16", "CPU", "Torch loop", "skorch"]
    lines = [f"| step of | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for title, (n, p, hidden, batch, epochs) in SIZES.items():
        X, y = make_data(n, p, "float32")
        there = network(hidden, batch, device="cuda")
        sides = {
            "device": ours(there, X, y),
            "device, bf16": ours(clone(there).set_params(precision="bf16"), X, y),
            "Torch loop": torch_loop(X, y, hidden, batch),
            "skorch": skorch_fit(X, y, hidden, batch),
        }
        if hidden[0] < 4096:
            sides["CPU"] = ours(clone(there).set_params(device="cpu"), X, y)
        few = 1 + 20 // (n // batch)
        found = time_steps(sides, few, few + epochs, n // batch, n_rounds)
        lines.append(_row(title, found, names))
    for title, (estimator, shape, epochs) in SHAPES.items():
        rng = np.random.default_rng(0)
        X = rng.standard_normal(shape).astype("float32")
        y = rng.integers(0, 10, len(X))
        there = clone(estimator).set_params(device="cuda", random_state=0)
        sides = {
            "device": ours(there, X, y),
            "device, bf16": ours(clone(there).set_params(precision="bf16"), X, y),
            "CPU": ours(clone(there).set_params(device="cpu"), X, y),
        }
        found = time_steps(sides, 1, 1 + epochs, 20, 1)
        lines.append(_row(title, found, names))
    return lines


def _row(title, found, names):
    cells = [f"{found[name]:,.0f}" if name in found else "" for name in names]
    print(line := f"| {title} | {' | '.join(cells)} |", flush=True)
    return line


def measure_stacks(n_rounds):
    """Return the lines about networks side by side."""
    lines = ["| step of each | " + " | ".join(f"{k} networks" for k in MEMBERS) + " |"]
    lines += ["|---|" + "---|" * len(MEMBERS)]
    for title, (n, p, hidden, batch, epochs) in list(SIZES.items())[:3]:
        X, y = make_data(n, p, "float32")
        there = network(hidden, batch, device="cuda", dropout=0.1)
        found = {}
        for k in MEMBERS:

            def run(n_epochs, k=k, there=there, X=X, y=y):
                nets = [clone(there).set_params(random_state=seed) for seed in range(k)]
                with joblib.parallel_config("sknets", n_jobs=k):
                    joblib.Parallel()(joblib.delayed(ours(net, X, y))(n_epochs) for net in nets)

            few, more = 1 + 20 // (n // batch), 2 * epochs
            (found[k],) = time_steps({k: run}, few, few + more, n // batch, n_rounds).values()
            found[k] /= k
        lines.append(_row(title, found, MEMBERS))
    return lines


def main(quick):
    warnings.simplefilter("ignore")
    n_rounds = 1 if quick else 3
    with on_one_thread():
        steps, stacks = measure_steps(n_rounds), measure_stacks(n_rounds)
    lines = [
        f"{torch.cuda.get_device_name()}. Microseconds; the CPU and Python have one thread.",
        *(QUICK if quick else []),
        "",
        *steps,
        "",
        "Side by side, with a dropout of 0.1 (`joblib.parallel_config`):",
        "",
        *stacks,
    ]
    write_result("device", "Steps on a CUDA device", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of each")
    main(parser.parse_args().quick)
