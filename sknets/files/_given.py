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
        """Raise MissingError if some names of types, which skops finds, are none that were handed in."""
        missing = sorted(set(names) - set(self._by_name))
        if missing:
            raise MissingError(missing, f"trusted=[{', '.join(map(_as_handed_in, missing))}]")

    def __getitem__(self, name):
        thing = self._by_name.get(name)
        if thing is None or isinstance(thing, str):
            own = name.rpartition(".")[2].strip("<>")
            listed = f"trusted=[{own}]), or by name, " if own.isidentifier() else ""
            raise MissingError([name], f"{listed}trusted={{{name!r}: ...}}")
        return thing

    def __contains__(self, name):
        return name in self._by_name


class MissingError(ContentError):
    """A file names what was not handed in."""

    def __init__(self, names, how):
        super().__init__(
            f"names what is neither of sknets nor among what skops trusts: {', '.join(names)}. If you "
            f"trust the file, hand it in: load(path, {how})"
        )


def _as_handed_in(name):
    """Return how a type for skops is handed in: those that nobody imports, as a string."""
    own = name.rpartition(".")[2]
    is_own = own.isidentifier() and not name.startswith(("sklearn.", "scipy.", "numpy."))
    return own if is_own else repr(name)


def _named(thing):
    if isinstance(thing, str):  # for skops, which finds it
        return thing, thing
    if not hasattr(thing, "__qualname__"):
        raise TypeError(
            f"trusted={thing!r} has no name of its own; hand it in by the name that the error said: "
            "trusted={name: object}."
        )
    return key_of(thing), thing
