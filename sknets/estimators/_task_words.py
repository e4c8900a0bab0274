"""The words for the two tasks: what depends on y."""

from numbers import Integral, Real
from typing import NamedTuple

from sknets import modules, training
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


CALIBRATE = parameter(
    """calibrate : bool, int or 'split', default=False
    Whether held-out rows tell how sure predictions are{calibrated}. True: `X_val`, else 5 folds
    (networks besides) below 1,000 rows, `validation_fraction` beyond ('split'). Or a number of folds.""",
    ["boolean", Interval(Integral, 2, None, closed="left"), StrOptions({"split"})],
    annotation="bool | int | str",
)

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
            """loss : {'log_loss'} or callable, default='log_loss'
            The cross-entropy, or a function ``loss(raw, target)`` that returns the loss of each row, of
            shape (n_rows,). `target` is 0 or 1 for each logit of two classes or several labels, and the
            number of the class where there are more.""",
            [StrOptions({"log_loss"}), callable],
            annotation="str | Callable",
        ),
        parameter(
            """label_smoothing : float, default=0.0
            Share of each target, in [0, 1), that is spread evenly over all classes.""",
            [Interval(Real, 0, 1, closed="left")],
        ),
        CALIBRATE,
    ),
    attributes=(
        attribute(
            """classes_ : ndarray of shape (n_classes,)
            Class labels, or the numbers of the labels for a multilabel y."""
        ),
        attribute(
            """temperature_ : float
            What raw outputs are divided by before they become probabilities. Only with `calibrate`."""
        ),
    ),
    words={
        "watched": "the accuracy",
        "calibrated": ": the temperature of probabilities, and `predict_set`",
        "outputs": listed(
            (training.SoftmaxCrossEntropy.output, training.BinaryCrossEntropy.output), " or "
        ),
        "of_y": "",
        "in_units": "",
    },
)

#: The losses that outliers pull with a bounded force.
ROBUST = [name for name, loss in training.LOSSES.items() if loss.scaling == "median"]

NUMBERS = Task(
    first=(
        parameter(
            f"""loss : {one_of(training.LOSSES)} or callable, default='squared_error'
            Loss; squares and deviances are halved. "gaussian" learns deviations of y, too; "poisson" has
            an exponential output (``y >= 0``). A function ``loss(raw, target)`` returns losses of shape
            (n_rows,); its target has mean 0 and deviation 1.""",
            [StrOptions(set(training.LOSSES)), callable],
            annotation="str | Callable",
        ),
    ),
    further=(
        parameter(
            """quantile : float or array-like of float, default=0.5
            Quantile, between 0 and 1, that ``loss='quantile'`` predicts; or several, in increasing
            order, which do not cross: predictions have a column for each. `score` is then D².""",
            [Interval(Real, 0, 1, closed="neither"), "array-like"],
            annotation="float | Sequence[float]",
        ),
        parameter(
            """huber_delta : float, default=1.35
            Residual beyond which ``loss='huber'`` is linear, in spreads of y: its standard deviation if
            y is normal, and hardly more with a few outliers.""",
            [Interval(Real, 0, None, closed="neither")],
        ),
        CALIBRATE,
    ),
    attributes=(),
    words={
        "calibrated": ": `predict_interval`",
        "watched": f"""R² (for {listed(ROBUST)} the validation loss, which outliers do not decide)""",
        "outputs": listed(dict.fromkeys(loss.output for loss in training.LOSSES.values()), ", ")
        + f", or {modules.QuantilesOutput.name!r} for several quantiles",
        "of_y": ", of the standardised y",
        "in_units": "; the last one in units of y",
    },
)
