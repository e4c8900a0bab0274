"""Bad input: a clear error or a right result, and everything else as it was before.

One row each. An error names what was wrong; the estimator, fitted before, predicts as it did.
"""

import gc
import random
import signal
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import skorch
import torch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning

from sknets import MLPClassifier, MLPRegressor, ModuleClassifier, ModuleRegressor, training
from sknets.estimators._callbacks import EpochTasks
from sknets.estimators.cnn._base import BaseCNN
from sknets.estimators.module._base import BaseModule
from sknets.estimators.rnn._base import BaseRNN
from tests.callback_protocol import ScoringMonitor
from tests.estimators.estimators import (
    ALL,
    MLPS,
    X_DIABETES,
    Y_DIABETES,
    data_for,
    make_dropout_module,
    outputs,
)
from tests.forking import ignore_fork_warning, in_forked_child, needs_fork


def world():
    """Everything global that a fit must leave alone."""
    return (
        torch.get_rng_state().tolist(),
        np.random.get_state()[1].tolist(),
        random.getstate(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
    )


@pytest.fixture(autouse=True)
def world_is_left_alone():
    before = world()
    yield
    assert world() == before


def with_value(a, value):
    a = np.array(a, dtype=object if isinstance(value, str) else float)
    a[(3,) + (0,) * (a.ndim - 1)] = value
    return a


RNG = np.random.default_rng(0)

# name: (X, y) -> arguments of fit, what the error must say
BAD_DATA = {
    "NaN in X": (lambda X, y: (with_value(X, np.nan), y), "Input X contains NaN"),
    "infinity in X": (lambda X, y: (with_value(X, np.inf), y), "Input X contains infinity"),
    "no rows": (lambda X, y: (X[:0], y[:0]), r"0 sample\(s\)"),
    "no columns": (lambda X, y: (X[:, :0], y), r"0 feature\(s\)"),
    "strings in X": (lambda X, y: (with_value(X, "high"), y), "could not convert string"),
    "one-dimensional X": (lambda X, y: (X[:, 0], y), "Reshape your data"),
    "three-dimensional X": (lambda X, y: (X[:, :, None], y), "dim 3"),
    "complex X": (lambda X, y: (X * 1j, y), "Complex data not supported"),
    "y too short": (lambda X, y: (X, y[:-1]), "inconsistent numbers of samples"),
    "y missing": (lambda X, y: (X, None), "the target y is None"),
    "NaN in weights": (
        lambda X, y: (X, y, with_value(np.ones(len(y)), np.nan)),
        "sample_weight contains NaN",
    ),
    "infinity in weights": (
        lambda X, y: (X, y, with_value(np.ones(len(y)), np.inf)),
        "sample_weight contains infinity",
    ),
    "negative weights": (
        lambda X, y: (X, y, with_value(np.ones(len(y)), -1)),
        "Negative values in data passed to `sample_weight`",
    ),
    "weights all zero": (lambda X, y: (X, y, np.zeros(len(y))), "weights.*zero"),
    "weights too short": (lambda X, y: (X, y, np.ones(5)), r"sample_weight.shape"),
}


@pytest.mark.parametrize("name", BAD_DATA)
@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_bad_data_is_a_clear_error_and_nothing_is_lost(estimator, name):
    X, y = data_for(estimator)
    arguments, message = BAD_DATA[name]
    if isinstance(estimator, BaseModule) and name == "three-dimensional X":
        message = "X has 3 axes.*a module of tables"
    if isinstance(estimator, BaseCNN | BaseRNN) and name == "three-dimensional X":
        pytest.skip("images and series have three dimensions")
    network = clone(estimator).set_params(max_iter=3, random_state=0)
    with pytest.raises(ValueError, match=message):
        network.fit(*arguments(X, y))
    assert not hasattr(network, "n_features_in_")  # nothing half done

    before = outputs(network.fit(X, y), X)
    with pytest.raises(ValueError, match=message):
        network.fit(*arguments(X, y))
    np.testing.assert_array_equal(outputs(network, X), before)
    outputs(network.fit(X, y), X)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bad_target_of_a_regressor(value):
    with pytest.raises(ValueError, match="Input y contains"):
        MLPRegressor().fit(X_DIABETES, with_value(Y_DIABETES, value))


def test_strings_as_numbers_of_a_regressor():
    with pytest.raises(ValueError, match="y must be numbers in regression|could not convert"):
        MLPRegressor().fit(X_DIABETES, np.array(["high"] * len(Y_DIABETES)))


def test_target_too_large_to_standardise():
    with pytest.raises(ValueError, match="too large to standardise"):
        MLPRegressor().fit(X_DIABETES, Y_DIABETES * 1e305)


def test_negative_counts():
    with pytest.raises(ValueError, match="loss='poisson' needs y >= 0"):
        MLPRegressor("poisson").fit(X_DIABETES, Y_DIABETES - 200)


def test_continuous_classes():
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().fit(X_DIABETES, Y_DIABETES + 0.5)


def test_several_columns_of_classes():
    with pytest.raises(ValueError, match="MultiOutputClassifier"):
        MLPClassifier().fit(X_DIABETES, np.column_stack([Y_DIABETES, Y_DIABETES]) % 3)


def test_wrong_number_of_columns():
    for estimator in ALL:
        X, y = data_for(estimator)
        network = clone(estimator).set_params(max_iter=2).fit(X, y)
        with pytest.raises(ValueError, match="features"):
            network.predict(X[:, 1:])
        with pytest.raises(ValueError, match="features"):
            network.partial_fit(X[:, 1:], y)
        network.predict(X)


def test_predict_checks_its_input():
    X, y = data_for(MLPRegressor)
    network = MLPRegressor(max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        network.predict(with_value(X, np.nan))


BAD_PARAMETERS = {
    "hidden layer of no units": ({"hidden_layer_sizes": (5, 0)}, "hidden_layer_sizes must be > 0"),
    "unknown activation": ({"activation": "sine"}, "activation"),
    "unknown activation of a layer": (
        {"activation": ["relu", "sine"], "hidden_layer_sizes": (5, 5)},
        "unknown \\['sine'\\]",
    ),
    "dropout without a hidden layer": (
        {"hidden_layer_sizes": (), "dropout": 0.5},
        "makes no hidden layer",
    ),
    "device that holds no numbers": ({"device": "meta"}, "device='meta' cannot be used"),
    "rate of a schedule is a word": ({"learning_rate": lambda e: "a"}, "returned 'a'"),
    "one activation for two layers": (
        {"activation": ["relu"], "hidden_layer_sizes": (5, 5)},
        "activation=.* has 1 values for 2 hidden layers",
    ),
    "dropout of everything": ({"dropout": 1.0}, "dropout"),
    "dropout of a layer": ({"dropout": [1.5]}, r"must be rates in \[0, 1\)"),
    "two rates for a layer": ({"dropout": [0.1, 0.2]}, "dropout=.* has 2 values for 1 hidden"),
    "no learning rate": ({"learning_rate_init": 0.0}, "learning_rate_init"),
    "rate of a schedule is NaN": ({"learning_rate": lambda e: np.nan}, "learning_rate=.* returned"),
    "lbfgs with l1_alpha": ({"solver": "lbfgs", "l1_alpha": 1.0}, "cannot use l1_alpha=1.0"),
    "lbfgs with dropout": ({"solver": "lbfgs", "dropout": 0.5}, "cannot use dropout=0.5"),
    "lbfgs with average": ({"solver": "lbfgs", "average": "polyak"}, "cannot use average='polyak'"),
    "lbfgs with clipping": ({"solver": "lbfgs", "max_grad_norm": 1.0}, "cannot use max_grad_norm"),
    "lbfgs with growing batches": ({"solver": "lbfgs", "batch_growth": 2.0}, "batch_growth"),
    "gd with growing batches": ({"solver": "gd", "batch_growth": 2.0}, "batch_growth must be 1"),
    "device of another machine": ({"device": "cuda:17"}, "device='cuda:17' cannot be used"),
    "device of no machine": ({"device": "abacus"}, "device='abacus' cannot be used"),
    "dtype of another size": ({"dtype": "float16"}, "dtype"),
    "callback of another kind": ({"callbacks": [print]}, "skorch.callbacks.Callback"),
    "half a unit": ({"hidden_layer_sizes": [10.5]}, "must be a whole number of units"),
    "scorer that does not exist, not used": ({"scoring": "beauty"}, "beauty"),
    "scorer that does not exist": ({"early_stopping": True, "scoring": "beauty"}, "beauty"),
    "validation set of one row": (
        {"early_stopping": True, "validation_fraction": 0.001},
        "validation",
    ),
}


@pytest.mark.parametrize("name", BAD_PARAMETERS)
@pytest.mark.parametrize("Network", MLPS)
def test_bad_parameter_is_named_and_nothing_is_lost(Network, name):
    X, y = data_for(Network)
    params, message = BAD_PARAMETERS[name]
    network = Network(max_iter=3, random_state=0).fit(X, y)
    before = outputs(network, X)
    with pytest.raises(ValueError, match=message):
        network.set_params(**params).fit(X, y)
    np.testing.assert_array_equal(outputs(network, X), before)


class Numbers:
    """An object with neither shape nor module."""

    def __init__(self, n_inputs, n_outputs):
        pass


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (None, "module=None: give a torch.nn.Module class"),
        (torch.nn.Linear(10, 1), "module is an instance"),
        (Numbers, "module must make a torch.nn.Module, it returned Numbers"),
        (lambda i, o: torch.nn.Linear(i, o + 1), r"must return raw outputs of shape \(150, 1\)"),
        (lambda i, o: torch.nn.Identity(), "no trainable parameter"),
        ("Linear", "The 'module' parameter"),
    ],
    ids=["none", "instance", "no module", "wrong shape", "nothing to train", "name"],
)
def test_bad_module(module, message):
    X, y = data_for(MLPRegressor)
    with pytest.raises(ValueError, match=message):
        ModuleRegressor(module).fit(X, y)


