"""Sets of series and texts on which defaults of the recurrent networks are chosen.

Nothing is downloaded: the signals come with aeon and sktime, whose files are read without importing
them, the texts are docstrings of installed packages, the trading days come with sknets; the rest is drawn
here, from a fixed seed. Run this file for a table of the sets.
"""

import ast
import inspect
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from _image_sets import archived_signals, require
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

from sknets.datasets import load_nyse
from sknets.preprocessing import SlidingWindows, TokenSequences


@dataclass
class SequenceSet:
    """Sequences with what a benchmark must know of them.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_timesteps[, n_features]) or object array of sequences
        The sequences.
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
    is_ordered : bool, default=False
        Whether the first `n_train` rows are those to train on.
    """

    X: np.ndarray
    y: np.ndarray
    n_train: int
    description: str
    task: str = "classification"
    kwargs: dict = field(default_factory=dict)
    is_ordered: bool = False

    def split(self, seed, most=2000):
        """Return the rows to train on and up to `most` rows to test on."""
        n = len(self.y)
        if self.is_ordered:
            return np.arange(self.n_train), np.arange(self.n_train, n)
        splitter = ShuffleSplit if self.task == "regression" else StratifiedShuffleSplit
        rows = splitter(1, train_size=self.n_train, random_state=seed)
        train, test = next(rows.split(np.zeros(n), self.y))
        return train, test[:most]

    def flat(self):
        """Return X as a table for other models, short sequences filled with zeros (or None)."""
        if self.kwargs:
            return None
        if self.X.dtype != object:
            return self.X.reshape(len(self.X), -1)
        longest = max(map(len, self.X))
        return np.stack([np.pad(x, ((0, longest - len(x)), (0, 0))).ravel() for x in self.X])


def from_archive(package, path, n_train, description, task="classification"):
    """Return a set of signals of one length that a package brings."""
    images = archived_signals(package, path, n_train, description, task)
    return SequenceSet(images.X, images.y, n_train, description, task)


def ragged_from_archive(package, path, n_train, description):
    """Return a set of signals of unequal length that a package brings."""
    start = require(package, f"--no-deps {package}") / "datasets" / "data" / path
    X, y = [], []
    for part in ("TRAIN", "TEST"):
        text = start.with_name(f"{start.name}_{part}.ts").read_text(encoding="utf-8")
        lines = text[text.lower().index("@data") + 5 :].split()
        for line in lines:
            *channels, label = line.split(":")
            X.append(np.array([channel.split(",") for channel in channels], dtype=float).T)
            y.append(label)
    series = np.empty(len(X), dtype=object)
    series[:] = X
    return SequenceSet(series, np.array(y), n_train, description)


def gunpoint():
    return from_archive("aeon", "GunPoint/GunPoint", 50, "hands that draw a gun or point")


def italy_power():
    path = "ItalyPowerDemand/ItalyPowerDemand"
    return from_archive("aeon", path, 67, "power used in a day, of winter or summer")


def arrowhead():
    return from_archive("aeon", "ArrowHead/ArrowHead", 70, "outlines of arrowheads")


def osuleaf():
    return from_archive("aeon", "OSULeaf/OSULeaf", 200, "outlines of leaves")


def basic_motions():
    path = "BasicMotions/BasicMotions"
    return from_archive("aeon", path, 40, "motions, by accelerometer and gyroscope")


def japanese_vowels():
    path = "JapaneseVowels/JapaneseVowels"
    return ragged_from_archive("aeon", path, 270, "who speaks, of nine, by cepstra")


def tecator():
    description = "fat in meat by its infrared spectrum"
    return from_archive("sktime", "Tecator/Tecator", 140, description, task="regression")


def nyse_samples(*, day, n_lags=5):
    """Return lagged samples of the trading days, the target, and which rows are to train on.

    Parameters
    ----------
    day : bool
        Whether the day of the week, which is known in advance, is among the features.
    n_lags : int, default=5
        Days that a sample looks back.
    """
    nyse = load_nyse(as_frame=True)
    series = nyse.frame[["DJ_return", "log_volume", "log_volatility"]].to_numpy()
    known = pd.get_dummies(nyse.frame["day_of_week"]).to_numpy(dtype=float) if day else None
    windows = SlidingWindows(n_lags)
    X, y = windows.make_samples(series, target=nyse.target.to_numpy(), known=known)
    return X, y, nyse.train[windows.target_times(len(series))]


