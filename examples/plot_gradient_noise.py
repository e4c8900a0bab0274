"""
Why batches work: the noise of a gradient, and rates that master it
===================================================================

The gradient of a mini-batch is a mean over m rows, so it is right on average, and its variance falls as
1/m. What is left of the noise decides what a learning rate can do. A constant rate does not end at the
minimum: the parameters bounce around it in a ball whose size follows from the rate. A rate that falls as
1/t ends there, as Robbins and Monro proved in 1951: the sum of all rates must be infinite, so that any
distance can be walked, and the sum of their squares finite, so that the noise dies away.

For a linear network all of it has a closed form, and the fits below are drawn on its lines.

References: Robbins and Monro (1951), A stochastic approximation method, Annals of Mathematical
Statistics 22. Chung (1954), On a stochastic approximation method, the same, 25. Bottou, Curtis and
Nocedal (2018), Optimization methods for large-scale machine learning, SIAM Review 60. McCandlish et al.
(2018), An empirical model of large-batch training, arXiv:1812.06162. Mishchenko, Khaled and Richtárik
(2020), Random reshuffling: simple analysis with vast improvements, NeurIPS 33.
"""

import argparse
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.preprocessing import scale

from sknets import MLPClassifier, MLPRegressor

# steps of plain gradient descent: no momentum, no penalty
PLAIN = {"solver": "sgd", "momentum": 0, "alpha": 0, "random_state": 0}
DRAWN, EACH_ONCE, INK = "#d1603d", "#1f5f8b", "0.25"

# %%
# The variance of a batch's gradient
# ----------------------------------
# A network reads digits and has learned for five epochs. We take the gradient of each row at its weights,
# by Torch on its module, and then of batches: the mean over their rows. That this is the gradient which a
# fit follows can be tried out: a call of ``partial_fit`` with one batch is one step, and the step divided
# by the rate is the gradient.


def fit_digits():
    """Return a network that has learned for five epochs, and its rows."""
    X, y = load_digits(return_X_y=True)
    network = MLPClassifier((16,), batch_size=32, learning_rate_init=0.1, dtype="float64", **PLAIN)
    for _ in range(5):
        network.partial_fit(X / 16, y, classes=range(10))
    return network, X / 16, y


def parameters(network):
    """Return all parameters as one vector."""
    return np.concatenate([part.detach().ravel() for part in network.net_.module_.parameters()])


def row_gradients(network, X, y):
    """Return the gradient of the loss of each row: an array of shape (n_rows, n_parameters)."""
    module = network.net_.module_

    def loss(values, x, label):
        raw = torch.func.functional_call(module, values, (x[None],))
        return torch.nn.functional.cross_entropy(raw, label[None])

    values = {name: part.detach() for name, part in module.named_parameters()}
    of_rows = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))
    gradients = of_rows(values, torch.as_tensor(X), torch.as_tensor(y))
    return torch.cat([part.flatten(1) for part in gradients.values()], dim=1).numpy()


def largest_difference(network, X, y, gradients, m=32):
    """Return how far a step of the network is from the mean gradient of its batch."""
    stepped = deepcopy(network).partial_fit(X[:m], y[:m])
    followed = (parameters(network) - parameters(stepped)) / network.learning_rate_init
    return np.abs(followed - gradients[:m].mean(axis=0)).max()


def measure_variance(gradients, sizes, n_batches=400):
    """Return the mean squared distance of a batch's gradient from that of all rows.

    Batches are drawn with replacement (first column) and without (second).
    """
    rng = np.random.default_rng(0)
    n = len(gradients)
    noise = gradients - gradients.mean(axis=0)
    measured = []
    for m in sizes:
        again = rng.multinomial(m, np.full(n, 1 / n), size=n_batches)
        once = np.zeros((n_batches, n))
        for row in once:
            row[rng.permutation(n)[:m]] = 1
        measured.append(
            [np.square(counts / m @ noise).sum(axis=1).mean() for counts in (again, once)]
        )
    return np.array(measured)


# %%
# A ball of noise
# ---------------
# Least squares by a network without hidden layers: ten columns of the diabetes data, whitened, so that
# the valley is round and one rate suits all directions. With e the distance of the parameters from the
# minimum, x a row with a 1 for the intercept, r its residual at the minimum and H the mean of x x', a
# step with a batch is
#
#     e <- e - rate (mean of x x' over the batch) e + rate (mean of x r over the batch).
#
# After many steps with batches of m rows, each drawn at random from all, e has mean 0 and the
# covariance C that one more step leaves as it is:
#
#     H C + C H = rate (E[x x' C x x'] / m + (1 - 1/m) H C H) + rate S / m,    S = E[r² x x'].
#
# For small rates the last term is all that counts, and the loss lies tr(HC) / 2 = rate tr(S) / 4m above
# its minimum: the ball's squared radius is proportional to the rate.


