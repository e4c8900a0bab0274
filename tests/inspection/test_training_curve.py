"""The display of training curves draws the numbers of the fit."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPRegressor
from sknets.inspection import TrainingCurveDisplay
from tests.estimators.estimators import X_DIABETES, Y_DIABETES


@pytest.fixture(scope="module")
def network():
    return MLPRegressor(early_stopping=True, max_iter=8, random_state=0).fit(X_DIABETES, Y_DIABETES)


def test_curves_are_the_history(network):
    display = TrainingCurveDisplay.from_estimator(network)
    assert set(display.lines_) == {"loss", "validation_loss"}
    for name, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, network.n_iter_ + 1))
        np.testing.assert_array_equal(line.get_ydata(), network.history_[name])
    assert display.best_epoch == np.argmax(network.validation_scores_) + 1
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("epoch", "loss")
    assert display.figure_ is display.ax_.figure


def test_pipeline_axes_and_scale_are_taken():
    model = make_pipeline(StandardScaler(), MLPRegressor(max_iter=3)).fit(X_DIABETES, Y_DIABETES)
    _, ax = plt.subplots()
    display = TrainingCurveDisplay.from_estimator(model, ax=ax, log=True)
    assert display.ax_ is ax
    assert ax.get_yscale() == "log"
    assert set(display.lines_) == {"loss"}


def test_score_can_be_drawn(network):
    display = TrainingCurveDisplay.from_estimator(network, curves=["validation_score"])
    assert display.ax_.get_ylabel() == "score"


def test_one_curve_is_a_name(network):
    display = TrainingCurveDisplay.from_estimator(network, curves="loss")
    assert list(display.lines_) == ["loss"]


def test_curve_of_the_best_of_a_search():
    search = GridSearchCV(MLPRegressor(max_iter=3), {"alpha": [0.1]}, cv=2).fit(
        X_DIABETES, Y_DIABETES
    )
    display = TrainingCurveDisplay.from_estimator(search)
    np.testing.assert_array_equal(display.history["loss"], search.best_estimator_.history_["loss"])


def test_errors_say_what_to_do(network, monkeypatch):
    with pytest.raises(NotFittedError):
        TrainingCurveDisplay.from_estimator(MLPRegressor())
    for curves in (["accuracy"], "accuracy", ["loss", "validaton_loss"], 3, None, [["loss"]]):
        with pytest.raises(
            ValueError, match="curves=.* is unknown; choose from .'loss', 'validation"
        ):
            TrainingCurveDisplay.from_estimator(network, curves=curves)
    plain = MLPRegressor(max_iter=2).fit(X_DIABETES, Y_DIABETES)
    for curves in ("validation_loss", ("validation_loss", "validation_score")):
        with pytest.raises(
            ValueError, match="curves=.* not been recorded.*early_stopping=True or X_val"
        ):
            TrainingCurveDisplay.from_estimator(plain, curves=curves)
    with pytest.raises(ValueError, match="got StandardScaler"):
        TrainingCurveDisplay.from_estimator(StandardScaler().fit(X_DIABETES))
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'sknets\[plot\]'"):
        TrainingCurveDisplay.from_estimator(network)
