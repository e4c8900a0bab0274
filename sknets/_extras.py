"""Packages that only some of the work needs, and what to do where one is missing."""

from contextlib import contextmanager


class MissingPackageError(ImportError):
    """A package is not installed that an extra brings."""


@contextmanager
def needed(who, package, extra):
    """Return a context for imports of what an extra brings.

    Parameters
    ----------
    who : str
        What the user has asked for.
    package : str
        What it needs.
    extra : str
        The extra of sknets that installs it.

    Raises
    ------
    MissingPackageError
        If an import fails.
    """
    try:
        yield
    except ImportError as error:
        raise MissingPackageError(
            f"{who} needs {package}. Install it with: pip install 'sknets[{extra}]'"
        ) from error
