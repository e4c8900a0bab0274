"""What does a cluster cost and bring? Searches on two workers, and one big fit by two processes."""

import os
import tempfile
import time
import warnings
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from statistics import median

import joblib
import numpy as np
import torch
from _measure import write_result
from joblib.externals.loky import ProcessPoolExecutor
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sknets import CNNClassifier, MLPRegressor, TabularRegressor
from sknets.parallel import fit_distributed
from sknets.parallel._distributed import of_one_machine

N_TASKS, N_ROUNDS = 200, 2


@contextmanager
def dask(scatter):
    """Yield within a Dask cluster of two processes."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
        joblib.parallel_config("dask", scatter=scatter),
    ):
        yield


@contextmanager
def ray(scatter):
    """Yield within a Ray cluster of two processes."""
    import ray
    from ray.util.joblib import register_ray

    register_ray()
    path = {"env_vars": {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}}
    ray.init(num_cpus=2, include_dashboard=False, logging_level="error", runtime_env=path)
    again = {"max_restarts": 3, "max_task_retries": 3}
    try:
        with joblib.parallel_config("ray", n_jobs=-1, ray_remote_args=again):
            yield
    finally:
        ray.shutdown()


def together(scatter):
    """Return the context of stacks on this machine."""
    return joblib.parallel_config("sknets", n_jobs=N_TASKS)


SIDES = {
    "one after another": lambda scatter: nullcontext(),
    'together, `"sknets"`': together,
    "Dask, two workers": dask,
    "Ray, two workers": ray,
}


def seconds(run):
    """Return the median time of some calls after one that does not count."""
    times = []
    for _ in range(N_ROUNDS + 1):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return median(times[1:])


def searches():
    """Return the lines of the table of searches."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 10))
    y = X[:, 0] - X[:, 1] ** 2 + 0.1 * rng.normal(size=400)
    kinds = {
        "200 small": MLPRegressor(
            hidden_layer_sizes=20, max_iter=20, batch_size=32, random_state=0
        ),
        "40 large": MLPRegressor(
            hidden_layer_sizes=(200, 200), max_iter=20, batch_size=32, random_state=0
        ),
    }
    runs = [
        GridSearchCV(network, {"alpha": np.logspace(-4, 1, n)}, cv=5, refit=False)
        for n, network in zip((40, 8), kinds.values(), strict=True)
    ]
    population = TabularRegressor(n_candidates=8, max_iter=30, random_state=0)
    lines = [
        f"Seconds (median of {N_ROUNDS}, after one round). Searches in 5 folds of 400 rows, 20 epochs of "
        "batches of 32: 40 values of `alpha` with 20 units, 8 with 200 and 200. Population: "
        "`TabularRegressor` of 8 candidates in 5 folds, 30 epochs.",
        "",
        "| | start | ms for an empty task | 200 small networks | 40 large networks | population |",
        "|---|---|---|---|---|---|",
    ]
    for name, context in SIDES.items():
        with ExitStack() as stack:
            started = time.perf_counter()
            stack.enter_context(context([X, y]))
            start = time.perf_counter() - started
            empty = [joblib.delayed(int)() for _ in range(N_TASKS)]
            each = seconds(lambda empty=empty: joblib.Parallel(batch_size=1)(empty)) / N_TASKS
            times = [seconds(lambda run=run: run.fit(X, y)) for run in (*runs, population)]
        cells = " | ".join(f"{value:.1f}" for value in times)
        lines.append(f"| {name} | {start:.1f} | {each * 1e3:.1f} | {cells} |")
        print(lines[-1], flush=True)
    return lines


# --- one big fit ------------------------------------------------------------------------------------


