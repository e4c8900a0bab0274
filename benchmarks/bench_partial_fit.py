"""Time of a call to `partial_fit`, after few calls and after thousands, beside scikit-learn's.

Both networks are the same, and take turns in one process: a hundred calls each, over and over. Processor
time is measured, so that what else runs on the machine counts less.
"""

import argparse
import statistics
import time
import warnings

import numpy as np
from _measure import write_result
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier

from sknets import MLPClassifier

ROUND = 100


def seconds_of_round(network, X, y):
    """Return the processor time of a round of calls."""
    started = time.process_time()
    for _ in range(ROUND):
        network.partial_fit(X, y)
    return time.process_time() - started


def main(n_calls):
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((32, 10))
    y = (X[:, 0] > 0).astype(int)
    networks = [MLPClassifier(random_state=0), SklearnMLPClassifier(random_state=0)]
    for network in networks:
        network.partial_fit(X, y, classes=[0, 1])
    rounds = []
    for _ in range(n_calls // ROUND):
        rounds.append([seconds_of_round(network, X, y) / ROUND for network in networks])
        print(*(f"{1000 * seconds:.3f}" for seconds in rounds[-1]), flush=True)
    lines = [
        "One batch of 32 rows and 10 features, 100 hidden units: milliseconds of processor time a call, "
        "median of the rounds.",
        "",
        "| calls | sknets | scikit-learn | ratio |",
        "|---|---|---|---|",
    ]
    size = len(rounds) // 3
    for start in range(0, 3 * size, size):
        ours, theirs = zip(*rounds[start : start + size], strict=True)
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        span = f"{start * ROUND + 1} to {(start + size) * ROUND}"
        lines.append(
            f"| {span} | {1000 * statistics.median(ours):.2f} | {1000 * statistics.median(theirs):.2f} "
            f"| {ratio:.1f} |"
        )
    write_result("partial_fit", "Time of a partial fit", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=6000)
    main(parser.parse_args().calls)
