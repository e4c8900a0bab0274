"""Sets of images and signals on which defaults of the convolutional networks are chosen.

Nothing is downloaded: the pictures come with scikit-learn and scikit-image, the signals with aeon and
sktime, whose files are read without importing them; the rest is drawn here, from a fixed seed. Run this
file for a table of the sets.
"""

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_sample_images
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit


@dataclass
class ImageSet:
    """Images or signals with what a benchmark must know of them.

    Parameters
    ----------
    name : str
        Name in `LOADERS`; `load_sets` fills it in.
    X : ndarray of shape (n_samples, height, width[, channels]) or (n_samples, length[, channels])
        The images, uint8 or float, or the signals.
    y : ndarray of shape (n_samples,)
        Classes or values.
    n_train : int
        Rows to train on.
    description : str
        One line for a table.
    task : {"classification", "regression"}, default="classification"
        What is predicted.
    kwargs : dict, default={}
        What the estimator must be told of X.
    groups : ndarray of shape (n_samples,), default=None
        Rows of a group stand on the same side of a split: patches of a block, letters of a font.
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    n_train: int
    description: str
    task: str = "classification"
    kwargs: dict = field(default_factory=dict)
    groups: np.ndarray | None = None

    def split(self, seed):
        """Return the rows of a random split: `n_train` to train on, and those to test on.

        With groups, a third of them is tested on; else all rows that are not trained on.
        """
        if self.groups is not None:
            splitter = GroupShuffleSplit(1, test_size=1 / 3, random_state=seed)
        elif self.task == "regression":
            splitter = ShuffleSplit(1, train_size=self.n_train, random_state=seed)
        else:
            splitter = StratifiedShuffleSplit(1, train_size=self.n_train, random_state=seed)
        train, test = next(splitter.split(self.X, self.y, self.groups))
        # a group splitter returns rows in order, so a plain cut would keep the first classes only
        return np.random.default_rng(seed).permutation(train)[: self.n_train], test


def require(package, install):
    """Return the folder of an installed package, which is not imported."""
    spec = find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(
            f"This set needs the package {package}, which is not installed. "
            f"Install it with: pip install {install}"
        )
    return Path(spec.submodule_search_locations[0])


# Pictures


def digits(n_train=1200):
    X, y = load_digits(return_X_y=True)
    return ImageSet("", X.reshape(-1, 8, 8), y, n_train, "handwritten digits")


def digits_small():
    return digits(n_train=200)


def faces():
    require("skimage", "scikit-image")
    from skimage.data import lfw_subset

    y = np.repeat(["face", "other"], 100)
    return ImageSet("", lfw_subset(), y, 130, "faces and other cut-outs of photographs")


def cut_patches(pictures, n_per_block, seed, size=32, n_blocks=4):
    """Cut patches at random places of the `n_blocks` x `n_blocks` blocks of each picture.

    Patches overlap within a block only. The group is the place of the block, so that a split by groups
    has the same blocks of every picture on one side, and as many patches of each.

    Returns
    -------
    X, y, groups : ndarray
        The patches, the names of their pictures and the numbers of their blocks.
    """
    rng = np.random.default_rng(seed)
    patches, names, groups = [], [], []
    for name, picture in pictures.items():
        height, width = (length // n_blocks for length in picture.shape[:2])
        for block in range(n_blocks**2):
            row, column = block // n_blocks * height, block % n_blocks * width
            rows = row + rng.integers(0, height - size + 1, n_per_block)
            columns = column + rng.integers(0, width - size + 1, n_per_block)
            patches += [
                picture[i : i + size, j : j + size] for i, j in zip(rows, columns, strict=True)
            ]
            names += [name] * n_per_block
            groups += [block] * n_per_block
    return np.stack(patches), np.array(names), np.array(groups)


def textures():
    require("skimage", "scikit-image")
    from skimage import data

    names = ("brick", "grass", "gravel", "camera", "moon")
    pictures = {name: getattr(data, name)() for name in names}
    X, y, groups = cut_patches(pictures, n_per_block=25, seed=1)
    return ImageSet("", X, y, 1200, "grey patches of five pictures, new areas", groups=groups)


def colours():
    require("skimage", "scikit-image")
    from skimage import data

    china, flower = load_sample_images().images
    names = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field")
    pictures = {"china": china, "flower": flower} | {name: getattr(data, name)() for name in names}
    pictures["retina"] = data.retina()[300:-300, 300:-300]  # its corners are black
    X, y, groups = cut_patches(pictures, n_per_block=24, seed=2)
    return ImageSet("", X, y, 1900, "colour patches of eight pictures, new areas", groups=groups)


# Rendered letters

UPRIGHT_FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "STIXGeneral", "STIXGeneralBol"),
    *("cmr10", "cmb10", "cmss10", "cmtt10"),
)
SLANTED_FONTS = (
    *("DejaVuSans-Oblique", "DejaVuSans-BoldOblique", "DejaVuSansMono-Oblique"),
    *("DejaVuSansMono-BoldOblique", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    *("STIXGeneralItalic", "STIXGeneralBolIta", "cmti10"),
)
#: Pixels of a side of an image of a letter, and of the canvas on which it is drawn.
LETTER_SIZE, CANVAS = 28, 112


def draw_letter(letter, font):
    """Return a letter in white in the middle of a black canvas, as a Pillow image."""
    require("PIL", "pillow")
    from PIL import Image, ImageDraw, ImageFont

    ttf = require("matplotlib", "matplotlib") / "mpl-data" / "fonts" / "ttf" / f"{font}.ttf"
    font = ImageFont.truetype(ttf, size=90)
    canvas = Image.new("L", (CANVAS, CANVAS))
    left, top, right, bottom = font.getbbox(letter)
    corner = (CANVAS - left - right) / 2, (CANVAS - top - bottom) / 2
    ImageDraw.Draw(canvas).text(corner, letter, fill=255, font=font)
    return canvas


def distort(canvas, angle, rng, shift=3.0, log_scale=0.2, noise=25.0):
    """Return a small uint8 image of a canvas turned, resized, moved, faded and made noisy.

    Parameters
    ----------
    canvas : PIL.Image.Image
        What `draw_letter` returns.
    angle : float
        Degrees, counterclockwise.
    rng : numpy.random.Generator
        Draws everything else.
    shift : float
        Largest shift in each direction, in pixels of the result.
    log_scale : float
        Largest logarithm of the scale, and of its inverse.
    noise : float
        Standard deviation of the noise, of 255.
    """
    turn, scale = np.deg2rad(angle), np.exp(rng.uniform(-log_scale, log_scale))
    cos, sin = np.cos(turn) / scale, np.sin(turn) / scale
    centre = CANVAS / 2
    x, y = centre + rng.uniform(-shift, shift, 2) * CANVAS / LETTER_SIZE
    # Pillow asks from where in the canvas a pixel of the result comes; its y axis points down
    origin = (cos, -sin, centre - cos * x + sin * y, sin, cos, centre - sin * x - cos * y)
    affine, bilinear = 0, 2
    moved = canvas.transform(canvas.size, affine, origin, resample=bilinear)
    image = rng.uniform(0.5, 1) * np.asarray(moved.reduce(CANVAS // LETTER_SIZE), dtype=float)
    return np.clip(image + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8)


def letters(n_copies=11):
    rng = np.random.default_rng(3)
    rows = [
        (distort(drawn, rng.uniform(-25, 25), rng), letter, font)
        for font in UPRIGHT_FONTS + SLANTED_FONTS
        for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        for drawn in [draw_letter(letter, font)]
        for _ in range(n_copies)
    ]
    X, y, groups = map(np.array, zip(*rows, strict=True))
    return ImageSet("", X, y, 4000, "26 letters, turned and noisy, new fonts", groups=groups)


def angle(n_samples=2000):
    rng = np.random.default_rng(4)
    # no letter that looks like itself or another one when turned by up to 120 degrees
    drawn = [draw_letter(a, font) for font in UPRIGHT_FONTS[:8] for a in "AEFGJKPRT"]
    y = rng.uniform(-60, 60, n_samples)
    chosen = rng.integers(len(drawn), size=n_samples)
    X = np.stack([distort(drawn[i], a, rng) for i, a in zip(chosen, y, strict=True)])
    return ImageSet("", X, y, 1400, "by how many degrees a letter is turned", task="regression")


# Signals


def read_ts(path):
    """Return the signals of a .ts file, (n, length[, channels]), and the strings that follow them."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    start = next(i for i, line in enumerate(lines) if line.lower() == "@data") + 1
    # a row is its channels and its class, parted by colons
    rows = [line.split(":") for line in lines[start:] if line]
    X = np.array([[channel.split(",") for channel in row[:-1]] for row in rows], dtype=float)
    X = X[:, 0] if X.shape[1] == 1 else X.swapaxes(1, 2)
    return X, np.array([row[-1] for row in rows])


