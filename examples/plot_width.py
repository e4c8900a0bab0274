"""
Why width works: units that look where the function is
======================================================

One hidden layer approximates any continuous function, if it is wide enough. How wide? Barron's answer of
1993: some network of J units has a squared error of at most (2 r C)² / J on a ball of radius r, where C
is the integral of a frequency's length times the size of the function's Fourier transform there. The
number of columns d is not in the exponent. For J functions that are chosen before they see the target,
whatever they are, there is a target with an error of the order of J^(-2/d), which for many columns hardly
falls at all. A unit learns where to look; a polynomial does not.

A bound speaks of the worst case, and of the best network rather than of the one that training finds. So
we fit some and measure.

Reference: Barron (1993), Universal approximation bounds for superpositions of a sigmoidal function, IEEE
Transactions on Information Theory 39.
"""

import argparse
import warnings
from math import comb, gamma, sqrt
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import PolynomialFeatures

from sknets import MLPRegressor

NETWORK, POLYNOMIAL, RANDOM, BOUND = "#1f5f8b", "#d1603d", "#e0a030", "0.25"

# %%
# A bump in four dimensions
# -------------------------
# f(x) = exp(-s² x'x / 2) on the cube [-1, 1]⁴. Its Fourier transform is the density of a normal
# distribution, so that C is the mean length of a frequency, s sqrt(2) Γ((d + 1) / 2) / Γ(d / 2); the cube
# lies in a ball of radius sqrt(d). There is no noise, and errors are those of new rows, as a share of the
# variance.

N_COLUMNS, SHARPNESS = 4, 3.0


def bump(X):
    """Return the target of each row."""
    return np.exp(-np.square(SHARPNESS * X).sum(axis=1) / 2)


def barron_constant(d, s):
    """Return C: the mean length of a frequency."""
    return s * sqrt(2) * gamma((d + 1) / 2) / gamma(d / 2)


class Task:
    """A function on the cube: rows to learn from, and new ones."""

    def __init__(self, function, n_columns, n_rows=3000):
        rng = np.random.default_rng(0)
        self.X, self.new = (
            rng.uniform(-1, 1, (n_rows, n_columns)),
            rng.uniform(-1, 1, (20_000, n_columns)),
        )
        self.y, self.truth = function(self.X), function(self.new)

    def error(self, predicted):
        """Return the mean squared error of new rows, as a share of their variance."""
        return np.square(predicted - self.truth).mean() / self.truth.var()


# %%
# Units that learn, and functions that were chosen before
# -------------------------------------------------------
# Networks are trained by Levenberg-Marquardt from three starts each. Beside them are least squares of J
# functions that do not move: all polynomials up to a degree, and the same hidden units with random
# weights. (These have the benefit of the best of five spreads of their weights, chosen on the new rows.)


def network_errors(task, n_units, n_starts=3):
    """Return the errors of networks with one hidden layer."""
    errors = []
    for seed in range(n_starts):
        network = MLPRegressor(
            hidden_layer_sizes=(n_units,),
            activation="tanh",
            solver="lm",
            alpha=1e-6,
            max_iter=80,
            random_state=seed,
        )
        with warnings.catch_warnings():  # eighty iterations will do, settled or not
            warnings.simplefilter("ignore", ConvergenceWarning)
            errors.append(task.error(network.fit(task.X, task.y).predict(task.new)))
    return errors


def least_squares_error(task, functions):
    """Return the error of least squares of fixed functions."""
    coefficients = np.linalg.lstsq(functions(task.X), task.y, rcond=1e-9)[0]
    return task.error(functions(task.new) @ coefficients)


def polynomial_error(task, degree):
    """Return the error of all polynomials up to a degree."""
    return least_squares_error(task, PolynomialFeatures(degree).fit(task.X).transform)


