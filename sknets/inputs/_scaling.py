"""What is done to X inside a network: the parameter `input_scaling`."""

import numpy as np
import torch

#: A smaller standard deviation may have lost digits, for squares of about 1e-308 do. One that is smaller
#: than the rounding of its mean counts as 0, whatever it is.
_LEAST_DEVIATION = 1e-140

#: Standard deviations over which X can hardly spread, or can hardly not.
_WIDE, _NARROW = 200, 0.1


def read_scaling(scaling, n_columns, what):
    """Return the mean and the standard deviation of each column that the user gives, or 0 and 1.

    Parameters
    ----------
    scaling : (float or sequence, float or sequence) or None
        The parameter `input_scaling`, in units of X.
    n_columns : int
        Number of channels or features.
    what : str
        What a column is called.

    Raises
    ------
    ValueError
        If there are other numbers than one, or one for each column, or a deviation is not positive.
    """
    if scaling is None:
        scaling = (0.0, 1.0)
    if len(scaling) != 2:
        raise ValueError(
            f"input_scaling={scaling!r} must be 'standardize', None or a pair (mean, std)."
        )
    try:
        mean, deviation = (np.array(np.broadcast_to(v, n_columns), dtype=float) for v in scaling)
    except ValueError as error:
        raise ValueError(
            f"input_scaling={scaling!r} must have one mean and std, or one for each of the "
            f"{n_columns} {what}."
        ) from error
    if not (np.isfinite(mean).all() and np.isfinite(deviation).all() and (deviation > 0).all()):
        raise ValueError(f"input_scaling={scaling!r} needs finite means and std > 0.")
    return mean, deviation


def doubt_scaling(scaling, mean, deviation, lowest, highest):
    """Return words about a scaling that is in other units than X seems to be in, or None.

    Parameters
    ----------
    scaling : (float or sequence, float or sequence) or None
        The parameter `input_scaling`.
    mean, deviation : ndarray of shape (n_columns,)
        What it says of each column.
    lowest, highest : float or ndarray of shape (n_columns,)
        Range of X.
    """
    if scaling is None or not np.any(mean):  # a mere unit
        return None
    with np.errstate(over="ignore"):
        spread = (highest - lowest) / deviation
    if not (spread > _WIDE).all() and not ((spread < _NARROW) & (spread > 0)).all():
        return None
    return (
        f"input_scaling={scaling!r} is a mean and a standard deviation in units of X, whose values lie "
        f"between {np.min(lowest):.3g} and {np.max(highest):.3g}. For pixels from 0 to 255, "
        "multiply those of the unit range by 255."
    )


def plain_scaling(scaling):
    """Return the parameter `input_scaling` in plain values, which can be compared."""
    if scaling is None or isinstance(scaling, str):
        return scaling
    try:
        return tuple(np.asarray(part, dtype=float).tolist() for part in scaling)
    except (TypeError, ValueError):
        return scaling  # for `read_scaling` to refuse


def mean_and_deviation(average, reach):
    """Return the mean and standard deviation of each column; 1 for one that does not vary.

    Parameters
    ----------
    average : callable
        ``average(function)`` is the mean of a function of X over the training data, by column.
    reach : callable
        ``reach()`` is the largest absolute value of each column. It is asked where sums or squares leave
        what float64 holds: they are then formed in units of it.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mean = average(lambda block: block)
        deviation = np.sqrt(average(lambda block: (block - mean) ** 2))
    unit, eps = 1.0, np.finfo(np.float64).eps
    is_tiny = (deviation <= _LEAST_DEVIATION) & (eps * np.abs(mean) <= _LEAST_DEVIATION)
    is_lost = ~np.isfinite(deviation) | is_tiny
    reaches = np.where(is_lost, reach(), 0.0) if is_lost.any() else 0.0
    if np.any(reaches):  # else these columns are 0
        unit = _powers_of_two(reaches)
        mean = average(lambda block: block / unit)
        deviation = np.sqrt(average(lambda block: (block / unit - mean) ** 2))
    is_constant = deviation <= 10 * eps * np.abs(mean)
    return mean * unit, np.where(is_constant, 1.0, deviation * unit)


def _powers_of_two(values):
    """Return the power of two below each value, division by which costs no digits; 1 for 0."""
    _, exponent = np.frexp(values)
    return np.where(values > 0, np.ldexp(1.0, exponent - 1), 1.0)


def standardize(layer, mean, deviation, name):
    """Hand the scaling of each column to a layer, whose type must be able to hold it.

    Parameters
    ----------
    layer : torch.nn.Module
        Has `standardize_by` and a buffer `scale`.
    mean, deviation : ndarray of shape (n_columns,)
        What is subtracted, and what it is then divided by.
    name : str
        What the numbers are of, for the error.
    """
    type_ = torch.finfo(layer.scale.dtype)
    most, least = np.abs([mean, deviation]).max(), deviation.min()
    if most > type_.max or least < type_.tiny:
        raise ValueError(
            f"{name} has means of up to {np.abs(mean).max():.3g} and standard deviations of {least:.3g} "
            f"to {deviation.max():.3g}, which {type_.dtype} cannot hold. Set dtype='float64', or bring X "
            "into other units."
        )
    layer.standardize_by(mean, deviation)
