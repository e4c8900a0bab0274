"""Tables that the tests of this folder share."""

import numpy as np
import pandas as pd

RNG = np.random.default_rng(0)
N = 120

FRAME = pd.DataFrame(
    {
        "size": RNG.normal(size=N),
        "price": np.exp(RNG.normal(size=N)),
        "city": RNG.choice(np.array(["Bonn", "Lyon", "Gent", None], dtype=object), size=N),
        "kind": pd.Categorical(RNG.choice(["a", "b", "c"], size=N)),
        "is_new": RNG.random(N) < 0.5,
        "rooms": pd.array(RNG.integers(1, 6, N), dtype="Int64"),
    }
)
FRAME.loc[3:9, "size"] = np.nan
FRAME.loc[20, "rooms"] = pd.NA
Y = (
    FRAME["size"].fillna(0.0) * (FRAME["city"] == "Lyon")
    + np.log(FRAME["price"])
    + FRAME["is_new"]
    + 0.1 * RNG.normal(size=N)
).to_numpy()
LABELS = np.array(["low", "middle", "high"])[np.digitize(Y, [0.0, 1.0])]

#: What makes a fit short.
SHORT = {"n_candidates": 2, "cv": 2, "max_iter": 3, "random_state": 0}
