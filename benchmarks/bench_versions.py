"""Time of two versions of the package, which tells what a change of the code has cost.

Two checkouts, say of the code before a change and after it, each work in a process of their own, which
imports everything once. They take turns at the same small jobs; figures are the time of the new one as a
share of the old one's (below 1: faster). Both compute on one thread, since two would mostly measure what
else the machine does. With the same checkout twice, ratios show how far they can be trusted::

    python benchmarks/bench_versions.py ../before .
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles

from _measure import median_ratio, write_result

N_ROUNDS = 30


class Worker:
    """A process that runs jobs with the code of a checkout.

    Parameters
    ----------
    checkout : str
        The folder that holds `sknets`.

    Attributes
    ----------
    jobs : list of str
        Names of the jobs.
    """

    def __init__(self, checkout):
        self.root = Path(checkout).resolve()
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("_version_jobs.py")],
            env={**os.environ, "PYTHONPATH": str(self.root), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        greeting = self._read()
        self.jobs = greeting["jobs"]
        package = Path(greeting["package"])
        if package.parent != self.root:
            raise ValueError(f"{checkout} has no package sknets; it was found in {package.parent}.")

    def seconds(self, job):
        """Run a job; return how long one run took."""
        print(json.dumps({"job": job}), file=self.process.stdin, flush=True)
        return self._read()["seconds"]

    def commit(self):
        """Return the commit that is checked out, or "no commit"."""
        command = ["git", "-C", self.root, "describe", "--always", "--dirty"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "no commit"

    def close(self):
        """Let the process end."""
        self.process.stdin.close()
        self.process.wait()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"The worker has ended with {self.process.wait()}; see above.")
        return json.loads(line)


def alternate(job, workers, n_rounds):
    """Return the seconds of each worker in each round, after one round that does not count."""
    seconds = [[] for _ in workers]
    for turn in range(n_rounds + 1):
        order = (0, 1) if turn % 2 else (1, 0)  # who is first has it a little harder
        for side in order:
            taken = workers[side].seconds(job)
            if turn:
                seconds[side].append(taken)
    return seconds


def main(old, new, n_rounds):
    workers = [Worker(old), Worker(new)]
    lines = [
        f"Processor time of the new version ({workers[1].commit()}) / of the old one "
        f"({workers[0].commit()}) on one thread, median and quartiles of {n_rounds} alternated rounds.",
        "",
        "| job | old, ms | new / old | quartiles |",
        "|---|---|---|---|",
    ]
    for job in workers[0].jobs:
        before, after = alternate(job, workers, n_rounds)
        low, _, high = quantiles([a / b for a, b in zip(after, before, strict=True)], n=4)
        ratio = median_ratio(after, before)
        milliseconds = 1000 * median(before)
        lines.append(f"| {job} | {milliseconds:.3g} | {ratio:.3f} | {low:.3f} to {high:.3f} |")
        print(lines[-1], flush=True)
    for worker in workers:
        worker.close()
    write_result("versions", "Time of two versions", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("old", help="checkout of the old version")
    parser.add_argument("new", help="checkout of the new version")
    parser.add_argument("--quick", action="store_true", help="three rounds of each job")
    given = parser.parse_args()
    main(given.old, given.new, 3 if given.quick else N_ROUNDS)
