"""`precision="bf16"`: other digits in training, and nothing else."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.utils.estimator_checks import (
    check_classifiers_train,
    check_dict_unchanged,
    check_estimators_dtypes,
    check_estimators_pickle,
    check_fit_idempotent,
    check_regressors_train,
)
from torch import nn

from sknets import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from sknets.estimators import _fit
from sknets.inspection import integrated_gradients
from tests.estimators.estimators import (
    ALL,
    AT_DEFAULTS,
    X_DIABETES,
    Y_DIABETES,
    data_for,
    outputs,
)

EACH = pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
AS_THEY_COME = pytest.mark.parametrize("estimator", AT_DEFAULTS, ids=lambda e: type(e).__name__)
DIGITS = train_test_split(*load_digits(return_X_y=True), random_state=0)


@pytest.fixture(autouse=True)
def on_any_processor(monkeypatch):
    monkeypatch.setattr(_fit, "lacks_bf16_units", lambda device: False)


def in_bf16(estimator, **params):
    given = {"max_iter": 3, "random_state": 0} | params
    return clone(estimator).set_params(precision="bf16", **given)


def types_of_layers(estimator, X, y):
    """Return the types in which layers with weights compute while an estimator is fitted."""
    seen = set()

    def hook(layer, args, out):
        if torch.is_grad_enabled() and isinstance(layer, nn.Linear | nn.Conv2d):
            seen.add(out.dtype)

    handle = nn.modules.module.register_module_forward_hook(hook)
    try:
        estimator.fit(X, y)
    finally:
        handle.remove()
    return seen


@EACH
def test_layers_learn_in_it_and_parameters_stay_float32(estimator):
    X, y = data_for(estimator)
    model = in_bf16(estimator)
    assert types_of_layers(model, X, y) == {torch.bfloat16}
    net = model.net_
    assert net.flat.values.dtype == net.flat.grad.dtype == torch.float32
    assert {p.dtype for p in net.module_.parameters()} == {torch.float32}
    assert types_of_layers(model.set_params(precision="full"), X, y) == {torch.float64}


@EACH
def test_predictions_are_in_full_and_of_the_type_of_x(estimator):
    X, y = data_for(estimator)
    model = in_bf16(estimator).fit(X, y)
    for kind in (np.float32, np.float64):
        assert outputs(model, X.astype(kind)).dtype == kind
    seen = types_of_layers(
        type("Predicts", (), {"fit": lambda self, X, y: model.predict(X)})(), X, y
    )
    assert torch.bfloat16 not in seen
    # rows have the same answer in whatever company
    np.testing.assert_allclose(outputs(model, X[:7]), outputs(model, X)[:7], rtol=1e-4, atol=1e-5)


@EACH
def test_same_seed_same_network(estimator):
    X, y = data_for(estimator)
    first, again = (outputs(in_bf16(estimator).fit(X, y), X) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@EACH
def test_weights_are_repetition_to_its_digits(estimator):
    X, y = data_for(estimator)
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    model = in_bf16(estimator, solver="gd", learning_rate_init=0.01, max_iter=10)
    weighted = clone(model).fit(X, y, sample_weight=weight)
    repeated = model.fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=0.01)


@EACH
def test_goes_on_and_comes_back_from_a_pickle(estimator):
    X, y = data_for(estimator)
    whole = in_bf16(estimator, learning_rate="constant", n_iter_no_change=np.inf).fit(X, y)
    copy = pickle.loads(pickle.dumps(whole))
    np.testing.assert_array_equal(outputs(copy, X), outputs(whole, X))
    for model in (whole, copy):
        model.set_params(warm_start=True).fit(X, y)
    np.testing.assert_array_equal(outputs(copy, X), outputs(whole, X))
    assert types_of_layers(copy, X, y) == {torch.bfloat16}


def test_partial_fit_is_the_epochs_of_a_fit():
    params = {"precision": "bf16", "random_state": 0, "learning_rate": "constant"}
    model = MLPRegressor(max_iter=5, n_iter_no_change=np.inf, **params).fit(X_DIABETES, Y_DIABETES)
    parts = MLPRegressor(**params)
    for _ in range(5):
        parts.partial_fit(X_DIABETES, Y_DIABETES)
    np.testing.assert_array_equal(parts.predict(X_DIABETES), model.predict(X_DIABETES))


def test_precision_may_change_where_a_fit_goes_on():
    model = MLPRegressor(max_iter=50, warm_start=True, random_state=0).fit(X_DIABETES, Y_DIABETES)
    before = model.loss_
    model.set_params(precision="bf16").fit(X_DIABETES, Y_DIABETES)
    assert model.net_.flat.values.dtype == torch.float32
    assert model.loss_ < before
    model.set_params(precision="full").fit(X_DIABETES, Y_DIABETES)
    assert model.net_.flat.values.dtype == torch.float64


def test_grid_search_over_precision():
    grid = {"precision": ["full", "bf16"]}
    search = GridSearchCV(MLPRegressor(max_iter=100, random_state=0), grid, cv=3)
    scores = search.fit(X_DIABETES, Y_DIABETES).cv_results_["mean_test_score"]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    assert scores[0] != scores[1]


@pytest.mark.parametrize(
    ("estimator", "shape"),
    [
        (MLPClassifier(max_iter=30), (64,)),
        (CNNClassifier(max_iter=5), (8, 8)),
        (RNNClassifier(max_iter=15), (8, 8)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_digits_are_told_as_well(estimator, shape):
    X, X_test, y, y_test = DIGITS
    scores = [
        clone(estimator)
        .set_params(precision=precision, random_state=0)
        .fit(X.reshape(-1, *shape) / 16, y)
        .score(X_test.reshape(-1, *shape) / 16, y_test)
        for precision in ("full", "bf16")
    ]
    assert scores[1] == pytest.approx(scores[0], abs=0.012)


def test_regression_is_as_good():
    scores = [
        cross_val_score(
            MLPRegressor(precision=precision, random_state=0), X_DIABETES, Y_DIABETES
        ).mean()
        for precision in ("full", "bf16")
    ]
    assert scores[1] == pytest.approx(scores[0], abs=0.02)


@pytest.mark.parametrize("cell", ["rnn", "rnn_relu", "lstm", "gru", "gru_reset_before", "rau"])
@pytest.mark.parametrize(
    "params", [{}, {"recurrent_dropout": 0.1}, {"conv_channels": (4,)}], ids=str
)
def test_every_cell_learns_in_it(cell, params):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 12, 1))
    y = X[:, -3:, 0].sum(1)
    networks = [
        RNNRegressor(
            cell=cell,
            recurrent_layer_sizes=(8, 8),
            max_iter=10,
            random_state=0,
            dtype="float32",
            precision=precision,
            **params,
        ).fit(X, y)
        for precision in ("full", "bf16")
    ]
    np.testing.assert_allclose(*(network.loss_curve_ for network in networks), rtol=0.15)


@pytest.mark.parametrize("output", ["timesteps", "sequence"])
def test_output_sequences_learn_in_it(output):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 2)) for n in rng.integers(3, 8, 60)]
    y = [np.where(x[:, 0] > 0, "up", "down") for x in X]
    networks = [
        RNNClassifier(
            recurrent_layer_sizes=(8,),
            output=output,
            teacher_forcing=0.5 if output == "sequence" else 1.0,
            max_iter=5,
            random_state=0,
            dtype="float32",
            precision=precision,
        ).fit(X, y)
        for precision in ("full", "bf16")
    ]
    np.testing.assert_allclose(*(network.loss_curve_ for network in networks), rtol=0.05)


def test_a_linear_shortcut_keeps_its_digits():
    # bfloat16 would leave the layers noise of a hundredth, and there are thousandths to learn
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 6))
    y = X @ np.arange(1.0, 7.0) + 0.01 * X[:, 0] * X[:, 1]
    network = RNNRegressor(linear_shortcut=True, precision="bf16", max_iter=5, random_state=0)
    full = clone(network).set_params(precision="full", dtype="float32").fit(X, y)
    assert network.fit(X, y).loss_ == pytest.approx(full.loss_, rel=0.05)


def test_explanations_are_in_full():
    model = MLPRegressor(precision="bf16", max_iter=20, random_state=0).fit(X_DIABETES, Y_DIABETES)
    X = X_DIABETES[:5]
    explained = integrated_gradients(model, X)
    twin = clone(model).set_params(precision="full", dtype="float32").fit(X_DIABETES, Y_DIABETES)
    twin.net_.flat.values.copy_(model.net_.flat.values)
    np.testing.assert_allclose(explained, integrated_gradients(twin, X), rtol=1e-6, atol=1e-6)


# --- what is refused, and what is said ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"dtype": "float64"}, "precision='bf16' .* dtype='float64'"),
        ({"solver": "lbfgs"}, "solver='lbfgs' .* cannot use precision='bf16'"),
        ({"precision": "half"}, "'precision' parameter of MLPRegressor must be a str among"),
    ],
    ids=str,
)
def test_what_does_not_go_with_it_is_refused(params, words):
    with pytest.raises(ValueError, match=words):
        MLPRegressor(**{"precision": "bf16"} | params).fit(X_DIABETES, Y_DIABETES)


@pytest.mark.parametrize("lacks", [False, True])
def test_a_processor_without_units_warns_once(monkeypatch, lacks):
    monkeypatch.setattr(_fit, "lacks_bf16_units", lambda device: lacks)
    model = MLPRegressor(precision="bf16", max_iter=2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            model.partial_fit(X_DIABETES, Y_DIABETES)
    assert [str(w.message)[:46] for w in caught] == (
        ["precision='bf16': this cpu has no units for bf"] if lacks else []
    )
    if lacks:
        assert caught[0].filename == __file__


class Careless(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.line = nn.Linear(n_inputs, n_outputs)

    def forward(self, x):
        return torch.lerp(self.line(x), x[:, :1], 0.5)


def test_a_module_that_cannot_says_what_helps():
    ModuleRegressor(Careless, max_iter=2, dtype="float32").fit(X_DIABETES, Y_DIABETES)
    with pytest.raises(ValueError, match="failed when called .* set precision='full'"):
        ModuleRegressor(Careless, precision="bf16").fit(X_DIABETES, Y_DIABETES)


# --- scikit-learn's checks ---------------------------------------------------------------------------


@AS_THEY_COME
@pytest.mark.parametrize(
    "check",
    [
        check_dict_unchanged,
        check_estimators_dtypes,
        check_estimators_pickle,
        check_fit_idempotent,
    ],
)
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(type(estimator).__name__, clone(estimator).set_params(precision="bf16", max_iter=5))


@AS_THEY_COME
def test_scikit_learns_checks_of_learning(estimator):
    check = check_classifiers_train if is_classifier(estimator) else check_regressors_train
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(type(estimator).__name__, clone(estimator).set_params(precision="bf16"))
