"""Images in a folder."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from sknets._extras import needed
from sknets._warn import warn_user
from sknets.datasets._in_pieces import MEMORY, RowsInPieces

#: Endings of files that are taken for images.
ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")

_MODES = {"rgb": "RGB", "grayscale": "L"}
_N_NAMED = 3


class ImageFolder(RowsInPieces):
    """The images of a folder, decoded and resized as they are read, and their labels.

    Labels are the names of the sub-folders (``folder/cat/1.jpg``), or a column of a frame that has the
    paths in another. Images are turned as their EXIF data say, and resized with Pillow's bilinear filter;
    a JPEG much larger than that is decoded at a half, a quarter or an eighth of its size.

    Parameters
    ----------
    path : path
        The folder.
    size : tuple of int, default=(64, 64)
        Height and width of the images, pixels.
    color : {"rgb", "grayscale"}, default="rgb"
        Whether a row has the shape ``(height, width, 3)`` or ``(height, width)``.
    frame : DataFrame, default=None
        One row for each image. None takes all images in the folder, sorted by path.
    image : str, default="image"
        The column of `frame` with the paths, relative to `path`.
    target : str, default=None
        The column of `frame` with the labels, or numbers.
    on_broken : {"raise", "skip"}, default="raise"
        What is done with files that cannot be decoded. "skip" decodes all of them once at the start,
        leaves the broken ones out and warns.
    n_jobs : int, default=None
        Threads that decode images; None takes as many as there are cores.
    memory : float, default=512
        Mebibytes. Images that fit are read once and are then an array; of others, so many are in memory
        at a time, in up to four parts.

    Attributes
    ----------
    paths : list of Path
        The files.
    target : ndarray of shape (n_images,)
        The labels.

    Raises
    ------
    ImportError
        If Pillow is missing.
    ValueError
        If the folder is not there or has no images, or a file is broken.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from PIL import Image
    >>> from sknets.datasets import ImageFolder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, level in [("dark", 20), ("light", 220)]:
    ...         (Path(folder) / name).mkdir()
    ...         pixels = np.full((30, 40, 3), level, dtype=np.uint8)
    ...         Image.fromarray(pixels).save(f"{folder}/{name}/1.png")
    ...     images = ImageFolder(folder, size=(16, 16))
    ...     pixels = images.read()
    >>> images.target
    array(['dark', 'light'], dtype='<U5')
    >>> pixels.shape, int(pixels[0].max())
    ((2, 16, 16, 3), 20)
    """

    def __init__(
        self,
        path,
        size=(64, 64),
        *,
        color="rgb",
        frame=None,
        image="image",
        target=None,
        on_broken="raise",
        n_jobs=None,
        memory=MEMORY,
    ):
        _import_pillow()
        self.size = _read_size(size)
        if color not in _MODES:
            raise ValueError(f"color={color!r} must be 'rgb' or 'grayscale'.")
        if on_broken not in ("raise", "skip"):
            raise ValueError(f"on_broken={on_broken!r} must be 'raise' or 'skip'.")
        if n_jobs is not None and (not isinstance(n_jobs, int | np.integer) or n_jobs < 1):
            raise ValueError(f"n_jobs={n_jobs!r} must be a whole number of at least 1, or None.")
        self.color, self.n_jobs = color, n_jobs
        folder = Path(path)
        if not folder.is_dir():
            raise ValueError(f"path={str(path)!r} is no folder.")
        found = _listed(folder) if frame is None else _of_frame(folder, frame, image, target)
        self.paths, self._target = found
        if not self.paths:
            raise ValueError(
                f"path={str(path)!r} has no images: there is no file that ends in {', '.join(ENDINGS)}."
            )
        if on_broken == "skip":
            self._leave_out_broken()
        shape = (len(self.paths), *self.size, *((3,) if color == "rgb" else ()))
        super().__init__(shape, np.uint8, memory=memory)

    @property
    def target(self):
        """The labels."""
        if self._target is None:
            raise ValueError(
                "ImageFolder has no labels: its images lie in no sub-folders, and no column of a "
                "frame is named by target."
            )
        return self._target

    def read_sorted(self, positions):
        found = np.empty((len(positions), *self.shape[1:]), np.uint8)

        def read(place):
            found[place] = self._decode(self.paths[positions[place]])

        with self._threads() as pool:
            for _ in pool.map(read, range(len(positions))):
                pass  # which raises what a thread has raised
        return found

    def _threads(self):
        return ThreadPoolExecutor(self.n_jobs or os.cpu_count() or 1)

    def _decode(self, path):
        pillow, ops = _import_pillow()
        height, width = self.size
        try:
            with pillow.open(path) as image:
                side = 2 * max(self.size)
                image.draft(_MODES[self.color], (side, side))  # of a large JPEG, a smaller one
                if image.mode.startswith(("I", "F")):
                    raise ValueError(f"its mode is {image.mode}, but pixels of 8 bits are needed")
                turned = ops.exif_transpose(image).convert(_MODES[self.color])
                return np.asarray(turned.resize((width, height), pillow.Resampling.BILINEAR))
        except (OSError, SyntaxError, ValueError, pillow.DecompressionBombError) as error:
            raise ValueError(
                f"{path} cannot be decoded as an image: {error}. Remove it, or set on_broken='skip'."
            ) from error

    def _leave_out_broken(self):
        with self._threads() as pool:
            are_whole = np.array(list(pool.map(self._is_whole, self.paths)))
        broken = [
            path for path, is_whole in zip(self.paths, are_whole, strict=True) if not is_whole
        ]
        if not broken:
            return
        if len(broken) == len(self.paths):
            raise ValueError(f"None of the {len(broken)} images can be decoded, {broken[0]} first.")
        self.paths = [
            path for path, is_whole in zip(self.paths, are_whole, strict=True) if is_whole
        ]
        self._target = None if self._target is None else self._target[are_whole]
        named = ", ".join(map(str, broken[:_N_NAMED])) + (", ..." if len(broken) > _N_NAMED else "")
        warn_user(f"{len(broken)} of the images cannot be decoded and are left out: {named}")

    def _is_whole(self, path):
        try:
            self._decode(path)
        except ValueError:
            return False
        return True


def _import_pillow():
    """Return Pillow's module of images, and that of operations on them."""
    with needed("ImageFolder", "Pillow", "folders"):
        from PIL import Image, ImageOps
    return Image, ImageOps


