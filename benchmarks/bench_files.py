"""Round trips of estimators through files, damaged files, and fits that are killed.

Each estimator is written and read by `save` and `load`, by skops and by joblib, as it was fitted and
after one call of `partial_fit` more, and asked again. Then bits of every file are flipped at random,
and fits with a checkpoint are killed at random moments (by SIGKILL, in a forked process), until they have
come to their end.

    python benchmarks/bench_files.py [--flips 500] [--kills 50]
"""

import argparse
import copy
import hashlib
import os
import pickle
import signal
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

import joblib
import numpy as np
import pandas as pd
import skops.io
from _measure import on_one_thread, write_result
from sklearn.base import is_classifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

import sknets
from sknets import (
    Autoencoder,
    CNNClassifier,
    CNNRegressor,
    Forecaster,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    NonlinearRegressor,
    RNNClassifier,
    RNNRegressor,
    TabularClassifier,
    TabularRegressor,
)
from sknets.estimators import _checkpoint
from sknets.files import trusted_types
from sknets.preprocessing import Augmentation

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(200, 10))
NUMBERS = TABLE[:, 0] - TABLE[:, 1] ** 2
WORDS = np.array(["low", "mid", "high"])[np.digitize(NUMBERS, [-1.0, 0.0])]
IMAGES = RNG.normal(size=(200, 8, 8)).astype("float32")
SEQUENCES = RNG.normal(size=(200, 12, 3)).astype("float32")
FRAME = pd.DataFrame(TABLE[:, :4], columns=list("abcd")).assign(
    e=np.where(TABLE[:, 4] > 0, "u", "v")
)
SERIES = np.sin(np.arange(300) / 5) + 0.1 * RNG.normal(size=300)
ROUNDS = 5


