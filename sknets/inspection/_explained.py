"""Which raw output of each row an explanation is about."""

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
    given = np.asarray(target)
    if given.ndim > 1 or (given.ndim == 1 and len(given) != n):
        raise ValueError(
            f"target has shape {given.shape}; give one label, or an array with one for each of the "
            f"{n} rows."
        )
    unknown = sorted(set(np.unique(given).tolist()) - set(choices.tolist()))
    if unknown:
        raise ValueError(f"target has {unknown}, which are not among {choices.tolist()}.")
    numbers = {label: number for number, label in enumerate(choices.tolist())}
    labels = np.broadcast_to(given, n).tolist()
    return np.array([numbers[label] for label in labels], dtype=np.int64)


def explain(opened, target, attribute):
    """Return a heat map of each row of X.

    Parameters
    ----------
    opened : OpenedImageNetwork
        The network, and X.
    target : object
        As in `explained_outputs`.
    attribute : callable
        ``attribute(images, columns, signs) -> values`` explains ``signs * raw[:, columns]``, in shape
        (n, channels, *size); the signs come in shape (n, 1, ...).

    Returns
    -------
    ndarray of shape (n, *size)
        Summed over the channels.
    """
    with opened.threads():
        with torch.no_grad():
            raw = torch.cat([opened.module.from_images(images) for _, images in opened.blocks()])
        columns, signs = explained_outputs(opened, target, raw)
        maps = []
        for rows, images in opened.blocks():
            each = (-1, *[1] * (images.ndim - 1))
            values = attribute(images.requires_grad_(), columns[rows], signs[rows].view(each))
            maps.append(opened.as_heatmap(values.detach()))
    return np.concatenate(maps)
