"""What the defaults of the convolutional networks are worth, on sets of images and signals.

Each candidate changes one parameter; its error (1 - accuracy or 1 - R² on the test rows, plus half a
row) is compared with that of the defaults on the same splits, as the logarithm of their ratio, averaged
over sets. A support vector machine stands beside them. Every fit runs on one thread.
"""

import argparse
import warnings

import numpy as np
import torch
from _image_sets import load_sets
from _measure import write_result
from joblib import Parallel, delayed
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from sknets import CNNClassifier, CNNRegressor

CANDIDATES = {
    "conv_channels=(32, 64)": {"conv_channels": (32, 64)},
    "global_pooling=None": {"global_pooling": None},
    "global_pooling='max'": {"global_pooling": "max"},
    "normalization=None": {"normalization": None},
    "normalization='layer'": {"normalization": "layer"},
    "learning_rate_init=0.002": {"learning_rate_init": 0.002},
    "learning_rate_init=0.01": {"learning_rate_init": 0.01},
    "learning_rate='constant', 0.001": {"learning_rate": "constant", "learning_rate_init": 0.001},
    "batch_size=16": {"batch_size": 16},
    "batch_size=64": {"batch_size": 64},
    "weight_init='he_uniform'": {"weight_init": "he_uniform"},
    "max_grad_norm=1": {"max_grad_norm": 1.0},
}

SETS = [
    "digits",
    "digits_small",
    "faces",
    "textures",
    "letters",
    "angle",
    "gunpoint",
    "osuleaf",
    "japanese_vowels",
    "pattern_place",
]


def models(image_set, seed):
    """Return all models by name."""
    is_regression = image_set.task == "regression"
    Network = CNNRegressor if is_regression else CNNClassifier
    networks = {
        name: Network(random_state=seed, **image_set.kwargs, **params)
        for name, params in ({"the defaults": {}} | CANDIDATES).items()
    }
    return networks | {
        "SVC, SVR": make_pipeline(StandardScaler(), SVR(C=10) if is_regression else SVC(C=10))
    }


def errors(name, seed, n_train, n_test):
    """Return the error of every model on one split."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    image_set = load_sets([name])[name]
    train, test = image_set.split(seed)
    train, test = train[:n_train], test[:n_test]
    X = image_set.X.astype(np.float32) if image_set.X.dtype == np.float64 else image_set.X
    result = {}
    for model_name, model in models(image_set, seed).items():
        rows = X.reshape(len(X), -1) if model_name == "SVC, SVR" else X
        model.fit(rows[train], image_set.y[train])
        score = model.score(rows[test], image_set.y[test])
        result[model_name] = 1 - score + 0.5 / len(test)
    print(name, seed, f"{result['the defaults']:.3f}", flush=True)
    return result


def main(n_splits, n_jobs, n_train, n_test=1000):
    """Run all, print and keep the table."""
    names = SETS
    tasks = [(name, seed, n_train, n_test) for name in names for seed in range(n_splits)]
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
        f"{n_splits} random splits of each set, at most {n_train:,} training rows. Error (1 - accuracy",
        "or 1 - R²), mean over splits; then the mean over sets of log(error / error of defaults) with",
        "its standard error over splits and sets. Below 0: better than the defaults.",
        "",
        f"| | {' | '.join(names)} | log ratio |",
        "|---|" + "---|" * (len(names) + 1),
    ]
    for model, values in table.items():
        ratio = np.log(values / base)
        spread = ratio.std(ddof=1) / np.sqrt(ratio.size)
        cells = " | ".join(f"{v:.3f}" for v in values.mean(axis=1))
        lines.append(f"| {model} | {cells} | {ratio.mean():+.3f} ± {spread:.3f} |")
    write_result("cnn_defaults", "What the defaults of convolutional networks are worth", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--rows", type=int, default=400, help="most training rows")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    main(arguments.splits, arguments.jobs, arguments.rows)
