"""Which raw output of each row an explanation is about."""

from collections.abc import Hashable

import numpy as np
import torch

from sknets.targets import ClassTarget


def explained_outputs(opened, target, raw):
    """Return the column of the raw outputs that explains a target, and its sign, for each row.

    Two classes share one output z, which speaks for the second class; -z speaks for the first.

    Parameters
    ----------
    opened : OpenedNetwork
        The network.
    target : object
        None, a label (number of an output), or an array with one for each row.
    raw : torch.Tensor of shape (n, n_outputs)
        Raw outputs of the rows.

    Returns
    -------
    columns : torch.Tensor of shape (n,)
    signs : torch.Tensor of shape (n,)

    Raises
    ------
    ValueError
        If the target is unknown, or must be given.
    """
    if opened.target.is_ordered:
        raise ValueError(
            "The network's outputs are distances between quantiles, as quantile=[...] asks for; explain "
            "one that is fitted with a single quantile."
        )
    n, n_outputs = raw.shape
    if opened.target.has_std:
        n_outputs //= 2  # the means
    has_classes = isinstance(opened.target, ClassTarget)
    choices = opened.target.classes if has_classes else np.arange(n_outputs)
    if target is None:
        if has_classes:
            number = raw.argmax(dim=1) if n_outputs > 1 else (raw[:, 0] > 0).long()
            number = number.clamp(max=len(choices) - 1)  # a fit may have seen a single class
        elif n_outputs == 1:
            number = torch.zeros(n, dtype=torch.long)
        else:
            raise ValueError(
                f"target=None is ambiguous: the network has {n_outputs} outputs. Give the number of "
                f"one, from 0 to {n_outputs - 1}."
            )
    else:
        number = torch.from_numpy(_numbers(target, choices, n))
    number = number.to(raw.device)
    if not has_classes or n_outputs > 1:
        return number, torch.ones_like(number, dtype=raw.dtype)
    # one logit: of the second class of two, or of the only one
    signs = (2.0 * number - 1 if len(choices) == 2 else torch.ones(n)).to(raw)
    return torch.zeros_like(number), signs


def _numbers(target, choices, n):
    try:
        given = np.asarray(target)
    except ValueError:  # lists of unequal length
        given = np.empty((0, 0))
    if given.ndim > 1 or (given.ndim == 1 and len(given) != n):
        raise ValueError(
            f"target has shape {given.shape}; give one label, or an array with one for each of the "
            f"{n} rows."
        )
    numbers = {label: number for number, label in enumerate(choices.tolist())}
    labels = np.broadcast_to(given, n).tolist()
    unknown = [label for label in labels if not isinstance(label, Hashable) or label not in numbers]
    if unknown:
        first = sorted({repr(label) for label in unknown})[:10]
        raise ValueError(
            f"target has [{', '.join(first)}], which are not among {choices.tolist()}."
        )
    return np.array([numbers[label] for label in labels], dtype=np.int64)


def explain(opened, target, attribute, *, is_difference=False):
    """Return what each value of X has to do with an output of its row.

    Parameters
    ----------
    opened : OpenedImageNetwork, OpenedSequences or OpenedTable
        The network, and X.
    target : object
        As in `explained_outputs`.
    attribute : callable
        ``attribute(rows, values, columns, signs, *context) -> values`` explains
        ``signs * raw[:, columns]`` by the values of a slice of the rows, in their shape. The signs come
        in shape (n, 1, ...). The context is what else the opened network's `raw` takes.
    is_difference : bool, default=False
        Whether attributions are differences of raw outputs, and so can be told in units of y.

    Returns
    -------
    ndarray, or object array of ndarray
        As the network arranges them (`as_attributions`).
    """
    output, unit = opened.target.output, None
    with opened.threads():
        with torch.no_grad():
            raw = torch.cat([opened.raw(*inputs) for _, *inputs in opened.blocks()])
        columns, signs = explained_outputs(opened, target, raw)
        if is_difference and output.name in ("identity", "gaussian"):
            unit = output.scale[columns.cpu()]
        parts = []
        for rows, values, *context in opened.blocks():
            each = (-1, *[1] * (values.ndim - 1))
            values = values.requires_grad_()
            part = attribute(rows, values, columns[rows], signs[rows].view(each), *context).detach()
            parts.append(part if unit is None else part.cpu() * unit[rows].view(each))
    return opened.as_attributions(parts)
