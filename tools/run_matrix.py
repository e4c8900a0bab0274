"""Run part of the suite beside older and newer releases of what the package stands on.

``python tools/run_matrix.py`` makes each environment in ``build/matrix/`` (a plain venv, kept for the
next time), runs the selected tests in it, and prints a table; with names, those environments. A Python
that is not installed is said to be missing, in the table.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PLACE = ROOT / "build" / "matrix"

#: About a minute each: scikit-learn's own checks of dense networks, pickles, meta-estimators, searches,
#: callbacks, y and its classes, tables of numbers and words.
TESTS = [
    "tests/estimators/test_ecosystem.py",
    "tests/estimators/test_callbacks.py",
    "tests/nonlinear/test_checks.py",
    "tests/tracking",
    "tests/preprocessing/test_token_sequences.py",
    "tests/targets",
    "tests/test_version.py",
    "tests/estimators/test_estimator_checks.py",
]
OPTIONS = [
    "-q",
    "-p",
    "no:cacheprovider",
    "-m",
    "not slow",
    "-k",
    "not CNN and not RNN and not Module and not solver",
]

#: The table has a column for each.
SHOWN = ("scikit-learn", "numpy", "pandas", "scipy", "skorch", "torch")


class Environment(NamedTuple):
    """A Python and what is installed beside the newest of all else."""

    python: str
    pins: tuple = ()


ENVIRONMENTS = {
    "oldest": Environment(
        "3.11", ("scikit-learn==1.6.0", "numpy==2.0.*", "pandas==2.2.*", "skorch==1.1.*")
    ),
    "scikit-learn 1.7": Environment("3.11", ("scikit-learn==1.7.*",)),
    "scikit-learn 1.8": Environment("3.11", ("scikit-learn==1.8.*",)),
    "newest": Environment("3.11"),
    "Python 3.12": Environment("3.12"),
    "Python 3.13": Environment("3.13"),
}


def find(version):
    """Return a Python of that version: that of the shell, or one that pyenv keeps; None without one."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for python in (shutil.which(f"python{version}"), *kept):
        if python and subprocess.run([python, "-V"], capture_output=True).returncode == 0:
            return python
    return None


def make(name, environment):
    """Make an environment, or find the one that is there; return its Python, or None without one."""
    interpreter = find(environment.python)
    if interpreter is None:
        return None
    folder = PLACE / name.replace(" ", "-")
    python, mark = folder / "bin" / "python", folder / "installed"
    wanted = "\n".join((*environment.pins, (ROOT / "pyproject.toml").read_text("utf-8")))
    if mark.exists() and mark.read_text("utf-8") == wanted:
        return python
    subprocess.run([interpreter, "-m", "venv", "--clear", folder], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt"]
    subprocess.run([*pip, "torch"], check=True)  # first, and at its own version
    subprocess.run([*pip, "-e", f"{ROOT}[test]", *environment.pins], check=True)
    mark.write_text(wanted, "utf-8")
    return python


def versions(python):
    """Return the releases in an environment by name."""
    code = f"from importlib.metadata import version\nfor n in {SHOWN}: print(version(n))"
    printed = subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    return printed.split()


def run(name, python):
    """Run the tests in an environment; return what they say in the end, and whether all is well."""
    log = PLACE / f"{name.replace(' ', '-')}.log"
    started = time.perf_counter()
    with log.open("w") as file:
        code = subprocess.run(
            [python, "-m", "pytest", *OPTIONS, *TESTS],
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        ).returncode
    last = log.read_text("utf-8").strip().splitlines()[-1]
    counts = re.findall(r"(\d+ (?:passed|failed|skipped|errors?))", last)
    return f"{', '.join(counts) or last} ({time.perf_counter() - started:.0f} s)", code == 0


def main(names):
    """Run the environments, print the table; exit with 1 if anything has failed."""
    PLACE.mkdir(parents=True, exist_ok=True)
    print(f"| | Python | {' | '.join(SHOWN)} | tests |")
    print(f"|---|{'---|' * (len(SHOWN) + 2)}")
    all_well = True
    for name in names:
        environment = ENVIRONMENTS[name]
        python = make(name, environment)
        cells = [name, environment.python]
        if python is None:
            cells += [""] * len(SHOWN) + ["no such Python here"]
        else:
            words, is_well = run(name, python)
            cells += [*versions(python), words]
            all_well = all_well and is_well
        print(f"| {' | '.join(cells)} |", flush=True)
    sys.exit(not all_well)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(ENVIRONMENTS), help="environments to run")
    main(parser.parse_args().names)