def negative_strides(X):
    return np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1]


def read_only_memmap(X, tmp_path):
    path = tmp_path / "X.npy"
    np.save(path, X)
    return np.load(path, mmap_mode="r")


UNUSUAL = {
    "negative strides": negative_strides,
    "big-endian": lambda X: X.astype(">f8"),
    "longdouble": lambda X: X.astype(np.longdouble),
    "Fortran order": np.asfortranarray,
    "every second of a larger array": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "list of lists": lambda X: X.tolist(),
    "object array": lambda X: X.astype(object),
    "read-only memory map": read_only_memmap,
}


@pytest.mark.parametrize("name", UNUSUAL)
@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_unusual_memory_gives_the_usual_result(estimator, name, tmp_path):
    X, y = data_for(estimator)
    make = UNUSUAL[name]
    unusual = make(X, tmp_path) if make is read_only_memmap else make(X)
    copied = np.array(unusual)
    network = clone(estimator).set_params(max_iter=3, random_state=0)
    expected = outputs(clone(network).fit(X, y), X)
    np.testing.assert_array_equal(outputs(network.fit(unusual, y), unusual), expected)
    np.testing.assert_array_equal(np.array(unusual), copied)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int8, np.int64, bool])
def test_other_number_types_work(dtype):
    X, y = data_for(MLPRegressor)
    X = (X * 2).astype(dtype)
    predicted = MLPRegressor(max_iter=3).fit(X, y).predict(X)
    assert predicted.dtype == (np.float32 if dtype is np.float32 else np.float64)
    assert np.isfinite(predicted).all()


