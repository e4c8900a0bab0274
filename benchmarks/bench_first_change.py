"""What to change first: what tuning one parameter alone is worth.

Seven tables, split at random into training rows and test rows. On the training rows alone, each
parameter in turn is searched at random within its range while all others keep their defaults; the value
with the lowest cross-validated loss is taken (the default itself is one of the candidates). The network
is then fitted to all training rows and judged on the test rows, which no search has seen. Data are
standardised in a pipeline.

Beside it, what one value of `alpha` does to tables of 300, 3,000 and 30,000 rows of the same kind.
"""

import argparse
import time
import warnings

import numpy as np
from _measure import write_result
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_friedman1,
)
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPClassifier, MLPRegressor
from sknets.datasets import load_hitters, load_nyse
from sknets.preprocessing import SlidingWindows


def load_nyse_lags():
    """Return the last 1,500 training days: three columns of the five days before, and the volume."""
    nyse = load_nyse(as_frame=True)
    frame = nyse.frame[nyse.train][-1505:]
    columns = frame[["log_volume", "DJ_return", "log_volatility"]].to_numpy()
    X, y = SlidingWindows(5).make_samples(columns, target=frame["log_volume"].to_numpy())
    return X.reshape(len(X), -1), y


def some_digits():
    """Return 600 of the digits."""
    X, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(X))[:600]
    return X[rows], y[rows]


DATA = {
    "diabetes": (lambda: load_diabetes(return_X_y=True), MLPRegressor),
    "Hitters": (lambda: load_hitters(return_X_y=True), MLPRegressor),
    "Friedman": (
        lambda: make_friedman1(n_samples=1000, noise=1.0, random_state=0),
        MLPRegressor,
    ),
    "NYSE": (load_nyse_lags, MLPRegressor),
    "breast cancer": (lambda: load_breast_cancer(return_X_y=True), MLPClassifier),
    "wine": (lambda: load_wine(return_X_y=True), MLPClassifier),
    "digits": (some_digits, MLPClassifier),
}


def log_uniform(low, high):
    """Return a function that draws between two numbers, evenly in their logarithm."""
    return lambda rng: float(np.exp(rng.uniform(np.log(low), np.log(high))))


def among(*values):
    """Return a function that draws one of some values."""
    return lambda rng: values[rng.integers(len(values))]


# What is searched, as parameters of the network, and how a candidate is drawn.
SEARCHES = {
    "alpha": {"alpha": log_uniform(1e-3, 100)},
    "learning_rate_init": {"learning_rate_init": log_uniform(1e-4, 0.03)},
    "max_iter": {"max_iter": lambda rng: round(log_uniform(20, 600)(rng))},
    "early_stopping": {
        "early_stopping": among(True),
        "scoring": among("loss"),
        "max_iter": among(600),
        "validation_fraction": among(0.1, 0.15, 0.2),
        "n_iter_no_change": among(10, 20, 40),
    },
    "hidden_layer_sizes": {
        "hidden_layer_sizes": among((10,), (25,), (50,), (200,), (400,), (50, 50), (100, 100))
    },
    "dropout": {"dropout": lambda rng: float(rng.uniform(0.05, 0.5))},
    "batch_size": {"batch_size": among(16, 32, 64, 128)},
    "activation": {"activation": among("tanh", "silu", "gelu", "elu", "logistic")},
    "learning_rate": {"learning_rate": among("cosine", "one_cycle", "step", "adaptive")},
    "l1_alpha": {"l1_alpha": log_uniform(1e-3, 10)},
    "alpha, learning_rate_init, max_iter": {
        "alpha": log_uniform(1e-3, 100),
        "learning_rate_init": log_uniform(1e-4, 0.03),
        "max_iter": lambda rng: round(log_uniform(20, 600)(rng)),
    },
}


def loss(kind, params, X, y, train, test):
    """Fit to some rows and return the loss on others: mean squared error, or log-loss."""
    model = make_pipeline(StandardScaler(), kind(random_state=0, **params)).fit(X[train], y[train])
    if kind is MLPRegressor:
        return mean_squared_error(y[test], model.predict(X[test]))
    return log_loss(y[test], model.predict_proba(X[test]), labels=np.unique(y))


