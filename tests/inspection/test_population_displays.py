"""The displays of a population draw the numbers of the fit."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sknets import MLPRegressor, TabularClassifier, TabularRegressor
from sknets.inspection import LeaderboardDisplay, PopulationDisplay
from tests.estimators.estimators import X_DIABETES, Y_DIABETES

DISPLAYS = (LeaderboardDisplay, PopulationDisplay)


@pytest.fixture(scope="module")
def model():
    return TabularRegressor(n_candidates=4, max_iter=6, cv=3, random_state=0).fit(
        X_DIABETES, Y_DIABETES
    )


def test_points_are_scores_and_weights(model):
    display = LeaderboardDisplay.from_estimator(model)
    board = model.leaderboard_
    np.testing.assert_allclose(display.points_.get_offsets()[:, 0], board["score"])
    order = np.argsort(display.points_.get_sizes())
    np.testing.assert_array_equal(np.sort(board["weight"]), board["weight"].to_numpy()[order])
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    place = board.index.get_loc(0)
    assert labels[place] == "linear"
    assert len(labels) == 4


def test_only_the_best_are_drawn(model):
    display = LeaderboardDisplay.from_estimator(model, most=2)
    np.testing.assert_allclose(display.points_.get_offsets()[:, 0], model.leaderboard_["score"][:2])
    for most in (0, 2.5, None):
        with pytest.raises(ValueError, match=f"most must be a whole number .* got {most}"):
            LeaderboardDisplay.from_estimator(model, most=most)


def test_curves_are_means_over_folds(model):
    display = PopulationDisplay.from_estimator(model, log=False)
    for line, members in zip(display.lines_, model.members_, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 7))
        histories = [member.history_["validation_loss"] for member in members]
        np.testing.assert_allclose(line.get_ydata(), np.mean(histories, axis=0))
    assert display.ax_.get_yscale() == "linear"


def test_networks_that_have_stopped_keep_their_lowest_loss():
    rng = np.random.default_rng(0)
    model = TabularRegressor(n_candidates=3, cv=3, random_state=0)
    model.fit(rng.normal(size=(60, 3)), rng.normal(size=60))
    display = PopulationDisplay.from_estimator(model)
    lengths = set()
    for line, members in zip(display.lines_, model.members_, strict=True):
        histories = [member.history_["validation_loss"] for member in members]
        lengths |= set(map(len, histories))
        assert len(line.get_ydata()) == max(map(len, histories))
        assert line.get_ydata()[0] == pytest.approx(np.mean([losses[0] for losses in histories]))
    assert len(lengths) > 1


@pytest.mark.parametrize("display", DISPLAYS)
def test_pipelines_are_opened_and_axes_taken(display):
    model = make_pipeline(TabularClassifier(n_candidates=2, max_iter=2, cv=2, random_state=0))
    _, ax = plt.subplots()
    shown = display.from_estimator(model.fit(X_DIABETES, Y_DIABETES > 150), ax=ax)
    assert shown.ax_ is ax
    assert shown.figure_ is ax.figure


@pytest.mark.parametrize("display", DISPLAYS)
def test_what_has_no_population_is_named(display):
    with pytest.raises(TypeError, match="TabularRegressor or TabularClassifier.* got MLPRegressor"):
        display.from_estimator(MLPRegressor())
    with pytest.raises(NotFittedError):
        display.from_estimator(TabularRegressor())


@pytest.mark.parametrize("display", DISPLAYS)
def test_matplotlib_is_named_where_it_is_missing(display, model, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=f"{display.__name__} needs matplotlib.*sknets.plot"):
        display.from_estimator(model)
