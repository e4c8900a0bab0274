"""From raw outputs to what `predict` and `predict_proba` answer, as nodes.

Raw outputs have the shape (n, n_outputs) or (n, n_timesteps, n_outputs), and one axis more in front where
there are those of several networks.
"""

import math
from typing import NamedTuple

import numpy as np

from sknets import modules

# --- classes --------------------------------------------------------------------------------------


def write_classes(graph, target, raw, *, is_several, temperature):
    """Write labels and probabilities of a target of classes or labels.

    Parameters
    ----------
    graph : Graph
        Where to.
    target : ClassTarget or LabelTarget
        What y is.
    raw : str
        Raw outputs.
    is_several : bool
        Whether they are those of several networks.
    temperature : float or None
        What raw outputs are divided by before they become probabilities.

    Returns
    -------
    label, probabilities : str
    """
    is_labels = not hasattr(target, "is_softmax")
    is_softmax = not is_labels and target.is_softmax
    if is_several:
        raw = (_pool_softmax if is_softmax else _pool_logistic)(graph, raw)
    if temperature is not None:
        raw = graph.add("Mul", raw, 1.0 / temperature)
    if is_softmax:
        shares = graph.add("Softmax", raw, axis=-1)
    elif is_labels:
        shares = graph.add("Sigmoid", raw)
        return graph.cast(graph.add("Greater", shares, 0.5), np.int64), shares
    elif len(target.classes) == 1:
        shares = graph.add("Exp", graph.add("Mul", raw, 0.0))
    else:
        both = [graph.add("Neg", raw), raw]
        shares = graph.add("Sigmoid", graph.concat(both, -1))
    places = graph.add("ArgMax", shares, axis=-1, keepdims=0)
    return graph.add("Gather", label_values(target.classes), places, axis=0), shares


def label_values(classes):
    """Return classes as a graph holds them: whole numbers, floats or strings.

    Raises
    ------
    TypeError
        If they are neither.
    """
    kind = classes.dtype.kind
    if kind in "biu":
        return classes.astype(np.int64)
    if kind == "f":
        is_whole = np.array_equal(classes, np.round(classes))
        return classes.astype(np.int64 if is_whole else np.float32)
    if all(isinstance(label, str) for label in classes):
        return classes.astype(str)
    kinds = sorted({type(label).__name__ for label in classes})
    raise TypeError(
        f"The classes are of {' and '.join(kinds)}; labels of a graph are whole numbers or strings. Fit "
        "with y as strings: y.astype(str)."
    )


def _pool_softmax(graph, raws):
    logs = graph.add("LogSoftmax", raws, axis=-1)
    return graph.reduce("LogSumExp", logs, 0)


def _pool_logistic(graph, raws):
    yes, no = graph.log_sigmoid(raws), graph.log_sigmoid(graph.add("Neg", raws))
    return graph.add("Sub", graph.reduce("LogSumExp", yes, 0), graph.reduce("LogSumExp", no, 0))


# --- numbers --------------------------------------------------------------------------------------


class Numbers(NamedTuple):
    """What networks say of numbers, in the units of y.

    Attributes
    ----------
    values : str
        Predictions.
    std : str or None
        Standard deviations: of y, or of what several networks predict.
    is_of_y : bool
        Whether they are those of y.
    """

    values: str
    std: str | None
    is_of_y: bool


def write_numbers(graph, target, raw, *, is_several, needs_std=True):
    """Write predictions of a target of numbers, and deviations where there are some.

    Parameters
    ----------
    graph : Graph
        Where to; float64 is needed where `target.output.needs_double`.
    target : NumberTarget
        What y is.
    raw : str
        Raw outputs.
    is_several : bool
        Whether they are those of several networks.
    needs_std : bool, default=True
        Whether somebody asks for deviations.
    """
    output = target.output
    if isinstance(output, modules.GaussianOutput):
        return _write_gaussian(graph, output, raw, is_several, needs_std)
    if isinstance(output, modules.ExpOutput):
        raw = graph.add("Exp", raw)
    elif isinstance(output, modules.QuantilesOutput):
        raw = _write_ordered(graph, output.ordered, raw)
    if not is_several:
        return Numbers(_scaled(graph, output, raw), None, False)
    mean = graph.reduce("Mean", raw, 0)
    std = _spread(graph, output, raw, mean) if needs_std else None
    return Numbers(_scaled(graph, output, mean), std, False)


def _scaled(graph, output, values):
    """Return values in the units of y; an output whose scale is 0 is what it always was."""
    scale = output.scale.numpy()
    if (scale == 0).any():
        values = graph.add("Where", scale > 0, values, 0.0)
    return graph.affine(values, scale, output.shift.numpy())


def _spread(graph, output, values, mean):
    """Return the standard deviation of what several networks say, in the units of y."""
    difference = graph.add("Sub", values, mean)
    variance = graph.reduce("Mean", graph.add("Mul", difference, difference), 0)
    return graph.add("Mul", graph.add("Sqrt", variance), output.scale.numpy())


def _write_gaussian(graph, output, raw, is_several, needs_std):
    n_outputs = len(output.scale)
    mean = means = graph.slice(raw, -1, 0, n_outputs)
    if is_several:
        mean = graph.reduce("Mean", means, 0)
    if not needs_std:
        return Numbers(_scaled(graph, output, mean), None, True)
    deviation = graph.slice(raw, -1, n_outputs)
    unit = math.log(math.e - 1.0)  # whose softplus is one
    deviation = graph.add("Softplus", graph.add("Add", deviation, unit))
    deviation = graph.add("Add", deviation, output.least)
    if is_several:  # of a mixture: the mean variance, and the variance of the means
        difference = graph.add("Sub", means, mean)
        squares = (graph.add("Mul", part, part) for part in (deviation, difference))
        variance = graph.reduce("Mean", graph.add("Add", *squares), 0)
        deviation = graph.add("Sqrt", variance)
    std = graph.add("Mul", deviation, output.scale.numpy())
    return Numbers(_scaled(graph, output, mean), std, True)


def _write_ordered(graph, ordered, raw):
    """Write quantiles: one of them, and sums of distances from it."""
    start, n_levels = ordered.start, len(ordered.offsets)
    values = graph.add("Add", raw, np.array(ordered.offsets))
    first = graph.slice(values, -1, start, start + 1)
    sums = np.zeros((n_levels, n_levels))  # of each distance (row), how it counts in each quantile
    for gap in range(n_levels):
        if gap < start:
            sums[gap, : gap + 1] = -1.0
        elif gap > start:
            sums[gap, gap:] = 1.0
    return graph.add("Add", first, graph.add("MatMul", graph.add("Softplus", values), sums))
