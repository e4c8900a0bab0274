"""What the defaults are worth, on six data sets.

Every parameter that scikit-learn's networks do not have got its default here. Each candidate changes one
parameter; its error is compared with that of the defaults on the same splits, as the logarithm of
their ratio, averaged over data sets. Rivals stand beside them. Data are standardised in a pipeline.
"""

import argparse
import warnings

import numpy as np
from _measure import write_result
from joblib import Parallel, delayed
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.linear_model import LassoCV, LogisticRegressionCV
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPClassifier, MLPRegressor
from sknets.datasets import load_hitters


def california_like(n=2000):
    """Return synthetic house prices: skewed features, a coast, an interaction, noise."""
    rng = np.random.default_rng(0)
    latitude, longitude = rng.uniform(0, 1, (2, n))
    income = rng.gamma(3, 1.2, n)
    age = rng.integers(1, 53, n)
    rooms = rng.lognormal(1.6, 0.3, n)
    people = rng.lognormal(6.9, 0.8, n)
    occupancy = rng.lognormal(1.1, 0.3, n)
    coast = np.exp(-8 * np.abs(latitude + longitude - 1))
    price = 0.45 * income + 1.5 * coast * np.sqrt(income) - 0.1 * occupancy + 0.01 * age
    price = np.minimum(price * rng.lognormal(0, 0.2, n), 5.0)
    X = np.column_stack([latitude, longitude, income, age, rooms, people, occupancy])
    return X, price


DATA = {
    "Hitters": (load_hitters, "regression"),
    "diabetes": (load_diabetes, "regression"),
    "California-like": (lambda return_X_y: california_like(), "regression"),
    "digits": (load_digits, "classification"),
    "breast cancer": (load_breast_cancer, "classification"),
    "wine": (load_wine, "classification"),
}

CANDIDATES = {
    "weight_init='glorot_normal'": {"weight_init": "glorot_normal"},
    "weight_init='he_uniform'": {"weight_init": "he_uniform"},
    "weight_init='he_normal'": {"weight_init": "he_normal"},
    "weight_init='orthogonal'": {"weight_init": "orthogonal"},
    "weight_init='linear'": {"weight_init": "linear"},
    "normalization='layer'": {"normalization": "layer"},
    "normalization='batch'": {"normalization": "batch"},
    "dropout=0.2": {"dropout": 0.2},
    "average='polyak'": {"average": "polyak"},
    "average='exponential'": {"average": "exponential"},
    "max_grad_norm=1": {"max_grad_norm": 1.0},
    "l1_alpha=0.1": {"l1_alpha": 0.1},
    "learning_rate='cosine'": {"learning_rate": "cosine"},
    "learning_rate='one_cycle', 0.01": {"learning_rate": "one_cycle", "learning_rate_init": 0.01},
    "early_stopping=True": {"early_stopping": True},
    "batch_growth=1.01": {"batch_growth": 1.01},
    "solver='rmsprop'": {"solver": "rmsprop"},
    "solver='rmsprop', rho=0.99": {"solver": "rmsprop", "rho": 0.99},
    "average_decay=0.9": {"average": "exponential", "average_decay": 0.9},
    "activation='silu'": {"activation": "silu"},
}

# Parameters of one task alone; on data sets of the other task these are the defaults.
REGRESSION = {
    "loss='huber'": {"loss": "huber"},
    "loss='huber', huber_delta=2": {"loss": "huber", "huber_delta": 2.0},
}
CLASSIFICATION = {"label_smoothing=0.1": {"label_smoothing": 0.1}}


def models(task, seed):
    """Return all models by name."""
    if task == "regression":
        ours, theirs = MLPRegressor, SklearnMLPRegressor(random_state=seed)
        linear = LassoCV(cv=5, random_state=seed)
    else:
        ours, theirs = MLPClassifier, SklearnMLPClassifier(random_state=seed)
        linear = LogisticRegressionCV(
            cv=5, l1_ratios=(0,), scoring="neg_log_loss", max_iter=2000, use_legacy_attributes=False
        )
    of_task = REGRESSION if task == "regression" else CLASSIFICATION
    candidates = CANDIDATES | {name: {} for name in (*REGRESSION, *CLASSIFICATION)} | of_task
    networks = {name: ours(random_state=seed, **params) for name, params in candidates.items()}
    return {
        "the defaults": ours(random_state=seed),
        "scikit-learn's MLP": theirs,
        "linear model, cross-validated": linear,
        **networks,
    }


def errors(data, seed):
    """Return the error of every model on one split: RMSE over spread, or log-loss."""
    warnings.simplefilter("ignore")
    load, task = DATA[data]
    X, y = load(return_X_y=True)
    splitter = ShuffleSplit if task == "regression" else StratifiedShuffleSplit
    train, test = next(splitter(1, test_size=1 / 3, random_state=seed).split(X, y))
    result = {}
    for name, model in models(task, seed).items():
        pipeline = make_pipeline(StandardScaler(), model).fit(X[train], y[train])
        if task == "regression":
            rmse = np.sqrt(mean_squared_error(y[test], pipeline.predict(X[test])))
            result[name] = rmse / y[test].std()
        else:
            result[name] = log_loss(y[test], pipeline.predict_proba(X[test]))
    return result


def main(n_splits, n_jobs):
    """Run all, print and keep the table."""
    tasks = [(data, seed) for data in DATA for seed in range(n_splits)]
    results = Parallel(n_jobs=n_jobs)(delayed(errors)(*task) for task in tasks)
    table = {
        name: np.array(
            [[results[i][name] for i, task in enumerate(tasks) if task[0] == data] for data in DATA]
        )
        for name in results[0]
    }
    base = table["the defaults"]
    lines = [
        f"{n_splits} random splits of each data set. RMSE over the spread of y (regression) or log-loss",
        "(classification), mean over splits; then the mean over data sets of log(error / error of the",
        "defaults) with its standard error over splits. Below 0: better than the defaults.",
        "",
        f"| | {' | '.join(DATA)} | log ratio |",
        "|---|" + "---|" * (len(DATA) + 1),
    ]
    for name, values in table.items():
        ratio = np.log(values / base).mean(axis=0)
        spread = ratio.std(ddof=1) / np.sqrt(n_splits)
        cells = " | ".join(f"{v:.3f}" for v in values.mean(axis=1))
        lines.append(f"| {name} | {cells} | {ratio.mean():+.3f} ± {spread:.3f} |")
    write_result("defaults", "What the defaults are worth", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    main(arguments.splits, arguments.jobs)
