"""Autoencoders beside PCA at equal dimension: digits, a classifier on top, curved surfaces, series.

What is kept is the share of the variance of new rows that codes keep. On top of codes stands a logistic
regression, of standardised codes. Columns of the swiss roll and of the circle are standardised. Of series
of unequal length, valid values alone are counted; PCA and the dense network see a table in which the
mean of a timestep stands where a series has ended.
"""

import argparse
import warnings

import numpy as np
from _measure import write_result
from _sequence_sets import italy_power, japanese_vowels
from sklearn.datasets import load_digits, make_swiss_roll
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from sknets import Autoencoder, CNNAutoencoder, RNNAutoencoder

DIMENSIONS = (2, 8, 16, 32)


def models(k, seed):
    """Return those that make codes of k numbers."""
    deep = {"hidden_layer_sizes": (128, 64), "random_state": seed}
    return {
        "PCA": PCA(k, random_state=seed),
        "autoencoder": Autoencoder(k, random_state=seed),
        "autoencoder, 128 and 64 units": Autoencoder(k, **deep),
        "the same, masking": Autoencoder(k, **deep, noise="masking"),
        "convolutional": CNNAutoencoder(k, input_shape=(8, 8), random_state=seed),
        "convolutional, 128 units": CNNAutoencoder(
            k, input_shape=(8, 8), hidden_layer_sizes=(128,), random_state=seed
        ),
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


def waves(seed, n=500, longest=40, *, shortest=40):
    """Return waves of differing phase and frequency, with noise of 2% of the variance."""
    rng = np.random.default_rng(seed)
    speed, phase = rng.uniform(0.15, 0.45, n), rng.uniform(0, 2 * np.pi, n)
    lengths = rng.integers(shortest, longest + 1, n)
    return [
        (np.sin(v * np.arange(m) + p) + 0.1 * rng.normal(size=m))[:, None]
        for v, p, m in zip(speed, phase, lengths, strict=True)
    ]


def series(seed):
    """Yield name, training series, new ones, and numbers of the code."""
    for name, shortest in (("waves of 40 steps", 40), ("waves of 20 to 40 steps", 20)):
        X = waves(seed, shortest=shortest)
        yield name, X[:300], X[300:], (2, 4)
    for name, make, numbers in (
        ("power of 24 hours", italy_power, (2, 4)),
        ("cepstra of vowels, 7 to 29 steps", japanese_vowels, (4, 16)),
    ):
        chosen = make()
        train, new = chosen.split(seed)
        X = [np.asarray(x).reshape(len(x), -1) for x in chosen.X]
        yield name, [X[i] for i in train], [X[i] for i in new], numbers


def as_tables(train, new):
    """Return series as tables as long as the longest, ended ones filled with means of the timesteps."""
    longest = max(map(len, (*train, *new)))
    cubes = []
    for part in (train, new):
        cube = np.full((len(part), longest, train[0].shape[1]), np.nan)
        for row, values in zip(cube, part, strict=True):
            row[: len(values)] = values
        cubes.append(cube)
    means = np.nanmean(cubes[0], axis=0)
    means = np.where(np.isnan(means), np.nanmean(cubes[0], axis=(0, 1)), means)
    return [np.where(np.isnan(cube), means, cube).reshape(len(cube), -1) for cube in cubes]


def on_series(seed):
    """Return what codes keep of the valid values of new series."""
    found = {}
    for set_name, train, new, numbers in series(seed):
        table, new_table = as_tables(train, new)
        lengths = np.array([len(x) for x in new])
        is_valid = np.repeat(
            np.arange(new_table.shape[1] // new[0].shape[1]) < lengths[:, None],
            new[0].shape[1],
            axis=1,
        )
        values = np.where(is_valid, new_table, np.nan)
        total = np.nansum((values - np.nanmean(values, axis=0)) ** 2)
        for k in numbers:
            of_table = {"PCA": PCA(k), "autoencoder": Autoencoder(k, random_state=seed)}
            for name, coder in of_table.items():
                again = coder.fit(table).inverse_transform(coder.transform(new_table))
                found[set_name, k, name] = 1 - np.nansum((values - again) ** 2) / total
            for name, both in (("recurrent", False), ("recurrent, both ends", True)):
                coder = RNNAutoencoder(k, bidirectional=both, random_state=seed).fit(train)
                found[set_name, k, name] = coder.score(new)
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
    lines += [
        "",
        "Series, by their valid values:",
        "",
        "| series | numbers | by | kept of new series |",
        "|---|---|---|---|",
    ]
    runs = [on_series(seed) for seed in range(n_seeds)]
    for key in runs[0]:
        (kept_share,) = cells([[run[key]] for run in runs])
        lines.append(f"| {key[0]} | {key[1]} | {key[2]} | {kept_share} |")
    write_result("autoencoder", "Autoencoders beside PCA", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="splits and seeds")
    main(parser.parse_args().seeds)
