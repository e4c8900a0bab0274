"""Time of a fit that is scored after each epoch, beside scikit-learn's, on one thread.

The work of `bench_fit_time.py`, with a tenth of the rows set aside (`early_stopping`), and with patience
for all epochs.
"""

import argparse
import warnings

from _measure import QUICK, alternate, machine, on_one_thread, write_result
from bench_fit_time import SIZES, make_data, row, sides_of_fit

#: Rows up to which it is measured: with more, the steps take nearly all of the time.
MOST_ROWS = 2_000

OTHERS = ["scikit-learn", "sknets on NumPy"]


def main(quick):
    warnings.simplefilter("ignore")
    print(machine(), flush=True)
    lines = [
        "How many times as fast as the other side sknets with numba is: median of alternated rounds",
        "(quartiles).",
        *(QUICK if quick else []),
        "",
        f"| data and network | dtype | {' | '.join(OTHERS)} |",
        "|---|---|---|---|",
    ]
    with on_one_thread():
        for name, (n, p, hidden, batch, epochs, rounds, *_) in SIZES.items():
            for dtype in ("float32", "float64") if n <= MOST_ROWS else ():
                work = (*make_data(n, p, dtype), hidden, batch, epochs)
                sides = sides_of_fit(*work, in_bf16=False, early_stopping=True)
                sides = {side: sides[side] for side in ("sknets", *OTHERS)}
                seconds = alternate(sides, 1 if quick else rounds)
                lines.append(row(name, dtype, seconds, "sknets", OTHERS, {}))
                print(lines[-1], flush=True)
    write_result("early_stopping", "Time of a fit with early stopping", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of each")
    main(parser.parse_args().quick)
