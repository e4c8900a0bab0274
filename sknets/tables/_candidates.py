"""The candidates of a population: configurations of networks.

The first ones are always the same. They were chosen from sixty-three drawn ones on sixteen tables: one
after the other, that which lowered the error of the ensemble with those before it most, beginning with
a linear model and the default network. `benchmarks/results/table_parts.md` tells what they bring.
"""

import numpy as np

_LINEAR = {"hidden_layer_sizes": [], "alpha": 0.03, "learning_rate_init": 0.01}
_DEFAULT = {"hidden_layer_sizes": [100], "alpha": 1e-4, "learning_rate_init": 0.001}


def _waves(scale):
    return {"numeric_embedding": "periodic", "frequency_scale": scale}


def _bins(n):
    return {"numeric_embedding": "piecewise_linear", "embedding_bins": n}


def _network(depth, activation, alpha, rate, dropout, embedding=None):
    return {
        "hidden_layer_sizes": [64] * depth,
        "activation": activation,
        "alpha": alpha,
        "learning_rate_init": rate,
        "dropout": dropout,
        **(embedding or {}),
    }


#: The first candidates, in the order of what they bring.
FIRST = (
    _LINEAR,
    _DEFAULT,
    _network(2, "silu", 0.008, 0.01, 0.05, _waves(0.36)),
    _network(2, "relu", 0.02, 0.0014, 0.05, _bins(16)),
    _network(2, "relu", 0.002, 0.0054, 0.05, _waves(0.07)),
    _network(3, "relu", 1.4, 0.006, 0.02, _bins(8)),
    _network(2, "silu", 0.003, 0.002, 0.3),
    _network(2, "silu", 0.003, 0.009, 0.05),
    _network(3, "relu", 0.5, 0.0013, 0.05, _bins(24)),
    _network(2, "silu", 2.4, 0.0026, 0.3),
    _network(3, "silu", 0.4, 0.009, 0.3, _waves(0.53)),
    _network(2, "silu", 0.3, 0.009, 0.1),
)

#: How many there are by default, and from a number of rows on, where more time is worth a little more.
_FEW, _MANY, _MANY_ROWS = 6, 8, 1000

#: Columns of numbers up to which they are embedded: each becomes up to 24, in every network.
MOST_EMBEDDED = 100
_OF_EMBEDDINGS = ("numeric_embedding", "embedding_bins", "frequency_scale")

#: Epochs without a better one, after which a network stops.
PATIENCE = 12

#: A network that learns what a population predicts, which has no noise.
DISTILLED = {
    "hidden_layer_sizes": [64, 64],
    "activation": "silu",
    "learning_rate_init": 0.003,
    "learning_rate": "cosine",
    "batch_size": 32,
    **_waves(0.2),
}


def distilled(n_rows, n_numbers):
    """Return the parameters of a network that learns what other models predict.

    Parameters
    ----------
    n_rows, n_numbers : int
        Rows that it learns from, and columns of numbers.
    """
    params = DISTILLED | {"random_state": 0, "batch_size": min(DISTILLED["batch_size"], n_rows)}
    return params if n_numbers <= MOST_EMBEDDED else without_embedding(params)


def draw_candidates(n, n_rows, n_numbers, rng):
    """Return the parameters of n configurations.

    Parameters
    ----------
    n : int or "auto"
        How many.
    n_rows, n_numbers : int
        Rows that they learn from, and columns of numbers.
    rng : numpy.random.Generator
        Who draws those beyond the first ones.

    Returns
    -------
    list of dict
        Parameters of `MLPRegressor` and `MLPClassifier`.
    """
    if n == "auto":
        n = _FEW if n_rows < _MANY_ROWS else _MANY
    found = [*map(dict, FIRST[:n]), *(_draw(rng) for _ in range(n - len(FIRST)))]
    return found if n_numbers <= MOST_EMBEDDED else list(map(without_embedding, found))


def without_embedding(params):
    """Return parameters of a network that embeds no numbers."""
    return {name: value for name, value in params.items() if name not in _OF_EMBEDDINGS}


def _draw(rng):
    embedding = (None, _bins, _waves)[rng.integers(3)]
    if embedding is _bins:
        embedding = _bins(int(rng.choice([8, 16, 24])))
    elif embedding is _waves:
        embedding = _waves(float(10 ** rng.uniform(-1.3, 0.0)))
    return _network(
        int(rng.choice([1, 2, 3], p=[0.2, 0.5, 0.3])),
        str(rng.choice(["relu", "silu"])),
        float(10 ** rng.uniform(-3, 0.5)),
        float(10 ** rng.uniform(-3, -1.9)),
        float(rng.choice([0.02, 0.05, 0.1, 0.2, 0.3])),
        embedding,
    )


def budget(n_rows):
    """Return the largest number of epochs, and the rows of a batch, for so many rows."""
    size = int(np.clip(2 ** round(np.log2(max(n_rows / 12, 1))), 16, 128))
    return int(np.clip(4e5 / n_rows, 25, 100)), size
