"""Nonlinear least squares on NIST's reference sets, beside SciPy and lmfit.

For 16 of NIST's 27 problems (`tests/nonlinear/nist`), from both starts, all at their defaults: the
correct digits of the parameter that has fewest (NIST's log relative error, at most 11), and in how many
runs these are 6 or more. SciPy and lmfit take differences for derivatives, as their users do, and SciPy
once our exact Jacobian. "Wrong" are runs that claim success with fewer than 4 digits. Times are of runs
in which both sides have 4 digits, the median of ratios over runs, each the median of three rounds; all
sides call the same Torch function. "Further starts" are the certified values times exp(z), z evenly in
±log 3 for each parameter, ten for each problem; who has found the certified minimum, or its equal by
exchange of parameters (rss within 1e-6).

Needs, besides the project:  pip install lmfit==1.3.4  (without it, its rows are left out)
"""

import argparse
import time
import warnings

import numpy as np
import scipy.optimize
import torch
from _measure import QUICK, on_one_thread, write_result

from sknets import NonlinearRegressor
from tests.nonlinear import strd

try:
    import lmfit
except ImportError:
    lmfit = None

SOLVERS = ("lm", "gauss-newton", "newton", "gd")


class Found:
    """What a run has found, claimed and needed."""

    def __init__(self, theta, claims, n_evaluations):
        self.theta, self.claims, self.n_evaluations = np.asarray(theta), claims, n_evaluations


def functions(ref):
    """Return residuals and their Jacobian as NumPy functions."""
    X = torch.from_numpy(ref.X[:, 0].copy())

    def residuals(theta):
        with torch.no_grad():
            return ref.model(X, torch.from_numpy(np.asarray(theta, dtype=float))).numpy() - ref.y

    def jacobian(theta):
        point = torch.from_numpy(np.asarray(theta, dtype=float)).requires_grad_()
        u = torch.zeros(len(X), dtype=torch.float64, requires_grad=True)
        (g,) = torch.autograd.grad(ref.model(X, point), point, u, create_graph=True)
        rows = [torch.autograd.grad(g_k, u, retain_graph=True)[0] for g_k in g]
        return torch.stack(rows, dim=1).numpy()

    return residuals, jacobian


def ours(solver):
    def run(ref, start):
        fit = NonlinearRegressor(ref.model, start, solver=solver).fit(ref.X, ref.y)
        return Found(fit.theta_, fit.converged_, fit.n_evaluations_)

    return run


def scipys(method, *, exact=False):
    def run(ref, start):
        residuals, jacobian = functions(ref)
        jac = jacobian if exact else "2-point"
        try:
            found = scipy.optimize.least_squares(residuals, start, jac, method=method)
        except ValueError:
            return Found(start, False, 0)
        return Found(found.x, found.success, found.nfev)

    return run


def lmfits(ref, start):
    residuals, _ = functions(ref)
    parameters = lmfit.Parameters()
    for k, value in enumerate(start):
        parameters.add(f"b{k}", value=value)
    try:
        found = lmfit.minimize(
            lambda p: residuals([p[f"b{k}"].value for k in range(len(start))]), parameters
        )
    except ValueError:
        return Found(start, False, 0)
    return Found(
        [found.params[f"b{k}"].value for k in range(len(start))], found.success, found.nfev
    )


def make_sides():
    sides = {f"sknets {solver}": ours(solver) for solver in SOLVERS}
    for method in ("lm", "trf"):
        sides[f"SciPy {method}"] = scipys(method)
        sides[f"SciPy {method}, exact Jacobian"] = scipys(method, exact=True)
    if lmfit is None:
        print("lmfit is not installed: its row is left out.")
    else:
        sides["lmfit leastsq"] = lmfits
    return sides


def timed(run, ref, start, n_rounds):
    seconds = []
    for _ in range(n_rounds):
        begin = time.perf_counter()
        found = run(ref, start)
        seconds.append(time.perf_counter() - begin)
    return found, np.median(seconds)


def measure(sides, n_rounds):
    """Return lines of the table of runs."""
    digits, seconds, wrong, counts = ({name: [] for name in sides} for _ in range(4))
    nearer = {name: [] for name in sides}
    for problem in strd.MODELS:
        ref = strd.load(problem)
        for place, start in enumerate(ref.starts):
            for name, run in sides.items():
                found, time_taken = timed(run, ref, start, n_rounds)
                correct = strd.digits(found.theta, ref.theta).min()
                digits[name].append(correct)
                seconds[name].append(time_taken)
                counts[name].append(found.n_evaluations)
                wrong[name].append(bool(found.claims) and correct < 4)
                if place:
                    nearer[name].append(correct >= 6)
    lines = [
        "| | average digits | 6 or more, of 32 | nearer start, of 16 | wrong | evaluations | "
        "time / sknets lm |",
        "|---|---|---|---|---|---|---|",
    ]
    base = np.array(seconds["sknets lm"])
    for name in sides:
        good = (np.array(digits[name]) >= 4) & (np.array(digits["sknets lm"]) >= 4)
        ratio = np.median(np.array(seconds[name])[good] / base[good])
        lines.append(
            f"| {name} | {np.mean(digits[name]):.2f} | {np.sum(np.array(digits[name]) >= 6)} | "
            f"{sum(nearer[name])} | {sum(wrong[name])} | "
            f"{np.median(np.array(counts[name])[good]):.0f} | {ratio:.2f} |"
        )
    return lines


def measure_far(sides, n_starts):
    """Return lines of the table of further starts."""
    found = dict.fromkeys(sides, 0)
    claimed = dict.fromkeys(sides, 0)
    total = 0
    for problem in strd.MODELS:
        ref = strd.load(problem)
        residuals, _ = functions(ref)
        rng = np.random.default_rng(0)
        for _ in range(n_starts):
            start = ref.theta * 3.0 ** rng.uniform(-1, 1, len(ref.theta))
            if not np.isfinite(residuals(start)).all():
                continue
            total += 1
            for name, run in sides.items():
                try:
                    end = run(ref, start)
                except ValueError:
                    continue
                rss = np.sum(np.square(residuals(end.theta)))
                is_found = rss <= ref.rss * (1 + 1e-6)
                found[name] += is_found
                claimed[name] += bool(end.claims) and not is_found
    lines = [f"| | minimum found, of {total} | success claimed elsewhere |", "|---|---|---|"]
    lines += [f"| {name} | {found[name]} | {claimed[name]} |" for name in sides]
    return lines


def main(is_quick):
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    sides = make_sides()
    lines = __doc__.splitlines()[2:-2]
    with on_one_thread():
        lines += ["", "## Both starts", "", *measure(sides, 1 if is_quick else 3)]
        far = {name: run for name, run in sides.items() if name != "sknets gd"}
        lines += ["", "## Further starts", "", *measure_far(far, 2 if is_quick else 10)]
    lines += QUICK if is_quick else []
    write_result("nonlinear", "Nonlinear least squares", lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="NIST's nonlinear reference sets.")
    parser.add_argument("--quick", action="store_true", help="one round, fewer starts")
    main(parser.parse_args().quick)