def networks():
    """Return networks of several sizes by their names, and X and y of each."""
    rng = np.random.default_rng(0)
    few = {
        "max_iter": 4,
        "random_state": 0,
        "tol": 0.0,
        "n_iter_no_change": 100,
        "dtype": "float32",
    }
    X = rng.standard_normal((8192, 100)).astype(np.float32)
    images = rng.standard_normal((512, 32, 32, 3)).astype(np.float32)
    y = X[:, 0].copy()
    cases = {
        f"dense {units} + {units}, batches of {batch}": (
            MLPRegressor(hidden_layer_sizes=(units, units), batch_size=batch, **few),
            X[: 8 * batch],
            y[: 8 * batch],
        )
        for units, batch in [(50, 200), (200, 200), (1000, 200), (1000, 1024)]
    }
    network = CNNClassifier(conv_channels=(32, 64, 64), batch_size=128, **few)
    cases["convolutions 32, 64, 64 on 32x32x3, batches of 128"] = (network, images, y[:512] > 0)
    return cases


def ms_of_steps(n_threads):
    """Return milliseconds of a step, those of processors in it, and the parameters of each network."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(n_threads)
    found = {}
    for name, (network, X, y) in networks().items():
        network.fit(X, y)
        n_steps = len(y) // network.batch_size
        wall = min(network.history_["seconds"][1:]) / n_steps
        cpu = []
        for n_epochs in (1, 4):  # what is not a step is in both
            started = time.process_time()
            clone(network).set_params(max_iter=n_epochs).fit(X, y)
            cpu.append(time.process_time() - started)
        computing = (cpu[1] - cpu[0]) / (3 * n_steps)
        found[name] = wall * 1e3, computing * 1e3, len(network.net_.flat.values)
    return found


def as_one_of(rank, n_processes, folder):
    """Return what `ms_of_steps` returns in a process that trains together with others."""
    with of_one_machine(rank, n_processes, Path(folder) / "meeting", "gloo", 300.0):
        times = ms_of_steps(1)
        messages = {n: ms_of_message(n) for n in (10**4, 10**5, 10**6, 10**7)}
    return times, messages


def ms_of_message(n):
    """Return milliseconds in which n numbers of float32 are added up."""
    vector, times = torch.zeros(n), []
    for _ in range(8):
        started = time.perf_counter()
        torch.distributed.all_reduce(vector)
        times.append(time.perf_counter() - started)
    return min(times) * 1e3


def big_fits():
    """Return the lines of the table of steps."""
    sides = []
    for n_threads in (1, 2):
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        with ProcessPoolExecutor(1, env=dict.fromkeys(names, str(n_threads))) as executor:
            sides.append(executor.submit(ms_of_steps, n_threads).result())
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(2, env=dict.fromkeys(names, "1")) as executor,
    ):
        futures = [executor.submit(as_one_of, rank, 2, folder) for rank in range(2)]
        (shared, messages), _ = (future.result() for future in futures)
    lines = [
        "Milliseconds of a step (shortest of three epochs), float32; in brackets, those in which a "
        "processor was at work for the process.",
        "",
        "| network | parameters | one process, one thread | two threads | each of two processes |",
        "|---|---|---|---|---|",
    ]
    for name, (*_, n) in sides[0].items():
        cells = [f"{of[name][0]:.2f} ({of[name][1]:.2f})" for of in (*sides, shared)]
        lines.append(f"| {name} | {n:,} | {' | '.join(cells)} |")
    lines += [
        "",
        "Gradients added up by two processes with gloo, through the machine's own loop:",
        "",
    ]
    lines += ["| numbers of float32 | ms | GB/s |", "|---|---|---|"]
    for n, ms in messages.items():
        lines.append(f"| {n:,} | {ms:.2f} | {4 * n / ms / 1e6:.2f} |")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 10))
    network = MLPRegressor(hidden_layer_sizes=5, max_iter=1, random_state=0)
    started = time.perf_counter()
    fit_distributed(network, X, X[:, 0])
    start = time.perf_counter() - started
    lines += ["", f"`fit_distributed` of almost nothing: {start:.1f} s, the start."]
    return lines


def main():
    """Print and keep the tables."""
    warnings.simplefilter("ignore")
    lines = ["## One big fit", "", *big_fits(), "", "## Searches and populations", ""]
    print("\n".join(lines), flush=True)
    lines += searches()
    load = f"Load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores."
    write_result("cluster", "What a cluster costs and brings", [load, "", *lines])


if __name__ == "__main__":
    main()