def nyse():
    X, y, train = nyse_samples(day=True)
    description = "tomorrow's trading volume"
    return SequenceSet(X, y, int(train.sum()), description, task="regression", is_ordered=True)


def adding(n_samples=3000, length=50):
    """Two marked numbers of a long row are to be added (Hochreiter and Schmidhuber, 1997)."""
    rng = np.random.default_rng(6)
    X = np.stack([rng.uniform(size=(n_samples, length)), np.zeros((n_samples, length))], axis=2)
    first = rng.integers(length // 2, size=n_samples)
    second = rng.integers(length // 2, length, size=n_samples)
    rows = np.arange(n_samples)
    X[rows, first, 1] = X[rows, second, 1] = 1.0
    y = X[rows, first, 0] + X[rows, second, 0]
    return SequenceSet(X, y, 2000, "the sum of two marked numbers", task="regression")


def frequency(n_samples=600, length=100):
    rng = np.random.default_rng(7)
    y, phase = rng.uniform(2, 12, n_samples), rng.uniform(0, 1, n_samples)
    time = np.linspace(0, 1, length)
    X = np.sin(2 * np.pi * (y[:, None] * time + phase[:, None])) + rng.normal(
        0, 0.5, (n_samples, length)
    )
    return SequenceSet(X, y, 300, "the frequency of a noisy wave", task="regression")


LIBRARIES = ("numpy", "scipy", "pandas", "sklearn", "torch")


def load_docstrings(libraries=LIBRARIES, most=600, n_words=60):
    """Return summaries of docstrings and the library that each comes from.

    Parameters
    ----------
    libraries : sequence of str
        Packages that are installed; their sources are parsed, not imported. Their names are cut out.
    most : int, default=600
        Docstrings of each.
    n_words : int, default=60
        Words of each, from its beginning.
    """
    texts, labels = [], []
    for library in libraries:
        found = set()
        folder = Path(find_spec(library).origin).parent
        for path in sorted(folder.rglob("*.py")):
            if "tests" in path.parts or "test" in path.stem:
                continue
            try:
                tree = ast.parse(path.read_text(encoding="utf-8"))
            except (SyntaxError, UnicodeDecodeError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    words = inspect.cleandoc(ast.get_docstring(node) or "").split()
                    words = [
                        w for w in words[:n_words] if not any(lib in w.lower() for lib in libraries)
                    ]
                    if len(words) >= 5:
                        found.add(" ".join(words))
        chosen = np.random.default_rng(0).permutation(sorted(found))[:most]
        texts += chosen.tolist()
        labels += [library] * len(chosen)
    return np.array(texts, dtype=object), np.array(labels)


def docstrings():
    texts, y = load_docstrings(most=400)
    tokens = TokenSequences(max_features=3000, padding=False)
    X = tokens.fit_transform(texts)
    kwargs = {"vocabulary_size": tokens.n_tokens_}
    return SequenceSet(X, y, 1500, "the library of a docstring", kwargs=kwargs)


LOADERS = {
    "gunpoint": gunpoint,
    "italy_power": italy_power,
    "arrowhead": arrowhead,
    "osuleaf": osuleaf,
    "basic_motions": basic_motions,
    "japanese_vowels": japanese_vowels,
    "docstrings": docstrings,
    "nyse": nyse,
    "adding": adding,
    "frequency": frequency,
    "tecator": tecator,
}


if __name__ == "__main__":
    rows = []
    for name, load in LOADERS.items():
        sequences = load()
        lengths = [len(x) for x in sequences.X]
        shape = np.shape(sequences.X[0])[1:] or (1,)
        rows.append(
            (name, len(sequences.y), sequences.n_train, min(lengths), max(lengths), shape[0])
        )
        rows[-1] += (sequences.task, sequences.description)
    columns = ["set", "sequences", "to train", "shortest", "longest", "features", "task", "about"]
    print(pd.DataFrame(rows, columns=columns).to_string(index=False))
