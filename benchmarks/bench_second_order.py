"""Iterations and time to the same training loss: solvers of second order, L-BFGS, Adam, and SciPy.

Adam trains for 2,000 epochs; the loss that it has then (and 1% more) is what all others have to reach,
from the same initial weights. SciPy's `least_squares` minimises the residuals of the same network, with
its Jacobian. Each side is timed from the call to that loss, in turns in one process.
"""

import argparse
import time
import warnings
from statistics import median

import numpy as np
import scipy.optimize
import skorch
from _measure import QUICK, on_one_thread, write_result

from sknets import MLPRegressor

EPOCHS, MOST = 2000, 1000
SHAPES = {"1x20x1": (1, 20, 200), "5x15x1": (5, 15, 500)}
SLACK = 1.01
WITHIN_FIT = ["lm", "gauss-newton", "newton", "lbfgs", "adam"]
SCIPY = "SciPy, method 'lm'"


def draw(n_features, n_rows, seed):
    """Return rows of a smooth function with 5% noise, y standardised."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, (n_rows, n_features))
    y = np.sin(2 * X[:, 0]) + 0.5 * np.square(X).sum(1) / n_features
    if n_features > 1:
        y += X[:, 1] * X[:, 2]
    y = (y - y.mean()) / y.std() + 0.05 * rng.standard_normal(n_rows)
    return X, (y - y.mean()) / y.std()


def network(n_units, solver, seed, max_iter, **params):
    """Return the estimator of one side."""
    return MLPRegressor(
        hidden_layer_sizes=(n_units,),
        activation="tanh",
        solver=solver,
        alpha=0,
        learning_rate_init=0.01,
        tol=0,
        n_iter_no_change=np.inf if solver == "adam" else 10,
        early_stopping=False,
        max_iter=max_iter,
        random_state=seed,
        **params,
    )


class Start(skorch.callbacks.Callback):
    """Keeps the initial weights of a network, layer by layer."""

    def on_epoch_begin(self, net, **kwargs):
        """Take those of the first epoch."""
        if not len(net.history) - 1:
            self.layers = [p.detach().numpy().copy() for p in net.module_.parameters()]


class Stop(skorch.callbacks.Callback):
    """Ends a training at a loss."""

    def __init__(self, target):
        self.target = target

    def on_epoch_end(self, net, **kwargs):
        """Look at the loss of an epoch."""
        if net.history[-1]["train_loss"] <= self.target:
            raise KeyboardInterrupt


class Reached(Exception):
    """The loss is low enough."""


def scipy_to(target, layers, X, y):
    """Return the Jacobians that SciPy computes on the way to a loss, or None if it ends above."""
    w, b, v, _ = layers
    shapes, n_jacobians = [w.size, w.size + b.size, w.size + b.size + v.size], 0

    def hidden(theta):
        w1, b1, v1, c1 = np.split(theta, shapes)
        return np.tanh(X @ w1.reshape(w.shape).T + b1), v1, c1

    def residuals(theta):
        h, v1, c1 = hidden(theta)
        r = h @ v1 + c1 - y
        if 0.5 * (r @ r) / len(y) <= target:
            raise Reached
        return r

    def jacobian(theta):
        nonlocal n_jacobians
        n_jacobians += 1
        h, v1, _ = hidden(theta)
        delta = (1 - h * h) * v1
        of_w = (delta[:, :, None] * X[:, None, :]).reshape(len(y), -1)
        return np.hstack([of_w, delta, h, np.ones((len(y), 1))])

    start = np.concatenate([layer.ravel() for layer in layers])
    tols = dict.fromkeys(("xtol", "ftol", "gtol"), 1e-15)
    try:
        scipy.optimize.least_squares(
            residuals, start, jacobian, method="lm", max_nfev=10 * MOST, **tols
        )
    except Reached:
        return n_jacobians
    return None


def first_below(curve, target):
    """Return the iteration in which a loss is reached first, or None."""
    (below,) = np.nonzero(np.asarray(curve) <= target)
    return int(below[0]) + 1 if len(below) else None


def measure(shape, seed, n_rounds):
    """Return iterations and seconds of each side that reaches the loss of Adam."""
    n_features, n_units, n_rows = SHAPES[shape]
    X, y = draw(n_features, n_rows, seed)
    start = Start()
    adam = network(n_units, "adam", seed, EPOCHS, callbacks=[start]).fit(X, y)
    target = SLACK * min(adam.loss_curve_)
    curves = {"adam": adam.loss_curve_}
    for solver in WITHIN_FIT[:-1]:
        side = network(n_units, solver, seed, MOST, callbacks=[Stop(target)])
        curves[solver] = side.fit(X, y).loss_curve_
    found = {solver: first_below(curve, target) for solver, curve in curves.items()}
    found[SCIPY] = scipy_to(target, start.layers, X, y)
    runs = {
        solver: lambda s=solver: network(n_units, s, seed, found[s]).fit(X, y)
        for solver in WITHIN_FIT
        if found[solver] is not None
    }
    if found[SCIPY] is not None:
        runs[SCIPY] = lambda: scipy_to(target, start.layers, X, y)
    seconds = {name: [] for name in runs}
    for _ in range(n_rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return found, {name: median(values) for name, values in seconds.items()}, target


def main(n_seeds, n_rounds, *, is_quick):
    warnings.simplefilter("ignore")
    lines = [
        f"Training loss of Adam after {EPOCHS:,} epochs (rate 0.01, batches of 200 rows) plus 1%, from "
        f"the same weights. Medians of {n_seeds} seeds, one thread; ratios are medians of the ratios. "
        f"Those that end above that loss, or need over {MOST:,} iterations, have no part in a median.",
        "",
        "| network, rows | solver | reached | iterations | times fewer than Adam | ms "
        "| ms an iteration | times as fast as Adam |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for shape, (_, _, n_rows) in SHAPES.items():
        with on_one_thread():
            results = [measure(shape, seed, n_rounds) for seed in range(n_seeds)]
        print(shape, "losses", *(f"{target:.2e}" for *_, target in results), flush=True)
        for name in [SCIPY, *WITHIN_FIT]:
            of_seeds = [(f, s) for f, s, _ in results if f[name] is not None]
            row = f"| {shape}, {n_rows} | {name} | {len(of_seeds)} of {n_seeds} |"
            if not of_seeds:
                lines.append(row + " | | | | |")
                continue
            n = median(f[name] for f, _ in of_seeds)
            fewer = median(f["adam"] / f[name] for f, _ in of_seeds)
            ms = 1000 * median(s[name] for _, s in of_seeds)
            each = 1000 * median(s[name] / f[name] for f, s in of_seeds)
            faster = median(s["adam"] / s[name] for _, s in of_seeds)
            lines.append(f"{row} {n:.0f} | {fewer:.0f} | {ms:.1f} | {each:.2f} | {faster:.1f} |")
    lines += QUICK if is_quick else []
    write_result("second_order", "Solvers of second order", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=11)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    main(*((3, 1) if args.quick else (args.seeds, args.rounds)), is_quick=args.quick)
