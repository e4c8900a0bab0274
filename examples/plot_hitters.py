"""
Baseball salaries: does a network beat least squares?
=====================================================

A table of 263 baseball players, 19 columns, and one question: what does a player earn? A textbook chapter
on neural networks begins with it, and finds least squares hard to beat. This example compares six models
honestly: on the chapter's own split into 176 and 87 players, then on 20 random splits, where every model
sees the same players and wins are counted in pairs.

Each model stands in a ``Pipeline`` behind a ``StandardScaler``, as a user would have it; but for
``TabularRegressor``, which takes the table as it comes.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LassoCV, LinearRegression
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import ShuffleSplit
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from sknets import MLPRegressor, TabularRegressor
from sknets.datasets import load_hitters
from sknets.inspection import TrainingCurveDisplay

# %%
# Six models
# ----------
# The chapter's network has 50 ReLU units, drops 40% of them in training, and a linear output. The last
# two are what you get without a parameter: a network, and a population of them.

MODELS = {
    "LinearRegression": lambda seed: LinearRegression(),
    "LassoCV": lambda seed: LassoCV(cv=10, random_state=seed),
    "scikit-learn MLPRegressor": lambda seed: SklearnMLPRegressor(random_state=seed),
    "sknets, the chapter's network": lambda seed: MLPRegressor(
        hidden_layer_sizes=50, dropout=0.4, batch_size=32, random_state=seed
    ),
    "sknets MLPRegressor()": lambda seed: MLPRegressor(random_state=seed),
    "sknets TabularRegressor()": lambda seed: TabularRegressor(random_state=seed),
}
RIVAL = "LassoCV"


def test_error(name, seed, X, table, y, train, test):
    """Return the mean absolute error on the test rows, in thousands of dollars."""
    model = MODELS[name](seed)
    if isinstance(model, TabularRegressor):
        predicted = model.fit(table.iloc[train], y[train]).predict(table.iloc[test])
    else:
        predicted = make_pipeline(StandardScaler(), model).fit(X[train], y[train]).predict(X[test])
    return mean_absolute_error(y[test], predicted)


# %%
# Two protocols
# -------------


def compare(X, table, y, chapter_test, n_splits=20):
    """Return the errors on the chapter's split and on random splits, by model."""
    rows = np.arange(len(y))
    chapter = (np.setdiff1d(rows, chapter_test), np.asarray(chapter_test))
    splits = list(ShuffleSplit(n_splits, test_size=len(chapter_test), random_state=0).split(X))
    errors = {name: [] for name in MODELS}
    with tqdm(total=len(MODELS) * (n_splits + 1), desc="fitting", unit="fit") as progress:
        for seed, (train, test) in enumerate([chapter, *splits]):
            for name, values in errors.items():
                values.append(test_error(name, seed, X, table, y, train, test))
                progress.update()
    return {name: (values[0], np.array(values[1:])) for name, values in errors.items()}


def summarise(errors):
    """Return the table: the chapter's split; mean, standard error and wins over 20 splits."""
    rival = errors[RIVAL][1]
    rows = {}
    for name, (chapter, random) in errors.items():
        wins = "" if name == RIVAL else f"{(random < rival).sum()} of {len(random)}"
        rows[name] = {
            "chapter's split": f"{chapter:.4f}",
            "mean of 20 splits": f"{random.mean():.1f}",
            "standard error": f"{random.std(ddof=1) / np.sqrt(len(random)):.1f}",
            f"wins against {RIVAL}": wins,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


# %%
# One picture
# -----------
# On the left, every split is a dot and the mean a bar. On the right, why a network wins: it is stopped
# before it knows its training players by heart. Validation data are given to ``fit``, which records
# their loss beside that of the training data.


def draw(errors, X, y, chapter_test, path):
    """Draw the errors with their spread, and the curves of the default network."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 4.2), layout="constrained", width_ratios=[3, 2]
    )
    names = list(errors)[::-1]
    jitter = np.random.default_rng(0)
    for position, name in enumerate(names):
        chapter, random = errors[name]
        color = "#d1603d" if name.startswith("sknets") else "#6b7a86"
        left.scatter(
            random,
            position + jitter.uniform(-0.18, 0.18, len(random)),
            s=14,
            alpha=0.55,
            color=color,
        )
        left.plot([random.mean()] * 2, [position - 0.32, position + 0.32], color=color, lw=2.5)
        left.plot(chapter, position, marker="D", mec="black", mfc="none", ms=7, ls="none")
    left.set_yticks(range(len(names)), names)
    left.set_xlabel("mean absolute error in thousands of dollars")
    left.set_title("dot: a random split   bar: their mean   ◇: the chapter's split", fontsize=10)
    left.spines[["top", "right"]].set_visible(False)

    test = np.asarray(chapter_test)
    train = np.setdiff1d(np.arange(len(y)), test)
    scaler = StandardScaler().fit(X[train])
    network = MLPRegressor(max_iter=1000, n_iter_no_change=np.inf, random_state=0)
    network.fit(
        scaler.transform(X[train]),
        y[train],
        X_val=scaler.transform(X[test]),
        y_val=y[test],
    )
    TrainingCurveDisplay.from_estimator(network, ax=right)
    default_end = MLPRegressor().max_iter
    right.axvline(default_end, color="0.6", lw=1, ls=":")
    right.annotate(
        "the defaults stop here",
        (default_end, right.get_ylim()[1] * 0.9),
        xytext=(8, 0),
        textcoords="offset points",
        fontsize=9,
        color="0.35",
    )
    right.set_ylabel("half the squared error of the standardised y")
    right.set_title("MLPRegressor(), trained on for 1,000 epochs", fontsize=10)
    figure.savefig(path, dpi=130)


def main():
    """Compare, print, draw."""
    parser = argparse.ArgumentParser(description="Compare six models on baseball salaries.")
    parser.add_argument("--output", default="hitters.png", type=Path, help="the picture's file")
    output = parser.parse_args().output
    # 200 epochs are a choice here, not a failure to converge
    warnings.simplefilter("ignore", ConvergenceWarning)

    hitters = load_hitters()
    table = load_hitters(as_frame=True).data  # with its categories
    errors = compare(hitters.data, table, hitters.target, hitters.test_rows)
    print("\nMean absolute error of salaries, in thousands of dollars\n")
    print(summarise(errors).to_string())
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(errors, hitters.data, hitters.target, hitters.test_rows, output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
