"""Runs of MLflow, in a folder."""

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from sknets import _version
from sknets._extras import needed
from sknets.tracking import _files
from sknets.tracking._describe import parameters, text_of
from sknets.tracking._run import TrackedRun

_STATUS = {"finished": "FINISHED", "failed": "FAILED", "killed": "KILLED"}

#: MLflow takes no more values at a time.
_MOST_VALUES = 1000

#: Seconds for which a run waits for another process that makes the experiment.
_PATIENCE = 20.0


class MLflowRun(TrackedRun):
    """Keeps a run of MLflow for each fit, in a local folder.

    One of the `callbacks` of any network. A run has the parameters of the estimator, by the epoch what
    `history_` has (losses, score, learning rate, seconds), and in the end the number of epochs and of
    parameters, the best score, the training curves as a picture and the fitted estimator, to be read by
    `joblib.load`. A fit that raises marks its run as failed. Calls of `partial_fit` go on with one run,
    which has numbers alone. With `n_members`, a run has the curves of all networks.

    Parameters
    ----------
    folder : str or path, default="mlruns"
        The folder, which is made if it is not there.
    experiment : str, default="sknets"
        Name of the experiment to which the runs belong.
    name : str, default=None
        Name of the runs; None makes one of the class and the parameters that are not at their defaults.
    model : bool, default=True
        Whether to keep the fitted estimator, as ``model.joblib``.
    picture : bool or 'auto', default='auto'
        Whether to draw the training curves, which takes longer than all else; "auto" leaves it out where
        the run stands under that of a search.
    parent : str, default=None
        Id of the run under which others stand; `track_search` sets it.

    Attributes
    ----------
    run_id_ : str
        Id of the last run.
    artifacts_ : pathlib.Path
        Folder of its files.

    See Also
    --------
    TensorBoardRun : The same for TensorBoard.
    track_search : The runs of a search under one run.

    Notes
    -----
    MLflow no longer develops its folders of files and asks for a consent,
    ``MLFLOW_ALLOW_FILE_STORE=true`` in the environment, which is given here where there is no word of it.
    To look at them: ``MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri mlruns``. To move them
    into a database: ``mlflow migrate-filestore``.

    Examples
    --------
    >>> from sknets import MLPRegressor
    >>> from sknets.tracking import MLflowRun
    >>> network = MLPRegressor(callbacks=[MLflowRun("mlruns", experiment="salaries")])
    >>> network.fit(X, y)  # doctest: +SKIP
    """

    _live = ("_client",)

    def __init__(
        self,
        folder="mlruns",
        *,
        experiment="sknets",
        name=None,
        model=True,
        picture="auto",
        parent=None,
    ):
        self.folder = folder
        self.experiment = experiment
        self.name = name
        self.model = model
        self.picture = picture
        self.parent = parent

    @property
    def artifacts_(self):
        return Path(self._artifacts)

    def _import(self):
        _import_client()
        if not isinstance(self.experiment, str) or not self.experiment.strip():
            raise ValueError(f"experiment must be a text, got {self.experiment!r}.")

    def _open(self, name):
        folder = Path(self.folder).resolve()
        self._client = _client_of(folder)
        tags = {"mlflow.source.name": "sknets", "sknets.version": _version.__version__}
        if self.parent is not None:
            tags["mlflow.parentRunId"] = self._existing_parent()
        experiment = _experiment_of(self._client, self.experiment, folder)
        run = self._client.create_run(experiment, run_name=name, tags=tags)
        self._artifacts = _path_of(run.info.artifact_uri)
        return run.info.run_id

    def _reopen(self):
        self._client = _client_of(Path(self.folder).resolve())
        self._client.update_run(self.run_id_, status="RUNNING")

    def _existing_parent(self):
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_run(self.parent).info.run_id
        except MlflowException as error:
            raise ValueError(
                f"parent={self.parent!r} is no run in folder={str(self.folder)!r}; give the id of one, "
                "or None."
            ) from error

    def _write_parameters(self, estimator):
        from mlflow.entities import Param, RunTag

        texts = parameters(estimator)
        self._client.log_batch(
            self.run_id_,
            params=[Param(name, text) for name, text in texts.items()],
            tags=[RunTag("estimator", type(estimator).__name__)],
        )

    def _write_values(self, values):
        from mlflow.entities import Metric

        metrics = [Metric(name, value, int(1000 * at), epoch) for name, value, epoch, at in values]
        for start in range(0, len(metrics), _MOST_VALUES):
            self._client.log_batch(self.run_id_, metrics=metrics[start : start + _MOST_VALUES])

    def _write_results(self, estimator, *, with_files):
        now, epoch = time.time(), len(estimator.net_.history)
        numbers = _files.results_of(estimator)
        self._write_values([(name, number, epoch, now) for name, number in numbers.items()])
        self._client.set_tag(self.run_id_, "stop_reason", str(estimator.stop_reason_))
        if with_files and self._draws and estimator.net_.history:
            with self._artifact(_files.PICTURE) as path:
                _files.save_curve(estimator, path)
        if with_files and self.model:
            with self._artifact(_files.MODEL) as path:
                _files.save_model(estimator, path)

    def _write_search(self, search):
        from mlflow.entities import Param

        now = time.time()
        if hasattr(search, "best_params_"):
            best = [Param(f"best/{name}", text_of(v)) for name, v in search.best_params_.items()]
            self._client.log_batch(self.run_id_, params=best)
        if hasattr(search, "best_score_"):
            self._write_values([("best_score", float(search.best_score_), 0, now)])
        table = pd.DataFrame(search.cv_results_).to_csv(index=False)
        self._client.log_text(self.run_id_, table, "cv_results.csv")

    @contextmanager
    def _artifact(self, name):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            yield path
            if path.exists():
                self._client.log_artifact(self.run_id_, str(path))

    def _close(self, status, reason=""):
        if reason:
            self._client.set_tag(self.run_id_, "reason", reason[:5000])
        self._client.set_terminated(self.run_id_, _STATUS[status])


def _import_client():
    with needed("MLflowRun", "MLflow", "tracking"):
        from mlflow.tracking import MlflowClient
    return MlflowClient


def _client_of(folder):
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    return _import_client()(tracking_uri=folder.as_uri())


def _experiment_of(client, name, folder):
    """Return the id of an experiment, which one of several processes makes."""
    deadline = time.monotonic() + _PATIENCE
    lock = folder / ".sknets-lock"
    while (found := client.get_experiment_by_name(name)) is None:
        try:
            lock.touch(exist_ok=False)
        except FileExistsError:
            if time.monotonic() > deadline:  # of a process that was killed
                lock.unlink(missing_ok=True)
            time.sleep(0.02)
            continue
        try:
            if client.get_experiment_by_name(name) is None:
                client.create_experiment(name)
        finally:
            lock.unlink(missing_ok=True)
    return found.experiment_id


def _path_of(uri):
    from mlflow.utils.file_utils import local_file_uri_to_path

    return local_file_uri_to_path(uri)
