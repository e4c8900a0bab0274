"""Tables as they come, and populations of networks, as nodes."""

import numpy as np

from sknets.graphs._intervals import write_hypot
from sknets.graphs._networks import networks_of, write_stacks
from sknets.modules import ExpOutput

#: What stands for a missing word: a graph knows no None.
MISSING_WORD = ""


# --- the encoder ----------------------------------------------------------------------------------


def check_encoder(encoder):
    """Raise ValueError if a column of a fitted encoder cannot be written, with its name."""
    for column, places in zip(_categories(encoder), encoder._places, strict=True):
        if column.holds_words is None:
            raise ValueError(
                f"Column {column.name!r} holds words beside numbers; a column of a graph has one type. "
                "Make it words, X.astype({...: str}), and fit again."
            )
        if MISSING_WORD in places[0] and places[1]:
            raise ValueError(
                f"Column {column.name!r} has an empty string as a category and missing values, too: a "
                "graph reads an empty string as missing. Give one of them a name, and fit again."
            )


def _categories(encoder):
    return [column for column in encoder._columns if column.is_category]


def write_encoder(graph, encoder, columns):
    """Write a `TableEncoder`; it computes in float64.

    Parameters
    ----------
    graph : Graph
        Where to.
    encoder : TableEncoder
        The fitted encoder.
    columns : list of str
        A value of shape (n, 1) for each column of X.

    Returns
    -------
    str
        Shape (n, n_outputs), in float64.
    """
    graph = graph.at(np.float64)
    by_kind = {True: [], False: []}
    for column, x in zip(encoder._columns, columns, strict=True):
        by_kind[column.is_category].append(x)
    parts = []
    if by_kind[False]:
        numbers = graph.concat([graph.cast(x) for x in by_kind[False]], 1)
        parts += _write_numbers(graph, encoder, numbers)
    for column, x, places in zip(_categories(encoder), by_kind[True], encoder._places, strict=True):
        parts += _write_category(graph, column, x, *places)
    if parts:
        return graph.concat(parts, 1)
    return graph.add("Mul", graph.cast(graph.add("IsNaN", graph.cast(columns[0]))), 0.0)


def _write_numbers(graph, encoder, x):
    """Write numbers about their centre, far ones drawn in, and where they are missing."""
    differs, has_missing = np.flatnonzero(encoder._differs), np.flatnonzero(encoder._has_missing)
    parts = []
    if len(differs):
        own = graph.take(x, differs, 1)
        centred = graph.add("Sub", graph.add("Mul", own, 0.25), encoder._centre[differs])
        scaled = graph.add("Div", centred, encoder._scale[differs])
        # beyond 1e6, where x / √(1 + (x / 10)²) is 10, squares need not be computed
        scaled = graph.add("Clip", scaled, -1e6, 1e6)
        tenth = graph.add("Mul", scaled, 0.1)
        root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", tenth, tenth), 1.0))
        drawn_in = graph.add("Div", scaled, root)
        parts.append(graph.add("Where", graph.add("IsNaN", own), 0.0, drawn_in))
    if len(has_missing):
        parts.append(graph.cast(graph.add("IsNaN", graph.take(x, has_missing, 1))))
    return parts


def _write_category(graph, column, x, places, has_missing, has_rare):
    """Write a category as zeros and ones."""
    if len(places) + has_missing + has_rare < 2:
        return []
    write = _write_words if column.holds_words is not False else _write_numbered
    code = write(graph, x, places)
    kept = [*[0] * has_rare, *[1] * has_missing, *places.values()]
    return [graph.cast(graph.add("Equal", code, np.array([kept])))]


def _write_words(graph, x, places):
    """Return the place of each word, 0 if it is not known, 1 if it is missing."""
    known = {MISSING_WORD: 1, **places}
    return graph.add(
        "LabelEncoder",
        x,
        domain="ai.onnx.ml",
        keys_strings=list(known),
        values_int64s=list(known.values()),
        default_int64=0,
    )


def _write_numbered(graph, x, places):
    """Return the place of each number, 0 if it is not known, 1 if it is missing."""
    graph = graph.at(np.float32)  # in which numbers may have come
    x = graph.cast(x)
    keys, values = np.array([[float(key) for key in places]]), np.array(list(places.values()))
    is_key = graph.cast(graph.add("Equal", x, keys), np.int64)
    code = graph.reduce("Sum", graph.add("Mul", is_key, values), 1, keepdims=True)
    return graph.add("Where", graph.add("IsNaN", x), 1, code)


# --- the population -------------------------------------------------------------------------------