def random_error(task, n_units):
    """Return the error of hidden units that stay as they were drawn."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(task.X.shape[1], n_units))
    offsets = rng.uniform(-1, 1, n_units) * np.linalg.norm(directions, axis=0)

    def error(spread):
        return least_squares_error(
            task, lambda X: np.c_[np.tanh(spread * (X @ directions + offsets)), np.ones(len(X))]
        )

    return min(error(spread) for spread in (0.3, 1, 2, 4, 8))


def by_width(task):
    """Return errors by the number of terms: of networks, polynomials and random units."""
    networks = {J: network_errors(task, J) for J in (1, 2, 4, 8, 16, 32, 64)}
    terms = {comb(N_COLUMNS + degree, degree): degree for degree in range(1, 8)}
    polynomials = {J: polynomial_error(task, degree) for J, degree in terms.items()}
    return networks, polynomials, {J: random_error(task, J) for J in (8, 16, 32, 64, 128, 256)}


# %%
# The curse of dimensionality, and who is spared
# ----------------------------------------------
# A wave along one oblique direction, in more and more columns: sin(5 u'x) with a u of length 1. C is 5
# whatever d is. Eight units have 8 (d + 2) + 1 weights, the polynomials as many terms as fit into 64.


def by_columns():
    """Return, for each number of columns, the errors of networks, polynomials and random units."""
    found = {}
    for d in (1, 2, 3, 4, 6, 8, 10):
        direction = np.random.default_rng(d).normal(size=d)
        direction /= np.linalg.norm(direction)
        task = Task(lambda X, u=direction: np.sin(5 * X @ u), d)
        degree = max(k for k in range(64) if comb(d + k, k) <= 64)
        found[d] = network_errors(task, 8), polynomial_error(task, degree), random_error(task, 63)
    return found


# %%
# The pictures
# ------------
# On the left, errors of networks fall as 1/J or a little faster, once they are wide enough to find the
# bump at all. Barron's bound is far above: it holds for the worst function with this C, and of a bump it
# promises nothing below some ten thousands of units. It tells the slope, not the size. What does not move
# falls about as J^(-2/d). On the right (errors below 1e-6 are drawn there), eight units find the one
# direction that counts from at least one of three starts, and what does not move is lost from four
# columns on.


def slope(errors, least=0):
    """Return the slope of errors against the number of terms on logarithmic axes."""
    wide = [J for J in errors if least <= J]
    return np.polyfit(np.log(wide), np.log([np.min(errors[J]) for J in wide]), 1)[0]


def draw_widths(ax, networks, polynomials, random):
    """Draw errors against the number of terms."""
    for J, errors in networks.items():
        ax.plot([J] * len(errors), errors, "o", color=NETWORK, markersize=4, alpha=0.5)
    best = {J: min(errors) for J, errors in networks.items()}
    ax.plot(best.keys(), best.values(), color=NETWORK, label="units that learn, three starts")
    ax.plot(polynomials.keys(), polynomials.values(), "s-", color=POLYNOMIAL, label="polynomials")
    ax.plot(random.keys(), random.values(), "^-", color=RANDOM, label="random units")
    J = np.array([6, 100])
    ax.plot(J, 0.6 * best[16] * 16 / J, "--", color=BOUND)
    ax.text(24, 0.6 * best[16] * 16 / 24, "$1/J$  ", ha="right", va="top", color=BOUND)
    J = np.array([20, 330])
    start = 1.5 * polynomials[70]
    ax.plot(J, start * (70 / J) ** (2 / N_COLUMNS), ":", color=BOUND)
    ax.text(150, start * (70 / 150) ** (2 / N_COLUMNS), "  $J^{-2/d}$", va="bottom", color=BOUND)
    ax.set(xscale="log", yscale="log", xlabel="terms: units J, or functions", ylim=(0.02, 1.4))
    ax.set_ylabel("squared error of new rows / variance")
    ax.set_title("A bump in four columns")
    ax.legend(frameon=False, loc="lower left")


def draw_columns(ax, found):
    """Draw errors against the number of columns."""
    for d, (errors, _, _) in found.items():
        ax.plot(
            [d] * len(errors), np.maximum(errors, 1e-6), "o", color=NETWORK, markersize=4, alpha=0.5
        )
    columns = list(found)
    best = [min(errors) for errors, _, _ in found.values()]
    ax.plot(columns, np.maximum(best, 1e-6), color=NETWORK, label="8 units that learn")
    for place, (ink, name) in enumerate(
        ((POLYNOMIAL, "up to 64 polynomials"), (RANDOM, "64 random units")), start=1
    ):
        values = np.maximum([row[place] for row in found.values()], 1e-6)
        ax.plot(columns, values, "s-" if place == 1 else "^-", color=ink, label=name)
    ax.axhline(1, color=BOUND, linewidth=0.8, linestyle=":")
    ax.text(10, 1.2, "a constant", ha="right", va="bottom", fontsize=9, color=BOUND)
    ax.set(yscale="log", xlabel="columns d", ylim=(5e-7, 4), xticks=columns)
    ax.set_ylabel("squared error of new rows / variance")
    ax.set_title("A wave along one direction, in more and more columns")
    ax.legend(frameon=False, loc="lower right")


def main(path):
    """Fit, print slopes and errors, draw."""
    import matplotlib.pyplot as plt

    task = Task(bump, N_COLUMNS)
    networks, polynomials, random = by_width(task)
    constant = barron_constant(N_COLUMNS, SHARPNESS)
    bound = 4 * N_COLUMNS * constant**2 / task.truth.var()
    print(f"A bump in {N_COLUMNS} columns: C = {constant:.2f}; Barron's bound is {bound:,.0f} / J")
    for J, errors in networks.items():
        print(f"{J:3} units  " + " ".join(f"{error:.4f}" for error in errors))
    print("polynomials  " + ", ".join(f"{J}: {error:.4f}" for J, error in polynomials.items()))
    print("random units  " + ", ".join(f"{J}: {error:.4f}" for J, error in random.items()))
    print(f"Slope of networks from 8 units on  {slope(networks, 8):.2f}")
    print(f"Slope of polynomials  {slope(polynomials, 15):.2f}, -2/d is {-2 / N_COLUMNS:.2f}")
    print(f"Slope of random units  {slope(random):.2f}")

    found = by_columns()
    print("\nA wave along one direction: best network of 8 units, polynomials, random units")
    for d, (errors, polynomial, random_units) in found.items():
        print(f"{d:2} columns  {min(errors):.6f} {polynomial:.6f} {random_units:.6f}")

    figure, axes = plt.subplots(1, 2, figsize=(13, 5.2), layout="constrained")
    draw_widths(axes[0], networks, polynomials, random)
    draw_columns(axes[1], found)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The error of one hidden layer by its width.")
    parser.add_argument("--output", default="width.png", type=Path, help="the picture's file")
    main(parser.parse_args().output)
