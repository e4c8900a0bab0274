"""The forecaster's own network beside a ridge in its place, and beside a network alone.

On each series a forecaster learns from the first times and is then asked, from many of the times that
follow, for the next twelve. Both strategies, a window of 24, all at their defaults; y is float32. Figures
are mean absolute errors divided by those of ``make_pipeline(StandardScaler(), Ridge())``, the mean over
seeds, each of which draws another series or part of one, and the worst of them.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from _measure import write_result
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import Forecaster, RNNRegressor
from sknets.datasets import load_nyse

HORIZON, N_TEST = 12, 120


def autoregression(rng, n):
    """Make y_t = 1.2 y_(t-1) - 0.5 y_(t-2) + e_t."""
    noise, y = rng.normal(size=n + 100), np.zeros(n + 100)
    for t in range(2, len(y)):
        y[t] = 1.2 * y[t - 1] - 0.5 * y[t - 2] + noise[t]
    return y[100:]


def week_and_year(rng, n):
    """Make days with a season of a week and one of a year, and noise."""
    t = np.arange(n)
    return (
        0.4 * np.sin(t * 2 * np.pi / 7) + np.sin(t * 2 * np.pi / 365.25) + 0.1 * rng.normal(size=n)
    )


def trend_and_season(rng, n):
    """Make months with a trend."""
    t = np.arange(n)
    return np.sin(t * 2 * np.pi / 12) + 0.01 * t + 0.1 * rng.normal(size=n)


def random_walk(rng, n):
    """Make nothing to learn but the last value."""
    return np.cumsum(rng.normal(size=n))


def two_series(rng, n):
    """Make a vector autoregression."""
    noise, y = rng.normal(size=(n, 2)), np.zeros((n, 2))
    for t in range(1, n):
        y[t] = [[0.8, 0.3], [-0.2, 0.7]] @ y[t - 1] + noise[t]
    return y


def threshold(rng, n):
    """Make two autoregressions, which take turns by the sign of the last value."""
    noise, y = 0.3 * rng.normal(size=n), np.zeros(n)
    for t in range(1, n):
        y[t] = (0.9 * y[t - 1] + 0.5 if y[t - 1] < 0 else -0.8 * y[t - 1] - 0.3) + noise[t]
    return y


def logistic_map(rng, n):
    """Make chaos without noise."""
    y = np.full(n, rng.uniform(0.2, 0.8))
    for t in range(1, n):
        y[t] = 3.8 * y[t - 1] * (1 - y[t - 1])
    return y


def mackey_glass(rng, n):
    """Make the delay equation with a delay of 17, every sixth step."""
    x = 1.2 + 0.05 * rng.normal(size=6 * n + 1500)
    for t in range(17, len(x) - 1):
        x[t + 1] = x[t] + 0.2 * x[t - 17] / (1 + x[t - 17] ** 10) - 0.1 * x[t]
    return x[1500::6][:n]


def promotions(rng, n):
    """Make a week, and days with a promotion, both known in advance; an autoregression on top."""
    promoted = rng.random(n) < 0.2
    y = np.sin(np.arange(n) * 2 * np.pi / 7) + 1.5 * promoted + 0.25 * autoregression(rng, n)
    return np.c_[np.eye(7)[np.arange(n) % 7], promoted], y


def either_or(rng, n):
    """Make two columns known in advance, either of which matters unless both are there."""
    first, second = rng.random((2, n)) < [[0.3], [0.5]]
    week = np.sin(np.arange(n) * 2 * np.pi / 7)
    y = week * (1 + first) + 2.0 * (first != second) + 0.2 * rng.normal(size=n)
    return np.c_[week, first, second], y


def trading_volume(rng, n):
    """Take part of the volume at the New York Stock Exchange, and the weekdays."""
    nyse = load_nyse(as_frame=True)
    start = int(rng.integers(2000, 4000))
    days = pd.get_dummies(nyse.data["day_of_week"]).to_numpy()
    return days[start : start + n], nyse.target.to_numpy()[start : start + n]


# a function, the times to learn from, further parameters
SERIES = {
    "week and year": (week_and_year, 730, {}),
    "trend and season": (trend_and_season, 168, {}),
    "its changes over a year": (trend_and_season, 168, {"difference": 12}),
    "autoregression": (autoregression, 400, {}),
    "the same, few": (autoregression, 80, {}),
    "the same, many": (autoregression, 3000, {}),
    "random walk": (random_walk, 400, {}),
    "two series": (two_series, 400, {}),
    "known promotions": (promotions, 400, {"known_columns": "all"}),
    "trading volume": (trading_volume, 1000, {"known_columns": "all"}),
    "threshold": (threshold, 600, {}),
    "either or": (either_or, 400, {"known_columns": "all"}),
    "logistic map": (logistic_map, 400, {}),
    "Mackey-Glass": (mackey_glass, 600, {}),
}


def error(estimator, X, y, n_train, seed, **params):
    """Return the mean absolute error of a forecaster on the times after the training."""
    model = Forecaster(estimator, window=24, horizon=HORIZON, random_state=seed, **params)
    fold = (np.arange(n_train), np.arange(n_train, len(y)))
    table = model.backtest(X, y, cv=[fold], stride=3)
    return (table["truth"] - table["forecast"]).abs().mean()


def measure(name, strategy, seed):
    """Return the errors of all models, divided by that of the ridge."""
    make, n_train, params = SERIES[name]
    series = make(np.random.default_rng(seed), n_train + N_TEST)
    X, y = series if isinstance(series, tuple) else (None, series)
    models = {
        "ridge": make_pipeline(StandardScaler(), Ridge()),
        "cross-validated": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 5, 17))),
        "network alone": RNNRegressor(),
        "default": None,
    }
    errors = {
        label: error(model, X, y.astype(np.float32), n_train, seed, strategy=strategy, **params)
        for label, model in models.items()
    }
    ridge = errors.pop("ridge")
    return {label: value / ridge for label, value in errors.items()}


def main():
    """Measure all series and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default=2, type=int)
    n_seeds = parser.parse_args().seeds
    warnings.simplefilter("ignore", ConvergenceWarning)
    lines = [
        *__doc__.strip().splitlines()[2:],
        "",
        f"{n_seeds} seeds.",
        "",
        "| series | strategy | cross-validated ridge | network alone | the default | worst |",
        "|---|---|---|---|---|---|",
    ]
    for name in SERIES:
        for strategy in ("recursive", "direct"):
            table = pd.DataFrame([measure(name, strategy, seed) for seed in range(n_seeds)])
            figures = [f"{value:.2f}" for value in [*table.mean(), table["default"].max()]]
            lines.append(f"| {name} | {strategy} | {' | '.join(figures)} |")
            print(lines[-1], flush=True)
    write_result("forecast", "The forecaster's own network beside a ridge", lines)


if __name__ == "__main__":
    main()
