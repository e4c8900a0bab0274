"""A run for each fit: what it holds, and that the fit does not notice."""

import copy
import pickle
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from sknets import (
    Autoencoder,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    RNNRegressor,
)
from sknets.tracking import MLflowRun, TensorBoardRun, _run
from tests.tracking.runs import (
    X,
    Y,
    mlflow_curve,
    mlflow_runs,
    read_events,
    tensorboard_curve,
    tensorboard_text,
)

pytest.importorskip("mlflow")
pytest.importorskip("tensorboard")

KINDS = [MLflowRun, TensorBoardRun]
SMALL = {"hidden_layer_sizes": 4, "max_iter": 5, "random_state": 0}


def curve(run, name):
    if isinstance(run, MLflowRun):
        return mlflow_curve(run.folder, run.run_id_, name)
    return tensorboard_curve(run.artifacts_, name)


def status(run):
    if isinstance(run, MLflowRun):
        (found,) = (r for r in mlflow_runs(run.folder) if r.info.run_id == run.run_id_)
        return f"{found.info.status.lower()} {found.data.tags.get('reason', '')}".strip()
    return tensorboard_text(run.artifacts_, "status")


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_has_curves_picture_and_model(kind, tmp_path):
    run = kind(tmp_path)
    network = MLPRegressor(early_stopping=True, callbacks=[run], **SMALL).fit(X, Y)
    assert {"loss", "validation_loss", "validation_score", "learning_rate", "seconds"} == set(
        network.history_
    )
    for name, expected in network.history_.items():
        epochs, values = curve(run, name)
        assert epochs == [1, 2, 3, 4, 5]
        np.testing.assert_allclose(values, expected, rtol=1e-6)
    assert status(run) == "finished"
    again = joblib.load(run.artifacts_ / "model.joblib")
    np.testing.assert_array_equal(again.predict(X), network.predict(X))


def test_mlflow_has_parameters_results_and_a_picture(tmp_path):
    run = MLflowRun(tmp_path, experiment="salaries")
    network = MLPRegressor(alpha=0.5, callbacks=[run], **SMALL).fit(X, Y)
    (found,) = mlflow_runs(tmp_path, "salaries")
    expected = {n: str(v) for n, v in network.get_params().items() if n != "callbacks"}
    assert found.data.params == expected
    assert found.info.run_name == "MLPRegressor alpha=0.5, hidden_layer_sizes=4, max_iter=5"
    assert found.data.metrics["n_iter"] == 5
    assert found.data.metrics["n_parameters"] == network.n_parameters_ == 4 * 11 + 5
    assert found.data.tags["stop_reason"] == network.stop_reason_
    assert (run.artifacts_ / "training_curve.png").read_bytes()[:4] == b"\x89PNG"


def test_tensorboard_has_parameters_hparams_and_a_picture(tmp_path):
    run = TensorBoardRun(tmp_path)
    MLPRegressor(alpha=0.5, callbacks=[run], **SMALL).fit(X, Y)
    assert run.run_id_ == "MLPRegressor_alpha=0.5,_hidden_layer_sizes=4,_max_iter=5-1"
    assert "| alpha | 0.5 |" in tensorboard_text(run.artifacts_, "parameters")
    events = read_events(run.artifacts_)
    assert events.Images("training_curve")[0].width > 400
    hparams = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"alpha" in hparams


