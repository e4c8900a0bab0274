"""The runs of a search stand under one run, whoever fits and wherever."""

import joblib
import pandas as pd
import pytest
from sklearn.ensemble import BaggingRegressor
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPRegressor
from sknets.tracking import MLflowRun, TensorBoardRun, track_search
from tests.tracking.runs import X, Y, mlflow_runs, tensorboard_text

pytest.importorskip("mlflow")
pytest.importorskip("tensorboard")

ALPHAS = [0.1, 1.0, 10.0]


def make_search(run, **options):
    network = MLPRegressor(hidden_layer_sizes=4, max_iter=5, random_state=0, callbacks=[run])
    pipeline = make_pipeline(StandardScaler(), network)
    return GridSearchCV(pipeline, {"mlpregressor__alpha": ALPHAS}, cv=2, **options)


def families(folder):
    """Return the runs without a parent, and a dict of the children of each."""
    runs = mlflow_runs(folder)
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    ids = {run.info.run_id: [] for run in parents}
    for run in runs:
        if "mlflow.parentRunId" in run.data.tags:
            ids[run.data.tags["mlflow.parentRunId"]].append(run)
    return parents, ids


def check_mlflow(folder, search, run_id):
    (parent,), children = families(folder)
    assert parent.info.run_id == run_id
    assert parent.info.status == "FINISHED"
    best = search.best_params_["mlpregressor__alpha"]
    assert parent.data.params == {"best/mlpregressor__alpha": str(best)}
    assert parent.data.metrics["best_score"] == pytest.approx(search.best_score_)
    children = children[run_id]
    assert len(children) == 3 * 2 + 1  # candidates in folds, and the best one again
    assert {run.data.params["alpha"] for run in children} == {str(alpha) for alpha in ALPHAS}
    assert {run.info.status for run in children} == {"FINISHED"}


@pytest.mark.parametrize("context", ["plain", "sknets", "threading"])
def test_candidates_of_mlflow_stand_under_the_search(context, tmp_path):
    run = MLflowRun(tmp_path)
    search = make_search(run, n_jobs=2 if context == "threading" else None)
    with track_search(search, name="alpha") as run_id:
        if context == "plain":
            search.fit(X, Y)
        else:
            with joblib.parallel_config(context, n_jobs=4):
                search.fit(X, Y)
    check_mlflow(tmp_path, search, run_id)
    assert run.parent is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", [MLflowRun, TensorBoardRun])
def test_candidates_in_processes_stand_under_the_search(kind, tmp_path):
    search = make_search(kind(tmp_path), n_jobs=2)
    with track_search(search) as run_id:
        search.fit(X, Y)
    if kind is MLflowRun:
        check_mlflow(tmp_path, search, run_id)
    else:
        assert len([path for path in (tmp_path / run_id).iterdir() if path.is_dir()]) == 7


@pytest.mark.slow
def test_processes_make_one_experiment(tmp_path):
    make_search(MLflowRun(tmp_path), n_jobs=2).fit(X, Y)
    assert len(mlflow_runs(tmp_path)) == 7
    assert not (tmp_path / ".sknets-lock").exists()


@pytest.mark.parametrize("context", ["plain", "sknets"])
def test_candidates_of_tensorboard_lie_in_the_folder_of_the_search(context, tmp_path):
    search = make_search(TensorBoardRun(tmp_path))
    with track_search(search, name="alpha") as run_id:
        if context == "plain":
            search.fit(X, Y)
        else:
            with joblib.parallel_config(context, n_jobs=4):
                search.fit(X, Y)
    assert run_id == "alpha-1"
    folders = [path.name for path in (tmp_path / run_id).iterdir() if path.is_dir()]
    assert len(folders) == 7
    assert all(any(f"alpha={alpha}" in name for alpha in ALPHAS) for name in folders)
    assert "best mlpregressor__alpha" in tensorboard_text(tmp_path / run_id, "search")
    table = pd.read_csv(tmp_path / run_id / "cv_results.csv")
    assert table["mean_test_score"].max() == pytest.approx(search.best_score_)


def test_networks_with_the_callback_still_train_together(tmp_path, waves):
    search = make_search(TensorBoardRun(tmp_path), refit=False)
    with joblib.parallel_config("sknets", n_jobs=6):
        search.fit(X, Y)
    assert max(waves) > 1


def test_scores_are_those_without_runs(tmp_path):
    run = MLflowRun(tmp_path)
    tracked = make_search(run)
    with track_search(tracked):
        tracked.fit(X, Y)
    plain = make_search(run).set_params(estimator__mlpregressor__callbacks=None).fit(X, Y)
    expected = plain.cv_results_["mean_test_score"]
    assert (tracked.cv_results_["mean_test_score"] == expected).all()


def test_a_search_that_fails_marks_its_run(tmp_path):
    search = make_search(MLflowRun(tmp_path))
    with pytest.raises(ValueError, match="fits failed"), track_search(search):
        search.fit(X, Y * float("nan"))
    (parent,), children = families(tmp_path)
    assert parent.info.status == "FAILED"
    assert {run.info.status for run in children[parent.info.run_id]} == {"FAILED"}
    (run,) = search.estimator[-1].callbacks
    assert run.parent is None


def test_ensembles_and_cross_validation_can_be_tracked_too(tmp_path):
    network = MLPRegressor(max_iter=2, random_state=0, callbacks=[MLflowRun(tmp_path)])
    bagging = BaggingRegressor(network, n_estimators=3, random_state=0)
    with track_search(bagging, name="bagging"):
        bagging.fit(X, Y)
    with track_search(network, name="folds"):
        cross_validate(network, X, Y, cv=2)
    parents, children = families(tmp_path)
    counts = {run.info.run_name: len(children[run.info.run_id]) for run in parents}
    assert counts == {"bagging": 3, "folds": 2}


def test_two_callbacks_keep_two_runs(tmp_path):
    network = MLPRegressor(
        max_iter=2,
        random_state=0,
        callbacks=[MLflowRun(tmp_path / "a"), TensorBoardRun(tmp_path / "b")],
    )
    with track_search(network) as ids:
        network.fit(X, Y)
    assert len(ids) == 2
    assert ids[1] == "MLPRegressor-1"
    _, children = families(tmp_path / "a")
    assert [len(runs) for runs in children.values()] == [1]


def test_a_search_without_runs_is_refused():
    search = make_search(None)
    search.estimator[-1].callbacks = None
    with (
        pytest.raises(ValueError, match="has no MLflowRun or TensorBoardRun"),
        track_search(search),
    ):
        pass
    with pytest.raises(ValueError, match="name must be"), track_search(search, name=""):
        pass
