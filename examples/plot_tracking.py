"""
Runs of a search, read back from their folder
=============================================

Which learning rate? A grid search answers with a number for each, and forgets how the networks came
there. With an ``MLflowRun`` among the callbacks every fit keeps a run in a folder: its parameters, its
curves by the epoch, a model. ``track_search`` puts the runs of a search under one run of their own.

All that is drawn here is read back from the folder, as MLflow's own pages would show it. On the left, the
loss on validation rows of each fit; on the right, how good the fits were in the end.

It needs ``pip install 'sknets[tracking]'``. The runs stay where ``--folder`` says.
"""

import argparse
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPRegressor
from sknets.datasets import load_hitters
from sknets.tracking import MLflowRun, track_search

RATES = [0.0001, 0.001, 0.01, 0.1]
COLORS = dict(zip(RATES, ["#9aa5ad", "#5b9bd5", "#1f5f8b", "#d1603d"], strict=True))

# %%
# A search, with runs
# -------------------


def search(X, y, folder):
    """Fit each rate in five folds; return the id of the run of the search."""
    network = MLPRegressor(
        early_stopping=True,
        max_iter=150,
        n_iter_no_change=150,
        random_state=0,
        callbacks=[MLflowRun(folder, experiment="salaries", model=False)],
    )
    found = GridSearchCV(
        make_pipeline(StandardScaler(), network),
        {"mlpregressor__learning_rate_init": RATES},
        cv=KFold(5, shuffle=True, random_state=0),
        refit=False,
    )
    with track_search(found, name="learning rates") as run_id, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # all 150 epochs are wanted
        found.fit(X, y)
    return run_id


# %%
# What stands in the folder
# -------------------------


def read(folder, search_id):
    """Return the curves of validation losses by rate, and the table of the search."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=folder.resolve().as_uri())
    experiment = client.get_experiment_by_name("salaries")
    runs = client.search_runs(
        [experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{search_id}'"
    )
    curves = {rate: [] for rate in RATES}
    for run in runs:
        points = client.get_metric_history(run.info.run_id, "validation_loss")
        rate = float(run.data.params["learning_rate_init"])
        curves[rate].append([point.value for point in sorted(points, key=lambda p: p.step)])
    table = pd.read_csv(client.download_artifacts(search_id, "cv_results.csv"))
    return curves, table


def summarise(curves, table):
    """Return the lowest validation loss of each rate, when it was reached, and R² on other rows."""
    lowest = {rate: np.min(rows, axis=1).mean() for rate, rows in curves.items()}
    epochs = {rate: np.argmin(rows, axis=1).mean() + 1 for rate, rows in curves.items()}
    table = table.set_index("param_mlpregressor__learning_rate_init")
    scores = table.filter(regex=r"^split\d_test_score$")
    return pd.DataFrame(
        {
            "lowest loss": lowest,
            "at epoch": epochs,
            "R²": scores.mean(axis=1),
            "sd": scores.std(axis=1, ddof=1),
        }
    )


def draw(curves, summary, table, path):
    """Draw the curves and the scores."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11, 4.2), layout="constrained", width_ratios=[3, 2]
    )
    for rate, rows in curves.items():
        epochs = np.arange(1, len(rows[0]) + 1)
        left.plot(epochs, np.transpose(rows), color=COLORS[rate], lw=0.7, alpha=0.25)
        left.plot(epochs, np.exp(np.log(rows).mean(axis=0)), color=COLORS[rate], label=f"{rate:g}")
    left.set(xlabel="epoch", ylabel="validation loss", yscale="log")
    left.legend(
        title="learning_rate_init (thick: geometric mean of five folds)", frameon=False, ncols=4
    )
    scores = table.filter(regex=r"^split\d_test_score$").to_numpy()
    for rate, values in zip(RATES, scores, strict=True):
        right.plot([rate] * len(values), values, "o", color=COLORS[rate], ms=5, alpha=0.7)
    right.plot(
        RATES, summary["R²"], color="0.4", lw=1, marker="_", ms=18, label="mean of five folds"
    )
    right.set(xlabel="learning_rate_init", ylabel="R² on rows not seen", xscale="log")
    right.legend(frameon=False, loc="lower right")
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def main(path, folder):
    """Search, read, print, draw."""
    X, y = load_hitters(return_X_y=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if folder is None else folder
        curves, table = read(folder, search(X, y, folder))
    summary = summarise(curves, table)
    n_runs = sum(len(rows) for rows in curves.values())
    print(f"{n_runs} runs of a search, read back from their folder\n")
    print(summary.to_string(float_format="%.4g"))
    draw(curves, summary, table, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Runs of MLflow under a grid search.")
    parser.add_argument("--output", default="tracking.png", type=Path, help="the picture's file")
    parser.add_argument("--folder", type=Path, help="where the runs stay; else nowhere")
    arguments = parser.parse_args()
    main(arguments.output, arguments.folder)
