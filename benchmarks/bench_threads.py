"""From which size of a step a second thread pays: the measurement behind `SMALL_STEP`."""

import warnings

import numpy as np
import torch
from _measure import alternate, median_ratio, write_result

from sknets import MLPRegressor
from sknets.training import _threads

SIZES = [(32, 50), (200, 100), (200, 400), (256, 1000), (512, 1000), (1024, 1000), (1024, 4000)]


def fit(n_threads, batch, units, dtype):
    """Return a function that fits some epochs with a number of threads."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((batch * 8, 20)).astype(dtype)
    y = X[:, 0].copy()
    network = MLPRegressor(
        hidden_layer_sizes=units, batch_size=batch, max_iter=4, n_iter_no_change=np.inf, dtype=dtype
    )

    def run():
        torch.set_num_threads(n_threads)
        network.fit(X, y)

    return run


def main():
    """Print and keep the table."""
    warnings.simplefilter("ignore")
    _threads.SMALL_STEP = 0  # take the threads that are set
    lines = [
        "Time of a fit with all threads / with one, one hidden layer on 20 features.",
        "",
        "| rows in a batch | units | multiply-adds | float32 | float64 |",
        "|---|---|---|---|---|",
    ]
    n_all = torch.get_num_threads()
    for batch, units in SIZES:
        ratios = []
        for dtype in ("float32", "float64"):
            sides = {n: fit(n, batch, units, dtype) for n in (n_all, 1)}
            seconds = alternate(sides, 7)
            ratios.append(f"{median_ratio(seconds[n_all], seconds[1]):.2f}")
        work = batch * units * 22
        lines.append(f"| {batch} | {units} | 2^{np.log2(work):.1f} | {' | '.join(ratios)} |")
    write_result("threads", f"One thread or {n_all}", lines)


if __name__ == "__main__":
    main()
