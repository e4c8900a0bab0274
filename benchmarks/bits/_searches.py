"""Estimators inside of scikit-learn's: pipelines, searches and ensembles."""

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.callback import ScoringMonitor
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bits import _data as d
from bits._images import FLAT
from bits._networks import CNN, MLP, NETWORKS
from bits._see import see
from sknets import CNNClassifier, CNNFeatures, MLPClassifier, MLPRegressor


def fit(make, X=d.X, y=d.NUMBERS):
    """Return a case that fits a composition."""
    return lambda: see(make().fit(X, y), X)


def search():
    model = make_pipeline(StandardScaler(), MLPClassifier(**MLP))
    grid = {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__activation": ["relu", "tanh"]}
    found = GridSearchCV(model, grid, cv=2).fit(d.IRIS, d.NAMES)
    scores = {k: v for k, v in found.cv_results_.items() if k.endswith("test_score")}
    return see(found, d.IRIS) | {"scores": scores}


def monitored():
    monitor = ScoringMonitor(scoring="r2")
    MLPRegressor(**MLP).set_callbacks(monitor).fit(d.X, d.NUMBERS)
    logs = monitor.get_logs(select="most_recent").data_as_pandas
    return {"r2": pd.to_numeric(logs["r2"]).to_numpy()}


def features_below():
    return make_pipeline(
        CNNFeatures(CNNClassifier(**CNN, input_shape=(8, 8))), LogisticRegression()
    )


def scores(network):
    return lambda: {"scores": cross_val_score(network.make(), *network[1:3], cv=3)}


SEARCHES = {
    "pipeline": fit(lambda: make_pipeline(StandardScaler(), MLPRegressor(**MLP))),
    "pipeline on features": fit(features_below, FLAT, d.DIGITS),
    "scaled target": fit(
        lambda: TransformedTargetRegressor(MLPRegressor(**MLP), transformer=StandardScaler())
    ),
    "bagging": fit(lambda: BaggingRegressor(MLPRegressor(**MLP), 3, random_state=0)),
    "calibrated": fit(lambda: CalibratedClassifierCV(MLPClassifier(**MLP), cv=2), d.IRIS, d.KINDS),
    "a network per output": lambda: {
        "predict": MultiOutputClassifier(MLPClassifier(**MLP))
        .fit(d.IRIS, np.c_[d.KINDS, d.KINDS[::-1]])
        .predict(d.IRIS)
    },
    "searched": search,
    "monitored": monitored,
    "predicted across folds": lambda: {
        "proba": cross_val_predict(
            MLPClassifier(**MLP), d.IRIS, d.KINDS, cv=3, method="predict_proba"
        )
    },
}
SEARCHES |= {f"{name}, scores": scores(network) for name, network in NETWORKS.items()}
