"""Memory and time of a fit to data that are larger than memory, and whether it learns the same.

A memory map of 256 columns of float32 with two classes is written into a temporary folder (`--folder`
says where), and removed at the end. Each fit has a process of its own, in which a thread notes the
resident memory ten times a second; pages of the file are dropped from the system's cache before each
fit. The network has 64 hidden units, batches of 500 rows, one thread.

Accuracy is compared on half a gigabyte: the array, and the same rows in pieces with `memory=64`, which
has 16 MiB of rows in memory at once; with rows in a random order on disk, and sorted by class.
"""

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from _measure import QUICK, write_result

N_COLUMNS = 256
GIGABYTE = 10**9
ROW_BYTES = 4 * N_COLUMNS
CHUNK = 50_000
N_NEW = 50_000
PAGE = os.sysconf("SC_PAGE_SIZE")
PIECES, ARRAY = "in pieces", "as an array"
INK = {PIECES: "#1f5f8b", ARRAY: "#d1603d"}
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "out_of_core.png"


def draw_rows(number, n_rows):
    """Return a chunk of rows and their classes."""
    teacher = np.random.default_rng(0)
    first = teacher.normal(size=(N_COLUMNS, 8)) / np.sqrt(N_COLUMNS) * 2
    second = teacher.normal(size=8)
    rng = np.random.default_rng([1, number])
    x = rng.standard_normal((n_rows, N_COLUMNS), dtype=np.float32)
    signal = np.tanh(x @ first) @ second
    return x, (signal + 0.3 * rng.normal(size=n_rows) > 0).astype(np.int8)


def write(folder, n_rows):
    """Write rows and classes, and return their paths."""
    paths = folder / "X.npy", folder / "y.npy"
    y = np.empty(n_rows, dtype=np.int8)
    with paths[0].open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (n_rows, N_COLUMNS)}
        np.lib.format.write_array_header_2_0(file, header)
        for start in range(0, n_rows, CHUNK):
            stop = min(start + CHUNK, n_rows)
            x, y[start:stop] = draw_rows(start, stop - start)
            file.write(x.data)
        file.flush()
        os.fsync(file.fileno())
    np.save(paths[1], y)
    return paths


def drop_from_cache(path):
    """Let the system forget the pages of a file."""
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


class Resident(threading.Thread):
    """Notes the resident memory of the process, in bytes, ten times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.times, self.sizes, self.start_time = [], [], time.perf_counter()

    def run(self):
        """Note it until the process ends."""
        while True:
            with open("/proc/self/statm") as file:
                self.sizes.append(int(file.read().split()[1]) * PAGE)
            self.times.append(time.perf_counter() - self.start_time)
            time.sleep(0.1)


def fit(queue, paths, n_rows, how, epochs, memory, seed):
    """Fit in a process of its own; put times, sizes, seconds of an epoch and accuracy into a queue."""
    import warnings

    import torch

    from sknets import MLPClassifier
    from sknets.datasets import ArrayRows

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    resident = Resident()
    resident.start()
    y = np.load(paths[1])[:n_rows]
    X = np.load(paths[0], mmap_mode="r")[:n_rows]
    X = read_whole(paths[0], X) if how == ARRAY else ArrayRows(X, memory=memory)
    network = MLPClassifier(
        hidden_layer_sizes=(64,), batch_size=500, max_iter=epochs, random_state=seed
    )
    network.fit(X, y)
    seconds = float(np.median(network.history_["seconds"]))
    new, classes = draw_rows(10**9, N_NEW)
    queue.put((resident.times, resident.sizes, seconds, network.score(new, classes)))


def read_whole(path, X):
    """Return a memory map as an array, without touching its pages."""
    return np.fromfile(path, np.float32, X.size, offset=X.offset).reshape(X.shape)


def measure(paths, n_rows, how, *, epochs, memory=512, seed=0):
    """Fit in another process and return what it has noted."""
    drop_from_cache(paths[0])
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=fit, args=(queue, paths, n_rows, how, epochs, memory, seed))
    process.start()
    found = queue.get()
    process.join()
    return found


def sort_by_class(paths, n_rows):
    """Write the first rows sorted by class, and return the paths."""
    X, y = np.load(paths[0], mmap_mode="r"), np.load(paths[1])[:n_rows]
    order = np.argsort(y, kind="stable")
    into = [path.with_name(f"sorted_{path.name}") for path in paths]
    np.save(into[0], np.asarray(X[:n_rows])[order])
    np.save(into[1], y[order])
    return into


def draw(curves, pieces, arrays):
    """Draw resident memory over time, and memory and time against the size on disk."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    size, (times, sizes) = curves
    axes[0].plot(times, np.array(sizes) / GIGABYTE, color=INK[PIECES], linewidth=1)
    axes[0].axhline(1.5, color="0.5", linestyle=":", linewidth=1)
    axes[0].text(0, 1.52, "1.5 GB", color="0.4", va="bottom", fontsize=9)
    axes[0].set(title=f"A fit to {size:g} GB", xlabel="seconds", ylabel="resident memory, GB")
    axes[0].set(ylim=(0, 2))
    for label, found in ((PIECES, pieces), (ARRAY, arrays)):
        x = list(found)
        axes[1].plot(x, [peak / GIGABYTE for peak, _ in found.values()], "o-", color=INK[label])
        axes[2].plot(
            x, [seconds for _, seconds in found.values()], "o-", color=INK[label], label=label
        )
    axes[1].set(title="Peak", xlabel="GB on disk", ylabel="resident memory, GB")
    axes[2].set(title="Time", xlabel="GB on disk", ylabel="seconds of an epoch")
    for ax in axes[1:]:
        ax.set(xlim=(0, None), ylim=(0, None))
    axes[2].legend(frameon=False)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=100)