def test_read_only_target_and_weights():
    for estimator in ALL:
        X, y = data_for(estimator)
        y, weight = y.copy(), np.ones(len(y))
        y.flags.writeable = weight.flags.writeable = False
        clone(estimator).set_params(max_iter=2).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_one_row(estimator):
    X, y = data_for(estimator)
    network = clone(estimator).set_params(max_iter=5).fit(X[:1], y[:1])
    assert network.predict(X[:1])[0] == (
        y[0] if is_classifier(network) else pytest.approx(y[0], rel=0.1)
    )


def test_one_row_with_batch_normalisation_says_what_to_do():
    with pytest.raises(ValueError, match="normalization='batch' needs at least two rows"):
        MLPRegressor(normalization="batch").fit([[1.0]], [2.0])


def test_last_batch_of_one_row_with_batch_normalisation():
    X, y = data_for(MLPRegressor)
    network = MLPRegressor(normalization="batch", batch_size=16, max_iter=2).fit(X[:33], y[:33])
    assert np.isfinite(network.predict(X)).all()


def test_one_class():
    X, _ = data_for(MLPClassifier)
    for Network in (MLPClassifier, ModuleClassifier):
        params = {"module": make_dropout_module} if Network is ModuleClassifier else {}
        network = Network(**params, max_iter=3).fit(X, ["only"] * len(X))
        assert set(network.predict(X)) == {"only"}
        assert (network.predict_proba(X) == 1).all()
        assert network.predict_proba(X).shape == (len(X), 1)


