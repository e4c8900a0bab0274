"""Accuracy on scikit-learn's digits: convolutional networks beside scikit-learn's own models.

Five folds, ``StratifiedKFold(5, shuffle=True, random_state=0)``, and three seeds for each network.
"""

import warnings

import numpy as np
from _measure import write_result
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sknets import CNNClassifier, MLPClassifier
from sknets.preprocessing import Augmentation

BEST = {
    "conv_channels": (32, 32, 64, 64),
    "pooling": [None, "max", None, "max"],
    "max_iter": 60,
    "dtype": "float32",
}
MOVES = Augmentation(shift=0.13, rotate=10, scale=0.1)
IMAGES = (-1, 8, 8)


def models(seed):
    """Return all models by name, with whether they take images (or rows of 64 features)."""
    return {
        "SVC()": (SVC(), False),
        "SVC(gamma=0.001, C=10)": (SVC(gamma=0.001, C=10), False),
        "scikit-learn's MLPClassifier()": (
            make_pipeline(StandardScaler(), SklearnMLPClassifier(random_state=seed)),
            False,
        ),
        "MLPClassifier()": (
            make_pipeline(StandardScaler(), MLPClassifier(random_state=seed)),
            False,
        ),
        "CNNClassifier()": (CNNClassifier(random_state=seed), True),
        "four layers, augmented": (
            CNNClassifier(**BEST, augment=MOVES, random_state=seed),
            True,
        ),
    }


def main(n_seeds=3):
    """Run all, print and keep the table."""
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    scores = {}
    for seed in range(n_seeds):
        for name, (model, takes_images) in models(seed).items():
            if name.startswith("SVC") and seed:
                continue  # draws nothing
            rows = X.reshape(IMAGES) if takes_images else X
            score = cross_val_score(model, rows, y, cv=folds).mean()
            scores.setdefault(name, []).append(score)
            print(name, seed, round(score, 4), flush=True)
    lines = [
        f"Mean accuracy over five folds; for networks, of {n_seeds} seeds. Augmented by {MOVES};",
        f"four layers: {BEST}.",
        "",
        "| model | mean | each seed |",
        "|---|---|---|",
    ]
    for name, values in scores.items():
        each = ", ".join(f"{value:.4f}" for value in values)
        lines.append(f"| {name} | {np.mean(values):.4f} | {each} |")
    write_result("digits", "Accuracy on digits", lines)


if __name__ == "__main__":
    main()
