"""What a step costs: against rows in a batch, columns, units, and networks in a stack.

Each is varied around 200 rows, 20 columns and 100 units; the number of networks at 32 rows, 19 columns
and 50 units. A cost is the time of some epochs over their steps and networks, for one hidden layer and
Adam, on one thread: the least of the rounds, since what else runs on the machine only adds. Two limits
are drawn in: that of arithmetic, the multiply-adds of a step over the rate of a large matrix product; and
that of memory, the bytes that a step must at least read and write over the bandwidth of a large copy.
Both are measured in the same run. Small networks stay in the caches, which are faster than that. Steps
are taken in machine code and, as without numba, on NumPy; all networks of a stack are one here, where a
search cuts them in tiles.
"""

import argparse
import time
from contextlib import nullcontext

import numpy as np
import torch
from _measure import QUICK, RESULTS, machine, on_numpy, on_one_thread, write_result

from sknets import modules, training
from sknets.training._stack import run_together

BASE = {"rows": 200, "columns": 20, "units": 100, "networks": 1}
OF_STACK = {"rows": 32, "columns": 19, "units": 50}
VARIED = {
    "rows": [6, 12, 25, 50, 100, 200, 400, 800, 1600, 3200],
    "columns": [2, 5, 10, 20, 50, 100, 200, 500, 1000],
    "units": [5, 10, 20, 50, 100, 200, 500, 1000],
    "networks": [1, 2, 4, 8, 16, 32, 64, 128],
}
LABELS = {
    "rows": "rows in a batch",
    "columns": "columns",
    "units": "units",
    "networks": "networks in a stack",
}
DTYPES = {"float32": torch.float32, "float64": torch.float64}
WAYS = {"machine code": nullcontext, "NumPy": on_numpy}
SECONDS = 0.12  # of a round


def make_nets(n_nets, rows, columns, units, n_steps, dtype):
    """Return nets that have not begun, and rows of so many steps an epoch for each."""
    rng = np.random.default_rng(0)
    nets, data = [], []
    for seed in range(n_nets):
        module = modules.DenseStack(
            [columns, units, 1],
            ["relu"],
            [0.0],
            None,
            "glorot_uniform",
            training.make_generator(seed),
        ).to(dtype)
        method = training.make_method("adam")
        learner = training.Learner(
            module,
            make_solver=method.make_solver,
            schedule=training.Schedule("constant", 1e-3, 1),
            stopping=training.Stopping(0.0, np.inf, "train_loss"),
            generator=training.make_generator(seed),
            penalty=training.Penalty(alpha=1e-4),
        )
        net = training.Net(
            learner,
            criterion=training.HalfSquaredError(),
            method=method,
            max_epochs=1,
            batch_size=rows,
            verbose=0,
        )
        nets.append(net.initialize())
        x = rng.standard_normal((rows * n_steps, columns))
        data.append(
            training.Rows(torch.from_numpy(x).to(dtype), torch.from_numpy(x[:, :1]).to(dtype))
        )
    return nets, data


def prepare(dtype, way, *, rows, columns, units, networks):
    """Return a function that trains for a while and returns microseconds of a step of a network."""
    work = rows * units * (columns + 1) * networks
    n_steps = int(np.clip(4e6 / work, 8, 60))  # of an epoch
    nets, data = make_nets(networks, rows, columns, units, n_steps, DTYPES[dtype])
    for net, own in zip(nets, data, strict=True):
        net.begin(own, 1)

    def run(n_epochs):
        with WAYS[way]():
            seconds = timed(lambda: run_together(nets, data, [n_epochs] * networks))
        return 1e6 * seconds / (n_epochs * n_steps * networks)

    of_two = run(2) * 2 * n_steps * networks / 1e6
    n_epochs = max(1, round(2 * SECONDS / of_two))
    return lambda: run(n_epochs)


def measure_limits(dtype):
    """Return multiply-adds and bytes in a microsecond: of a large product and of a large copy."""
    n = 1500
    a = np.random.default_rng(0).standard_normal((n, n)).astype(dtype)
    out, large = np.empty_like(a), np.ones(2**25, dtype)  # written: pages of zeros are one
    other = np.ones_like(large)
    product = min(timed(lambda: np.matmul(a, a, out=out)) for _ in range(8))
    copy = min(timed(lambda: np.copyto(other, large)) for _ in range(8))
    return n**3 / product / 1e6, 2 * large.nbytes / copy / 1e6


