"""What a fit leaves behind, and how it is kept."""

import ast
import copy
import functools
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

import sknets
from sknets import MLPRegressor, RNNClassifier
from tests.drawn import drawn
from tests.estimators.estimators import ALL, data_for, outputs


@pytest.fixture(scope="module", params=ALL, ids=lambda e: type(e).__name__)
def fitted(request):
    network = clone(request.param).set_params(max_iter=2, random_state=0)
    return network.fit(*data_for(network))


def tensors_in(state):
    """Yield all tensors in nested containers and objects."""
    if torch.is_tensor(state) or isinstance(state, torch.nn.Module):
        yield state
    elif isinstance(state, dict):
        for value in state.values():
            yield from tensors_in(value)
    elif isinstance(state, list | tuple):
        for value in state:
            yield from tensors_in(value)
    elif type(state).__module__.startswith("sknets") and hasattr(state, "__getstate__"):
        yield from tensors_in(state.__getstate__())


def test_state_holds_no_tensors(fitted):
    outputs(fitted, data_for(fitted)[0])  # which may have made some
    assert list(tensors_in(fitted.__getstate__())) == []


def test_one_private_attribute_holds_it_all(fitted):
    assert [name for name in vars(fitted) if name.startswith("_")] == ["_learned"]


def test_copy_from_a_pickle_predicts_to_the_last_bit(fitted):
    X, _ = data_for(fitted)
    copied = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(outputs(copied, X), outputs(fitted, X))
    assert copied.n_iter_ == fitted.n_iter_
    assert copied.loss_curve_ == fitted.loss_curve_


@pytest.mark.parametrize("change", [{"version": 1}, {"version": None}])
def test_state_of_another_version_is_refused(fitted, change):
    state = fitted.__getstate__()
    state["_learned"] = state["_learned"] | change
    with pytest.raises(ValueError, match="pickled by another version of sknets.*Fit it again"):
        type(fitted).__new__(type(fitted)).__setstate__(state)


def test_refusal_of_another_layout_names_both_versions(fitted):
    state = fitted.__getstate__()
    state["_learned"] = state["_learned"] | {"version": 1}
    words = f"\\(0.0.1; this is {sknets.__version__}\\)"
    with pytest.raises(ValueError, match=words):
        type(fitted).__new__(type(fitted)).__setstate__(state | {"_sknets_version": "0.0.1"})


WRONG = {
    "solver": "nonsense",
    "callbacks": "nonsense",
    "verbose": "nonsense",
    "learning_rate": "nonsense",
    "average": "nonsense",
    "early_stopping": "nonsense",
    "max_grad_norm": "nonsense",
    "tol": None,
    "batch_size": -1,
    "device": "nonsense",
    "dtype": "nonsense",
    "random_state": "nonsense",
}


@pytest.mark.parametrize("name", WRONG)
def test_copy_is_that_of_the_fit_whatever_the_parameters_are_now(fitted, name):
    X, y = data_for(fitted)
    network = copy.deepcopy(fitted).set_params(**{name: WRONG[name]})
    for copied in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        assert getattr(copied, name) == WRONG[name]
        np.testing.assert_array_equal(outputs(copied, X), outputs(fitted, X))
        with pytest.raises(ValueError, match=name):
            copied.fit(X, y)


def test_copy_learns_on_as_if_parameters_had_never_been_others():
    X, y = data_for(MLPRegressor)
    network = MLPRegressor(solver="adam", max_iter=3, random_state=0).fit(X, y)
    copied = pickle.loads(pickle.dumps(network.set_params(solver="sgd"))).set_params(solver="adam")
    network.set_params(solver="adam").partial_fit(X, y)
    np.testing.assert_array_equal(copied.partial_fit(X, y).predict(X), network.predict(X))


def test_function_of_the_fit_may_be_taken_away_to_pickle():
    X, y = data_for(MLPRegressor)
    network = MLPRegressor(learning_rate=lambda epoch: 0.01, max_iter=2, random_state=0).fit(X, y)
    network.set_params(learning_rate="constant")
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copied.predict(X), network.predict(X))


@pytest.mark.parametrize("name", ["mlp_regressor", "cnn_features", "rnn_forecaster"])
def test_pickle_from_before_families_had_folders_is_refused(name):
    """What pickle finds first is the file in which the class stood."""
    words = "".join(part.capitalize() for part in name.split("_"))
    Name = words.replace("Mlp", "MLP").replace("Cnn", "CNN").replace("Rnn", "RNN")
    old = b"\x80\x04" + f"csknets.estimators._{name}\n{Name}\n".encode() + b")\x81."
    with pytest.raises(pickle.UnpicklingError, match=f"{Name} was pickled.*fit it again"):
        pickle.loads(old)


@pytest.mark.parametrize("name", ["net_", "n_iter_", "loss_curve_", "coefs_", "n_parameters_"])
def test_attribute_that_is_not_there_yet_is_named(name):
    assert not hasattr(MLPRegressor(), name)
    with pytest.raises(AttributeError, match=f"MLPRegressor has no {name} before fit"):
        getattr(MLPRegressor(), name)


def test_other_missing_attributes_say_what_they_say():
    with pytest.raises(AttributeError, match="'MLPRegressor' object has no attribute 'nothing'"):
        _ = MLPRegressor().nothing
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
        _ = MLPRegressor(solver="lbfgs").partial_fit


def test_fit_that_goes_on_has_a_record_of_its_own():
    X, y = data_for(RNNClassifier)
    network = RNNClassifier(max_iter=1, random_state=0).partial_fit(X, y, classes=np.unique(y))
    before = network._learned
    network.partial_fit(X, y)
    assert network._learned is not before
    assert network._learned.net.module_ is before.net.module_
    assert network._learned.input is before.input


NONSENSE = st.sampled_from([None, "nonsense", -1, 0, 2.5, np.nan, (), [3, "x"], {"a": 1}, len])


@pytest.mark.slow
@drawn(120)
@given(number=st.integers(0, len(ALL) - 1), data=st.data())
def test_drawn_parameters_after_the_fit_leave_copies_as_they_are(number, data):
    network = copy.copy(once_fitted(number))
    names = sorted(network.get_params(deep=False))
    changed = data.draw(st.dictionaries(st.sampled_from(names), NONSENSE, min_size=1, max_size=6))
    network.set_params(**changed)
    X, y = data_for(ALL[number])
    expected = outputs(once_fitted(number), X)
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(outputs(copied, X), expected)
    np.testing.assert_array_equal(outputs(copy.deepcopy(copied), X), expected)
    assert repr(copied.get_params(deep=False)) == repr(network.get_params(deep=False))
    back = {name: getattr(once_fitted(number), name) for name in changed}
    copied.set_params(**back).partial_fit(X, y)
    other = copy.deepcopy(once_fitted(number)).partial_fit(X, y)
    np.testing.assert_array_equal(outputs(copied, X), outputs(other, X))


@functools.cache
def once_fitted(number):
    network = clone(ALL[number]).set_params(max_iter=1, random_state=0)
    return network.fit(*data_for(network))


def test_reading_a_pickle_parses_nothing(monkeypatch):
    # Python 3.11 raises SystemError at times where two threads parse
    network = MLPRegressor(max_iter=2)
    pickled = pickle.dumps(network.fit(*data_for(network)))
    monkeypatch.setattr(ast, "parse", None)
    pickle.loads(pickled)
