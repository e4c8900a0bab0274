"""An estimator into a file."""

import functools
import os

import torch
from sklearn.base import BaseEstimator

from sknets import storage
from sknets._plain_torch import in_plain_torch
from sknets._version import Versioned, elsewhere
from sknets.files._classes import CLASSES, key_of
from sknets.files._format import ARRAYS, FORMAT, SKOPS, TREE, describe
from sknets.files._skops import dump_foreign


@in_plain_torch
def save(estimator, path):
    """Write an estimator to a file that can be read without trust.

    The file is a zip of JSON and safetensors: plain values and arrays, no pickle. What is around an
    estimator of sknets (a pipeline, a scaler, a search) is written by skops. A file is written whole or
    not at all: if anything fails, one that was there before is still there.

    Parameters
    ----------
    estimator : estimator
        An estimator of sknets or scikit-learn, fitted or not.
    path : str or path-like
        The file, by custom with the ending ``.sknets``.

    Raises
    ------
    TypeError
        If it holds something that a file cannot describe.
    OSError
        If the file cannot be written.
    ImportError
        If safetensors is missing, or skops where it is needed.

    See Also
    --------
    load : Read it.

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
    ...     copied = sknets.load(path)
    >>> bool((copied.predict(X) == model.predict(X)).all())
    True
    """
    if isinstance(estimator, type) or not isinstance(estimator, BaseEstimator):
        raise TypeError(
            f"estimator must be an estimator of sknets or scikit-learn, got {estimator!r}."
        )
    parts = _Saving().parts(estimator)
    storage.write_whole(os.fspath(path), storage.pack(parts))


class _Saving:
    """An estimator on its way into a file."""

    def __init__(self):
        self._arrays = storage.Arrays()
        self._tree = storage.TreeWriter(self._arrays, self._write_other)
        self._foreign, self._named = {}, {}
        self._estimators, self._places = {}, {}
        self._handed_in = set()

    def parts(self, estimator):
        """Return the parts of the file."""
        tree = self._tree.write(estimator, "")
        return {
            FORMAT: storage.dump_json(describe(estimator)),
            TREE: storage.dump_json(tree),
            ARRAYS: self._arrays.to_bytes(),
            **self._foreign,
        }

    def _write_other(self, value, where):
        if isinstance(value, Versioned):
            return self._write_estimator(value, where)
        if isinstance(value, functools.partial) and type(value) is functools.partial:
            parts = [value.func, value.args, value.keywords]
            return {"partial": [self._tree.write(part, where) for part in parts]}
        if isinstance(value, type) or hasattr(value, "__qualname__"):
            return {"named": self._name(value, key_of(value), where)}
        if isinstance(value, BaseEstimator) or type(value).__module__.startswith("sklearn."):
            return self._write_foreign(value, where)
        if isinstance(value, torch.nn.Module) and where.endswith(".architecture.start"):
            return {"weights": self._tree.write(_weights(value), where)}
        if id(value) in self._handed_in:  # by the user, who can do so again
            return {"named": self._name(value, self._places.setdefault(id(value), where), where)}
        raise TypeError(f"{where} is a {type(value).__name__}, which cannot be written to a file.")

    def _write_estimator(self, estimator, where):
        known = self._estimators.get(id(estimator))
        if known is not None:
            return {"again": known[0]}
        number = len(self._estimators)
        self._handed_in.update(_ids_in(list(estimator.get_params(deep=False).values())))
        self._estimators[id(estimator)] = number, estimator
        cls = type(estimator)
        name = cls.__name__
        if CLASSES.get(name) is not cls:
            name = self._name(cls, key_of(cls), where)
        with elsewhere(None):
            state = estimator.__getstate__()
        return {"estimator": [number, name, self._tree.write(state, where or cls.__name__)]}

    def _write_foreign(self, value, where):
        parts = _Parts()
        with elsewhere(parts):
            data = dump_foreign(value, where or type(value).__name__)
        name = SKOPS.format(len(self._foreign))
        self._foreign[name] = data
        written = [
            self._write_estimator(part, f"{where}<{n}>") for n, part in enumerate(parts.kept)
        ]
        return {"skops": [name, written]}

    def _name(self, thing, name, where):
        """Return the name of a thing that the reader hands in."""
        if self._named.setdefault(name, thing) is not thing:
            raise TypeError(
                f"{where} is called {name}, as something else in the same estimator: give it a name of "
                "its own, by which it is found when the file is read."
            )
        return name


def _ids_in(value):
    """Yield the identities of a value, and of all in its containers."""
    yield id(value)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _ids_in(part)


def _weights(module):
    return {name: value.cpu().numpy().copy() for name, value in module.state_dict().items()}


class _Parts:
    """The estimators of ours within something of scikit-learn."""

    def __init__(self):
        self.kept = []

    def put(self, estimator):
        """Keep an estimator; return its number."""
        for number, known in enumerate(self.kept):
            if known is estimator:
                return number
        self.kept.append(estimator)
        return len(self.kept) - 1