def _read_size(size):
    sides = tuple(size) if isinstance(size, tuple | list | np.ndarray) else ()
    if len(sides) != 2 or any(not isinstance(n, int | np.integer) or n < 1 for n in sides):
        raise ValueError(f"size={size!r} must be (height, width), two whole numbers of at least 1.")
    return tuple(int(n) for n in sides)


def _is_image(path):
    return path.suffix.lower() in ENDINGS and path.is_file() and not path.name.startswith(".")


def _listed(folder):
    """Return the images of a folder, sorted, and the names of the sub-folders they lie in or None."""
    paths = sorted(path for path in folder.rglob("*") if _is_image(path))
    inside = [path.relative_to(folder).parts for path in paths]
    n_bare = sum(len(parts) == 1 for parts in inside)
    if n_bare == len(paths):
        return paths, None
    if n_bare:
        bare = next(parts[0] for parts in inside if len(parts) == 1)
        raise ValueError(
            f"path={str(folder)!r} has images in sub-folders, which are their labels, and {n_bare} "
            f"beside them ({bare}): move these, or give a frame with the paths."
        )
    return paths, np.array([parts[0] for parts in inside])


def _of_frame(folder, frame, image, target):
    """Return the images that a frame names, and their labels or None."""
    for name, column in (("image", image), ("target", target)):
        if column is not None and column not in getattr(frame, "columns", ()):
            raise ValueError(
                f"{name}={column!r} is no column of frame, which has "
                f"{list(getattr(frame, 'columns', ()))}."
            )
    paths = [folder / str(entry) for entry in frame[image]]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise ValueError(
            f"frame names {len(missing)} files that are not there, {missing[0]} first."
        )
    return paths, None if target is None else frame[target].to_numpy()
