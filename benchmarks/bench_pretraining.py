"""Pretraining beside none, with few labels: digits, ten seeds.

A seed draws 500 digits to test on, and from the others 10, 20 or 50 of each class that have a label. All
networks have the same training. "rbm" and "autoencoder" learn the rows with a label alone;
"FrozenEstimator" takes a denoising autoencoder of all rows but those of the test. Differences to no
pretraining are of the same digits and the same seed. (Rate, momentum and batches of "rbm" were chosen on
four of the seeds.)
"""

import argparse
import warnings

import numpy as np
from _measure import write_result
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator

from sknets import Autoencoder, MLPClassifier

LABELS = (10, 20, 50)
N_TEST = 500
TRAINING = {"max_iter": 200, "learning_rate": "one_cycle", "learning_rate_init": 0.01}
NETWORKS = {
    "logistic, 100": ("logistic", (100,)),
    "logistic, 200-100-100": ("logistic", (200, 100, 100)),
    "relu, 200-100-100": ("relu", (200, 100, 100)),
}


def split(y, seed):
    """Return rows to test on, all others, and those of each number of labels."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    test, pool = order[:N_TEST], order[N_TEST:]
    of_class = [pool[y[pool] == label] for label in np.unique(y)]
    return test, pool, {n: np.concatenate([rows[:n] for rows in of_class]) for n in LABELS}


def starts(activation, sizes, X, seed):
    """Return the values of `pretrain` by name."""
    *inner, last = sizes
    coder = Autoencoder(
        last,
        inner,
        activation=activation,
        code_activation=activation,
        noise="masking",
        random_state=seed,
    )
    found = {"None": None, "'autoencoder'": "autoencoder"}
    if activation == "logistic":
        found["'rbm'"] = "rbm"
    return found | {"FrozenEstimator, all rows": FrozenEstimator(coder.fit(X))}


def measure(X, y, seed):
    """Return the accuracy by network, start and number of labels."""
    test, pool, labelled = split(y, seed)
    found = {}
    for name, (activation, sizes) in NETWORKS.items():
        for start, pretrain in starts(activation, sizes, X[pool], seed).items():
            for n, rows in labelled.items():
                network = MLPClassifier(
                    sizes, activation, pretrain=pretrain, random_state=seed, **TRAINING
                )
                score = network.fit(X[rows], y[rows]).score(X[test], y[test])
                found[name, start, n] = score
    return found


def main(n_seeds):
    """Measure and write the result."""
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    runs = [measure(X / 16, y, seed) for seed in range(n_seeds)]
    lines = [
        f"Accuracy on {N_TEST} digits, means over {n_seeds} seeds with standard errors; in brackets, "
        "in percentage points, what the start adds to none.",
        "",
        "| network | `pretrain` | " + " | ".join(f"{n} labels a class" for n in LABELS) + " |",
        "|---|---|" + "---|" * len(LABELS),
    ]
    for name, start in dict.fromkeys(key[:2] for key in runs[0]):
        cells = []
        for n in LABELS:
            scores = np.array([run[name, start, n] for run in runs])
            gain = 100 * (scores - [run[name, "None", n] for run in runs])
            mean, error = (f(values) for f in (np.mean, standard_error) for values in [scores])
            cell = f"{mean:.3f} ± {error:.3f}"
            if start != "None":
                cell += f" ({gain.mean():+.1f} ± {standard_error(gain):.1f})"
            cells.append(cell)
        lines.append(f"| {name} | {start} | " + " | ".join(cells) + " |")
    write_result("pretraining", "Pretraining with few labels", lines)


def standard_error(values):
    """Return the standard error of a mean."""
    return values.std(ddof=1) / np.sqrt(len(values))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="seeds, two at least")
    main(parser.parse_args().seeds)
