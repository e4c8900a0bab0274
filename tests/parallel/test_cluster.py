"""Searches and populations on real clusters of this machine; a worker is killed in the middle."""

import os
import warnings
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from sknets import CNNRegressor, MLPRegressor, RNNRegressor, TabularRegressor
from sknets.parallel import run_all
from sknets.parallel._cluster import is_cluster, run_in_parts
from tests.parallel.killer import Killer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = X[:, 0] - X[:, 1] ** 2
SMALL = {"max_iter": 5, "random_state": 0}
GRID = {"mlpregressor__alpha": np.logspace(-6, 1, 40)}


def _search(folder=None, after=0):
    network = MLPRegressor(**SMALL, hidden_layer_sizes=5, dropout=0.1)
    return GridSearchCV(make_pipeline(Killer(folder, after), network), GRID, cv=5)


@contextmanager
def _dask(n_workers=2):
    distributed = pytest.importorskip("distributed")
    path = {"PYTHONPATH": os.pathsep.join(filter(None, map(str, _paths())))}
    with (
        distributed.LocalCluster(
            n_workers=n_workers, threads_per_worker=1, dashboard_address=None, env=path
        ) as cluster,
        distributed.Client(cluster),
        # a copy on each worker: data that one alone has would be lost with it
        joblib.parallel_config("dask", scatter=[X, Y]),
    ):
        yield


@contextmanager
def _ray():
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    register_ray()
    path = {"env_vars": {"PYTHONPATH": os.pathsep.join(filter(None, map(str, _paths())))}}
    ray.init(num_cpus=2, include_dashboard=False, logging_level="error", runtime_env=path)
    again = {"max_restarts": 3, "max_task_retries": 3}
    try:
        with joblib.parallel_config("ray", n_jobs=-1, ray_remote_args=again):
            yield
    finally:
        ray.shutdown()


def _paths():
    """Return where workers find what this process imports."""
    return Path(__file__).parents[2], os.environ.get("PYTHONPATH", "")


def _weights(folder, alpha):
    Killer(folder, 10).fit(X)
    return MLPRegressor(**SMALL, alpha=alpha).fit(X, Y).coefs_[0]


def _pid():
    return os.getpid()


@pytest.fixture(autouse=True)
def _one_thread_here():
    """Workers have one thread of their own accord; bits depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _nothing_is_said_of_threads(monkeypatch):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


CLUSTERS = {"dask": _dask, "ray": _ray}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CLUSTERS)
def test_a_search_of_200_fits_loses_a_worker_and_no_result(name, tmp_path):
    with CLUSTERS[name]():
        found = _search(str(tmp_path), 50).fit(X, Y)
    assert (tmp_path / "killed").exists()
    here = _search().fit(X, Y)
    for number in range(5):
        scores = f"split{number}_test_score"
        np.testing.assert_array_equal(found.cv_results_[scores], here.cv_results_[scores])
    assert found.best_params_ == here.best_params_
    np.testing.assert_array_equal(found.predict(X), here.predict(X))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CLUSTERS)
def test_all_kinds_of_networks_travel(name):
    images, series = RNG.normal(size=(60, 6, 6)), RNG.normal(size=(60, 7, 2))
    kinds = [
        (TabularRegressor(n_candidates=4, max_iter=3, random_state=0), X),
        (MLPRegressor(**SMALL, n_members=4), X),
        (CNNRegressor(**SMALL, conv_channels=(3,)), images),
        (RNNRegressor(**SMALL, hidden_layer_sizes=5), series),
    ]
    with CLUSTERS[name]():
        pids = set(joblib.Parallel(batch_size=1)(joblib.delayed(_pid)() for _ in range(20)))
        fitted = [clone(network).fit(X_of, Y) for network, X_of in kinds[:2]]
        scores = [cross_val_score(network, X_of, Y, cv=3) for network, X_of in kinds]
        counts = joblib.Parallel()(joblib.delayed(torch.get_num_threads)() for _ in range(2))
    assert os.getpid() not in pids
    for (network, X_of), there in zip(kinds[:2], fitted, strict=True):
        np.testing.assert_array_equal(
            there.predict(X_of), clone(network).fit(X_of, Y).predict(X_of)
        )
    for (network, X_of), there in zip(kinds, scores, strict=True):
        np.testing.assert_array_equal(there, cross_val_score(network, X_of, Y, cv=3))
    assert (
        max(counts) == 1
    )  # two workers with two threads each would be too many for two processors


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CLUSTERS)
def test_a_population_loses_a_worker_and_no_network(name, tmp_path):
    alphas = np.logspace(-6, 1, 24)
    with CLUSTERS[name]():
        there = run_all(joblib.delayed(_weights)(str(tmp_path), alpha) for alpha in alphas)
    assert (tmp_path / "killed").exists()
    for alpha, weights in zip(alphas, there, strict=True):
        np.testing.assert_array_equal(weights, _weights(None, alpha))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_fitted_networks_travel_and_go_on():
    network = MLPRegressor(**SMALL, warm_start=True).fit(X, Y)
    with _dask():
        (there,) = joblib.Parallel()([joblib.delayed(network.fit)(X, Y)])
    np.testing.assert_array_equal(there.predict(X), network.fit(X, Y).predict(X))


def test_parts_come_back_in_order():
    calls = [joblib.delayed(pow)(number, 2) for number in range(7)]
    sizes = []

    def run(part):
        sizes.append(len(part))
        return [function(*args) for function, args, _ in part]

    assert run_in_parts(calls, 2, run) == [number**2 for number in range(7)]
    assert sorted(sizes) == [1, 2, 2, 2]
    assert run_in_parts([], 2, run) == []


@pytest.mark.parametrize("name", ["loky", "threading", "multiprocessing", "sequential", "sknets"])
def test_what_is_of_this_machine_is_no_cluster(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with joblib.parallel_config(name):
            assert not is_cluster(joblib.parallel.get_active_backend()[0])