@pytest.mark.parametrize("kind", KINDS)
def test_the_fit_is_the_same_to_the_last_bit(kind, tmp_path):
    plain = MLPRegressor(early_stopping=True, dropout=0.2, **SMALL).fit(X, Y)
    watched = clone(plain).set_params(callbacks=[kind(tmp_path)]).fit(X, Y)
    for ours, theirs in zip(watched.coefs_, plain.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    del plain.history_["seconds"], watched.history_["seconds"]
    assert watched.loss_curve_ == plain.loss_curve_


@pytest.mark.parametrize("kind", KINDS)
def test_every_fit_is_a_run(kind, tmp_path):
    run = kind(tmp_path, name="first try")
    network = MLPRegressor(callbacks=[run], **SMALL)
    ids = [network.fit(X, Y) and run.run_id_ for _ in range(3)]
    assert len(set(ids)) == 3
    if kind is TensorBoardRun:
        assert ids == ["first_try-1", "first_try-2", "first_try-3"]


@pytest.mark.parametrize("kind", KINDS)
def test_partial_fits_are_one_run(kind, tmp_path):
    run = kind(tmp_path)
    network = MLPRegressor(callbacks=[run], **SMALL)
    ids = {network.partial_fit(X, Y) and run.run_id_ for _ in range(3)}
    assert len(ids) == 1
    epochs, losses = curve(run, "loss")
    assert epochs == [1, 2, 3]
    np.testing.assert_allclose(losses, network.loss_curve_, rtol=1e-6)
    assert not (run.artifacts_ / "model.joblib").exists()
    clone(network).partial_fit(X, Y)  # has a callback of its own
    other = MLPRegressor(callbacks=[run], **SMALL).partial_fit(X, Y)
    assert run.run_id_ not in ids
    assert other.n_iter_ == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_warm_start_is_a_run_whose_epochs_go_on(kind, tmp_path):
    run = kind(tmp_path)
    network = MLPRegressor(warm_start=True, callbacks=[run], **SMALL)
    first = network.fit(X, Y) and run.run_id_
    network.fit(X, Y)
    assert run.run_id_ != first
    assert curve(run, "loss")[0] == [6, 7, 8, 9, 10]


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_that_fails_marks_its_run(kind, tmp_path):
    run = kind(tmp_path)
    network = MLPRegressor(callbacks=[run], **SMALL)
    with pytest.raises(ValueError, match="NaN"):
        network.fit(np.full_like(X, np.nan), Y)
    assert status(run).startswith("failed ValueError: Input X contains NaN")
    network.fit(X, Y)
    assert status(run) == "finished"


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_that_explodes_keeps_its_curve(kind, tmp_path):
    run = kind(tmp_path)
    network = MLPRegressor(
        solver="sgd", learning_rate_init=1e8, activation="identity", callbacks=[run], **SMALL
    )
    with pytest.raises(ValueError, match="learning_rate_init"):
        network.fit(X, Y)
    assert status(run).startswith("failed ValueError")
    assert curve(run, "loss")[0][0] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_kills_the_run(kind, tmp_path):
    run = kind(tmp_path)
    run.on_fit_begin(MLPRegressor(), is_partial=False)
    run.on_fit_error(MLPRegressor(), KeyboardInterrupt())
    assert status(run).startswith("killed")


@pytest.mark.parametrize("kind", KINDS)
def test_curves_are_written_while_training_goes_on(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(_run, "PAUSE", 0.0)
    seen = []

    class Looks(_run.FitWatcher):
        def on_epoch_end(self, net, **kwargs):
            seen.append(curve(run, "loss")[0])

    run = kind(tmp_path, model=False)
    MLPRegressor(callbacks=[run, Looks()], **SMALL).fit(X, Y)
    assert seen == [[*range(1, n + 1)] for n in range(1, 6)]
    assert curve(run, "loss")[0] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", KINDS)
def test_members_have_their_curves_in_one_run(kind, tmp_path):
    run = kind(tmp_path)
    network = MLPRegressor(n_members=3, callbacks=[run], **SMALL).fit(X, Y)
    for number, member in enumerate(network.members_[1:], start=2):
        values = curve(run, f"member_{number}/loss")[1]
        np.testing.assert_allclose(values, member.loss_curve_, rtol=1e-6)
    n_runs = len(mlflow_runs(tmp_path)) if kind is MLflowRun else len(list(tmp_path.iterdir()))
    assert n_runs == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_calibrated_fit_is_one_run_with_the_calibrated_model(kind, tmp_path):
    run = kind(tmp_path)
    MLPRegressor(calibrate=3, callbacks=[run], **SMALL).fit(X, Y)
    assert curve(run, "loss")[0] == [1, 2, 3, 4, 5]
    again = joblib.load(run.artifacts_ / "model.joblib")
    intervals = again.predict_interval(X, 0.9)
    assert (intervals[:, 0] < intervals[:, 1]).all()


@pytest.mark.parametrize(
    "network",
    [
        MLPClassifier(hidden_layer_sizes=4, max_iter=2),
        MLPRegressor(hidden_layer_sizes=4, max_iter=2, solver="lbfgs"),
        CNNRegressor(max_iter=2),
        RNNRegressor(hidden_layer_sizes=4, max_iter=2),
        Autoencoder(2, max_iter=2),
    ],
    ids=lambda n: type(n).__name__,
)
def test_every_family(network, tmp_path):
    data = X.reshape(len(X), -1, 5) if isinstance(network, CNNRegressor | RNNRegressor) else X
    run = TensorBoardRun(tmp_path)
    network = clone(network).set_params(callbacks=[run], random_state=0)
    y = Y.mean() < Y if isinstance(network, MLPClassifier) else Y
    network.fit(data, y)
    assert curve(run, "loss")[0] == list(range(1, network.n_iter_ + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_copies(kind, tmp_path):
    run = kind(tmp_path, name="a", model=False)
    network = MLPRegressor(callbacks=[run], **SMALL).fit(X, Y)
    (other,) = clone(network).callbacks
    assert other is not run
    assert other.get_params() == run.get_params()
    assert not hasattr(other, "run_id_")
    for copied in (copy.deepcopy(run), pickle.loads(pickle.dumps(run))):
        assert copied.run_id_ == run.run_id_
    again = pickle.loads(pickle.dumps(network)).fit(X, Y)
    assert again.callbacks[0].run_id_ != run.run_id_


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_made_in_training(kind, tmp_path):
    class Copies(_run.FitWatcher):
        def on_epoch_end(self, net, **kwargs):
            assert pickle.loads(pickle.dumps(run)).run_id_ == run.run_id_

    run = kind(tmp_path)
    with pytest.warns(RuntimeWarning, match="no model.*pickle.*model=False"):
        MLPRegressor(callbacks=[run, Copies()], **SMALL).fit(X, Y)
    assert status(run) == "finished"
    assert not (run.artifacts_ / "model.joblib").exists()


# --- what goes wrong ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_cannot_be_written_is_an_error_before_training(kind, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "runs"):
        network = MLPRegressor(callbacks=[kind(folder)], **SMALL)
        with pytest.raises(ValueError, match="folder=.*cannot be written.*another folder"):
            network.fit(X, Y)
        assert not hasattr(network, "net_")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"folder": 3}, "folder must be"),
        ({"folder": ""}, "folder must be"),
        ({"name": 3}, "name must be"),
        ({"name": " "}, "name must be"),
        ({"parent": 3}, "parent must be"),
        ({"picture": "yes"}, "picture must be"),
        ({"model": "yes"}, "model must be"),
    ],
)
def test_wrong_parameters_are_named(kind, wrong, words, tmp_path):
    run = kind(**({"folder": tmp_path} | wrong))
    with pytest.raises(ValueError, match=words):
        MLPRegressor(callbacks=[run], **SMALL).fit(X, Y)


