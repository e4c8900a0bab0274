"""Models for tables, each with what it needs to read numbers beside words and missing values.

A model is a function of the task, the table and a seed, which returns an estimator to fit. All are at
their defaults, except where these are not meant for log-losses.
"""

import logging
from functools import partial
from importlib import import_module

import numpy as np
from _tables import word_columns
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LassoCV, LogisticRegressionCV
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from sknets import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor


def optional(package, name):
    """Return a class of a package that the project does not need otherwise."""
    try:
        return getattr(import_module(package), name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{name} needs the package {error.name}, which is not installed. "
            f"Install it with: pip install {package}"
        ) from error


# Reading a table


def columns(X, for_numbers, for_words):
    """Return a transformer with a side for numbers and one for words."""
    words = word_columns(X)
    numbers = [name for name in X if name not in words]
    return ColumnTransformer(
        [("numbers", for_numbers, numbers), ("words", for_words, words)],
        verbose_feature_names_out=False,
    )


def fill():
    """Return a transformer that puts medians for missing numbers, and says where in further columns."""
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def one_hot(X):
    """Return what linear models and dense networks need."""
    words = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=5, sparse_output=False
    )
    return columns(X, make_pipeline(fill(), StandardScaler()), words)


def as_strings(words):
    """Return columns of words, those that are missing included, as strings."""
    return words.astype(object).where(words.notna(), "missing").astype(str)


def plain_words(X):
    """Return a transformer to a frame without missing words."""
    return columns(X, "passthrough", FunctionTransformer(as_strings)).set_output(transform="pandas")


def plain_frame(X):
    """Return a transformer to a frame without missing words or numbers."""
    words = FunctionTransformer(as_strings)
    return columns(X, fill(), words).set_output(transform="pandas")


def numbered_words(X):
    """Return a transformer that numbers words; the first columns are theirs."""
    numbering = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=255
    )
    return ColumnTransformer([("words", numbering, word_columns(X))], remainder="passthrough")


# Models


def linear(task, X, seed):
    if task == "regression":
        return make_pipeline(one_hot(X), LassoCV(cv=5, random_state=seed))
    model = LogisticRegressionCV(
        Cs=np.logspace(-3, 2, 6),
        cv=5,
        l1_ratios=(0,),
        scoring="neg_log_loss",
        max_iter=300,
        use_legacy_attributes=False,
    )
    return make_pipeline(one_hot(X), model)


def forest(task, X, seed):
    # where trees end in one row each, shares of 0 make log-losses of any size
    model = (
        RandomForestRegressor(random_state=seed)
        if task == "regression"
        else RandomForestClassifier(min_samples_leaf=5, random_state=seed)
    )
    return make_pipeline(numbered_words(X), model)


def boosting(task, X, seed):
    of_task = {
        "regression": HistGradientBoostingRegressor,
        "classification": HistGradientBoostingClassifier,
    }
    words = list(range(len(word_columns(X))))
    model = of_task[task](categorical_features=words, random_state=seed)
    return make_pipeline(numbered_words(X), model)


def catboost(task, X, seed):
    name = {"regression": "CatBoostRegressor", "classification": "CatBoostClassifier"}[task]
    model = optional("catboost", name)(
        cat_features=word_columns(X),
        random_seed=seed,
        thread_count=1,
        verbose=0,
        allow_writing_files=False,
    )
    return make_pipeline(plain_words(X), model)


def sklearn_mlp(task, X, seed):
    if task == "classification":
        return make_pipeline(one_hot(X), SklearnMLPClassifier(random_state=seed))
    model = TransformedTargetRegressor(
        SklearnMLPRegressor(random_state=seed), transformer=StandardScaler()
    )
    return make_pipeline(one_hot(X), model)


def mlp(task, X, seed, **params):
    """Return sknets' own network behind the usual preparation."""
    of_task = {"regression": MLPRegressor, "classification": MLPClassifier}
    return make_pipeline(one_hot(X), of_task[task](random_state=seed, **params))


def tabular(task, X, seed, **params):
    """Return sknets' population, which reads the frame itself."""
    of_task = {"regression": TabularRegressor, "classification": TabularClassifier}
    return of_task[task](random_state=seed, **params)


def pytabkit(task, X, seed, name, **for_classes):
    """Return a network of pytabkit."""
    # what Lightning tells about each fit
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    params = for_classes if task == "classification" else {}
    kind = {"regression": "Regressor", "classification": "Classifier"}[task]
    model = optional("pytabkit", f"{name}_{kind}")(
        device="cpu", n_threads=1, n_cv=1, random_state=seed, verbosity=0, **params
    )
    return make_pipeline(plain_frame(X), model)


#: What is compared. A variant is a line: ``"MLP, wide": partial(mlp, hidden_layer_sizes=(400,))``.
MODELS = {
    "MLP": mlp,
    "Tabular": tabular,
    "linear": linear,
    "forest": forest,
    "boosting": boosting,
    "sklearn MLP": sklearn_mlp,
    "CatBoost": catboost,
    # Its best epoch by the log-loss, with labels smoothed as ever: the default (by accuracy) and labels
    # that are not smoothed either (its authors' advice for log-losses) were worse on small sets.
    "RealMLP-TD": partial(pytabkit, name="RealMLP_TD", val_metric_name="cross_entropy"),
    # Its best epoch by accuracy: in 1.7.3 its log-loss takes probabilities for logits.
    "TabM-D": partial(pytabkit, name="TabM_D"),
}
