"""Plain values as JSON, with arrays beside it, and back to the same types.

An object of JSON has one key, which says what it is: ``{"tuple": [1, 2]}``. What JSON has by itself
stands as it is: None, booleans, whole numbers, finite floats, strings, lists.
"""

import json
import math
from pathlib import Path

import numpy as np

from sknets.storage._error import ContentError

#: Kinds of NumPy's types that safetensors hold.
_NUMBERS = "biuf"

#: Bytes that values may take: so many times those of all arrays, and beside. An array can be named again
#: and again, and be copied each time; an array of texts is as wide as its longest one.
_SHARE, _BYTES_BESIDE = 32, 2**27


class TreeWriter:
    """Values as a tree for JSON.

    Parameters
    ----------
    arrays : Arrays
        Where arrays go.
    write_other : callable, default=None
        ``write_other(value, where)`` writes a value that is not plain; None refuses it.
    """

    def __init__(self, arrays, write_other=None):
        self._arrays = arrays
        self._write_other = write_other

    def write(self, value, where):
        """Return a value as a tree.

        Parameters
        ----------
        value : object
            The value.
        where : str
            Where it stands, in words.

        Raises
        ------
        TypeError
            If it cannot be written.
        """
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if kind is list:
            return [self.write(part, f"{where}[{n}]") for n, part in enumerate(value)]
        if kind is tuple:
            return {"tuple": self.write(list(value), where)}
        if kind is dict and all(type(key) is str for key in value):
            return {"dict": {key: self.write(part, _at(where, key)) for key, part in value.items()}}
        if kind is np.ndarray:
            return self._write_array(value, where)
        if isinstance(value, np.generic) and value.dtype.kind in _NUMBERS + "UMm":
            return {"scalar": self._write_array(np.array(value), where)}
        if isinstance(value, np.dtype) and value.names is None:
            return {"dtype": value.str}
        if kind is np.random.RandomState:
            return {"random": self.write(list(value.get_state()), where)}
        if isinstance(value, Path):
            return {"path": str(value)}
        if self._write_other is None:
            raise TypeError(f"{where} is a {kind.__name__}, which cannot be written to a file.")
        return self._write_other(value, where)

    def _write_array(self, array, where):
        dtype = array.dtype
        if dtype.kind in _NUMBERS and dtype.itemsize <= 8:
            native = array if dtype.isnative else array.astype(dtype.newbyteorder("="))
            return {"array": self._arrays.put(native)}
        if dtype.kind in "Mm":
            return {"times": [dtype.str, self._arrays.put(array.astype("i8"))]}
        if dtype.kind == "U":
            return {"texts": [dtype.str, list(array.shape), array.ravel().tolist()]}
        if dtype.kind == "O":
            entries = self.write(list(array.ravel()), where)
            return {"objects": [list(array.shape), entries]}
        raise TypeError(
            f"{where} is an array of the type {dtype}, which cannot be written to a file."
        )


def _at(where, key):
    return f"{where}.{key}" if where else key


class TreeReader:
    """The values of a tree.

    Parameters
    ----------
    arrays : dict of ndarray
        Arrays by name.
    read_other : callable, default=None
        ``read_other(kind, content)`` reads what is of another kind.
    """

    def __init__(self, arrays, read_other=None):
        self._arrays = arrays
        self._read_other = read_other
        self._left = _SHARE * sum(array.nbytes for array in arrays.values()) + _BYTES_BESIDE

    def read(self, tree):
        """Return the value of a tree.

        Raises
        ------
        ContentError
            If it is not one that `TreeWriter` made.
        """
        if tree is None or type(tree) in (bool, int, float, str):
            return tree
        if type(tree) is list:
            return [self.read(part) for part in tree]
        if type(tree) is not dict or len(tree) != 1:
            raise ContentError("holds an object that does not say what it is")
        ((kind, content),) = tree.items()
        read = getattr(self, f"_read_{kind}", None) if kind in _KINDS else None
        if read is not None:
            return read(content)
        if self._read_other is None:
            raise ContentError(f"holds something of the kind {kind!r}")
        return self._read_other(kind, content)

    def _read_float(self, content):
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[content]

    def _read_tuple(self, content):
        return tuple(self._entries(content))

    def _read_dict(self, content):
        return {key: self.read(part) for key, part in _typed(content, dict).items()}

    def _read_array(self, content):
        array = self._arrays[content]
        self._take(array.nbytes)
        return array

    def _take(self, n_bytes):
        self._left -= n_bytes
        if self._left < 0:
            raise ContentError("holds values that take far more room than its arrays")

    def _read_scalar(self, content):
        return self._of_kind(content, np.ndarray)[()]

    def _read_dtype(self, content):
        return _simple_dtype(content, "biufcUSOMm")

    def _read_path(self, content):
        return Path(_typed(content, str))

    def _read_random(self, content):
        name, keys, place, has_gauss, gauss = self._entries(content)
        random = np.random.RandomState(0)
        if name != "MT19937" or not 0 <= place <= 624:
            raise ContentError("holds random numbers of an unknown kind")
        random.set_state((name, keys, place, has_gauss, gauss))
        return random

    def _read_times(self, content):
        dtype, name = content
        return self._read_array(name).astype(_simple_dtype(dtype, "Mm"))

    def _read_texts(self, content):
        dtype, shape, texts = content
        dtype = _simple_dtype(dtype, "U")
        n_characters = sum(len(_typed(text, str)) for text in texts)
        self._take(max(0, len(texts) * dtype.itemsize - 4 * n_characters))
        return np.array(texts, dtype=dtype).reshape(shape)

    def _read_objects(self, content):
        shape, entries = content
        entries = self._entries(entries)
        array = np.empty(len(entries), dtype=object)
        for place, entry in enumerate(entries):
            array[place] = entry
        return array.reshape(shape)

    def _entries(self, content):
        return [self.read(part) for part in _typed(content, list)]

    def _of_kind(self, tree, kind):
        return _typed(self.read(tree), kind)


_KINDS = {name.removeprefix("_read_") for name in vars(TreeReader) if name.startswith("_read_")}


def _typed(value, kind):
    if type(value) is not kind:
        raise ContentError(f"holds a {type(value).__name__} where a {kind.__name__} should be")
    return value


def _simple_dtype(text, kinds):
    dtype = np.dtype(_typed(text, str))
    if dtype.names is not None or dtype.subdtype is not None or dtype.kind not in kinds:
        raise ContentError(f"holds an array of the type {text!r}")
    return dtype


def dump_json(tree):
    """Return a tree as bytes."""
    return json.dumps(tree, allow_nan=False, separators=(",", ":"), ensure_ascii=True).encode()


def parse_json(data):
    """Return the tree of some bytes.

    Raises
    ------
    ContentError
        If they are none that `dump_json` returned: a key twice, NaN, or nested too deeply.
    """
    try:
        return json.loads(data.decode(), parse_constant=_refuse, object_pairs_hook=_once)
    except RecursionError:
        raise ContentError("holds JSON that is nested too deeply") from None


def _refuse(name):
    raise ContentError(f"holds {name}, which is not JSON")


def _once(pairs):
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ContentError("holds a key twice")
    return made
