"""The words for the two tasks: what depends on y."""

from numbers import Real
from typing import NamedTuple

from sknets import training
from sknets.estimators._sklearn import Interval, StrOptions
from sknets.estimators._words import attribute, listed, one_of, parameter


class Task(NamedTuple):
    """What a page says of y.

    Attributes
    ----------
    first, further : tuple of Parameter
        The parameters that stand before those of the architecture, and those that stand among those
        of training.
    attributes : tuple of Attribute
        What a fit learns of y.
    words : dict of str
        What stands for names in braces in other texts.
    """

    first: tuple
    further: tuple
    attributes: tuple
    words: dict


CLASSES = Task(
    first=(),
    further=(
        parameter(
            """class_weight : dict, list of dict, 'balanced' or None, default=None
            Weights of the classes, which multiply `sample_weight`; "balanced" makes them inversely
            proportional to class frequencies. A list of dicts, one per label, for a multilabel y.""",
            [dict, list, StrOptions({"balanced"}), None],
            annotation="dict | list | str | None",
        ),
        parameter(
            """label_smoothing : float, default=0.0
            Share of each target, in [0, 1), that is spread evenly over all classes.""",
            [Interval(Real, 0, 1, closed="left")],
        ),
    ),
    attributes=(
        attribute(
            """classes_ : ndarray of shape (n_classes,)
            Class labels, or the numbers of the labels for a multilabel y."""
        ),
    ),
    words={
        "metric": "the accuracy",
        "outputs": listed(
            (training.SoftmaxCrossEntropy.output, training.BinaryCrossEntropy.output), " or "
        ),
        "of_y": "",
        "in_units": "",
    },
)

NUMBERS = Task(
    first=(
        parameter(
            f"""loss : {one_of(training.LOSSES)}, default='squared_error'
            Loss; half the squared error and half the Poisson deviance, as in scikit-learn. All
            but "poisson" learn a standardised y; "poisson" has an exponential output and needs
            ``y >= 0``.""",
            [StrOptions(set(training.LOSSES))],
        ),
    ),
    further=(
        parameter(
            """quantile : float, default=0.5
            Quantile, between 0 and 1, that ``loss='quantile'`` predicts.""",
            [Interval(Real, 0, 1, closed="neither")],
        ),
        parameter(
            """huber_delta : float, default=1.35
            Residual, in standard deviations of y, beyond which ``loss='huber'`` is linear.""",
            [Interval(Real, 0, None, closed="neither")],
        ),
    ),
    attributes=(),
    words={
        "metric": "R²",
        "outputs": listed(dict.fromkeys(loss.output for loss in training.LOSSES.values()), " or "),
        "of_y": ", of the standardised y",
        "in_units": "; the last one in units of y",
    },
)
