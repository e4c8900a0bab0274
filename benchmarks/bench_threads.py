"""From which size of a step a second thread pays: behind `SMALL_STEP` and its siblings."""

import warnings

import numpy as np
import torch
from _measure import alternate, median_ratio, write_result

from sknets import CNNRegressor, MLPRegressor, RNNRegressor
from sknets.training import _threads

IMAGE_SIZES = [(8, 8), (16, 8), (32, 8), (64, 8), (32, 16), (32, 28), (128, 28)]
SERIES_SIZES = [(32, 32), (64, 64), (128, 64), (256, 64), (256, 128), (512, 128), (512, 256)]
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


def fit_images(n_threads, batch, side, dtype):
    """Return a function that fits some epochs of a convolutional network, and its multiply-adds."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((batch * 4, side, side)).astype(dtype)
    y = X[:, 0, 0].copy()
    network = CNNRegressor(
        conv_channels=(32, 64), batch_size=batch, max_iter=2, n_iter_no_change=np.inf, dtype=dtype
    )

    def run():
        torch.set_num_threads(n_threads)
        network.fit(X, y)

    return run, lambda: batch * network.summary()["multiply_adds"].sum()


def fit_series(n_threads, batch, units, dtype):
    """Return a function that fits some epochs of a recurrent network, and its multiply-adds at once."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((batch * 2, 50, 8)).astype(dtype)
    y = X[:, 0, 0].copy()
    network = RNNRegressor(
        recurrent_layer_sizes=units,
        batch_size=batch,
        max_iter=2,
        n_iter_no_change=np.inf,
        dtype=dtype,
    )

    def run():
        torch.set_num_threads(n_threads)
        network.fit(X, y)

    return run, lambda: batch * network.summary()["multiply_adds"].sum() / X.shape[1]


def main():
    """Print and keep the tables."""
    warnings.simplefilter("ignore")
    _threads.SMALL_STEP = 0  # take the threads that are set
    CNNRegressor._small_step = RNNRegressor._small_step = 0
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
    tables = (
        (
            "Convolutions of 3×3 with 32 and 64 channels.",
            "images in a batch | side",
            fit_images,
            IMAGE_SIZES,
        ),
        (
            "LSTM on 50 timesteps of 8 features; multiply-adds of a timestep.",
            "series in a batch | units",
            fit_series,
            SERIES_SIZES,
        ),
    )
    for title, columns, make_fit, sizes in tables:
        head = f"| {columns} | multiply-adds | float32 | float64 |"
        lines += ["", title, "", head, "|---|---|---|---|---|"]
        for batch, size in sizes:
            ratios = []
            for dtype in ("float32", "float64"):
                fits = {n: make_fit(n, batch, size, dtype) for n in (n_all, 1)}
                seconds = alternate({n: run for n, (run, _) in fits.items()}, 7)
                ratios.append(f"{median_ratio(seconds[n_all], seconds[1]):.2f}")
                work = fits[1][1]()
            lines.append(f"| {batch} | {size} | 2^{np.log2(work):.1f} | {' | '.join(ratios)} |")
    write_result("threads", f"One thread or {n_all}", lines)


if __name__ == "__main__":
    main()
