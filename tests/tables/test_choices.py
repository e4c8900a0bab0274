"""By what candidates are compared, and how long they learn."""

import re

import numpy as np
import pytest
from sklearn.datasets import make_friedman1
from sklearn.metrics import (
    f1_score,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_poisson_deviance,
    mean_squared_error,
    roc_auc_score,
)

from sknets import TabularClassifier, TabularRegressor
from sknets.tables._population import Population
from tests.tables.frames import FRAME, LABELS, SHORT, Y

X, MEANS = make_friedman1(300, noise=0.0, random_state=0)
COUNTS = np.random.default_rng(0).poisson(MEANS / 4)


def outlying():
    y = MEANS.copy()
    y[::25] += 300.0
    return y


@pytest.mark.parametrize(
    ("loss", "metric", "y"),
    [
        ("squared_error", mean_squared_error, MEANS),
        ("absolute_error", mean_absolute_error, MEANS),
        ("poisson", mean_poisson_deviance, COUNTS),
    ],
)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_score_is_the_loss_out_of_fold(loss, metric, y, is_weighted):
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y)) if is_weighted else None
    model = TabularRegressor(loss=loss, **SHORT).fit(X, y, weight)
    for k, candidate in enumerate(model._candidates):
        expected = metric(y, candidate.oof, sample_weight=weight)
        assert -model.leaderboard_["score"][k] == pytest.approx(expected)
    board = model.leaderboard_["score"].to_numpy()
    assert (np.diff(board) <= 0).all()


def test_absolute_errors_pass_outliers_by():
    errors = {
        loss: np.abs(
            TabularRegressor(loss=loss, n_candidates=3, random_state=0)
            .fit(X, outlying())
            .predict(X)
            - MEANS
        ).mean()
        for loss in ("squared_error", "absolute_error")
    }
    assert errors["absolute_error"] < 0.5 * errors["squared_error"]


def test_counts_are_never_negative():
    model = TabularRegressor(loss="poisson", **SHORT).fit(X, COUNTS)
    assert (model.predict(10.0 * X) >= 0).all()
    with pytest.raises(ValueError, match="loss='poisson'"):
        model.fit(X, COUNTS - 1.0)


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "accuracy", "f1_macro"])
def test_scores_of_classes_are_those_out_of_fold(scoring):
    y = np.where(np.median(MEANS) < MEANS, "high", "low")
    model = TabularClassifier(scoring=scoring, **SHORT).fit(X, y)
    for k, candidate in enumerate(model._candidates):
        shares, labels = candidate.oof, model.classes_[candidate.oof.argmax(axis=1)]
        expected = {
            "roc_auc": roc_auc_score(y, shares[:, 1]),
            "neg_log_loss": -log_loss(y, shares),
            "accuracy": np.mean(labels == y),
        }.get(scoring)
        if expected is not None:
            assert model.leaderboard_["score"][k] == pytest.approx(expected)


def test_scoring_may_be_a_function_and_chooses():
    def bias(y, predicted):
        return -abs(np.mean(predicted) - np.mean(y))

    model = TabularRegressor(scoring=make_scorer(bias), **SHORT).fit(X, MEANS)
    scores = [bias(MEANS, candidate.oof) for candidate in model._candidates]
    np.testing.assert_allclose(model.leaderboard_["score"].sort_index(), scores)
    assert bias(MEANS, model.oof_prediction_) >= max(scores) - 0.05


@pytest.mark.parametrize(
    ("scoring", "message"),
    [
        ("roc_auc", "scoring='roc_auc' cannot score"),
        (lambda estimator, X, y: np.nan, "is nan for rows that are held out"),
        (lambda estimator, X, y: -np.inf, "is -inf for rows that are held out"),
        ("nothing", "The 'scoring' parameter"),
    ],
)
def test_scores_that_do_not_work_are_named_before_anything_is_trained(
    scoring, message, monkeypatch
):
    model = TabularRegressor(**SHORT).fit(FRAME, Y)
    before = model.predict(FRAME)
    monkeypatch.setattr(Population, "train", None)
    with pytest.raises(ValueError, match=message):
        model.set_params(scoring=scoring).fit(FRAME, Y)
    np.testing.assert_array_equal(model.predict(FRAME), before)


def test_scorers_that_take_no_weights_or_no_words_are_named():
    weight = np.ones(len(Y))
    with pytest.raises(ValueError, match="takes sample_weight, or fit without weights"):
        TabularRegressor(scoring="neg_max_error", **SHORT).fit(FRAME, Y, weight)
    y = np.where(Y > 0, "yes", "no")
    with pytest.raises(ValueError, match="make_scorer.f1_score, pos_label='yes'"):
        TabularClassifier(scoring="f1", **SHORT).fit(FRAME, y)
    scorer = make_scorer(f1_score, pos_label="yes")
    assert TabularClassifier(scoring=scorer, **SHORT).fit(FRAME, y).leaderboard_["score"].max() <= 1


def test_one_candidate_is_trained_once():
    model = TabularRegressor(n_candidates=1, early_stopping=True, max_iter=8, cv=2, random_state=0)
    assert len(model.fit(FRAME, Y).leaderboard_) == 1


def test_those_that_have_fallen_behind_stop_early():
    params = {"n_candidates": 8, "max_iter": 40, "cv": 3, "random_state": 0}
    model = TabularClassifier(early_stopping=True, **params)
    board = model.fit(FRAME, LABELS).leaderboard_
    assert board["max_iter"].sort_index().tolist() == [4] * 8 + [40] * 2
    scores = board["score"].sort_index().to_numpy()
    best = set(np.argsort(-scores[:8])[:2])
    shared = ["alpha", "learning_rate_init"]
    first, again = board.loc[sorted(best), shared], board.loc[[8, 9], shared]
    assert set(map(tuple, first.to_numpy())) == set(map(tuple, again.to_numpy()))
    for k, members in enumerate(model.members_):
        longest = max(len(member.history_["loss"]) for member in members)
        assert longest == 4 if k < 8 else 4 < longest <= 40


def test_it_says_how_far_it_has_come(capsys):
    TabularRegressor(n_candidates=6, max_iter=2, cv=2, random_state=0, verbose=1).fit(FRAME, Y)
    first, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Candidate 4 of 6, \d+ s, about \d+ s left", first)
    assert re.fullmatch(r"Candidate 6 of 6, \d+ s, about 0 s left", last)
    quiet = TabularRegressor(n_candidates=6, max_iter=2, cv=2, random_state=0).fit(FRAME, Y)
    assert capsys.readouterr().out == ""
    loud = TabularRegressor(n_candidates=6, max_iter=2, cv=2, random_state=0, verbose=1)
    np.testing.assert_array_equal(loud.fit(FRAME, Y).predict(FRAME), quiet.predict(FRAME))
