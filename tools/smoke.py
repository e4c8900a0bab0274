"""A smoke test of an installed sknets: what a user does first, in a bare environment.

``python tools/smoke.py`` fits each family, a pipeline, a search and a pickle, and looks at what is said
where an extra is missing. It needs nothing but the package, and ends with an error at the first thing
that is wrong.
"""

import importlib.util
import pickle
import warnings

import joblib
import numpy as np
import sklearn
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from torch import nn

import sknets
from sknets import tracking
from sknets.datasets import load_hitters
from sknets.inspection import TrainingCurveDisplay

X, Y = load_diabetes(return_X_y=True)
X = scale(X)
X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_IRIS = scale(X_IRIS)
SMALL = {"hidden_layer_sizes": 8, "max_iter": 60, "random_state": 0}


def small_module(n_inputs, n_outputs):
    """Return a network as a user of Torch writes it."""
    return nn.Sequential(nn.Linear(n_inputs, 8), nn.Tanh(), nn.Linear(8, n_outputs))


def decay(X, theta):
    """Return the formula of an exponential decay."""
    return theta[0] * torch.exp(-theta[1] * X[:, 0])


def fits():
    """Yield names, estimators, data and the score that each has to reach."""
    images, series = X[:, :9].reshape(-1, 3, 3), X.reshape(-1, 5, 2)
    small = {"max_iter": 60, "learning_rate_init": 0.01, "random_state": 0}
    dense = {"hidden_layer_sizes": 8} | small
    second = dense | {"hidden_layer_sizes": 3, "solver": "lm", "alpha": 1.0}
    quick = {"max_iter": 20, "random_state": 0}
    yield "MLPRegressor", sknets.MLPRegressor(**dense), (X, Y), 0.3
    yield "MLPClassifier", sknets.MLPClassifier(**dense), (X_IRIS, Y_IRIS), 0.9
    yield "lm", sknets.MLPRegressor(**second), (X, Y), 0.4
    yield "members", sknets.MLPRegressor(n_members=3, **dense), (X, Y), 0.3
    yield "ModuleRegressor", sknets.ModuleRegressor(small_module, **small), (X, Y), 0.3
    yield "CNNRegressor", sknets.CNNRegressor(**small), (images, Y), 0.2
    yield "RNNRegressor", sknets.RNNRegressor(recurrent_layer_sizes=8, **small), (series, Y), 0.2
    yield "Autoencoder", sknets.Autoencoder(4, **small), (X, None), 0.5
    yield "TabularRegressor", sknets.TabularRegressor(**quick), (X, Y), 0.4
    yield "a frame", sknets.TabularRegressor(**quick), load_hitters(return_X_y=True), 0.4


def check_fits():
    """Fit each family, and read it from a pickle."""
    for name, estimator, (data, y), least in fits():
        fitted = clone(estimator).fit(data, y)
        score = fitted.score(data) if y is None else fitted.score(data, y)
        assert score > least, f"{name}: {score} is below {least}"
        again = pickle.loads(pickle.dumps(fitted))
        answer = "transform" if y is None else "predict"
        np.testing.assert_array_equal(getattr(again, answer)(data), getattr(fitted, answer)(data))
        print(f"{name}: {score:.3f}")


def check_nonlinear_and_forecasts():
    """Fit a formula, and forecast a series."""
    x = np.linspace(0.0, 4.0, 30)
    curve = sknets.NonlinearRegressor(decay, [1.0, 1.0]).fit(x[:, None], 3.0 * np.exp(-0.5 * x))
    assert abs(curve.predict([[0.0]])[0] - 3.0) < 1e-6
    series = np.sin(np.arange(200) / 5)
    network = sknets.MLPRegressor(solver="lbfgs", **SMALL)
    forecaster = sknets.Forecaster(network, window=20, horizon=3)
    answer = np.ravel(forecaster.fit(y=series).predict())
    assert np.abs(answer - np.sin(np.arange(200, 203) / 5)).max() < 0.3
    print(f"forecast: {answer.round(2)}")


def check_searches():
    """Search in a pipeline, one network after another and together."""
    model = make_pipeline(StandardScaler(), sknets.MLPRegressor(**SMALL))
    search = GridSearchCV(model, {"mlpregressor__alpha": [0.1, 10.0]}, cv=3)
    alone = clone(search).fit(X, Y)
    with joblib.parallel_config("sknets", n_jobs=6):
        together = clone(search).fit(X, Y)
    means = [found.cv_results_["mean_test_score"] for found in (alone, together)]
    np.testing.assert_allclose(*means, rtol=1e-6)
    assert len(cross_val_score(model, X, Y, cv=2)) == 2
    print(f"search: {alone.best_params_}, {alone.best_score_:.3f}")


def check_missing_extras():
    """See that a missing extra is named where it is needed; skip those that are there."""
    network = sknets.MLPRegressor(hidden_layer_sizes=2, max_iter=1)
    needs = {
        "matplotlib": lambda: TrainingCurveDisplay.from_estimator(clone(network).fit(X, Y)),
        "mlflow": lambda: network.set_params(callbacks=[tracking.MLflowRun()]).fit(X, Y),
        "tensorboard": lambda: network.set_params(callbacks=[tracking.TensorBoardRun()]).fit(X, Y),
    }
    for library, use in needs.items():
        if importlib.util.find_spec(library) is not None:
            print(f"{library}: is there")
            continue
        try:
            use()
        except ImportError as error:
            message = str(error)
        else:
            message = "nothing was said"
        assert "pip install 'sknets[" in message, f"{library} is missing: {message}"
        print(f"{library}: {message}")


def main():
    """Check all of it, with warnings as errors."""
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(
        f"sknets {sknets.__version__}, scikit-learn {sklearn.__version__}, torch {torch.__version__}"
    )
    check_fits()
    check_nonlinear_and_forecasts()
    check_searches()
    check_missing_extras()
    print("all is well")


if __name__ == "__main__":
    main()