def compare(paths, n_rows, n_seeds):
    """Return lines of a table of accuracies."""
    lines = [
        "",
        f"Accuracy of {N_NEW:,} new rows after three epochs on {n_rows:,}, mean of {n_seeds} ",
    ]
    lines[-1] += "seeds (and their range):"
    lines += ["", f"| rows on disk | {ARRAY} | {PIECES} |", "|---|---|---|"]
    for order, of in (("random", paths), ("sorted by class", sort_by_class(paths, n_rows))):
        cells = []
        for how in (ARRAY, PIECES):
            scores = [
                measure(of, n_rows, how, epochs=3, memory=64, seed=seed)[3]
                for seed in range(n_seeds)
            ]
            cells.append(f"{np.mean(scores):.4f} ({min(scores):.4f} to {max(scores):.4f})")
        lines.append(f"| {order} | {' | '.join(cells)} |")
    return lines


def main(gigabytes, folder, quick):
    """Write, fit, draw."""
    sizes = sorted({s for s in (1, 2, 5) if s < gigabytes} | {gigabytes})
    in_memory = [s for s in sizes if s <= 2]
    n_rows = {size: int(size * GIGABYTE) // ROW_BYTES for size in sizes}
    with tempfile.TemporaryDirectory(dir=folder) as place:
        paths = write(Path(place), n_rows[gigabytes])
        lines = ["| GB on disk | rows | read | peak, GB | seconds of an epoch | accuracy |"]
        lines.append("|---|---|---|---|---|---|")
        found, curves = {PIECES: {}, ARRAY: {}}, None
        for how, of in ((PIECES, sizes), (ARRAY, in_memory)):
            for size in of:
                times, resident, seconds, score = measure(paths, n_rows[size], how, epochs=2)
                found[how][size] = max(resident), seconds
                curves = (size, (times, resident)) if how == PIECES else curves
                peak = f"{max(resident) / GIGABYTE:.2f}"
                lines.append(
                    f"| {size:g} | {n_rows[size]:,} | {how} | {peak} | {seconds:.1f} | {score:.4f} |"
                )
                print(lines[-1], flush=True)
        half = min(n_rows[gigabytes], GIGABYTE // 2 // ROW_BYTES)
        lines += compare(paths, half, 1 if quick else 3)
    draw(curves, found[PIECES], found[ARRAY])
    write_result("out_of_core", "Data larger than memory", lines + (QUICK if quick else []))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Memory and time of a fit in pieces.")
    parser.add_argument("--gigabytes", type=float, default=10, help="size of the largest file")
    parser.add_argument("--folder", default=None, help="where the temporary folder is made")
    parser.add_argument("--quick", action="store_true", help="one seed")
    options = parser.parse_args()
    main(options.gigabytes, options.folder, options.quick)
