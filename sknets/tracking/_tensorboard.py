"""Runs of TensorBoard: a folder each."""

import time
from numbers import Number
from pathlib import Path

import pandas as pd

from sknets._extras import needed
from sknets.tracking import _files
from sknets.tracking._describe import as_folder, parameters, text_of
from sknets.tracking._run import TrackedRun


class TensorBoardRun(TrackedRun):
    """Keeps a run of TensorBoard for each fit, a folder of its own in a folder.

    One of the `callbacks` of any network. A run has the parameters of the estimator as a text, by the
    epoch what `history_` has (losses, score, learning rate, seconds), and in the end the picture of the
    training curves, the fitted estimator as ``model.joblib``, and a row of the HParams page, by which
    runs can be compared. A fit that raises is marked as failed in the text "status". Calls of
    `partial_fit` go on with one run, which has numbers alone. With `n_members`, a run has the curves of
    all networks. To look at them: ``tensorboard --logdir runs``.

    Parameters
    ----------
    folder : str or path, default="runs"
        The folder of all runs, which is made if it is not there.
    name : str, default=None
        Name of the runs; None makes one of the class and the parameters that are not at their defaults.
        A number is added.
    model : bool, default=True
        Whether to keep the fitted estimator, as ``model.joblib``.
    picture : bool or 'auto', default='auto'
        Whether to draw the training curves, which takes longer than all else; "auto" leaves it out where
        the run stands under that of a search.
    parent : str, default=None
        Folder within `folder` in which the runs lie; `track_search` sets it.

    Attributes
    ----------
    run_id_ : str
        The last run's folder within `folder`.
    artifacts_ : pathlib.Path
        The same as a path.

    See Also
    --------
    MLflowRun : The same for MLflow.
    track_search : The runs of a search under one folder.

    Examples
    --------
    >>> from sknets import MLPRegressor
    >>> from sknets.tracking import TensorBoardRun
    >>> network = MLPRegressor(callbacks=[TensorBoardRun("runs")])
    >>> network.fit(X, y)  # doctest: +SKIP
    """

    _live = ("_writer",)

    def __init__(self, folder="runs", *, name=None, model=True, picture="auto", parent=None):
        self.folder = folder
        self.name = name
        self.model = model
        self.picture = picture
        self.parent = parent

    @property
    def artifacts_(self):
        return Path(self.folder) / self.run_id_

    def _import(self):
        _import_writer()

    def _open(self, name):
        root = Path(self.folder).resolve()
        parent = (root / (self.parent or "")).resolve()
        if not parent.is_relative_to(root):
            raise ValueError(f"parent={self.parent!r} leads out of folder={str(self.folder)!r}.")
        folder = make_folder(parent, as_folder(name))
        self._writer = _import_writer()(str(folder))
        return folder.relative_to(root).as_posix()

    def _reopen(self):
        self._writer = _import_writer()(str(self.artifacts_))

    def _write_parameters(self, estimator):
        rows = {"estimator": type(estimator).__name__} | parameters(estimator)
        self._writer.add_text("parameters", _table(rows))

    def _write_values(self, values):
        for name, value, epoch, at in values:
            self._writer.add_scalar(name, value, epoch, walltime=at)
        self._writer.flush()

    def _write_results(self, estimator, *, with_files):
        now, epoch = time.time(), len(estimator.net_.history)
        numbers = _files.results_of(estimator)
        self._write_values([(f"result/{name}", n, epoch, now) for name, n in numbers.items()])
        if not with_files:
            return
        if epoch:
            self._write_hparams(estimator, numbers)
        if self._draws and epoch:
            pixels = _files.curve_pixels(estimator)
            self._writer.add_image("training_curve", pixels, epoch, dataformats="HWC")
        if self.model:
            _files.save_model(estimator, self.artifacts_ / _files.MODEL)

    def _write_hparams(self, estimator, numbers):
        from torch.utils.tensorboard.summary import hparams

        values = estimator.get_params(deep=False)
        values = {name: _plain(value) for name, value in values.items() if name != "callbacks"}
        for summary in hparams(
            values, {f"result/{name}": number for name, number in numbers.items()}
        ):
            self._writer.file_writer.add_summary(summary)

    def _write_search(self, search):
        found = {
            f"best {name}": text_of(v) for name, v in getattr(search, "best_params_", {}).items()
        }
        if hasattr(search, "best_score_"):
            found["best score"] = text_of(search.best_score_)
            self._writer.add_scalar("result/best_score", float(search.best_score_), 0)
        if found:
            self._writer.add_text("search", _table(found))
        table = pd.DataFrame(search.cv_results_)
        table.to_csv(self.artifacts_ / "cv_results.csv", index=False)

    def _close(self, status, reason=""):
        self._writer.add_text("status", f"{status} {reason}".strip())
        self._writer.close()


def make_folder(parent, name):
    """Make a new folder of that name and a number, whoever else does so at the time."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = parent / f"{name}-{number}"
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def _import_writer():
    with needed("TensorBoardRun", "TensorBoard", "tracking"):
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter


def _plain(value):
    """Return a value as TensorBoard takes it: a number, a truth or a text."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    return value if isinstance(value, bool | str | Number) else text_of(value)


def _table(texts):
    """Return a table of Markdown."""
    rows = "".join(
        f"| {name} | {text.replace('|', chr(92) + '|')} |\n" for name, text in texts.items()
    )
    return f"| | |\n|---|---|\n{rows}"
