"""Arrays beside a tree of values, as safetensors."""

import numpy as np

from sknets._extras import needed
from sknets.storage._error import ContentError


class Arrays:
    """Arrays that are collected, each once.

    Attributes
    ----------
    named : dict of ndarray
        The arrays by name.
    """

    def __init__(self):
        self.named = {}
        self._names = {}

    def put(self, array):
        """Keep an array of numbers; return its name."""
        name = self._names.get(id(array))
        if name is None:
            name = f"array-{len(self.named)}"
            # the array itself is kept as well, so that no other one gets its id
            self._names[id(array)], self.named[name] = name, array
        return name

    def to_bytes(self):
        """Return them in the format of safetensors."""
        contiguous = {
            name: np.ascontiguousarray(array).reshape(array.shape)
            for name, array in self.named.items()
        }
        return import_safetensors().save(contiguous)


def arrays_from_bytes(data):
    """Return arrays by name.

    Raises
    ------
    ContentError
        If it is not what `Arrays.to_bytes` returned.
    """
    load = import_safetensors().load
    from safetensors import SafetensorError

    try:
        # what is read is a view of bytes, which nobody can write to
        return {name: array.copy() for name, array in load(data).items()}
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise ContentError(f"holds arrays that cannot be read ({error})") from error


def import_safetensors():
    """Import safetensors.

    Raises
    ------
    MissingPackageError
        If it is missing.
    """
    with needed("A file of sknets", "safetensors", "files"):
        import safetensors.numpy
    return safetensors.numpy