def test_constant_target():
    X, _ = data_for(MLPRegressor)
    for constant in (0.0, 7.5, 1e9 + 0.1):
        network = MLPRegressor(random_state=0, max_iter=500, learning_rate_init=0.01)
        network.fit(X, np.full(len(X), constant))
        np.testing.assert_allclose(network.predict(X), constant, atol=0.1)


@pytest.mark.parametrize("solver", ["sgd", "gd", "adam", "rmsprop", "adagrad", "adamw"])
@pytest.mark.parametrize("Network", MLPS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_learning_rate_of_a_million_is_never_silent(Network, solver, early_stopping):
    X, y = data_for(Network)
    network = Network(
        solver=solver,
        learning_rate_init=1e6,
        early_stopping=early_stopping,
        batch_size=32,
        max_iter=50,
        random_state=0,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            network.fit(X, y)
        except ValueError as error:
            assert "Lower learning_rate_init (now 1000000.0)" in str(error)
            assert not hasattr(network, "net_")
            return
    assert np.isfinite(outputs(network, X)).all()
    assert any("Lower learning_rate_init (now 1000000.0)" in str(w.message) for w in caught)


def test_divergence_loses_nothing():
    X, y = data_for(MLPRegressor)
    network = MLPRegressor(max_iter=3, random_state=0, warm_start=True).fit(X, y)
    before = network.predict(X)
    bad = {"solver": "sgd", "learning_rate_init": 1e6, "max_iter": 100}
    for again in (network.fit, network.partial_fit):
        network.set_params(**bad)
        for _ in range(100):
            try:
                again(X, y)
            except ValueError as error:
                assert "non-finite" in str(error)
                break
            before = network.predict(X)
        else:
            raise AssertionError("the network should have diverged")
        np.testing.assert_array_equal(network.predict(X), before)
    network.set_params(solver="adam", learning_rate_init=0.001, warm_start=False)
    assert network.fit(X, y).score(X, y) > 0.5


class RaiseAt(skorch.callbacks.Callback):
    """Raise something in the middle of training."""

    def __init__(self, error, epoch):
        self.error = error
        self.epoch = epoch

    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise self.error


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_interrupt_warns_and_leaves_a_fitted_estimator(estimator):
    X, y = data_for(estimator)
    network = clone(estimator).set_params(random_state=0, max_iter=50)
    network.set_params(callbacks=[RaiseAt(KeyboardInterrupt(), 8)])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        network.fit(X, y)
    assert network.n_iter_ == len(network.loss_curve_) == 7
    assert np.isfinite(network.score(X, y))


def test_ctrl_c_on_the_keyboard():
    script = """
import warnings
from sklearn.datasets import load_diabetes
from sknets import MLPRegressor
X, y = load_diabetes(return_X_y=True)
network = MLPRegressor(max_iter=10**7, n_iter_no_change=float("inf"), verbose=True)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    network.fit(X, y)
assert "Training interrupted by user" in str(caught[0].message)
assert 0 < network.n_iter_ < 10**7
print("predicted", len(network.predict(X)))
"""
    command = [sys.executable, "-u", "-c", script]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().startswith("Iteration 1, loss = ")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out.splitlines()[-1]) == (0, "predicted 442")


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_fitted_estimator_lets_go_of_the_data(estimator):
    X, y = data_for(estimator)
    before = {
        id(thing) for thing in gc.get_objects() if type(thing) is training.Rows
    }  # of other tests
    network = clone(estimator).set_params(max_iter=2, early_stopping=True, random_state=0)
    monitor = ScoringMonitor(scoring="accuracy" if is_classifier(network) else "r2")
    network.set_callbacks(monitor).fit(X, y)
    gc.collect()
    things = [thing for thing in gc.get_objects() if type(thing) in (training.Rows, EpochTasks)]
    assert not [thing for thing in things if id(thing) not in before]
    assert network.n_iter_ == 2


def test_interrupt_in_the_first_epoch():
    X, y = data_for(MLPRegressor)
    network = MLPRegressor(callbacks=[RaiseAt(KeyboardInterrupt(), 1)])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        network.fit(X, y)
    assert network.n_iter_ == 0
    assert np.isfinite(network.predict(X)).all()


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_exception_in_a_callback_comes_out_and_nothing_is_lost(estimator, warm_start):
    X, y = data_for(estimator)
    network = clone(estimator).set_params(random_state=0, max_iter=5, warm_start=warm_start)
    before = outputs(network.fit(X, y), X)
    network.set_params(callbacks=[RaiseAt(RuntimeError("disk full"), 8 if warm_start else 3)])
    with pytest.raises(RuntimeError, match="disk full"):
        network.fit(X, y)
    np.testing.assert_array_equal(outputs(network, X), before)
    network.set_params(callbacks=None).partial_fit(X, y)
    assert not np.array_equal(outputs(network, X), before)


@needs_fork
@ignore_fork_warning
def test_fit_in_a_forked_child_of_a_process_that_used_two_threads():
    X, y = data_for(MLPRegressor)

    def fit():
        small = MLPRegressor(max_iter=5, random_state=0).fit(X, y)
        large = MLPRegressor(hidden_layer_sizes=(2000, 500), max_iter=1, dtype="float32")
        return small.predict(X), large.fit(X, y).predict(X)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    small, _ = fit()
    child_small, child_large = in_forked_child(fit)
    torch.set_num_threads(before)
    np.testing.assert_array_equal(child_small, small)
    assert np.isfinite(child_large).all()


@pytest.mark.parametrize(
    "network",
    [
        MLPRegressor(dropout=0.4, batch_size=32, max_iter=8),
        MLPClassifier(dropout=0.4, batch_size=32, max_iter=8),
        ModuleRegressor(make_dropout_module, batch_size=32, max_iter=8),
    ],
    ids=lambda e: type(e).__name__,
)
def test_dropout_in_four_threads_is_the_same_as_one_by_one(network):
    X, y = data_for(network)

    def fit(seed):
        return outputs(clone(network).set_params(random_state=seed).fit(X, y), X)

    one_by_one = [fit(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(8)))
    np.testing.assert_array_equal(together, one_by_one)
    assert not np.array_equal(one_by_one[0], one_by_one[1])


def test_validation_data_are_checked_by_name():
    X, y = data_for(MLPClassifier)
    network = MLPClassifier(max_iter=2, early_stopping=True)
    with pytest.raises(ValueError, match="X_val needs y_val"):
        network.fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="need X_val"):
        network.fit(X, y, y_val=y)
    with pytest.raises(ValueError, match=r"validation data \(X_val, y_val\): X has 3 features"):
        network.fit(X, y, X_val=X[:, :3], y_val=y)
    with pytest.raises(ValueError, match="validation data.*classes not in"):
        network.fit(X, y, X_val=X, y_val=["unheard of"] * len(X))
    with pytest.raises(ValueError, match="validation data.*NaN"):
        network.fit(X, y, X_val=with_value(X, np.nan), y_val=y)


