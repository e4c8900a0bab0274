"""A file that is there as a whole, or as it was before."""

import os
import threading
from contextlib import suppress


def write_whole(path, data):
    """Write a file so that whoever reads it finds the new content or the old one, and nothing between.

    The content goes to a file beside it, which then takes its name. If anything fails (a full disk, say),
    the old file stays and nothing else is left.

    Parameters
    ----------
    path : str or path-like
        The file.
    data : bytes
        Its content.
    """
    path = os.path.realpath(path)  # a link stays one
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name}.{os.getpid()}-{threading.get_ident()}.tmp")
    with suppress(FileNotFoundError):
        os.unlink(beside)  # of a process of the same number that was killed, as in containers
    try:
        with open(beside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
    _sync_folder(folder)


def _sync_folder(folder):
    """Bring the new name to the disk, where folders can be opened for that."""
    with suppress(OSError):
        place = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)