def archived_signals(package, path, n_train, description, task="classification"):
    """Return a set of signals that a package brings, its two files joined, no signal twice."""
    start = require(package, f"--no-deps {package}") / "datasets" / "data" / path
    parts = [read_ts(start.with_name(f"{start.name}_{part}.ts")) for part in ("TRAIN", "TEST")]
    X, y = map(np.concatenate, zip(*parts, strict=True))
    _, first = np.unique(X, axis=0, return_index=True)  # tecator has 22 rows twice
    X, y = X[np.sort(first)], y[np.sort(first)]
    y = y.astype(float) if task == "regression" else y
    return ImageSet("", X, y, n_train, description, task=task, kwargs={"conv_dim": 1})


def gunpoint():
    return archived_signals("aeon", "GunPoint/GunPoint", 100, "hands that draw a gun or point")


def italy_power():
    path = "ItalyPowerDemand/ItalyPowerDemand"
    return archived_signals("aeon", path, 200, "power used in a day, of winter or summer")


def arrowhead():
    return archived_signals("aeon", "ArrowHead/ArrowHead", 140, "outlines of arrowheads")


def osuleaf():
    return archived_signals("aeon", "OSULeaf/OSULeaf", 300, "outlines of leaves")


def basic_motions():
    path = "BasicMotions/BasicMotions"
    return archived_signals("aeon", path, 40, "motions, by accelerometer and gyroscope")