def test_warm_start_with_another_architecture():
    X, y = data_for(MLPRegressor)
    network = MLPRegressor(hidden_layer_sizes=10, max_iter=3, warm_start=True, random_state=0).fit(
        X, y
    )
    before = network.predict(X)
    with pytest.raises(ValueError, match="architecture has changed"):
        network.set_params(hidden_layer_sizes=20).fit(X, y)
    np.testing.assert_array_equal(network.predict(X), before)


def test_partial_fit_needs_its_classes():
    X, y = data_for(MLPClassifier)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(X, y)
    with pytest.raises(ValueError, match="class_weight='balanced' needs all of y"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=np.unique(y))


def test_coefs_cannot_be_written_in_vain():
    X, y = data_for(MLPRegressor)
    network = MLPRegressor(max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="read-only"):
        network.coefs_[0][0, 0] = 1.0


def test_l1_alpha_with_an_average_is_refused():
    X, y = data_for(MLPRegressor)
    with pytest.raises(ValueError, match="average='polyak' would fill in the exact zeros"):
        MLPRegressor(l1_alpha=1.0, average="polyak").fit(X, y)


def test_score_that_is_never_a_number():
    X, y = data_for(MLPRegressor)
    with pytest.raises(ValueError, match="was NaN in every epoch, as R² of a single row is"):
        MLPRegressor(early_stopping=True, max_iter=3).fit(X, y, X_val=X[:1], y_val=y[:1])


