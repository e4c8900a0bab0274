"""Intervals and sets of classes as nodes."""

import numpy as np
from scipy.special import ndtri

from sknets.uncertainty import HeldClasses, check_coverage, outer_levels


def write_interval(graph, estimator, numbers, coverage):
    """Write the ends of intervals, as `predict_interval` answers them.

    Parameters
    ----------
    graph : Graph
        Where to.
    estimator : BaseNet
        A fitted regressor.
    numbers : Numbers
        What it predicts.
    coverage : float
        The probability.

    Returns
    -------
    lower, upper : str
        Shape (n, n_outputs).
    """
    target, calibration = estimator._learned.target, vars(estimator).get("_calibration")
    if calibration is not None:
        return _write_conformal(graph, target, calibration, numbers, coverage)
    if target.has_std:
        distance = graph.add("Mul", numbers.std, float(ndtri(0.5 + coverage / 2)))
        return graph.add("Sub", numbers.values, distance), graph.add(
            "Add", numbers.values, distance
        )
    below, above = outer_levels(target.levels, coverage)
    return tuple(graph.slice(numbers.values, 1, place, place + 1) for place in (below, above))


def _write_conformal(graph, target, calibration, numbers, coverage):
    held, ends = calibration.held, []
    held.check(coverage)
    std = write_deviation(graph, calibration, numbers)
    for output in range(held.y.shape[1]):
        reach = held.reach(output, coverage)
        low, high = (
            graph.slice(numbers.values, 1, place, place + 1) for place in (reach.below, reach.above)
        )
        distance = _write_distance(graph, reach, std)
        half = graph.add("Mul", graph.add("Sub", low, high), 0.5)
        distance = graph.add("Max", distance, half)  # ends that are drawn in may meet, but not pass
        ends.append((graph.add("Sub", low, distance), graph.add("Add", high, distance)))
    lower, upper = (graph.concat(list(parts), 1) for parts in zip(*ends, strict=True))
    lowest = target.task.kind.lowest_y
    if np.isfinite(lowest):
        lower, upper = (graph.add("Max", end, float(lowest)) for end in (lower, upper))
    return lower, upper


def _write_distance(graph, reach, std):
    """Write a quantile of errors, in units of each row."""
    if reach.kind == "one":
        return graph.constant(np.array([[float(reach.quantile * reach.scale)]]))
    std = graph.slice(std, 1, reach.std, reach.std + 1)
    if reach.kind == "deviation":
        unit = graph.add("Where", graph.add("Greater", std, 0.0), std, 1.0)
        return graph.add("Mul", unit, float(reach.quantile))
    return write_hypot(
        graph, std, reach.quantile * reach.scale, reach.typical, reach.share / reach.scale
    )


def write_hypot(graph, spread, factor, typical, share):
    """Write factor * hypot(typical, share * spread)."""
    spread = graph.add("Mul", spread, float(share))
    squares = graph.add("Add", graph.add("Mul", spread, spread), float(typical) ** 2)
    return graph.add("Mul", graph.add("Sqrt", squares), float(factor))


def write_deviation(graph, calibration, numbers):
    """Write standard deviations as large as held-out rows say they are."""
    if numbers.std is None or not numbers.is_of_y or calibration is None:
        return numbers.std
    return graph.add("Mul", numbers.std, np.asarray(calibration.scale))


def check_interval(estimator, coverage):
    """Raise ValueError if an estimator has no intervals, in its own words."""
    check_coverage(coverage)
    target = estimator._learned.target
    if estimator._outputs.kind != "single":
        raise ValueError(
            f"coverage={coverage}: intervals are for one output of each row, and output="
            f"{estimator._outputs.kind!r} has a sequence of them. Leave coverage out."
        )
    if "_calibration" in vars(estimator) or target.has_std:
        return
    if not target.is_ordered:
        raise ValueError(
            f"coverage={coverage} needs rows that were held out: fit with calibrate=True, "
            "loss='gaussian' or several quantiles."
        )
    places = list(outer_levels(target.levels, coverage))
    tails = np.array([(1 - coverage) / 2, (1 + coverage) / 2])
    if np.abs(np.array(target.levels)[places] - tails).max() > 1e-9:
        raise ValueError(
            f"coverage={coverage} lies between the quantiles {tails[0]:g} and {tails[1]:g}, but "
            f"quantile={list(target.levels)}: add them, or fit with calibrate=True."
        )


def least_probability(estimator, coverage):
    """Return the probability from which on a class is in the set of a row, as `predict_set` has it."""
    check_coverage(coverage)
    calibration = vars(estimator).get("_calibration")
    if calibration is None or not isinstance(calibration.held, HeldClasses):
        raise ValueError(
            f"coverage={coverage} asks for sets of classes: fit {type(estimator).__name__} with "
            "calibrate=True, and with one class per row."
        )
    return 1.0 - calibration.held.most_unlikely(calibration.scale, coverage)
