"""The jobs of bench_versions.py, and the process that times them with the code of one checkout.

Run as a script, it answers a line ``{"job": name}`` with a line ``{"seconds": s}``: processor time of one
run, which other programs on the machine hardly touch.
"""

import json
import sys
import time
import warnings
from functools import partial

import numpy as np
import scipy.sparse as sp
from sklearn.datasets import load_digits

import sknets
from sknets import CNNClassifier, MLPClassifier, MLPRegressor, RNNClassifier, RNNRegressor


def table(n_rows, n_features, dtype="float32"):
    """Return X and a y that depends on three of its columns."""
    X = np.random.default_rng(0).standard_normal((n_rows, n_features)).astype(dtype)
    return X, (X[:, 0] * X[:, 1] + np.sin(X[:, 2])).astype(dtype)


def fit_table(n_rows, n_features, dtype="float32", **params):
    """Return a function that fits a regressor to a table."""
    X, y = table(n_rows, n_features, dtype)
    params = {"n_iter_no_change": np.inf, "random_state": 0} | params
    return lambda: MLPRegressor(**params).fit(X, y)


def fit_sparse():
    X = sp.random_array((2000, 500), density=0.02, format="csr", rng=0, dtype=np.float32)
    y = np.asarray(X[:, :50].sum(axis=1) > 0.5)
    return lambda: MLPClassifier((50,), max_iter=3, random_state=0).fit(X, y)


def fit_images():
    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 8, 8).astype(np.float32)[:600]
    return lambda: CNNClassifier((16, 32), max_iter=2, random_state=0).fit(X, y[:600])


def fit_series(kind, make_X, make_y, **params):
    """Return a function that fits a recurrent network."""
    X = make_X()
    y = make_y(X)
    params = {"recurrent_layer_sizes": 32, "max_iter": 3, "random_state": 0} | params
    return lambda: kind(**params).fit(X, y)


def cube():
    return np.random.default_rng(0).standard_normal((300, 20, 3)).astype(np.float32)


def ragged():
    lengths = np.random.default_rng(1).integers(5, 21, 300)
    return [series[:n] for series, n in zip(cube(), lengths, strict=True)]


def signs(X):
    return [int(series[:, 0].sum() > 0) for series in X]


def sums(X):
    return X[:, :, 0].cumsum(axis=1)


def partial_fits():
    X, y = table(50, 10)

    def run():
        network = MLPRegressor(hidden_layer_sizes=(50,), random_state=0)
        for _ in range(200):
            network.partial_fit(X, y)

    return run


def predict(n_rows):
    X, y = table(max(n_rows, 1000), 20)
    network = MLPRegressor(max_iter=2, random_state=0).fit(X[:1000], y[:1000])
    return lambda: network.predict(X[:n_rows])


SMALL = {"hidden_layer_sizes": (50,), "batch_size": 32, "max_iter": 60}
MIDDLE = {"hidden_layer_sizes": (100,), "batch_size": 200, "max_iter": 40}
LARGE = {"hidden_layer_sizes": (256, 256), "batch_size": 256, "max_iter": 2}
LBFGS = {"solver": "lbfgs", "max_iter": 60}
STOPPING = {"early_stopping": True, "max_iter": 40}
STEPS = {"output": "timesteps"}

#: What makes each job ready, and how often it is run in a turn.
JOBS = {
    "fit 200×10, 50 units, float32": (partial(fit_table, 200, 10, **SMALL), 2),
    "fit 200×10, 50 units, float64": (partial(fit_table, 200, 10, "float64", **SMALL), 2),
    "fit 2,000×20, 100 units": (partial(fit_table, 2000, 20, **MIDDLE), 2),
    "fit 20,000×50, 256×256 units": (partial(fit_table, 20_000, 50, **LARGE), 1),
    "fit 2,000×500, sparse": (fit_sparse, 6),
    "fit of digits, CNN": (fit_images, 3),
    "fit of ragged series, RNN": (partial(fit_series, RNNClassifier, ragged, signs), 4),
    "fit of regular series, RNN": (partial(fit_series, RNNClassifier, cube, signs), 4),
    "fit of each timestep, RNN": (partial(fit_series, RNNRegressor, cube, sums, **STEPS), 4),
    "fit 100×10, 1 epoch": (partial(fit_table, 100, 10, max_iter=1), 50),
    "fit 200×10, lbfgs": (partial(fit_table, 200, 10, "float64", **LBFGS), 5),
    "fit 1,000×20, early stopping": (partial(fit_table, 1000, 20, **STOPPING), 2),
    "200 partial fits of 50 rows": (partial_fits, 1),
    "predict 1 row": (partial(predict, 1), 800),
    "predict 1,000 rows": (partial(predict, 1000), 400),
    "predict 100,000 rows": (partial(predict, 100_000), 6),
}


def serve():
    """Answer lines on the standard input until it ends."""
    warnings.simplefilter("ignore")
    answer({"package": sknets.__path__[0], "jobs": list(JOBS)})
    ready = {}
    for line in sys.stdin:
        name = json.loads(line)["job"]
        make, n_repeats = JOBS[name]
        if name not in ready:
            ready = {name: make()}  # the data of one job at a time
        start = time.process_time()
        for _ in range(n_repeats):
            ready[name]()
        answer({"seconds": (time.process_time() - start) / n_repeats})


def answer(message):
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    serve()
