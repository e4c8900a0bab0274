"""Solvers, schedules and options of training: each of them with each of the eight estimators."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score

from bits._networks import NETWORKS
from bits._see import fit


def falling(epoch):
    """Return the learning rate of an epoch."""
    return 0.02 / (1 + epoch)


def score(estimator, X, y):
    """Score as a user's own function does."""
    measure = accuracy_score if is_classifier(estimator) else r2_score
    return measure(y, estimator.predict(X)) - 1


SGD = {"solver": "sgd", "learning_rate_init": 0.05}
STOPPING = {  # so large a rate that the best epoch is not the last
    "early_stopping": True,
    "validation_fraction": 0.25,
    "learning_rate": "constant",
    "learning_rate_init": 0.2,
    "max_iter": 8,
    "n_iter_no_change": 4,
}
OPTIONS = {
    "lbfgs": {"solver": "lbfgs"},
    "lbfgs, few evaluations": {"solver": "lbfgs", "max_fun": 1},
    "lbfgs, early stopping": {"solver": "lbfgs", **STOPPING},
    "gd": {"solver": "gd", "learning_rate_init": 0.1},
    "sgd": SGD,
    "sgd without nesterov": {**SGD, "nesterovs_momentum": False},
    "sgd without momentum": {**SGD, "momentum": 0.0},
    "adam": {"solver": "adam", "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6},
    "adamw": {"solver": "adamw", "alpha": 0.1},
    "adagrad": {"solver": "adagrad", "learning_rate_init": 0.05},
    "rmsprop": {"solver": "rmsprop", "rho": 0.8},
    "constant": {"learning_rate": "constant"},
    "invscaling": {**SGD, "learning_rate": "invscaling", "power_t": 0.3},
    "adaptive": {
        **SGD,
        "learning_rate": "adaptive",
        "n_iter_no_change": 1,
        "tol": 10.0,
        "max_iter": 6,
    },
    "step": {"learning_rate": "step", "decay_epochs": 1.5, "max_iter": 5},
    "exponential": {"learning_rate": "exponential", "decay_rate": 0.5},
    "cosine": {"learning_rate": "cosine"},
    "one cycle": {"learning_rate": "one_cycle"},
    "callable rate": {"learning_rate": falling},
    "polyak": {"average": "polyak"},
    "exponential average": {"average": "exponential", "average_decay": 0.8},
    "average, early stopping": {"average": "polyak", **STOPPING},
    "l1": {"l1_alpha": 0.5, "learning_rate_init": 0.05},
    "l1 with sgd": {**SGD, "l1_alpha": 0.5},
    "l1 with adamw": {"solver": "adamw", "l1_alpha": 0.5},
    "short gradients": {"max_grad_norm": 0.1},
    "short gradients, l1": {**SGD, "max_grad_norm": 0.1, "l1_alpha": 0.5},
    "growing batches": {"batch_growth": 1.5},
    "growing batches and rates": {"batch_growth": 1.5, "scale_learning_rate": True},
    "batch size auto": {"batch_size": "auto"},
    "not shuffled": {"shuffle": False},
    "soon without progress": {"n_iter_no_change": 2, "tol": 10.0, "max_iter": 6},
    "never without progress": {"n_iter_no_change": np.inf, "tol": 10.0},
    "early stopping": STOPPING,
    "early stopping by loss": {**STOPPING, "scoring": "loss"},
    "early stopping by a function": {**STOPPING, "scoring": score},
    "early stopping soon": {**STOPPING, "n_iter_no_change": 1, "tol": 10.0},
    "float32": {"dtype": "float32"},
    "float64": {"dtype": "float64"},
    "another seed": {"random_state": 1},
    "random state": {"random_state": np.random.RandomState(2)},
}
FOR_CLASSES = {
    "balanced": {"class_weight": "balanced"},
    "label smoothing": {"label_smoothing": 0.2},
    "early stopping by F1": {**STOPPING, "scoring": "f1_macro"},
}
FOR_NUMBERS = {
    "absolute error": {"loss": "absolute_error"},
    "huber": {"loss": "huber", "huber_delta": 0.5},
    "quantile": {"loss": "quantile", "quantile": 0.9},
    "early stopping by R²": {**STOPPING, "scoring": "r2"},
    "early stopping by its error": {**STOPPING, "scoring": "neg_mean_absolute_error"},
}

TRAINING = {}
for _name, _network in NETWORKS.items():
    _X, _y, _weight = _network[1:]
    _options = OPTIONS | (FOR_CLASSES if is_classifier(_network.estimator) else FOR_NUMBERS)
    TRAINING |= {
        f"{_name}, {option}": fit(_network.make(**params), _X, _y)
        for option, params in _options.items()
    }
    _weighted = {"sample_weight": _weight}
    _held = {"X_val": _X[:20], "y_val": _y[:20], "sample_weight_val": _weight[:20]}
    TRAINING |= {
        f"{_name}, weights": fit(_network.make(), _X, _y, **_weighted),
        f"{_name}, weights, lbfgs": fit(_network.make(solver="lbfgs"), _X, _y, **_weighted),
        f"{_name}, weights, early stopping": fit(_network.make(**STOPPING), _X, _y, **_weighted),
        f"{_name}, validation data": fit(_network.make(), _X, _y, X_val=_X[:20], y_val=_y[:20]),
        f"{_name}, validation data, early stopping": fit(
            _network.make(**STOPPING), _X, _y, **_weighted, **_held
        ),
    }
