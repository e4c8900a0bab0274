"""What a run is, whoever keeps it: begun with a fit, told of its epochs, ended with it."""

import inspect
import os
import tempfile
import time
from abc import abstractmethod
from importlib import import_module
from pathlib import Path

from sknets._extras import needed
from sknets._warn import warn_user
from sknets.estimators import HISTORY, FitWatcher
from sknets.tracking._describe import name_of

#: Seconds between two times at which the curves of a training under way are written.
PAUSE = 2.0

_WITH_PICTURE = "{} with a picture (picture=False makes none)"


class TrackedRun(FitWatcher):
    """A callback that keeps a run for each fit; `MLflowRun` and `TensorBoardRun` write it down.

    Epochs are noted, and written together every two seconds and at the end, so that training does not
    wait for a disk. What cannot be written before training is an error; later on it is a warning.
    """

    _is_open = False
    _n_seen = None  # epochs of the partial fits of this run
    _live = ()  # attributes that no pickle can hold

    @abstractmethod
    def _import(self):
        """Raise ImportError if the library is missing."""

    @abstractmethod
    def _open(self, name):
        """Begin a run with a name, under `parent`, and return its id."""

    @abstractmethod
    def _reopen(self):
        """Go on with the run `run_id_`."""

    @abstractmethod
    def _write_parameters(self, estimator):
        """Write the parameters of an estimator."""

    @abstractmethod
    def _write_values(self, values):
        """Write tuples ``(name, value, epoch, seconds since 1970)`` of curves."""

    @abstractmethod
    def _write_results(self, estimator, *, with_files):
        """Write what a fitted estimator is like: numbers and, if asked for, the picture and the model."""

    @abstractmethod
    def _write_search(self, search):
        """Write what a fitted search has found."""

    @abstractmethod
    def _close(self, status, reason=""):
        """End the run: "finished", "failed" or "killed"."""

    # --- a fit --------------------------------------------------------------------------------------

    def on_fit_begin(self, estimator, *, is_partial):
        """Begin a run, or go on with that of the last `partial_fit`.

        Parameters
        ----------
        estimator : estimator
            The estimator to be fitted.
        is_partial : bool
            Whether the call is a `partial_fit`.

        Raises
        ------
        ImportError
            If a library is missing.
        ValueError
            If the folder cannot be written, or a parameter is invalid.
        """
        self._is_partial = is_partial
        n_before = _n_epochs(estimator) if is_partial or estimator.warm_start else 0
        goes_on = is_partial and n_before and n_before == self._n_seen
        self._begin(self.run_id_ if goes_on else None, lambda: self.name or name_of(estimator))
        if not goes_on:
            self._attempt(self._write_parameters, estimator)
        self._n_before = self._n_written = n_before
        self._times, self._history = [], []
        self._due = time.monotonic() + PAUSE

    def on_epoch_end(self, net, **kwargs):
        """Note an epoch, and now and then write what has been noted.

        Parameters
        ----------
        net : skorch.NeuralNet
            The network.
        **kwargs : dict
            The data.
        """
        if not self._is_open:
            return  # a clone, of a member or a fold
        self._history = net.history
        self._times.append(time.time())
        if time.monotonic() >= self._due:
            self._attempt(self._write_history)
            self._due = time.monotonic() + PAUSE

    def on_fit_end(self, estimator):
        """Write what is left of the curves, and what came out; end the run.

        Parameters
        ----------
        estimator : estimator
            The fitted estimator.
        """
        self._history = estimator.net_.history
        self._attempt(self._write_history)
        self._attempt(self._write_members, getattr(estimator, "members_", [])[1:])
        self._attempt(self._write_results, estimator, with_files=not self._is_partial)
        self._n_seen = len(self._history) if self._is_partial else None
        self._end("finished")

    def on_fit_error(self, estimator, error):
        """Mark the run as failed, or as killed by Ctrl-C.

        Parameters
        ----------
        estimator : estimator
            The estimator, as it was before.
        error : BaseException
            What ended the fit.
        """
        self._attempt(self._write_history)
        self._end(*_outcome(error))

    # --- a search -----------------------------------------------------------------------------------

    def begin_search(self, name):
        """Begin the run of a search.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        str
            Its id, the `parent` of runs under it.
        """
        self._begin(None, lambda: name)
        return self.run_id_

    def end_search(self, search, error=None):
        """End the run of a search.

        Parameters
        ----------
        search : estimator
            The search; what it has found is written, if it has found anything.
        error : BaseException, default=None
            What ended it.
        """
        if error is None and hasattr(search, "cv_results_"):
            self._attempt(self._write_search, search)
        self._end(*("finished",) if error is None else _outcome(error))

    # --- both ---------------------------------------------------------------------------------------

    def _begin(self, run_id, name):
        """Open a run: that of an id, or a new one with the name that is made."""
        for parameter in ("name", "parent"):
            value = getattr(self, parameter)
            if value is not None and not (isinstance(value, str) and value.strip()):
                raise ValueError(f"{parameter} must be a text or None, got {value!r}.")
        if self.picture not in (True, False, "auto"):
            raise ValueError(f"picture must be True, False or 'auto', got {self.picture!r}.")
        if self.model not in (True, False):
            raise ValueError(f"model must be True or False, got {self.model!r}.")
        self._import()
        if self._draws:
            with needed(_WITH_PICTURE.format(type(self).__name__), "matplotlib", "plot"):
                import_module("matplotlib")
        check_folder(self.folder)
        self._is_broken = False
        if run_id is None:
            self.run_id_ = self._open(name())
        else:
            self._reopen()
        self._is_open = True

    @property
    def _draws(self):
        return self.parent is None if self.picture == "auto" else self.picture

    def _end(self, *outcome):
        self._attempt(self._close, *outcome)
        self._is_open, self._history, self._times = False, [], []
        for name in self._live:
            vars(self).pop(name, None)

    def _attempt(self, write, *args, **options):
        """Write; what fails is a warning, since a fit shall not be lost for its record."""
        if self._is_broken:
            return
        try:
            write(*args, **options)
        except Exception as error:
            self._is_broken = True
            warn_user(
                f"{type(self).__name__}: the run {self.run_id_!r} in folder={str(self.folder)!r} cannot "
                f"be written any more and stays incomplete; the fit goes on. {error}",
                RuntimeWarning,
            )

    def _write_history(self):
        rows, now = self._history, time.time()
        values = []
        for number in range(self._n_written, len(rows)):
            place = number - self._n_before
            at = self._times[place] if place < len(self._times) else now
            values += _values_of(rows[number], number + 1, at)
        self._write_values(values)
        self._n_written = max(self._n_written, len(rows))

    def _write_members(self, members):
        now = time.time()
        for number, member in enumerate(members, start=2):
            rows = member.net_.history
            values = [
                value
                for epoch in range(self._n_before, len(rows))
                for value in _values_of(rows[epoch], epoch + 1, now, f"member_{number}/")
            ]
            self._write_values(values)

    # --- copies -------------------------------------------------------------------------------------

    def _get_param_names(self):
        # skorch would take all that stands in `__dict__`
        return list(inspect.signature(type(self)).parameters)

    def __getstate__(self):
        state = {name: value for name, value in vars(self).items() if name not in self._live}
        return state | {"_is_open": False, "_history": [], "_times": []}


def _n_epochs(estimator):
    return len(estimator.net_.history) if estimator.__sklearn_is_fitted__() else 0


def _values_of(row, epoch, at, prefix=""):
    for name, key in HISTORY.items():
        if key in row:
            yield prefix + name, float(row[key]), epoch, at


def _outcome(error):
    is_killed = isinstance(error, KeyboardInterrupt)
    return "killed" if is_killed else "failed", f"{type(error).__name__}: {error}"


def check_folder(folder):
    """Make a folder if it is not there, and raise ValueError if nothing can be written into it."""
    if not isinstance(folder, str | os.PathLike) or not str(folder).strip():
        raise ValueError(f"folder must be the path of a folder, got {folder!r}.")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as error:
        raise ValueError(
            f"folder={str(folder)!r} cannot be written: {error}. Make room or name another folder."
        ) from error
