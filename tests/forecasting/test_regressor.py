"""Any regressor in a forecaster: what it is given, and what it must not be."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor, VotingRegressor
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVR

from sknets import CNNRegressor, Forecaster, MLPRegressor
from sknets.preprocessing import SlidingWindows
from tests.forecasting.series import WINDOW, Linear, N, X, Y, forecaster, lags, tiny

DIRECT = {"horizon": 3, "strategy": "direct"}
FOLDS = TimeSeriesSplit(2)


class Seen(RegressorMixin, BaseEstimator):
    """Keep what `fit` is given; predict zeros."""

    def __init__(self, early_stopping=False, validation_fraction=None):
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction

    def fit(self, X, y, X_val=None, y_val=None):
        self.X_, self.y_, self.X_val_, self.y_val_ = X, y, X_val, y_val
        return self

    def predict(self, X):
        return np.zeros((len(X), *self.y_.shape[1:]))


def ridge(samples, targets, alpha):
    """Return coefficients and intercept of the closed form (Z'Z + alpha I)^-1 Z'Y, centred."""
    Z, T = np.array(samples), np.array(targets)
    centred = Z - Z.mean(axis=0)
    gram = centred.T @ centred + alpha * np.eye(Z.shape[1])
    coef = np.linalg.solve(gram, centred.T @ (T - T.mean(axis=0)))
    return coef, T.mean(axis=0) - Z.mean(axis=0) @ coef


# --- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [Y[:, 0], Y], ids=["one", "two"])
def test_recursive_ridge_is_the_closed_form(y):
    coef, intercept = ridge([lags(y, t) for t in range(WINDOW, N)], y[WINDOW:], alpha=2.0)
    path = list(y)
    for t in range(N, N + 7):
        path.append(lags(path, t) @ coef + intercept)
    fitted = forecaster(Ridge(alpha=2.0)).fit(y=y)
    np.testing.assert_allclose(fitted.forecast(7), path[N:], atol=1e-10)


@pytest.mark.parametrize("y", [Y[:, 0], Y], ids=["one", "two"])
def test_direct_ridge_with_known_columns_is_the_closed_form(y):
    day, future = X["day"].to_numpy(), np.array([0.3, -1.0, 2.0])
    past = np.c_[y, X[["sales", "price"]]]
    known = np.append(day, future)

    def row(t):  # time by time: what is observed, then the days from one time on to three
        return np.concatenate(
            [np.append(past[s], known[s + 1 : s + 4]) for s in range(t - WINDOW, t)]
        )

    times = range(WINDOW, N - 2)
    targets = [y[t : t + 3].ravel() for t in times]
    coef, intercept = ridge([row(t) for t in times], targets, alpha=0.5)
    fitted = forecaster(Ridge(alpha=0.5), known_columns=["day"], **DIRECT).fit(X, y)
    expected = (row(N) @ coef + intercept).reshape(3, *y.shape[1:])
    np.testing.assert_allclose(fitted.forecast(X=future[:, None]), expected, atol=1e-10)
    assert fitted.estimator_.n_features_in_ == WINDOW * past.shape[1] + WINDOW * 3


@pytest.mark.parametrize("y", [Y[:, 0], Y], ids=["one", "two"])
@pytest.mark.parametrize("strategy", ["recursive", "direct"])
@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), Ridge()),
        GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]}, cv=FOLDS),
        GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [1.0]}, cv=FOLDS),
        TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
        MultiOutputRegressor(HistGradientBoostingRegressor(max_iter=2)),
        RegressorChain(SVR()),
        RandomForestRegressor(2, random_state=0),
        MLPRegressor(hidden_layer_sizes=4, max_iter=2, random_state=0),
        MLPRegressor(hidden_layer_sizes=4, max_iter=2, early_stopping=True, random_state=0),
        SklearnMLPRegressor(hidden_layer_sizes=4, max_iter=2, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_tables_are_learned_from(estimator, strategy, y):
    model = Forecaster(estimator, window=WINDOW, horizon=3, strategy=strategy)
    fitted = model.fit(y=y)
    forecast = fitted.forecast()
    assert forecast.shape == (3, *y.shape[1:])
    answer = np.ravel(fitted.estimator_.predict([lags(y, N)]))
    np.testing.assert_allclose(forecast.ravel()[: len(answer)], answer, atol=1e-12)
    for copy in (clone(model).fit(y=y), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(copy.forecast(), forecast)


def test_grid_search_over_regressors():
    grid = {"estimator": [Linear(), Ridge(), tiny()], "strategy": ["recursive", "direct"]}
    search = GridSearchCV(Forecaster(window=WINDOW, horizon=2), grid, cv=FOLDS, error_score="raise")
    assert len(search.fit(np.empty((N, 0)), Y).cv_results_["params"]) == 6


def test_tables_of_float32_stay_float32():
    fitted = forecaster(Ridge(), **DIRECT).fit(y=Y.astype(np.float32))
    assert fitted.estimator_.coef_.dtype == fitted.forecast().dtype == np.float32


# --- sequences -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "shape"),
    [
        (Seen(), (N - WINDOW, WINDOW * 5)),
        (make_pipeline(StandardScaler(), Seen()), (N - WINDOW, WINDOW * 5)),
        (Linear(), (N - WINDOW, WINDOW, 5)),
        (make_pipeline(FunctionTransformer(), Linear()), (N - WINDOW, WINDOW, 5)),
        (MultiOutputRegressor(Linear()), (N - WINDOW, WINDOW, 5)),
    ],
    ids=["table", "pipeline to a table", "sequence", "pipeline to a sequence", "wrapper"],
)
def test_only_what_says_so_is_given_sequences(estimator, shape):
    fitted = forecaster(estimator, known_columns="all").fit(X, Y).estimator_
    last = fitted[-1] if hasattr(fitted, "steps") else getattr(fitted, "estimators_", [fitted])[0]
    assert last.X_.shape == shape


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_networks_in_pipelines_and_searches_are_given_sequences(strategy):
    model = forecaster(tiny(), strategy=strategy, horizon=3)
    expected = model.fit(y=Y).forecast()
    for estimator in (
        make_pipeline(FunctionTransformer(), tiny()),
        GridSearchCV(tiny(), {"alpha": [0.1]}, cv=FOLDS),
        GridSearchCV(
            make_pipeline("passthrough", tiny()), {"rnnregressor__alpha": [0.1]}, cv=FOLDS
        ),
    ):
        ours = clone(model).set_params(estimator=estimator).fit(y=Y).forecast()
        np.testing.assert_array_equal(ours, expected)


def test_convolutional_network_is_given_sequences():
    network = CNNRegressor(conv_channels=4, max_iter=2, random_state=0)
    fitted = forecaster(network, **DIRECT).fit(y=Y)
    windows, targets = SlidingWindows(WINDOW, horizon=3).make_samples(Y)
    expected = clone(network).fit(windows, targets.reshape(len(targets), -1))
    ours = fitted.forecast().ravel()
    np.testing.assert_array_equal(ours, expected.predict(Y[None, -WINDOW:])[0])


@pytest.mark.parametrize("y", [Y[:, 0], Y], ids=["one", "two"])
def test_decoder_writes_the_steps(y):
    fitted = forecaster(tiny(output="sequence"), **DIRECT).fit(y=y)
    window = y[-WINDOW:].reshape(1, WINDOW, -1)
    expected = fitted.estimator_.predict(window)[0]
    np.testing.assert_array_equal(fitted.forecast(), expected)
    assert expected.shape == (3, *y.shape[1:])


# --- early stopping ------------------------------------------------------------------------------


def test_early_stopping_sets_the_last_samples_aside():
    network = tiny(early_stopping=True, validation_fraction=0.2, max_iter=3)
    y = Y[:, 0]
    fitted = forecaster(network, **DIRECT).fit(y=y)
    windows, targets = SlidingWindows(WINDOW, horizon=3).make_samples(y)
    n_held = 23  # of 114; two more share targets with them
    expected = clone(network).fit(
        windows[: -n_held - 2],
        targets[: -n_held - 2],
        X_val=windows[-n_held:],
        y_val=targets[-n_held:],
    )
    assert fitted.estimator_.validation_scores_ == expected.validation_scores_
    np.testing.assert_array_equal(fitted.forecast(), expected.predict([y[-WINDOW:, None]])[0])


@pytest.mark.parametrize(
    ("params", "n_held"),
    [
        ({"early_stopping": True, "validation_fraction": 0.2}, 24),  # of 116, rounded up
        ({"early_stopping": True, "validation_fraction": 10}, 10),
        ({"early_stopping": True, "validation_fraction": None}, 0),
        ({"early_stopping": "auto", "validation_fraction": 0.2}, 0),
        ({"early_stopping": False, "validation_fraction": 0.2}, 0),
    ],
)
def test_any_regressor_that_takes_validation_data_has_the_last_samples(params, n_held):
    seen = forecaster(Seen(**params)).fit(y=Y).estimator_
    rows = np.array([lags(Y, t) for t in range(WINDOW, N)])
    n_kept = len(rows) - n_held
    np.testing.assert_array_equal(seen.X_, rows[:n_kept])
    np.testing.assert_array_equal(seen.y_, Y[WINDOW:][:n_kept])
    if n_held:
        np.testing.assert_array_equal(seen.X_val_, rows[n_kept:])
        np.testing.assert_array_equal(seen.y_val_, Y[WINDOW:][n_kept:])
    else:
        assert seen.X_val_ is None


def regimes(n):
    """Return a series of two regimes with noise, whose best single step is no good recursion."""
    noise, y = 0.3 * np.random.default_rng(1).normal(size=n), np.zeros(n)
    for t in range(1, n):
        y[t] = (0.9 * y[t - 1] + 0.5 if y[t - 1] < 0 else -0.8 * y[t - 1] - 0.3) + noise[t]
    return y


@pytest.mark.parametrize(("horizon", "is_ridge"), [(12, True), (1, False)])
def test_layers_that_lose_the_recursion_are_dropped(horizon, is_ridge):
    y = regimes(600).astype(np.float32)
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 5, 17)))
    params = {"window": 8, "horizon": horizon, "random_state": 0}
    ours, theirs = (Forecaster(model, **params).fit(y=y).forecast(5) for model in (None, ridge))
    assert np.allclose(ours, theirs, atol=1e-3) == is_ridge


def test_layers_that_win_the_recursion_are_kept():
    columns = np.random.default_rng(0).random((300, 2)) < 0.5
    y = 2.0 * (columns[:, 0] != columns[:, 1])
    params = {"window": 3, "horizon": 6, "known_columns": "all", "random_state": 0}
    fitted = Forecaster(**params).fit(columns[:290], y[:290])
    assert np.abs(fitted.forecast(X=columns[290:]) - y[290:]).max() < 0.5


# --- what users get wrong ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Ridge, r"estimator must be an instance, not the class Ridge: give Ridge\(\)"),
        ("ridge", "'estimator' parameter of Forecaster must be an object implementing 'fit'"),
        (LogisticRegression(), "estimator must be a regressor; LogisticRegression is a classifier"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "Pipeline is a classifier"),
        (KMeans(), "estimator must be a regressor; KMeans is a clusterer"),
        (
            make_pipeline(StandardScaler(), tiny()),
            "StandardScaler.* estimator=Pipeline .* has RNNRegressor in it, which takes sequences",
        ),
        (
            MLPRegressor("quantile", quantile=[0.1, 0.9]),
            r"estimator=MLPRegressor predicts several quantiles, \[0.1, 0.9\], .* calibration_fraction",
        ),
        (
            make_pipeline(StandardScaler(), MLPRegressor("quantile", quantile=[0.1, 0.9])),
            "MLPRegressor predicts several quantiles",
        ),
        (tiny(validation_fraction="a", early_stopping=True), "'validation_fraction' parameter of"),
        (Ridge(alpha=-1), "^The 'alpha' parameter of Ridge must be .* Got -1 instead.$"),
        (SVR(C=-1), r"^The 'C' parameter of SVR must be .* Got -1 instead.$"),
    ],
)
def test_bad_regressors_are_refused(estimator, message):
    with pytest.raises(ValueError, match=message):
        forecaster(estimator, **DIRECT).fit(y=Y[:, 0])


@pytest.mark.parametrize(
    "estimator",
    [
        SVR(),
        HistGradientBoostingRegressor(),
        make_pipeline(StandardScaler(), SVR()),
        VotingRegressor([("ridge", Ridge())]),  # what it holds could
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_one_output_too_few_is_refused_with_the_remedy(estimator):
    name = type(estimator).__name__
    remedy = (
        rf"estimator={name} does not say that it learns several outputs, and is to learn 3 "
        r"\(steps at once: 3, series: 1\). Wrap it in sklearn.multioutput.MultiOutputRegressor or set "
        "strategy='recursive'."
    )
    with pytest.raises(ValueError, match=remedy):
        forecaster(estimator, **DIRECT).fit(y=Y[:, 0])
    with pytest.raises(
        ValueError, match=r"\(steps at once: 1, series: 2\).*MultiOutputRegressor.$"
    ):
        forecaster(estimator).fit(y=Y)
    wrapped = forecaster(MultiOutputRegressor(estimator), **DIRECT)
    assert wrapped.fit(y=Y).forecast().shape == (3, 2)


def test_predictions_of_another_shape_are_refused():
    class Wide(Linear):
        def predict(self, X):
            return np.zeros((len(X), 7))

    fitted = forecaster(Wide()).fit(y=Y)
    with pytest.raises(
        ValueError, match=r"estimator predicts .* \(1, 7\) for 1 windows; .* 2 numbers"
    ):
        fitted.forecast()
