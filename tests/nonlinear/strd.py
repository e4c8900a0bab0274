"""NIST's Statistical Reference Datasets for nonlinear regression: 16 of the 27, as published."""

import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

FOLDER = Path(__file__).parent / "nist"


def rational(x, above, below):
    """Return a ratio of polynomials, from the constants on; the denominator's is 1."""
    numerator = sum(b * x**k for k, b in enumerate(above))
    return numerator / (1 + sum(b * x**k for k, b in enumerate(below, start=1)))


def gauss(x, b):
    peaks = (h * torch.exp(-(((x - at) / width) ** 2)) for h, at, width in (b[2:5], b[5:8]))
    return b[0] * torch.exp(-b[1] * x) + sum(peaks)


def enso(x, b):
    waves = ((12.0, b[1], b[2]), (b[3], b[4], b[5]), (b[6], b[7], b[8]))
    turns = ((2 * math.pi * x / period, c, s) for period, c, s in waves)
    return b[0] + sum(c * torch.cos(turn) + s * torch.sin(turn) for turn, c, s in turns)


MODELS = {
    "Bennett5": lambda x, b: b[0] * (b[1] + x) ** (-1 / b[2]),
    "BoxBOD": lambda x, b: b[0] * (1 - torch.exp(-b[1] * x)),
    "Chwirut2": lambda x, b: torch.exp(-b[0] * x) / (b[1] + b[2] * x),
    "DanWood": lambda x, b: b[0] * x ** b[1],
    "ENSO": enso,
    "Eckerle4": lambda x, b: b[0] / b[1] * torch.exp(-0.5 * ((x - b[2]) / b[1]) ** 2),
    "Gauss1": gauss,
    "Hahn1": lambda x, b: rational(x, b[:4], b[4:]),
    "Kirby2": lambda x, b: rational(x, b[:3], b[3:]),
    "Lanczos3": lambda x, b: sum(b[k] * torch.exp(-b[k + 1] * x) for k in (0, 2, 4)),
    "MGH09": lambda x, b: b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3]),
    "MGH10": lambda x, b: b[0] * torch.exp(b[1] / (x + b[2])),
    "MGH17": lambda x, b: b[0] + b[1] * torch.exp(-x * b[3]) + b[2] * torch.exp(-x * b[4]),
    "Misra1a": lambda x, b: b[0] * (1 - torch.exp(-b[1] * x)),
    "Roszman1": lambda x, b: b[0] - b[1] * x - torch.arctan(b[2] / (x - b[3])) / math.pi,
    "Thurber": lambda x, b: rational(x, b[:4], b[4:]),
}


class Reference(NamedTuple):
    """A problem and its certified solution; `starts` is the further start, then the nearer."""

    name: str
    model: callable
    X: np.ndarray
    y: np.ndarray
    starts: tuple
    theta: np.ndarray
    std: np.ndarray
    rss: float
    residual_std: float


def load(name):
    """Return a problem."""
    text = (FOLDER / f"{name}.dat").read_text("ascii")
    number = r"[-+]?\d*\.?\d+(?:[EeDd][-+]?\d+)?|[-+]?\d+\."
    rows = re.findall(r"^\s*b\d+\s*=\s*((?:\S+\s*){4})$", text, re.M)
    values = np.array([[float(v) for v in row.split()] for row in rows])
    data = text[text.rindex("Data:") :].splitlines()[1:]
    table = np.array(
        [[float(v) for v in re.findall(number, line)] for line in data if line.strip()]
    )
    rss, residual_std = (
        float(re.search(rf"{words}:\s+(\S+)", text)[1])
        for words in ("Residual Sum of Squares", "Residual Standard Deviation")
    )
    y, X = table[:, 0], table[:, 1:]
    starts = values[:, 0], values[:, 1]
    return Reference(
        name, MODELS[name], X, y, starts, values[:, 2], values[:, 3], rss, residual_std
    )


def digits(found, certified):
    """Return the number of correct digits of each number, at most 11: NIST's log relative error."""
    found, certified = np.asarray(found, dtype=float), np.asarray(certified, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        lre = -np.log10(np.abs(found - certified) / np.abs(certified))
    return np.where(
        np.isfinite(found), np.clip(np.nan_to_num(lre, nan=0.0, posinf=11.0), 0.0, 11.0), 0.0
    )