class Small(nn.Sequential):
    """A module of a user's own."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(nn.Linear(n_inputs, 16), nn.Dropout(0.2), nn.Linear(16, n_outputs))


def line(X, theta):
    """Return a straight line."""
    return theta[0] * X[:, 0] + theta[1]


SHORT = {"max_iter": 5, "random_state": 0}
ESTIMATORS = {
    "MLPRegressor": (MLPRegressor(dropout=0.2, **SHORT), TABLE, NUMBERS),
    "MLPClassifier": (MLPClassifier(average="polyak", **SHORT), TABLE, WORDS),
    "MLPClassifier, 5 members, calibrated": (
        MLPClassifier(n_members=5, calibrate=True, **SHORT),
        TABLE,
        WORDS,
    ),
    "TabularRegressor": (TabularRegressor(random_state=0), FRAME, NUMBERS),
    "TabularClassifier": (TabularClassifier(random_state=0), FRAME, WORDS),
    "CNNRegressor": (CNNRegressor(**SHORT), IMAGES, NUMBERS),
    "CNNClassifier": (CNNClassifier(normalization="batch", **SHORT), IMAGES, WORDS),
    "RNNRegressor": (RNNRegressor(**SHORT), SEQUENCES, NUMBERS),
    "RNNClassifier": (RNNClassifier(recurrent_dropout=0.1, **SHORT), SEQUENCES, WORDS),
    "ModuleRegressor": (ModuleRegressor(Small, **SHORT), TABLE, NUMBERS),
    "ModuleClassifier": (ModuleClassifier(Small, **SHORT), TABLE, WORDS),
    "NonlinearRegressor": (NonlinearRegressor(line, [1.0, 0.0]), TABLE, NUMBERS),
    "Autoencoder": (Autoencoder(**SHORT), TABLE, None),
    "Forecaster": (Forecaster(horizon=3), None, SERIES),
    "scaler, MLPRegressor": (
        make_pipeline(StandardScaler(), MLPRegressor(**SHORT)),
        TABLE,
        NUMBERS,
    ),
}


def answers(estimator, X):
    if X is None:
        return estimator.predict()
    if is_classifier(estimator):
        return estimator.predict_proba(X)
    return estimator.predict(X) if hasattr(estimator, "predict") else estimator.transform(X)


def learn_on(estimator, X, y):
    """Return whether an estimator has taken one epoch more."""
    network = estimator[-1] if hasattr(estimator, "steps") else estimator
    if not hasattr(network, "partial_fit") or getattr(network, "calibrate", False):
        return False
    if hasattr(estimator, "steps"):
        X = estimator[:-1].transform(X)
    network.partial_fit(*((X,) if y is None else (X, y)))
    return True


def ways(folder):
    """Return, by name, how an estimator is written, and read from where it was written to."""
    path = folder / "model"

    def dump(estimator):
        path.write_bytes(skops.io.dumps(estimator))

    def load():
        return skops.io.loads(path.read_bytes(), trusted=[*trusted_types(), Small, line])

    return path, {
        "save": (
            lambda estimator: sknets.save(estimator, path),
            lambda: sknets.load(path, trusted=[Small, line]),
        ),
        "skops": (dump, load),
        "joblib": (lambda estimator: joblib.dump(estimator, path), lambda: joblib.load(path)),
    }


def measure_ways(estimator, X, y, folder):
    """Return by way: whether answers are equal (fitted, after a call more), bytes, and seconds."""
    path, all_ways = ways(folder)
    expected, measured = answers(estimator, X), {}
    for name, (write, read) in all_ways.items():
        seconds = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            write(estimator)
            between = time.perf_counter()
            copied = read()
            seconds.append((between - started, time.perf_counter() - between))
        is_equal = np.array_equal(answers(copied, X), expected)
        further = copy.deepcopy(estimator)
        if learn_on(further, X, y) and learn_on(copied, X, y):
            is_equal &= np.array_equal(answers(copied, X), answers(further, X))
            write(further)
            is_equal &= np.array_equal(answers(read(), X), answers(further, X))
            write(estimator)
        measured[name] = (
            is_equal,
            path.stat().st_size,
            *(median(s) for s in zip(*seconds, strict=True)),
        )
    return measured


def round_trips(folder):
    lines = [
        "| estimator | equal | kB (save, skops, joblib) | ms to write | ms to read |",
        "|---|---|---|---|---|",
    ]
    for name, (estimator, X, y) in ESTIMATORS.items():
        measured = measure_ways(estimator, X, y, folder)
        equal = "yes" if all(m[0] for m in measured.values()) else str(measured)
        sizes, writes, reads = (
            ", ".join(f"{scale * m[place]:.{digits}f}" for m in measured.values())
            for place, scale, digits in ((1, 1e-3, 0), (2, 1e3, 1), (3, 1e3, 1))
        )
        lines.append(f"| {name} | {equal} | {sizes} | {writes} | {reads} |")
    return lines


def flip(folder, n_flips):
    """Return how many damaged files were refused, and of how many."""
    rng, refused, n = np.random.default_rng(0), 0, 0
    path = folder / "model"
    files = []
    for estimator, _, _ in ESTIMATORS.values():
        sknets.save(estimator, path)
        files.append(path.read_bytes())
    while n < n_flips:
        data = bytearray(files[n % len(files)])
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        path.write_bytes(data)
        n += 1
        try:
            sknets.load(path, trusted=[Small, line])
        except ValueError as error:
            refused += "is damaged" in str(error) or "is no file of sknets" in str(error)
    return refused, n


# --- fits that are killed -------------------------------------------------------------------------------

LONG = {"max_iter": 60, "random_state": 0}
FITS = {
    "MLPRegressor, dropout": (MLPRegressor(dropout=0.2, batch_size=16, **LONG), TABLE, NUMBERS),
    "MLPClassifier, early stopping, average": (
        MLPClassifier(early_stopping=True, n_iter_no_change=60, average="polyak", **LONG),
        TABLE,
        WORDS,
    ),
    "MLPRegressor, 4 members": (MLPRegressor(n_members=4, **LONG), TABLE, NUMBERS),
    "CNNClassifier, augmented, batch norm": (
        CNNClassifier(augment=Augmentation(shift=0.1), normalization="batch", **LONG),
        IMAGES,
        WORDS,
    ),
    "RNNRegressor, dropout": (RNNRegressor(recurrent_dropout=0.2, **LONG), SEQUENCES, NUMBERS),
    "ModuleClassifier, dropout": (ModuleClassifier(Small, **LONG), TABLE, WORDS),
}


def digest(estimator):
    """Return what tells fits apart: all weights, and what a further epoch begins with."""
    found = hashlib.sha256()
    for one in vars(estimator).get("members_", [estimator]):
        state = one.__getstate__()["_learned"]
        for name in ("module", "optimizer", "average", "n_epochs", "n_seen", "stop_reason"):
            found.update(pickle.dumps(state["net_state"][name]))
        found.update(state["generator"].tobytes())
    return found.hexdigest()


def run_forked(estimator, X, y, seconds):
    """Fit in another process, killed after some seconds; return its digest, None if it was killed."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.write(writing, digest(estimator.fit(X, y)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(process, 0)
    return said or None