class LeastSquares:
    """The diabetes data, their least squares, and the closed forms."""

    m = 13  # rows in a batch: the 442 rows are 34 batches

    def __init__(self):
        X, y = load_diabetes(return_X_y=True)
        self.X, self.y = scale(PCA(whiten=True).fit_transform(X)), scale(y)
        self.rows = np.column_stack([self.X, np.ones(len(y))])
        self.minimum = np.linalg.lstsq(self.rows, self.y)[0]
        self.H = self.rows.T @ self.rows / len(y)
        weighted = self.rows * (self.y - self.rows @ self.minimum)[:, None]
        self.S = weighted.T @ weighted / len(y)

    def network(self, learning_rate="constant", rate=0.1):
        """Return a network that has seen all rows once, so that it knows the scale of y."""
        settings = {"batch_size": self.m, "learning_rate_init": rate, **PLAIN}
        network = MLPRegressor(hidden_layer_sizes=(), learning_rate=learning_rate, **settings)
        return network.partial_fit(self.X, self.y)

    def go_on(self, network, n_steps, rng):
        """Let a network take steps, each with a batch that is drawn from all rows."""
        drawn = rng.integers(len(self.y), size=n_steps * self.m)
        network.partial_fit(self.X[drawn], self.y[drawn])

    def distance(self, network):
        """Return e, the distance of the parameters from the minimum."""
        return np.r_[network.coefs_[0][:, 0], network.intercepts_[0]] - self.minimum

    def excess(self, distances):
        """Return how far the loss is above its minimum: e'He / 2, of each row of distances."""
        return np.einsum("...i,ij,...j->...", distances, self.H, distances) / 2

    def covariance(self, rate):
        """Return C, the covariance of e after many steps at one rate."""
        p, eye = len(self.H), np.eye(len(self.H))
        pairs = np.einsum("ni,nj->nij", self.rows, self.rows).reshape(-1, p * p)
        fourth = pairs.T @ pairs / len(pairs)  # E[x x' (x) x x'], which maps C to E[x x' C x x']
        HH = np.kron(self.H, self.H)
        moves = np.kron(self.H, eye) + np.kron(eye, self.H)
        moves -= rate * (fourth / self.m + (1 - 1 / self.m) * HH)
        return np.linalg.solve(moves, rate * self.S.ravel() / self.m).reshape(p, p)

    def closed_form(self, rate):
        """Return the mean excess of the loss at one rate: tr(HC) / 2."""
        return np.trace(self.H @ self.covariance(rate)) / 2

    def closed_form_once(self, rate):
        """Return the same at the end of an epoch in which each row has its turn once.

        It is exact where H of each batch is the identity. The noise of an epoch sums to zero, so only
        the differences of the weights (1 - rate)^steps that its batches have by the end are left of it.
        """
        n, n_steps = len(self.y), len(self.y) // self.m
        weights = (1 - rate) ** np.arange(n_steps)
        of_batch = np.trace(self.S) / self.m * (n - self.m) / (n - 1)
        of_epoch = rate**2 * of_batch * n_steps * weights.var() * n_steps / (n_steps - 1)
        return of_epoch / (1 - (1 - rate) ** (2 * n_steps)) / 2


def bounce(problem, rate, n_records=1000):
    """Return distances from the minimum, after many steps and some steps apart."""
    rng = np.random.default_rng(0)
    network = problem.network(rate=rate)
    problem.go_on(network, int(5 / rate), rng)
    apart = int(np.ceil(0.3 / rate))
    distances = []
    for _ in range(n_records):
        problem.go_on(network, apart, rng)
        distances.append(problem.distance(network))
    return np.array(distances)


# %%
# A fit, though, does not draw its batches: in an epoch, each row has its turn once. What one batch moves
# too far the others take back by the end of the epoch, and for small rates that is nearly all of it
# (Mishchenko, Khaled and Richtárik, 2020): the loss falls as the rate to the third.


