"""Whether a change of the code has moved a result, to the last bit.

A refactoring must not. `record` makes many small fits with the code before it and keeps all arrays that
a user can see; `compare` makes them again with the code after it. Only public names are used.

Bits depend on the processor, the number of threads and the versions of the libraries: record and compare
on one machine, in one environment, with the extra `images`. The code before the first refactoring is
commit d2678ec. From the root of the repository::

    git worktree add ../before d2678ec
    PYTHONPATH=../before python benchmarks/same_bits.py record ../before.npz
    PYTHONPATH=. python benchmarks/same_bits.py compare ../before.npz
"""

import argparse
import sys
import warnings

import numpy as np
from bits import CASES
from bits._see import arrays

import sknets

_SHOWN = 5  # differing arrays of a fit that are named


def run(case):
    """Return the arrays of a case by name."""
    with warnings.catch_warnings(action="ignore"):
        return dict(arrays(case()))


def count(n_done):
    print(f"\r{n_done} of {len(CASES)} fits", end="", file=sys.stderr, flush=True)


def record(path):
    kept = {}
    for n_done, (name, case) in enumerate(CASES.items(), 1):
        kept |= {f"{name} | {key}": array for key, array in run(case).items()}
        count(n_done)
    np.savez_compressed(path, allow_pickle=False, **kept)
    print(f"\n{len(CASES)} fits, {len(kept):,} arrays: kept")


def compare(path):
    """Fit again; return whether all is as it was."""
    with np.load(path) as file:
        kept = {name: {} for name in CASES}
        for key in file.files:
            name, _, array = key.partition(" | ")
            kept.setdefault(name, {})[array] = file[key]
    n_arrays, moved = 0, {}
    for n_done, (name, old) in enumerate(kept.items(), 1):
        try:
            new = run(CASES[name])
        except Exception as error:  # say so, and go on to the next
            lines = [f"{type(error).__name__}: {error}"]
        else:
            lines = differences(old, new)
        if lines:
            moved[name] = lines
        n_arrays += len(old)
        count(n_done)
    print()
    for name, lines in moved.items():
        more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
        print(f"{name}:", *lines[:_SHOWN], *more, sep="\n    ")
    verdict = f"{len(moved)} fits differ" if moved else "all equal to the last bit"
    print(f"{len(kept)} fits, {n_arrays:,} arrays: {verdict}")
    return not moved


def differences(old, new):
    """Return a line for each array that is missing, new or not the same."""
    lines = [f"{name} is missing" for name in old if name not in new]
    lines += [f"{name} was not there" for name in new if name not in old]
    both = ((name, difference(old[name], new[name])) for name in old if name in new)
    return lines + [f"{name}: {words}" for name, words in both if words]


def difference(old, new):
    """Return in words how two arrays differ; None if they have the same bits."""
    if (old.dtype, old.shape) != (new.dtype, new.shape):
        return f"{old.dtype} of shape {old.shape} has become {new.dtype} of shape {new.shape}"
    if old.tobytes() == new.tobytes():
        return None
    if old.dtype.kind not in "fiub":
        return f"{np.sum(old != new)} of {old.size} values differ"
    old, new = old.astype(float), new.astype(float)
    gap = np.where(np.isnan(old) & np.isnan(new), 0.0, np.abs(old - new))
    return f"{np.sum(gap != 0)} of {gap.size} values differ, by up to {gap.max():.2g}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=("record", "compare"))
    parser.add_argument("file")
    given = parser.parse_args()
    print(f"sknets of {sknets.__path__[0]}")
    sys.exit(record(given.file) if given.command == "record" else not compare(given.file))
