"""Pickles from before families had folders of their own are refused in words.

To pickle, a class is a name in a file. These files are gone; without a word from here, a user would read
that a module is missing.
"""

import pickle
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

#: Where the classes stood.
_OLD = {
    "_mlp_classifier": "MLPClassifier",
    "_mlp_regressor": "MLPRegressor",
    "_module_classifier": "ModuleClassifier",
    "_module_regressor": "ModuleRegressor",
    "_cnn_classifier": "CNNClassifier",
    "_cnn_regressor": "CNNRegressor",
    "_cnn_features": "CNNFeatures",
    "_rnn_classifier": "RNNClassifier",
    "_rnn_regressor": "RNNRegressor",
    "_rnn_forecaster": "RNNForecaster",
}


class _Gone(ModuleType):
    """A file that is not there any more."""

    def __init__(self, name):
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)

    def __getattr__(self, name):
        if name in _OLD.values():
            raise pickle.UnpicklingError(
                f"This {name} was pickled by an earlier version of sknets, which laid out its estimators "
                "otherwise. Make it and fit it again with this version."
            )
        raise AttributeError(name)


def refuse_old_pickles():
    """Let what pickle looks for in old files say that it is gone."""
    for file in _OLD:
        name = f"sknets.estimators.{file}"
        sys.modules[name] = _Gone(name)
