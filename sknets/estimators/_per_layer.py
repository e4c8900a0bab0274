"""Parameters that are given once for all layers, or once for each."""

from numbers import Integral

import numpy as np


def read_sizes(name, value, what):
    """Return the whole numbers of `value` (units, channels), a number or a sequence, as a list.

    Raises
    ------
    ValueError
        If one is no whole number, or below 1.
    """
    sizes = list(value) if hasattr(value, "__iter__") else [value]
    if isinstance(value, set | dict) or not all(_is_number(size) for size in sizes):
        raise ValueError(
            f"{name}={value!r} must be a whole number of {what}, or a list with one for each layer, such "
            "as [64, 32]."
        )
    if any(size <= 0 for size in sizes):
        raise ValueError(
            f"{name} must be > 0, got {sizes}. Give a whole number of {what} for each layer."
        )
    return [int(size) for size in sizes]


def per_layer(name, value, n_layers, kind):
    """Return `value`, which is given once or as a sequence with an entry per layer, as a list.

    Raises
    ------
    ValueError
        If a sequence has another length.
    """
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return [value] * n_layers
    if len(value) != n_layers:
        raise ValueError(
            f"{name}={value!r} has {len(value)} values for {n_layers} {kind} layers; give one "
            "value for all layers, or one for each."
        )
    return list(value)


def read_names(name, value, n_layers, kind, allowed):
    """Return the names of `value`, which is given as to `per_layer`, as a list.

    Raises
    ------
    ValueError
        If one is not allowed.
    """
    names = per_layer(name, value, n_layers, kind)
    unknown = [entry for entry in names if entry not in allowed]
    if unknown:
        raise ValueError(
            f"{name}={value!r} has the unknown {unknown}; choose from {sorted(allowed, key=str)}."
        )
    return names


def read_activations(value, n_layers, kind, allowed):
    """Return the activations of `value`, which is given as to `per_layer`, as a list.

    Each is one of the allowed names, a function of a tensor, or a module or its class.

    Raises
    ------
    ValueError
        If one is none of these.
    """
    if callable(value):  # a Sequential, say, is one activation, though it can be gone through
        return [value] * n_layers
    entries = per_layer("activation", value, n_layers, kind)
    unknown = [
        entry
        for entry in entries
        if not (entry in allowed if isinstance(entry, str) else callable(entry))
    ]
    if unknown:
        raise ValueError(
            f"activation={value!r} has the unknown {unknown}; choose from {sorted(allowed)}, or give a "
            "function of a tensor, or a torch.nn.Module or its class."
        )
    return entries


def per_axis(name, value, n_layers, n_dims, *, least=1):
    """Return one tuple per layer with a whole number per spatial dimension.

    ``3`` is 3 everywhere, a list gives one entry per layer, and a tuple inside it (or a tuple on its own
    with `n_dims` numbers, where there is no other reading) one number per dimension.

    Raises
    ------
    ValueError
        If something does not fit, or is no whole number of at least `least`.
    """
    is_one_tuple = isinstance(value, tuple) and len(value) == n_dims > 1
    if isinstance(value, tuple) and not is_one_tuple and len(value) != n_layers:
        raise ValueError(
            f"{name}={value!r} has {len(value)} values, but there are {n_dims} spatial dimensions and "
            f"{n_layers} conv layers; give one value for all, a tuple with one for each dimension, or a "
            "list with an entry for each layer."
        )
    layers = [value] * n_layers if is_one_tuple else per_layer(name, value, n_layers, "conv")
    if any(not _is_number(layer) and not isinstance(layer, tuple | list) for layer in layers):
        raise ValueError(
            f"{name}={value!r} must hold whole numbers, or tuples with one per spatial dimension."
        )
    sizes = [
        tuple(np.broadcast_to(layer, n_dims).tolist()) if _is_number(layer) else tuple(layer)
        for layer in layers
    ]
    for size in sizes:
        if len(size) != n_dims:
            raise ValueError(
                f"{name}={value!r} must have {n_dims} numbers per layer, one per spatial dimension."
            )
        if any(not _is_number(n) or n < least for n in size):
            raise ValueError(f"{name}={value!r} must hold whole numbers of at least {least}.")
    return [tuple(int(n) for n in size) for size in sizes]


def _is_number(value):
    return isinstance(value, Integral) and not isinstance(value, bool)
