"""A search over epochs trains each fold once, and scores along the way."""

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sknets import MLPClassifier, MLPRegressor
from sknets.training import _stack

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
Y = X[:, 0] * X[:, 1] + np.sin(X[:, 2])
LABELS = np.where(Y > 0, "above", "below")
EPOCHS = [3, 6, 12, 24]
STOPS = {"early_stopping": True, "n_iter_no_change": 3}

CASES = {
    "plain": (MLPRegressor(), Y),
    "early stopping": (MLPRegressor(**STOPS), Y),
    "a scorer": (MLPClassifier(scoring="neg_log_loss", **STOPS), LABELS),
    "average and dropout": (MLPRegressor(average="polyak", dropout=0.2), Y),
    "adaptive": (
        MLPRegressor(learning_rate="adaptive", solver="sgd", learning_rate_init=0.1, tol=0.05),
        Y,
    ),
    "momentum": (MLPRegressor(solver="sgd", max_grad_norm=0.5), Y),
}


@pytest.fixture
def epochs(monkeypatch):
    """The networks in each epoch of each stack."""
    sizes, run_epochs = [], _stack.Stack.run_epochs

    def spy(stack, most):
        run_epochs(stack, most)
        sizes.extend([len(stack.nets)] * len(stack.losses()[0]))

    monkeypatch.setattr(_stack.Stack, "run_epochs", spy)
    return sizes


def search(estimator, grid, y, *, refit=False):
    small = estimator.set_params(hidden_layer_sizes=8, batch_size=20, random_state=0)
    with joblib.parallel_config("sknets", n_jobs=64):
        return GridSearchCV(small, grid, cv=3, refit=refit).fit(X, y)


def alone(estimator, grid, y):
    small = estimator.set_params(hidden_layer_sizes=8, batch_size=20, random_state=0)
    return GridSearchCV(small, grid, cv=3, refit=False).fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("case", CASES)
def test_longest_training_serves_all(case, epochs):
    estimator, y = CASES[case]
    wanted = alone(estimator, {"max_iter": EPOCHS}, y)
    epochs.clear()
    found = search(estimator, {"max_iter": EPOCHS}, y)
    scores = "mean_test_score", "std_test_score"
    for name in scores:
        np.testing.assert_allclose(found.cv_results_[name], wanted.cv_results_[name], atol=1e-10)
    assert sum(epochs) <= 3 * max(EPOCHS)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_taken_over_goes_on_as_if_it_had_been_trained():
    models = [
        MLPRegressor(hidden_layer_sizes=8, batch_size=20, random_state=0, max_iter=n)
        for n in (4, 9)
    ]
    with joblib.parallel_config("sknets", n_jobs=2):
        together = joblib.Parallel()(joblib.delayed(m.fit)(X, Y) for m in models)
    for model in together:
        expected = MLPRegressor(**model.get_params()).fit(X, Y)
        assert model.loss_curve_ == pytest.approx(expected.loss_curve_, abs=1e-12)
        assert model.n_iter_ == expected.n_iter_
        assert model.stop_reason_ == expected.stop_reason_
        for _ in range(3):
            model.partial_fit(X, Y)
            expected.partial_fit(X, Y)
        np.testing.assert_allclose(model.predict(X), expected.predict(X), atol=1e-10)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "grid",
    [
        {"alpha": [0.01, 1.0]},
        {"random_state": [0, 1]},
        {"learning_rate": ["cosine"], "max_iter": [5, 10]},
        {"dropout": [0.0, 0.3]},
        {"learning_rate_init": [0.001, 0.01]},
        {"tol": [1e-4, 0.5]},
        {"solver": ["adam"], "beta_1": [0.5, 0.9]},
        {"max_grad_norm": [0.1, 1.0]},
    ],
)
def test_what_differs_is_trained_by_itself(grid, epochs):
    search(MLPRegressor(max_iter=5, n_iter_no_change=100), grid, Y)
    n_epochs = sum(grid["max_iter"]) if "max_iter" in grid else 10
    assert sum(epochs) == 3 * n_epochs
