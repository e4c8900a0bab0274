"""Graphs of thirteen pipelines: are they equal, how large, and how fast does onnxruntime answer.

    python benchmarks/bench_onnx.py [--quick]

Differences are the largest over rows: of the probability, or of the number in units of itself and the
spread of all.
"""

import argparse
import pickle
import time

import numpy as np
import onnxruntime
from _measure import QUICK, alternate, median_ratio, on_one_thread, write_result
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import nn

from sknets import (
    Autoencoder,
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
    TabularClassifier,
    TabularRegressor,
    to_onnx,
)
from sknets.datasets import load_hitters
from sknets.graphs import make_feed

N_THROUGHPUT = 10_000
FAST = {"max_iter": 10, "learning_rate": "one_cycle", "random_state": 0}


class Net(nn.Sequential):
    """A module of a user."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(nn.Linear(n_inputs, 64), nn.Mish(), nn.Linear(64, n_outputs))


def estimators():
    """Yield a name, an unfitted estimator, X and y."""
    rng = np.random.default_rng(0)
    diabetes = load_diabetes(return_X_y=True)
    cancer = load_breast_cancer(return_X_y=True)
    digits = load_digits()
    hitters = load_hitters(as_frame=True)
    words = [name for name in hitters.data if hitters.data[name].dtype.kind not in "iuf"]
    numbers = [name for name in hitters.data if name not in words]
    series = [rng.normal(size=(n, 3)).cumsum(0) for n in rng.integers(10, 40, 300)]
    rises = np.array([s[-1, 0] > s[0, 0] for s in series])
    tokens = [rng.integers(0, 50, n) for n in rng.integers(5, 30, 300)]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), words),
    )

    def scaled(network, *steps):
        return make_pipeline(StandardScaler(), *steps, network)

    yield "StandardScaler, MLPRegressor", scaled(MLPRegressor(**FAST)), *diabetes
    yield (
        "StandardScaler, MLPRegressor(gaussian, 5 members)",
        scaled(MLPRegressor("gaussian", n_members=5, **FAST)),
        *diabetes,
    )
    yield (
        "StandardScaler, PCA, MLPClassifier(calibrated)",
        scaled(MLPClassifier(calibrate=True, **FAST), PCA(10)),
        *cancer,
    )
    yield (
        "ColumnTransformer of words and gaps, MLPRegressor",
        make_pipeline(columns, MLPRegressor(**FAST)),
        hitters.data,
        hitters.target,
    )
    yield (
        "StandardScaler, MLPRegressor(periodic)",
        scaled(MLPRegressor(numeric_embedding="periodic", **FAST)),
        *diabetes,
    )
    yield (
        "Autoencoder, MLPClassifier",
        make_pipeline(
            Autoencoder(8, max_iter=10, learning_rate="one_cycle", random_state=0),
            StandardScaler(),
            MLPClassifier(**FAST),
        ),
        digits.data,
        digits.target,
    )
    yield "CNNClassifier", CNNClassifier(**FAST), digits.images, digits.target
    residual = CNNClassifier((16, 32), residual=True, normalization="group", **FAST)
    yield "CNNClassifier(residual, group)", residual, digits.images, digits.target
    yield "RNNClassifier, unequal lengths", RNNClassifier(**FAST), series, rises
    gru = RNNRegressor(cell="gru", bidirectional=True, vocabulary_size=50, pool="attention", **FAST)
    yield "RNNRegressor(gru, both ways, tokens)", gru, tokens, np.array([t.mean() for t in tokens])
    yield "StandardScaler, ModuleRegressor(Mish)", scaled(ModuleRegressor(Net, **FAST)), *diabetes
    table = TabularRegressor(random_state=0)
    yield "TabularRegressor, a frame", table, hitters.data, hitters.target
    yield "TabularClassifier", TabularClassifier(random_state=0), *cancer


def difference(session, model, X):
    """Return the largest difference of a graph from its estimator."""
    answers = dict(
        zip(
            [output.name for output in session.get_outputs()],
            session.run(None, make_feed(X, session)),
            strict=True,
        )
    )
    if "probabilities" in answers:
        return float(np.abs(answers["probabilities"] - model.predict_proba(X)).max())
    expected = model.predict(X)
    unit = np.abs(expected) + expected.std()
    return float((np.abs(answers["variable"].reshape(expected.shape) - expected) / unit).max())


def repeated(X, n):
    """Return n rows."""
    rows = np.arange(n) % len(X)
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return [X[row] for row in rows] if isinstance(X, list) else X[rows]


def measure(name, model, X, y, n_rounds, n_many):
    """Return a row of the table."""
    model.fit(X, y)
    started = time.perf_counter()
    graph = to_onnx(model, X)
    seconds = time.perf_counter() - started
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    cells = [name, f"{difference(session, model, X):.0e}", f"{graph.ByteSize() / 1e3:,.0f}"]
    cells += [f"{len(pickle.dumps(model)) / 1e3:,.0f}", f"{seconds:.2f}"]
    for n_rows, n_calls in ((1, 20), (n_many, 1)):
        rows = repeated(X, n_rows)
        feed = make_feed(rows, session)

        def ours(rows=rows, n_calls=n_calls):
            for _ in range(n_calls):
                model.predict(rows)

        def theirs(feed=feed, n_calls=n_calls):
            for _ in range(n_calls):
                session.run(None, feed)

        times = alternate({"predict": ours, "graph": theirs}, n_rounds)
        per_call = {side: np.median(found) / n_calls for side, found in times.items()}
        ratio = median_ratio(times["predict"], times["graph"])
        if n_rows == 1:
            cells += [f"{1e3 * per_call[side]:.2f}" for side in ("predict", "graph")]
        else:
            cells += [f"{n_rows / per_call[side] / 1e3:,.0f}" for side in ("predict", "graph")]
        cells.append(f"{ratio:.1f}")
    return "| " + " | ".join(cells) + " |"


def main():
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows")
    quick = parser.parse_args().quick
    n_rounds, n_many = (2, 1000) if quick else (15, N_THROUGHPUT)
    lines = [
        f"onnxruntime {onnxruntime.__version__}, one thread on either side; X is in memory.",
        *(QUICK if quick else []),
        "",
        "| pipeline | difference | graph, kB | pickle, kB | export, s | one row: `predict`, ms "
        "| graph, ms | times as fast | many rows: `predict`, thousand/s | graph | times as fast |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    with on_one_thread():
        for parts in estimators():
            lines.append(measure(*parts, n_rounds, n_many))
            print(lines[-1], flush=True)
    write_result("onnx", "Graphs beside their estimators", lines)


if __name__ == "__main__":
    main()