def test_failed_partial_fit_moves_no_generator():
    X, y = data_for(MLPRegressor)
    options = {"dropout": 0.3, "batch_size": 32, "random_state": 0}
    plain = MLPRegressor(**options).partial_fit(X, y).partial_fit(X, y)
    disturbed = MLPRegressor(**options).partial_fit(X, y)
    with pytest.raises(RuntimeError, match="disk full"):
        disturbed.set_params(callbacks=[RaiseAt(RuntimeError("disk full"), 2)]).partial_fit(X, y)
    disturbed.set_params(callbacks=None).partial_fit(X, y)
    np.testing.assert_array_equal(disturbed.predict(X), plain.predict(X))
    assert disturbed.loss_curve_ == plain.loss_curve_


def test_failed_warm_start_in_another_precision():
    X, y = data_for(MLPRegressor)
    network = MLPRegressor(
        normalization="batch", dtype="float32", warm_start=True, max_iter=3, random_state=0
    ).fit(X, y)
    before = network.predict(X)
    network.set_params(dtype="float64", callbacks=[RaiseAt(RuntimeError("disk full"), 5)])
    with pytest.raises(RuntimeError, match="disk full"):
        network.fit(X, y)
    np.testing.assert_array_equal(network.predict(X), before)


def test_labels_must_be_zero_and_one():
    labels = RNG.integers(1, 3, (10, 3))
    with pytest.raises(ValueError, match="must hold 0 and 1"):
        MLPClassifier().fit(np.ones((10, 3)), labels)
    with pytest.raises(ValueError, match="must hold 0 and 1"):
        MLPClassifier().fit(np.ones((10, 3)), 2 * np.eye(10, 2, dtype=int) - 1)


@pytest.mark.parametrize("value", [np.nan, -5.0, np.inf])
def test_bad_class_weights_are_named(value):
    X, y = data_for(MLPClassifier)
    network = MLPClassifier(class_weight={"setosa": value, "versicolor": 1, "virginica": 1})
    with pytest.raises(ValueError, match="class_weight=.* must hold finite numbers"):
        network.fit(X, y)
    with pytest.raises(ValueError, match="class_weight as a list is for a multilabel y"):
        network.set_params(class_weight=[1, 2, 3]).fit(X, y)


def test_times_are_no_target():
    with pytest.raises(ValueError, match="not times"):
        MLPRegressor().fit(np.ones((3, 1)), np.array(["2026-01-01"] * 3, dtype="datetime64[D]"))


def test_exploding_partial_fit_is_a_warning():
    X, y = data_for(MLPRegressor)
    network = MLPRegressor(max_iter=3, random_state=0).fit(X, y)
    network.set_params(solver="sgd", learning_rate_init=1e8)
    with pytest.warns(ConvergenceWarning, match="weights have grown to"):
        network.partial_fit(X, y)


def test_lbfgs_refuses_a_module_that_draws():
    X, y = data_for(ModuleRegressor(make_dropout_module))
    with pytest.raises(ValueError, match="the module draws random numbers"):
        ModuleRegressor(make_dropout_module, solver="lbfgs", max_iter=5).fit(X, y)


def test_module_that_returns_a_tuple():
    class Pair(torch.nn.Linear):
        def forward(self, x):
            return super().forward(x), x

    X, y = data_for(MLPRegressor)
    with pytest.raises(
        ValueError, match="must return a tensor of raw outputs, Pair returned tuple"
    ):
        ModuleRegressor(Pair).fit(X, y)


def test_read_only_map_of_a_model(tmp_path):
    X, y = data_for(MLPRegressor)
    network = MLPRegressor(max_iter=3, average="polyak", random_state=0).fit(X, y)
    joblib.dump(network, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    np.testing.assert_array_equal(mapped.predict(X), network.predict(X))
    mapped.partial_fit(X, y)
