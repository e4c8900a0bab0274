"""Objects as plain values, and back: what pickles, files of skops and files of ours are made of.

Of an estimator's state there remain numbers, strings, arrays and containers of them; an object of ours is
a dict that names its class. Only classes that are declared (`kept`) are made again, and nothing is
imported or called by what is read.
"""

import keyword
from dataclasses import fields, is_dataclass
from functools import cached_property

import numpy as np

from sknets._plain_pandas import describe_pandas, make_pandas

#: Classes of which objects are written down, by name.
KEPT = {}

#: Names the class of an object; no attribute is called so. And the number of one that comes again.
CLASS, NUMBER = "@", "#"

_PLAIN = (str, int, float, bool, type(None), np.ndarray)


def kept(cls):
    """Declare a class whose objects belong to the state of an estimator, in plain values themselves."""
    assert KEPT.setdefault(cls.__name__, cls) is cls, cls
    return cls


def to_plain(value):
    """Return a value in plain values; what is neither plain nor declared is left as it is."""
    return _Writer().write(value)


def from_plain(value):
    """Return what `to_plain` was given.

    Raises
    ------
    ValueError
        If something cannot be of `to_plain`.
    """
    return _Reader().read(value)


class _Writer:
    """Objects of one state, which may hold an object in several places."""

    def __init__(self):
        self._seen = {}

    def write(self, value):
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is np.memmap:  # of a pickle that was read so
            return value.view(np.ndarray)
        if kind in (list, tuple):
            return kind(map(self.write, value))
        if kind is dict:
            return self._write_dict(value)
        if kind in (set, frozenset):
            return {CLASS: kind.__name__, "items": [self.write(item) for item in value]}
        if KEPT.get(kind.__name__) is kind:
            return self._write_object(value)
        return describe_pandas(value, self.write)

    def _write_dict(self, value):
        if all(type(key) is str for key in value) and CLASS not in value:
            return {key: self.write(entry) for key, entry in value.items()}
        return {CLASS: "dict", "items": [self.write(item) for item in value.items()]}

    def _write_object(self, value):
        cls = type(value)
        if hasattr(cls, "_fields"):
            return {CLASS: cls.__name__, **self._write_dict(value._asdict())}
        if id(value) in self._seen:
            return {CLASS: "same", NUMBER: self._seen[id(value)][0]}
        number = len(self._seen)
        self._seen[id(value)] = number, value  # which lives, so that its id stays its own
        state = {
            name: entry
            for name, entry in (value.__getstate__() or {}).items()
            if not isinstance(getattr(cls, name, None), cached_property)
        }
        return {CLASS: cls.__name__, NUMBER: number, **self._write_dict(state)}


class _Reader:
    """What `_Writer` wrote."""

    def __init__(self):
        self._seen = {}

    def read(self, value):
        kind = type(value)
        if kind in (list, tuple):
            return kind(map(self.read, value))
        if kind is not dict:
            return value
        if CLASS not in value:
            return {key: self.read(entry) for key, entry in value.items()}
        state = dict(value)
        name, number = state.pop(CLASS), state.pop(NUMBER, None)
        if name == "same":
            return self._seen[number]
        if name == "dict":
            return {self.read(key): self.read(entry) for key, entry in _list(state["items"])}
        if name in ("set", "frozenset"):
            items = _list(state["items"])
            return {"set": set, "frozenset": frozenset}[name](map(self.read, items))
        if name in KEPT:
            return self._read_object(KEPT[name], number, state)
        return make_pandas(name, {key: self.read(entry) for key, entry in state.items()})

    def _read_object(self, cls, number, state):
        if hasattr(cls, "_fields"):
            return cls(**{name: self.read(entry) for name, entry in state.items()})
        made = self._seen[number] = cls.__new__(cls)
        if is_dataclass(cls) and set(state) != {field.name for field in fields(cls)}:
            raise ValueError(f"The attributes of a {cls.__name__} are others than {sorted(state)}.")
        check_names(cls, state)
        vars(made).update({name: self.read(entry) for name, entry in state.items()})
        return made


def _list(value):
    if type(value) is not list:
        raise ValueError(f"A {type(value).__name__} stands in the place of a list.")
    return value


def check_names(cls, names):
    """Raise ValueError if objects of a class cannot have attributes of such names: methods, say."""
    for name in names:
        there = getattr(cls, name, None) if type(name) is str else None
        is_name = type(name) is str and name.isidentifier() and not keyword.iskeyword(name)
        is_taken = callable(there) or isinstance(there, property | cached_property)
        if not is_name or name.startswith("__") or is_taken:
            raise ValueError(f"A {cls.__name__} has no attribute {name!r}.")
