"""An estimator from a file."""

import functools
import os

from sknets import storage
from sknets._extras import MissingPackageError
from sknets._plain import check_names
from sknets._plain_torch import in_plain_torch
from sknets._version import elsewhere
from sknets.files._bounded import Bounded
from sknets.files._classes import CLASSES
from sknets.files._format import ARRAYS, FORMAT, TREE, check_format
from sknets.files._given import Given
from sknets.files._skops import load_foreign
from sknets.inputs import choose_device


@in_plain_torch
def load(path, *, device=None, trusted=()):
    """Read an estimator that `save` has written.

    Nothing in a file is run: it holds values and arrays, of which classes of sknets are made, and of
    scikit-learn those that skops trusts. The copy predicts, goes on learning and is looked into as the
    original.

    Parameters
    ----------
    path : str or path-like
        The file.
    device : str, default=None
        Where networks compute from now on ("cpu", "cuda"), which becomes their parameter `device`, too.
        None is where they did when they were saved, or the CPU if that is not there.
    trusted : list or dict, default=()
        What the file names and does not hold: a module's class, functions, types for skops. A dict is
        by the names that the file has. An error says what is asked for.

    Returns
    -------
    estimator : estimator
        As it was saved.

    Raises
    ------
    ValueError
        If the file is damaged, none of sknets, newer than this version, or names what is not trusted.
    OSError
        If it cannot be opened.
    ImportError
        If safetensors is missing, or skops where it is needed.

    See Also
    --------
    save : Write it.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import sknets
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = sknets.MLPRegressor(solver="lbfgs", random_state=0).fit(X, X[:, 0] ** 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "parabola.sknets")
    ...     sknets.save(model, path)
    ...     sknets.load(path, device="cpu").device
    'cpu'
    """
    given = Given(trusted)
    if device is not None:
        choose_device(device, 0)
    path = os.fspath(path)
    with open(path, "rb") as file:
        data = file.read()
    try:
        parts = storage.unpack(data, FORMAT)
        check_format(storage.parse_json(parts[FORMAT]))
        return _Loading(parts, given, device).estimator()
    except storage.ContentError as error:
        raise ValueError(f"{path} {error}.") from error
    except MissingPackageError:
        raise
    except Exception as error:  # whatever a file that somebody else has made may lead to
        raise ValueError(
            f"{path} cannot be made an estimator of: {type(error).__name__}: {str(error)[:500]}"
        ) from error


class _Loading:
    """An estimator on its way out of a file."""

    def __init__(self, parts, given, device):
        self._parts, self._given, self._device = parts, given, device
        self._arrays = storage.arrays_from_bytes(parts[ARRAYS])
        self._tree = storage.TreeReader(self._arrays, self._read_other)
        self._made = {}

    def estimator(self):
        """Return the estimator."""
        made = self._tree.read(storage.parse_json(self._parts[TREE]))
        if not hasattr(made, "get_params"):
            raise storage.ContentError(f"holds no estimator, but a {type(made).__name__}")
        return made

    def _read_other(self, kind, content):
        if kind == "estimator":
            return self._read_estimator(*content)
        if kind == "again":
            return self._made[content]
        if kind == "named":
            return self._given[content]
        if kind == "partial":
            function, args, keywords = map(self._tree.read, content)
            return functools.partial(function, *args, **keywords)
        if kind == "weights":
            return self._tree.read(content)
        if kind == "skops":
            return self._read_foreign(*content)
        raise storage.ContentError(f"holds something of the kind {kind!r}")

    def _read_estimator(self, number, name, tree):
        cls = self._class_of(name)
        made = cls.__new__(cls)
        state = self._state_of(made, number, tree)
        with elsewhere(None), Bounded(self._arrays):
            made.__setstate__(state)
        self._look_at(made)
        return made

    def _class_of(self, name):
        cls = CLASSES.get(name) or self._given[name]
        if not isinstance(cls, type) or not issubclass(cls, tuple(CLASSES.values())):
            raise storage.ContentError(f"makes an estimator of {name}, which is none of sknets")
        return cls

    def _state_of(self, made, number, tree):
        """Return the state of an estimator that is being made."""
        if number in self._made:
            raise storage.ContentError("holds two estimators of one number")
        self._made[number] = made
        state = self._tree.read(tree)
        cls = type(made)
        if type(state) is not dict or not set(cls._get_param_names()) <= set(state):
            raise storage.ContentError(f"holds a {cls.__name__} without its parameters")
        check_names(cls, state)
        if self._device is not None and "device" in state:
            state["device"] = self._device
            if "_learned" in state:
                state["_learned"]["net_state"]["device"] = self._device
                state["_learned"]["parameters"]["device"] = self._device
        return state

    def _look_at(self, made):
        """Try the network of an estimator that has been made."""
        learned = vars(made).get("_learned")
        if learned is not None and "members_" not in vars(made):
            with Bounded(self._arrays):
                learned.check_network()

    def _read_foreign(self, name, trees):
        data = self._parts.pop(name)
        with elsewhere(_Parts(self, trees)), Bounded(self._arrays):
            return load_foreign(data, self._given)


class _Parts:
    """The estimators of ours within something of scikit-learn, whose states lie beside it."""

    def __init__(self, loading, trees):
        self._loading, self._trees = loading, trees

    def get(self, made, number):
        """Return the state of an estimator that skops makes."""
        kind, (own_number, name, tree) = next(iter(self._trees[number].items()))
        if kind != "estimator" or self._loading._class_of(name) is not type(made):
            raise storage.ContentError(f"makes a {type(made).__name__} of a {name}")
        with elsewhere(None):
            return self._loading._state_of(made, own_number, tree)