def japanese_vowels():
    path = "JapaneseVowels/JapaneseVowels_eq"
    return archived_signals("aeon", path, 270, "who speaks, of nine, by cepstra")


def pattern_place(n_samples=1000, length=128):
    rng = np.random.default_rng(5)
    t = np.linspace(-1, 1, 18)[1:-1]
    shapes = np.stack([np.sin(np.pi * t), -np.sin(np.pi * t), np.cos(2 * np.pi * t)])
    # noise has a variance of 1, so 5 is the signal-to-noise ratio of a filter that knows the pattern
    shapes *= 5 / np.linalg.norm(shapes, axis=1, keepdims=True)
    y = rng.integers(len(shapes), size=n_samples)
    X = rng.normal(size=(n_samples, length))
    for x, k in zip(X, y, strict=True):
        place = rng.integers(length - len(t) + 1)
        x[place : place + len(t)] += shapes[k]
    names = np.array(["rise", "fall", "bump"])
    description = "which short pattern hides anywhere in noise"
    return ImageSet("", X, names[y], 600, description, kwargs={"conv_dim": 1})


def tecator():
    description = "fat in meat by its infrared spectrum"
    return archived_signals("sktime", "Tecator/Tecator", 140, description, task="regression")


LOADERS = {
    "digits": digits,
    "digits_small": digits_small,
    "faces": faces,
    "textures": textures,
    "colours": colours,
    "letters": letters,
    "gunpoint": gunpoint,
    "italy_power": italy_power,
    "arrowhead": arrowhead,
    "osuleaf": osuleaf,
    "basic_motions": basic_motions,
    "japanese_vowels": japanese_vowels,
    "pattern_place": pattern_place,
    "angle": angle,
    "tecator": tecator,
}


def load_sets(names=None):
    """Load sets of images and signals.

    Parameters
    ----------
    names : iterable of str, default=None
        Some of `LOADERS`; all by default.

    Returns
    -------
    dict of str to ImageSet
        The sets, in the order asked for.

    Raises
    ------
    ValueError
        When a name is not known.
    ModuleNotFoundError
        When the package that has the data is not installed.
    """
    names = list(LOADERS) if names is None else list(names)
    unknown = [name for name in names if name not in LOADERS]
    if unknown:
        raise ValueError(f"No sets are named {unknown}; there are {list(LOADERS)}.")
    sets = {name: LOADERS[name]() for name in names}
    for name, image_set in sets.items():
        image_set.name = name
    return sets


if __name__ == "__main__":
    print("| set | X.shape | dtype | classes | n_train | groups | description |")
    print("|---|---|---|---|---|---|---|")
    for s in load_sets().values():
        classes = len(np.unique(s.y)) if s.task == "classification" else "regression"
        n_groups = "" if s.groups is None else len(np.unique(s.groups))
        cells = (s.name, s.X.shape, s.X.dtype, classes, s.n_train, n_groups, s.description)
        print(f"| {' | '.join(map(str, cells))} |")