def gains(data, split, n_candidates, n_folds):
    """Return the test loss of the defaults and of each search on one split, and what was chosen."""
    load, kind = DATA[data]
    X, y = load()
    of_classes = kind is MLPClassifier
    outer = (StratifiedShuffleSplit if of_classes else ShuffleSplit)(
        1, test_size=0.3, random_state=split
    )
    train, test = next(outer.split(X, y))
    folds = (StratifiedKFold if of_classes else KFold)(n_folds, shuffle=True, random_state=split)
    folds = [(train[a], train[b]) for a, b in folds.split(train, y[train])]

    def validated(params):
        return np.mean([loss(kind, params, X, y, *fold) for fold in folds])

    default_validated = validated({})
    result, chosen = {"the defaults": loss(kind, {}, X, y, train, test)}, {}
    for number, (name, search) in enumerate(SEARCHES.items()):
        rng = np.random.default_rng([split, number])
        best, best_params = default_validated, {}
        seen = []
        for _ in range(n_candidates):
            params = {parameter: draw(rng) for parameter, draw in search.items()}
            if params in seen:
                continue
            seen.append(params)
            value = validated(params)
            if value < best:
                best, best_params = value, params
        chosen[name] = best_params
        is_default = not best_params
        result[name] = (
            result["the defaults"] if is_default else loss(kind, best_params, X, y, train, test)
        )
    return result, chosen


def alphas_by_rows():
    """Return a table of the test R² of several values of alpha, on few rows and on many."""
    alphas = [1e-4, 0.01, 0.1, 1.0, 10.0, 100.0]
    X, y = make_friedman1(n_samples=40_000, noise=1.0, random_state=0)
    X = StandardScaler().fit_transform(X)
    lines = [
        "Friedman's function again: R² on 10,000 further rows, at the defaults but for alpha.",
        "",
        f"| rows | {' | '.join(f'alpha={alpha:g}' for alpha in alphas)} |",
        "|---|" + "---|" * len(alphas),
    ]
    for n in (300, 3000, 30_000):
        scores = [
            MLPRegressor(alpha=alpha, random_state=0)
            .fit(X[:n], y[:n])
            .score(X[30_000:], y[30_000:])
            for alpha in alphas
        ]
        lines.append(f"| {n:,} | {' | '.join(f'{score:.3f}' for score in scores)} |")
    return lines


def describe(name, picks):
    """Return in a few words what a search has chosen."""
    values = [pick[name] for pick in picks if name in pick]
    n_default = len(picks) - len(values)
    if not values:
        return "the default"
    if isinstance(values[0], float | int) and not isinstance(values[0], bool):
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        text = f"{middle:.2g} ({low:.2g} to {high:.2g})"
    else:
        names = [str(value) for value in values]
        text = ", ".join(sorted(set(names), key=names.count, reverse=True)[:3])
    return text + (f"; the default {n_default} of {len(picks)} times" if n_default else "")


def main(n_splits, n_candidates, n_folds):
    """Run all, print and keep the table."""
    warnings.simplefilter("ignore")
    started = time.process_time()
    ratios = {name: np.empty((len(DATA), n_splits)) for name in SEARCHES}
    base = np.empty((len(DATA), n_splits))
    picks = {name: [] for name in SEARCHES}
    for i, data in enumerate(DATA):
        for split in range(n_splits):
            result, chosen = gains(data, split, n_candidates, n_folds)
            base[i, split] = result.pop("the defaults")
            for name, value in result.items():
                ratios[name][i, split] = np.log(value / base[i, split])
                picks[name].append(chosen[name])
        print(data, round(time.process_time() - started), "s", flush=True)
    order = sorted(SEARCHES, key=lambda name: ratios[name].mean())
    lines = [
        f"{n_splits} random splits of each data set (70% to train and search, 30% to judge),",
        f"{n_candidates} candidates a search, {n_folds} folds. Change of the test loss (mean squared",
        "error or log-loss) in percent, from the mean of its logarithm: below 0 is better than the",
        "defaults. Then the mean over data sets with its standard error over data sets, and which values",
        "were chosen (median and quartiles).",
        "",
        f"| searched | {' | '.join(DATA)} | mean | chosen |",
        "|---|" + "---|" * (len(DATA) + 2),
    ]

    def percent(value):
        return f"{100 * np.expm1(value):+.0f}"

    for name in order:
        by_data = ratios[name].mean(axis=1)
        error = 100 * by_data.std(ddof=1) / np.sqrt(len(DATA))
        cells = " | ".join(percent(value) for value in by_data)
        first = next(iter(SEARCHES[name])) if name != "early_stopping" else "n_iter_no_change"
        what = describe(first, picks[name])
        what = f"`{first}` {what}" if first != name else what
        lines.append(f"| `{name}` | {cells} | {percent(by_data.mean())} ± {error:.0f} | {what} |")
    lines += ["", *alphas_by_rows()]
    lines += ["", f"{(time.process_time() - started) / 60:.0f} minutes of CPU time."]
    write_result("first_change", "What to change first", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=4)
    parser.add_argument("--candidates", type=int, default=6)
    parser.add_argument("--folds", type=int, default=3)
    arguments = parser.parse_args()
    main(arguments.splits, arguments.candidates, arguments.folds)
