"""
A dose-response curve, and how far it is known
==============================================

How much of a substance stops half of the growth? The four-parameter log-logistic curve answers with one
of its parameters, ``half``. The data are measured lengths of rye-grass roots at seven doses of ferulic
acid (Inderjit, Streibig and Olofsdotter, 2002). The estimate alone is of little use: the curve has a
band, and each parameter an interval. Two kinds of intervals differ here. Wald's is the estimate and two
standard errors; that of the profile likelihood asks with which values the data can still be explained
when all other parameters adjust to them.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from sknets import NonlinearRegressor
from sknets.inspection import NonlinearFitDisplay, ProfileDisplay, ResidualsDisplay

# %%
# The data: dose in mM, length of the roots in cm
# -----------------------------------------------

LENGTHS = {
    0.00: [7.5800, 8.0000, 8.3286, 7.2500, 7.3750, 7.9625],
    0.94: [8.3556, 6.9143, 7.7500],
    1.88: [6.8714, 6.4500, 5.9222],
    3.75: [1.9250, 2.8857, 4.2333],
    7.50: [1.1875, 0.8571, 1.0571],
    15.0: [0.6875, 0.5250, 0.8250],
    30.0: [0.2500, 0.2200, 0.4400],
}
DOSE = np.repeat(list(LENGTHS), [len(lengths) for lengths in LENGTHS.values()])
LENGTH = np.concatenate(list(LENGTHS.values()))

# %%
# The model is its formula
# ------------------------


def log_logistic(dose, theta):
    """Return the response: from `top` down to `bottom`, half of the way at `half`."""
    span = theta["top"] - theta["bottom"]
    return theta["bottom"] + span / (1 + (dose / theta["half"]) ** theta["slope"])


def fit():
    """Return the curve, from a rough guess."""
    guess = {"bottom": 0.0, "top": 8.0, "slope": 1.0, "half": 5.0}
    bounds = {"half": (1e-3, None), "slope": (1e-3, None)}
    return NonlinearRegressor(log_logistic, guess, bounds=bounds).fit(DOSE[:, None], LENGTH)


def summarise(model):
    """Return estimates, standard errors and both kinds of intervals."""
    wald, profile = (model.confidence_intervals(0.95, method=m) for m in ("wald", "profile"))
    rows = {
        name: [model.theta_[name], model.theta_std_[name], *wald[name], *profile[name]]
        for name in model.theta_
    }
    columns = ["estimate", "std. error", "Wald from", "to", "profile from", "to "]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


# %%
# The pictures
# ------------
# Left: the band of the curve, and the wider one in which a new root would lie. Right: the residuals. The
# two largest lie where the curve is steep, since an error of the dose counts most there. Below: the
# profiles. Where they follow the dashed lines, the model is nearly straight in that parameter and both
# intervals agree; the interval of the slope reaches further up than down, which Wald's cannot say.


def draw(model, path):
    """Draw fit, residuals and profiles."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 7.2), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.25, 1])
    left, middle, right = upper.subplots(1, 3, width_ratios=[1.7, 1, 1])
    grid = np.geomspace(0.25, 40, 300)
    NonlinearFitDisplay.from_estimator(model, grid=grid, log=True, ax=left)
    controls = DOSE == 0
    left.scatter(
        np.full(controls.sum(), 0.25),
        LENGTH[controls],
        s=26,
        facecolor="white",
        edgecolor="#3b4754",
    )
    left.annotate("dose 0", (0.25, 7.0), xytext=(0.27, 6.2), fontsize="small", color="#3b4754")
    half, std = model.theta_["half"], model.theta_std_["half"]
    middle_height = 0.5 * (model.theta_["top"] + model.theta_["bottom"])
    left.plot(
        [half, half, 0.22], [-0.4, middle_height, middle_height], color="#d1603d", linewidth=1
    )
    left.annotate(
        f"half = {half:.2f} ± {std:.2f} mM",
        (half, 0.0),
        xytext=(half * 1.12, 5.3),
        color="#d1603d",
        fontsize="small",
    )
    left.set(xlim=(0.22, 42), ylim=(-0.4, 9.5), xlabel="ferulic acid, mM", ylabel="root length, cm")
    left.set_xticks([0.3, 1, 3, 10, 30], ["0.3", "1", "3", "10", "30"])
    left.minorticks_off()
    ResidualsDisplay.from_estimator(model, axes=[middle, right])
    upper.suptitle("A log-logistic curve, its bands and residuals", fontsize=11)
    ProfileDisplay.from_estimator(model, axes=lower.subplots(1, 4, sharey=True))
    lower.suptitle(
        "Profiles of the four parameters; dashed: if the model was straight", fontsize=11
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main(path):
    """Fit, print, draw."""
    model = fit()
    print(f"{model.n_iter_} iterations, residual standard deviation {model.residual_std_:.4f} cm\n")
    print(summarise(model).to_string(float_format="%.3f"))
    low, high = model.predict_interval([[5.0]], coverage=0.95)[0]
    print(f"\nAt 5 mM, a new root is {low:.2f} to {high:.2f} cm long, with 95% probability.")
    draw(model, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A dose-response curve with bands and profiles.")
    parser.add_argument(
        "--output", default="dose_response.png", type=Path, help="the picture's file"
    )
    main(parser.parse_args().output)
