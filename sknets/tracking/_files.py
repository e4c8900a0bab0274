"""What runs keep of a fitted network beside numbers: its curves as a picture, and itself."""

import pickle
import threading

import joblib

from sknets._warn import warn_user
from sknets.inspection import TrainingCurveDisplay

#: matplotlib draws in one thread at a time.
_DRAWING = threading.Lock()

MODEL = "model.joblib"
PICTURE = "training_curve.png"


def draw_curve(estimator):
    """Return the training curves of a fitted network, as a figure that pyplot does not know.

    Of an ensemble, they are those of the first member.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    network = getattr(estimator, "members_", [estimator])[0]
    TrainingCurveDisplay.from_estimator(network, ax=figure.add_subplot())
    return figure


def save_curve(estimator, path):
    """Draw the training curves into a file."""
    with _DRAWING:
        draw_curve(estimator).savefig(path, dpi=120)


def curve_pixels(estimator):
    """Return the picture of the training curves as numbers, (height, width, 3)."""
    import numpy as np

    with _DRAWING:
        figure = draw_curve(estimator)
        figure.set_dpi(120)
        figure.canvas.draw()
        return np.array(figure.canvas.buffer_rgba())[..., :3]


def save_model(estimator, path):
    """Write a fitted estimator, to be read by `joblib.load`; warn if it cannot be pickled."""
    try:
        joblib.dump(estimator, path)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        path.unlink(missing_ok=True)
        warn_user(
            f"The run has no model, since this {type(estimator).__name__} cannot be pickled: {error}. "
            "Give it functions and classes of a module, or set model=False.",
            RuntimeWarning,
        )


def results_of(estimator):
    """Return the numbers that say how a fit ended."""
    numbers = {"n_iter": estimator.n_iter_, "n_parameters": estimator.n_parameters_}
    for name in ("best_loss", "best_validation_score"):
        value = getattr(estimator, f"{name}_", None)
        if value is not None:
            numbers[name] = float(value)
    return numbers
