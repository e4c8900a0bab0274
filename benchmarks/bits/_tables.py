"""Tables: what X and y may be, layers of multi-layer perceptrons, and modules of a user."""

import numpy as np
import pandas as pd

from bits import _data as d
from bits._networks import MLP, QUICK, SmallModule
from bits._see import fit
from sknets import MLPClassifier, MLPRegressor, ModuleClassifier, ModuleRegressor


def regress(X=d.X, y=d.NUMBERS, **params):
    return fit(MLPRegressor(**MLP | params), X, y)


def classify(X=d.IRIS, y=d.NAMES, **params):
    return fit(MLPClassifier(**MLP | params), X, y)


def module(X=d.IRIS, y=d.KINDS, kind=ModuleClassifier, sample_weight=None, **params):
    return fit(kind(SmallModule, **QUICK | params), X, y, sample_weight=sample_weight)


LABEL_WEIGHTS = [{0: 1, 1: 2}, {0: 3, 1: 1}, {0: 1, 1: 1}]
TABLE_FITS = {
    # y of regressors
    "poisson": regress(y=d.COUNTS, loss="poisson"),
    "poisson, lbfgs": regress(y=d.COUNTS, loss="poisson", solver="lbfgs"),
    "poisson of two": regress(y=np.c_[d.COUNTS, d.COUNTS[::-1]], loss="poisson"),
    "poisson of zeros": regress(y=0 * d.COUNTS, loss="poisson"),
    "poisson module": module(d.X, d.COUNTS, ModuleRegressor, loss="poisson"),
    "two numbers": regress(y=d.PAIRS),
    "two numbers, huber": regress(y=d.PAIRS, loss="huber"),
    "two numbers, one constant": regress(y=np.c_[d.NUMBERS, np.full(60, 3.0)]),
    "two numbers of a module": module(d.X, d.PAIRS, ModuleRegressor),
    "constant y": regress(y=np.full(60, 7.0)),
    "y in a column": regress(y=d.NUMBERS[:, None]),
    "y of whole numbers": regress(y=d.COUNTS.astype(int)),
    "y in float32": regress(y=d.NUMBERS.astype(np.float32)),
    "large y": regress(y=1e6 + d.NUMBERS),
    # y of classifiers
    "two classes": classify(y=d.BINARY),
    "two classes, lbfgs": classify(y=d.BINARY, solver="lbfgs"),
    "two classes, smoothed": classify(y=d.BINARY, label_smoothing=0.1),
    "two classes, balanced": classify(y=d.BINARY, class_weight="balanced"),
    "two classes of booleans": classify(y=d.BINARY.astype(bool)),
    "one class": classify(y=np.full(50, "only")),
    "classes of numbers": classify(y=d.KINDS - 1.0),
    "classes with weights": classify(y=d.KINDS, class_weight={0: 1, 1: 2.5, 2: 0.5}),
    "a class of weight zero": classify(y=d.KINDS, class_weight={0: 1, 1: 1, 2: 0}),
    "labels": classify(y=d.LABELS),
    "labels, smoothed": classify(y=d.LABELS, label_smoothing=0.1),
    "labels, sparse": classify(y=d.SPARSE_LABELS),
    "labels, balanced": classify(y=d.LABELS, class_weight="balanced"),
    "labels with weights": classify(y=d.LABELS, class_weight=LABEL_WEIGHTS),
    "labels, early stopping": classify(y=d.LABELS, early_stopping=True, scoring="f1_macro"),
    "labels of a module": module(y=d.LABELS),
    "two classes of a module": module(y=d.BINARY),
    # X
    "sparse X": regress(d.SPARSE_X),
    "sparse X of classes": classify(d.SPARSE_IRIS),
    "sparse X, lbfgs": regress(d.SPARSE_X, solver="lbfgs"),
    "sparse X, early stopping": regress(d.SPARSE_X, early_stopping=True),
    "sparse X in float32": classify(d.SPARSE_IRIS.astype(np.float32)),
    "sparse X of a module": module(d.SPARSE_IRIS),
    "sparse X of columns": regress(d.SPARSE_X.tocsc()),
    "X in float32": regress(d.X.astype(np.float32)),
    "X in float32 of classes": classify(d.IRIS.astype(np.float32)),
    "X in float32, computed in float64": regress(d.X.astype(np.float32), dtype="float64"),
    "X of whole numbers": regress(np.round(10 * d.X).astype(int)),
    "X of lists": classify(d.IRIS.tolist(), d.NAMES.tolist()),
    "X in Fortran's order": regress(np.asfortranarray(d.X)),
    "a frame": fit(MLPRegressor(**MLP), pd.DataFrame(d.X).add_prefix("x"), pd.Series(d.NUMBERS)),
    "one row": regress(d.X[:1], d.NUMBERS[:1]),
    "one feature": regress(d.X[:, :1]),
    "large batch": regress(batch_size=1000),
    # layers
    "linear": regress(hidden_layer_sizes=()),
    "linear classes": classify(hidden_layer_sizes=(), solver="lbfgs"),
    "three layers": classify(hidden_layer_sizes=(7, 5, 3)),
    "a list of activations": regress(hidden_layer_sizes=(5, 4), activation=["tanh", "silu"]),
    "dropout": classify(dropout=0.3),
    "dropout per layer": regress(hidden_layer_sizes=(6, 5), dropout=[0.1, 0.4]),
    "dropout, early stopping": classify(dropout=0.3, early_stopping=True),
    "batch normalisation": classify(normalization="batch"),
    "batch normalisation, lbfgs": regress(normalization="batch", solver="lbfgs"),
    "batch normalisation, average": regress(normalization="batch", average="polyak"),
    "batch normalisation, early stopping": regress(normalization="batch", early_stopping=True),
    "layer normalisation": regress(normalization="layer"),
    "normalisation and dropout": regress(normalization="batch", dropout=0.2),
    "radial units, lbfgs": classify(activation="rbf", solver="lbfgs"),
    "radial units, then tanh": regress(hidden_layer_sizes=(5, 4), activation=["rbf", "tanh"]),
    # modules
    "module with parameters": module(module_params={"width": 9}),
    "module that draws": module(module_params={"dropout": 0.4}),
    "module that draws, weights": module(
        d.X, d.NUMBERS, ModuleRegressor, d.WEIGHT, module_params={"dropout": 0.4}
    ),
    "module that draws, early stopping": module(
        module_params={"dropout": 0.4}, early_stopping=True, average="polyak"
    ),
    "module with statistics": module(module_params={"has_norm": True}),
    "module with statistics, lbfgs": module(module_params={"has_norm": True}, solver="lbfgs"),
    "module with statistics, average": module(
        d.X, d.NUMBERS, ModuleRegressor, module_params={"has_norm": True}, average="exponential"
    ),
    "module with all of it": module(module_params={"has_norm": True, "dropout": 0.2}),
    "large": regress(  # two threads
        hidden_layer_sizes=(900, 600), batch_size=60, max_iter=2
    ),
}
for _activation in ("identity", "logistic", "tanh", "leaky_relu", "prelu", "elu", "gelu", "rbf"):
    TABLE_FITS[f"units {_activation}"] = regress(activation=_activation)
for _init in ("glorot_normal", "he_uniform", "he_normal", "orthogonal", "linear"):
    TABLE_FITS[f"weights {_init}"] = classify(weight_init=_init)
