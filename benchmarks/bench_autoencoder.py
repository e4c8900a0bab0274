"""Autoencoders beside PCA at equal dimension: digits, a classifier on top, and curved surfaces.

What is kept is the share of the variance of new rows that codes keep. On top of codes stands a logistic
regression, of standardised codes. Columns of the swiss roll and of the circle are standardised.
"""

import argparse
import warnings

import numpy as np
from _measure import write_result
from sklearn.datasets import load_digits, make_swiss_roll
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from sknets import Autoencoder

DIMENSIONS = (2, 8, 16, 32)


def models(k, seed):
    """Return those that make codes of k numbers."""
    deep = {"hidden_layer_sizes": (128, 64), "random_state": seed}
    return {
        "PCA": PCA(k, random_state=seed),
        "autoencoder": Autoencoder(k, random_state=seed),
        "autoencoder, 128 and 64 units": Autoencoder(k, **deep),
        "the same, masking": Autoencoder(k, **deep, noise="masking"),
    }


def kept(coder, X):
    """Return the share of the variance of rows that codes keep."""
    again = coder.inverse_transform(coder.transform(X))
    return r2_score(X, again, multioutput="variance_weighted")


def on_digits(seed, k):
    """Return, for each model, what is kept and the accuracy on top, of digits held out."""
    X, y = load_digits(return_X_y=True)
    X, new, y, new_y = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    found = {}
    for name, coder in models(k, seed).items():
        coder.fit(X)
        top = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
        top.fit(coder.transform(X), y)
        found[name] = (kept(coder, X), kept(coder, new), top.score(coder.transform(new), new_y))
    return found


def surfaces(seed):
    """Yield name, rows, the numbers that they were made of, and how many these are."""
    roll, angle = make_swiss_roll(3000, noise=0.05, random_state=seed)
    yield "swiss roll", scale(roll), np.column_stack([angle, roll[:, 1]]), 2
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 1.5 * np.pi, 2000)
    arc = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.02 * rng.normal(size=(2000, 2))
    yield "three quarters of a circle", scale(arc), angle[:, None], 1


def on_surfaces(seed):
    """Return what codes keep, and how well the numbers behind the rows can be read off them."""
    found = {}
    for name, X, behind, k in surfaces(seed):
        parts = train_test_split(X, scale(behind), test_size=0.3, random_state=seed)
        X, new, behind, new_behind = parts
        coders = {
            "PCA": PCA(k),
            "autoencoder": Autoencoder(
                k,
                (128, 64),
                learning_rate_init=0.005,
                batch_size=64,
                max_iter=300,
                random_state=seed,
            ),
        }
        for coder_name, coder in coders.items():
            coder.fit(X)
            reader = KNeighborsRegressor(5).fit(coder.transform(X), behind)
            read = reader.score(coder.transform(new), new_behind)
            found[name, coder_name] = (kept(coder, new), read)
    return found


def cells(rows):
    """Return means and standard errors over seeds as cells of a table."""
    rows = np.array(rows)
    errors = rows.std(axis=0, ddof=1) / np.sqrt(len(rows)) if len(rows) > 1 else 0 * rows[0]
    return [f"{mean:.3f} ± {error:.3f}" for mean, error in zip(rows.mean(0), errors, strict=True)]


def main(n_seeds):
    """Measure and write the result."""
    warnings.simplefilter("ignore")
    lines = [
        f"Means over {n_seeds} splits and seeds, with standard errors.",
        "",
        "| numbers | digits by | kept of training rows | of new rows | accuracy on top |",
        "|---|---|---|---|---|",
    ]
    for k in DIMENSIONS:
        runs = [on_digits(seed, k) for seed in range(n_seeds)]
        for name in runs[0]:
            row = " | ".join(cells([run[name] for run in runs]))
            lines.append(f"| {k} | {name} | {row} |")
    lines += [
        "",
        "Numbers behind new rows, read off codes by five neighbours (R²):",
        "",
        "| rows on a | by | kept of new rows | R² of the numbers behind |",
        "|---|---|---|---|",
    ]
    runs = [on_surfaces(seed) for seed in range(n_seeds)]
    for name, coder in runs[0]:
        row = " | ".join(cells([run[name, coder] for run in runs]))
        lines.append(f"| {name} | {coder} | {row} |")
    write_result("autoencoder", "Autoencoders beside PCA", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="splits and seeds")
    main(parser.parse_args().seeds)