def write_regressor(graph, estimator, columns, coverage, *, has_std):
    """Write a `TabularRegressor`.

    Returns
    -------
    list of str
        Predictions, deviations if `has_std`, lower and upper ends if there is a coverage.
    """
    encoded, weights = write_encoder(graph, estimator._encoder, columns), estimator._weights
    graph = graph.at(np.float64)
    of_candidates = [
        _write_numbers_of(graph, candidate, encoded, estimator.dtype)
        for candidate, weight in zip(estimator._candidates, weights, strict=True)
        if weight > 0
    ]
    each = join_candidates(graph, of_candidates)  # (n_candidates, n_folds, n, 1)
    used = weights[weights > 0].reshape(-1, 1, 1, 1)
    by_fold = graph.reduce("Sum", graph.add("Mul", each, used), 0)
    mean = graph.reduce("Mean", by_fold, 0)
    if coverage is None and not has_std:
        return [mean]
    unit = float(estimator._unit)
    difference = graph.add("Mul", graph.add("Sub", each, by_fold), 1.0 / unit)
    squares = graph.add("Mul", graph.add("Mul", difference, difference), used)
    spread = graph.add("Sqrt", graph.reduce("Mean", graph.reduce("Sum", squares, 0), 0))
    answer = [mean]
    if has_std:
        answer.append(graph.add("Mul", spread, unit))
    if coverage is not None:
        half = _write_half_width(graph, estimator, mean, spread, coverage)
        lower, upper = graph.add("Sub", mean, half), graph.add("Add", mean, half)
        lower = graph.add("Max", lower, 0.0) if estimator.loss == "poisson" else lower
        answer += [lower, upper]
    return answer


def join_candidates(graph, values):
    """Return values of several candidates with an axis in front, of one too."""
    return graph.concat([graph.unsqueeze(value, 0) for value in values], 0)


def _write_numbers_of(graph, candidate, encoded, dtype):
    """Write what each network of a candidate predicts: (n_folds, n, 1)."""
    raw = _write_members(graph, candidate.members, encoded, dtype)
    outputs = [member._learned.target.output for member in candidate.members]
    if isinstance(outputs[0], ExpOutput):
        raw = graph.add("Exp", raw)
    scale, shift = (
        np.stack([getattr(output, name).numpy() for output in outputs])[:, None]
        for name in ("scale", "shift")
    )
    if (scale == 0).any():
        raw = graph.add("Where", scale > 0, raw, 0.0)
    return graph.affine(raw, scale, shift)


def _write_members(graph, members, encoded, dtype):
    """Write raw outputs of networks: (n_networks, n, n_outputs)."""
    stacks = [networks_of(member)[0] for member in members]
    inner = graph.at(dtype)
    raw = graph.cast(write_stacks(inner, stacks, inner.cast(encoded)))
    return raw if len(stacks) > 1 else graph.unsqueeze(raw, 0)


def _write_half_width(graph, estimator, mean, spread, coverage):
    """Write half of the width of intervals, as `Intervals.half_widths` has it."""
    intervals, unit = estimator._intervals, float(estimator._unit)
    quantile, share, power = intervals.checked_plan(coverage)
    half = write_hypot(graph, spread, unit * quantile, intervals.typical, share)
    places, levels = intervals.levels
    if power == 0.0 or len(places) == 1:
        factor = 1.0 if power == 0.0 else float(levels[0]) ** power
        return graph.add("Mul", half, factor)
    # linear between places: a sum of ramps, each of which rises from one to the next
    begins, gaps = places[:-1], np.diff(places)
    ramps = graph.add("Sub", graph.add("Mul", mean, 1.0 / unit), begins)
    ramps = graph.add("Clip", graph.add("Div", ramps, np.maximum(gaps, 1e-12)), 0.0, 1.0)
    level = graph.add("MatMul", ramps, np.diff(levels)[:, None])
    level = graph.add("Add", level, float(levels[0]))
    return graph.add("Mul", half, graph.add("Pow", level, power))


def write_shares(graph, estimator, columns):
    """Write the probabilities of a `TabularClassifier`: (n, n_classes)."""
    encoded = write_encoder(graph, estimator._encoder, columns)
    graph, parts = graph.at(np.float64), []
    for candidate, weight in zip(estimator._candidates, estimator._weights, strict=True):
        if weight > 0:
            shares = _write_shares_of(
                graph, candidate, encoded, len(estimator.classes_), estimator.dtype
            )
            parts.append(graph.add("Mul", shares, float(weight)))
    mean = parts[0] if len(parts) == 1 else graph.add("Sum", *parts)
    logs = graph.add("Log", graph.add("Clip", mean, 1e-12, np.inf))
    return graph.add("Softmax", graph.add("Mul", logs, 1.0 / estimator.temperature_), axis=-1)


def _write_shares_of(graph, candidate, encoded, n_classes, dtype):
    """Write the mean of what the networks of a candidate say of all classes: (n, n_classes)."""
    of_members = [member._learned.target for member in candidate.members]
    if all(len(target.classes) == n_classes for target in of_members):
        raw = _write_members(graph, candidate.members, encoded, dtype)
        return graph.reduce("Mean", _shares(graph, of_members[0], raw), 0)
    parts = []
    for member, target in zip(candidate.members, of_members, strict=True):
        raw = graph.squeeze(_write_members(graph, [member], encoded, dtype), 0)
        wide = np.eye(n_classes)[target.classes]  # classes are positions
        parts.append(graph.add("MatMul", _shares(graph, target, raw), wide))
    return graph.add("Mul", graph.add("Sum", *parts), 1.0 / len(parts))


def _shares(graph, target, raw):
    if target.is_softmax:
        return graph.add("Softmax", raw, axis=-1)
    if len(target.classes) == 1:
        return graph.add("Exp", graph.add("Mul", raw, 0.0))
    return graph.add("Sigmoid", graph.concat([graph.add("Neg", raw), raw], -1))
