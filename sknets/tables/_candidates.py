"""The candidates of a population: configurations of networks."""

import numpy as np

#: Rows at which networks of the default width are as good as wider ones; more rows take wider ones.
_MANY_ROWS = 4000


def draw_candidates(n, n_rows, n_columns, rng):
    """Return the parameters of n configurations.

    The first ones are always the same: a linear model, the default network, and a network that is held
    back. So the population is hardly ever worse than any of them. The others are drawn.

    Parameters
    ----------
    n : int or "auto"
        How many.
    n_rows, n_columns : int
        Rows that they learn from, and columns of numbers.
    rng : numpy.random.Generator
        Who draws.

    Returns
    -------
    list of dict
        Parameters of `MLPRegressor` and `MLPClassifier`.
    """
    n = 8 if n == "auto" else n
    fixed = [
        {"hidden_layer_sizes": [], "alpha": 0.03, "learning_rate_init": 0.01},
        {"hidden_layer_sizes": [100], "alpha": 1e-4, "learning_rate_init": 0.001},
        {"hidden_layer_sizes": [64, 64], "alpha": 0.1, "learning_rate_init": 0.003, "dropout": 0.2},
    ]
    return [*fixed[:n], *(_draw(n_rows, rng) for _ in range(n - len(fixed)))]


def _draw(n_rows, rng):
    # few shapes, each with dropout, so that many of the networks are one stack
    width = 64 if n_rows < _MANY_ROWS else 128
    return {
        "hidden_layer_sizes": [width] * int(rng.choice([1, 2, 3], p=[0.25, 0.5, 0.25])),
        "alpha": float(10 ** rng.uniform(-3, 0.5)),
        "learning_rate_init": float(10 ** rng.uniform(-3, -2)),
        "dropout": float(rng.choice([0.02, 0.1, 0.2, 0.35])),
    }


def budget(n_rows):
    """Return the number of epochs and the rows of a batch for so many rows."""
    size = int(np.clip(2 ** round(np.log2(max(n_rows / 12, 1))), 16, 256))
    return int(np.clip(2e5 / n_rows, 20, 80)), size
