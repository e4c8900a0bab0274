"""
A table as it comes: who learns, how much each counts, and how sure it is
=========================================================================

Salaries of 263 baseball players: counts beside categories, as a frame. A population of small networks
learns from it as it is, in one fit; nothing is scaled, encoded or tuned. On the left, its configurations,
by their error on players that they had not seen. On the right, players that were held out, with the
intervals that are to contain nine of ten salaries.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split

from sknets import TabularRegressor
from sknets.datasets import load_hitters
from sknets.inspection import LeaderboardDisplay

# %%
# One fit
# -------
# What the networks predict for players that they have not seen gives errors before there are new players,
# and intervals around the predictions for those.


def learn():
    """Return the fitted model, held-out salaries, predictions and the ends of their intervals."""
    hitters = load_hitters(as_frame=True)
    X, X_test, y, y_test = train_test_split(
        hitters.data, hitters.target, test_size=87, random_state=0
    )
    model = TabularRegressor(random_state=0).fit(X, y)
    error = np.abs(model.oof_prediction_ - y).mean()
    print(model.leaderboard_.head().round(3).to_string())
    print(f"\nMean absolute error on rows of the fit, out of fold: {error:.1f} thousand dollars")
    return model, y_test.to_numpy(), model.predict(X_test), model.predict_interval(X_test)


# %%
# The picture
# -----------


def draw(model, y, predicted, interval, path):
    """Draw the leaderboard and the intervals."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    LeaderboardDisplay.from_estimator(model, ax=left)
    left.set_xlabel("negative mean squared error out of fold, thousands of dollars squared")

    order, places = np.argsort(predicted), np.arange(len(y))
    is_in = (interval[:, 0] <= y) & (y <= interval[:, 1])
    right.fill_between(
        places, *interval[order].T, color="#6b7a86", alpha=0.25, label="90% interval"
    )
    right.plot(places, predicted[order], color="#6b7a86", label="prediction")
    for inside, color in ((True, "#2f3e46"), (False, "#d1603d")):
        chosen = is_in[order] == inside
        right.plot(places[chosen], y[order][chosen], ".", color=color)
    right.set_xlabel("players that were held out, by their prediction")
    right.set_ylabel("salary, thousands of dollars")
    right.set_title(f"{is_in.mean():.0%} of the salaries are in their interval", fontsize=10)
    right.legend(fontsize=9, loc="upper left")
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main(path):
    """Learn, print, draw."""
    model, y, predicted, interval = learn()
    print(f"Mean absolute error on players that were held out: {np.abs(predicted - y).mean():.1f}")
    draw(model, y, predicted, interval, path)
    print(f"The picture is in {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A table as it comes, learned by a population.")
    parser.add_argument("--output", default="tables.png", type=Path, help="the picture's file")
    main(parser.parse_args().output)