def kill(folder, n_kills):
    """Return lines on fits that were killed so many times in all."""
    _checkpoint.LEAST_SECONDS = _checkpoint._PART_OF_TIME = 0.0
    rng = np.random.default_rng(0)
    lines = [
        "| fit | seconds | killed | with a state in the file | came to their end | equal |",
        "|---|---|---|---|---|---|",
    ]
    total = 0
    for number, (name, (estimator, X, y)) in enumerate(FITS.items()):
        started = time.perf_counter()
        expected = run_forked(estimator, X, y, None)
        whole = time.perf_counter() - started
        kept = folder / f"kept-{number}"
        estimator.set_params(checkpoint=kept)
        n_killed = n_states = n_ended = n_equal = 0
        share = -(-(n_kills - total) // (len(FITS) - number))
        while n_killed < share:
            said = run_forked(estimator, X, y, rng.uniform(0.05, 0.6) * whole)
            n_killed += said is None
            n_states += said is None and any(kept.glob("*.checkpoint"))
            if said is None and rng.random() < 0.5:
                continue  # and is killed again
            said = said or run_forked(estimator, X, y, None)
            n_ended += 1
            n_equal += said == expected
            assert os.listdir(kept) == []
        if said is None:
            n_ended += 1
            n_equal += run_forked(estimator, X, y, None) == expected
        estimator.set_params(checkpoint=None)
        total += n_killed
        lines.append(f"| {name} | {whole:.1f} | {n_killed} | {n_states} | {n_ended} | {n_equal} |")
    return [*lines, f"| all | | {total} | | | |"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--flips", type=int, default=500)
    parser.add_argument("--kills", type=int, default=50)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, on_one_thread():
        folder = Path(folder)
        for estimator, X, y in ESTIMATORS.values():
            estimator.fit(X, y)
        trips = round_trips(folder)
        refused, n = flip(folder, args.flips)
        kills = kill(folder, args.kills)
    write_result(
        "files",
        "Files and checkpoints",
        [
            "Answers of a copy equal those of the original to the last bit: as it was fitted, after a",
            "call of `partial_fit` of both, and read again after it. Sizes and times by `sknets.save`,",
            f"skops and joblib, medians of {ROUNDS} rounds on one thread.",
            "",
            *trips,
            "",
            f"Of {n} files with a flipped bit, {refused} were refused as damaged or none of sknets.",
            "",
            "Fits with a checkpoint at each epoch, killed (SIGKILL) at random moments, half of those",
            "that were killed a second time and more. Equal: weights, optimiser, average, generator and",
            "counts are to the bit those of a fit without checkpoint that nobody killed.",
            "",
            *kills,
        ],
    )


if __name__ == "__main__":
    main()
