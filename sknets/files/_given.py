"""What the reader of a file hands in: classes and functions that it names."""

from collections.abc import Mapping

from sknets.files._classes import key_of
from sknets.storage import ContentError


class Given:
    """Classes, functions and objects by the names that a file has for them.

    Parameters
    ----------
    trusted : list or dict
        As `load` takes it.
    """

    def __init__(self, trusted):
        if isinstance(trusted, Mapping):
            self._by_name = dict(trusted)
        elif isinstance(trusted, list | tuple | set | frozenset):
            self._by_name = dict(map(_named, trusted))
        else:
            raise TypeError(
                f"trusted must be a list of classes and functions, or a dict of them by name; got "
                f"{trusted!r}."
            )

    def require(self, names):
        """Raise MissingError if some names are none that were handed in."""
        missing = sorted(set(names) - set(self._by_name))
        if missing:
            raise MissingError(missing)

    def __getitem__(self, name):
        self.require([name])
        thing = self._by_name[name]
        if isinstance(thing, str):
            raise MissingError([name])
        return thing

    def __contains__(self, name):
        return name in self._by_name


class MissingError(ContentError):
    """A file names what was not handed in."""

    def __init__(self, names):
        listed = ", ".join(names)
        first = names[0].rpartition(".")[2].strip("<>[]0123456789") or "thing"
        super().__init__(
            f"names what is neither of sknets nor among what skops trusts: {listed}. If you trust the "
            f"file, hand it in: load(path, trusted=[{first}]), or by name, trusted={{{names[0]!r}: ...}}"
        )


def _named(thing):
    if isinstance(thing, str):  # for skops, which finds it
        return thing, thing
    if not hasattr(thing, "__qualname__"):
        raise TypeError(
            f"trusted={thing!r} has no name of its own; hand it in by the name that the error said: "
            "trusted={name: object}."
        )
    return key_of(thing), thing