def test_wrong_parameters_of_mlflow_are_named(tmp_path):
    for wrong, words in (
        ({"experiment": ""}, "experiment must be"),
        ({"parent": "x"}, "is no run"),
    ):
        network = MLPRegressor(callbacks=[MLflowRun(tmp_path, **wrong)], **SMALL)
        with pytest.raises(ValueError, match=words):
            network.fit(X, Y)


def test_a_parent_outside_of_the_folder_is_refused(tmp_path):
    run = TensorBoardRun(tmp_path / "runs", parent="../elsewhere")
    with pytest.raises(ValueError, match="parent='../elsewhere'"):
        MLPRegressor(callbacks=[run], **SMALL).fit(X, Y)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_fills_up_in_training_costs_the_record_and_not_the_fit(
    kind, tmp_path, monkeypatch
):
    def full(self, values):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kind, "_write_values", full)
    network = MLPRegressor(callbacks=[kind(tmp_path)], **SMALL)
    with pytest.warns(RuntimeWarning, match="stays incomplete.*No space left") as caught:
        network.fit(X, Y)
    assert len([w for w in caught if w.category is RuntimeWarning]) == 1
    assert caught[0].filename == __file__
    assert network.n_iter_ == 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_library_is_named(kind, tmp_path, monkeypatch):
    for module in ("mlflow", "mlflow.tracking", "torch.utils.tensorboard"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(ImportError, match=r"pip install 'sknets\[tracking\]'"):
        MLPRegressor(callbacks=[kind(tmp_path)], **SMALL).fit(X, Y)


def test_without_matplotlib_there_is_no_picture(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    run = TensorBoardRun(tmp_path)
    with pytest.raises(ImportError, match="picture=False"):
        MLPRegressor(callbacks=[run], **SMALL).fit(X, Y)
    MLPRegressor(callbacks=[run.set_params(picture=False) or run], **SMALL).fit(X, Y)
    assert status(run) == "finished"


def test_nothing_is_warned_of(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*Maximum iterations")
        for kind in KINDS:
            MLPRegressor(callbacks=[kind(tmp_path / kind.__name__)], **SMALL).fit(X, Y)
