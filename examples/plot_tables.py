"""
A table as it comes: who learns, how much each counts, and how sure it is
=========================================================================

Salaries of 263 baseball players: counts beside categories, as a frame. A population of small networks
learns from it as it is, in one fit; nothing is scaled, encoded or tuned. On the left, its configurations,
by their score on players that they had not seen. In the middle, players that were held out, with the
intervals that are to contain nine of ten salaries. On the right, a second population, which tells who
earns more than half a million: of those to whom it gives a probability, as many should.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.model_selection import train_test_split

from sknets import TabularClassifier, TabularRegressor
from sknets.datasets import load_hitters
from sknets.inspection import LeaderboardDisplay

# %%
# One fit
# -------
# What the networks predict for players that they have not seen gives errors before there are new players,
# and intervals around the predictions for those.


def learn():
    """Return the model, held-out salaries, predictions, ends of intervals, and what is calibrated."""
    hitters = load_hitters(as_frame=True)
    X, X_test, y, y_test = train_test_split(
        hitters.data, hitters.target, test_size=87, random_state=0
    )
    model = TabularRegressor(random_state=0).fit(X, y)
    error = np.abs(model.oof_prediction_ - y).mean()
    print(model.leaderboard_.head().round(3).to_string())
    print(f"\nMean absolute error on rows of the fit, out of fold: {error:.1f} thousand dollars")
    is_rich = hitters.target > 500
    classifier = TabularClassifier(random_state=0).fit(hitters.data, is_rich)
    shares = is_rich, classifier.oof_prediction_[:, 1]
    return model, y_test.to_numpy(), model.predict(X_test), model.predict_interval(X_test), shares


# %%
# The picture
# -----------


def draw(model, y, predicted, interval, shares, path):
    """Draw the leaderboard, the intervals and the calibration."""
    figure, (left, middle, right) = plt.subplots(
        1, 3, figsize=(14, 4.2), layout="constrained", width_ratios=[5, 6, 4]
    )
    LeaderboardDisplay.from_estimator(model, ax=left)
    left.set_xlabel("negative mean squared error, out of fold")

    order, places = np.argsort(predicted), np.arange(len(y))
    is_in = (interval[:, 0] <= y) & (y <= interval[:, 1])
    middle.fill_between(
        places, *interval[order].T, color="#6b7a86", alpha=0.25, label="90% interval"
    )
    middle.plot(places, predicted[order], color="#6b7a86", label="prediction")
    for inside, color in ((True, "#2f3e46"), (False, "#d1603d")):
        chosen = is_in[order] == inside
        middle.plot(places[chosen], y[order][chosen], ".", color=color)
    middle.set_xlabel("players that were held out, by their prediction")
    middle.set_ylabel("salary, thousands of dollars")
    middle.set_title(f"{is_in.mean():.0%} of the salaries are in their interval", fontsize=10)
    middle.legend(fontsize=9, loc="upper left")
    truth, probability = shares
    happened, given = calibration_curve(truth, probability, n_bins=8, strategy="quantile")
    right.plot([0, 1], [0, 1], color="#c9d2d8")
    right.plot(given, happened, "o-", color="#d1603d")
    right.set_xlabel("probability, out of fold")
    right.set_ylabel("share of players")
    right.set_title("who earns more than 500,000 dollars", fontsize=10)
    for ax in (left, middle, right):
        ax.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main(path):
    """Learn, print, draw."""
    model, y, predicted, interval, shares = learn()
    print(f"Mean absolute error on players that were held out: {np.abs(predicted - y).mean():.1f}")
    draw(model, y, predicted, interval, shares, path)
    print(f"The picture is in {path}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A table as it comes, learned by a population.")
    parser.add_argument("--output", default="tables.png", type=Path, help="the picture's file")
    main(parser.parse_args().output)
