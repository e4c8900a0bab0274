"""
Forecasts of a week, and how far to trust them
==============================================

How much will be traded at the New York Stock Exchange on each of the next five days? The weekday is known
in advance, the return and the volatility of a day only when it is over. A forecaster can go two ways:

- recursive: it forecasts one day, and is fed its own forecast for the next. It cannot use returns and
  volatility, which no one forecasts for it;
- direct: it forecasts all five days at once, and may use these columns too.

Any regressor can stand in a forecaster, and a forecast is worth what it beats. So a recurrent network
has rivals: a ridge in its place, which sees the same windows as rows of a table, the last value, and the
value of five trading days before. All are back-tested on 1980 to 1986: in three folds, they learn from
the years before, and forecast from every day.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from sknets import Forecaster, RNNRegressor
from sknets.datasets import load_nyse

HORIZON, COVERAGE = 5, 0.8
WEEKDAYS = ["mon", "tues", "wed", "thur", "fri"]
OBSERVED = ["DJ_return", "log_volatility"]

# %%
# Six forecasters
# ---------------
# The window of ten days, and the epochs of each strategy, were chosen on the years before 1980, where no
# network was better than a linear model. The ridge has scikit-learn's defaults. Errors on the last fifth
# of the training days make the intervals.


def make_regressor(model, strategy):
    """Return what sees the windows."""
    if model == "ridge":
        return make_pipeline(StandardScaler(), Ridge())
    n_epochs = {"recursive": 50, "direct": 25}[strategy]
    return RNNRegressor(recurrent_layer_sizes=12, max_iter=n_epochs, random_state=0)


MODELS = ("ridge", "network")
# the strategy, and the columns that it sees beside the volume
WAYS = {
    "recursive": ("recursive", WEEKDAYS),
    "direct": ("direct", WEEKDAYS),
    "direct, all columns": ("direct", OBSERVED + WEEKDAYS),
}
SHOWN = "network, recursive"


def make_forecaster(model, strategy):
    """Return a forecaster of five days."""
    return Forecaster(
        make_regressor(model, strategy),
        window=10,
        horizon=HORIZON,
        strategy=strategy,
        known_columns=WEEKDAYS,
        calibration_fraction=0.2,
    )


def backtest_all(X, y, cv):
    """Return the table of each back-test, and its seconds, by the name of its forecaster."""
    tables, seconds = {}, {}
    with tqdm(total=len(MODELS) * len(WAYS), desc="back-tests") as progress:
        for model in MODELS:
            for way, (strategy, columns) in WAYS.items():
                forecaster = make_forecaster(model, strategy)
                start = time.perf_counter()
                table = forecaster.backtest(X[columns], y, cv=cv, coverage=COVERAGE)
                seconds[f"{model}, {way}"] = time.perf_counter() - start
                tables[f"{model}, {way}"] = table
                progress.update()
    any_table = tables[SHOWN]
    origin = y.index.get_indexer(any_table["origin"])
    naive = {"last value": origin, "five days before": origin + any_table["step"] - HORIZON}
    for name, position in naive.items():
        kept = any_table[["origin", "step", "time", "truth"]]
        tables[name] = kept.assign(forecast=y.to_numpy()[position])
    return tables, seconds


# %%
# Errors
# ------
# The ridge and the network are level, but for the first day, where the ridge makes more of return and
# volatility; and it is fitted in a moment. Both are far better than the naive forecasts.
#
# Intervals hold what they promise as long as errors stay what they were. The volumes of the 1980s are
# harder to forecast than those before, so these hold a little less.


DAYS = [f"day {step}" for step in range(1, HORIZON + 1)]


def summarise(tables, seconds):
    """Return the root mean squared error by days ahead, the coverage of the intervals, the seconds."""
    rows = {}
    for name, table in tables.items():
        squares = (table["truth"] - table["forecast"]) ** 2
        row = dict(zip(DAYS, np.sqrt(squares.groupby(table["step"]).mean()), strict=True))
        row["all"] = np.sqrt(squares.mean())
        if "lower" in table:
            row["coverage"] = table["truth"].between(table["lower"], table["upper"]).mean()
            row["seconds"] = seconds[name]
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")


# %%
# One picture
# -----------

STYLES = {"recursive": "-", "direct": "--", "direct, all columns": ":"}
COLORS = {"ridge": "#2f6690", "network": "#d1603d"}


def draw(tables, errors, path):
    """Draw forecasts with their intervals over the truth, and the errors by days ahead."""
    import matplotlib.dates as mdates
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(12.5, 4.6), layout="constrained", width_ratios=[1.35, 1]
    )
    table = tables[SHOWN]
    table = table[table["time"] < "1980-07-01"]
    truth = table.drop_duplicates("time").set_index("time")["truth"].sort_index()
    left.plot(truth, color="0.25", lw=1.1, label="true", zorder=3)
    for number, origin in enumerate(table["origin"].unique()[:: 2 * HORIZON]):
        path_ = table[table["origin"] == origin]
        labels = ("forecast", f"{COVERAGE:.0%} interval") if not number else (None, None)
        color = COLORS["network"]
        left.plot(path_["time"], path_["forecast"], color=color, lw=2, label=labels[0], zorder=4)
        left.fill_between(
            path_["time"],
            path_["lower"],
            path_["upper"],
            color=color,
            alpha=0.22,
            lw=0,
            label=labels[1],
        )
    left.xaxis.set_major_formatter(mdates.DateFormatter("%b %Y"))
    left.set_ylim(top=table["upper"].max() + 0.25)  # room for the legend
    left.set_ylabel("log trading volume")
    left.set_title(f"{SHOWN}: five days ahead, every ten days", fontsize=10)
    left.legend(frameon=False, ncols=3, loc="upper right")

    steps = np.arange(1, HORIZON + 1)
    for name, marker in {"last value": "v", "five days before": "s"}.items():
        right.plot(steps, errors.loc[name, DAYS], color="0.6", marker=marker, label=name)
    for model, color in COLORS.items():
        for way, style in STYLES.items():
            name = f"{model}, {way}"
            right.plot(
                steps, errors.loc[name, DAYS], color=color, ls=style, marker="o", ms=4, label=name
            )
    right.set_xticks(steps)
    right.set_xlabel("days ahead")
    right.set_ylabel("root mean squared error")
    right.set_title("1,770 test days", fontsize=10)
    right.set_ylim(top=errors[DAYS].to_numpy().max() * 1.17)  # likewise
    right.legend(frameon=False, fontsize=8.5, ncols=2, loc="upper center")
    right.grid(axis="y", color="0.93")
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main():
    """Back-test, print, draw."""
    parser = argparse.ArgumentParser(description="Forecast a week of trading volume.")
    parser.add_argument(
        "--output", default=Path("docs/images/forecast.png"), type=Path, help="the picture's file"
    )
    output = parser.parse_args().output
    # the number of epochs is a choice here, not a failure to converge
    warnings.simplefilter("ignore", ConvergenceWarning)

    nyse = load_nyse(as_frame=True)
    X = nyse.data[OBSERVED].join(pd.get_dummies(nyse.data["day_of_week"], dtype=float))
    n_folds = 3
    cv = TimeSeriesSplit(n_folds, test_size=np.sum(~nyse.train) // n_folds)
    tables, seconds = backtest_all(X, nyse.target, cv)
    errors = summarise(tables, seconds)
    print(
        f"\nRoot mean squared error by days ahead, coverage of intervals for {COVERAGE:.0%}, and seconds "
        "of the back-test\n"
    )
    formats = {"seconds": lambda value: "" if np.isnan(value) else f"{value:.1f}"}
    numbers = "{:.4f}".format
    print(errors.to_string(float_format=numbers, formatters=formats, na_rep="", col_space=8))
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(tables, errors, output)
    print(f"\nThe picture is in {output}")


if __name__ == "__main__":
    main()
