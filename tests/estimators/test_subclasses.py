"""Subclasses with a constructor of their own."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sknets import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from tests.estimators.estimators import SmallModule, data_for, outputs


class Renaming:
    """Renames a parameter, has one of its own, sets others itself and leaves most of them out."""

    def __init__(self, epochs=2, alpha=0.01, *, color="red"):
        fixed = {"module": SmallModule} if hasattr(self, "module_params_are_taken") else {}
        super().__init__(max_iter=epochs, alpha=alpha, random_state=0, **fixed)
        self.epochs = epochs
        self.color = color


class OwnMLPRegressor(Renaming, MLPRegressor):
    pass


class OwnMLPClassifier(Renaming, MLPClassifier):
    pass


class OwnCNNRegressor(Renaming, CNNRegressor):
    pass


class OwnCNNClassifier(Renaming, CNNClassifier):
    pass


class OwnRNNRegressor(Renaming, RNNRegressor):
    pass


class OwnRNNClassifier(Renaming, RNNClassifier):
    pass


class OwnModuleRegressor(Renaming, ModuleRegressor):
    module_params_are_taken = True


class OwnModuleClassifier(Renaming, ModuleClassifier):
    module_params_are_taken = True


ALL_OWN = [
    OwnMLPRegressor,
    OwnMLPClassifier,
    OwnCNNRegressor,
    OwnCNNClassifier,
    OwnRNNRegressor,
    OwnRNNClassifier,
    OwnModuleRegressor,
    OwnModuleClassifier,
]
over_all = pytest.mark.parametrize("Own", ALL_OWN, ids=lambda own: own.__name__)


@over_all
def test_parameters_are_those_of_its_constructor(Own):
    network = Own(epochs=1, color="blue")
    assert network.get_params() == {"epochs": 1, "alpha": 0.01, "color": "blue"}
    assert "color='blue'" in repr(network)
    assert clone(network).get_params() == network.get_params()
    with pytest.raises(ValueError, match="Invalid parameter 'solver'"):
        network.set_params(solver="sgd")


@over_all
def test_copies_and_clones_are_as_those_of_any_estimator(Own):
    X, y = data_for(Own)
    fitted = Own(epochs=2).fit(X, y)
    assert fitted.n_iter_ == 2
    for copied in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert copied.color == "red"
        np.testing.assert_array_equal(outputs(copied, X), outputs(fitted, X))
        copied.partial_fit(X, y)
    fitted.partial_fit(X, y)
    np.testing.assert_array_equal(outputs(copied, X), outputs(fitted, X))
    assert outputs(clone(fitted).fit(X, y), X).shape == outputs(fitted, X).shape


@over_all
def test_grid_goes_over_its_own_parameters(Own):
    X, y = data_for(Own)
    model = make_pipeline(StandardScaler(), Own(epochs=1))
    step = Own.__name__.lower()
    grid = {f"{step}__alpha": [0.0, 1e4], f"{step}__epochs": [1, 2]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, y)
    assert np.ptp(search.cv_results_["mean_test_score"]) > 0
    assert set(search.best_params_) == set(grid)


@over_all
@pytest.mark.parametrize(
    "fixed", [{"solver": "nonsense"}, {"alpha": -1.0}, {"learning_rate": 3}, {"max_iter": "many"}]
)
def test_what_its_constructor_sets_itself_is_checked_too(Own, fixed):
    class Wrong(Own.__mro__[2]):
        def __init__(self):
            super().__init__(**fixed)

    with pytest.raises(ValueError, match=f"The '{next(iter(fixed))}' parameter of Wrong must be"):
        Wrong().fit(*data_for(Own))


def test_constraints_of_its_own_are_checked():
    class Narrow(MLPRegressor):
        _parameter_constraints = {**MLPRegressor._parameter_constraints, "color": [str]}

        def __init__(self, color="red"):
            super().__init__(max_iter=1)
            self.color = color

    Narrow().fit(*data_for(Narrow))
    with pytest.raises(ValueError, match="The 'color' parameter of Narrow"):
        Narrow(color=3).fit(*data_for(Narrow))


class OnBackbone(CNNClassifier):
    def __init__(self, backbone=None, pooling="max"):
        super().__init__(backbone=backbone, pooling=pooling, max_iter=1, random_state=0)


def test_subclass_around_a_backbone():
    X, y = np.random.default_rng(0).random((20, 8, 8)), np.arange(20) % 2
    backbone = nn.Conv2d(1, 3, 3)
    fitted = OnBackbone(backbone).fit(X, y)
    assert pickle.loads(pickle.dumps(fitted)).predict(X).shape == (20,)
    with pytest.raises(ValueError, match="pooling='average' would have no effect"):
        OnBackbone(backbone, pooling="average").fit(X, y)


@pytest.mark.parametrize("kind", [MLPRegressor, OwnMLPRegressor, CNNClassifier])
def test_names_of_parameters_are_those_that_scikit_learn_reads(kind):
    for _ in range(2):
        assert kind._get_param_names() == BaseEstimator._get_param_names.__func__(kind)


def test_a_class_does_not_have_the_names_of_its_base():
    assert "hidden_layer_sizes" in MLPRegressor._get_param_names()
    assert OwnMLPRegressor._get_param_names() == ["alpha", "color", "epochs"]
    assert "hidden_layer_sizes" in MLPRegressor._get_param_names()