def bounce_in_epochs(problem, rate, n_epochs=600):
    """Return the mean excess of the loss at the ends of epochs."""
    network = problem.network(rate=rate)
    n_before = int(8 * problem.m / len(problem.y) / rate) + 1
    distances = []
    for _ in range(n_before + n_epochs):
        network.partial_fit(problem.X, problem.y)
        distances.append(problem.distance(network))
    return problem.excess(np.array(distances[n_before:])).mean()


# %%
# Rates that fall
# ---------------
# Two constant rates; 1/t, which obeys both conditions; and 1/t², whose sum is finite: it stands still on
# its way. In ``learning_rate``, a function gives the rate of each epoch, here of each ``partial_fit``.
# With 1/t the loss comes down along tr(S) / 2mt (Chung, 1954), which is, in the long run, as fast as
# mt rows can tell where the minimum is.

SCHEDULES = {
    "constant 0.2": lambda t: 0.2,
    "constant 0.02": lambda t: 0.02,
    "1 / t": lambda t: 1 / (t + 5),
    "1 / t²": lambda t: 0.15 * (10 / (t + 10)) ** 2,
}
INKS = dict(zip(SCHEDULES, ("#e0a030", "#d1603d", "#1f5f8b", "#7a7a7a"), strict=True))


def descend(problem, schedule, n_steps=20_000, n_runs=8):
    """Return step numbers, and the excess of the loss there in the mean of some runs."""
    times = [0]
    while times[-1] < n_steps:
        times.append(times[-1] + 1 + times[-1] // 20)
    of_runs = []
    for run in range(n_runs):
        rng = np.random.default_rng(run)
        rates = [1e-3, *(schedule(t) for t in times)]  # first comes the look at all rows
        network = problem.network(learning_rate=rates.__getitem__, rate=rates[0])
        distances = []
        for begin, end in pairwise(times):
            problem.go_on(network, end - begin, rng)
            distances.append(problem.distance(network))
        of_runs.append(problem.excess(np.array(distances)))
    return np.array(times[1:]), np.mean(of_runs, axis=0)


# %%
# The pictures
# ------------


def draw_variance(ax, sizes, measured, gradients):
    """Draw the variance of a batch's gradient in units of the squared gradient of all rows."""
    n, unit = len(gradients), np.square(gradients.mean(axis=0)).sum()
    variance = gradients.var(axis=0).sum() / unit
    m = np.geomspace(1, n - 0.5, 400)
    ax.plot(m, variance / m, color=DRAWN, label="1/m")
    once = variance / m * (n - m) / (n - 1)
    ax.plot(m, once, color=EACH_ONCE, label="(n - m) / ((n - 1) m)")
    ax.plot(sizes, measured[:, 0] / unit, "o", color=DRAWN, label="drawn with replacement")
    ax.plot(sizes, measured[:, 1] / unit, "s", mfc="none", color=EACH_ONCE, label="without")
    ax.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    ax.text(1, 0.85, "noise as long as the gradient", va="top", fontsize=9, color=INK)
    ax.set(xscale="log", yscale="log", xlabel="rows in a batch, m", ylim=(variance / n / 8, None))
    ax.set_ylabel("variance / squared gradient of all rows")
    ax.set_title(f"The noise of a gradient falls as 1/m ({n:,} digits)")
    ax.legend(frameon=False, fontsize=9)


def draw_balls(ax, problem, balls):
    """Draw where two of the parameters are, with ellipses that should hold 95%."""
    circle = np.linspace(0, 2 * np.pi, 200)
    circle = np.sqrt(-2 * np.log(0.05)) * np.column_stack([np.cos(circle), np.sin(circle)])
    for ink, (rate, distances) in zip(
        (INKS["constant 0.2"], INKS["constant 0.02"]), balls, strict=True
    ):
        ax.plot(*distances[:, :2].T, ".", color=ink, markersize=3, alpha=0.6)
        ellipse = circle @ np.linalg.cholesky(problem.covariance(rate)[:2, :2]).T
        ax.plot(*ellipse.T, color=ink, linewidth=2, label=f"rate {rate:g}")
    ax.plot(0, 0, "+", color="black", markersize=12, markeredgewidth=2, label="the minimum")
    ax.set(xlabel="first weight, from the minimum", ylabel="second weight")
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_title("A constant rate ends in a ball of noise (ellipses: 95%)")
    ax.legend(frameon=False, fontsize=9, loc="upper left")


def draw_rates(ax, problem, table):
    """Draw the excess of the loss against the rate."""
    rates = np.geomspace(table[0][0], table[-1][0], 100)
    small = rates * np.trace(problem.S) / 4 / problem.m
    ax.plot(rates, small, ":", color=INK, label="rate · tr(S) / 4m")
    ax.plot(rates, [problem.closed_form(rate) for rate in rates], color=DRAWN, label="closed form")
    once = [problem.closed_form_once(rate) for rate in rates]
    ax.plot(rates, once, color=EACH_ONCE, label="closed form, each row once (batches alike)")
    ax.plot(*np.array(table)[:, [0, 1]].T, "o", color=DRAWN, label="batches drawn at random")
    ax.plot(
        *np.array(table)[:, [0, 3]].T, "s", mfc="none", color=EACH_ONCE, label="epochs, as in a fit"
    )
    ax.set(xscale="log", yscale="log", xlabel="learning rate")
    ax.set_ylabel("loss above its minimum")
    ax.set_title("The size of the ball is proportional to the rate")
    ax.legend(frameon=False, fontsize=9)


def draw_paths(ax, problem, paths):
    """Draw the excess of the loss over steps."""
    for name, (t, excess) in paths.items():
        ax.plot(t, excess, color=INKS[name], linewidth=1.8, label=name)
        if name.startswith("constant"):
            ball = problem.closed_form(SCHEDULES[name](0))
            ax.axhline(ball, color=INKS[name], linewidth=1, linestyle=":")
    ax.plot(t[t > 40], np.trace(problem.S) / 2 / problem.m / t[t > 40], "k:", label="tr(S) / 2mt")
    ax.set(xscale="log", yscale="log", xlabel="step t", ylabel="loss above its minimum")
    ax.set_title("1/t converges; 1/t² stands still on its way")
    ax.legend(frameon=False, fontsize=9, loc="lower left")


def main(path):
    """Measure, compare with the closed forms, draw."""
    import matplotlib.pyplot as plt

    network, X, y = fit_digits()
    gradients = row_gradients(network, X, y)
    sizes = 2 ** np.arange(11)
    measured = measure_variance(gradients, sizes)
    slope = np.polyfit(np.log(sizes), np.log(measured[:, 0]), 1)[0]
    n, variance = len(y), gradients.var(axis=0).sum()
    apart = largest_difference(network, X, y, gradients)
    print(f"Largest difference of a step and the gradient: {apart:.1e}")
    print(f"\n{'m':>5}{'variance·m':>12}{'without':>10}{'(n-m)/(n-1)':>13}   (of one row: 1)")
    for m, (again, once) in zip(sizes, measured / variance, strict=True):
        print(f"{m:5}{again * m:12.3f}{once * m:10.3f}{(n - m) / (n - 1):13.3f}")
    print(f"Slope of the variance with replacement: {slope:.3f}")
    as_long = variance / np.square(gradients.mean(axis=0)).sum()
    print(f"The noise is as long as the gradient at m = {as_long:.0f}")

    problem = LeastSquares()
    balls = {rate: bounce(problem, rate) for rate in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)}
    table = [
        (
            rate,
            problem.excess(distances).mean(),
            problem.closed_form(rate),
            bounce_in_epochs(problem, rate),
            problem.closed_form_once(rate),
        )
        for rate, distances in balls.items()
    ]
    print("\nLoss above its minimum:  rate, drawn, closed form, in epochs, closed form")
    for row in table:
        print("{:<10}{:10.2e}{:10.2e}{:10.2e}{:10.2e}".format(*row))

    paths = {name: descend(problem, schedule) for name, schedule in SCHEDULES.items()}
    print(f"\nLoss above its minimum after {paths['1 / t'][0][-1]:,} steps")
    for name, (_, excess) in paths.items():
        print(f"{name:15}{excess[-1]:.2e}")
    print(f"{'tr(S) / 2mt':15}{np.trace(problem.S) / 2 / problem.m / paths['1 / t'][0][-1]:.2e}")

    figure, axes = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
    draw_variance(axes[0, 0], sizes, measured, gradients)
    draw_balls(axes[0, 1], problem, [(rate, balls[rate]) for rate in (0.2, 0.02)])
    draw_rates(axes[1, 0], problem, table)
    draw_paths(axes[1, 1], problem, paths)
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The noise of mini-batches, and rates against it.")
    parser.add_argument(
        "--output", default="gradient_noise.png", type=Path, help="the picture's file"
    )
    main(parser.parse_args().output)