def timed(run):
    """Return the seconds of a call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def multiply_adds(rows, columns, units, networks=1):
    """Return those of a step of a network: forward, the gradients, and the delta of the hidden units."""
    return rows * units * (2 * columns + 3)


def n_bytes(dtype, rows, columns, units, networks=1):
    """Return bytes that a step of a network reads or writes, each array as seldom as can be."""
    n_parameters = (columns + 2) * units + 1
    # rows are gathered and read twice; hidden values are written and read on both ways
    values = 4 * rows * columns + 5 * rows * units
    # written: gradient, parameters, two moments; read: these four
    return (values + 8 * n_parameters) * np.dtype(dtype).itemsize


def shape_around(what):
    """Return the sizes that stay while one is varied."""
    return BASE | (OF_STACK if what == "networks" else {})


def others(what):
    """Say which sizes stay."""
    stay = shape_around(what)
    return ", ".join(f"{stay[name]} {LABELS[name]}" for name in OF_STACK if name != what)


def measure(n_rounds):
    """Return points ``{(what, dtype): [(value, cost, arithmetic, memory), ...]}``, all in µs."""
    points = {}
    for dtype in DTYPES:
        rate, bandwidth = measure_limits(dtype)
        print(
            f"{dtype}: {rate / 1e3:.1f} multiply-adds, {bandwidth / 1e3:.1f} bytes in a ns",
            flush=True,
        )
        for what, values in VARIED.items():
            shapes = [shape_around(what) | {what: value} for value in values]
            runs = [[prepare(dtype, way, **shape) for way in WAYS] for shape in shapes]
            rounds = [[[run() for run in ways] for ways in runs] for _ in range(n_rounds)]
            points[what, dtype] = [
                (
                    value,
                    *costs,
                    multiply_adds(**shape) / rate,
                    n_bytes(dtype, **shape) / bandwidth,
                )
                for value, costs, shape in zip(values, np.min(rounds, axis=0), shapes, strict=True)
            ]
            print(what, *(f"{cost:.4g}" for _, cost, *_ in points[what, dtype]), flush=True)
        points["limits", dtype] = rate, bandwidth
    return points


def draw(points, path):
    """Draw costs and their limits, a panel for each of what is varied."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, NullFormatter

    colors = {"float32": "tab:blue", "float64": "tab:orange"}
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    for ax, (what, values) in zip(axes.flat, VARIED.items(), strict=True):
        for dtype, color in colors.items():
            x, costs, on_arrays, arithmetic, memory = np.transpose(points[what, dtype])
            ax.plot(x, costs, "o-", ms=4, color=color, label=f"a step, {dtype}")
            ax.plot(x, on_arrays, "-", lw=0.8, color=color, label=f"the same on NumPy, {dtype}")
            ax.plot(x, arithmetic, "--", lw=1.2, color=color, label=f"limit of arithmetic, {dtype}")
            ax.plot(x, memory, ":", lw=1.5, color=color, label=f"limit of memory, {dtype}")
        ax.set(xscale="log", yscale="log", xlabel=LABELS[what])
        ax.set_xticks(values, labels=map(str, values))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.minorticks_off()
        ax.grid(alpha=0.3)
        ax.set_title(others(what), fontsize=10)
        ax.set_ylabel("µs, step and network")
    axes[0, 0].legend(fontsize=8)
    figure.suptitle("What a step costs a network: one hidden layer, Adam, one thread")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def table(points):
    """Return the lines of the tables."""
    lines = []
    for what in VARIED:
        heads = [f"{dtype} | on NumPy | arithmetic | memory" for dtype in DTYPES]
        lines += [
            "",
            f"{others(what)}:",
            "",
            f"| {LABELS[what]} | {' | '.join(heads)} |",
            "|---" * 9 + "|",
        ]
        for rows in zip(*(points[what, dtype] for dtype in DTYPES), strict=True):
            cells = [f"{number:.3g}" for row in rows for number in row[1:]]
            lines.append(f"| {rows[0][0]} | {' | '.join(cells)} |")
    return lines


def main(quick):
    print(machine(), flush=True)
    with on_one_thread():
        points = measure(2 if quick else 5)
    limits = [
        f"{rate / 1e3:.1f} multiply-adds and {bandwidth / 1e3:.1f} bytes in a nanosecond ({dtype})"
        for dtype, (rate, bandwidth) in ((dtype, points["limits", dtype]) for dtype in DTYPES)
    ]
    RESULTS.mkdir(exist_ok=True)
    draw(points, RESULTS / "costs.png")
    lines = [
        "Microseconds of a step and network: one hidden layer, Adam, L2 penalty, shuffled rows, ends of",
        "epochs included; one thread, least of the rounds. Beside it the limits of arithmetic and of",
        f"memory, from {' and '.join(limits)}.",
        "Small networks stay in the caches, which are faster than memory. Steps are taken in machine",
        "code, and on NumPy, as without numba. All networks of a stack are one here, where a search",
        "cuts them in tiles.",
        *(QUICK if quick else []),
        "",
        "![Costs of a step](costs.png)",
        *table(points),
    ]
    write_result("costs", "What a step costs", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds of each")
    main(parser.parse_args().quick)
