"""Populations: what a fit hands back, and what it must not depend on."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, load_iris, make_friedman1
from sklearn.linear_model import RidgeCV
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sknets import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor
from sknets.tables._folds import make_folds
from sknets.uncertainty import quantile_of
from tests.tables.frames import FRAME, LABELS, SHORT, Y

BOTH = pytest.mark.parametrize(
    ("estimator", "y"),
    [(TabularRegressor(**SHORT), Y), (TabularClassifier(**SHORT), LABELS)],
    ids=["regressor", "classifier"],
)


def outputs(model, X=FRAME):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


# --- what it learns ---------------------------------------------------------------------------------


def test_regression_on_a_frame_as_it_comes():
    X, X_test, y, y_test = train_test_split(FRAME, Y, random_state=0)
    model = TabularRegressor(n_candidates=5, random_state=0).fit(X, y)
    numbers = ["size", "price", "is_new", "rooms"]
    usual = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["city", "kind"]), remainder=StandardScaler()),
        RidgeCV(),
    )
    filled = [x.assign(**x[numbers].astype(float).fillna(0.0)) for x in (X, X_test)]
    ridge = usual.fit(filled[0], y).score(filled[1], y_test)
    assert model.score(X_test, y_test) > max(ridge, 0.8)


def test_classes_on_iris():
    X, X_test, y, y_test = train_test_split(*load_iris(return_X_y=True), random_state=0)
    model = TabularClassifier(n_candidates=4, random_state=0).fit(X, y)
    assert log_loss(y_test, model.predict_proba(X_test)) < 0.2
    assert model.score(X_test, y_test) > 0.92


def test_no_worse_than_a_linear_model_where_that_is_right():
    X, y = load_diabetes(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=1)
    ridge = RidgeCV(np.logspace(-4, 2, 20)).fit(X, y).score(X_test, y_test)
    assert (
        TabularRegressor(n_candidates=4, random_state=0).fit(X, y).score(X_test, y_test)
        > ridge - 0.03
    )


# --- what it hands back -----------------------------------------------------------------------------


@BOTH
def test_leaderboard(estimator, y):
    model = clone(estimator).set_params(n_candidates=5).fit(FRAME, y)
    board = model.leaderboard_
    assert sorted(board.index) == list(range(5))
    assert (board["score"].diff().dropna() <= 0).all()
    assert board["weight"].sum() == pytest.approx(1.0)
    assert (board["weight"] >= 0).all()
    assert board["epoch"].between(1, 3).all()
    assert (board["seconds"] > 0).all()
    for k, members in enumerate(model.members_):
        assert len(members) == 2
        for member in members:
            assert list(member.hidden_layer_sizes) == list(board.loc[k, "hidden_layer_sizes"])
            assert member.alpha == board.loc[k, "alpha"]


def test_out_of_fold_predictions_are_those_of_networks_that_have_not_seen_a_row():
    cv = KFold(3, shuffle=True, random_state=1)
    model = TabularRegressor(**SHORT | {"cv": cv}).fit(FRAME, Y)
    encoded = model._encoder.transform(FRAME)
    weights = model.leaderboard_.sort_index()["weight"].to_numpy()
    for fold, (_, held) in enumerate(cv.split(FRAME)):
        expected = sum(
            w * members[fold].predict(encoded[held])
            for w, members in zip(weights, model.members_, strict=True)
        )
        np.testing.assert_allclose(model.oof_prediction_[held], expected, rtol=1e-5)


def test_predictions_are_means_of_folds_weighted_by_candidates():
    model = TabularRegressor(**SHORT).fit(FRAME, Y)
    encoded = model._encoder.transform(FRAME)
    weights = model.leaderboard_.sort_index()["weight"].to_numpy()
    each = np.array([[m.predict(encoded) for m in members] for members in model.members_])
    mean = np.tensordot(weights, each.mean(axis=1), 1)
    np.testing.assert_allclose(model.predict(FRAME), mean, rtol=1e-5)
    y, std = model.predict(FRAME, return_std=True)
    np.testing.assert_allclose(y, mean, rtol=1e-5)
    of_folds = np.tensordot(weights, each, 1)
    expected = np.sqrt(np.tensordot(weights, (each - of_folds) ** 2, 1).mean(axis=0))
    np.testing.assert_allclose(std, expected, rtol=1e-4)
    in_pipelines = make_pipeline(model).predict(FRAME, return_std=True, coverage=0.8)
    np.testing.assert_array_equal(in_pipelines[1], std)
    np.testing.assert_array_equal(in_pipelines[2], model.predict_interval(FRAME, 0.8))
    with pytest.raises(ValueError, match="coverage must be between 0 and 1, got 2"):
        model.predict(FRAME, coverage=2)


def test_sets_inside_a_pipeline():
    model = make_pipeline(TabularClassifier(**SHORT)).fit(FRAME, np.median(Y) < Y)
    labels, sets = model.predict(FRAME, coverage=0.8)
    np.testing.assert_array_equal(labels, model.predict(FRAME))
    np.testing.assert_array_equal(sets, model[-1].predict_set(FRAME, 0.8))


def test_rows_that_no_fold_holds_out_have_no_prediction():
    model = TabularRegressor(**SHORT | {"cv": TimeSeriesSplit(3)}).fit(FRAME, Y)
    first = next(iter(TimeSeriesSplit(3).split(FRAME)))[0]
    assert np.isnan(model.oof_prediction_[first]).all()
    assert np.isfinite(model.oof_prediction_[len(first) :]).all()
    assert np.isfinite(model.predict_interval(FRAME)).all()


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_intervals_cover(coverage):
    X, y = make_friedman1(1200, noise=2.0, random_state=0)
    model = TabularRegressor(n_candidates=3, max_iter=15, random_state=0).fit(X[:300], y[:300])
    low, high = model.predict_interval(X[300:], coverage).T
    assert np.mean((low <= y[300:]) & (y[300:] <= high)) == pytest.approx(coverage, abs=0.06)
    assert (low <= model.predict(X[300:])).all()


@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_sets_cover(coverage):
    X, y = make_friedman1(1200, noise=3.0, random_state=0)
    y = np.digitize(y, [10.0, 15.0, 20.0])
    model = TabularClassifier(n_candidates=3, max_iter=15, random_state=0).fit(X[:300], y[:300])
    chosen = model.predict_set(X[300:], coverage)
    # on the safe side, since the ensemble of all folds is better than that of one
    assert coverage - 0.03 < chosen[np.arange(900), y[300:]].mean() < coverage + 0.1


def test_intervals_and_sets_cover_rows_as_they_are_weighted():
    rng = np.random.default_rng(0)

    def draw(n, share):
        is_noisy = rng.random(n) < share
        X = rng.normal(size=(n, 2))
        return X, X[:, 0] + rng.normal(size=n) * np.where(is_noisy, 3.0, 0.1), is_noisy

    X, y, is_noisy = draw(800, 0.1)
    weight = np.where(is_noisy, 81.0, 1.0)  # as if nine of ten were
    X_test, y_test, _ = draw(2000, 0.9)
    model = TabularRegressor(n_candidates=2, max_iter=15, cv=3, random_state=0)
    low, high = model.fit(X, y, weight).predict_interval(X_test).T
    assert np.mean((low <= y_test) & (y_test <= high)) == pytest.approx(0.9, abs=0.06)
    labels, truth = y > 0, y_test > 0
    model = TabularClassifier(n_candidates=2, max_iter=15, cv=3, random_state=0)
    chosen = model.fit(X, labels, weight).predict_set(X_test)
    assert chosen[np.arange(2000), truth.astype(int)].mean() == pytest.approx(0.9, abs=0.06)


def test_quantiles_are_those_of_conformal_prediction():
    scores = np.random.default_rng(0).normal(size=99)
    assert quantile_of(scores, 0.9) == np.sort(scores)[89]  # of 100 with the next, ten are above
    assert quantile_of(scores, 0.999) == scores.max()
    weight = np.random.default_rng(1).integers(1, 4, 99)
    repeated = np.repeat(scores, weight)
    assert quantile_of(scores, 0.5, weight) == pytest.approx(np.median(repeated), abs=0.05)


def test_counts_have_no_negative_intervals():
    X, means = make_friedman1(200, random_state=0)
    counts = np.random.default_rng(0).poisson(means / 10)
    model = TabularRegressor(loss="poisson", **SHORT).fit(X, counts)
    assert (model.predict_interval(X) >= 0).all()


@pytest.mark.parametrize(
    "y",
    [
        Y.astype(str),
        Y.astype(str).astype(object),
        pd.date_range("2020", periods=len(Y)),
    ],
    ids=["words", "objects", "times"],
)
def test_y_that_is_no_numbers_is_named(y):
    with pytest.raises(ValueError, match="y must be numbers in regression, got"):
        TabularRegressor(**SHORT).fit(FRAME, y)


def test_masked_and_sparse_columns_are_read():
    X = np.random.default_rng(0).normal(size=(len(Y), 3))
    mask = X > 1
    masked = TabularRegressor(**SHORT).fit(np.ma.masked_array(X, mask), Y)
    missing = TabularRegressor(**SHORT).fit(np.where(mask, np.nan, X), Y)
    np.testing.assert_array_equal(masked.predict(X), missing.predict(X))
    flags = pd.get_dummies(FRAME["kind"], sparse=True)
    sparse, dense = (TabularRegressor(**SHORT).fit(f, Y) for f in (flags, flags.astype(bool)))
    np.testing.assert_array_equal(sparse.predict(flags), dense.predict(flags.astype(bool)))


@BOTH
def test_negative_weights_are_refused(estimator, y):
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        clone(estimator).fit(FRAME, y, np.r_[-1.0, np.ones(len(y) - 1)])


def test_folds_of_a_generator_that_is_used_up():
    folds = (pair for pair in KFold(2).split(Y))
    model = TabularRegressor(**SHORT | {"cv": folds}).fit(FRAME, Y)
    with pytest.raises(ValueError, match="cv yields no folds"):
        model.fit(FRAME, Y)


def test_distill_takes_parameters_of_the_network_and_few_rows():
    model = TabularRegressor(**SHORT).fit(FRAME, Y)
    small = model.distill(FRAME[:10], loss="absolute_error", max_iter=5, hidden_layer_sizes=[8])
    assert small[-1].loss == "absolute_error"
    wide = np.random.default_rng(0).normal(size=(40, 150))
    model = TabularRegressor(**SHORT).fit(wide, wide[:, 0])
    assert model.distill(wide)[-1].numeric_embedding is None


@BOTH
@pytest.mark.parametrize("coverage", [0.0, 1.0, -1, 2, "a", None, [0.9]])
def test_coverage_is_a_probability(estimator, y, coverage):
    model = clone(estimator).fit(FRAME, y)
    method = getattr(model, "predict_interval", None) or model.predict_set
    with pytest.raises(ValueError, match="coverage must be between 0 and 1"):
        method(FRAME, coverage)


def test_one_network_predicts_nearly_the_same():
    X, y = make_friedman1(500, random_state=0)
    model = TabularRegressor(n_candidates=3, max_iter=20, random_state=0).fit(X, y)
    small = model.distill(X)
    assert isinstance(small[-1], MLPRegressor)
    assert np.corrcoef(small.predict(X), model.predict(X))[0, 1] > 0.98
    labels = np.digitize(y, [14.0])
    model = TabularClassifier(n_candidates=3, max_iter=20, random_state=0).fit(X, labels)
    small = model.distill(X, hidden_layer_sizes=[20])
    assert isinstance(small[-1], MLPClassifier)
    assert np.abs(small.predict_proba(X) - model.predict_proba(X)).mean() < 0.1


# --- folds, weights, seeds --------------------------------------------------------------------------


@BOTH
def test_seed_decides(estimator, y):
    one, same, other = (
        outputs(clone(estimator).set_params(random_state=s).fit(FRAME, y)) for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@BOTH
def test_row_of_weight_zero_is_not_there(estimator, y):
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    kept = weight > 0
    odd = FRAME.copy()
    odd.loc[~kept, "price"] = 1e9
    with_zeros = clone(estimator).fit(odd, y, weight)
    without = clone(estimator).fit(FRAME[kept], y[kept], weight[kept])
    np.testing.assert_array_equal(outputs(with_zeros), outputs(without))
    assert len(with_zeros.oof_prediction_) == kept.sum()


@BOTH
def test_unit_of_weights_does_not_matter(estimator, y):
    weight = np.random.default_rng(0).uniform(1, 3, len(y))
    one, other = (clone(estimator).fit(FRAME, y, weight * unit) for unit in (1.0, 1024.0))
    np.testing.assert_allclose(outputs(one), outputs(other), rtol=1e-4, atol=1e-5)


@BOTH
def test_groups_are_held_out_together(estimator, y):
    groups = np.arange(len(y)) // 10
    model = clone(estimator).set_params(cv=3)
    folds = make_folds(3, None, y, y, groups, np.arange(len(y)), 0)
    for train, held in folds.pairs:
        assert not set(groups[train]) & set(groups[held])
    assert np.isfinite(model.fit(FRAME, y, groups=groups).oof_prediction_).all()
    clone(model).set_params(cv=GroupKFold(2)).fit(FRAME, y, groups=groups)
    with pytest.raises(ValueError, match="groups has one group"):
        clone(model).fit(FRAME, y, groups=np.zeros(len(y)))


def test_folds_are_stratified():
    codes = np.repeat([0, 1], [100, 20])
    splitter = TabularClassifier()._make_splitter
    for _, held in make_folds(4, splitter, codes, codes, None, np.arange(120), 0).pairs:
        assert codes[held].sum() == 5


def test_rare_classes_are_learned():
    y = np.array(["common"] * 110 + ["rare"] * 9 + ["once"])
    model = TabularClassifier(**SHORT | {"cv": 5}).fit(FRAME, y)
    assert list(model.classes_) == ["common", "once", "rare"]
    shares = model.predict_proba(FRAME)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert (shares > 0).all()


@BOTH
def test_more_folds_than_rows(estimator, y):
    model = clone(estimator).set_params(cv=50)
    assert len(model.fit(FRAME[:6], y[:6]).members_[0]) <= 6


# --- time, searches, memory -------------------------------------------------------------------------


@BOTH
def test_there_is_an_answer_whatever_the_time(estimator, y):
    model = clone(estimator).set_params(time_limit=1e-6, n_candidates=30).fit(FRAME, y)
    assert len(model.leaderboard_) == 1
    assert np.isfinite(outputs(model)).all()


def test_time_limit_stops_between_configurations():
    model = TabularRegressor(n_candidates=500, cv=2, time_limit=1.0, random_state=0).fit(FRAME, Y)
    assert 1 < len(model.leaderboard_) < 500


@BOTH
def test_within_a_search_it_is_the_same(estimator, y):
    alone = cross_val_score(estimator, FRAME, y, cv=2)
    with joblib.parallel_config("sknets", n_jobs=4):
        together = cross_val_score(estimator, FRAME, y, cv=2)
    np.testing.assert_allclose(alone, together, rtol=1e-5)


@BOTH
def test_pickles_and_clones(estimator, y):
    model = clone(estimator).fit(FRAME, y)
    np.testing.assert_array_equal(outputs(pickle.loads(pickle.dumps(model))), outputs(model))
    assert not hasattr(clone(model), "leaderboard_")


@BOTH
def test_failed_fit_leaves_it_as_it_was(estimator, y):
    model = clone(estimator).fit(FRAME, y)
    before = outputs(model)
    with pytest.raises(ValueError, match="holds times"):
        model.fit(FRAME.assign(day=pd.date_range("2024", periods=len(y))), y)
    np.testing.assert_array_equal(outputs(model), before)


# --- bad input --------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda X, y: (X[:1], y[:1]), "n_samples=1"),
        (lambda X, y: (X, np.full(len(y), y[0])), None),
        (lambda X, y: (X * 0 if False else X.assign(city="a"), y), None),
        (lambda X, y: (X[["size"]].assign(size=1.0), y), None),
        (lambda X, y: (X[["size"]].assign(size=np.nan), y), None),
        (lambda X, y: (X.assign(city=[f"w{k}" for k in range(len(X))]), y), None),
        (lambda X, y: (np.random.default_rng(0).normal(size=(len(y), 2000)), y), None),
    ],
    ids=[
        "one row",
        "one value",
        "a constant",
        "all constant",
        "all missing",
        "all different",
        "wide",
    ],
)
def test_odd_input_works_or_is_explained(estimator, y, change, words):
    X, y = change(FRAME, y)
    model = clone(estimator)
    if len(np.unique(y)) == 1 and len(y) > 1 and isinstance(model, TabularClassifier):
        words = "y has 1 class only"
    if words is None:
        assert np.isfinite(outputs(model.fit(X, y), X)).all()
    else:
        with pytest.raises(ValueError, match=words):
            model.fit(X, y)


@BOTH
def test_category_that_was_never_seen(estimator, y):
    model = clone(estimator).fit(FRAME, y)
    assert np.isfinite(outputs(model, FRAME.assign(city="Ulm"))).all()


@pytest.mark.parametrize("kind", [TabularRegressor, TabularClassifier])
def test_a_thousand_categories(kind):
    rng = np.random.default_rng(0)
    names = np.array([f"k{number}" for number in range(1000)])
    X = pd.DataFrame({"name": rng.permutation(np.tile(names, 2)), "size": rng.normal(size=2000)})
    model = kind(n_candidates=3, max_iter=3, cv=2, random_state=0)
    y = (X["size"] + (X["name"] < "k5") > 0).astype(float)
    model.fit(X, y)
    assert model.score(X, y) > 0.3
    assert np.isfinite(outputs(model, X.assign(name="never seen"))).all()


def test_wide_tables_have_no_embeddings():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 101)), rng.normal(size=60)
    wide = TabularRegressor(n_candidates=4, max_iter=2, cv=2, random_state=0).fit(X, y)
    narrow = clone(wide).fit(X[:, :100], y)
    assert "numeric_embedding" not in wide.leaderboard_
    assert set(narrow.leaderboard_["numeric_embedding"].dropna()) == {
        "periodic",
        "piecewise_linear",
    }
    flags = clone(wide).fit(np.column_stack([X[:, :2], X > 0]), y)  # which are no numbers to embed
    assert "numeric_embedding" in flags.leaderboard_


def test_one_class_is_named():
    with pytest.raises(ValueError, match=r"y has 1 class only \('a'\)"):
        TabularClassifier().fit(FRAME, ["a"] * len(FRAME))


def test_nan_in_y():
    with pytest.raises(ValueError, match="y contains NaN"):
        TabularRegressor(**SHORT).fit(FRAME, np.where(Y > 1, np.nan, Y))


@BOTH
def test_weights_that_are_all_zero(estimator, y):
    # the first words are those of scikit-learn 1.8 and later
    words = (
        "Sample weights must contain at least one non-zero|at least 2 samples .of a weight above 0"
    )
    with pytest.raises(ValueError, match=words):
        clone(estimator).fit(FRAME, y, np.zeros(len(y)))


def test_fold_without_rows():
    nobody = [(np.arange(len(Y)), np.array([], dtype=int))]
    with pytest.raises(ValueError, match="fold without rows"):
        TabularRegressor(**SHORT | {"cv": nobody}).fit(FRAME, Y)


def test_stratified_splitters_of_the_user(recwarn):
    TabularClassifier(**SHORT | {"cv": StratifiedKFold(3)}).fit(FRAME, LABELS)
    assert not [w for w in recwarn if "Convergence" not in str(w.category)]


def test_what_distill_returns_is_by_itself():
    model = TabularRegressor(**SHORT).fit(FRAME, Y)
    before = model.predict(FRAME)
    model.distill(FRAME, max_iter=5).fit(FRAME.assign(price=FRAME["price"] * 100 + 5), Y)
    np.testing.assert_array_equal(model.predict(FRAME), before)


@BOTH
@pytest.mark.parametrize("kind", [list, PredefinedSplit])
def test_folds_that_are_given_speak_of_all_rows(estimator, y, kind):
    """Rows of weight 0 keep their places, and are in no fold."""
    half = len(y) // 2
    weight = np.ones(len(y))
    weight[[0, 3, half + 1]] = 0
    rows = np.arange(len(y))
    cv = [(rows[half:], rows[:half]), (rows[:half], rows[half:])]
    given = cv if kind is list else PredefinedSplit(np.repeat([0, 1], [half, len(y) - half]))
    model = clone(estimator).set_params(cv=given).fit(FRAME, y, weight)
    kept = weight > 0
    place = np.cumsum(kept) - 1
    by_hand = [tuple(place[part[kept[part]]] for part in pair) for pair in cv]
    other = clone(estimator).set_params(cv=by_hand).fit(FRAME[kept], y[kept], weight[kept])
    np.testing.assert_array_equal(model.oof_prediction_, other.oof_prediction_)


@pytest.mark.parametrize("unit", [1e-200, 1e-8, 1e8, 1e200])
def test_unit_of_y_does_not_matter(unit):
    params = SHORT | {"dtype": "float64", "n_candidates": 3}
    one, other = (TabularRegressor(**params).fit(FRAME, Y * u) for u in (1.0, unit))
    np.testing.assert_allclose(other.predict(FRAME), one.predict(FRAME) * unit, rtol=1e-6)
    np.testing.assert_allclose(
        other.predict_interval(FRAME), one.predict_interval(FRAME) * unit, rtol=1e-6
    )
    np.testing.assert_allclose(
        other.predict(FRAME, return_std=True)[1],
        one.predict(FRAME, return_std=True)[1] * unit,
        rtol=1e-6,
    )
    np.testing.assert_allclose(other.leaderboard_["weight"], one.leaderboard_["weight"], atol=1e-6)
    assert list(other.leaderboard_.index) == list(one.leaderboard_.index)


def test_class_of_weight_zero_is_not_there():
    weight = (LABELS != "low").astype(float)
    model = TabularClassifier(**SHORT).fit(FRAME, LABELS, weight)
    assert list(model.classes_) == ["high", "middle"]
    with pytest.raises(ValueError, match="1 class only"):
        TabularClassifier(**SHORT).fit(FRAME, LABELS, (LABELS == "low").astype(float))


@BOTH
def test_no_warning_names_what_is_not_the_users(estimator, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clone(estimator).fit(FRAME, y)


def test_folds_of_classes_that_no_other_row_has():
    with pytest.raises(ValueError, match=r"holds out classes that no other row has.*groups"):
        TabularClassifier(**SHORT).fit(FRAME, LABELS, groups=LABELS)


def test_missing_values_in_y_and_groups():
    y = LABELS.astype(object)
    y[7] = None
    with pytest.raises(ValueError, match=r"y contains NaN, infinity or None .row 7."):
        TabularClassifier(**SHORT).fit(FRAME, y)
    groups = np.arange(len(Y)).astype(object) // 10
    groups[5] = None
    with pytest.raises(ValueError, match="groups has no value in row 5"):
        TabularRegressor(**SHORT).fit(FRAME, Y, groups=groups)


@BOTH
def test_errors_of_columns_speak_of_the_estimator(estimator, y):
    model = clone(estimator).fit(FRAME.to_numpy(), y)
    with pytest.raises(ValueError, match=type(estimator).__name__):
        model.predict(FRAME.to_numpy()[:, :2])


def test_none_is_five_folds():
    assert len(TabularRegressor(**SHORT | {"cv": None}).fit(FRAME, Y).members_[0]) == 5
