"""Small data for the fits: real tables and images, and sequences drawn from a fixed seed."""

import numpy as np
import scipy.sparse as sp
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.preprocessing import scale

RNG = np.random.default_rng(0)


def ragged(values):
    """Return a list of arrays as an object array, which scikit-learn may cut."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


# --- tables ------------------------------------------------------------------------------------------

X, _y = load_diabetes(return_X_y=True)
X, NUMBERS = scale(X[:60]), _y[:60]
PAIRS = np.c_[NUMBERS, NUMBERS**2]
COUNTS = np.round(NUMBERS / 20)

_iris, _kinds = load_iris(return_X_y=True)
IRIS, KINDS = scale(_iris)[::3], _kinds[::3]
NAMES = np.array(["setosa", "versicolor", "virginica"])[KINDS]
BINARY = (KINDS == 1).astype(int)
LABELS = np.c_[KINDS > 0, IRIS[:, 0] > 0, IRIS[:, 1] > 0.5].astype(int)
SPARSE_LABELS = sp.csr_matrix(LABELS)
SPARSE_IRIS = sp.csr_matrix(np.where(IRIS > 0, IRIS, 0.0))
SPARSE_X = sp.csr_matrix(np.where(X > 0, X, 0.0))

WEIGHT = RNG.integers(0, 4, 60) / 2  # zeros among them
WEIGHT_IRIS = WEIGHT[:50]

# --- images, signals, volumes --------------------------------------------------------------------------

_digits = load_digits()
IMAGES, DIGITS = _digits.images[:80], _digits.target[:80] % 4
INK = IMAGES.sum(axis=(1, 2))  # a number of each image
COLOURED = np.stack([IMAGES, IMAGES.swapaxes(1, 2), 16 - IMAGES], axis=-1)[:40]
SIGNALS = RNG.standard_normal((40, 24))
TWO_CHANNELS = RNG.standard_normal((40, 24, 2))
VOLUMES = RNG.standard_normal((24, 4, 6, 6))
SIDES = (SIGNALS[:, :12].sum(axis=1) > SIGNALS[:, 12:].sum(axis=1)).astype(int)

# --- sequences -----------------------------------------------------------------------------------------

CUBE = RNG.standard_normal((40, 9, 2))
CUBE_KINDS = np.digitize(CUBE[:, :, 0].sum(axis=1), [-1, 1])
CUBE_NUMBERS = CUBE[:, :, 0].sum(axis=1)
SERIES = CUBE[:, :, 0]
LONG = RNG.standard_normal((24, 150))
LONG_KINDS = (LONG[:, -20:].sum(axis=1) > 0).astype(int)

RAGGED = [row[:n] for row, n in zip(CUBE, RNG.integers(3, 10, 40), strict=True)]
PADDED = np.full((40, 9, 2), np.nan)
for _padded, _series in zip(PADDED, RAGGED, strict=True):
    _padded[: len(_series)] = _series
RUNNING = [s[:, 0].cumsum() for s in RAGGED]  # a number for each timestep
SIGNS = [np.where(s > 0, "up", "down") for s in RUNNING]
CUBE_RUNNING = CUBE[:, :, 0].cumsum(axis=1)
CUBE_SIGNS = np.digitize(CUBE_RUNNING, [-1, 1])
CUBE_WEIGHT = WEIGHT[:40]

TOKENS = [RNG.integers(0, 6, n) for n in RNG.integers(2, 8, 40)]
REVERSED = [tokens[::-1][:4] for tokens in TOKENS]  # a sequence to write
HAS_TWO = np.array([int(2 in tokens) for tokens in TOKENS])

# --- one long series -----------------------------------------------------------------------------------

TIMES = np.arange(90)
WAVE = np.sin(TIMES / 3) + 0.1 * RNG.standard_normal(90)
COLUMNS = np.c_[TIMES % 7, RNG.standard_normal(90)]
