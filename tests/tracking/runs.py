"""What stands in the folders of runs, read as their libraries read it."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

X, Y = load_diabetes(return_X_y=True)
X = scale(X)[:120]
Y = Y[:120]


def mlflow_client(folder):
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=Path(folder).resolve().as_uri())


def mlflow_runs(folder, experiment="sknets"):
    """Return all runs, the first begun first."""
    client = mlflow_client(folder)
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return sorted(found, key=lambda run: run.info.start_time)


def mlflow_curve(folder, run_id, name):
    """Return epochs and values of a curve."""
    points = mlflow_client(folder).get_metric_history(run_id, name)
    return [point.step for point in points], [point.value for point in points]


def read_events(folder):
    """Return what TensorBoard reads from a run's folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def tensorboard_curve(folder, name):
    """Return epochs and values of a curve."""
    points = read_events(folder).Scalars(name)
    return [point.step for point in points], [point.value for point in points]


def tensorboard_text(folder, name):
    """Return a text of a run."""
    (event,) = read_events(folder).Tensors(f"{name}/text_summary")
    return np.array(event.tensor_proto.string_val)[0].decode()
