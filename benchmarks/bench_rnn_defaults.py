"""What the defaults of the recurrent networks are worth, on sets of series and texts.

Each candidate changes one parameter (or two that belong together); its error (1 - accuracy or 1 - R² on
the test rows, plus half a row) is compared with that of the defaults on the same splits, as the logarithm
of their ratio, averaged over sets. A support vector machine on the flat series stands beside them.
Every fit runs on one thread.
"""

import argparse
import warnings

import numpy as np
import torch
from _measure import write_result
from _sequence_sets import LOADERS
from joblib import Parallel, delayed
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from sknets import RNNClassifier, RNNRegressor

CANDIDATES = {
    "cell='gru'": {"cell": "gru"},
    "cell='rnn'": {"cell": "rnn"},
    "recurrent_layer_sizes=32": {"recurrent_layer_sizes": 32},
    "recurrent_layer_sizes=(64, 64)": {"recurrent_layer_sizes": (64, 64)},
    "bidirectional=True": {"bidirectional": True},
    "pool='mean'": {"pool": "mean"},
    "pool='max'": {"pool": "max"},
    "pool='attention'": {"pool": "attention"},
    "conv_channels=()": {"conv_channels": ()},
    "dropout=0.1": {"dropout": 0.1},
    "dropout=0.3": {"dropout": 0.3},
    "alpha=0.0001": {"alpha": 0.0001},
    "alpha=0.3": {"alpha": 0.3},
    "learning_rate_init=0.002": {"learning_rate_init": 0.002},
    "learning_rate_init=0.01": {"learning_rate_init": 0.01},
    "learning_rate='constant', 0.001": {"learning_rate": "constant", "learning_rate_init": 0.001},
    "max_iter=50": {"max_iter": 50},
    "batch_size=32": {"batch_size": 32},
    "max_grad_norm=None": {"max_grad_norm": None},
}


def errors(name, seed, n_test):
    """Return the error of every model on one split."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    sequences = LOADERS[name]()
    train, test = sequences.split(seed, n_test)
    is_regression = sequences.task == "regression"
    Network = RNNRegressor if is_regression else RNNClassifier
    X, y = sequences.X, sequences.y

    def error(model, X):
        return 1 - model.fit(X[train], y[train]).score(X[test], y[test]) + 0.5 / len(test)

    result = {
        candidate: error(Network(random_state=seed, **sequences.kwargs, **parameters), X)
        for candidate, parameters in ({"the defaults": {}} | CANDIDATES).items()
    }
    flat = sequences.flat()
    machine = make_pipeline(StandardScaler(), SVR(C=10) if is_regression else SVC(C=10))
    result["SVC, SVR"] = np.nan if flat is None else error(machine, flat)
    print(name, seed, f"{result['the defaults']:.3f}", flush=True)
    return result


def main(names, n_splits, n_jobs, n_test):
    """Run all, print and keep the table."""
    tasks = [(name, seed, n_test) for seed in range(n_splits) for name in names[::-1]]
    results = Parallel(n_jobs=n_jobs)(delayed(errors)(*task) for task in tasks)
    table = {
        model: np.array(
            [
                [results[i][model] for i, task in enumerate(tasks) if task[0] == name]
                for name in names
            ]
        )
        for model in results[0]
    }
    base = table["the defaults"]
    lines = [
        f"Splits of each set: {n_splits}. Error (1 - accuracy or 1 - R²), mean over splits; then the",
        "mean over sets of log(error / error of defaults) with its standard error over splits and sets.",
        "Below 0: better than the defaults.",
        "",
        f"| | {' | '.join(names)} | log ratio |",
        "|---|" + "---|" * (len(names) + 1),
    ]
    for model, values in table.items():
        ratio = np.log(values / base)[~np.isnan(values)]
        spread = ratio.std(ddof=1) / np.sqrt(ratio.size)
        cells = " | ".join("" if np.isnan(v) else f"{v:.3f}" for v in values.mean(axis=1))
        lines.append(f"| {model} | {cells} | {ratio.mean():+.3f} ± {spread:.3f} |")
    write_result("rnn_defaults", "What the defaults of recurrent networks are worth", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--test-rows", type=int, default=1000, help="most test rows")
    parser.add_argument("--sets", nargs="+", default=list(LOADERS), choices=list(LOADERS))
    arguments = parser.parse_args()
    main(arguments.sets, arguments.splits, arguments.jobs, arguments.test_rows)
