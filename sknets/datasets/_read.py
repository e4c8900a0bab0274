"""Reading the files that the package ships."""

from importlib import resources

import numpy as np
import pandas as pd


def read_text(name):
    """Return the text of a file in `sknets/datasets/data`."""
    return resources.files("sknets.datasets").joinpath("data", name).read_text("utf-8")


def read_csv(name):
    """Return a table in `sknets/datasets/data` as a DataFrame."""
    with resources.files("sknets.datasets").joinpath("data", name).open(encoding="utf-8") as file:
        return pd.read_csv(file)


def select(frame, features, target, as_frame):
    """Return data, target and frame of a Bunch; categories become codes in an array."""
    if as_frame:
        return {
            "frame": frame[[*features, target]],
            "data": frame[features],
            "target": frame[target],
        }
    numbers = frame[features].apply(
        lambda column: column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column
    )
    return {
        "frame": None,
        "data": numbers.to_numpy(dtype=np.float64),
        "target": frame[target].to_numpy(dtype=np.float64),
    }
